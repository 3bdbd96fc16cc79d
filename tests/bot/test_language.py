from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import language
from bot.language import detect

ENGLISH = ["hello", "hi", "shelter", "generator", "evacuation zone", "power out", "where is a shelter", "my basement is flooding", "trash",
           "water", "road closed", "what time is the curfew tonight", "agent please", "yes", "menu", "help"]  # fmt: skip
SPANISH = ["hola", "refugio", "basura", "agua", "luz", "se fue la luz", "dónde hay un refugio", "no hay agua en mi casa", "agente",
           "gracias", "ayuda", "toque de queda", "necesito una persona", "mi perro se perdió", "zona de evacuación"]  # fmt: skip
OTHERS = {
    "请问避难所在哪里": "zh", "대피소가 어디에 있나요": "ko", "避難所はどこですか": "ja", "أين أقرب ملجأ": "ar", "где ближайшее убежище": "ru",
    "Mwen bezwen manje ak dlo pou fanmi mwen": "ht", "toi khong co nuoc, giup toi": "vi", "nasaan po ang shelter": "tl",
    "Tôi cần nước uống cho gia đình": "vi", "Khi nào có điện lại vậy": "vi",
}  # fmt: skip


@pytest.mark.parametrize(("text", "language"), [*((t, "en") for t in ENGLISH), *((t, "es") for t in SPANISH)])
def test_the_first_message_is_answered_in_its_language(text: str, language: str) -> None:
    assert detect(text, current="en", fixed=False)[0] == language


@pytest.mark.parametrize(("text", "current"), [*((t, "es") for t in ENGLISH), *((t, "en") for t in SPANISH)])
def test_one_or_two_words_change_nothing_once_it_is_settled(text: str, current: str) -> None:
    if len(text.split()) < 3:
        assert detect(text, current=current, fixed=True) == (current, True)


@pytest.mark.parametrize(
    ("text", "current", "then"),
    [
        ("where can I take my dog tonight", "es", "en"),
        ("dónde puedo llevar a mi perro esta noche", "en", "es"),
        ("no hay luz en toda la calle", "en", "es"),
        ("there is no power on my street", "es", "en"),
    ],
)
def test_a_sentence_changes_it(text: str, current: str, then: str) -> None:
    assert detect(text, current=current, fixed=True) == (then, True)


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("English please", "en"), ("english", "en"), ("in English", "en"), ("inglés por favor", "en"), ("speak english", "en"),
        ("español", "es"), ("en español por favor", "es"), ("Spanish please", "es"), ("habla español?", "es"),
    ],
)  # fmt: skip
def test_a_request_changes_it(text: str, then: str) -> None:
    for current in ("en", "es"):
        assert detect(text, current=current, fixed=True) == (then, True)


@pytest.mark.parametrize(("text", "language"), list(OTHERS.items()))
def test_other_languages_are_known_for_what_they_are(text: str, language: str) -> None:
    assert detect(text, current="en", fixed=True) == (language, True)


def test_a_vietnamese_name_in_an_english_sentence_changes_nothing() -> None:
    assert detect("my neighbor Nguyễn Văn Đức needs a shelter", current="en", fixed=True) == ("en", True)


@pytest.mark.parametrize("text", ["", "   ", "123", "00402", "🔥🔥", "?!", "FEMA", "gas", "2"])
@pytest.mark.parametrize("current", ["en", "es"])
def test_what_tells_nothing_changes_nothing(text: str, current: str) -> None:
    for fixed in (True, False):
        assert detect(text, current=current, fixed=fixed) == (current, fixed)


@given(st.text(max_size=60), st.sampled_from(["en", "es", "zh"]), st.booleans())
def test_every_text_has_a_language(text: str, current: str, fixed: bool) -> None:
    language, settled = detect(text, current=current, fixed=fixed)
    assert language
    assert settled or not fixed


def test_once_warm_nothing_is_left_to_load() -> None:
    for kept in (language._detector, language._asked_in):
        kept.cache_clear()
    language.warm_up()
    loaded = (language._detector.cache_info().misses, language._asked_in.cache_info().misses)
    language.detect("is the water safe", current="en", fixed=False)
    assert (language._detector.cache_info().misses, language._asked_in.cache_info().misses) == loaded == (1, 1)
