"""The secrets of a training installation, made once and kept in its data directory. A live one brings its own."""

from __future__ import annotations

import json
import os
import secrets

from pydantic import SecretStr

from server.errors import NotReady
from server.settings import Settings

STANDIN_ACCOUNT = "AC" + "0" * 32
STANDIN_NUMBER = "+15555550100"


def with_secrets(settings: Settings) -> Settings:
    """The settings with every secret filled. In training mode missing ones are made and kept with mode 0600, and the numbers of
    the stand-in for Twilio are put in place.

    Raises `NotReady` in live mode when one is missing."""
    key, token = settings.secret_key.get_secret_value(), settings.twilio_auth_token.get_secret_value()
    if settings.live:
        if not (key and token and settings.twilio_account_sid):
            raise NotReady("Live mode needs SPILLWAY_SECRET_KEY, SPILLWAY_TWILIO_ACCOUNT_SID and SPILLWAY_TWILIO_AUTH_TOKEN.")
        return settings
    kept = _kept(settings)
    return settings.model_copy(
        update={
            "secret_key": SecretStr(key or kept["secret_key"]),
            "twilio_auth_token": SecretStr(token or kept["twilio_auth_token"]),
            "twilio_account_sid": settings.twilio_account_sid or STANDIN_ACCOUNT,
            "twilio_number": settings.twilio_number or STANDIN_NUMBER,
        }
    )


def _kept(settings: Settings) -> dict[str, str]:
    path = settings.data_dir / "secrets.json"
    if path.exists():
        found: dict[str, str] = json.loads(path.read_text("utf-8"))
        return found
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    made = {"secret_key": secrets.token_urlsafe(48), "twilio_auth_token": secrets.token_hex(16)}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(made, file)
    return made
