"""What must be decided before real residents are served. Live mode refuses to start and names each gap."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from knowledge.library import Library
from server.settings import Settings
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS
from server.staff.second_factor import NEEDED_BY
from server.staff.service import count_users
from server.twilio.addresses import ten_digits

CITY_DECISIONS = {
    "psap_transfer": "the PSAP's 10-digit transfer numbers in the order to try them, or `none` (city value psap_transfer)",
    "text_to_911": "whether the 911 center takes texts (city value text_to_911)",
    "gas_phone": "the gas utility's emergency number (city value gas_phone)",
    "electric_phone": "the electric utility's number (city value electric_phone)",
    "water_phone": "the water utility's number (city value water_phone)",
}
CARDS = ("card.emergency", "card.gas", "card.carbon_monoxide", "card.wire", "card.suicide_now", "card.crisis_988", "card.unclear")


def gaps(*, settings: Settings, library: Library, session: Session) -> list[str]:
    """Every gap between this installation and live service, in words that name what to do."""
    found = []
    if len(settings.secret_key.get_secret_value()) < 32:
        found.append("SPILLWAY_SECRET_KEY: at least 32 random characters.")
    if not settings.public_url.startswith("https://"):
        found.append("SPILLWAY_PUBLIC_URL: the https:// address that Twilio and residents use.")
    if not settings.twilio_account_sid or not settings.twilio_auth_token.get_secret_value():
        found.append("SPILLWAY_TWILIO_ACCOUNT_SID and SPILLWAY_TWILIO_AUTH_TOKEN: the city's Twilio account.")
    if not (settings.twilio_number or settings.twilio_messaging_service_sid):
        found.append("SPILLWAY_TWILIO_NUMBER or SPILLWAY_TWILIO_MESSAGING_SERVICE_SID: what texts are sent from.")
    for key, what in CITY_DECISIONS.items():
        if library.city.get(key) in (None, ""):
            found.append(f"Not decided: {what}.")
    transfer = library.city.get("psap_transfer")
    if transfer not in (None, "", "none") and not ten_digits(transfer):
        found.append("psap_transfer: no 10-digit number in it. Give the numbers agreed with the 911 center, never 911, or `none`.")
    if count_users(session) < 2:
        found.append("Two staff accounts at least, so that one person approves what another wrote (`spillway users add`).")
    if not _can_approve(session):
        found.append(
            "Nobody who may approve what residents are told has a second factor, which live mode asks of them "
            "(`spillway users second-factor NAME`)."
        )
    known = set(library.message_ids)
    found += [f"The card {card} is not approved and published." for card in CARDS if card not in known]
    return found


def _can_approve(session: Session) -> bool:
    """True when somebody could approve and publish the moment that live mode begins."""
    ready = select(func.count()).where(
        StaffUser.disabled.is_(False),
        StaffUser.role.in_(PERMISSIONS["messages.approve"] & NEEDED_BY),
        StaffUser.totp_secret.is_not(None),
    )
    return bool(session.scalar(ready))
