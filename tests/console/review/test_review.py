"""The review of the triage over HTTP, and the table that it makes."""

from __future__ import annotations

import csv
import html
from datetime import timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.review.export import cell
from console.review.figures import Judged, tables
from console.review.models import TriageReview
from server.alerts.models import Alert
from server.assembly import Service
from server.audit.models import AuditRow
from server.audit.service import first_break
from server.clock import now
from server.conversations.models import ReleasedTurn, Turn
from server.conversations.turn import Channel
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, signed_in

FIRE = "my house is on fire, my name is Ana Lopez, 418 Larkspur Bend, call 212-555-0147"
PERSONAL = ("Ana", "Larkspur", "0147")


async def judge(client: httpx.AsyncClient, turn: int, query: str = "", **data: str) -> httpx.Response:
    return await client.post(f"/console/review/turns/{turn}{query}", data=data, headers=SAME_SITE)


async def said(service: Service, *texts: str, channel: Channel = Channel.SMS) -> list[Turn]:
    writer = Resident(service.spine, channel=channel)
    for text in texts:
        await writer.says(text)
    return writer.turns()


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_review(client: httpx.AsyncClient, menu_service: Service, role: str) -> None:
    (turn,) = await said(menu_service, FIRE)
    await signed_in(client, menu_service, role)
    allowed = role in PERMISSIONS["triage.review"]
    answers = [
        await client.get("/console/review/"),
        await client.get("/console/review/figures"),
        await client.post("/console/review/export", headers=SAME_SITE),
        await judge(client, turn.id, verdict="right"),
    ]
    assert [answer.status_code for answer in answers] == ([200, 200, 200, 303] if allowed else [403] * 4)
    assert len(rows(menu_service, TriageReview)) == allowed


async def test_a_stranger_is_led_to_sign_in(client: httpx.AsyncClient) -> None:
    for page in ("", "figures"):
        answer = await client.get(f"/console/review/{page}")
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/sign-in?{urlencode({'next': f'/console/review/{page}'})}",
        )


async def test_right_in_one_click_without_what_tells_who_wrote_it(client: httpx.AsyncClient, menu_service: Service) -> None:
    (turn,) = await said(menu_service, FIRE)
    await signed_in(client, menu_service, "supervisor", "rosa")
    page = html.unescape((await client.get("/console/review/")).text)
    assert "my house is on fire, my name is [name], [address], call [number]" in page
    assert not any(word in page for word in PERSONAL)
    answer = await judge(client, turn.id, verdict="right")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/review/?")
    (review,) = rows(menu_service, TriageReview)
    assert review.right
    assert (review.level, review.category, review.reviewer, review.channel) == ("hard", "fire", "rosa", "sms")
    assert not any(word in review.text for word in PERSONAL)
    assert not any(word in str(row.detail) for row in rows(menu_service, AuditRow) for word in PERSONAL)
    assert "Nothing here to review" in (await client.get("/console/review/")).text
    with menu_service.sessions() as session:
        assert first_break(session) is None


async def test_wrong_says_what_it_should_have_been_and_can_be_changed(client: httpx.AsyncClient, menu_service: Service) -> None:
    (turn,) = await said(menu_service, FIRE)
    await signed_in(client, menu_service, "supervisor")
    await judge(client, turn.id, verdict="wrong", level="soft", category="fire")
    await judge(client, turn.id, verdict="wrong", level="hard", category="smoke")
    (review,) = rows(menu_service, TriageReview)
    assert (review.expected_level, review.expected_category, review.right) == ("hard", "smoke", False)
    acts = [row.detail for row in rows(menu_service, AuditRow) if row.action == "triage.reviewed"]
    assert [act["expected_level"] for act in acts] == ["soft", "hard"], "both are on record"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"verdict": "perhaps"},
        {"verdict": "wrong"},
        {"verdict": "wrong", "level": "terrible", "category": "fire"},
        {"verdict": "wrong", "level": "hard", "category": "weather"},
        {"verdict": "wrong", "level": "hard", "category": ""},
    ],
)
async def test_what_is_no_judgement_is_refused(client: httpx.AsyncClient, menu_service: Service, data: dict[str, str]) -> None:
    (turn,) = await said(menu_service, FIRE)
    await signed_in(client, menu_service, "supervisor")
    assert (await judge(client, turn.id, **data)).status_code == 400
    assert rows(menu_service, TriageReview) == []


