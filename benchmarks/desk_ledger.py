"""Random interleavings of residents, agents, crashes and duplicates against a ledger of what was said by whom.

    python -m benchmarks.desk_ledger 10000 --seed 1
    python -m benchmarks.desk_ledger 10000 --minutes 5

Nothing may be lost, doubled, or sent by somebody who does not own the conversation. The tests run a few dozen of these."""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from desk import acts, reply, service
from desk.models import DeskAgent, Handoff
from desk.presence import choose
from desk.rounds import DeskRounds
from desk.states import OPEN, OWNER, State
from server import clock
from server.assembly import Service, assemble, prepare
from server.conversations.models import Conversation, Turn
from server.conversations.ownership import Owner
from server.conversations.turn import Channel, Inbound
from server.database.engine import reading
from server.errors import SpillwayError
from server.http.deps import ChannelDeps
from server.outbox.models import OutboundMessage
from server.outbox.service import lease_next, mark_sent
from server.settings import Settings

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
SAID_EVERY: Final = 5
"""Seconds between two words on how far it is."""
PER_DATABASE: Final = 50
"""A database that grows for hours would measure its size, not the desk."""


class Crash(Exception):
    """A process that dies before its commit."""


@dataclass
class World:
    """One installation with its residents and agents, and what the ledger knows of them."""

    service: Service
    random: random.Random
    name: str
    residents: int = 2
    turns: Counter[str] = field(default_factory=Counter)
    typed: list[str] = field(default_factory=list)
    sent: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.deps = ChannelDeps(
            settings=self.service.settings,
            spine=self.service.spine,
            library=self.service.library,
            keys=self.service.keys,
            sessions=self.service.sessions,
            wake=self.service.wake,
        )
        self.rounds = DeskRounds(self.deps)
        self.claims: list[Inbound] = []

    # --- residents

    async def resident(self) -> None:
        """Writes something new, or the provider sends an old message once more."""
        if self.claims and self.random.random() < 0.2:
            again = self.random.choice(self.claims)
            assert (await self.service.spine.handle(again, inline=False)).duplicate
            return
        number = self.random.randrange(self.residents)
        channel = (Channel.SMS, Channel.WEB)[number % 2]
        inbound = Inbound(
            channel=channel,
            claim=f"{self.name}:{len(self.claims)}",
            key=f"{self.name}:{number}",
            text=self.random.choice(SAYINGS),
            person=f"{self.name}:{number}" if channel is Channel.SMS else None,
            contact=self.service.keys.seal("+12125550123") if channel is Channel.SMS else None,
            our_address="+15555550100",
        )
        self.claims.append(inbound)
        answered = await self.service.spine.handle(inbound, inline=False)
        assert answered.engine != "static", "nothing failed"
        if inbound.text == EMERGENCY:
            assert answered.parts[0].role == "card", "the 911 line is first, whoever owns the conversation"
        elif answered.owner == Owner.AGENT:
            assert all(part.role == "card" for part in answered.parts), f"the bot talks over a person: {answered}"

    # --- agents

    def change(self, act: Callable[[Session, Handoff, Conversation], None]) -> None:
        """Does something to one handoff in a transaction that may die; what is refused is refused as a whole."""
        with reading(self.service.sessions) as session:
            found = list(session.scalars(select(Handoff.id).where(Handoff.ended_at.is_(None))))
        if not found:
            return
        try:
            with self.service.sessions.begin() as session:
                handoff = session.get_one(Handoff, self.random.choice(found))
                act(session, handoff, session.get_one(Conversation, handoff.conversation_id))
                if self.random.random() < 0.15:
                    raise Crash
        except (SpillwayError, Crash):
            return

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
        }
        weights = (8, 10, 3, 2, 1, 2, 1, 2, 1, 1, 1)
        act = kinds[self.random.choices(tuple(kinds), weights)[0]]
        self.change(lambda session, handoff, conversation: void(act(session, handoff, conversation)))

    def say(self, session: Session, conversation: Conversation, who: str) -> None:
        """Writes to the resident; only who has the conversation can."""
        text = f"{self.name} {len(self.typed)} {self.random.random()}"
        had = service.holder(session, conversation_id=conversation.id)
        row = reply.say_typed(session, conversation=conversation, agent=who, text=text)
        assert had == who, "only the agent who has it writes"
        assert conversation.owner == Owner.AGENT
        self.typed.append(row.dedupe_key)

    def lose(self) -> None:
        """An agent's laptop closes, and time passes; the desk goes round."""
        before = clock.now() - timedelta(minutes=5)
        with self.service.sessions.begin() as session:
            session.execute(update(DeskAgent).where(DeskAgent.name == self.random.choice(AGENTS)).values(seen_at=before))
            session.execute(update(Handoff).where(Handoff.lease_until.is_not(None)).values(lease_until=before))
            session.execute(update(Handoff).values(state_at=before))
        self.rounds.once()

    def carrier(self) -> None:
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
        if dies < 0.1:
            self.let_leases_end()
            return
        if not (out.uncertain and self.sent[out.id]):
            self.sent[out.id] += 1
        if dies < 0.2:
            self.let_leases_end()
            return
        with self.service.sessions.begin() as session:
            mark_sent(session, row_id=out.id, provider_id=f"SM{out.id}", now=clock.now())

    def let_leases_end(self) -> None:
        """Lets the minute of a lease pass."""
        with self.service.sessions.begin() as session:
            leased = update(OutboundMessage).where(OutboundMessage.lease_until.is_not(None))
            session.execute(leased.values(lease_until=clock.now() - timedelta(seconds=1)))

    # --- the ledger

    def check(self) -> None:
        """What holds after every step."""
        with reading(self.service.sessions) as session:
            open_now = session.execute(select(Handoff, Conversation).join(Conversation).where(Handoff.state.in_(OPEN))).all()
            per = Counter(conversation.id for _, conversation in open_now)
            assert all(count == 1 for count in per.values()), "at most one open handoff a conversation"
            for handoff, conversation in open_now:
                if handoff.state != State.CALLBACK:
                    assert Owner(conversation.owner) in OWNER[State(handoff.state)], (handoff.state, conversation.owner)
            held = {conversation.id for handoff, conversation in open_now if handoff.state == State.AGENT}
            alone = select(Conversation.id).where(Conversation.owner == Owner.AGENT.value)
            assert set(session.scalars(alone)) == held, "who is with an agent has one"

    def settle(self) -> None:
        """What holds at the end: every message is one turn, every typed text is one row, nothing went out twice."""
        with reading(self.service.sessions) as session:
            turns = Counter(session.scalars(select(Turn.claim).where(Turn.claim.like(f"{self.name}:%"))))
            assert turns == Counter({inbound.claim: 1 for inbound in self.claims}), "nothing lost, nothing doubled"
            rows = session.scalars(select(OutboundMessage).where(OutboundMessage.speaker == "agent"))
            kept = Counter(row.dedupe_key for row in rows if row.text.startswith(f"{self.name} "))
            assert set(kept) <= set(self.typed), "what died before its commit is not there"
            assert all(count == 1 for count in kept.values())
            assert all(count == 1 for count in self.sent.values()), "no text left twice"

    async def live(self, steps: int) -> None:
        """Takes some steps and holds them against the ledger."""
        with self.service.sessions.begin() as session:
            for name in (*AGENTS, SUPERVISOR):
                choose(session, name=name, state="available")
        for _ in range(steps):
            step = self.random.random()
            if step < 0.35:
                await self.resident()
            elif step < 0.8:
                self.agent()
            elif step < 0.92:
                self.carrier()
            else:
                self.lose()
            self.check()
        self.settle()


