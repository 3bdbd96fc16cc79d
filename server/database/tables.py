"""Every table of the program, for migrations and for tests that make a schema."""

from __future__ import annotations

import bot.learning.models
import console.review.models
import desk.external.models
import desk.models
import desk.voice.models
import knowledge.models
import server.alerts.models
import server.audit.models
import server.blocks.models
import server.conversations.models
import server.outbox.models
import server.requests.models
import server.staff.models
import server.voicemail.models
from server.database.base import Base

__all__ = ["Base"]

PACKAGES = (
    bot.learning.models,
    console.review.models,
    desk.external.models,
    desk.models,
    desk.voice.models,
    knowledge.models,
    server.alerts.models,
    server.audit.models,
    server.blocks.models,
    server.conversations.models,
    server.outbox.models,
    server.requests.models,
    server.staff.models,
    server.voicemail.models,
)
"""The modules whose tables these are."""
