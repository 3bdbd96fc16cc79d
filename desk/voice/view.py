"""What the page of a conversation shows of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import phonenumbers
from sqlalchemy.orm import Session

from desk.models import Handoff
from desk.states import State
from desk.voice.rules import Number, hung_up, numbers, sid_of
from desk.voice.service import LEADING
from desk.voice.states import WITH_CALLER, Phase, newest_leg
from server.conversations.models import Conversation
from server.twilio.addresses import ten_digits


@dataclass(frozen=True)
class CallView:
    """One call with an agent's telephone in it."""

    phase: str
    reason: str
    gone: bool
    """True when the caller has hung up."""
    psap: str
    """The first number of the 911 center, as people read it; empty when the city has none."""
    numbers: tuple[Number, ...]

    @property
    def there(self) -> bool:
        """True while the caller is on the line and nobody led them elsewhere."""
        return not self.gone and not self.leading

    @property
    def connected(self) -> bool:
        """True while agent and caller are in the conference, on hold or not."""
        return self.phase in WITH_CALLER

    @property
    def leading(self) -> bool:
        """True once the agent sent the caller to 911 or to another office."""
        return self.reason in LEADING

    @property
    def told(self) -> bool:
        """True when there is more to say than the phase."""
        return self.reason in ("busy", "no_answer", "no_key", "lost", "not_placed", "caller_gone", "not_held", "not_led")


def read_call(
    session: Session, *, conversation: Conversation, handoff: Handoff | None, city: Mapping[str, Any], name: str
) -> CallView | None:
    """The call of a conversation for the agent in whose telephone it is, or was last; nothing for anybody else."""
    leg = newest_leg(session, conversation_id=conversation.id) if sid_of(conversation) else None
    if leg is None or leg.agent != name or (handoff is not None and leg.handoff_id != handoff.id):
        return None
    if handoff is None and leg.phase not in (Phase.FAILED, Phase.OVER):
        return None
    if handoff is not None and handoff.state == State.AGENT and handoff.accepted_by != leg.agent:
        return None
    psaps = ten_digits(city.get("psap_transfer"))
    gone = hung_up(conversation)
    # Which of the two Twilio tells of first, when the caller hangs up, is its own affair.
    reason = "caller_gone" if gone and leg.reason == "agent_left" else leg.reason
    return CallView(leg.phase, reason, gone, _shown(psaps[0]) if psaps else "", numbers(city))


def _shown(number: str) -> str:
    return phonenumbers.format_number(phonenumbers.parse(number, "US"), phonenumbers.PhoneNumberFormat.NATIONAL)
