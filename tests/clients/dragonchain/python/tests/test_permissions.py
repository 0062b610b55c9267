"""What a key may do: its document, and that nobody gives more than they have."""

from __future__ import annotations

from typing import Any

import pytest

from chain.client import DEFAULT_DOCUMENT, FORBIDDEN, Key, document, ok, refused

WIDENS = "A key cannot grant permissions that it does not hold"


def not_allowed(answer: Any, endpoint: str) -> None:
    refused(answer, FORBIDDEN, f"This key is not allowed to perform {endpoint}")


def test_a_key_without_a_document_reads_and_changes_no_keys(root: Key) -> None:
    key = root.made()
    client = key.client()
    ok(client.list_api_keys())
    ok(client.get_api_key(root.id))
    ok(client.get_status())
    not_allowed(client.create_api_key(), "create_api_key")
    not_allowed(client.update_api_key(key.id, "x"), "update_api_key")
    not_allowed(client.delete_api_key(key.id), "delete_api_key")


def test_a_key_that_is_allowed_nothing_is_told_what_it_may_not_do(root: Key) -> None:
    client = root.made("", document()).client()
    not_allowed(client.list_api_keys(), "list_api_keys")
    not_allowed(client.get_api_key(root.id), "get_api_key")
    not_allowed(client.get_status(), "get_status")
    not_allowed(client.create_api_key(), "create_api_key")
    # Nor is it told which keys there are.
    not_allowed(client.get_api_key("NOTTHEREATAL"), "get_api_key")
    not_allowed(client.delete_api_key("NOTTHEREATAL"), "delete_api_key")


def test_the_narrower_word_wins(root: Key) -> None:
    given = document(
        True,
        allow_read=False,
        api_keys={"allow_read": True, "get_api_key": {"allowed": False}},
        misc={"get_status": {"allowed": True}},
    )
    client = root.made("", given).client()
    ok(client.list_api_keys())
    ok(client.get_status())
    not_allowed(client.get_api_key(root.id), "get_api_key")


def test_a_change_counts_from_the_next_request(client: Any, root: Key) -> None:
    key = root.made("", document(True))
    used = key.client()
    ok(used.create_api_key("while it may", document()), 201)
    ok(client.update_api_key(key.id, permissions_document=DEFAULT_DOCUMENT))
    not_allowed(used.create_api_key("too late", document()), "create_api_key")
    ok(client.update_api_key(key.id, permissions_document=document()))
    not_allowed(used.list_api_keys(), "list_api_keys")


MAKER = document(api_keys={"allow_create": True, "allow_read": True, "allow_update": True})


@pytest.mark.parametrize(
    "wider",
    [
        document(True),
        document(allow_delete=True),
        document(misc={"get_status": {"allowed": True}}),
        document(api_keys={"delete_api_key": {"allowed": True}}),
        document(transactions={"create_transaction": {"allowed": False, "transaction_types": {"banana": True}}}),
        None,
    ],
    ids=["all", "a class", "an endpoint", "one of its own resource", "a type", "the default"],
)
def test_no_key_grants_what_it_does_not_hold(root: Key, wider: dict[str, Any] | None) -> None:
    maker = root.made("maker", MAKER)
    client = maker.client()
    refused(client.create_api_key("wider", wider), FORBIDDEN, WIDENS)
    other = root.made("other", document())
    if wider is not None:
        refused(client.update_api_key(other.id, permissions_document=wider), FORBIDDEN, WIDENS)
        refused(client.update_api_key(maker.id, permissions_document=wider), FORBIDDEN, WIDENS)
    as_before = ok(root.client().get_api_key(other.id))["permissions_document"]
    assert as_before == document()
    # What it holds it may give on.
    for given in (MAKER, document(api_keys={"get_api_key": {"allowed": True}}), document()):
        assert ok(client.create_api_key("no wider", given), 201)["permissions_document"] == given


def test_only_the_root_key_changes_the_root_key(root: Key) -> None:
    client = root.made("all", document(True)).client()
    for answer in (client.update_api_key(root.id, "mine"), client.delete_api_key(root.id)):
        assert (answer["status"], answer["response"]["error"]["type"]) == FORBIDDEN
    ok(root.client().list_api_keys())


@pytest.mark.parametrize(
    "given",
    [
        {"version": "2", "default_allow": True, "permissions": {}},
        {"version": "1", "permissions": {}},
        {"version": "1", "default_allow": "yes", "permissions": {}},
        document(allow_everything=True),
        document(api_keys={"fly": {"allowed": True}}),
        document(api_keys={"get_api_key": {"allowed": 1}}),
        document(api_keys={"get_api_key": {}}),
        document(True) | {"more": 1},
    ],
    ids=str,
)
def test_a_document_that_is_none_makes_no_key(client: Any, given: dict[str, Any]) -> None:
    before = len(ok(client.list_api_keys())["keys"])
    answer = client.create_api_key("never", given)
    assert (answer["status"], answer["response"]["error"]["type"]) == (400, "VALIDATION_ERROR")
    assert len(ok(client.list_api_keys())["keys"]) == before
