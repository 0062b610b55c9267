"""The person's ciphers against `tests/vectors/psono.json`, both ways. Needs no server."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from nacl.exceptions import BadSignatureError, CryptoError

from person import crypto
from person.crypto import Sealed

FILE = Path(__file__).parents[3] / "vectors" / "psono.json"
VECTORS: dict[str, dict[str, Any]] = {v["name"]: v for v in json.loads(FILE.read_text())["vectors"]}


def vector(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return VECTORS[name]["inputs"], VECTORS[name]["outputs"]


def both_ways(key: str, text: str, sealed: Sealed) -> None:
    assert crypto.seal(key, text, sealed.nonce) == sealed
    assert crypto.unseal(key, sealed) == text


def both_ends(private: str, public: str, text: str, sealed: Sealed, other_private: str) -> None:
    assert crypto.seal_to(private, public, text, sealed.nonce) == sealed
    assert crypto.unseal_from(other_private, crypto.public_key(private), sealed) == text


def test_every_vector_is_looked_at() -> None:
    source = Path(__file__).read_text()
    assert [name for name in VECTORS if f'"{name}"' not in source] == []


def test_one_seed_makes_both_identities() -> None:
    given, expected = vector("server-identity")
    assert crypto.public_key(given["server_private_key"]) == expected["public_key_x25519"]
    assert crypto.verify_key(given["server_private_key"]) == expected["verify_key_ed25519"]
    given, expected = vector("api-key-identity")
    assert crypto.public_key(given["private_key"]) == expected["public_key"]
    assert crypto.verify_key(given["private_key"]) == expected["verify_key"]


def test_the_info_is_signed_as_text() -> None:
    given, expected = vector("info-signature")
    assert crypto.sign(given["server_private_key"], given["info"].encode()) == expected["signature"]
    crypto.verify(expected["verify_key"], given["info"].encode(), expected["signature"])


def test_a_login_by_api_key_is_signed_as_sent() -> None:
    given, expected = vector("api-key-login-request")
    assert crypto.public_key(given["session_private_key"]) == expected["session_public_key"]
    info = json.dumps(
        {
            "api_key_id": given["api_key_id"],
            "session_public_key": expected["session_public_key"],
            "device_description": given["device_description"],
        }
    )
    assert info == expected["info"]
    assert crypto.sign(given["api_key_private_key"], info.encode()) == expected["signature"]
    assert json.loads(expected["request_body"]) == {"info": info, "signature": expected["signature"]}


def test_keys_under_the_secret_key_of_an_api_key() -> None:
    given, expected = vector("api-key-user-keys")
    for name in ("private_key", "secret_key"):
        sealed = Sealed(expected[name], given[f"{name}_nonce"])
        both_ways(given["api_key_secret_key"], given[f"user_{name}"], sealed)


def test_the_answer_to_a_login_by_api_key() -> None:
    given, expected = vector("api-key-login-answer")
    sealed = Sealed(expected["login_info"], given["login_info_nonce"])
    server, client = given["server_session_private_key"], given["client_session_private_key"]
    assert crypto.public_key(server) == expected["server_session_public_key"]
    both_ends(server, given["client_session_public_key"], given["inner_json"], sealed, client)
    key = crypto.verify_key(given["server_private_key"])
    text = sealed.text.encode("ascii")
    crypto.verify(key, text, expected["login_info_signature"])
    with pytest.raises(BadSignatureError):
        crypto.verify(key, text, expected["wrong_signature_over_bytes"])


def test_the_hash_of_a_token_is_of_its_text() -> None:
    given, expected = vector("token-hash")
    assert hashlib.sha512(given["token"].encode()).hexdigest() == expected["sha512_hex_of_token_text"]


def test_what_travels_inside_a_session() -> None:
    given, expected = vector("transport-request")
    body = expected["body"]
    both_ways(given["session_secret_key"], given["plaintext"], Sealed(body["text"], body["nonce"]))
    given, expected = vector("transport-response")
    both_ways(given["session_secret_key"], given["plaintext"], Sealed(expected["text"], expected["nonce"]))
    given, expected = vector("authorization-validator")
    header = json.loads(expected["header_value"])
    both_ways(given["session_secret_key"], given["plaintext"], Sealed(header["text"], header["nonce"]))


@pytest.mark.parametrize("name", ["authkey-1", "authkey-2", "authkey-3"])
def test_authkeys(name: str) -> None:
    given, expected = vector(name)
    made = crypto.authkey(given["username"], given["password"], given["hashing_parameters"])
    assert made == expected["authkey"]


def test_keys_under_a_password() -> None:
    given, expected = vector("user-key-wrapping")
    key = crypto.wrapping_key(given["password"], given["user_sauce"], given["hashing_parameters"])
    assert key == expected["box_key"]
    for name in ("private_key", "secret_key"):
        both_ways(key, given[f"user_{name}"], Sealed(expected[name], given[f"{name}_nonce"]))


def test_a_login_with_a_password() -> None:
    given, expected = vector("web-login")
    client, server = given["client_session_private_key"], given["server_private_key"]
    request = expected["request"]
    assert crypto.public_key(client) == request["public_key"]
    asked = Sealed(request["login_info"], request["login_info_nonce"])
    both_ends(client, given["server_public_key"], given["login_json"], asked, server)
    answered = Sealed(expected["answer"]["login_info"], given["answer_nonce"])
    both_ends(server, request["public_key"], given["answer_json"], answered, client)
    session = given["server_session_private_key"]
    key = Sealed(expected["session_secret_key_box"], given["session_secret_key_nonce"])
    both_ends(session, request["public_key"], given["session_secret_key"], key, client)
    validator = Sealed(expected["user_validator_box"], given["user_validator_nonce"])
    user = given["user_private_key"]
    both_ends(session, crypto.public_key(user), given["user_validator"], validator, user)
    proof = expected["activate_token"]
    verification = Sealed(proof["verification"], proof["verification_nonce"])
    assert verification.nonce == given["verification_nonce"]
    both_ways(given["session_secret_key"], given["user_validator"], verification)


def test_a_secret_and_its_attachment() -> None:
    given, expected = vector("secret-and-api-key-secret")
    both_ways(given["secret_key"], given["plaintext"], Sealed(expected["data"], given["data_nonce"]))
    attached = Sealed(expected["api_key_secret.secret_key"], given["secret_key_nonce"])
    both_ways(given["api_key_secret_key"], given["secret_key"], attached)
    title = Sealed(expected["api_key_secret.title"], given["title_nonce"])
    both_ways(given["user_secret_key"], given["title"], title)


def test_a_datastore() -> None:
    given, expected = vector("datastore")
    both_ways(given["datastore_key"], given["content"], Sealed(expected["data"], given["data_nonce"]))
    key = Sealed(expected["secret_key"], given["secret_key_nonce"])
    both_ways(given["user_secret_key"], given["datastore_key"], key)


def test_an_offered_share() -> None:
    given, expected = vector("share-offer")
    sealed = Sealed(expected["key"], given["key_nonce"])
    both_ends(given["from_private_key"], given["to_public_key"], given["share_key"], sealed, given["to_private_key"])


def test_a_device_code() -> None:
    given, expected = vector("device-code")
    credentials = Sealed(expected["encrypted_credentials"], given["credentials_nonce"])
    both_ways(given["credentials_box_key"], given["credentials_json"], credentials)
    server, device = given["server_device_private_key"], given["device_private_key"]
    payload = Sealed(expected["boxed_payload"], given["payload_nonce"])
    assert expected["nonce"] == given["payload_nonce"]
    both_ends(server, crypto.public_key(device), given["payload_json"], payload, device)


def test_what_was_changed_does_not_open() -> None:
    key = crypto.random_hex()
    sealed = crypto.seal(key, "text")
    for damaged in (
        Sealed(crypto.flip(sealed.text, 0), sealed.nonce),
        Sealed(crypto.flip(sealed.text, -1), sealed.nonce),
        Sealed(sealed.text, crypto.flip(sealed.nonce, 0)),
        Sealed(sealed.text[:30], sealed.nonce),
    ):
        with pytest.raises(CryptoError):
            crypto.unseal(key, damaged)
