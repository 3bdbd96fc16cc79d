"""What the recogniser hears while a caller is still speaking: enough to break off for an emergency, never for anything else."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.triage.decision import Level
from bot.triage.engine import Context
from ivr import calls, links
from ivr.calls import Call
from ivr.links import Links
from server.conversations.looking import look
from server.conversations.turn import Outcome
from server.database.engine import reading
from server.http.deps import ChannelDeps

log = structlog.get_logger()

_REMEMBERED: Final = 10_000


@dataclass(frozen=True)
class Partial:
    """One partial result. The stable part no longer changes; the rest may."""

    stable: str
    unstable: str
    sequence: str

    @classmethod
    def of(cls, form: dict[str, str], longest: int) -> Partial:
        """The result in Twilio's fields."""
        stable, unstable = (form.get(name, "").strip()[:longest] for name in ("StableSpeechResult", "UnstableSpeechResult"))
        return cls(stable, unstable, form.get("SequenceNumber", "")[:16])

    @property
    def text(self) -> str:
        """All of it; recognisers repeat the stable part in the other or not."""
        if self.unstable.startswith(self.stable):
            return self.unstable
        return f"{self.stable} {self.unstable}".strip()


class Suspicions:
    """Remembers, for each step of a call, the partial result that sounded like an emergency. It takes two to break off, because
    the recogniser changes its mind; a stable one counts for two. Kept in memory: another process only breaks off a little later,
    and what was said in full is looked at in any case."""

    def __init__(self) -> None:
        self._first: OrderedDict[str, str] = OrderedDict()

    def heard(self, step: str, partial: Partial, *, stable: bool) -> bool:
        """True when this one is enough. The same result sent twice is one."""
        if stable:
            return True
        first = self._first.setdefault(step, partial.sequence)
        while len(self._first) > _REMEMBERED:
            self._first.popitem(last=False)
        return first != partial.sequence

    def forget(self, step: str) -> None:
        """The newest result no longer sounds like one."""
        self._first.pop(step, None)


class EarlyEar:
    """Breaks off a call for an emergency that the caller is still speaking of."""

    def __init__(self, deps: ChannelDeps) -> None:
        self._deps = deps
        self._suspicions = Suspicions()

    async def heard(self, query: Mapping[str, str], form: dict[str, str]) -> None:
        """Looks for an emergency in what the caller has said so far. Nothing else comes of a partial result: it answers no
        question, releases nothing, and is no turn. The turn that an emergency makes takes the place of the one that the whole
        sentence would make, so that there is one of them, whichever comes first; what comes second changes nothing, lest it
        breaks off a transfer."""
        call, partial = Call.of(form), Partial.of(form, calls.LONGEST_SPEECH)
        addresses = Links(self._deps.settings.public_url, self._deps.keys, call.sid)
        position = addresses.read(query, form)
        step = f"{call.sid}:{position.step}"
        if not await self._alarming(partial.text):
            self._suspicions.forget(step)
            return
        if not self._suspicions.heard(step, partial, stable=await self._alarming(partial.stable)):
            return
        if await asyncio.to_thread(self._told_already, call):
            return
        inbound = call.inbound(position, keys=self._deps.keys, kind="speech", text=partial.text, language=None, confidence=None)
        reply = await self._deps.spine.handle(inbound)
        if reply.outcome is Outcome.EMERGENCY_911 and not reply.duplicate:
            await self._deps.calls.lead(call.sid, addresses.to(links.CUT_IN, position))

    async def _alarming(self, text: str) -> bool:
        if not text:
            return False
        return (await look(self._deps.spine.triage, text, context=Context(channel="ivr"))).level is Level.HARD

    def _told_already(self, call: Call) -> bool:
        try:
            with reading(self._deps.sessions) as session:
                return calls.latched(session, call=call)
        except SQLAlchemyError as error:
            # Twice is better than not at all.
            log.error("voice.latch_unread", error=repr(error))
            return False
