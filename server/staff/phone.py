"""The telephone in which a staff member takes calls: kept sealed, shown by its last digits."""

from __future__ import annotations

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat
from sqlalchemy.orm import Session

from server.audit.service import record
from server.errors import BadInput
from server.identity.keys import Keys
from server.staff.people import find
from server.twilio.addresses import ten_digit


def normalised(text: str) -> str:
    """A US telephone number as +1 and ten digits, however it was typed. Raises `BadInput`.

    libphonenumber knows which numbers the North American Numbering Plan has assigned: 911, 555-0100 without an area code, and
    numbers of other countries are none."""
    refused = BadInput("Write a US phone number with its area code, such as 202-555-0123.", words="voice.bad_number")
    try:
        number = phonenumbers.parse(text.strip()[:40], "US")
    except NumberParseException as error:
        raise refused from error
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if number.extension or not phonenumbers.is_valid_number(number) or ten_digit(written) != written:
        raise refused
    return written


def set_phone(session: Session, *, name: str, typed: str, keys: Keys) -> None:
    """Keeps a person's telephone; nothing typed takes it away. Raises `BadInput` and changes nothing."""
    number = normalised(typed) if typed.strip() else None
    find(session, name=name).phone = keys.seal(number) if number else None
    record(session, actor=name, action="staff.phone", subject=name, detail={"set": number is not None})


def masked(sealed: str | None, keys: Keys) -> str:
    """The last four digits of a telephone; nothing when there is none."""
    return keys.open(sealed)[-4:] if sealed else ""
