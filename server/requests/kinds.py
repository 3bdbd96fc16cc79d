"""The forms: which fields each kind of request has, and what a filled-in one must hold. Their words stand in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import phonenumbers

from server.errors import BadInput

MOST: Final = 600
REGION: Final = "US"


@dataclass(frozen=True)
class Field:
    """One field of a form. A field with choices takes one of them; a `phone` is kept apart, sealed."""

    name: str
    type: Literal["line", "text", "choice", "phone"] = "line"
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One form; `prefix` begins its tracking numbers."""

    prefix: str
    fields: tuple[Field, ...]


_YES_NO: Final = ("unknown", "yes", "no")

KINDS: Final[dict[str, Kind]] = {
    "damage_report": Kind(
        "DR",
        (
            Field("address", required=True),
            Field("what", "text", required=True),
            Field("building", "choice", choices=("home", "rental", "mobile_home", "business", "public", "street")),
            Field("livable", "choice", choices=_YES_NO),
            Field("power_out", "choice", choices=_YES_NO),
            Field("insured", "choice", choices=_YES_NO),
        ),
    ),
    "service_request": Kind(
        "SR",
        (
            Field(
                "category",
                "choice",
                required=True,
                choices=("street", "light_sign", "trash", "graffiti", "noise", "animal", "vehicle", "lot", "housing", "other"),
            ),
            Field("address", required=True),
            Field("what", "text", required=True),
            Field("since"),
        ),
    ),
    "callback": Kind(
        "CB",
        (
            Field("about", "text", required=True),
            Field("when", "choice", choices=("any", "morning", "afternoon", "evening")),
            Field("number", "phone"),
        ),
    ),
}
"""What a damage report asks follows what FEMA's preliminary damage assessments need of a home: where, what, whether it can be lived
in, power, insurance (https://www.fema.gov/disaster/how-declared/preliminary-damage-assessments)."""


@dataclass(frozen=True)
class Filled:
    """A form that holds what it must; `number` is the telephone number in E.164, when one was given."""

    fields: dict[str, str]
    number: str | None = None


def fill(kind: str, given: Mapping[str, str]) -> Filled:
    """Reads a form. Raises `BadInput`, naming the field, for one that is missing, too long or not among its choices."""
    if kind not in KINDS:
        raise BadInput("There is no such form.", words="desk_requests.no_form")
    fields: dict[str, str] = {}
    number: str | None = None
    for field in KINDS[kind].fields:
        value = given.get(field.name, "").replace("\x00", " ").strip()
        if field.required and not value:
            raise BadInput(f"Fill in: {field.name}.", words=f"desk_requests.missing_{field.name}")
        if len(value) > MOST:
            raise BadInput(f"Write at most {MOST} characters in a field.", words="desk_requests.too_long", most=MOST)
        if value and field.choices and value not in field.choices:
            raise BadInput("Choose one of the answers.", words="desk_requests.choose")
        if field.type == "phone":
            number = telephone(value) if value else None
        elif value:
            fields[field.name] = value
    return Filled(fields, number)


def telephone(text: str) -> str:
    """A number as people write it, in E.164. Raises `BadInput` when nobody could be called there."""
    try:
        parsed = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise BadInput("Write the number with its area code.", words="desk_requests.bad_number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
