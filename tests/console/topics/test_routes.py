"""The topics' pages as a browser without JavaScript sees them."""

from __future__ import annotations

import html

import httpx
import pytest
from sqlalchemy import update

from bot.learning import service as learning
from bot.learning.data import learning_data
from bot.learning.models import LearningRow, ModelRow
from console.topics.lines import redacted
from console.topics.routes import PAGE
from knowledge.models import MessageVersion, TopicRow
from server.alerts.service import raise_alert
from server.assembly import Service
from server.conversations.models import Conversation, Turn
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from tests.bot.test_published import FORM, QUESTION
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, signed_in

HOME = "/console/topics/"
XSS = "<script>alert(1)</script>{{7*7}}"


async def post(client: httpx.AsyncClient, path: str, **data: str) -> httpx.Response:
    return await client.post(path, data=data, headers=SAME_SITE)


async def added(client: httpx.AsyncClient) -> str:
    answered = await post(client, f"{HOME}new", **FORM)
    assert answered.status_code == 303, answered.text
    return answered.headers["location"]


def ready(service: Service, *, is_open: bool = True) -> int:
    with service.sessions.begin() as session:
        learning.ask_for(session, kind="topics", actor="ana")
        row = learning.take_up(session)
        assert row is not None
        report = {
            "open": is_open, "reasons": [] if is_open else ["topics_lost"], "topics_new": [], "weak": [], "won_count": 3,
            "topics_lost": [] if is_open else ["shelter_pets"], "lost_count": 1, "figures": {"examples": {"before": {"found": 9}, "after": {"found": 8, "wrong": 1}}},
            "lost": [{"kind": "examples", "text": XSS, "language": "en", "intent": "shelter_pets", "how": "wrong", "now": "donate"}],
        }  # fmt: skip
        learning.finish(session, model_id=row.id, report=report, content=b"model")
        return row.id


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("permission", "method", "path"),
    [
        ("console.see", "GET", HOME),
        ("console.see", "GET", f"{HOME}t/shelter_pets"),
        ("console.see", "GET", f"{HOME}models/"),
        ("console.see", "GET", f"{HOME}progress"),
        ("console.see", "GET", "/console/try/"),
        ("topics.change", "GET", f"{HOME}new"),
        ("topics.change", "GET", f"{HOME}lines"),
        ("models.train", "POST", f"{HOME}models/train"),
        ("models.promote", "POST", f"{HOME}models/back"),
    ],
)
async def test_who_may_do_what(
    client: httpx.AsyncClient, menu_service: Service, role: str, permission: str, method: str, path: str
) -> None:
    await signed_in(client, menu_service, role)
    answered = await client.request(method, path, headers=SAME_SITE)
    assert (answered.status_code != 403) == (role in PERMISSIONS[permission])


@pytest.mark.parametrize("lang", ["en", "es"])
async def test_every_page_in_both_languages(client: httpx.AsyncClient, menu_service: Service, lang: str) -> None:
    await signed_in(client, menu_service, "administrator")
    model = ready(menu_service)
    for path in ("", "new", "lines", "models/", f"models/{model}", "t/shelter_pets"):
        page = await client.get(f"{HOME}{path}?lang={lang}")
        assert page.status_code == 200, path
        assert f'<html lang="{lang}">' in page.text
        assert XSS not in page.text


async def test_many_topics_are_listed_page_by_page(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "viewer")
    known = len(menu_service.library.get().topics)
    with menu_service.sessions.begin() as session:
        pets = session.get_one(TopicRow, "shelter_pets")
        for number in range(PAGE):
            data = {**pets.data, "intent": f"x_{number}", "title": {"en": f"Zebra {number:03}"}}
            session.add(TopicRow(intent=f"x_{number}", title=data["title"], data=data, active=True, updated_at=pets.updated_at))
    lists = [(await client.get(f"{HOME}?page={page}")).text for page in (1, 2)]
    assert [page.count('<th scope="row">') for page in lists] == [PAGE, known]
    assert ["More topics" in page for page in lists] == [True, False]
    assert "Topics before" in lists[1]
    assert "not published" in lists[0] + lists[1]
    few = (await client.get(f"{HOME}?q=zebra+00&lang=es")).text
    assert few.count('<th scope="row">') == 10
    assert "Más temas" not in few


