"""What is kept of who somebody is: a keyed hash to recognise them, a ciphertext to reach them, a mask to show.

The hash is HMAC-SHA-256 and the cipher AES-256-GCM with keys derived from the one secret key (HKDF, RFC 5869), so a stolen
database without the key holds no phone number."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.errors import NotReady


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"spillway/" + purpose).derive(secret)


@dataclass(frozen=True)
class Keys:
    """The derived keys of one installation."""

    identity: bytes
    contact: bytes
    session: bytes

    @classmethod
    def from_secret(cls, secret: str) -> Keys:
        """Keys derived from the secret key. Raises `NotReady` when it is shorter than 32 characters."""
        if len(secret) < 32:
            raise NotReady("SPILLWAY_SECRET_KEY must have at least 32 characters.")
        raw = secret.encode()
        return cls(_derive(raw, b"identity"), _derive(raw, b"contact"), _derive(raw, b"session"))

    def hash(self, value: str) -> str:
        """The keyed hash under which a resident is recognised."""
        return hmac.new(self.identity, value.encode(), hashlib.sha256).hexdigest()

    def sign(self, value: str) -> str:
        """A short signature for values that travel through a browser or a URL."""
        return hmac.new(self.session, value.encode(), hashlib.sha256).hexdigest()[:32]

    def seal(self, value: str) -> str:
        """The ciphertext of a contact; two of the same contact differ."""
        return base64.urlsafe_b64encode(self.seal_bytes(value.encode())).decode()

    def seal_bytes(self, value: bytes) -> bytes:
        """The ciphertext of anything else that a resident left with us, such as a recorded message."""
        nonce = os.urandom(12)
        return nonce + AESGCM(self.contact).encrypt(nonce, value, None)

    def open(self, sealed: str) -> str:
        """The contact in a ciphertext. Raises `NotReady` when it was sealed with another key."""
        return self.open_bytes(base64.urlsafe_b64decode(sealed)).decode()

    def open_bytes(self, sealed: bytes) -> bytes:
        """What is in a ciphertext. Raises `NotReady` when it was sealed with another key."""
        try:
            return AESGCM(self.contact).decrypt(sealed[:12], sealed[12:], None)
        except InvalidTag as error:
            raise NotReady("This was stored under another SPILLWAY_SECRET_KEY.") from error


def mask(contact: str) -> str:
    """A contact as staff lists and logs show it: the last four digits of a number, nothing of anything else."""
    digits = [c for c in contact if c.isdigit()]
    return "•••-" + "".join(digits[-4:]) if len(digits) >= 7 else "•••"
