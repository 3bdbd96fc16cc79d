"""The words of a recorded message, once they are written down: a turn of its conversation, looked at by the triage as any other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from ivr import calls, links
from ivr.calls import Call
from ivr.flow import Stage
from ivr.links import Links, Position
from server.conversations.models import Conversation
from server.conversations.turn import Channel, Inbound, Outcome, Reply
from server.http.deps import ChannelDeps
from server.voicemail import service as voicemail
from server.voicemail.sound import sound_of

log = structlog.get_logger()

_APART: Final = 500_000
"""Steps between the call and what comes of its recordings, so that a step of the one is never taken for one of the other."""


class Recorder:
    """Takes the words in. The caller has mostly hung up by then: an emergency goes to the head of the line and in front of staff,
    and where the call still goes on it is broken off for the 911 line."""

    def __init__(self, deps: ChannelDeps) -> None:
        self._deps = deps

    async def written_down(self, query: Mapping[str, str], form: dict[str, str]) -> None:
        """Stores the words of one message as a turn, or tells staff that there are none."""
        call, text = Call.of(form), form.get("TranscriptionText", "").strip()[: calls.LONGEST_SPEECH]
        recording = await asyncio.to_thread(self._noted, call, form)
        if not text or form.get("TranscriptionStatus") != "completed":
            await asyncio.to_thread(self._unreadable, call, recording)
        else:
            reply = await self._deps.spine.handle(self._inbound(call, text, recording), inline=False)
            await asyncio.to_thread(self._settled, call, recording, reply)
            if reply.outcome is Outcome.EMERGENCY_911 and not reply.duplicate:
                addresses = Links(self._deps.settings.public_url, self._deps.keys, call.sid)
                step = addresses.read(query, form).step + _APART
                await self._deps.calls.lead(call.sid, addresses.to(links.CUT_IN, Position(Stage.OPEN, step, reply.language)))
        if recording:
            await self._fetched(recording)

    def _inbound(self, call: Call, text: str, recording: str) -> Inbound:
        keys, number = self._deps.keys, call.number
        return Inbound(
            channel=Channel.IVR,
            claim=f"{call.key}:{recording or keys.hash(text)[:32]}"[:120],
            key=call.key,
            text=text,
            kind="recorded",
            person=keys.hash(number) if number else None,
            contact=keys.seal(number) if number else None,
            our_address=call.ours,
        )

    def _noted(self, call: Call, form: dict[str, str]) -> str:
        """The provider's id of the message, which is noted here when the request that should have noted it did not come."""
        try:
            with self._deps.sessions.begin() as session:
                found = calls.recorded(session, call=call, form=form)
                return found.recording if found is not None else ""
        except SQLAlchemyError as error:
            # The words matter more than the row; what follows meets the same failure and speaks the 911 line.
            log.error("voicemail.unnoted", error=repr(error))
            return ""

    def _unreadable(self, call: Call, recording: str) -> None:
        with self._deps.sessions.begin() as session:
            found = voicemail.find(session, recording=recording)
            if found is not None:
                voicemail.unreadable(session, voicemail=found)
            calls.over_after_all(session, call=call)

    def _settled(self, call: Call, recording: str, reply: Reply) -> None:
        """The words are a turn now. When even that could not be stored the message still waits, and is in front of staff."""
        if reply.conversation is None:
            return
        with self._deps.sessions.begin() as session:
            found = voicemail.find(session, recording=recording)
            conversation = session.scalars(select(Conversation).where(Conversation.reference == reply.conversation)).one()
            if found is not None:
                voicemail.written_down(session, voicemail=found, conversation=conversation)
            calls.over_after_all(session, call=call)

    async def _fetched(self, recording: str) -> None:
        deps = self._deps
        try:
            await sound_of(recording, sessions=deps.sessions, keys=deps.keys, recordings=deps.recordings)
        except SQLAlchemyError as error:
            # The sound stays with the provider, and is fetched when somebody listens.
            log.error("voicemail.unkept", error=repr(error))
