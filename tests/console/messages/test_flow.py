"""The way of a message from a draft to residents and back, as browsers send it."""

from __future__ import annotations

import html

import pytest

from server.audit.models import AuditRow
from server.conversations.turn import Channel
from tests.console.messages.writers import Office, local
from tests.server.harness import Resident, rows

PROTECTIVE = "boil_water_notice.status"
ROUTINE = "sandbags.sites"
NEW = "Water news {asof}: {status_water} Boil it."


async def test_a_wrong_sentence_is_corrected_by_two_people_and_said(live_office: Office) -> None:
    office = live_office
    await office.person("ana", "author")
    await office.person("bo", "approver")
    draft = await office.begins("ana", PROTECTIVE)
    assert "textarea" in await office.sees("ana", f"/console/messages/v/{draft}/edit")
    assert (await office.writes("ana", draft, **{"text.en.sms": NEW})).status_code == 303
    page = await office.sees("ana", f"/console/messages/v/{draft}")
    assert "<ins>" in page
    assert "<del>" in page
    edits = str(office.version(draft).edits)
    assert (await office.does("ana", draft, "submit", edits=edits)).status_code == 303
    assert office.version(draft).state == "in_review"
    assert (await office.does("ana", draft, "approve")).status_code == 403
    resident = Resident(office.service.spine)
    assert "Boil it." not in (await resident.says("boil water")).parts[-1].text
    done = await office.does("bo", draft, "publish", when="now", expires_at=local(24))
    assert done.status_code == 303
    assert done.headers["location"] == f"/console/messages/v/{draft}/live"
    assert (await resident.says("boil water")).parts[-1].text.endswith("Boil it.")
    proof = await office.sees("bo", done.headers["location"])
    assert "Version 2 is live on every channel" in proof
    assert "Said 1 time" in proof
    acts = [row.action for row in rows(office.service, AuditRow, AuditRow.subject == f"{PROTECTIVE}@2")]
    assert acts == ["message.draft", "message.in_review", "message.approved", "message.published"]


async def test_nobody_approves_their_own_protective_words(live_office: Office) -> None:
    office = live_office
    await office.person("bo", "approver")
    draft = await office.begins("bo", PROTECTIVE)
    assert (await office.does("bo", draft, "publish", when="now", edits="0", expires_at=local(1))).status_code == 403
    await office.does("bo", draft, "submit", edits="0")
    for act in ("approve", "publish"):
        refused = await office.does("bo", draft, act, when="now", expires_at=local(1))
        assert refused.status_code == 403
        assert "somebody else must approve" in refused.text
    assert office.version(draft).state == "in_review"


async def test_who_edits_a_draft_of_another_does_not_approve_it(live_office: Office) -> None:
    office = live_office
    await office.person("ana", "author")
    await office.person("bo", "approver")
    draft = await office.begins("ana", PROTECTIVE)
    assert (await office.writes("bo", draft, **{"text.en.sms": NEW})).status_code == 303
    await office.does("ana", draft, "submit", edits="1")
    assert (await office.does("bo", draft, "publish", when="now", expires_at=local(1))).status_code == 403


async def test_one_person_publishes_routine_words(live_office: Office) -> None:
    office = live_office
    await office.person("bo", "approver")
    draft = await office.begins("bo", ROUTINE)
    assert (await office.does("bo", draft, "publish", when="now", edits="0", expires_at=local(1))).status_code == 303
    assert office.live(ROUTINE).id == draft


async def test_training_lets_one_person_do_it_all(office: Office) -> None:
    await office.person("bo", "approver")
    draft = await office.begins("bo", PROTECTIVE)
    assert (await office.does("bo", draft, "publish", when="now", edits="0", expires_at=local(1))).status_code == 303


async def test_withdrawn_by_one_person_at_once_and_rolled_back(live_office: Office) -> None:
    office = live_office
    await office.person("ana", "author")
    await office.person("bo", "approver")
    first = office.live(ROUTINE).id
    draft = await office.begins("bo", ROUTINE)
    await office.writes("bo", draft, **{"text.en.sms": "Sandbags: bring a shovel."})
    await office.does("bo", draft, "publish", when="now", edits="1", expires_at=local(1))
    assert (await office.does("ana", draft, "withdraw")).status_code == 400, "a reason is needed"
    assert (await office.does("ana", draft, "withdraw", reason="wrong")).status_code == 303
    caller = Resident(office.service.spine, channel=Channel.WEB)
    assert "shovel" not in (await caller.says("sandbags")).parts[-1].text
    assert "Go back to the words of version 1" in await office.sees("bo", f"/console/messages/m/{ROUTINE}")
    assert (await office.does("bo", first, "roll-back")).status_code == 303
    assert (office.live(ROUTINE).version, office.live(ROUTINE).texts) == (3, office.version(first).texts)


async def test_a_roll_back_of_a_protective_action_waits(live_office: Office) -> None:
    office = live_office
    await office.person("bo", "approver")
    await office.person("cy", "approver")
    first = office.live(PROTECTIVE).id
    draft = await office.begins("bo", PROTECTIVE)
    await office.does("bo", draft, "submit", edits="0")
    await office.does("cy", draft, "publish", when="now", expires_at=local(1))
    moved = await office.does("bo", first, "roll-back")
    third = int(moved.headers["location"].rpartition("/")[2])
    assert office.version(third).state == "in_review"
    assert office.live(PROTECTIVE).id == draft
    assert (await office.does("bo", third, "publish", when="now", expires_at=local(1))).status_code == 403
    assert (await office.does("cy", third, "publish", when="now", expires_at=local(1))).status_code == 303


