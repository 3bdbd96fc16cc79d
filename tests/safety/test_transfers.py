"""What Twilio reports of a transfer to the 911 center, in any order, twice and late: the caller is never dropped, no failure is told
twice, and none is kept from staff."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.flow import Stage
from ivr.links import AGENT, EMERGENCY, WHISPER, Links, Position
from server.alerts.models import Alert
from tests.server.twilio.house import ANA, OURS, PSAP, SECOND_PSAP, House, open_house

FAILED = ("busy", "no-answer", "failed", "canceled", "")
REPORTS = st.one_of(
    st.tuples(st.just("transfer"), st.sampled_from([*FAILED, "completed", "answered"]), st.integers(0, 1)),
    st.tuples(st.just("agent"), st.sampled_from([*FAILED, "completed"]), st.just(0)),
    st.tuples(st.just("status"), st.sampled_from(["ringing", "in-progress", "completed", "failed"]), st.just(0)),
    st.tuples(st.just("whisper"), st.just(""), st.integers(0, 1)),
)


@pytest.fixture(scope="module")
def one_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("transfers")) as house:
        yield house


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports=st.lists(REPORTS, min_size=1, max_size=7))
async def test_in_any_order(one_house: House, reports: list[tuple[str, str, int]]) -> None:
    house = one_house
    call = await house.twilio.call(ANA, OURS)
    await call.say("there is a fire in my house")
    before = len(house.rows(Alert))
    addresses = Links("", house.deps.keys, call.sid)
    fields = {"CallSid": call.sid, "From": ANA, "To": OURS}
    for kind, status, rounds in reports:
        position = Position(Stage.CARD, 3 + rounds, "en", rounds)
        if kind == "status":
            url = house.twilio.webhooks.address("/twilio/voice/status")
            assert (await house.twilio.webhooks.send(url, {**fields, "CallStatus": status})).status == 204
            continue
        path = {"transfer": EMERGENCY, "agent": AGENT, "whisper": WHISPER}[kind]
        url = house.twilio.webhooks.address(addresses.to(path, position))
        document = await house.twilio.webhooks.document(url, {**fields, "DialCallStatus": status})
        assert "<Hangup" not in document
        if kind == "transfer" and status in FAILED:
            assert "dial nine one one now" in document, "the line again"
            assert (SECOND_PSAP in document) is (rounds == 0), "the next number, and then nobody twice"
            assert PSAP not in document
    raised = [alert for alert in house.rows(Alert)[before:] if alert.kind == "psap_transfer_failed"]
    told = [alert.detail["number"] for alert in raised]
    failed = [rounds + 1 for kind, status, rounds in reports if kind == "transfer" and status in FAILED]
    assert set(told) == set(failed)
    assert all(alert.severity == "critical" for alert in raised)


async def test_staff_know_as_soon_as_we_do(house: House) -> None:
    """The alert is written before Twilio has its answer; the desk's pages look for changes every half second."""
    house.twilio.dial_results = {PSAP: "busy", SECOND_PSAP: "no-answer"}
    call = await house.twilio.call(ANA, OURS)
    await call.say("there is a fire in my house")
    told = len(house.alerts)
    await call.silence()
    assert house.alerts[told:] == ["psap_transfer_failed"]
    await call.silence()
    assert house.alerts[told:] == ["psap_transfer_failed"] * 2
    assert call.state == "listening"
