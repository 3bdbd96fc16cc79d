"""Staff accounts and their sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, Json, UtcDateTime


class StaffUser(Base):
    """One person who works here. The password is kept as an argon2id hash only."""

    __tablename__ = "staff_users"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(Text)
    one_time: Mapped[bool] = mapped_column(Boolean, default=False)
    """True while the password is the printed one and has to be changed at the first sign-in."""
    owners: Mapped[list[str]] = mapped_column(Json, default=list)
    """The owner roles whose topics, messages and facts this person may change, such as `Utility desk`; empty means all."""
    totp_secret: Mapped[str | None] = mapped_column(Text)
    """The sealed secret of the second factor; empty while there is none."""
    totp_step: Mapped[int | None] = mapped_column(BigId)
    """The time step of the last code that was accepted; none of it or before is accepted again (RFC 6238, 5.2)."""
    email: Mapped[str | None] = mapped_column(String(254), unique=True, index=True)
    """The address that the person is known by at the identity provider, in lower case."""
    language: Mapped[str] = mapped_column(String(8), default="en")
    phone: Mapped[str | None] = mapped_column(Text)
    """Ciphertext of the telephone in which this person takes calls."""
    disabled: Mapped[bool] = mapped_column(Boolean, default=False)
    tour: Mapped[int | None] = mapped_column(Integer, default=0)
    """The step of the tour that is shown next; empty once it was finished or dismissed."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StaffSession(Base):
    """One sign-in. The cookie holds a random token; only its SHA-256 is kept."""

    __tablename__ = "staff_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff_users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    proved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the person last proved who they are; publishing asks for a fresh proof."""
    half: Mapped[bool] = mapped_column(Boolean, default=False)
    """True between the right password and the right code; such a session opens nothing."""
    vouched: Mapped[bool] = mapped_column(Boolean, default=False)
    """True when the identity provider asked for a second factor of its own."""
    tries: Mapped[int] = mapped_column(Integer, default=0)
    """Wrong proofs since the last right one, counted here so that strangers at the sign-in cannot lock anybody out of proving."""
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    kept: Mapped[str | None] = mapped_column(Text)
    """The sealed form that was sent when the proof was asked for."""
    device: Mapped[str] = mapped_column(String(120), default="")
    """What the browser calls itself, so that a person knows their own sessions."""
    browser_hash: Mapped[str | None] = mapped_column(String(64))
    """The known browser that it is in, so that both end together."""


class StaffFailure(Base):
    """One sign-in that failed at an account there is, kept for a day so that guessing waits (`tries`)."""

    __tablename__ = "staff_failures"
    __table_args__ = (Index("ix_staff_failures_user_id_at", "user_id", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff_users.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(64))
    """The known browser, or the keyed hash of the address."""
    known: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class RecoveryCode(Base):
    """A code that stands in once for a lost second factor. Only its SHA-256 is kept; it is random and long enough for that."""

    __tablename__ = "staff_recovery_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff_users.id"), index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StaffIdentity(Base):
    """The identity of the provider that an account is bound to, from its first use on."""

    __tablename__ = "staff_identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("staff_users.id", ondelete="CASCADE"), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    bound_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StaffVisit(Base):
    """A visit to the identity provider that has done its work, kept for minutes so that it does no more."""

    __tablename__ = "staff_visits"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)


class KnownBrowser(Base):
    """A browser that a person signed in with (`visitors`); without its row the cookie counts for nothing."""

    __tablename__ = "staff_browsers"

    browser_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("staff_users.id", ondelete="CASCADE"), primary_key=True, index=True)
    device: Mapped[str] = mapped_column(String(120), default="")
    known_since: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
