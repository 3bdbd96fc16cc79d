"""People who write and decide, for tests of the pages of messages over HTTP."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import select

from knowledge.models import MessageVersion
from server import clock
from server.assembly import Service
from server.database.engine import reading
from server.staff.models import StaffUser
from tests.server.staffroom import SAME_SITE, make_user, sign_in

CITY = ZoneInfo("America/New_York")


def local(hours: float) -> str:
    """A time from now as a browser's field holds it."""
    return (clock.now() + timedelta(hours=hours)).astimezone(CITY).strftime("%Y-%m-%dT%H:%M")


@dataclass
class Office:
    """Everybody at one program; each acts with a session of their own."""

    client: httpx.AsyncClient
    service: Service
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    async def person(self, name: str, role: str, owners: list[str] | None = None) -> None:
        """Makes an account and signs it in."""
        make_user(self.service, name, role)
        if owners:
            with self.service.sessions.begin() as session:
                user = session.scalar(select(StaffUser).where(StaffUser.name == name))
                assert user is not None
                user.owners = owners
        self.client.cookies.clear()
        assert (await sign_in(self.client, name)).status_code == 303
        with self.service.sessions.begin() as session:
            # Live mode lets nobody change words without a second factor; how one is set is tested where the accounts are.
            user = session.scalars(select(StaffUser).where(StaffUser.name == name)).one()
            user.totp_secret = self.service.keys.seal("JBSWY3DPEHPK3PXP")
        self.cookies[name] = dict(self.client.cookies)

    def _as(self, name: str) -> None:
        self.client.cookies.clear()
        for key, value in self.cookies[name].items():
            self.client.cookies.set(key, value)

    async def sees(self, name: str, path: str, **params: Any) -> str:
        """A page as a person sees it."""
        self._as(name)
        answer = await self.client.get(path, params=params or None)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[-2000:])
        return answer.text

    async def does(self, name: str, version: int, act: str, **data: Any) -> httpx.Response:
        """An act of a person on a version."""
        self._as(name)
        return await self.client.post(f"/console/messages/v/{version}/{act}", data=data, headers=SAME_SITE)

    async def begins(self, name: str, message_id: str) -> int:
        """A correction of what is live; gives the draft."""
        answer = await self.does(name, self.live(message_id).id, "correct")
        assert answer.status_code == 303, answer.text
        found = re.search(r"/v/(\d+)/edit", answer.headers["location"])
        assert found, answer.headers["location"]
        return int(found[1])

    async def writes(self, name: str, version: int, *, htmx: bool = False, **more: str) -> httpx.Response:
        """Saves a draft with all fields of the editor, some of them changed."""
        self._as(name)
        headers = {**SAME_SITE, **({"hx-request": "true"} if htmx else {})}
        return await self.client.post(f"/console/messages/v/{version}/edit", data={**self.fields(version), **more}, headers=headers)

    def fields(self, version: int) -> dict[str, str]:
        """The fields of the editor as they stand."""
        row = self.version(version)
        texts = {
            f"text.{language}.{channel}": text for language, channels in row.texts.items() for channel, text in channels.items()
        }
        return {**texts, "owner": row.owner, "source": row.source, "edits": str(row.edits), "expires_at": local(24)}

    def version(self, identity: int) -> MessageVersion:
        """A version as it is stored."""
        with reading(self.service.sessions) as session:
            return session.get_one(MessageVersion, identity)

    def live(self, message_id: str) -> MessageVersion:
        """The newest published version of a message."""
        with reading(self.service.sessions) as session:
            found = session.scalars(
                select(MessageVersion)
                .where(MessageVersion.message_id == message_id, MessageVersion.state == "published")
                .order_by(MessageVersion.version.desc())
            ).first()
            assert found is not None, message_id
            return found
