"""Messages that callers record when no agent is there: kept, written down, looked at by the triage, and heard from our own server."""

from __future__ import annotations

import pytest

from desk.models import Handoff
from server.alerts.models import Alert
from server.conversations.models import Turn
from server.outbox.models import OutboundMessage
from server.twilio.recordings import TwilioRecordings
from server.twilio.standin import Call
from server.twilio.standin.api import make_api, serving
from server.voicemail.models import Voicemail
from server.voicemail.sound import media_type, sound_of
from tests.server.harness import failing
from tests.server.twilio.house import ANA, OURS, PSAP, House

CARD = "If this is an emergency, hang up and dial nine one one now"
NEED = "This is Rosa Lee, 555-555-0161, the ramp at the shelter is locked and my husband uses a chair"
FIRE = "my house is on fire and we cannot get out"


@pytest.fixture
def night(house: House) -> House:
    """No agents are due, and none is there."""
    library = house.deps.library.last_good
    library.city = {**library.city, "agent_schedule": [{"days": [], "opens": "07:00", "closes": "23:00"}]}
    return house


async def recording(house: House, *, spanish: bool = False, held: bool = False) -> Call:
    """A caller who asked for a person at night and chose to record a message; the tone has sounded."""
    call = await house.twilio.call(ANA, OURS)
    call.transcripts_held = held
    if spanish:
        await call.press("2")
    await call.press("0")
    assert ("oprima 1" if spanish else "press 1") in call.last_heard
    await call.press("1")
    assert call.recording
    return call


def kinds(house: House) -> list[tuple[str, str]]:
    return [(alert.kind, alert.severity) for alert in house.rows(Alert)]


async def test_the_911_line_comes_before_the_tone(night: House) -> None:
    call = await recording(night)
    assert call.last_heard.startswith("If anyone is in danger, hang up and dial nine one one.")
    assert 'playBeep="true"' in call.documents[-1]


async def test_a_message_is_a_turn_and_a_callback(night: House) -> None:
    call = await recording(night)
    await call.say(NEED)
    assert "an agent will listen" in call.last_heard
    assert call.state == "listening", "the caller may go on"
    (message,) = night.rows(Voicemail)
    assert (message.transcript, message.conversation_id) == ("done", night.conversations[0].id)
    turn = night.turns[-1]
    assert (turn.kind, turn.text, turn.outcome, turn.level) == ("recorded", NEED, "form", "none")
    (handoff,) = night.rows(Handoff)
    assert handoff.state == "callback"
    assert handoff.packet["last_message"] == NEED
    assert kinds(night) == [("voicemail", "warning")]
    await call.say("where is a shelter")
    assert "shelter" in call.last_heard.lower()


async def test_the_sound_is_ours_sealed_and_gone_from_the_provider(night: House) -> None:
    call = await recording(night, held=True)
    await call.say(NEED)
    (sound,) = night.twilio.recordings.values()
    deps, (message,) = night.deps, night.rows(Voicemail)
    same = await sound_of(message.recording, sessions=deps.sessions, keys=deps.keys, recordings=deps.recordings)
    assert (same, media_type(sound), media_type(b"\xff\xfb")) == (sound, "audio/wav", "audio/mpeg")
    assert night.twilio.recordings, "its words still have to be written down"
    await call.write_down()
    (kept,) = night.rows(Voicemail)
    with deps.sessions() as session:
        sealed = session.get_one(Voicemail, kept.id).audio
    assert sealed is not None
    assert sound not in sealed
    assert deps.keys.open_bytes(sealed) == sound
    assert await sound_of(message.recording, sessions=deps.sessions, keys=deps.keys, recordings=deps.recordings) == sound


async def test_an_emergency_in_it_after_the_caller_hung_up(night: House) -> None:
    call = await recording(night, held=True)
    await call.say(FIRE)
    await call.hang_up()
    assert night.conversations[0].owner == "bot", "open until the words have come"
    assert await call.write_down() == [204]
    turn = night.turns[-1]
    assert (turn.outcome, turn.level) == ("emergency_911", "hard")
    assert turn.message_ids[0].startswith("card.emergency"), "the card is the first of what is to be said"
    assert kinds(night) == [("voicemail", "warning"), ("emergency", "critical")]
    (handoff,) = night.rows(Handoff)
    assert (handoff.state, handoff.priority) == ("queued", 0), "at the head of the line, night or not"
    assert handoff.packet["last_message"] == FIRE
    (unheard,) = [row for row in night.rows(OutboundMessage) if row.state == "queued"]
    assert unheard.emergency, "nobody heard it: it expires, and staff are told that too"
    assert await call.write_down() == []


async def test_an_emergency_in_it_while_the_caller_is_still_there(night: House) -> None:
    call = await recording(night)
    await call.say(FIRE)
    assert CARD in call.last_heard, "the call is broken off for the 911 line"
    assert [turn.outcome for turn in night.turns][-2:] == ["emergency_911", "emergency_911"]
    await call.silence()
    assert call.dialed == [PSAP]


@pytest.mark.parametrize("status", ["failed", ""])
async def test_a_message_without_words_is_put_before_staff_at_once(night: House, status: str) -> None:
    call = await recording(night, held=True)
    await call.say(NEED)
    await call.hang_up()
    assert await call.write_down(status) == [204]
    assert night.rows(Voicemail)[0].transcript == "none"
    assert kinds(night) == [("voicemail", "warning"), ("voicemail_unread", "critical")]
    assert night.conversations[0].owner == "closed"


