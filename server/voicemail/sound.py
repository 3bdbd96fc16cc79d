"""The sound of a recorded message: fetched once, kept sealed in our database, and then taken away from the provider."""

from __future__ import annotations

import asyncio

from sqlalchemy import update

from server.database.engine import Sessions, reading
from server.identity.keys import Keys
from server.twilio.ports import Recordings
from server.voicemail.models import Voicemail
from server.voicemail.service import WAITING, find

WAV = b"RIFF"


def media_type(sound: bytes) -> str:
    """What a browser has to call it."""
    return "audio/wav" if sound.startswith(WAV) else "audio/mpeg"


async def sound_of(recording: str, *, sessions: Sessions, keys: Keys, recordings: Recordings) -> bytes | None:
    """The sound of a message, from our database or, the first time, from the provider; nothing when neither has it now.

    The provider's copy is needed until the words have been written down."""
    sealed, awaited = await asyncio.to_thread(_kept, sessions, recording)
    if sealed is not None:
        return keys.open_bytes(sealed)
    sound = await recordings.fetch(recording)
    if sound is None:
        return None
    await asyncio.to_thread(_keep, sessions, recording, keys.seal_bytes(sound))
    if not awaited:
        await recordings.remove(recording)
    return sound


def _kept(sessions: Sessions, recording: str) -> tuple[bytes | None, bool]:
    with reading(sessions) as session:
        found = find(session, recording=recording)
        return (found.audio, found.transcript == WAITING) if found is not None else (None, True)


def _keep(sessions: Sessions, recording: str, sealed: bytes) -> None:
    with sessions.begin() as session:
        session.execute(update(Voicemail).where(Voicemail.recording == recording).values(audio=sealed))
