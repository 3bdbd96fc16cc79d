"""The adapter that the settings name, or nothing. A third desk is one more entry here."""

from __future__ import annotations

from urllib.parse import urlsplit

from desk.external.chatwoot import ChatwootDesk
from desk.external.port import OutsideDesk
from desk.external.webhook import WebhookDesk
from server.errors import NotReady
from server.settings import Settings

LEAST_SECRET = 16


def make_desk(settings: Settings) -> OutsideDesk | None:
    """The city's own desk. Raises `NotReady`, naming each setting that is missing."""
    if not settings.desk_kind:
        return None
    missing = _missing(settings)
    if missing:
        raise NotReady("The city's own desk is not fully set up:\n" + "\n".join(f"- {each}" for each in missing))
    secrets = (settings.desk_secret.get_secret_value(), settings.desk_secret_previous.get_secret_value())
    if settings.desk_kind == "webhook":
        return WebhookDesk(url=settings.desk_url, secrets=secrets, timeout=settings.desk_timeout)
    return ChatwootDesk(
        url=settings.desk_url,
        token=settings.desk_token.get_secret_value(),
        account=settings.desk_account,
        inbox=settings.desk_inbox,
        secrets=secrets,
        timeout=settings.desk_timeout,
        language=settings.desk_languages[0] if settings.desk_languages else "en",
    )


def _missing(settings: Settings) -> list[str]:
    found = []
    if not settings.desk_url:
        found.append("SPILLWAY_DESK_URL: where that desk takes conversations.")
    elif settings.live and urlsplit(settings.desk_url).scheme != "https":
        found.append("SPILLWAY_DESK_URL: must begin with https:// in live mode.")
    if len(settings.desk_secret.get_secret_value()) < LEAST_SECRET:
        found.append(f"SPILLWAY_DESK_SECRET: at least {LEAST_SECRET} characters, the same as at that desk.")
    if settings.desk_kind == "chatwoot":
        if not settings.desk_token.get_secret_value():
            found.append("SPILLWAY_DESK_TOKEN: the access token.")
        numbers = {"ACCOUNT": settings.desk_account, "INBOX": settings.desk_inbox}
        found += [f"SPILLWAY_DESK_{name}: its number." for name, number in numbers.items() if not number]
    return found
