"""What a button of the desk does, by its name: one table, each act in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.orm import Session

from desk import acts, board, reply, service
from desk.models import Handoff
from desk.notes import add_note
from desk.states import State, hold
from desk.voice import acts as call
from desk.voice import service as voice
from desk.voice.effects import Effect
from desk.voice.rules import Rules
from knowledge.library import Library
from server.conversations.models import Conversation
from server.errors import Conflict, Forbidden
from server.http.deps import ChannelDeps
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS


@dataclass(frozen=True)
class Asked:
    """What came with the button."""

    session: Session
    conversation: Conversation
    user: StaffUser
    library: Library
    text: str
    to: str
    once: str
    rules: Rules
    effects: list[Effect] = field(default_factory=list)
    """What is to be done at Twilio once this is committed."""

    @property
    def supervises(self) -> bool:
        """True for a person who may act on what others have."""
        return self.user.role in PERMISSIONS["desk.supervise"]

    def handoff(self) -> Handoff:
        """The open handoff, or the one that this person is wrapping up."""
        found = service.current_handoff(self.session, conversation_id=self.conversation.id)
        found = found or service.wrapping_up(self.session, conversation_id=self.conversation.id, agent=self.user.name)
        if found is None:
            raise Conflict("That cannot be done with this conversation now.", words="desk_refusal.not_now")
        return found


def _take(asked: Asked) -> None:
    handoff = acts.take(asked.session, conversation=asked.conversation, agent=asked.user.name, library=asked.library)
    asked.effects.extend(voice.begin(asked.session, conversation=asked.conversation, handoff=handoff, rules=asked.rules))


def _over(asked: Asked) -> None:
    _only_supervisors(asked)
    handoff = acts.take_over(asked.session, conversation=asked.conversation, supervisor=asked.user.name, library=asked.library)
    # First the colleague's part ends, so that the conversation never has two.
    asked.effects.extend(voice.follow(asked.session, conversation=asked.conversation, rules=asked.rules, reason="over"))
    asked.effects.extend(voice.begin(asked.session, conversation=asked.conversation, handoff=handoff, rules=asked.rules))


def _say(asked: Asked) -> None:
    reply.say_typed(asked.session, conversation=asked.conversation, agent=asked.user.name, text=asked.text, once=asked.once)


def _approved(asked: Asked) -> None:
    reply.say_approved(
        asked.session,
        conversation=asked.conversation,
        agent=asked.user.name,
        library=asked.library,
        intent=asked.text,
        once=asked.once,
    )


def _pass(asked: Asked) -> None:
    kind, _, name = asked.to.partition(":")
    acts.pass_on(
        asked.session,
        conversation=asked.conversation,
        actor=asked.user.name,
        note=asked.text,
        library=asked.library,
        agent=name if kind == "agent" else None,
        group=name if kind == "group" else None,
        supervises=asked.supervises,
    )


def _refuse(asked: Asked) -> None:
    service.refuse(asked.session, handoff_id=asked.handoff().id, agent=asked.user.name)


def _return(asked: Asked) -> None:
    acts.give_back(asked.session, conversation=asked.conversation, agent=asked.user.name, library=asked.library)


def _finish(asked: Asked) -> None:
    acts.finish(asked.session, conversation=asked.conversation, agent=asked.user.name, library=asked.library)


def _file(asked: Asked) -> None:
    service.file(asked.session, handoff_id=asked.handoff().id, agent=asked.user.name, settled=asked.to, note=asked.text)


def _close(asked: Asked) -> None:
    acts.close(asked.session, conversation=asked.conversation, agent=asked.user.name, supervises=asked.supervises)


def _later(asked: Asked) -> None:
    handoff = asked.handoff()
    if handoff.state == State.AGENT and handoff.accepted_by != asked.user.name and not asked.supervises:
        raise Conflict("A colleague has this conversation.", words="desk_refusal.colleague_has")
    service.keep_for_later(asked.session, handoff_id=handoff.id, actor=asked.user.name)


def _note(asked: Asked) -> None:
    add_note(asked.session, conversation_id=asked.conversation.id, kind="note", author=asked.user.name, text=asked.text)


def _whisper(asked: Asked) -> None:
    _only_supervisors(asked)
    add_note(asked.session, conversation_id=asked.conversation.id, kind="whisper", author=asked.user.name, text=asked.text)


def _hold(asked: Asked) -> None:
    asked.effects.extend(call.hold(asked.session, conversation=asked.conversation, agent=asked.user.name, on=True))


def _resume(asked: Asked) -> None:
    asked.effects.extend(call.hold(asked.session, conversation=asked.conversation, agent=asked.user.name, on=False))


def _to_911(asked: Asked) -> None:
    asked.effects.extend(call.to_911(asked.session, conversation=asked.conversation, agent=asked.user.name, rules=asked.rules))


def _to_number(asked: Asked) -> None:
    asked.effects.extend(
        call.to_number(asked.session, conversation=asked.conversation, agent=asked.user.name, key=asked.to, rules=asked.rules)
    )


def _only_supervisors(asked: Asked) -> None:
    if not asked.supervises:
        raise Forbidden("Your role may not do this; ask a supervisor.", words="desk_refusal.role")


ACTS: Final[dict[str, Callable[[Asked], None]]] = {
    "take": _take,
    "over": _over,
    "say": _say,
    "approved": _approved,
    "pass": _pass,
    "refuse": _refuse,
    "return": _return,
    "finish": _finish,
    "file": _file,
    "close": _close,
    "later": _later,
    "note": _note,
    "whisper": _whisper,
    "hold": _hold,
    "resume": _resume,
    "to-911": _to_911,
    "to-number": _to_number,
}
"""Every button of a conversation's page."""
TO_BOARD: Final = frozenset({"refuse", "file", "close", "later"})
"""After these the person is done with the conversation and goes to the board."""


def change(
    deps: ChannelDeps, *, user: StaffUser, reference: str, act: str, text: str, to: str = "", once: str = ""
) -> list[Effect]:
    """Does one act and wakes who watches the conversation; gives what is to be done at Twilio then. Raises what the act raises;
    nothing is changed then."""
    if act not in ACTS:
        raise Conflict("That cannot be done with this conversation now.", words="desk_refusal.not_now")
    with deps.sessions.begin() as session:
        conversation = board.conversation_by_reference(session, reference=reference)
        hold(session, conversation_ids=[conversation.id])
        session.refresh(conversation)
        text = text.replace("\x00", " ")
        library = deps.library.get(session)
        asked = Asked(session, conversation, user, library, text, to, once, Rules.of(deps, library.city))
        ACTS[act](asked)
        asked.effects.extend(voice.follow(session, conversation=conversation, rules=asked.rules, reason=act))
        conversation_id = conversation.id
    if act in ("say", "approved"):
        deps.signs.writes(conversation_id, "agent", stopped=True)
    deps.wake.stored(conversation_id)
    return asked.effects


def seen(deps: ChannelDeps, *, name: str, reference: str) -> None:
    """Notes that the agent who has a conversation has it on the screen. Raises `NotFound`."""
    with deps.sessions.begin() as session:
        conversation = board.conversation_by_reference(session, reference=reference)
        handoff = service.current_handoff(session, conversation_id=conversation.id)
        if handoff is not None and handoff.accepted_by == name and handoff.read_turn < conversation.turns:
            handoff.read_turn = conversation.turns
