"""Reviewed decisions as training rows: the columns of `bot/triage/data/*.tsv`, redacted, and harmless in a spreadsheet."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.triage.decision import CODES
from console.review.models import TriageReview
from server.redaction import redact

COLUMNS: Final = ("lang", "level", "category", "text")
_CODE_OF: Final = {name: code for code, name in CODES.items()}
_FORMULA: Final = re.compile(r"^[\s'\"]*[=+\-@|%]")


def cell(text: str) -> str:
    """A text that stays a text in a spreadsheet: in one line, without quotes that would open a cell, and with an apostrophe before
    what a spreadsheet would take for a formula (OWASP, CSV injection)."""
    flat = " ".join(text.replace('"', "'").split())
    return f"'{flat}" if _FORMULA.match(flat) else flat


def export(session: Session) -> str:
    """Every reviewed decision as a table, the oldest first."""
    lines = ["\t".join(COLUMNS)]
    for review in session.scalars(select(TriageReview).order_by(TriageReview.id)):
        # Looked at again: a rule that is new since the review holds for what was kept before it.
        text = cell(redact(review.text))
        if not text:
            continue
        category = _CODE_OF.get(review.expected_category or "", review.expected_category or "C00")
        lines.append("\t".join((review.language, review.expected_level, category, text)))
    return "\n".join(lines) + "\n"