async def test_in_spanish_nobody_writes_it_down_so_somebody_must_listen(night: House) -> None:
    call = await recording(night, spanish=True)
    assert "transcribe" not in call.documents[-1]
    assert call.last_heard.startswith("Si alguien corre peligro, cuelgue y marque nueve uno uno")
    await call.say("la rampa del refugio está cerrada")
    assert kinds(night) == [("voicemail_unread", "critical")]
    assert night.rows(Voicemail)[0].transcript == "none"


async def test_in_any_order_and_twice(night: House) -> None:
    """The end of the call, the recording and its words come in whatever order the network brings them."""
    call = await recording(night, held=True)
    action = call._open.get("action", "") if call._open is not None else ""
    await call.say(NEED)
    told = list(call._transcripts)
    with night.deps.sessions.begin() as session:
        for message in night.rows(Voicemail):
            session.delete(session.get_one(Voicemail, message.id))
    assert await call.write_down() == [204]
    assert [message.transcript for message in night.rows(Voicemail)] == ["done"], "the words bring the recording with them"
    call._transcripts = told
    await call.hang_up()
    assert await call.write_down() == [204]
    fields = {**told[0][1], "RecordingDuration": "7", "Digits": "hangup"}
    await night.twilio.webhooks.document(night.twilio.webhooks.address(action), fields)
    assert len(night.rows(Voicemail)) == 1
    assert [turn.kind for turn in night.turns].count("recorded") == 1
    assert night.conversations[0].owner == "closed"


async def test_the_end_of_the_call_comes_first(night: House) -> None:
    call = await recording(night, held=True)
    action = night.twilio.webhooks.address(call._open.get("action", "") if call._open is not None else "")
    status = night.twilio.webhooks.address("/twilio/voice/status")
    fields = {"CallSid": call.sid, "From": ANA, "To": OURS}
    await night.twilio.webhooks.send(status, {**fields, "CallStatus": "completed"})
    assert night.conversations[0].owner == "closed"
    await call.say(FIRE)
    await call.write_down()
    assert action
    assert ("emergency", "critical") in kinds(night)
    message, last = night.rows(Voicemail)[0], night.turns[-1]
    assert (last.level, last.conversation_id) == ("hard", message.conversation_id)


async def test_without_a_database_the_line_stays_up_and_the_words_bring_it_all(night: House) -> None:
    call = await recording(night, held=True)
    with failing(night.service.engine, "SELECT", "INSERT", "UPDATE"):
        await call.say(FIRE)
        assert call.state == "listening"
        assert "nine one one" in call.last_heard
    await call.write_down()
    assert ("emergency", "critical") in kinds(night)
    assert night.rows(Voicemail)[0].transcript == "done"


async def test_while_the_database_is_gone_the_caller_is_led_to_the_911_line(night: House) -> None:
    call = await recording(night, held=True)
    await call.say(FIRE)
    with failing(night.service.engine, "SELECT", "INSERT", "UPDATE"):
        assert await call.write_down() == [204]
        assert CARD in call.last_heard
    assert night.rows(Voicemail)[0].transcript == "waiting"
    assert kinds(night) == [("voicemail", "warning")], "somebody listens to it"


async def test_silence_after_the_tone_is_heard_as_silence(night: House) -> None:
    call = await recording(night)
    await call.silence()
    assert call.state == "listening"
    assert night.rows(Voicemail) == []
    assert "Are you in danger?" in call.last_heard


async def test_by_day_nothing_is_recorded(house: House) -> None:
    call = await house.twilio.call(ANA, OURS)
    await call.press("0")
    assert "record" not in call.last_heard


async def test_what_is_said_instead_is_still_noted(night: House) -> None:
    call = await night.twilio.call(ANA, OURS)
    await call.press("0")
    await call.say("my name is Rosa and the ramp is locked at the place by the river")
    assert night.turns[-1].outcome == "form"
    await call.press("1")
    assert call.recording, "and a message may follow"


@pytest.mark.parametrize("path", ["recorded", "transcript"])
async def test_only_twilio_may_say_so(night: House, path: str) -> None:
    night.twilio.webhooks._validator.token = b"another"
    url = night.twilio.webhooks.address(f"/twilio/voice/{path}")
    answer = await night.twilio.webhooks.send(url, {"CallSid": "CA1", "RecordingSid": "RE1", "TranscriptionText": "hello"})
    assert answer.status == 403
    assert night.rows(Turn) == []


@pytest.mark.parametrize("sid", ["", "../../x", "R" * 200])
async def test_odd_ids_bring_nothing_down(night: House, sid: str) -> None:
    call = await recording(night, held=True)
    await call.say(NEED)
    url, fields = call._transcripts[0]
    assert (
        await night.twilio.webhooks.send(
            url, {**fields, "RecordingSid": sid, "TranscriptionText": FIRE, "TranscriptionStatus": "completed"}
        )
    ).status == 204
    assert ("emergency", "critical") in kinds(night), "the words count, whatever they belong to"


async def test_over_the_wire(night: House) -> None:
    night.twilio.recordings["RE1"] = b"RIFF sound"
    with serving(make_api(night.twilio)) as address:
        recordings = TwilioRecordings(night.service.settings.model_copy(update={"twilio_api_base": address}))
        assert await recordings.fetch("RE1") == b"RIFF sound"
        assert await recordings.fetch("REunknown") is None
        assert await recordings.remove("RE1")
        assert await recordings.remove("RE1"), "gone is gone"
    assert await recordings.fetch("RE1") is None
    assert not await recordings.remove("RE1")
