"""What an incident would change is told from the library as it stands, and is what a library read anew would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.answer_changes import outlook
from knowledge.library import PACKS, Library
from knowledge.pack_files import contents_of, read_pack, shipped_floor
from knowledge.records import Contents, Incident, Situation
from knowledge.topics import HAZARDS, PHASES
from server import clock

INCIDENTS = st.lists(
    st.builds(
        Incident,
        name=st.just("storm"),
        hazard=st.sampled_from(HAZARDS[1:]),
        phase=st.sampled_from(PHASES[1:]),
        level=st.sampled_from(("monitor", "partial", "full")),
        zones=st.just(()),
        started_at=st.integers(0, 9).map(lambda hours: clock.now() - timedelta(hours=hours)),
    ),
    max_size=2,
)


@pytest.fixture(scope="module")
def contents() -> Contents:
    return contents_of([read_pack(PACKS / "core")], now=clock.now())


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=INCIDENTS, then=INCIDENTS, data=st.data())
def test_a_library_that_is_moved_says_what_one_made_anew_says(
    contents: Contents, first: list[Incident], then: list[Incident], data: st.DataObject
) -> None:
    now = clock.now()
    before = Library(replace(contents, incidents=tuple(first)), floor=shipped_floor())
    before.menu()
    left = data.draw(
        st.sets(st.sampled_from([(one.message_id, one.version) for one in contents.messages if one.intent]), max_size=5)
    )
    kept = tuple(one for one in contents.messages if (one.message_id, one.version) not in left)
    anew = Library(replace(contents, incidents=tuple(then), messages=kept), floor=shipped_floor())
    moved = before.moved(then, without=left)
    asked = Situation("es", "sms", now)
    assert (moved.phase, moved.menu(), moved.incidents) == (anew.phase, anew.menu(), anew.incidents)
    for intent in anew.topics:
        assert moved.answers(intent, asked) == anew.answers(intent, asked)
    changed = {intent for intent in anew.topics if before.answer(intent, asked).text != anew.answer(intent, asked).text}
    told = outlook(before=before, incidents=then, language="es", now=now, without=left)
    assert {one.intent for one in told.answers} >= changed
    assert all(before.answer(one.intent, asked).text == one.before for one in told.answers), "the library itself is as it was"
    assert before.incidents == Library(replace(contents, incidents=tuple(first))).incidents
