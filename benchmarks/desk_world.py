"""One world of the desk's ledger: residents, agents, a carrier, processes that die, and what must hold after every step."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk import acts, reply, service
from desk.models import DeskAgent, Handoff
from desk.presence import choose
from desk.rounds import DeskRounds
from desk.states import OPEN, OWNER, State, hold
from server import clock
from server.assembly import Service
from server.conversations.models import Claim, Conversation, Turn
from server.conversations.ownership import Owner
from server.conversations.ports import Assistant
from server.conversations.recovery import Recovery
from server.conversations.turn import Answered, Asked, Channel, Inbound
from server.database.engine import reading
from server.errors import SpillwayError
from server.http.deps import ChannelDeps
from server.outbox.models import OutboundMessage
from server.outbox.service import lease_next, mark_sent

EMERGENCY: Final = "my house is on fire and we cannot get out"
SAYINGS: Final = (
    "where is a shelter",
    "agent",
    "agente",
    "we are five and a dog",
    "ASK where is a shelter",
    "later",
    "bot",
    "yes",
    "2",
    EMERGENCY,
    "dónde hay un refugio",
)
AGENTS: Final = ("ana", "ben", "carla")
SUPERVISOR: Final = "sofia"
WRITTEN_TOGETHER: Final = 30
"""So many messages are there in a world that two processes share; each may come to either, or to both at once."""
NUMBER: Final = "+12125550123"


class Crash(Exception):
    """An agent's request whose process dies before its commit."""


class Died(BaseException):
    """A process that dies between taking a message in and answering it. Nothing of ours may catch it."""


@dataclass
class Meanwhile:
    """The assistant, with what can happen while it thinks: an agent acts on the same conversation, or the process dies."""

    inner: Assistant
    world: World
    part: str = "Meanwhile"

    async def respond(self, asked: Asked) -> Answered:
        """Answers after whatever came between."""
        happens = self.world.random.random()
        if happens < 0.3:
            try:
                await asyncio.to_thread(self.world.agent)
            except AssertionError as error:
                # The spine steps down when an assistant fails; the ledger must hear of it all the same.
                self.world.broken.append(str(error))
        elif happens < 0.36 and self.world.mortal:
            raise Died
        return await self.inner.respond(asked)