async def test_a_topic_is_added_tried_published_and_answered(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    place = await added(client)
    draft = rows(menu_service, MessageVersion, MessageVersion.intent == place.rpartition("/")[2])[0]
    tried = await post(client, "/console/try/", text=QUESTION, draft=str(draft.id), channel="web")
    now, after = tried.text.split("With the draft")
    assert "The fair is moved" not in now
    assert "The fair is moved" in after
    assert rows(menu_service, Turn) == []
    assert (await post(client, f"{place}/publish", hours="12")).status_code == 303
    reply = await Resident(menu_service.spine).says(QUESTION)
    assert "The fair is moved" in reply.text
    page = (await client.get(place)).text
    assert "Residents are answered on this topic now" in page
    assert ">1</dd>" in page, "asked once"


@pytest.mark.parametrize("name", list(FORM))
async def test_what_is_missing_is_said_and_nothing_lost(client: httpx.AsyncClient, menu_service: Service, name: str) -> None:
    await signed_in(client, menu_service, "author")
    answered = await post(client, f"{HOME}new", **{**FORM, name: ""})
    assert answered.status_code == 400
    text = html.unescape(answered.text)
    for other, value in FORM.items():
        if other not in (name, "owner"):
            assert all(line in text for line in value.split("\n")), other
    assert not rows(menu_service, TopicRow, TopicRow.pack.is_(None))


async def test_a_text_with_faults_is_not_stored(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    answered = await post(client, f"{HOME}new", **{**FORM, "sms_en": "Ask at {no_such_value}."})
    assert answered.status_code == 400
    assert "no_such_value" in answered.text
    assert not rows(menu_service, TopicRow, TopicRow.pack.is_(None))


async def test_examples_of_other_topics_are_told_while_typing(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    theirs = menu_service.library.get().topics["shelter_pets"].examples["en"][0]
    answered = await post(client, f"{HOME}look", **{**FORM, "examples_en": f"{theirs}\n{XSS}"})
    assert "Also asked about another topic" in answered.text
    assert html.escape(theirs, quote=False) in answered.text.replace("&#39;", "'")
    assert XSS not in answered.text


async def test_an_author_does_not_publish(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    place = await added(client)
    assert (await post(client, f"{place}/publish", hours="12")).status_code == 403
    assert "Publish now" not in (await client.get(place)).text


async def test_examples_changed_by_two_are_not_overwritten(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    seen = rows(menu_service, TopicRow, TopicRow.intent == "shelter_pets")[0].updated_at.isoformat()
    first = await post(client, f"{HOME}t/shelter_pets/examples", seen=seen, examples_en="can my iguana come along")
    assert first.status_code == 303
    assert (await post(client, f"{HOME}t/shelter_pets/examples", seen=seen, examples_en="other words")).status_code == 409
    assert menu_service.library.get().topics["shelter_pets"].examples == {"en": ("can my iguana come along",)}


async def test_an_account_limited_to_owners_changes_only_theirs(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    with menu_service.sessions.begin() as session:
        session.execute(update(StaffUser).values(owners=["transit"]))
    assert (await post(client, f"{HOME}new", **FORM)).status_code == 403
    seen = rows(menu_service, TopicRow, TopicRow.intent == "shelter_pets")[0].updated_at.isoformat()
    assert (await post(client, f"{HOME}t/shelter_pets/examples", seen=seen, examples_en="two words")).status_code == 403


async def test_a_closed_gate_asks_for_a_reason(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "supervisor")
    model = ready(menu_service, is_open=False)
    page = await client.get(f"{HOME}models/{model}")
    assert "The gate is closed" in page.text
    assert (await post(client, f"{HOME}models/{model}/promote")).status_code == 400
    assert (await post(client, f"{HOME}models/{model}/promote", reason="It is over.")).status_code == 303
    assert "It is over." in (await client.get(f"{HOME}models/{model}")).text


async def test_a_training_is_asked_for_and_followed(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    asked = await post(client, f"{HOME}models/train")
    assert asked.status_code == 303
    bar = (await client.get(f"{HOME}progress?model=1")).text
    assert "<progress" in bar
    assert "Waiting for its turn" in bar
    with menu_service.sessions.begin() as session:
        learning.take_up(session)
        learning.fail(session, model_id=1, error=XSS)
    assert "<progress" not in (await client.get(f"{HOME}progress?model=1")).text
    page = (await client.get(asked.headers["location"])).text
    assert "goes on answering" in page
    assert XSS not in page


@pytest.mark.parametrize(("lang", "said"), [("en", "A training is on its way"), ("es", "Ya hay un entrenamiento en camino")])
async def test_train_pressed_again_asks_for_no_second_one(
    client: httpx.AsyncClient, menu_service: Service, lang: str, said: str
) -> None:
    await signed_in(client, menu_service, "approver")
    first = await post(client, f"{HOME}models/train?lang={lang}")
    again = await post(client, f"{HOME}models/train?lang={lang}")
    assert again.headers["location"].partition("?")[0] == first.headers["location"]
    assert said in (await client.get(again.headers["location"])).text
    assert said not in (await client.get(first.headers["location"])).text
    with menu_service.sessions.begin() as session:
        row = learning.take_up(session)
        assert row is not None
        learning.note_data(session, model_id=row.id, mark=learning_data(session).mark(live=None))
    await post(client, f"{HOME}models/train?lang={lang}")
    place = await added(client)
    assert len(rows(menu_service, ModelRow)) == 1
    await post(client, f"{place}/publish", hours="12")
    await post(client, f"{HOME}models/train?lang={lang}")
    assert [row.state for row in rows(menu_service, ModelRow)] == ["working", "queued"], "the new topic is learned after"
    assert said in (await client.get(f"{place}?lang={lang}")).text


@pytest.mark.parametrize("channel", ["sms", "web", "ivr"])
@pytest.mark.parametrize(("text", "said"), [("my house is on fire and we cannot get out", "911"), ("shelter", "Shelter")])
async def test_trying_stores_nothing(client: httpx.AsyncClient, menu_service: Service, channel: str, text: str, said: str) -> None:
    await signed_in(client, menu_service, "viewer")
    page = await post(client, "/console/try/", text=text, channel=channel, phase="recovery", place="B")
    assert page.status_code == 200
    assert said.casefold() in page.text.casefold()
    assert rows(menu_service, Turn) == []
    assert rows(menu_service, Conversation) == []


async def test_a_line_becomes_a_sentence_in_one_step(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine, language="en")
    await writer.says("my name is Ana Diaz 212-555-0188 what about the qwertyuiop thing at 12 Oak Street")
    turn = writer.turns()[0]
    await signed_in(client, menu_service, "author")
    listed = (await client.get(f"{HOME}lines")).text
    assert "0188" not in listed
    assert "qwertyuiop" in listed
    path, text = f"{HOME}lines/{turn.id}", redacted(turn.text)
    assert (await post(client, path, text=text, intent="donate", use="test")).status_code == 400, "nobody looked at it"
    good = {"text": text, "intent": "donate", "reviewed": "yes"}
    assert (await post(client, path, **good, use="test")).status_code == 303
    assert (await post(client, path, **good, use="train")).status_code == 409, "never in both sets"
    kept = rows(menu_service, LearningRow)
    assert [(row.use, row.intent, row.added_by) for row in kept] == [("test", "donate", "ana")]
    assert "Diaz" not in kept[0].text
    await post(client, f"{HOME}sentences/{kept[0].id}/remove")
    assert rows(menu_service, LearningRow) == []


async def test_an_example_cannot_be_a_test(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine, language="en")
    await writer.says("hello there")
    await signed_in(client, menu_service, "author")
    theirs = menu_service.library.get().topics["shelter_pets"].examples["en"][0]
    path = f"{HOME}lines/{writer.turns()[0].id}"
    assert (await post(client, path, text=theirs, intent="shelter_pets", use="test", reviewed="yes")).status_code == 409


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("call me at (212) 555-0188 ok", "call me at [number] ok"),
        ("I am at 1420 West Harbor Blvd apt 3", "I am at [address]"),
        ("vivo en la calle Luna Llena 12", "vivo en la [address]"),
        ("me llamo José Ruiz y no hay luz", "me llamo [name] y no hay luz"),
        ("write ana@example.com or https://x.example/y", "write [email] or [link]"),
        ("is the water off in 33101", "is the water off in 33101"),
        ("ssn 123-45-6789", "ssn [number]"),
    ],
)
def test_what_names_a_person_is_taken_out(text: str, clean: str) -> None:
    assert redacted(text) == clean


async def test_the_desk_says_that_a_model_does_not_load(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "supervisor")
    with menu_service.sessions.begin() as session:
        raise_alert(session, kind="model_not_loaded", severity="warning", detail={"model": 7})
    assert "the one before answers" in (await client.get("/desk/")).text