def void(_value: object) -> None:
    """Gives nothing back."""


def run(service: Service, *, count: int, seed: int, steps: int = 25, more: Callable[[int], bool] = lambda _done: True) -> int:
    """Runs so many interleavings, each with residents of its own, from one seed, until `more`, which is told how many are done,
    says that it is enough. Gives how many there were."""
    for number in range(count):
        name = f"w{seed}-{number}"
        world = World(service, random.Random(f"{seed}:{number}"), name)
        try:
            asyncio.run(world.live(steps))
        except AssertionError as error:
            raise AssertionError(f"interleaving {number} of seed {seed}: {error}") from error
        with service.sessions.begin() as session:
            # The next world is not to find this one's residents in the line.
            session.execute(update(Handoff).where(Handoff.ended_at.is_(None)).values(state="lost", ended_at=clock.now()))
            still = update(Conversation).where(Conversation.owner != Owner.CLOSED.value)
            session.execute(still.values(owner=Owner.CLOSED.value, active_key=None))
            session.execute(update(OutboundMessage).where(OutboundMessage.state == "queued").values(state="expired"))
        if not more(number + 1):
            return number + 1
    return count


def main() -> None:
    """Runs interleavings on a database of its own and says how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=None, help="stop after so long, with what was done by then")
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="spillway-ledger-"))
    begun = said = time.perf_counter()
    until = begun + 60 * wanted.minutes if wanted.minutes is not None else math.inf
    done = 0

    def more(count: int) -> bool:
        nonlocal said
        now = time.perf_counter()
        if now - said >= SAID_EVERY:
            said = now
            print(f"  {done + count} of {wanted.count}, {now - begun:.0f} s", flush=True)
        return now < until

    try:
        settings = Settings(data_dir=folder, twilio_number="+15555550100", model_path=folder / "none")
        prepare(settings)
        while done < wanted.count and time.perf_counter() < until:
            some = min(PER_DATABASE, wanted.count - done)
            shutil.copy(folder / "spillway.db", folder / "run.db")
            service = assemble(settings.model_copy(update={"database_url": f"sqlite:///{folder / 'run.db'}"}), with_assistant=False)
            event.listen(service.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
            done += run(service, count=some, seed=wanted.seed * 100_000 + done, more=more)
            service.close()
            for old in folder.glob("run.db*"):
                old.unlink()
        print(f"{done} interleavings hold, {time.perf_counter() - begun:.0f} s", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