async def test_an_override_is_said_at_once_and_asked_about_until_somebody_else_looked(live_office: Office) -> None:
    office = live_office
    for name, role in (("ana", "author"), ("sue", "supervisor"), ("bo", "approver")):
        await office.person(name, role)
    draft = await office.begins("ana", PROTECTIVE)
    await office.writes("ana", draft, **{"text.en.sms": NEW})
    assert (await office.does("bo", draft, "override", edits="1", reason="flood", expires_at=local(2))).status_code == 403
    assert (await office.does("sue", draft, "override", edits="1", expires_at=local(2))).status_code == 400
    assert (await office.does("sue", draft, "override", edits="0", reason="flood", expires_at=local(2))).status_code == 409
    assert (await office.does("sue", draft, "override", edits="1", reason="flood", expires_at=local(2))).status_code == 303
    assert office.live(PROTECTIVE).id == draft
    for name in ("ana", "bo", "sue"):
        assert "Published without a second person" in await office.sees(name, "/console/")
    assert (await office.does("sue", draft, "reviewed")).status_code == 403
    assert (await office.does("bo", draft, "withdraw", reason="replaced by another")).status_code == 303
    assert "Published without a second person" in await office.sees("bo", "/console/"), "also when it is over"
    assert (await office.does("bo", draft, "reviewed")).status_code == 303
    assert "Published without a second person" not in await office.sees("sue", "/console/")


async def test_an_override_of_what_cannot_be_said_is_refused(live_office: Office) -> None:
    office = live_office
    await office.person("sue", "supervisor")
    draft = await office.begins("sue", PROTECTIVE)
    await office.writes("sue", draft, **{"text.en.sms": "Boil it {nonsense}."})
    refused = await office.does("sue", draft, "override", edits="1", reason="flood", expires_at=local(2))
    assert refused.status_code == 400
    assert office.version(draft).state == "draft"
    await office.writes("sue", draft, edits="1", **{"text.en.sms": NEW, "text.es.sms": ""})
    assert (await office.does("sue", draft, "submit", edits="2")).status_code == 400, "Spanish is missing"
    assert (await office.does("sue", draft, "override", edits="2", reason="flood", expires_at=local(2))).status_code == 303


async def test_returned_with_a_reason(live_office: Office) -> None:
    office = live_office
    await office.person("ana", "author")
    await office.person("bo", "approver")
    draft = await office.begins("ana", PROTECTIVE)
    await office.does("ana", draft, "submit", edits="0")
    assert "review, by ana" in await office.sees("bo", "/console/")
    assert (await office.does("bo", draft, "return")).status_code == 400
    assert (await office.does("bo", draft, "return", reason="Say <b>which</b> zone")).status_code == 303
    home = await office.sees("ana", "/console/")
    assert html.escape("Say <b>which</b> zone") in home
    assert "<b>which" not in home
    again = await office.does("ana", draft, "correct")
    assert again.headers["location"] != f"/console/messages/v/{draft}/edit", "the words of a submitted version never change"


async def test_scheduled_words_wait_for_their_time(office: Office) -> None:
    await office.person("bo", "approver")
    first = office.live(ROUTINE).id
    draft = await office.begins("bo", ROUTINE)
    data = {"when": "later", "edits": "0", "expires_at": local(8)}
    assert (await office.does("bo", draft, "publish", **data)).status_code == 400
    assert (await office.does("bo", draft, "publish", valid_from=local(9), **data)).status_code == 400
    assert (await office.does("bo", draft, "publish", valid_from=local(2), **data)).status_code == 303
    assert (office.version(draft).state, office.version(first).state) == ("published", "published")
    page = await office.sees("bo", f"/console/messages/m/{ROUTINE}")
    assert "Version 2 begins" in page
    assert "Version 1" in page
    assert "Version 2 begins" in await office.sees("bo", f"/console/messages/v/{draft}/live")
    assert (await Resident(office.service.spine).says("sandbags")).parts[-1].version == 1


@pytest.mark.parametrize("ends", ["", "nonsense", local(-1), "9999999-01-01T00:00"])
async def test_an_end_is_needed(office: Office, ends: str) -> None:
    await office.person("bo", "approver")
    draft = await office.begins("bo", ROUTINE)
    assert (await office.does("bo", draft, "publish", when="now", edits="0", expires_at=ends)).status_code == 400
    assert office.version(draft).state == "draft"


async def test_a_limited_account_changes_only_what_is_its_own(office: Office) -> None:
    await office.person("wes", "approver", owners=["water_utility"])
    await office.person("pat", "approver", owners=["parks"])
    live = office.live(PROTECTIVE).id
    for act in ("withdraw", "correct"):
        refused = await office.does("pat", live, act, reason="x")
        assert refused.status_code == 403
        assert "another office" in refused.text
    draft = await office.begins("wes", PROTECTIVE)
    for name, owner in (("pat", "parks"), ("wes", "parks")):
        assert (await office.writes(name, draft, owner=owner)).status_code == 403, "nor gives it away"
    assert (await office.writes("wes", draft)).status_code == 303


async def test_a_proof_of_who_one_is_must_be_fresh(office: Office) -> None:
    from datetime import timedelta

    from server.staff.models import StaffSession

    await office.person("bo", "approver")
    draft = await office.begins("bo", ROUTINE)
    with office.service.sessions.begin() as session:
        for row in session.query(StaffSession):
            row.proved_at -= timedelta(hours=1)
    done = await office.does("bo", draft, "publish", when="now", edits="0", expires_at=local(1))
    assert done.status_code == 403 or "/confirm" in done.headers["location"]
    assert office.version(draft).state == "draft"
    assert (await office.does("bo", office.live(ROUTINE).id, "withdraw", reason="wrong")).status_code == 303, (
        "withdrawing never waits"
    )
