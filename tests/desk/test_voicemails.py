"""Recorded messages on the desk: who may listen, from where the sound comes, and what stays on record."""

from __future__ import annotations

import httpx
import pytest

from server.assembly import Service
from server.audit.models import AuditRow
from server.conversations.turn import Channel
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from server.voicemail import service as voicemail
from server.voicemail.models import Voicemail
from tests.server.harness import Resident, rows
from tests.server.staffroom import make_user, sign_in, signed_in

SOUND = b"RIFF" + bytes(range(96))


async def left(service: Service, *, audio: bytes | None = SOUND) -> tuple[str, int]:
    """A message that a caller left: the reference of the conversation, and its number."""
    caller = Resident(service.spine, channel=Channel.IVR)
    await caller.says("agent")
    with service.sessions.begin() as session:
        conversation = session.merge(caller.conversation())
        made = voicemail.keep(session, conversation=conversation, recording=f"RE{conversation.id}", seconds=9)
        made.audio = service.keys.seal_bytes(audio) if audio is not None else None
        return conversation.reference, made.id


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_listen(client: httpx.AsyncClient, menu_service: Service, role: str) -> None:
    reference, number = await left(menu_service)
    await signed_in(client, menu_service, role)
    allowed = role in PERMISSIONS["desk.contact"]
    answer = await client.get(f"/desk/voicemail/{number}")
    assert answer.status_code == (200 if allowed else 403)
    acts = [row for row in rows(menu_service, AuditRow) if row.action == "voicemail.played"]
    assert [(row.actor, row.subject) for row in acts] == ([("ana", reference)] if allowed else [])
    page = (await client.get(f"/desk/c/{reference}")).text
    assert (f'src="/desk/voicemail/{number}"' in page) is allowed
    assert "api.twilio.com" not in page
    assert ("listened to by ana" in page) is allowed


async def test_nobody_else_hears_it(client: httpx.AsyncClient, menu_service: Service) -> None:
    _, number = await left(menu_service)
    answer = await client.get(f"/desk/voicemail/{number}")
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")


async def test_the_sound(client: httpx.AsyncClient, menu_service: Service) -> None:
    _, number = await left(menu_service)
    await signed_in(client, menu_service)
    whole = await client.get(f"/desk/voicemail/{number}")
    assert (whole.content, whole.headers["content-type"], whole.headers["accept-ranges"]) == (SOUND, "audio/wav", "bytes")
    assert "no-store" in whole.headers["cache-control"]
    for wanted, status, content in (
        ("bytes=0-3", 206, b"RIFF"),
        ("bytes=96-", 206, SOUND[96:]),
        ("bytes=90-5000", 206, SOUND[90:]),
        ("bytes=100-", 416, b""),
        ("bytes=-5", 200, SOUND),
        ("rows=1-2", 200, SOUND),
    ):
        answer = await client.get(f"/desk/voicemail/{number}", headers={"range": wanted})
        assert (answer.status_code, answer.content) == (status, content), wanted


async def test_a_sound_that_is_not_to_be_had_and_one_that_never_was(client: httpx.AsyncClient, menu_service: Service) -> None:
    _, number = await left(menu_service, audio=None)
    await signed_in(client, menu_service)
    for path in (number, number + 999):
        answer = await client.get(f"/desk/voicemail/{path}", headers={"accept": "text/html"})
        assert answer.status_code == 404


async def test_the_first_listener_is_shown(client: httpx.AsyncClient, menu_service: Service) -> None:
    reference, number = await left(menu_service)
    await signed_in(client, menu_service)
    assert "not listened to yet" in (await client.get(f"/desk/c/{reference}")).text
    await client.get(f"/desk/voicemail/{number}")
    make_user(menu_service, "ben")
    await sign_in(client, "ben")
    await client.get(f"/desk/voicemail/{number}")
    assert [row.played_by for row in rows(menu_service, Voicemail)] == ["ana"]
    assert "escuchado por ana" in (await client.get(f"/desk/c/{reference}?lang=es")).text
