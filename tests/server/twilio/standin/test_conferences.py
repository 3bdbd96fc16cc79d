"""Calls that we place and conferences: the stand-in held against Twilio's own SDK and the rules of its `<Conference>` page."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from server.settings import Settings
from server.twilio.control import TwilioCallControl
from server.twilio.ports import NoCallControl, Ring
from server.twilio.standin import Answer, Call, CallError, OutboundCall, Refusal, StandIn
from server.twilio.standin.api import make_api, serving

ACCOUNT, TOKEN, BASE = "AC" + "1" * 32, "t" * 32, "https://app.example"
ANA, ROSA, OURS = "+15555550161", "+12025550190", "+15555550100"
ROOM = (
    '<Dial action="/over"><Conference startConferenceOnEnter="true" endConferenceOnExit="{ends}" beep="{beep}" waitUrl="/hold.wav" '
    'participantLabel="{who}" statusCallback="/told" statusCallbackEvent="start end join leave hold"{more}>{name}</Conference></Dial>'
)


def into(who: str, *, ends: str = "true", beep: str = "false", name: str = "talk-abc", more: str = "") -> str:
    return ROOM.format(who=who, ends=ends, beep=beep, name=name, more=more)


LISTEN = '<Gather input="dtmf" timeout="5" language="en-US" profanityFilter="false" actionOnEmptyResult="true" action="/next"/>'


class Script:
    """Answers webhooks with prepared documents, and keeps what it was told."""

    def __init__(self, **documents: str) -> None:
        self.documents = {"over": LISTEN, **documents}
        self.told: list[dict[str, str]] = []

    async def __call__(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        name = url.partition("?")[0].rpartition("/")[2]
        if name in ("told", "progress"):
            self.told.append(dict(fields))
        return Answer(200, f"<Response>{self.documents.get(name, '')}</Response>", "application/xml")

    @property
    def events(self) -> list[str]:
        """What happened in conferences, in order."""
        return [fields["StatusCallbackEvent"] for fields in self.told if "StatusCallbackEvent" in fields]

    @property
    def statuses(self) -> list[str]:
        """How the calls that we placed went, in order."""
        return [fields["CallStatus"] for fields in self.told if "CallStatus" in fields]


def standin(**documents: str) -> tuple[StandIn, Script]:
    script = Script(**documents)
    return StandIn(ACCOUNT, TOKEN, script, public_url=BASE), script


async def both_in(twilio: StandIn) -> tuple[Call, OutboundCall]:
    caller = await twilio.call(ANA, OURS)
    agent = await twilio.place(
        to=ROSA,
        sender=OURS,
        url=f"{BASE}/agent",
        status_callback=f"{BASE}/progress",
        events=frozenset("initiated ringing answered completed".split()),
    )
    await agent.answer()
    return caller, agent


async def test_it_starts_with_two_and_ends_with_who_ends_it() -> None:
    twilio, script = standin(voice=into("caller"), agent=into("agent"), over=LISTEN)
    caller, agent = await both_in(twilio)
    assert script.events == ["participant-join", "participant-join", "conference-start"]
    assert script.statuses == ["initiated", "ringing", "in-progress"]
    await agent.hang_up()
    assert script.events[3:] == ["participant-leave", "conference-end"]
    assert script.statuses[3:] == ["completed"]
    assert (caller.state, agent.state) == ("listening", "ended"), "the caller goes on after the <Dial>"


async def test_who_is_led_elsewhere_leaves() -> None:
    twilio, _ = standin(voice=into("caller"), agent=into("agent"), elsewhere=LISTEN, over="")
    caller, agent = await both_in(twilio)
    await caller.led_to(f"{BASE}/elsewhere")
    assert (caller.state, agent.state) == ("listening", "ended")


async def test_who_stays_when_nobody_ends_it() -> None:
    twilio, script = standin(voice=into("caller"), agent=into("agent"))
    caller, agent = await both_in(twilio)
    room = twilio.conferences.running("talk-abc")
    assert room is not None
    room.participants[agent.sid].ends = False
    await agent.hang_up()
    assert caller.state == "conference"
    assert "conference-end" not in script.events


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
async def test_a_telephone_that_nobody_picks_up(status: str) -> None:
    twilio, script = standin()
    call = await twilio.place(
        to=ROSA, sender=OURS, url=f"{BASE}/agent", status_callback=f"{BASE}/progress", events=frozenset({"completed"})
    )
    await call.refuse(status)  # type: ignore[arg-type]
    assert script.statuses == [status]
    with pytest.raises(CallError):
        await call.answer()


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (into("caller", name="+15555550161"), "named after somebody"),
        (into("caller", more=' record="record-from-start"'), "recorded"),
        (into("caller", beep="true"), "beeps"),
        (into("caller", ends="false"), "leaves somebody alone"),
    ],
)
async def test_conferences_of_which_this_house_takes_none(document: str, fault: str) -> None:
    twilio, _ = standin(voice=document)
    with pytest.raises(CallError, match=fault):
        await twilio.call(ANA, OURS)


async def test_over_the_wire() -> None:
    twilio, _ = standin(voice=into("caller"), agent=into("agent"))
    ring = Ring(to=ROSA, sender=OURS, url=f"{BASE}/agent", status_url=f"{BASE}/progress", seconds=25)
    with serving(make_api(twilio)) as address:
        control = TwilioCallControl(Settings(twilio_account_sid=ACCOUNT, twilio_auth_token=TOKEN, twilio_api_base=address))
        caller = await twilio.call(ANA, OURS)
        sid = await control.ring(ring)
        (agent,) = twilio.ringing(ROSA)
        assert agent.sid == sid
        await agent.answer()
        assert await control.hold("talk-abc", caller.sid, on=True, url=f"{BASE}/hold.wav")
        room = twilio.conferences.running("talk-abc")
        assert room is not None
        assert (caller.held, room.participants[caller.sid].hold_url) == (True, f"{BASE}/hold.wav")
        assert await control.hold("talk-abc", caller.sid, on=False, url="")
        assert not caller.held
        assert not await control.hold("talk-none", caller.sid, on=True, url=f"{BASE}/hold.wav")
        assert await control.end(agent.sid)
        assert agent.state == "ended"
        assert not await control.end(agent.sid)
        twilio.refusals.append(Refusal(429, 20429, "Too many requests"))
        assert await control.ring(ring) is None


async def test_without_a_way_to_change_calls() -> None:
    control = NoCallControl()
    ring = Ring(to=ROSA, sender=OURS, url=BASE, status_url=BASE, seconds=25)
    assert (await control.ring(ring), await control.end("CA1")) == (None, False)
    assert not await control.hold("talk-abc", "CA1", on=True, url=BASE)
