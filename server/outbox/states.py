"""How far a text got: the states, what Twilio calls them, and which errors are worth another try. All of it as tables."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """`queued` is ours to send; `sent` was taken by Twilio. `failed` never left us or Twilio, `undelivered` did not reach the
    phone, `expired` got too old to be said, `dropped` was not said because a person had taken over."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    DROPPED = "dropped"


RANK: Final[dict[State, int]] = {
    State.QUEUED: 0,
    State.SENT: 1,
    State.EXPIRED: 2,
    State.DROPPED: 2,
    State.FAILED: 3,
    State.UNDELIVERED: 3,
    State.DELIVERED: 4,
}
"""Callbacks come in any order and twice: a state is only ever followed by one of a higher rank. What reached the phone has
reached it, whatever is reported afterwards."""

UNSENT: Final = frozenset({State.FAILED, State.UNDELIVERED, State.EXPIRED})
"""The ends in which the resident did not get the text."""

TWILIO: Final[dict[str, State]] = {
    "accepted": State.SENT,
    "scheduled": State.SENT,
    "queued": State.SENT,
    "sending": State.SENT,
    "sent": State.SENT,
    "partially_delivered": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "failed": State.FAILED,
    "canceled": State.FAILED,
}
"""Twilio's message statuses. To us a text is sent once Twilio has it; a status that is not here changes nothing."""


def advance(current: str, reported: str) -> State:
    """The state after a report, either in our words or in Twilio's. Never goes back; an unknown report changes nothing."""
    now = State(current)
    then = TWILIO.get(reported)
    return then if then is not None and RANK[then] > RANK[now] else now


def settle(current: str, to: State) -> State:
    """The state after something we did ourselves, under the same rule."""
    now = State(current)
    return to if RANK[to] > RANK[now] else now


OPTED_OUT: Final = "21610"

FINAL_ERRORS: Final = frozenset(
    {
        "21211",  # not a telephone number
        "21214",  # cannot be reached
        "21217",  # not a telephone number
        "21408",  # country not permitted
        OPTED_OUT,
        "21612",  # no route from this sender to this number
        "21614",  # not a mobile number
        "21617",  # body too long
        "30003",  # handset unreachable
        "30004",  # blocked by the recipient
        "30005",  # unknown handset
        "30006",  # landline or carrier that takes no texts
        "30007",  # filtered by a carrier
        "30008",  # unknown error at the carrier: whether it arrived is not known
        "30034",  # sender not registered
    }
)
"""Errors that another try would only repeat."""

ACCOUNT_ERRORS: Final = frozenset({"20003", "20005", "20008", "20404", "21606", "21659", "21660", "21703"})
"""Errors of our own account or number: the text is kept and tried again, and staff are told, since nothing gets out."""

_LONGEST_WAIT: Final = 300


def worth_another_try(code: str | None, status: int | None) -> bool:
    """True for a passing fault: too many requests, a fault of Twilio's, no answer at all, or an account that can be put right."""
    if code in FINAL_ERRORS:
        return False
    if code in ACCOUNT_ERRORS or code in ("429", "20429", "21611", "30001"):
        return True
    return status is None or status in (401, 403, 404, 408, 429) or status >= 500


def wait_before(attempts: int) -> int:
    """Seconds before the next try, after so many; doubles up to five minutes."""
    return int(min(2 ** max(attempts, 1), _LONGEST_WAIT))
