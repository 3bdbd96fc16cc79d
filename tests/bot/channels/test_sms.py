from __future__ import annotations

import asyncio
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.sms import cut_text, inbound_of, one_text
from server.conversations.models import Claim
from server.conversations.turn import Outcome, Part, Reply
from server.identity.keys import Keys
from server.twilio.callbacks import read_reference
from server.twilio.standin import Callbacks, OptOuts, WebhookFailed
from tests.server.twilio.house import ANA, BEN, OURS, House

KEYS = Keys.from_secret("k" * 32)


def card(text: str) -> bool:
    return "911" in text


async def test_a_question_is_answered(house: House) -> None:
    (reply,) = await house.twilio.text(ANA, OURS, "where is a shelter")
    assert "shelter" in reply.lower()
    (row,) = house.outbox
    assert (row.state, row.inline, row.channel) == ("delivered", True, "sms")
    assert row.provider_id is not None
    assert row.message_ids
    (turn,) = house.turns
    assert turn.outcome == "answer"


async def test_the_911_line_comes_first(house: House) -> None:
    (reply,) = await house.twilio.text(ANA, OURS, "my house is on fire and we are trapped")
    assert reply.startswith("If anyone is in danger CALL 911 NOW")
    assert house.outbox[0].emergency
    assert "emergency" in house.alerts


async def test_a_cry_with_an_inverted_mark_survives(house: House) -> None:
    (reply,) = await house.twilio.text(ANA, OURS, "¡Auxilio, no puedo respirar!")
    assert card(reply)
    assert house.turns[0].text == "¡Auxilio, no puedo respirar!"
    assert house.turns[0].outcome == "emergency_911"


async def test_a_retry_gets_the_same_body_and_no_second_row(house: House) -> None:
    sid = "SM" + "1" * 32
    first = await house.twilio.text(ANA, OURS, "where is a shelter", sid=sid)
    second = await house.twilio.text(ANA, OURS, "where is a shelter", sid=sid)
    assert first == second
    assert len(house.outbox) == len(house.turns) == 1


async def test_five_at_once_are_one(house: House) -> None:
    house.twilio.callbacks = Callbacks.HELD
    sid = "SM" + "2" * 32
    url = house.twilio.webhooks.address("/twilio/sms")
    fields = {"MessageSid": sid, "From": ANA, "To": OURS, "Body": "where is a shelter", "NumMedia": "0"}
    bodies = await asyncio.gather(*(house.twilio.webhooks.document(url, fields) for _ in range(5)))
    assert len(set(bodies)) == 1
    assert len(house.outbox) == len(house.turns) == len(house.rows(Claim)) == 1


async def test_a_retry_after_recovery_says_nothing_twice(house: House) -> None:
    url = house.twilio.webhooks.address("/twilio/sms")
    fields = {"MessageSid": "SM" + "3" * 32, "From": ANA, "To": OURS, "Body": "where is a shelter", "NumMedia": "0"}
    await house.deps.spine.handle(inbound_of(fields, keys=house.deps.keys), inline=False)
    document = await house.twilio.webhooks.document(url, fields)
    assert ElementTree.fromstring(document).find("Message") is None
    assert [row.state for row in house.outbox] == ["queued"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        None,
        "x" * 10_000,
        "🆘🔥",
        "/restart",
        '/intent{"x":"y"}',
        "/session_start",
        "{{7*7}}",
        "<b>where</b> <script>alert(1)</script>",
        "a\x00b",
        "\u202e\u200b",
        "\x01\x02\x0b",
        "'; DROP TABLE turns; --",
        "%s %d ${jndi:ldap://x}",
    ],
)
async def test_odd_bodies_get_an_answer(house: House, body: str | None) -> None:
    replies = await house.twilio.text(ANA, OURS, body)
    assert len(replies) == 1
    assert 0 < len(replies[0]) <= 1600
    assert "49" not in replies[0]
    assert "<script" not in replies[0]
    (turn,) = house.turns
    assert turn.text == (body or "").replace("\x00", " ")[:10_000]


@pytest.mark.parametrize("media", [1, 20, 25])
async def test_pictures(house: House, media: int) -> None:
    assert await house.twilio.text(ANA, OURS, "", media)


