"""What is in force decides what a resident hears, from one turn to the next: orders for zones, expiry, withdrawal, contradiction."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from knowledge import lifecycle
from knowledge.changes import bump_revision, put_fact
from knowledge.lifecycle import State, Wording
from knowledge.models import FactRow, MessageVersion
from server import clock
from server.assembly import Service
from server.conversations.turn import Outcome, Reply
from tests.server.harness import Resident

TOPIC = "evacuation_order_status"
QUESTION = "evacuation order"
HOUR = timedelta(hours=1)


def publish(session: Session, message_id: str, text: str, *, intent: str, zones: tuple[str, ...] = ()) -> MessageVersion:
    texts = {language: dict.fromkeys(("sms", "web", "voice"), text) for language in ("en", "es")}
    wording = Wording(message_id, texts, "emergency_management", "test", intent, position=-1, zones=zones)
    draft = lifecycle.draft(session, wording=wording, author="a")
    for state in (State.IN_REVIEW, State.APPROVED):
        lifecycle.transition(session, version_id=draft.id, to=state, actor="b")
    return lifecycle.transition(session, version_id=draft.id, to=State.PUBLISHED, actor="b", expires_at=clock.now() + HOUR)


def said(reply: Reply) -> list[str]:
    return [part.message_id for part in reply.parts if part.role == "answer"]


async def test_an_order_for_two_zones_is_told_to_them_and_to_who_may_be_in_them(menu_service: Service) -> None:
    with menu_service.sessions.begin() as session:
        order = publish(session, "plan.evac_order-1", "Zones A and B: leave now.", intent=TOPIC, zones=("A", "B")).id
    ask = menu_service.spine
    assert said(await Resident(ask).says(f"{QUESTION} 00402")) == ["plan.evac_order-1"]
    assert said(await Resident(ask).says(QUESTION)) == ["plan.evac_order-1"]
    inland = Resident(ask)
    assert said(await inland.says(f"{QUESTION} zone D")) == [f"{TOPIC}.orders"]
    assert inland.conversation().place == "D"
    assert said(await inland.says(QUESTION)) == [f"{TOPIC}.orders"]
    assert said(await inland.says(f"{QUESTION} bay st")) == ["plan.evac_order-1"]
    with menu_service.sessions.begin() as session:
        lifecycle.transition(session, version_id=order, to=State.WITHDRAWN, actor="b", reason="over")
    assert said(await Resident(ask).says(f"{QUESTION} 00402")) == [f"{TOPIC}.orders"]


async def test_a_topic_with_nothing_in_force_gets_the_holding_text_and_the_way_to_a_person(menu_service: Service) -> None:
    with menu_service.sessions.begin() as session:
        session.execute(update(MessageVersion).where(MessageVersion.intent == TOPIC).values(expires_at=clock.now()))
        bump_revision(session)
    reply = await Resident(menu_service.spine).says(QUESTION)
    assert [part.message_id for part in reply.parts][:1] == ["system.holding"]
    assert (reply.outcome, reply.parts[0].missing) == (Outcome.ANSWER, True)
    assert "AGENT" in reply.text
    assert "911" in reply.text


async def test_facts_that_have_run_out_are_not_quoted(menu_service: Service) -> None:
    with menu_service.sessions.begin() as session:
        session.execute(update(FactRow).where(FactRow.type == "evacuation_order").values(expires_at=clock.now()))
        bump_revision(session)
    reply = await Resident(menu_service.spine).says(QUESTION)
    assert said(reply) == [f"{TOPIC}.general"]
    assert "leave now, by order" not in reply.text


async def test_of_two_reports_on_one_shelter_the_safer_is_said(menu_service: Service) -> None:
    with menu_service.sessions.begin() as session:
        row = session.scalar(select(FactRow).where(FactRow.type == "shelter", FactRow.key == "lincoln"))
        assert row is not None
        data = {**row.data, "status": "full"}
        put_fact(
            session, type="shelter", key="lincoln_2", data=data, source="volunteer", owner="emergency_management",
            as_of=clock.now(), expires_at=clock.now() + HOUR, actor="a",
        )  # fmt: skip
    reply = await Resident(menu_service.spine).says("shelter")
    assert "Civic Arena" in reply.text
    assert "Lincoln High School," not in reply.text
    assert [one.subject for one in menu_service.library.get().contradictions] == ["Lincoln High School"]


async def test_the_rest_of_a_withdrawn_answer_is_not_told(service: Service) -> None:
    writer = Resident(service.spine)
    with service.sessions.begin() as session:
        long = " ".join(f"Bring what number {number} on the list says, and keep it dry." for number in range(20))
        version = publish(session, "emergency_kit.long", long, intent="emergency_kit").id
    try:
        first = await writer.says("what do i put in an emergency kit")
        assert said(first) == ["emergency_kit.long"]
        assert first.parts[1].message_id == "system.more_prompt"
        assert said(await writer.says("more")) == ["emergency_kit.long"]
    finally:
        with service.sessions.begin() as session:
            lifecycle.transition(session, version_id=version, to=State.WITHDRAWN, actor="b", reason="wrong")
    assert said(await writer.says("more")) == ["emergency_kit.general"]
