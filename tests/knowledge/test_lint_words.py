"""Every check speaks both languages of the staff pages."""

from __future__ import annotations

import string

import pytest

from knowledge.lint import check_texts
from knowledge.lint_words import _SENTENCES, Remark, in_language


@pytest.mark.parametrize("code", list(_SENTENCES))
def test_both_languages_say_the_same_values(code: str) -> None:
    named = {
        language: {name for _, name, _, _ in string.Formatter().parse(text) if name} for language, text in _SENTENCES[code].items()
    }
    assert set(named) == {"en", "es"}
    assert named["en"] == named["es"]


def test_a_finding_in_spanish() -> None:
    found = check_texts({"en": {"sms": "Call 212-555-0123 {oops}"}}, message_id="x.general")
    spoken = [in_language(one.text, "es") for one in found]
    assert "falta el idioma es" in spoken
    assert any("{oops}" in text and "campo" in text for text in spoken)
    assert any(text.startswith("212-555-0123") for text in spoken)
    assert in_language("as it is", "es") == "as it is"
    assert str(Remark("missing")) == "is missing"
