"""Keys that both sides know."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from http_message_signatures import HTTPSignatureAlgorithm, MappingKeyResolver
from http_message_signatures.algorithms import ED25519, HMAC_SHA256


@dataclass(frozen=True)
class Key:
    algorithm: type[HTTPSignatureAlgorithm]
    #: What signs and what verifies, as the package takes it.
    signing: Any
    verifying: Any
    #: The same as ours takes it.
    private: bytes
    public: bytes

    @staticmethod
    def ed25519(seed: bytes | None = None) -> Key:
        key = Ed25519PrivateKey.from_private_bytes(seed or secrets.token_bytes(32))
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return Key(ED25519, key, key.public_key(), private, public)

    @staticmethod
    def hmac(secret: bytes | None = None) -> Key:
        secret = secret or secrets.token_bytes(32)
        return Key(HMAC_SHA256, secret, secret, secret, secret)

    @property
    def name(self) -> str:
        return str(self.algorithm.algorithm_id)

    def resolver(self, key_id: str) -> MappingKeyResolver:
        return MappingKeyResolver(public_keys={key_id: self.verifying}, private_keys={key_id: self.signing})

    def to_sign(self) -> dict[str, str]:
        return {"algorithm": self.name, "key": base64.b64encode(self.private).decode()}

    def to_verify(self) -> dict[str, str]:
        return {"algorithm": self.name, "key": base64.b64encode(self.public).decode()}
