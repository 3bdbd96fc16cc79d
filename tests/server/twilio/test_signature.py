"""Wire-level: a small app that echoes the verified fields, and requests signed as Twilio signs them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from server.settings import Settings
from server.twilio.http import TwilioRoute
from server.twilio.signature import MAX_BODY, verified_form

FORM = "application/x-www-form-urlencoded"


class Wire:
    """Posts to an app from the loopback."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))

    def post(self, url: str, **request: Any) -> httpx.Response:
        return asyncio.run(self._post(url, request))

    async def _post(self, url: str, request: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://testserver") as client:
            return await client.post(url, **request)


def client(public_url: str = "https://example.com", token: str = "12345", previous: str = "", **settings: Any) -> Wire:
    values = {"public_url": public_url, "twilio_auth_token": token, "twilio_auth_token_previous": previous, **settings}
    configured = Settings(**values)
    routes = APIRouter(route_class=TwilioRoute)

    @routes.post("/{path:path}")
    async def echo(request: Request) -> dict[str, str]:
        return await verified_form(request, configured)

    app = FastAPI()
    app.include_router(routes)
    return Wire(app)


def sign(url: str, fields: dict[str, str], token: str = "12345") -> str:
    return str(RequestValidator(token).compute_signature(url, fields))


@pytest.mark.parametrize(
    ("public_url", "number", "signature"),
    [
        ("https://example.com", "+14158675310", "L/OH5YylLD5NRKLltdqwSvS0BnU="),
        ("https://mycompany.com", "+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
    ],
)
def test_the_vectors_of_twilios_documentation(public_url: str, number: str, signature: str) -> None:
    fields = {"CallSid": "CA1234567890ABCDE", "Caller": number, "Digits": "1234", "From": number, "To": "+18005551212"}
    response = client(public_url).post("/myapp.php?foo=1&bar=2", data=fields, headers={"X-Twilio-Signature": signature})
    assert (response.status_code, response.json()) == (200, fields)


def test_json_with_the_hash_of_its_body() -> None:
    body = json.dumps({"MessageSid": "SM1", "Body": "¡hola!", "NumMedia": 0, "Extra": None, "List": [1]})
    url = f"/x?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    headers = {"X-Twilio-Signature": sign(f"https://example.com{url}", {}), "Content-Type": "application/json; charset=utf-8"}
    response = client().post(url, content=body, headers=headers)
    assert response.json() == {"MessageSid": "SM1", "Body": "¡hola!", "NumMedia": "0", "Extra": "", "List": "[1]"}
    assert client().post(url, content=body.replace("hola", "hole"), headers=headers).status_code == 403


def test_json_without_the_hash_is_refused() -> None:
    headers = {"X-Twilio-Signature": sign("https://example.com/x", {}), "Content-Type": "application/json"}
    assert client().post("/x", content="{}", headers=headers).status_code == 403


@pytest.mark.parametrize("body", ["[]", "1", "null", '"x"', "", "[" * 100_000])
def test_json_that_is_no_object_is_refused(body: str) -> None:
    url = f"/x?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    headers = {"X-Twilio-Signature": sign(f"https://example.com{url}", {}), "Content-Type": "application/json"}
    assert client().post(url, content=body, headers=headers).status_code == 403


def test_blank_values_white_space_and_unknown_fields_count() -> None:
    fields = {"Body": "", "From": " x ", "SomethingNew": "1", "Café": "ü+&="}
    headers = {"X-Twilio-Signature": sign("https://example.com/x", fields)}
    assert client().post("/x", data=fields, headers=headers).json() == fields


def test_a_field_given_twice_is_signed_with_both() -> None:
    validator = RequestValidator("12345")

    class Both(dict[str, str]):
        def getlist(self, name: str) -> list[str]:
            return ["1", "2"] if name == "a" else [self[name]]

    signature = str(validator.compute_signature("https://example.com/x", Both(a="1", b="3")))
    response = client().post("/x", content="a=1&a=2&b=3", headers={"X-Twilio-Signature": signature, "Content-Type": FORM})
    assert response.status_code == 200


@pytest.mark.parametrize("token", ["new", "old"])
def test_two_tokens_while_one_is_rotated(token: str) -> None:
    headers = {"X-Twilio-Signature": sign("https://example.com/x", {"a": "1"}, token)}
    assert client(token="new", previous="old").post("/x", data={"a": "1"}, headers=headers).status_code == 200


def test_without_a_token_nothing_is_believed() -> None:
    headers = {"X-Twilio-Signature": sign("https://example.com/x", {"a": "1"}, "")}
    assert client(token="").post("/x", data={"a": "1"}, headers=headers).status_code == 403


@pytest.mark.parametrize("url", ["/a%20b?q=%2F&r=a+b&empty=", "/%C3%A9", "/x?"])
def test_the_address_stays_as_it_was_sent(url: str) -> None:
    signed = f"https://example.com{url}".removesuffix("?")
    assert client().post(url, data={"a": "1"}, headers={"X-Twilio-Signature": sign(signed, {"a": "1"})}).status_code == 200


@pytest.mark.parametrize(
    ("settings", "headers", "signed", "status"),
    [
        ({}, {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "311.gov"}, "https://311.gov/x", 200),
        ({}, {"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "311.gov, inner"}, "https://311.gov/x", 200),
        ({}, {"Host": "311.gov"}, "http://311.gov/x", 200),
        ({"trusted_proxies": "10.0.0.1"}, {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "311.gov"}, "https://311.gov/x", 403),
        ({}, {"X-Forwarded-Host": "311.gov:99999999"}, "http://311.gov:99999999/x", 403),
        ({}, {"X-Forwarded-Host": "[bad"}, "http://[bad/x", 403),
    ],
)
def test_proxies(settings: dict[str, str], headers: dict[str, str], signed: str, status: int) -> None:
    try:
        signature = sign(signed, {"a": "1"})
    except ValueError:
        signature = "x"
    response = client(public_url="", **settings).post("/x", data={"a": "1"}, headers={**headers, "X-Twilio-Signature": signature})
    assert response.status_code == status


def test_the_configured_address_beats_the_proxy() -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Twilio-Signature": sign("https://evil.example/x", {"a": "1"})}
    assert client().post("/x", data={"a": "1"}, headers=headers).status_code == 403


GOOD = sign("https://example.com/x", {"a": "1"})


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": FORM}, b"a=1"),
        ({"Content-Type": FORM, "X-Twilio-Signature": ""}, b"a=1"),
        ({"Content-Type": FORM, "X-Twilio-Signature": "x"}, b"a=1"),
        ({"Content-Type": FORM, "X-Twilio-Signature": GOOD[:-2]}, b"a=1"),
        ({"Content-Type": FORM, "X-Twilio-Signature": "\xff" * 28}, b"a=1"),
        ({"Content-Type": FORM, "X-Twilio-Signature": GOOD}, b"a=2"),
        ({"Content-Type": FORM, "X-Twilio-Signature": GOOD}, b"a=1&b=2"),
        ({"Content-Type": FORM, "X-Twilio-Signature": GOOD}, b""),
        ({"Content-Type": FORM, "X-Twilio-Signature": GOOD}, b"\xff\xfe"),
        ({"Content-Type": FORM, "X-Twilio-Signature": GOOD}, b"a=%ff"),
        ({"Content-Type": FORM, "X-Twilio-Signature": GOOD}, b"a=%ED%A0%80"),
        ({"Content-Type": FORM, "X-Twilio-Signature": GOOD}, b"a=1\x00"),
        ({"Content-Type": FORM, "X-Twilio-Signature": GOOD}, b"&".join([b"a=1"] * 2000)),
        ({"Content-Type": FORM, "X-Twilio-Signature": GOOD}, b"a=" + b"1" * MAX_BODY),
        ({"Content-Type": "multipart/form-data; boundary=x", "X-Twilio-Signature": GOOD}, b"--x--"),
        ({"Content-Type": "text/plain", "X-Twilio-Signature": GOOD}, b"a=1"),
        ({"X-Twilio-Signature": GOOD}, b"a=1"),
    ],
)
def test_everything_else_is_refused_with_the_same_words(headers: dict[str, str], body: bytes) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    response = client().post("/x", content=body, headers=raw)
    assert (response.status_code, response.text) == (403, "Forbidden.")


def test_a_signed_nul_does_not_hold_back_a_message() -> None:
    headers = {"X-Twilio-Signature": sign("https://example.com/x", {"Body": "fi\x00re"})}
    assert client().post("/x", data={"Body": "fi\x00re"}, headers=headers).json() == {"Body": "fi re"}


SHARED = client()


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=6))
def test_what_is_signed_is_read_as_it_was_sent(fields: dict[str, str]) -> None:
    clean = {name: value.replace("\x00", " ") for name, value in fields.items()}
    if len({name.replace("\x00", " ") for name in fields}) < len(fields):
        return
    response = SHARED.post(
        "/x", data=fields, headers={"X-Twilio-Signature": sign("https://example.com/x", fields), "Content-Type": FORM}
    )
    assert response.status_code == 200
    assert response.json() == {name.replace("\x00", " "): value for name, value in clean.items()}


@given(
    body=st.binary(max_size=200), signature=st.text(alphabet=st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40)
)
def test_no_bytes_make_it_fail(body: bytes, signature: str) -> None:
    for kind in (FORM, "application/json"):
        response = SHARED.post(
            "/x", content=body, headers={"X-Twilio-Signature": signature.encode("latin-1"), "Content-Type": kind}
        )
        assert response.status_code == 403