async def test_a_turn_that_is_gone(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "supervisor")
    assert (await judge(client, 99, verdict="right")).status_code == 404


async def test_a_piece_for_htmx(client: httpx.AsyncClient, menu_service: Service) -> None:
    (turn,) = await said(menu_service, FIRE)
    await signed_in(client, menu_service, "supervisor")
    answer = await client.post(
        f"/console/review/turns/{turn.id}?lang=es", data={"verdict": "right"}, headers={**SAME_SITE, "hx-request": "true"}
    )
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith("<article")
    assert "Anotado: correcto" in answer.text


async def test_filters(client: httpx.AsyncClient, menu_service: Service) -> None:
    await said(menu_service, "my house is on fire")
    await said(menu_service, "hay un incendio en mi casa", channel=Channel.WEB)
    await said(menu_service, "I feel like there is no reason to live anymore")
    await said(menu_service, "there is a fire in my kitchen", "2")
    await said(menu_service, "where is a shelter")
    await signed_in(client, menu_service, "supervisor")

    async def found(query: str) -> int:
        return (await client.get(f"/console/review/?{query}")).text.count("data-case ")

    assert {query: await found(query) for query in (
        "", "level=hard", "level=crisis", "level=none", "category=fire", "category=gas", "channel=web", "channel=ivr", "language=es",
        "released=1", "state=done", "state=any", "level=rubbish&category=x&channel=y&days=abc&before=-1&state=%00",
    )} == {
        "": 4, "level=hard": 3, "level=crisis": 1, "level=none": 2, "category=fire": 3, "category=gas": 0, "channel=web": 1,
        "channel=ivr": 0, "language=es": 1, "released=1": 1, "state=done": 0, "state=any": 4,
        "level=rubbish&category=x&channel=y&days=abc&before=-1&state=%00": 4,
    }  # fmt: skip


async def test_a_filter_outlives_a_judgement(client: httpx.AsyncClient, menu_service: Service) -> None:
    (turn,) = await said(menu_service, "my house is on fire")
    await signed_in(client, menu_service, "supervisor")
    answer = await judge(client, turn.id, "?level=hard&released=1&days=7", verdict="right")
    assert answer.headers["location"] == "/console/review/?level=hard&released=1&days=7"


async def test_older_ones_are_on_the_next_page(client: httpx.AsyncClient, menu_service: Service) -> None:
    for _ in range(23):
        await said(menu_service, "my house is on fire")
    await signed_in(client, menu_service, "supervisor")
    first = (await client.get("/console/review/?lang=en")).text
    assert first.count("data-case ") == 20
    link = html.unescape(first.split('href="/console/review/?before=')[1].split('"')[0])
    assert (await client.get(f"/console/review/?before={link}")).text.count("data-case ") == 3


async def test_what_was_softened_is_shown(client: httpx.AsyncClient, menu_service: Service) -> None:
    await said(menu_service, "there was a fire at my house last year")
    (turn,) = rows(menu_service, Turn)
    assert turn.evidence["vetoes"], "the setting of this test"
    await signed_in(client, menu_service, "supervisor")
    assert (await client.get("/console/review/?level=vetoed")).text.count("data-case ") == 1


