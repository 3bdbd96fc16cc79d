"""Decides for every inbound message whether it is an emergency, a crisis, near danger, or none of these."""

from bot.triage.decision import Decision, Level
from bot.triage.engine import Context, TriageEngine

__all__ = ["Context", "Decision", "Level", "TriageEngine"]
