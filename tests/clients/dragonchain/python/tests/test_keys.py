"""The life of keys: `dragonchain-sdk` 4.3.0 from PyPI, unmodified, as its documentation uses it."""

from __future__ import annotations

import re
import threading
import time
from importlib.metadata import version
from typing import Any

import pytest

from chain.client import (
    ALGORITHMS,
    DEFAULT_DOCUMENT,
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHENTICATED,
    Key,
    document,
    ids,
    ok,
    refused,
)

SHOWN = {"id", "registration_time", "nickname", "root", "permissions_document"}


def test_the_client_is_the_published_one() -> None:
    assert version("dragonchain-sdk") == "4.3.0"


def test_a_key_is_made_without_a_word(client: Any) -> None:
    """The SDK sends neither a body nor a type."""
    before = int(time.time())
    made = ok(client.create_api_key(), 201)
    assert made.keys() >= SHOWN | {"key"}
    assert re.fullmatch("[A-Z]{12}", made["id"])
    assert re.fullmatch("[A-Za-z0-9]{43}", made["key"])
    assert before - 60 <= made["registration_time"] <= time.time() + 60
    assert (made["nickname"], made["root"], made["permissions_document"]) == ("", False, DEFAULT_DOCUMENT)


@pytest.mark.parametrize("nickname", ["My New Key", "ключ 🔑 é", "x" * 256, 'a "b" \\ c'])
def test_a_key_is_made_with_a_nickname(client: Any, nickname: str) -> None:
    made = ok(client.create_api_key(nickname), 201)
    assert (made["nickname"], made["permissions_document"]) == (nickname, DEFAULT_DOCUMENT)
    assert ok(client.get_api_key(made["id"]))["nickname"] == nickname


def test_a_key_is_made_with_a_document(client: Any) -> None:
    given = document(allow_read=True, transactions={"create_transaction": {"transaction_types": {"banana": True}}})
    made = ok(client.create_api_key("narrow", given), 201)
    assert (made["nickname"], made["permissions_document"]) == ("narrow", given)
    assert ok(client.get_api_key(made["id"]))["permissions_document"] == given


def test_a_key_is_shown_without_its_secret(client: Any) -> None:
    """A-MAC-08."""
    made = ok(client.create_api_key("shown"), 201)
    secret = made.pop("key")
    got = ok(client.get_api_key(made["id"]))
    assert {name: got[name] for name in SHOWN} == {name: made[name] for name in SHOWN}
    listed = client.list_api_keys()
    assert [{name: key[name] for name in SHOWN} for key in ok(listed)["keys"] if key["id"] == made["id"]] == [
        {name: made[name] for name in SHOWN}
    ]
    assert secret not in str(got) + str(listed)


def test_keys_are_listed_by_id_with_the_root_key_among_them(client: Any, root: Key) -> None:
    made = {root.made().id for _ in range(5)}
    listed = ok(client.list_api_keys())["keys"]
    assert [key["id"] for key in listed] == sorted(key["id"] for key in listed)
    assert made < {key["id"] for key in listed}
    (shown,) = [key for key in listed if key["id"] == root.id]
    assert (shown["root"], shown["registration_time"]) == (True, 0)
    assert [key["id"] for key in listed if key["root"]] == [root.id]


def test_a_key_is_renamed_and_given_another_document(client: Any, root: Key) -> None:
    key, given = root.made("before"), document(True)
    renamed = ok(client.update_api_key(key.id, "after"))
    assert (renamed["success"], renamed["nickname"], renamed["permissions_document"]) == (
        True,
        "after",
        DEFAULT_DOCUMENT,
    )
    widened = ok(client.update_api_key(key.id, permissions_document=given))
    assert (widened["nickname"], widened["permissions_document"]) == ("after", given)
    both = ok(client.update_api_key(key.id, "ä", DEFAULT_DOCUMENT))
    assert (both["nickname"], both["permissions_document"]) == ("ä", DEFAULT_DOCUMENT)
    got = ok(client.get_api_key(key.id))
    assert {name: got[name] for name in SHOWN} == {name: both[name] for name in SHOWN}


