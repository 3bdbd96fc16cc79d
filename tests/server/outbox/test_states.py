from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.outbox.states import FINAL_ERRORS, RANK, TWILIO, State, advance, settle, wait_before, worth_another_try

STATES = [state.value for state in State]


def test_every_state_has_a_rank() -> None:
    assert set(RANK) == set(State)


@pytest.mark.parametrize("order", list(itertools.permutations(["queued", "sending", "sent", "delivered"])))
def test_reports_in_any_order_end_delivered(order: tuple[str, ...]) -> None:
    state = "queued"
    for reported in (*order, *order):
        state = advance(state, reported)
    assert state == "delivered"


@given(st.sampled_from(STATES), st.lists(st.sampled_from([*TWILIO, "received", "", "🆘"]), max_size=12))
def test_a_state_never_goes_back(state: str, reports: list[str]) -> None:
    for reported in reports:
        after = advance(state, reported)
        assert RANK[State(after)] >= RANK[State(state)]
        assert after == state or RANK[after] > RANK[State(state)]
        state = after


@given(st.permutations(["delivered", "undelivered", "sent", "failed"]))
def test_what_reached_the_phone_has_reached_it(reports: list[str]) -> None:
    state = "sent"
    for reported in reports:
        state = advance(state, reported)
    assert state == "delivered"


@pytest.mark.parametrize(("current", "to", "after"), [("queued", "dropped", "dropped"), ("delivered", "sent", "delivered")])
def test_settle(current: str, to: str, after: str) -> None:
    assert settle(current, State(to)) == after


@pytest.mark.parametrize(
    ("code", "status", "again"),
    [
        *((code, 400, False) for code in sorted(FINAL_ERRORS)),
        ("20429", 429, True),
        ("429", 429, True),
        (None, 500, True),
        ("20500", 503, True),
        (None, None, True),
        ("20003", 401, True),
        ("21606", 400, True),
        ("21611", 400, True),
        ("99999", 400, False),
    ],
)
def test_which_errors_are_tried_again(code: str | None, status: int | None, again: bool) -> None:
    assert worth_another_try(code, status) is again


def test_waiting_doubles_up_to_five_minutes() -> None:
    assert [wait_before(n) for n in (0, 1, 2, 3, 8, 9, 50)] == [2, 2, 4, 8, 256, 300, 300]
