"""A device with passkeys in software (W3C WebAuthn, ES256): what a browser would answer."""

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def data_of(given: str) -> bytes:
    return urlsafe_b64decode(given + "=" * (-len(given) % 4))


@dataclass
class Authenticator:
    """One device with one passkey."""

    flags: int = PRESENT | VERIFIED
    origin: str = "http://127.0.0.1:8080"
    host: str = "127.0.0.1"
    count: int = 0
    step: int = 1  # 0: it does not count, as passkeys kept in a cloud do not
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: str) -> str:
        """Answer a request to make a passkey."""
        client = self._client("webauthn.create", options)
        numbers = self.key.public_key().public_numbers()
        public = cbor2.dumps(
            {
                1: 2,
                3: -7,
                -1: 1,
                -2: numbers.x.to_bytes(32, "big"),
                -3: numbers.y.to_bytes(32, "big"),
            }
        )
        held = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        made = {"fmt": "none", "attStmt": {}, "authData": self._state(ATTESTED) + held}
        return self._answer(clientDataJSON=client, attestationObject=cbor2.dumps(made))

    def get(self, options: str) -> str:
        """Answer a request to log in."""
        client, state = self._client("webauthn.get", options), self._state()
        signed = self.key.sign(state + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=state, signature=signed)

    def _state(self, more: int = 0) -> bytes:
        self.count += self.step
        digest = hashlib.sha256(self.host.encode()).digest()
        return digest + struct.pack(">BI", self.flags | more, self.count)

    def _client(self, type: str, options: str) -> bytes:
        challenge = json.loads(options)["challenge"]
        return json.dumps({"type": type, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> str:
        told: dict[str, Any] = {name: text(value) for name, value in response.items()}
        return json.dumps(
            {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": told}
        )
