"""The stand-in held against Twilio's own SDK and against documents that Twilio would refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from server.settings import Settings
from server.twilio.client import make_client
from server.twilio.standin import Answer, CallError, Refusal, StandIn, WebhookFailed
from server.twilio.standin.api import make_api, serving

ACCOUNT, TOKEN = "AC" + "1" * 32, "t" * 32
ANA, OURS = "+15555550161", "+15555550100"


class Script:
    """Answers webhooks with prepared documents, one path each."""

    def __init__(self, **documents: str) -> None:
        self.documents = documents
        self.seen: list[tuple[str, dict[str, str], dict[str, str]]] = []

    async def __call__(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        self.seen.append((url, dict(fields), dict(headers)))
        name = url.partition("?")[0].rpartition("/")[2]
        return Answer(200, f"<Response>{self.documents.get(name, '')}</Response>", "application/xml")


def standin(**documents: str) -> tuple[StandIn, Script]:
    script = Script(**documents)
    return StandIn(ACCOUNT, TOKEN, script, public_url="https://app.example"), script


LISTEN = (
    '<Gather input="dtmf speech" numDigits="{n}" finishOnKey="" timeout="5" language="en-US" profanityFilter="false" '
    '{more} action="/{to}"/>'
)


def listen(to: str = "next", n: int = 1, more: str = 'actionOnEmptyResult="true"') -> str:
    return LISTEN.format(to=to, n=n, more=more)


@pytest.fixture
def sdk() -> Iterator[tuple[Client, StandIn]]:
    twilio, _ = standin()
    with serving(make_api(twilio)) as url:
        settings = Settings(twilio_account_sid=ACCOUNT, twilio_auth_token=TOKEN, twilio_api_base=url)
        yield make_client(settings), twilio


class TestRest:
    def test_create_fetch_list(self, sdk: tuple[Client, StandIn]) -> None:
        client, twilio = sdk
        created = client.messages.create(to=ANA, from_=OURS, body="hi", validity_period=300)
        assert created.status == "queued"
        assert client.messages(created.sid).fetch().status == "delivered"
        assert [message.sid for message in client.messages.list(to=ANA)] == [created.sid]
        assert twilio.messages[created.sid].validity_period == 300
        assert twilio.inbox(ANA) == ["hi"]

    @pytest.mark.parametrize(
        ("to", "body", "code", "status"),
        [("12", "hi", 21211, 400), (ANA, "", 21602, 400), (ANA, "x" * 1601, 21617, 400), ("+15555550169", "hi", 21610, 400)],
    )
    def test_errors(self, sdk: tuple[Client, StandIn], to: str, body: str, code: int, status: int) -> None:
        client, twilio = sdk
        twilio.blocked.add(("+15555550169", OURS))
        with pytest.raises(TwilioRestException) as raised:
            client.messages.create(to=to, from_=OURS, body=body)
        assert (raised.value.code, raised.value.status) == (code, status)

    def test_too_many_requests(self, sdk: tuple[Client, StandIn]) -> None:
        client, twilio = sdk
        twilio.refusals.append(Refusal(429, 20429, "Too many requests"))
        with pytest.raises(TwilioRestException) as raised:
            client.messages.create(to=ANA, from_=OURS, body="hi")
        assert (raised.value.code, raised.value.status) == (20429, 429)

    def test_another_token(self, sdk: tuple[Client, StandIn]) -> None:
        client, _ = sdk
        client.auth = (ACCOUNT, "wrong")
        with pytest.raises(TwilioRestException) as raised:
            client.messages("SM1").fetch()
        assert (raised.value.code, raised.value.status) == (20003, 401)

    def test_calls(self, sdk: tuple[Client, StandIn]) -> None:
        client, _ = sdk
        call = client.calls.create(to=ANA, from_=OURS, url="https://app.example/answer")
        assert call.status == "queued"
        assert client.calls(call.sid).fetch().status == "ringing"
        assert client.calls(call.sid).update(status="completed").status == "completed"
        with pytest.raises(TwilioRestException):
            client.calls.create(to="12", from_=OURS, url="https://app.example/answer")
        with pytest.raises(TwilioRestException):
            client.calls("CAnone").fetch()


class TestWalking:
    async def test_keys_go_one_gathering_after_the_other(self) -> None:
        twilio, script = standin(voice=listen(), next=listen(n=2))
        call = await twilio.call(ANA, OURS)
        await call.press("123")
        assert [fields.get("Digits") for _, fields, _ in script.seen] == [None, "1", "23"]

    async def test_silence_falls_through_without_an_action_on_it(self) -> None:
        rest = '<Dial action="/after"><Number>+15555550111</Number></Dial>'
        twilio, _ = standin(voice=listen(more="") + rest, after=listen())
        call = await twilio.call(ANA, OURS)
        await call.silence()
        assert call.dialed == ["+15555550111"]
        await call.dial_result("busy")
        assert call.state == "listening"

    async def test_every_request_is_signed_and_a_retry_says_so(self) -> None:
        twilio, script = standin(voice=listen())
        call = await twilio.call(ANA, OURS)
        await call.repeat_last()
        assert all(headers["X-Twilio-Signature"] for _, _, headers in script.seen)
        assert ["I-Twilio-Idempotency-Token" in headers for _, _, headers in script.seen] == [False, True]

    @pytest.mark.parametrize(
        "document",
        [
            "",
            '<Say voice="Polly.Joanna-Neural" language="en-US">Hello</Say>',
            "<Hangup/>",
            "<Shout/>",
            '<Dial action="/x">911</Dial>',
            '<Dial action="/x"><Number>933</Number></Dial>',
            "<Dial><Number>+15555550111</Number></Dial>",
            listen(more=""),
            listen().replace('profanityFilter="false"', ""),
            listen().replace('language="en-US"', ""),
            listen(more='actionOnEmptyResult="true" speechModel="phone_call" speechTimeout="auto"'),
            listen(more='actionOnEmptyResult="true" bargeIn="true"'),
            listen(more='actionOnEmptyResult="true" hints="' + ",".join(["a"] * 501) + '"'),
            listen(more='actionOnEmptyResult="true" hints="' + "a" * 101 + '"'),
            '<Say voice="Polly.Joanna-Neural" language="es-US">Hola</Say>' + listen(),
            '<Say voice="Polly.Joanna-Neural" language="en-US">See https://x.example</Say>' + listen(),
        ],
    )
    async def test_what_twilio_or_this_house_would_not_take(self, document: str) -> None:
        twilio, _ = standin(voice=document)
        with pytest.raises(CallError):
            await twilio.call(ANA, OURS)

    async def test_a_circle(self) -> None:
        twilio, _ = standin(voice="<Redirect>/voice</Redirect>")
        with pytest.raises(CallError, match="without end"):
            await twilio.call(ANA, OURS)


async def test_an_answer_that_is_no_document() -> None:
    async def post(*_: object) -> Answer:
        return Answer(200, "ok", "text/plain")

    with pytest.raises(WebhookFailed, match="12300"):
        await StandIn(ACCOUNT, TOKEN, post, public_url="https://app.example").text(ANA, OURS, "hi")