@pytest.mark.parametrize("number", ["0", "-1", "a", "1e9", "9" * 40, "²", ""])
async def test_absurd_counts(house: House, number: str) -> None:
    assert await house.twilio.text(ANA, OURS, "shelter", extra={"NumMedia": number})


@pytest.mark.parametrize("sender", ["", "anonymous", "+266696687", "72975", "CityAlert", "whatsapp:+15555550161", "+", "+1" * 40])
async def test_absurd_senders_still_get_a_conversation(house: House, sender: str) -> None:
    assert await house.twilio.text(sender, OURS, "where is a shelter")
    assert len(house.conversations) == 1


@pytest.mark.parametrize("sender", ["", "anonymous", "+266696687"])
async def test_withheld_senders_share_nothing(house: House, sender: str) -> None:
    await house.twilio.text(sender, OURS, "my house is on fire")
    (reply,) = (await house.twilio.text(sender, OURS, "where is a shelter"))[-1:]
    assert len({conversation.key for conversation in house.conversations}) == 2
    assert [conversation.person for conversation in house.conversations] == [None, None]
    assert not reply.startswith("If anyone is in danger CALL 911 NOW")


@pytest.mark.parametrize("sid", ["", "SM/../x", "S" * 200, "SM 1"])
async def test_a_message_without_a_usable_id_is_refused(house: House, sid: str) -> None:
    url = house.twilio.webhooks.address("/twilio/sms")
    answer = await house.twilio.webhooks.send(url, {"MessageSid": sid, "From": ANA, "To": OURS, "Body": "hi"})
    assert answer.status == 400


async def test_missing_fields(house: House) -> None:
    url = house.twilio.webhooks.address("/twilio/sms")
    document = await house.twilio.webhooks.document(url, {"MessageSid": "SM" + "4" * 32})
    assert "<Message" in document


async def test_unsigned_is_refused(house: House) -> None:
    house.twilio.webhooks._validator.token = b"another"
    with pytest.raises(WebhookFailed, match="403: Forbidden"):
        await house.twilio.text(ANA, OURS, "hi")
    assert not house.conversations


async def test_no_number_in_an_address(house: House) -> None:
    url = house.twilio.webhooks.address("/twilio/sms")
    fields = {"MessageSid": "SM" + "5" * 32, "From": ANA, "To": OURS, "Body": "shelter"}
    document = await house.twilio.webhooks.document(url, fields)
    action = ElementTree.fromstring(document).find("Message").get("action")  # type: ignore[union-attr]
    assert action is not None
    assert action.startswith("https://311.harborcity.example/twilio/sms/status?")
    assert "5550161" not in action


class TestCarrierWords:
    async def test_stop_start(self, house: House) -> None:
        house.twilio.opt_outs = OptOuts.NONE
        (stopped,) = await house.twilio.text(ANA, OURS, "STOP")
        assert "no more" in stopped
        assert await house.twilio.text(ANA, OURS, "where is a shelter") == []
        (started,) = await house.twilio.text(ANA, OURS, "START")
        assert "again" in started
        assert await house.twilio.text(ANA, OURS, "where is a shelter")

    async def test_an_emergency_from_an_opted_out_number(self, house: House) -> None:
        await house.twilio.text(ANA, OURS, "STOP")
        assert await house.twilio.text(ANA, OURS, "my house is on fire") == []
        assert "opted_out_emergency" in house.alerts
        assert house.outbox[-1].state == "failed"
        assert house.outbox[-1].error_code == "21610"

    @pytest.mark.parametrize("word", ["STOP", "START", "HELP"])
    async def test_with_advanced_opt_out_the_carrier_answers_alone(self, house: House, word: str) -> None:
        house.twilio.opt_outs = OptOuts.ADVANCED
        replies = await house.twilio.text(ANA, OURS, word)
        assert [reply.startswith("[carrier]") for reply in replies] == [True]

    @pytest.mark.parametrize("word", ["HELP", "AYUDA", "info"])
    async def test_help_carries_the_911_line(self, house: House, word: str) -> None:
        house.twilio.opt_outs = OptOuts.NONE
        (reply,) = await house.twilio.text(ANA, OURS, word)
        assert "CALL 911" in reply
        assert "LLAME AL 911" in reply

    @pytest.mark.parametrize(
        ("text", "stops"),
        [
            ("stop", True),
            ("REVOKE", True),
            ("optout", True),
            ("opt out", True),
            ("ALTO", True),
            ("no más", True),
            ("stop texting me", True),
            ("quita mi número", True),
            ("stop the flooding on my street", False),
            ("end of my street is flooded", False),
            ("cancel my pickup", False),
        ],
    )
    async def test_who_wants_to_stop(self, house: House, text: str, stops: bool) -> None:
        house.twilio.opt_outs = OptOuts.NONE
        await house.twilio.text(ANA, OURS, text)
        assert (house.turns[0].outcome == "opt_out") is stops
        assert (await house.twilio.text(ANA, OURS, "where is a shelter") == []) is stops
        assert await house.twilio.text(BEN, OURS, "where is a shelter")


