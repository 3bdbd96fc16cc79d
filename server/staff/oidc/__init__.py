"""Signing in with an account of the city's own identity provider (OpenID Connect), beside the password and never instead of it."""

from __future__ import annotations

from typing import Final

from server.settings import Settings

TOLD: Final = {"refused": "oidc.refused", "away": "oidc.away", "again": "oidc.again", "busy": "staff.busy"}
"""What a page says when its person comes back from the provider with nothing, by the word in its address."""


def button(settings: Settings) -> str | None:
    """The text of the button, empty for that of the catalogue; nothing when there is no provider."""
    return settings.oidc_label if settings.oidc_issuer else None
