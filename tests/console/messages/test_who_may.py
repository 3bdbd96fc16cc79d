"""Each role at each act: the permission table holds over HTTP."""

from __future__ import annotations

import pytest

from console.messages.acts import ACTS
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from tests.console.messages.writers import Office, local

MESSAGE = "sandbags.sites"


@pytest.mark.parametrize("role", ROLES)
async def test_role(office: Office, role: str) -> None:
    await office.person("writer", "approver")
    await office.person("other", role)
    data = {"reason": "because", "edits": "0", "when": "now", "expires_at": local(3)}
    for act, (permission, _fresh, _do) in ACTS.items():
        live = office.live(MESSAGE).id
        draft = int((await office.does("writer", live, "correct", anew="1")).headers["location"].split("/")[-2])
        target = live if act in ("correct", "withdraw") else draft
        if act in ("return", "approve"):
            await office.does("writer", draft, "submit", edits="0")
        if act == "reviewed":
            await office.does("writer", draft, "publish", **data)
        before = office.version(target).state
        answer = await office.does("other", target, act, **data)
        if role not in PERMISSIONS[permission]:
            assert answer.status_code == 403, act
            assert office.version(target).state == before
        elif act not in ("reviewed", "roll-back"):
            assert answer.status_code == 303, (act, answer.text[-1500:])
        if act == "withdraw" and answer.status_code == 303:
            await office.does("writer", draft, "publish", **data)


@pytest.mark.parametrize("path", ["", "m/sandbags.sites", "v/1", "v/1/live"])
@pytest.mark.parametrize("role", ROLES)
async def test_everybody_reads(office: Office, role: str, path: str) -> None:
    await office.person("vic", role)
    await office.sees("vic", f"/console/messages/{path}")


@pytest.mark.parametrize("path", ["/console/", "/console/messages/", "/console/messages/v/1", "/console/messages/v/1/edit"])
async def test_nobody_reads_without_signing_in(office: Office, path: str) -> None:
    assert (await office.client.get(path)).status_code in (303, 403)


@pytest.mark.parametrize("path", ["m/nothing.here", "v/999999", "v/99999999999999999999", "v/1/nonsense"])
async def test_what_is_not_there(office: Office, path: str) -> None:
    await office.person("bo", "approver")
    assert (await office.client.get(f"/console/messages/{path}")).status_code in (404, 405)
    assert (await office.does("bo", 1, "nonsense")).status_code == 404


async def test_another_site_changes_nothing(office: Office) -> None:
    await office.person("bo", "approver")
    live = office.live(MESSAGE).id
    refused = await office.client.post(
        f"/console/messages/v/{live}/withdraw", data={"reason": "x"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert refused.status_code == 403
    assert office.live(MESSAGE).id == live
