"""The gate opens for a candidate that loses nothing, and for no other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.learning.gate import Case, Understood, compare, fell
from bot.learning.triage_gate import ALL, compare_triage


def cases(count: int, *, kind: str = "examples", intent: str = "a") -> list[Case]:
    return [Case(kind, f"{kind} {intent} {number}", "en", intent) for number in range(count)]


def answers(*intents: str) -> list[Understood]:
    return [Understood(intent) for intent in intents]


def reasons(asked: Sequence[Case], before: list[str], after: list[str]) -> tuple[str, ...]:
    return compare(asked, answers(*before), answers(*after), known_before=frozenset({"a", "b"})).reasons


@pytest.mark.parametrize(
    ("lost", "won", "result"),
    [(0, 0, False), (1, 0, False), (4, 0, False), (5, 0, True), (5, 5, False), (9, 1, True), (8, 2, False), (0, 9, False)],
)
def test_when_more_was_lost_than_chance_explains(lost: int, won: int, result: bool) -> None:
    assert fell(lost, won) is result


def test_four_lost_emergencies_close_the_gate() -> None:
    assert fell(4, 0, certain=0.1)
    assert not fell(3, 0, certain=0.1)


@given(st.integers(0, 60), st.integers(0, 60))
def test_never_both_ways(lost: int, won: int) -> None:
    assert not (fell(lost, won) and fell(won, lost))


def test_the_same_answers_open_the_gate() -> None:
    asked = cases(10)
    report = compare(asked, answers(*["a"] * 10), answers(*["a"] * 10), known_before=frozenset({"a"}))
    assert report.as_json()["open"] is True
    assert (report.lost_count, report.won_count, report.topics_new) == (0, 0, ())


def test_one_lost_example_is_shown_and_does_not_close_the_gate() -> None:
    report = compare(cases(10), answers(*["a"] * 10), answers(*["a"] * 9, "b"), known_before=frozenset({"a"}))
    assert [(change.text, change.how, change.now) for change in report.lost] == [("examples a 9", "wrong", "b")]
    assert report.reasons == ()


def test_a_topic_that_its_own_examples_do_not_find_any_more_closes_it() -> None:
    asked = [*cases(3), *cases(60, intent="b")]
    assert reasons(asked, ["a"] * 3 + ["b"] * 60, ["a", "b", "b"] + ["b"] * 60) == ("topics_lost",)


def test_a_new_topic_must_be_found_by_its_own_examples() -> None:
    asked = [*cases(4), *cases(4, intent="new")]
    before = answers(*["a"] * 8)
    found = compare(asked, before, answers(*["a"] * 4, *["new"] * 4), known_before=frozenset({"a"}))
    assert (found.reasons, found.topics_new, found.won_count) == ((), ("new",), 4)
    unfound = compare(asked, before, answers(*["a"] * 8), known_before=frozenset({"a"}))
    assert unfound.reasons == ("topics_lost",)


def test_a_topic_that_was_weak_before_is_told_and_closes_nothing() -> None:
    report = compare(cases(4), answers(*["b"] * 4), answers(*["b"] * 4), known_before=frozenset({"a", "b"}))
    assert (report.weak, report.reasons) == (("a",), ())


def test_more_wrong_answers_close_it_though_as_many_are_found() -> None:
    asked = [*cases(40), *cases(20, kind="questions")]
    before = ["a"] * 40 + ["a"] * 10 + ["out_of_scope"] * 10
    assert reasons(asked, before, ["a"] * 40 + ["a"] * 10 + ["b"] * 10) == ("questions_wrong",)


def test_offering_the_topic_is_not_finding_it() -> None:
    offered = Understood("clarify", ("a", "b"))
    assert [offered.how(name) for name in ("a", "b", "c")] == ["offered", "offered", "missed"]


def test_without_a_model_before_what_is_not_found_is_listed() -> None:
    report = compare(cases(4), None, answers("a", "a", "a", "out_of_scope"), known_before=frozenset())
    assert (report.lost_count, [change.how for change in report.lost], report.topics_new) == (1, ["missed"], ())


def test_the_triage_is_compared_by_category() -> None:
    rows = [{"id": f"{name}{number}", "category": name, "text": ""} for name in ("fire", "gas") for number in range(10)]
    before = {row["id"]: True for row in rows}
    after = {**before, **{f"gas{number}": False for number in range(4)}}
    found = {change.category: change for change in compare_triage(rows, before, after)}
    assert [name for name, change in found.items() if change.fell] == [ALL, "gas"]
    assert (found["gas"].before, found["gas"].after, found["gas"].total, found["gas"].lost) == (10, 6, 10, 4)
