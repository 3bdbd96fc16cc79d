"""One text from the phone to the answer and back: signature, triage, Rasa, approved message, TwiML."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from server.assembly import Service
from server.conversations.models import Turn
from server.outbox.models import OutboundMessage
from tests.server.harness import rows

Sms = Callable[..., Awaitable[list[str]]]


@pytest.mark.parametrize(
    ("sender", "text", "phrase"),
    [
        ("+12125550131", "where is a shelter", "Lincoln High School"),
        ("+12125550132", "¿dónde hay un refugio?", "Refugios abiertos"),
        ("+12125550133", "my house is on fire and we cannot get out", "CALL 911 NOW"),
        ("+12125550134", "quiero hablar con una persona", "fila"),
        ("+12125550135", "/restart", "311"),
    ],
)
async def test_a_text_is_answered_in_the_webhooks_own_response(sms: Sms, sender: str, text: str, phrase: str) -> None:
    (answer,) = await sms(text, sender=sender)
    assert phrase in answer
    assert len(answer) <= 1600


async def test_a_retry_of_twilios_changes_nothing(sms: Sms, service: Service) -> None:
    first = await sms("where do i get sandbags", sender="+12125550141", sid="SMretry1")
    before = len(rows(service, Turn)), len(rows(service, OutboundMessage))
    await sms("where do i get sandbags", sender="+12125550141", sid="SMretry1")
    assert first
    assert (len(rows(service, Turn)), len(rows(service, OutboundMessage))) == before


async def test_a_number_is_nowhere_in_the_clear(sms: Sms, service: Service) -> None:
    await sms("where is a shelter", sender="+12125550151")
    with service.engine.connect() as connection:
        tables = [row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            everything = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert "2125550151" not in str(everything), table