class TestStatus:
    async def test_late_backwards_and_twice(self, house: House) -> None:
        house.twilio.callbacks = Callbacks.HELD
        await house.twilio.text(ANA, OURS, "where is a shelter")
        assert house.outbox[0].state == "sent"
        assert set(await house.twilio.release(backwards=True, twice=True)) == {204}
        assert house.outbox[0].state == "delivered"

    async def test_an_undelivered_911_line_is_a_critical_alert_once(self, house: House) -> None:
        house.twilio.callbacks = Callbacks.HELD
        house.twilio.fates[ANA] = ("undelivered", "30003")
        await house.twilio.text(ANA, OURS, "my house is on fire")
        await house.twilio.release(twice=True)
        assert house.alerts.count("emergency_undelivered") == 1
        assert house.outbox[0].error_code == "30003"

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"MessageSid": "SM9", "MessageStatus": "delivered"},
            {"MessageSid": "x" * 500, "MessageStatus": "levitated", "ErrorCode": "y" * 500},
        ],
    )
    async def test_strangers_are_taken_calmly(self, house: House, fields: dict[str, str]) -> None:
        for query in ("", "?m=o1", "?m=o1&k=bad", "?m=tsms:x&k=%C3%A9"):
            url = house.twilio.webhooks.address(f"/twilio/sms/status{query}")
            assert (await house.twilio.webhooks.send(url, {"AccountSid": "AC", **fields})).status == 204


def part(text: str, role: str) -> Part:
    return Part("m", 1, "en", text, role=role)  # type: ignore[arg-type]


def test_what_does_not_fit_is_left_out_from_the_end_but_never_the_911_line() -> None:
    parts = (part("CARD 911", "card"), part("a" * 1590, "answer"), part("short", "answer"), part("SAFE", "safety"))
    text = one_text(Reply(Outcome.ANSWER, parts))
    assert text == "CARD 911\n\nshort\n\nSAFE"


@given(st.lists(st.tuples(st.text(max_size=900), st.sampled_from(["card", "safety", "answer", "system"])), max_size=6))
def test_one_text_always_fits(texts: list[tuple[str, str]]) -> None:
    reply = Reply(Outcome.ANSWER, tuple(part(text, role) for text, role in texts))
    assert len(one_text(reply)) <= 1600


@given(st.text(max_size=400), st.integers(1, 200))
def test_cut_text(text: str, limit: int) -> None:
    cut = cut_text(text, limit)
    assert len(cut) <= limit
    assert text.startswith(cut)


@given(st.dictionaries(st.sampled_from(["From", "To", "Body", "NumMedia", "OptOutType"]), st.text(max_size=50)))
def test_any_fields_make_an_inbound(form: dict[str, str]) -> None:
    inbound = inbound_of({**form, "MessageSid": "SM1"}, keys=KEYS)
    assert inbound.claim == "sms:SM1"
    assert len(inbound.key) <= 160


def test_a_reference_must_be_signed() -> None:
    assert read_reference(KEYS, {"m": "o1", "k": KEYS.sign("sms-status:o1")}) == "o1"
    assert read_reference(KEYS, {"m": "o2", "k": KEYS.sign("sms-status:o1")}) is None
    assert read_reference(KEYS, {}) is None
