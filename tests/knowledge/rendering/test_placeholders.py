from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from knowledge.rendering.placeholders import Filled, Item, Value, compile_template, fill, spoken_asof

NOW = datetime(2026, 9, 14, 19, 40, tzinfo=UTC)
CITY = ZoneInfo("America/New_York")
PLACES = Value(
    items=tuple(Item(f"School {n}, {n} Oak St", f"School {n}, {n} Oak St, cots", f"{n} Oak St") for n in range(1, 6)), as_of=NOW
)
RUMORS = Value(items=(Item("No. Not true.", "No. Not true."), Item("Yes.", "Yes.")), as_of=NOW - timedelta(hours=1))


def put(text: str, values: Mapping[str, Value], *, channel: str = "sms", language: str = "en", limit: int = 3) -> Filled:
    return fill(
        compile_template(text),
        values,
        channel=channel,
        language=language,
        now=NOW,
        zone=CITY,
        limit=limit,
        map_url="https://m.gov/?q=%s",
    )


@pytest.mark.parametrize(
    ("ago", "language", "words"),
    [
        (timedelta(), "en", "as of 3:40 pm"),
        (timedelta(), "es", "a las 3:40 pm"),
        (timedelta(hours=2, minutes=35), "es", "a la 1:05 pm"),
        (timedelta(hours=15), "en", "as of 12:40 am"),
        (timedelta(hours=16), "en", "as of September 13, 11:40 pm"),
        (timedelta(hours=16), "es", "el 13 de septiembre a las 11:40 pm"),
        (timedelta(hours=3, minutes=40), "en", "as of 12:00 pm"),
    ],
)
def test_asof(ago: timedelta, language: str, words: str) -> None:
    assert spoken_asof(NOW - ago, now=NOW, zone=CITY, language=language) == words


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Open: {shelters}. Bring ID.", "Open: School 1, 1 Oak St; School 2, 2 Oak St; School 3, 3 Oak St. Bring ID."),
        ("Open: {shelters} Bring ID.", "Open: School 1, 1 Oak St; School 2, 2 Oak St; School 3, 3 Oak St. Bring ID."),
        ("Checked: {rumors} Ask.", "Checked: No. Not true. Yes. Ask."),
        ("Checked: {rumors}. Ask.", "Checked: No. Not true. Yes. Ask."),
        ("{asof}: {rumors}", "As of 2:40 pm: No. Not true. Yes."),
        ("Stay in. {asof}: {rumors}", "Stay in. As of 2:40 pm: No. Not true. Yes."),
        ("News {asof}: {shelters}", "News as of 3:40 pm: School 1, 1 Oak St; School 2, 2 Oak St; School 3, 3 Oak St."),
        ("At {website}.", "At city.gov."),
        ("Say {text}.", "Say (x)."),
    ],
)
def test_filling_a_text(text: str, filled: str) -> None:
    values = {
        "shelters": PLACES,
        "rumors": RUMORS,
        "website": Value(text="https://www.city.gov/", page="https://www.city.gov/"),
        "text": Value("{x}"),
    }
    assert put(text, values).text == filled


def test_what_is_left_out_is_kept() -> None:
    filled = put("{shelters}", {"shelters": PLACES}, limit=2)
    assert filled.rest == ("School 3, 3 Oak St", "School 4, 4 Oak St", "School 5, 5 Oak St")
    assert filled.as_of == NOW


def test_a_whole_list_is_never_shortened() -> None:
    whole = Value(items=PLACES.items, as_of=NOW, whole=True)
    assert put("{evacuation_orders}", {"evacuation_orders": whole}, limit=1).rest == ()


def test_a_list_alone_on_its_line_is_a_list_of_its_own_on_the_web() -> None:
    text = put("Open:\n\n{shelters}\n\n- Bring ID", {"shelters": PLACES}, channel="web", limit=2).text
    assert "* School 1, [1 Oak St](<https://m.gov/?q=1+Oak+St>), cots\n* School 2" in text


def test_a_page_in_a_link_stays_whole_and_is_short_elsewhere() -> None:
    values = {"website": Value(text="https://www.city.gov", page="https://www.city.gov")}
    assert put("[site]({website})", values, channel="web").text == "[site](https://www.city.gov)"
    assert put("See {website}", values, channel="web").text == "See [city.gov](<https://www.city.gov>)"


def test_the_oldest_fact_gives_the_time() -> None:
    assert put("{asof} {shelters} {rumors}", {"shelters": PLACES, "rumors": RUMORS}).as_of == NOW - timedelta(hours=1)
