"""Listening to a recorded message: from our own server, on record, in pieces where the browser asks for them."""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from server.errors import NotFound
from server.http.deps import ChannelDeps
from server.staff.models import StaffUser
from server.voicemail import service
from server.voicemail.sound import media_type, sound_of

_RANGE: Final = re.compile(r"bytes=(\d{1,9})-(\d{0,9})")


async def play(request: Request, deps: ChannelDeps, *, user: StaffUser, voicemail_id: int) -> Response:
    """The sound of one message. Raises `NotFound` when there is none, or none to be had now."""

    def noted() -> str:
        with deps.sessions.begin() as session:
            return service.played(session, voicemail_id=voicemail_id, by=user.name)

    recording = await run_in_threadpool(noted)
    sound = await sound_of(recording, sessions=deps.sessions, keys=deps.keys, recordings=deps.recordings)
    if sound is None:
        raise NotFound("This message cannot be had just now; try again in a minute.", words="voicemail.not_now")
    return _piece(sound, request.headers.get("range", ""))


def _piece(sound: bytes, wanted: str) -> Response:
    """All of it, or the part asked for: some browsers play nothing that cannot be had in parts."""
    headers = {"accept-ranges": "bytes", "cache-control": "private, no-store"}
    asked = _RANGE.fullmatch(wanted)
    if asked is None:
        return Response(sound, media_type=media_type(sound), headers=headers)
    begin, end = int(asked[1]), min(int(asked[2] or len(sound)), len(sound) - 1)
    if begin > end:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{len(sound)}"})
    headers["content-range"] = f"bytes {begin}-{end}/{len(sound)}"
    return Response(sound[begin : end + 1], 206, media_type=media_type(sound), headers=headers)
