"""Speaking with the identity provider: OpenID Connect Core 1.0, the authorization code flow with PKCE (RFC 7636).

Everything here waits for another machine, so nothing here holds a transaction."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

from server import clock
from server.errors import NotReady, SpillwayError
from server.settings import Settings

log = structlog.get_logger()

CALLBACK: Final = "/sign-in/oidc/callback"
TIMEOUT: Final = httpx.Timeout(5, connect=3)
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures with a key that the provider alone has: never `none`, never one made with a shared secret."""
LEEWAY: Final = 60
"""Seconds that the clock of the provider may be off."""
_KNOWN_FOR: Final = timedelta(minutes=10)
_AWAY_FOR: Final = timedelta(seconds=10)
"""After a provider did not answer, nobody waits for it again for so long."""
_LONGEST: Final = 255
_LONGEST_EMAIL: Final = 254


class Unreachable(SpillwayError):
    """The identity provider does not answer, or not as one. The password still opens the account."""

    code = "provider_away"
    status = 503

    def __init__(self, what: str) -> None:
        super().__init__("The identity provider does not answer.", words="oidc.away")
        self.what = what


class NotVouched(SpillwayError):
    """The provider answered, and its answer does not prove who somebody is; `why` is for the audit."""

    code = "not_vouched"
    status = 403

    def __init__(self, why: str, *, signed: bool = False) -> None:
        super().__init__("This did not sign you in.", words="oidc.refused")
        self.why = why
        self.signed = signed
        """True when a code of the provider was given for it, so that no stranger can have made it up."""


@dataclass(frozen=True)
class Identity:
    """Who the provider says somebody is."""

    issuer: str
    subject: str
    email: str | None
    """In lower case; nothing unless the provider has verified it."""
    methods: frozenset[str]
    """How they proved it there (RFC 8176)."""
    proved_at: datetime | None

    @property
    def two_factors(self) -> bool:
        """True when the provider asked for more than a password."""
        return bool(self.methods & {"mfa", "otp", "hwk"})


@dataclass(frozen=True)
class _Metadata:
    issuer: str
    authorize: str
    token: str
    keys: str
    posts_secret: bool