def test_an_update_with_nothing_to_say_is_told_so(client: Any, root: Key) -> None:
    """The SDK leaves the body out; that of Node.js sends an empty object, which changes nothing."""
    refused(client.update_api_key(root.made().id), (400, "BAD_REQUEST"), "Could not parse JSON")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_new_key_signs_with_every_function(root: Key, algorithm: str) -> None:
    key = root.made("signs", document(True))
    client = key.client(algorithm)
    assert key.id in ids(client)
    assert ok(client.get_status())["id"] == root.chain
    made = ok(client.create_api_key("ключ", document()), 201)
    assert ok(client.update_api_key(made["id"], "again"))["nickname"] == "again"
    assert ok(client.get_api_key(made["id"]))["nickname"] == "again"
    assert ok(client.delete_api_key(made["id"])) == {"success": True}
    client.credentials.update_algorithm("SHA256")
    refused(client.get_api_key(made["id"]), NOT_FOUND, "The requested resource(s) cannot be found.")


def test_a_deleted_key_signs_nothing_any_more(client: Any, root: Key) -> None:
    """A-MAC-06."""
    key = root.made("revoked", document(True))
    used = key.client()
    ok(used.list_api_keys())
    assert ok(client.delete_api_key(key.id)) == {"success": True}
    refused(used.list_api_keys(), UNAUTHENTICATED, "Invalid HMAC Authentication")
    refused(used.create_api_key(), UNAUTHENTICATED, "Invalid HMAC Authentication")
    assert key.id not in ids(client)


def test_a_key_may_delete_itself(root: Key) -> None:
    """A-MAC-07."""
    key = root.made("leaves", document(True))
    used = key.client()
    assert ok(used.delete_api_key(key.id)) == {"success": True}
    refused(used.list_api_keys(), UNAUTHENTICATED, "Invalid HMAC Authentication")


def test_a_key_that_is_not_there_is_not_found(client: Any) -> None:
    """Also to be deleted: a mistyped revocation must not look done."""
    for answer in (
        client.get_api_key("NOTTHEREATAL"),
        client.update_api_key("NOTTHEREATAL", "x"),
        client.delete_api_key("NOTTHEREATAL"),
        client.get_api_key("INTERCHAIN_x"),
    ):
        refused(answer, NOT_FOUND, "The requested resource(s) cannot be found.")


def test_the_root_key_can_be_renamed_and_not_deleted(client: Any, root: Key) -> None:
    """A-MAC-07."""
    refused(client.delete_api_key(root.id), FORBIDDEN, "Cannot remove root API key")
    assert ok(client.update_api_key(root.id, "Root Key"))["nickname"] == "Root Key"
    # Taken, and without effect.
    ok(client.update_api_key(root.id, permissions_document=document()))
    assert root.id in ids(client)
    for reserved in ("SC_SOMETHING", "SC_something", "INTERCHAIN", f"INTERCHAIN-{root.chain}"):
        refused(client.delete_api_key(reserved), FORBIDDEN, "Cannot delete reserved API keys")


def test_the_status_names_the_chain(client: Any, root: Key) -> None:
    status = ok(client.get_status())
    assert {name: status[name] for name in ("id", "level", "scheme", "hashAlgo", "encryptionAlgo")} == {
        "id": root.chain,
        "level": 1,
        "scheme": "trust",
        "hashAlgo": "sha256",
        "encryptionAlgo": "secp256k1",
    }
    assert status["indexingEnabled"] is False
    assert isinstance(status["url"], str) and isinstance(status["version"], str)


def test_two_keys_work_side_by_side(root: Key) -> None:
    """Neither is taken for the other, however their requests fall together."""
    keys = [root.made(f"side {side}", document(True)) for side in range(2)]
    made: list[list[str]] = [[], []]
    failed: list[BaseException] = []

    def live(side: int) -> None:
        try:
            client = keys[side].client(ALGORITHMS[side])
            for at in range(20):
                new = ok(client.create_api_key(f"of {side} {at}"), 201)
                made[side].append(new["id"])
                assert ok(client.get_api_key(new["id"]))["nickname"] == f"of {side} {at}"
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=live, args=(side,)) for side in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failed
    assert len({*made[0], *made[1]}) == 40
    assert {*made[0], *made[1]} <= set(ids(root.client()))
