"""The ciphers of the dialect over hex text (dialects/psono.md, section 2). No I/O, no state."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TypedDict

from nacl.exceptions import CryptoError as CryptoError
from nacl.public import Box, PrivateKey, PublicKey
from nacl.secret import SecretBox
from nacl.signing import SigningKey, VerifyKey

NONCE_BYTES = 24


class Scrypt(TypedDict):
    """scrypt with N = 2^u, and `l` bytes out."""

    u: int
    r: int
    p: int
    l: int  # noqa: E741 (the wire's name)


DEFAULT_SCRYPT: Scrypt = {"u": 14, "r": 8, "p": 1, "l": 64}


@dataclass(frozen=True)
class Sealed:
    """A ciphertext (16 bytes of tag, then the text) and its nonce."""

    text: str
    nonce: str

    def members(self, name: str) -> dict[str, str]:
        """As requests spell it: `name` and `name_nonce`."""
        return {name: self.text, f"{name}_nonce": self.nonce}


def random_hex(length: int = 32) -> str:
    return secrets.token_hex(length)


def flip(text: str, at: int) -> str:
    """One bit of the byte at `at` changed."""
    data = bytearray.fromhex(text)
    data[at] ^= 1
    return data.hex()


def seal(key: str, text: str, nonce: str | None = None) -> Sealed:
    """SecretBox under a key of 64 hex characters."""
    at = bytes.fromhex(nonce or random_hex(NONCE_BYTES))
    return Sealed(SecretBox(bytes.fromhex(key)).encrypt(text.encode(), at).ciphertext.hex(), at.hex())


def unseal(key: str, sealed: Sealed) -> str:
    return SecretBox(bytes.fromhex(key)).decrypt(bytes.fromhex(sealed.text), bytes.fromhex(sealed.nonce)).decode()


def seal_to(private_key: str, public_key: str, text: str, nonce: str | None = None) -> Sealed:
    """Box from the holder of `private_key` to the holder of `public_key`'s private half."""
    at = bytes.fromhex(nonce or random_hex(NONCE_BYTES))
    box = Box(PrivateKey(bytes.fromhex(private_key)), PublicKey(bytes.fromhex(public_key)))
    return Sealed(box.encrypt(text.encode(), at).ciphertext.hex(), at.hex())


def unseal_from(private_key: str, public_key: str, sealed: Sealed) -> str:
    box = Box(PrivateKey(bytes.fromhex(private_key)), PublicKey(bytes.fromhex(public_key)))
    return box.decrypt(bytes.fromhex(sealed.text), bytes.fromhex(sealed.nonce)).decode()


def public_key(private_key: str) -> str:
    """The X25519 public key of a private one."""
    return bytes(PrivateKey(bytes.fromhex(private_key)).public_key).hex()


def verify_key(private_key: str) -> str:
    """The Ed25519 public key of the same 32 bytes taken as a seed."""
    return bytes(SigningKey(bytes.fromhex(private_key)).verify_key).hex()


def sign(private_key: str, message: bytes) -> str:
    return SigningKey(bytes.fromhex(private_key)).sign(message).signature.hex()


def verify(key: str, message: bytes, signature: str) -> None:
    """Raises `nacl.exceptions.BadSignatureError` when the signature is of another key or another message."""
    VerifyKey(bytes.fromhex(key)).verify(message, bytes.fromhex(signature))


def scrypt_hex(password: str, salted_with: str, parameters: Scrypt) -> str:
    salt = hashlib.sha512(salted_with.encode()).hexdigest().encode("ascii")
    cost, block, lanes = 1 << parameters["u"], parameters["r"], parameters["p"]
    return hashlib.scrypt(
        password.encode(),
        salt=salt,
        n=cost,
        r=block,
        p=lanes,
        dklen=parameters["l"],
        maxmem=256 * block * (cost + lanes),
    ).hex()


def authkey(username: str, password: str, parameters: Scrypt = DEFAULT_SCRYPT) -> str:
    """What the server knows of a password: 128 hex characters at the default parameters."""
    return scrypt_hex(password, username.lower(), parameters)


def wrapping_key(password: str, user_sauce: str, parameters: Scrypt = DEFAULT_SCRYPT) -> str:
    """What a person's own keys are sealed under, and the server never sees."""
    return hashlib.sha256(scrypt_hex(password, user_sauce, parameters).encode("ascii")).hexdigest()
