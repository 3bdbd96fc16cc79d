"""The way of one turn, the same for every channel, simulator, replay and test.

Claim, triage, owner, assistant, render, store. Pure decisions stand in `plan.py`, the two transactions in `ledger.py`; this
module only puts them in order, and steps down when one of them fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.triage.decision import Decision, Level
from bot.triage.engine import Context, TriageEngine
from knowledge.library import Library, LiveLibrary, Situation
from server import clock
from server.alerts.service import raise_alert
from server.conversations import ledger, pace, statements, words
from server.conversations.carrier import carrier_word
from server.conversations.locks import ConversationLocks
from server.conversations.looking import look
from server.conversations.models import Conversation
from server.conversations.ownership import Owner
from server.conversations.plan import CarrierWord, Plan, Standing, Step, asked_meanwhile, plan_turn, yes_or_no
from server.conversations.ports import Assistant, Desk, InLine, LanguageDetector
from server.conversations.turn import QUIET_CARDS, Answered, Asked, Channel, Inbound, Outcome, Reply
from server.database.engine import Sessions, commit_with_the_next
from server.errors import NotReady
from server.identity.keys import Keys
from server.metrics import DUPLICATES, STEP, TRIAGE, TURN_SECONDS, TURNS
from server.outbox.opting import set_opt_out

log = structlog.get_logger()

SAME_BREATH: Final = timedelta(minutes=10)
"""So long after a message a short one is read together with it, as people send one sentence in two texts."""
PATIENCE: Final = 1.0
"""Seconds that an emergency waits for the turn before it; it is then answered and stored beside that one."""
_QUESTION_CARDS: Final = ("unclear", "silent")
"""Cards that ask something which is answered by a number."""
_BY_OWNER: Final = frozenset(
    {Step.ASSIST, Step.ASIDE, Step.RELAY, Step.WAIT, Step.HELPED, Step.NOTED, Step.PICTURE, Step.BLOCKED, Step.HURRIED}
)
"""What a turn is treated as because of who owned the conversation; when that changed meanwhile the turn is planned anew."""
_NO_ANSWER: Final = frozenset({Outcome.OUT_OF_SCOPE, Outcome.REPROMPT, Outcome.CLARIFY})


@dataclass(frozen=True)
class InHand:
    """One turn between its two transactions."""

    inbound: Inbound
    received: datetime
    started: float
    inline: bool
    decision: Decision
    plan: Plan
    opened: ledger.Opened
    library: Library
    language: str
    fixed: bool
    answered: Answered | None = None


@dataclass(frozen=True)
class Spine:
    """Everything one turn goes through. `assistants` are asked in order until one answers."""

    sessions: Sessions
    locks: ConversationLocks
    keys: Keys
    triage: TriageEngine
    library: LiveLibrary
    assistants: tuple[Assistant, ...]
    desk: Desk
    detect: LanguageDetector
    stored: Callable[[int], None] = lambda _conversation_id: None
    """Called after each commit with the conversation, to wake those who watch it."""

    async def handle(self, inbound: Inbound, *, inline: bool = True) -> Reply:
        """Answers one inbound message. With `inline` the caller delivers the reply; otherwise the outbox does.

        Never raises for a fault of ours: the last step down is one static bilingual text that begins with the 911 line."""
        started, received = time.perf_counter(), clock.now()
        inbound = inbound.storable()
        context = Context(channel=inbound.channel.value, keys=inbound.kind == "keys")
        decision = await look(self.triage, inbound.text, context=context)
        try:
            async with self._in_order(inbound.key, decision):
                reply = await self._turn(inbound, decision, received, started, inline)
            STEP.labels(part="turn").set(0)
        except Exception as error:
            # The database or anything else of ours failed: the resident still gets the 911 line and the way to a person.
            log.error("turn.failed", error=repr(error), database=isinstance(error, SQLAlchemyError))
            STEP.labels(part="turn").set(1)
            language = inbound.language or self.detect(inbound.text, current="en", fixed=False)[0]
            reply = words.static_reply(self.library.last_good, inbound=inbound, decision=decision, language=language, now=received)
        self._count(inbound, decision, reply, time.perf_counter() - started)
        return reply

    @asynccontextmanager
    async def _in_order(self, key: str, decision: Decision) -> AsyncIterator[None]:
        """Waits for the turns before this one; an emergency only for a moment, so that nothing which hangs there holds it back."""
        place = self.locks.hold(key)
        try:
            async with asyncio.timeout(PATIENCE if decision.level is Level.HARD else None):
                await place.__aenter__()
        except TimeoutError:
            log.error("turn.out_of_order")
            yield
            return
        try:
            yield
        finally:
            await place.__aexit__(None, None, None)

    async def _turn(self, inbound: Inbound, decision: Decision, received: datetime, started: float, inline: bool) -> Reply:
        while True:
            opened, library = await asyncio.to_thread(self._accept, inbound)
            if opened.repeat is not None:
                DUPLICATES.labels(channel=inbound.channel.value).inc()
                return opened.repeat
            turn = await self._decided(inbound, decision, opened, library, received, started, inline)
            reply = await asyncio.to_thread(self._settle, turn)
            if reply is not None:
                return reply

    async def _decided(
        self,
        inbound: Inbound,
        decision: Decision,
        opened: ledger.Opened,
        library: Library,
        received: datetime,
        started: float,
        inline: bool,
    ) -> InHand:
        conversation = opened.conversation
        decision = await self._in_context(inbound, decision, conversation, received)
        standing = Standing(
            owner=Owner(conversation.owner),
            latched=conversation.latch_until is not None and conversation.latch_until > received,
            opted_out=opened.opted_out,
            unclear_said=bool(conversation.memory.get("unclear_said")),
            asked_helped=bool(conversation.memory.get("helped_for")),
            asked=conversation.memory.get("asked"),
            watched=bool(conversation.memory.get("watched")),
            recorded=inbound.kind == "recorded",
            blocked=opened.blocked,
            hurried=pace.hurried(inbound, conversation, received),
        )
        carrier = self._carrier(inbound, opted_out=opened.opted_out)
        media_only = inbound.media > 0 and not inbound.text.strip()
        plan = plan_turn(decision=decision, standing=standing, carrier=carrier, text=inbound.text, media_only=media_only)
        language, fixed = self._language(inbound, conversation, plan)
        turn = InHand(inbound, received, started, inline, decision, plan, opened, library, language, fixed)
        if plan.step is Step.ASSIST:
            turn = replace(turn, answered=self._with_a_person(inbound, await self._ask(turn, inbound.text)))
            if conversation.memory.get("kept_for_later") and _left_for_the_agent(turn.answered, inbound.text):
                turn = replace(turn, plan=replace(plan, step=Step.NOTED), answered=None)
        elif plan.step is Step.ASIDE:
            turn = replace(turn, answered=await self._ask(turn, asked_meanwhile(inbound.text) or ""))
        return turn

    def _with_a_person(self, inbound: Inbound, answered: Answered | None) -> Answered | None:
        """The answer, and a person besides where the case is one for a person."""
        if answered is None or answered.handoff or inbound.kind not in ("text", "speech"):
            return answered
        return replace(answered, handoff=self.desk.goes_by_itself(inbound.text))

    def _accept(self, inbound: Inbound) -> tuple[ledger.Opened, Library]:
        with self.sessions.begin() as session:
            # Nobody is told that the message was taken before `_settle` has committed.
            commit_with_the_next(session)
            opened = ledger.accept(session, inbound=inbound, keys=self.keys)
            return opened, self.library.get(session)

    async def _in_context(self, inbound: Inbound, decision: Decision, conversation: Conversation, now: datetime) -> Decision:
        asked = conversation.memory.get("asked")
        latched = conversation.latch_until is not None and conversation.latch_until > now
        previous = conversation.memory.get("previous_text") if now - conversation.last_at <= SAME_BREATH else None
        if decision.level is Level.HARD or not (asked or latched or previous):
            return decision
        context = Context(
            latched=latched,
            previous_text=previous,
            asked=asked,
            channel=inbound.channel.value,
            keys=inbound.kind == "keys",
        )
        if not self.triage.hears_what_was_before(inbound.text, context):
            return decision
        return await look(self.triage, inbound.text, context=context)

    @staticmethod
    def _carrier(inbound: Inbound, *, opted_out: bool) -> CarrierWord | None:
        if inbound.channel is not Channel.SMS:
            return None
        return carrier_word(inbound.text, provider=inbound.opt_out_type, opted_out=opted_out)

    def _language(self, inbound: Inbound, conversation: Conversation, plan: Plan) -> tuple[str, bool]:
        if inbound.language:
            return inbound.language, True
        if inbound.kind not in ("text", "speech", "recorded") or plan.step is Step.OPT_IN:
            return conversation.language, conversation.language_fixed
        return self.detect(inbound.text, current=conversation.language, fixed=conversation.language_fixed)

    async def _ask(self, turn: InHand, text: str) -> Answered | None:
        conversation = turn.opened.conversation
        recent = conversation.topic_at is not None and turn.received - conversation.topic_at <= ledger.TOPIC_MEMORY
        asked = Asked(
            conversation_id=conversation.id,
            reference=conversation.reference,
            channel=turn.inbound.channel,
            kind=turn.inbound.kind,
            text=text,
            language=turn.language,
            place=conversation.place,
            topic=conversation.topic if recent else None,
            memory=dict(conversation.memory),
            tracker=conversation.tracker,
            confidence=turn.inbound.confidence,
            level=turn.decision.level.value,
            category=turn.decision.category,
        )
        for assistant in self.assistants:
            part = getattr(assistant, "part", type(assistant).__name__)
            try:
                answered = await assistant.respond(asked)
                if not answered.parts and not answered.handoff:
                    raise NotReady("The assistant had nothing to say.")
            except Exception as error:
                # Whatever breaks in one assistant, the resident gets the next one down, and staff see the step.
                log.error("assistant.failed", assistant=part, error=repr(error))
                STEP.labels(part=part).set(1)
                continue
            STEP.labels(part=part).set(0)
            return answered
        return None

    def _settle(self, turn: InHand) -> Reply | None:
        """Stores the turn and gives the reply; nothing when somebody else owns the conversation by now, or it was closed. The turn
        is planned anew then: no answer of the assistant's is said over a person, and no word goes unanswered."""
        with self.sessions.begin() as session:
            conversation = session.scalars(statements.CONVERSATION, {"this_id": turn.opened.conversation.id}).one()
            changed = conversation.owner_version != turn.opened.conversation.owner_version
            if conversation.owner == Owner.CLOSED or (changed and turn.plan.step in _BY_OWNER):
                return None
            conversation.language_fixed = turn.fixed
            line = self._act(session, turn, conversation)
            reply = self._words(turn, conversation, line)
            self._note(turn, conversation, line, reply)
            settled = ledger.Settled(
                inbound=turn.inbound,
                decision=turn.decision,
                reply=reply,
                answered=turn.answered,
                received_at=turn.received,
                elapsed_ms=round((time.perf_counter() - turn.started) * 1000, 2),
                inline=turn.inline,
            )
            ledger.settle(session, conversation=conversation, settled=settled)
            conversation_id = conversation.id
        self.stored(conversation_id)
        return reply

    def _act(self, session: Session, turn: InHand, conversation: Conversation) -> InLine | None:
        """What the plan changes besides the words; gives where the resident stands when they wait for a person."""
        plan, inbound = turn.plan, turn.inbound
        if plan.alert is not None:
            raise_alert(
                session,
                kind=plan.alert,
                severity="critical" if plan.step is Step.EMERGENCY or plan.alert == "opted_out_emergency" else "warning",
                conversation_id=conversation.id,
                detail={"category": turn.decision.category},
            )
        match plan.step:
            case Step.OPT_OUT | Step.OPT_IN if conversation.person is not None:
                stopped = plan.step is Step.OPT_OUT
                set_opt_out(session, person=conversation.person, our_address=inbound.our_address or "", stopped=stopped)
            case Step.EMERGENCY | Step.CRISIS:
                if plan.step is Step.EMERGENCY:
                    ledger.latch(conversation, card=words.card_id(plan.card, turn.library), now=turn.received)
                if inbound.kind == "recorded":
                    # Nobody is there to hear the card: a person has to reach them.
                    self.desk.queue(session, conversation=conversation, reason="emergency", text=inbound.text)
                self.desk.append(session, conversation=conversation, text=inbound.text)
            case Step.RELEASE:
                ledger.note_release(session, conversation=conversation, now=turn.received)
                ledger.release(conversation)
                if conversation.owner in (Owner.QUEUED, Owner.AGENT):
                    return self.desk.append(session, conversation=conversation, text=inbound.text)
            case Step.HELPED:
                self.desk.helped(session, conversation=conversation, helped=bool(yes_or_no(inbound.text)))
            case Step.RECORDED:
                self.desk.queue(session, conversation=conversation, reason="voicemail", text=inbound.text)
                self.desk.append(session, conversation=conversation, text=inbound.text)
            case Step.RELAY | Step.WAIT | Step.ASIDE:
                return self.desk.append(session, conversation=conversation, text=inbound.text)
            case Step.ASSIST if turn.answered is None or turn.answered.handoff:
                reason = (turn.answered and turn.answered.handoff) or "assistant_failed"
                slots = turn.answered.slots if turn.answered else {}
                return self.desk.queue(session, conversation=conversation, reason=reason, text=inbound.text, slots=slots)
        return None

    def _words(self, turn: InHand, conversation: Conversation, line: InLine | None) -> Reply:
        language = (turn.answered and turn.answered.language) or turn.language
        channel = turn.inbound.channel
        return words.compose(
            plan=turn.plan,
            answered=turn.answered,
            library=turn.library,
            situation=Situation(language=language, channel=channel.words, now=turn.received, place=conversation.place),
            inbound=turn.inbound,
            decision=turn.decision,
            standing=words.Around(
                first=turn.opened.first,
                line=line,
                latched_card=conversation.latch_card if turn.plan.step is not Step.EMERGENCY else None,
                speak_while_waiting=pace.may_speak_again(conversation, turn.received),
                language_sure=turn.fixed,
                conversation=conversation.reference,
                owner=conversation.owner,
                released_card=turn.opened.conversation.latch_card if turn.plan.step is Step.RELEASE else None,
                pending=conversation.memory.get("pending") if turn.plan.step is Step.RELEASE else None,
                options=tuple(option["label"] for option in conversation.memory.get("options") or []),
                notice=pace.told_now(turn.plan, conversation, turn.inbound, turn.received),
            ),
        )

    @staticmethod
    def _note(turn: InHand, conversation: Conversation, line: InLine | None, reply: Reply) -> None:
        memory = {**conversation.memory, "asked": turn.plan.card if turn.plan.card in _QUESTION_CARDS else None}
        if turn.inbound.kind == "text":
            memory["burst"] = pace.counted(turn.inbound, conversation, turn.received)
        if pace.told_now(turn.plan, conversation, turn.inbound, turn.received):
            memory[f"{turn.plan.step}_said"] = turn.received.isoformat()
        if turn.inbound.kind in ("text", "speech"):
            memory["previous_text"] = turn.inbound.text[:300]
        if turn.plan.step is Step.UNCLEAR:
            memory["unclear_said"] = True
        if turn.answered is not None:
            asking = reply.outcome in (Outcome.FORM, Outcome.CLARIFY, Outcome.MENU)
            memory["pending"] = next(
                (part.message_id for part in turn.answered.parts[::-1] if asking and part.role == "system"), None
            )
        if f"card.{turn.plan.card}" in QUIET_CARDS:
            memory["watched"] = True
        if turn.plan.step is Step.WAIT and pace.may_speak_again(conversation, turn.received):
            memory["waiting_said"] = turn.received.isoformat()
        if line is not None:
            memory["kept_for_later"] = line.later
        if turn.plan.step is not Step.SILENT:
            memory.pop("helped_for", None)
        conversation.memory = memory

    @staticmethod
    def _count(inbound: Inbound, decision: Decision, reply: Reply, seconds: float) -> None:
        channel = inbound.channel.value
        TURNS.labels(channel=channel, outcome=reply.outcome.value, engine=reply.engine).inc()
        TRIAGE.labels(level=decision.level.value, category=decision.category or "").inc()
        TURN_SECONDS.labels(channel=channel).observe(seconds)


def _left_for_the_agent(answered: Answered | None, text: str) -> bool:
    """True when what a resident wrote, whom an agent comes back to, was no question that the assistant can answer. Without a model
    the menu is what it says to anything else; one word may have asked for it."""
    if answered is None:
        return False
    lost = answered.engine == "menu" and answered.outcome is Outcome.MENU and len(text.split()) > 1
    return lost or answered.handoff == "low_confidence_x2" or answered.outcome in _NO_ANSWER