async def test_released_emergencies_are_kept(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    await writer.says("there is a fire in my kitchen")
    await writer.says("the fire is spreading")
    assert rows(either_service, ReleasedTurn) == []
    await writer.says("not an emergency")
    assert [row.turn_id for row in rows(either_service, ReleasedTurn)] == [turn.id for turn in writer.turns()[:2]]
    await writer.says("my house is on fire")
    await writer.says("2")
    assert len(rows(either_service, ReleasedTurn)) == 3
    assert len(rows(either_service, Alert)) == 3


# --- Figures and the table ---------------------------------------------------------------------------------------------------


def test_figures() -> None:
    monday = now().replace(year=2026, month=11, day=16, hour=15)
    reviews = [
        Judged(monday, "sms", "en", "fire", "hard", "hard"),
        Judged(monday, "sms", "es", "fire", "soft", "hard"),
        Judged(monday + timedelta(days=7), "ivr", "en", "gas", "hard", "none"),
        Judged(monday + timedelta(days=7), "ivr", "en", "gas", "none", "hard"),
        Judged(monday, "web", "en", "suicide", "hard", "crisis"),
    ]
    found = {table.by: {row.name: row for row in table.rows} for table in tables(reviews, zone=ZoneInfo("America/New_York"))}
    whole = found["all"][""]
    assert [(share.hits, share.total) for share in (whole.recall, whole.warned, whole.alarms)] == [(1, 3), (2, 3), (1, 3)]
    assert set(found["week"]) == {"2026-11-16", "2026-11-23"}
    assert (found["category"]["gas"].alarms.hits, found["channel"]["ivr"].recall.total) == (1, 1)
    assert found["language"]["es"].recall.interval == pytest.approx((0.0, 0.7935), abs=1e-3), "Wilson: wide for one of one"


async def test_the_pages_of_figures(client: httpx.AsyncClient, menu_service: Service) -> None:
    (turn,) = await said(menu_service, "my house is on fire")
    await signed_in(client, menu_service, "supervisor")
    assert "none yet" in (await client.get("/console/review/figures")).text
    await judge(client, turn.id, verdict="right")
    for language, word in (("en", "Fire"), ("es", "Incendio")):
        page = (await client.get(f"/console/review/figures?lang={language}&days=7")).text
        assert word in page
        assert "100 %" in page
        assert "1/1" in page


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1 fire", "'+1 fire"),
        ("-fire", "'-fire"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", "'=1+1"),
        ('"=1+1"', "''=1+1'"),
        ("fire\n\tat home", "fire at home"),
        ("house = fire", "house = fire"),
    ],
)
def test_a_cell_is_no_formula(text: str, safe: str) -> None:
    assert cell(text) == safe


@given(st.text(max_size=60))
def test_no_text_makes_a_formula_or_a_cell_of_its_own(text: str) -> None:
    made = cell(text)
    assert not {"\t", "\n", "\r", '"'} & set(made)
    assert made[:1] not in ("=", "+", "-", "@", "|", "%")


async def test_the_table_has_the_columns_of_the_training_data(client: httpx.AsyncClient, menu_service: Service) -> None:
    turns = await said(menu_service, "=my house is on fire, call 212-555-0147", "somebody help 911 please", "where is a shelter")
    await signed_in(client, menu_service, "supervisor")
    await judge(client, turns[0].id, verdict="right")
    await judge(client, turns[1].id, verdict="wrong", level="hard", category="asks_911")
    await judge(client, turns[2].id, verdict="wrong", level="none", category="")
    answer = await client.post("/console/review/export", headers=SAME_SITE)
    assert answer.headers["content-disposition"].startswith('attachment; filename="reviewed_')
    table = list(csv.DictReader(answer.text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert list(table[0]) == ["lang", "level", "category", "text"]
    assert [(row["level"], row["category"]) for row in table] == [("hard", "C10"), ("hard", "asks_911"), ("none", "C00")]
    assert table[0]["text"] == "'=my house is on fire, call [number]"
    assert [row.detail for row in rows(menu_service, AuditRow) if row.action == "triage.exported"] == [{"rows": 3}]
