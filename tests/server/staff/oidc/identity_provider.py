"""A small OpenID provider on loopback: discovery, authorization, tokens and keys in real JSON, signed with a real key."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from server import clock

CLIENT: Final = "spillway-311"
SECRET: Final = "a secret/with signs: +%"


@lru_cache(maxsize=2)
def key_named(name: str) -> RSAKey:
    """A signing key, made once."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


@dataclass
class IdentityProvider:
    """What the provider holds, and how a test bends it."""

    issuer: str
    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "u-1", "email": "Ana@example.gov", "email_verified": True, "amr": ["pwd"]}
    )
    bend: dict[str, Any] = field(default_factory=dict)
    """Claims that are put in place of the right ones; an empty one is left out."""
    signature: str = "RS256"
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: Callable[[str], bool] = lambda _path: True
    methods: tuple[str, ...] = ("client_secret_basic",)
    named: str = ""

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.named or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": list(self.methods),
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """The person signs in there; where they are sent then."""
        self.asked.append(asked)
        code = secrets.token_urlsafe(24)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The token endpoint: the client, the code once, the address and PKCE have to fit."""
        if "client_secret" not in form:
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            form = {**form, **dict(parse_qsl("client_id={}&client_secret={}".format(*pair.split(":", 1))))}
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": self.token(asked)}

    def token(self, asked: dict[str, str]) -> str:
        now = int(clock.now().timestamp())
        right = {
            "iss": self.issuer,
            "aud": asked["client_id"],
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **({"auth_time": now} if "max_age" in asked else {}),
            **self.person,
        }
        claims = {name: value for name, value in {**right, **self.bend}.items() if value is not None}
        if self.signature == "none":
            parts = [
                base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": "none"}, claims)
            ]
            return ".".join((*parts, ""))
        if self.signature == "HS256":
            public = json.dumps(key_named("ours").as_dict(private=False)).encode()
            return jwt.encode({"alg": "HS256", "kid": "ours"}, claims, OctKey.import_key(public), algorithms=["HS256"])
        if self.signature == "another key":
            return jwt.encode({"alg": "RS256", "kid": "ours"}, claims, key_named("theirs"))
        return jwt.encode({"alg": "RS256", "kid": "ours"}, claims, key_named("ours"))


@contextmanager
def identity_provider(host: str = "127.0.0.1") -> Iterator[IdentityProvider]:
    """The provider while a test runs; a browser is shown a page with one button."""
    provider = IdentityProvider("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if not provider.answers(path):
                self.close_connection = True
            elif path == "/.well-known/openid-configuration":
                self.send(200, provider.metadata())
            elif path == "/keys":
                shared = {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}
                unknown = {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "unknown"}
                self.send(200, {"keys": [shared, unknown, "no key", key_named("ours").as_dict(private=False)]})
            elif path == "/authorize":
                page = f'<!doctype html><title>City</title><form action="/in"><input type=hidden name=q value="{html.escape(self.path)}"><button>Yes, it is me</button></form>'
                self.answer(200, page.encode(), "text/html")
            elif path == "/in":
                asked = dict(parse_qsl(urlsplit(dict(parse_qsl(urlsplit(self.path).query))["q"]).query))
                self.answer(302, b"", "text/plain", location=provider.authorize(asked))
            else:
                self.send(404, {})

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            if provider.answers("/token"):
                fields = {name: values[0] for name, values in form.items()}
                self.send(*provider.exchange(fields, self.headers.get("authorization", "")))
            else:
                self.close_connection = True

        def send(self, status: int, content: dict[str, Any]) -> None:
            self.answer(status, json.dumps(content).encode(), "application/json")

        def answer(self, status: int, body: bytes, kind: str, **more: str) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