class Provider:
    """The identity provider that the settings name."""

    def __init__(self, *, issuer: str, client_id: str, secret: str, callback: str) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._secret = secret
        self._callback = callback
        self._lock = threading.Lock()
        self._found: _Metadata | None = None
        self._asked_at = datetime.min.replace(tzinfo=UTC)

    def probe(self) -> str:
        """Looks the provider up and says where people are sent. Raises `Unreachable`."""
        return self._discover().authorize

    def address(self, *, state: str, nonce: str, verifier: str, anew: bool) -> str:
        """Where the browser goes; with `anew` the provider asks for a fresh proof. Raises `Unreachable`."""
        to = self._metadata().authorize
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._callback,
            "scope": "openid email",
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if anew else {}),
        }
        return f"{to}{'&' if '?' in to else '?'}{urlencode(asked)}"

    def identity(self, *, code: str, nonce: str, verifier: str) -> Identity:
        """Who a code stands for. Raises `Unreachable`, and `NotVouched` for a code or token that does not hold."""
        metadata = self._metadata()
        token = self._exchange(metadata, code, verifier)
        claims = self._claims(metadata, token, nonce)
        subject, email = claims["sub"], claims.get("email")
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST:
            raise NotVouched("subject", signed=True)
        # Some providers write the truth value as a word.
        verified = claims.get("email_verified") in (True, "true") and isinstance(email, str)
        at = claims.get("auth_time")
        return Identity(
            issuer=metadata.issuer,
            subject=subject,
            email=plain_email(str(email)) if verified else None,
            methods=frozenset(each for each in claims.get("amr") or () if isinstance(each, str)),
            proved_at=datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) and 0 < at < 10**11 else None,
        )

    def _metadata(self) -> _Metadata:
        with self._lock:
            age = clock.now() - self._asked_at
            if self._found is not None and age < _KNOWN_FOR:
                return self._found
            if self._found is None and timedelta(0) <= age < _AWAY_FOR:
                raise Unreachable("it did not answer a moment ago")
            self._asked_at, self._found = clock.now(), None
            self._found = self._discover()
            return self._found

    def _discover(self) -> _Metadata:
        found = _json("GET", self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        issuer = found.get("issuer")
        # OpenID Connect Discovery 1.0, 4.3; a slash at the end is how people copy addresses.
        if not isinstance(issuer, str) or issuer.rstrip("/") != self.issuer.rstrip("/") or len(issuer) > _LONGEST:
            raise Unreachable(f"it calls itself {issuer!r}"[:200])
        ends = [found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if not all(isinstance(end, str) and guarded(end) for end in ends):
            raise Unreachable("its addresses are missing or not https://")
        methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        posts = "client_secret_basic" not in methods and "client_secret_post" in methods
        return _Metadata(issuer, str(ends[0]), str(ends[1]), str(ends[2]), posts)

    def _exchange(self, metadata: _Metadata, code: str, verifier: str) -> str:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
            "client_id": self._client_id,
        }
        auth = None
        if metadata.posts_secret:
            fields["client_secret"] = self._secret
        else:
            # RFC 6749, 2.3.1: both are written as in a form first.
            auth = httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._secret, safe=""))
        token = _json("POST", metadata.token, data=fields, auth=auth).get("id_token")
        if not isinstance(token, str):
            raise NotVouched("no ID token", signed=True)
        return token

    def _claims(self, metadata: _Metadata, token: str, nonce: str) -> dict[str, Any]:
        # Fetched each time: sign-ins are few, and a key that was taken back must not sign one more.
        listed = _json("GET", metadata.keys).get("keys")
        keys = KeySet([key for each in listed if (key := _key(each))] if isinstance(listed, list) else [])
        try:
            read = jwt.decode(token, keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                read.claims,
                read.header,
                options={
                    "iss": {"essential": True, "value": metadata.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                },
                params={"nonce": nonce, "client_id": self._client_id},
            )
            claims.validate(now=int(clock.now().timestamp()), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            claim = getattr(error, "claim", None)
            raise NotVouched(f"{getattr(error, 'error', 'token')}{f': {claim}' if claim else ''}", signed=True) from error
        return dict(claims)


def make_provider(settings: Settings) -> Provider | None:
    """The identity provider, or nothing when none is named. Raises `NotReady`, naming each setting that is missing."""
    secret = settings.oidc_client_secret.get_secret_value()
    if not settings.oidc_issuer and not settings.oidc_client_id and not secret:
        return None
    missing = []
    if not settings.oidc_issuer:
        missing.append("SPILLWAY_OIDC_ISSUER: the address of the identity provider.")
    elif not guarded(settings.oidc_issuer):
        missing.append("SPILLWAY_OIDC_ISSUER: must begin with https://.")
    if not settings.oidc_client_id:
        missing.append("SPILLWAY_OIDC_CLIENT_ID: the name under which this program is registered there.")
    if not secret:
        missing.append("SPILLWAY_OIDC_CLIENT_SECRET: what the provider gave with it.")
    if missing:
        raise NotReady("Signing in with the identity provider is not fully set up:\n" + "\n".join(f"- {each}" for each in missing))
    callback = settings.public_url + CALLBACK
    return Provider(issuer=settings.oidc_issuer, client_id=settings.oidc_client_id, secret=secret, callback=callback)


def plain_email(written: str) -> str | None:
    """An e-mail address in lower case; nothing for what is none. Letters beyond ASCII are refused, for some of them become another
    person's letters in lower case."""
    email = written.strip()
    local, _, domain = email.rpartition("@")
    plain = email.isascii() and email.isprintable() and not set(email) & set(" ,;<>\"'") and "@" not in local
    return email.lower() if plain and local and "." in domain and len(email) <= _LONGEST_EMAIL else None


def guarded(address: str) -> bool:
    """True for an address that nobody on the way can read: https, or this machine."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return bool(parts.hostname)
    try:
        return parts.scheme == "http" and (parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback)
    except ValueError:
        return False


def _key(listed: object) -> Key | None:
    if not isinstance(listed, dict) or listed.get("kty") not in ("RSA", "EC"):
        return None
    try:
        return import_key(listed)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        # One key of a kind that is not known here is no reason to refuse what the others sign.
        log.warning("oidc.unknown_key", kid=str(listed.get("kid"))[:60], error=type(error).__name__)
        return None


def _json(method: str, address: str, **more: Any) -> Mapping[str, Any]:
    try:
        answer = httpx.request(method, address, headers={"accept": "application/json"}, timeout=TIMEOUT, **more)
        content = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Unreachable(f"{urlsplit(address).netloc}: {type(error).__name__}") from error
    if method == "POST" and answer.status_code in (400, 401) and isinstance(content, dict):
        raise NotVouched(f"the code was refused: {content.get('error')}"[:100])
    if answer.status_code != httpx.codes.OK or not isinstance(content, dict):
        raise Unreachable(f"{urlsplit(address).netloc} answered {answer.status_code}")
    return content