@dataclass
class World:
    """One installation with its residents and agents, and what the ledger knows of them. `carrier` is the folder of what left;
    with `shared` another process acts on the same residents at the same time."""

    service: Service
    random: Random
    name: str
    carrier: Path
    shared: bool = False
    residents: int = 2
    mortal: bool = True
    claims: dict[str, Inbound] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    died: set[str] = field(default_factory=set)
    held_back: list[Inbound] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    _typing: str | None = None

    def __post_init__(self) -> None:
        assistants = tuple(Meanwhile(each, self) for each in self.service.spine.assistants)
        self.spine = replace(self.service.spine, assistants=assistants)
        self.deps = ChannelDeps(
            settings=self.service.settings,
            spine=self.spine,
            library=self.service.library,
            keys=self.service.keys,
            sessions=self.service.sessions,
            wake=self.service.wake,
        )
        self.rounds = DeskRounds(self.deps)

    # --- residents

    def written(self, number: int) -> Inbound:
        """One message of one resident; the same number is the same message, whoever delivers it."""
        who = number % self.residents
        sms = who % 2 == 0
        return Inbound(
            channel=Channel.SMS if sms else Channel.WEB,
            claim=f"{self.name}:{number}",
            key=f"{self.name}:{who}",
            text=Random(f"{self.name}:{number}").choice(SAYINGS),
            person=f"{self.name}:{who}" if sms else None,
            contact=self.service.keys.seal(NUMBER) if sms else None,
            our_address="+15555550100",
        )

    async def resident(self) -> None:
        """A message comes: a new one, one that was under way for long, or one that the provider sends once more."""
        kind = self.random.random()
        if kind < 0.1 and self.held_back:
            inbound = self.held_back.pop(self.random.randrange(len(self.held_back)))
        elif kind < 0.28 and self.claims:
            inbound = self.random.choice(list(self.claims.values()))
        else:
            number = self.random.randrange(WRITTEN_TOGETHER) if self.shared else len(self.claims) + len(self.held_back)
            inbound = self.written(number)
            if kind > 0.9:
                self.held_back.append(inbound)
                return
        await self.deliver(inbound)

    async def deliver(self, inbound: Inbound) -> None:
        """Takes one message to the spine, whose process may die over it, and looks at the reply."""
        self.claims[inbound.claim] = inbound
        again = inbound.claim in self.answered
        try:
            said = await self.spine.handle(inbound, inline=False)
        except Died:
            self.died.add(inbound.claim)
            return
        self.answered.add(inbound.claim)
        assert said.engine != "static", "nothing failed"
        assert said.duplicate or not again, "a message is answered once"
        if said.duplicate:
            assert again or self.shared or inbound.claim in self.died, "what nobody was told before is answered now"
        elif inbound.text == EMERGENCY:
            assert said.parts[0].role == "card", "the 911 line is first, whoever owns the conversation"
        elif said.owner == Owner.AGENT:
            assert all(part.role == "card" for part in said.parts), f"the bot talks over a person: {said}"

    async def recover(self) -> None:
        """Half a minute passes, and a process answers what another took in and died over."""
        with self.service.sessions.begin() as session:
            left = update(Claim).where(Claim.state == "received", Claim.key.like(f"{self.name}:%"))
            session.execute(left.values(lease_until=clock.now() - timedelta(seconds=1)))
        try:
            await Recovery(self.deps).once()
        except Died:
            return

    # --- agents

    def change(self, act: Callable[[Session, Handoff, Conversation], object]) -> None:
        """Does something to one handoff in a transaction that may die; what is refused is refused as a whole."""
        with reading(self.service.sessions) as session:
            found = list(session.scalars(select(Handoff.id).where(Handoff.ended_at.is_(None)).order_by(Handoff.id)))
        if not found:
            return
        self._typing = None
        try:
            with self.service.sessions.begin() as session:
                handoff = session.get_one(Handoff, self.random.choice(found))
                act(session, handoff, session.get_one(Conversation, handoff.conversation_id))
                if self.random.random() < 0.15:
                    raise Crash
        except (SpillwayError, Crash):
            return
        if self._typing is not None:
            self.typed.append(self._typing)

    def agent(self) -> None:
        """An agent or the supervisor does one thing."""
        who, library = self.random.choice(AGENTS), self.service.library.last_good
        kinds: dict[str, Callable[[Session, Handoff, Conversation], object]] = {
            "take": lambda s, _h, c: acts.take(s, conversation=c, agent=who, library=library),
            "say": lambda s, _h, c: self.say(s, c, who),
            "finish": lambda s, _h, c: acts.finish(s, conversation=c, agent=who, library=library),
            "file": lambda s, h, _c: service.file(s, handoff_id=h.id, agent=who, settled="answered"),
            "back": lambda s, _h, c: acts.give_back(s, conversation=c, agent=who, library=library),
            "offer": lambda s, h, _c: service.offer(s, handoff_id=h.id, agent=who),
            "refuse": lambda s, h, _c: service.refuse(s, handoff_id=h.id, agent=who),
            "pass": lambda s, _h, c: acts.pass_on(
                s, conversation=c, actor=who, note="please", agent=self.random.choice(AGENTS), library=library
            ),
            "over": lambda s, _h, c: acts.take_over(s, conversation=c, supervisor=SUPERVISOR, library=library),
            "close": lambda s, _h, c: acts.close(s, conversation=c, agent=who, supervises=False),
            "later": lambda s, h, _c: service.keep_for_later(s, handoff_id=h.id, actor=who),
            "break": lambda s, _h, _c: acts.choose_presence(s, agent=who, state="offline", library=library),
        }
        weights = (8, 10, 3, 2, 1, 2, 1, 2, 1, 1, 1, 1)
        self.change(kinds[self.random.choices(tuple(kinds), weights)[0]])

    def say(self, session: Session, conversation: Conversation, who: str) -> None:
        """Writes to the resident; only who has the conversation can."""
        row = reply.say_typed(session, conversation=conversation, agent=who, text=f"{self.name} {self.random.random()}")
        # Looked at under the lock that the text was written under.
        assert service.holder(session, conversation_id=conversation.id) == who, "only the agent who has it writes"
        assert conversation.owner == Owner.AGENT
        self._typing = row.dedupe_key

    def lose(self) -> None:
        """An agent's laptop closes, and time passes; the desk goes round."""
        before = clock.now() - timedelta(minutes=5)
        with self.service.sessions.begin() as session:
            session.execute(update(DeskAgent).where(DeskAgent.name == self.random.choice(AGENTS)).values(seen_at=before))
        with self.service.sessions.begin() as session:
            left = select(Handoff.id, Handoff.conversation_id).where(Handoff.ended_at.is_(None))
            hold(session, conversation_ids=[row.conversation_id for row in session.execute(left)])
            ids = [row.id for row in session.execute(left)]
            session.execute(update(Handoff).where(Handoff.id.in_(ids)).values(state_at=before))
            leased = update(Handoff).where(Handoff.id.in_(ids), Handoff.lease_until.is_not(None))
            session.execute(leased.values(lease_until=before))
        self.rounds.once()

    # --- the carrier

    def carry(self) -> None:
        """The outbox sends what is due; now and then the process dies after the lease or after the send."""
        with self.service.sessions.begin() as session:
            out = lease_next(session, keys=self.service.keys, now=clock.now())
            if out is None:
                return
            row = session.get_one(OutboundMessage, out.id)
            conversation = session.get_one(Conversation, row.conversation_id)
            stale = row.owner_version != conversation.owner_version
            assert row.emergency or row.speaker != "bot" or not stale, "a text of the bot's leaves only while the bot may speak"
        dies = self.random.random()
        left = self.carrier / str(out.id)
        if dies >= 0.1 and not (out.uncertain and left.exists()):
            with left.open("a") as file:
                file.write("1")
        with self.service.sessions.begin() as session:
            if dies < 0.2:
                leased = update(OutboundMessage).where(OutboundMessage.id == out.id, OutboundMessage.lease_until.is_not(None))
                session.execute(leased.values(lease_until=clock.now() - timedelta(seconds=1)))
            else:
                mark_sent(session, row_id=out.id, provider_id=f"SM{out.id}", now=clock.now())

    # --- the ledger

    def check(self) -> None:
        """What holds after every step."""
        assert not self.broken, self.broken
        with self.service.sessions() as session:
            if session.get_bind().dialect.name == "postgresql":
                # One moment for all of it, while another process goes on.
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            else:
                session.connection(execution_options={"read_only": True})
            open_now = session.execute(
                select(Handoff.state, Conversation.id, Conversation.owner).join(Conversation).where(Handoff.state.in_(OPEN))
            ).all()
            alone = set(session.scalars(select(Conversation.id).where(Conversation.owner == Owner.AGENT.value)))
        per = Counter(row.id for row in open_now)
        assert all(count == 1 for count in per.values()), "at most one open handoff a conversation"
        for row in open_now:
            if row.state != State.CALLBACK:
                assert Owner(row.owner) in OWNER[State(row.state)], (row.state, row.owner)
        assert alone == {row.id for row in open_now if row.state == State.AGENT}, "who is with an agent has one"

    def settle(self) -> None:
        """What holds at the end: every message is one turn, every typed text is one row, nothing went out twice."""
        with reading(self.service.sessions) as session:
            turns = Counter(session.scalars(select(Turn.claim).where(Turn.claim.like(f"{self.name}:%"))))
            assert turns == Counter(dict.fromkeys(self.claims, 1)), "nothing lost, nothing doubled"
            rows = session.scalars(select(OutboundMessage).where(OutboundMessage.speaker == "agent"))
            kept = Counter(row.dedupe_key for row in rows if row.text.startswith(f"{self.name} "))
            assert kept == Counter(self.typed), "what an agent was told is sent is there once, what died is not there"
        assert all(len(file.read_text()) == 1 for file in self.carrier.iterdir()), "no text left twice"

    def sit_down(self) -> None:
        """Puts everybody at the desk."""
        with self.service.sessions.begin() as session:
            for name in (*AGENTS, SUPERVISOR):
                choose(session, name=name, state="available")

    async def steps(self, count: int) -> None:
        """Takes some steps; at the end nothing is under way any more."""
        for _ in range(count):
            step = self.random.random()
            if step < 0.35:
                await self.resident()
            elif step < 0.77:
                await asyncio.to_thread(self.agent)
            elif step < 0.89:
                await asyncio.to_thread(self.carry)
            elif step < 0.93:
                await self.recover()
            else:
                await asyncio.to_thread(self.lose)
            await asyncio.to_thread(self.check)
        self.mortal = False
        for inbound in self.held_back:
            await self.deliver(inbound)
        await self.recover()
        self.check()

    async def live(self, count: int) -> None:
        """Takes some steps and holds them against the ledger."""
        self.sit_down()
        await self.steps(count)
        self.settle()
