from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.rendering.spoken_numbers import number_words
from knowledge.rendering.voice import MAX_WORDS, render_voice, seconds, speak, words


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("Call 911.", "en", "Call nine one one."),
        ("Llame al 911.", "es", "Llame al nueve uno uno."),
        ("Call or text 988.", "en", "Call or text nine eight eight."),
        ("Call 311 or 211, not 411.", "en", "Call three one one or two one one, not four one one."),
        ("311 Oak St", "en", "311 Oak Street"),
        ("Go to 411 N Bay St now.", "en", "Go to 411 North Bay Street now."),
        ("It costs $911", "en", "It costs $911"),
        ("Call 555-555-0123.", "en", "Call 5 5 5, 5 5 5, 0 1 2 3."),
        ("Call (555) 555-0123 now", "en", "Call 5 5 5, 5 5 5, 0 1 2 3 now"),
        ("Call 1-800-222-1222.", "es", "Call 1, 8 0 0, 2 2 2, 1 2 2 2."),
        ("Call 555-0123.", "en", "Call 5 5 5, 0 1 2 3."),
        ("ZIP 00401", "en", "ZIP 0 0 4 0 1"),
        ("ZIP 00401-1234", "en", "ZIP 0 0 4 0 1, 1 2 3 4"),
        ("18,000 homes", "en", "18,000 homes"),
        ("as of 3:40 pm", "en", "as of three forty PM"),
        ("as of 3:05 PM", "en", "as of three oh five PM"),
        ("at 8 am", "en", "at eight AM"),
        ("12 pm and 12:00 am", "en", "noon and midnight"),
        ("Until 9 p.m. Bring water.", "en", "Until nine PM. Bring water."),
        ("Until 9 p.m. daily", "en", "Until nine PM daily"),
        ('Until 9 pm. "Bring" water.', "en", 'Until nine PM. "Bring" water.'),
        ("a las 3:40 pm", "es", "a las tres y cuarenta de la tarde"),
        ("a la 1:05 pm", "es", "a la una y cinco de la tarde"),
        ("de 7 am a 11 pm", "es", "de siete de la mañana a once de la noche"),
        ("a las 12 pm", "es", "a las doce del mediodía"),
        ("a las 12:30 am", "es", "a las doce y treinta de la noche"),
        ("4501 W Hill Rd, Apt 3", "en", "4501 West Hill Road, apartment 3"),
        ("31 Maple Ave.", "en", "31 Maple Avenue."),
        ("St Mark's Hall", "en", "Saint Mark's Hall"),
        ("Zone E is open", "en", "Zone E is open"),
        ("Open 24/7", "es", "Open las 24 horas, los 7 días"),
        ("100 mph", "es", "100 millas por hora"),
        ("See [the map](https://x.gov/a) or https://x.gov/a?b=1.", "en", "See the map or the city website."),
        ("Vea https://x.gov.", "es", "Vea la página de la ciudad."),
        ("**Leave** now\n- one\n- two", "en", "Leave now. one. two"),
        ("Go 🚨 now", "en", "Go now"),
    ],
)
def test_speaking(text: str, language: str, spoken: str) -> None:
    assert speak(text, language) == spoken


@pytest.mark.parametrize(
    ("number", "english", "spanish"),
    [
        (0, "zero", "cero"),
        (13, "thirteen", "trece"),
        (21, "twenty-one", "veintiuno"),
        (30, "thirty", "treinta"),
        (45, "forty-five", "cuarenta y cinco"),
        (59, "fifty-nine", "cincuenta y nueve"),
    ],
)
def test_number_words(number: int, english: str, spanish: str) -> None:
    assert (number_words(number, "en"), number_words(number, "es")) == (english, spanish)


def test_a_long_answer_keeps_its_911_sentence_in_the_first_chunk() -> None:
    text = " ".join(["This is a sentence of eight words here."] * 14) + " If water rises, call 911."
    first, *rest = render_voice(text, "en")
    assert first.endswith("If water rises, call nine one one.")
    assert words(first) <= MAX_WORDS
    assert " ".join([first, *rest]).count("sentence") == 14


def test_seconds_at_150_words_a_minute() -> None:
    assert seconds("word " * 75) == 30


@given(st.text(max_size=900), st.sampled_from(["en", "es"]))
def test_chunks_are_short_and_lose_no_word(text: str, language: str) -> None:
    chunks = render_voice(text, language)
    assert all(words(chunk) <= MAX_WORDS for chunk in chunks)
    assert sorted(" ".join(chunks).split()) == sorted(speak(text, language).split())
