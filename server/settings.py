"""Everything about one installation that is not a city fact: one frozen object, read once from `SPILLWAY_*` variables."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

FEWEST_DAYS_KEPT = 7
"""Nothing that a resident left with us is removed sooner, so that what went wrong last week can still be looked at."""
ROOT = Path(__file__).resolve().parent.parent


class Mode(StrEnum):
    """`training` runs the fictional Harbor City with simulators; `live` serves residents and refuses to start half configured."""

    TRAINING = "training"
    LIVE = "live"


class Settings(BaseSettings):
    """Settings of one process. City facts (names, numbers, zones, hours) are data in the knowledge base, not settings."""

    model_config = SettingsConfigDict(env_prefix="SPILLWAY_", frozen=True, extra="ignore")

    mode: Mode = Field(default=Mode.TRAINING, description="`training` or `live`.")
    data_dir: Path = Field(
        default=ROOT / "var",
        description="Where the SQLite file, the models, the encoders' files and the training secrets are kept.",
    )
    database_url: str = Field(default="", description="SQLAlchemy URL; empty means a SQLite file in the data directory.")
    public_url: str = Field(default="", description="The address that residents and Twilio use, such as https://311.example.gov.")
    secret_key: SecretStr = Field(SecretStr(""), description="At least 32 characters; keys identities and ciphers.")
    twilio_account_sid: str = Field(default="", description="Twilio account; empty in training mode means the built-in stand-in.")
    twilio_auth_token: SecretStr = Field(default=SecretStr(""), description="Signs and verifies Twilio's requests.")
    twilio_auth_token_previous: SecretStr = Field(default=SecretStr(""), description="Also accepted during a rotation.")
    twilio_api_base: str = Field(default="", description="Another address for Twilio's REST API, such as a local stand-in.")
    twilio_number: str = Field(default="", description="The number residents text and call, E.164.")
    twilio_messaging_service_sid: str = Field(default="", description="Send through a Messaging Service instead of the number.")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("127.0.0.1", "::1"), description="Addresses whose X-Forwarded headers are believed, comma separated."
    )
    assistant_timeout: float = Field(default=2.0, gt=0, le=10, description="Seconds before the menu answers instead.")
    model_path: Path | None = Field(default=None, description="Answer with this model instead of the newest in the data directory.")
    session_hours: int = Field(default=12, ge=1, le=72, description="A staff session ends after this many hours.")
    oidc_issuer: str = Field(default="", description="Identity provider that staff may also sign in with (OpenID Connect).")
    oidc_client_id: str = Field(default="", description="The name under which this program is registered there.")
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="What the identity provider gave with it.")
    oidc_label: str = Field(default="", max_length=60, description="The text of its button; empty means ours.")
    chat_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Web sites that may embed the chat widget, comma separated origins."
    )
    chat_leave_url: str = Field(
        default="https://www.weather.gov/", description="Where *Leave this page* in the web chat leads; a page that tells nothing."
    )
    desk_kind: Literal["", "webhook", "chatwoot"] = Field(
        default="", description="The city's own desk; empty means that ours is the only one."
    )
    desk_url: str = Field(default="", description="Where the city's own desk takes conversations.")
    desk_secret: SecretStr = Field(default=SecretStr(""), description="Signs what goes to that desk and verifies what it sends.")
    desk_secret_previous: SecretStr = Field(default=SecretStr(""), description="Also accepted from that desk during a rotation.")
    desk_token: SecretStr = Field(
        default=SecretStr(""), description="Chatwoot: the access token of the agent or bot that we act as."
    )
    desk_account: int = Field(default=0, ge=0, description="Chatwoot: the number of the account.")
    desk_inbox: int = Field(default=0, ge=0, description="Chatwoot: the number of the API inbox.")
    desk_languages: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("en",),
        description="Languages of that desk's agents when it does not say, comma separated; the first is for notes.",
    )
    desk_timeout: float = Field(default=5.0, gt=0, le=60, description="Seconds that one request to that desk may take.")
    keep_words_days: int = Field(
        default=1095, ge=0, description="What was written and said is kept so many days after the last of it; 0: for ever."
    )
    keep_numbers_days: int = Field(
        default=365, ge=0, description="Numbers, and what else tells who it was, are kept so many days; 0: for ever."
    )
    keep_recordings_days: int = Field(
        default=90, ge=0, description="Recorded messages that were heard are kept so many days; 0: for ever."
    )
    keep_hold: bool = Field(default=False, description="A legal hold: nothing is removed while it is set.")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("trusted_proxies", "chat_origins", "desk_languages", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("public_url", "twilio_api_base", "desk_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("must be an address that starts with http:// or https://")
        return value.rstrip("/")

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        # Its slash at the end, where it has one, is part of its name.
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("must be an address that starts with https://")
        return value

    @field_validator("keep_words_days", "keep_numbers_days", "keep_recordings_days")
    @classmethod
    def _days(cls, value: int) -> int:
        if 0 < value < FEWEST_DAYS_KEPT:
            raise ValueError(f"must be 0, for ever, or at least {FEWEST_DAYS_KEPT} days")
        return value

    @field_validator("chat_leave_url")
    @classmethod
    def _page(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
            raise ValueError("must be the address of a page that starts with http:// or https://")
        return value

    @property
    def live(self) -> bool:
        """True when real residents are served."""
        return self.mode is Mode.LIVE

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'spillway.db'}"

    @property
    def models_dir(self) -> Path:
        """The folder of trained models."""
        return self.data_dir / "models"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read from the environment once."""
    return Settings()
