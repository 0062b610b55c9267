"""Where the SDK finds what it signs with, and files that `coiin` and `strongroom creds` wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import dragonchain_sdk
import pytest
from dragonchain_sdk.exceptions import DragonchainIdentityNotFound

from chain import settings
from chain.client import UNAUTHENTICATED, Key, document, ids, ok, refused
from chain.machine import Machine


@pytest.fixture
def key(root: Key) -> Key:
    return root.made("found", document(True))


def test_nothing_is_found_where_nothing_is() -> None:
    with pytest.raises(DragonchainIdentityNotFound):
        dragonchain_sdk.create_client()
    with pytest.raises(DragonchainIdentityNotFound):
        dragonchain_sdk.create_client(settings.chain(), endpoint=settings.endpoint())


def in_environment(key: Key) -> dict[str, str]:
    return {
        "DRAGONCHAIN_ID": key.chain,
        "DRAGONCHAIN_ENDPOINT": key.endpoint,
        "AUTH_KEY_ID": key.id,
        "AUTH_KEY": key.text,
    }


def test_the_environment_says_it_all(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in in_environment(key).items():
        monkeypatch.setenv(name, value)
    assert key.id in ids(dragonchain_sdk.create_client())


def test_arguments_go_before_the_environment_and_that_before_the_file(
    root: Key, key: Key, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_file = root.made("in the file")
    machine.add(in_file, "--credentials-file", str(machine.file))
    assert machine.look() == (200, in_file.id, in_file.endpoint)
    machine.variables = in_environment(key)
    assert machine.look() == (200, key.id, key.endpoint)
    # One half of a key is no key.
    machine.variables.pop("AUTH_KEY")
    assert machine.look() == (200, in_file.id, in_file.endpoint)

    for name, value in in_environment(replace(key, id="NOTTHEREATAL", endpoint="http://127.0.0.1:1")).items():
        monkeypatch.setenv(name, value)
    assert key.id in ids(key.client())


@pytest.mark.parametrize("name", ["coiin", "strongroom"])
def test_a_file_that_our_tool_wrote_is_all_the_sdk_needs(machine: Machine, key: Key, name: str) -> None:
    program = machine.coiin if name == "coiin" else Path(settings.binary())
    said = machine.add(key, "--credentials-file", str(machine.file), program=program)
    assert said == (
        f"Default EAL set to {key.chain}.\nSuccess. New Credentials written to ~/.dragonchain/credentials\n"
    )
    assert machine.look() == (200, key.id, key.endpoint)
    assert (machine.file.stat().st_mode & 0o777, machine.file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_tool_changes_the_sdks_file_where_there_is_no_other(machine: Machine, root: Key, key: Key) -> None:
    machine.variables["COIIN_CREDENTIALS_FILE"] = str(machine.file)
    machine.add(key)
    machine.variables.clear()
    other = root.made("instead")
    machine.add(other)
    assert machine.look() == (200, other.id, other.endpoint)
    assert not machine.own_file.exists()


def test_a_link_makes_the_tools_file_the_sdks(machine: Machine, key: Key) -> None:
    machine.add(key)
    machine.file.parent.mkdir()
    machine.file.symlink_to(machine.own_file)
    assert machine.look() == (200, key.id, key.endpoint)


def test_the_default_chain_is_the_one_that_the_tool_has_set(machine: Machine, key: Key) -> None:
    at = ("--credentials-file", str(machine.file))
    machine.add(key, *at)
    other = replace(key, chain="sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4", id="TZRBPXYRCGSM")
    machine.add(other, "-d", *at)
    assert machine.look() == (200, key.id, key.endpoint)
    machine.run("creds", "local", "default", "set", other.chain, *at)
    # This server does not have that chain.
    assert machine.look() == (401, other.id, other.endpoint)
    machine.run("creds", "local", "rm", other.chain, *at, typed="y\n")
    machine.run("creds", "local", "default", "set", key.chain, *at)
    assert machine.look() == (200, key.id, key.endpoint)


def test_a_key_that_the_tool_made_and_saved_is_the_sdks(machine: Machine, root: Key, client: object) -> None:
    """`creds remote add --save` on a machine that was given a key by its environment."""
    machine.variables = in_environment(root) | {"COIIN_CREDENTIALS_FILE": str(machine.file)}
    saved = machine.asks("creds", "remote", "add", "--save", "-n", "gespeichert ✓")
    assert (saved["status"], saved["ok"], saved["response"]["key"]) == (201, True, "<hidden>")
    made = saved["response"]["id"]
    machine.variables.clear()
    assert machine.look() == (200, made, root.endpoint)
    shown = ok(root.client().get_api_key(made))
    assert (shown["nickname"], shown["root"]) == ("gespeichert ✓", False)
    assert root.text not in machine.file.read_text()


def steady(shown: dict[str, Any]) -> dict[str, Any]:
    """A key as it is shown, without what changes by itself."""
    return {name: value for name, value in shown.items() if name != "last_used"}


def of_list(answer: dict[str, Any], key_id: str) -> list[dict[str, Any]]:
    return [steady(shown) for shown in ok(answer)["keys"] if shown["id"] == key_id]


def test_the_tool_and_the_sdk_see_the_same(machine: Machine, root: Key, key: Key) -> None:
    machine.add(key, "--credentials-file", str(machine.file))
    client = key.client()
    assert of_list(machine.asks("creds", "remote", "ls"), key.id) == of_list(client.list_api_keys(), key.id)
    assert machine.asks("status") == client.get_status()
    made = machine.asks(
        "creds", "remote", "add", "-n", "ключ", "-p", '{"version":"1","default_allow":false,"permissions":{}}'
    )
    new = replace(key, id=made["response"]["id"], text=made["response"]["key"])
    assert made["response"].items() >= {"nickname": "ключ", "permissions_document": document()}.items()
    refused(new.client().list_api_keys(), (403, "ACTION_FORBIDDEN"), "This key is not allowed to perform list_api_keys")
    assert machine.asks("creds", "remote", "update", new.id, "-n", "new name")["response"]["success"] is True
    assert steady(ok(machine.asks("creds", "remote", "get", new.id))) == steady(ok(client.get_api_key(new.id)))
    assert ok(client.get_api_key(new.id))["nickname"] == "new name"
    assert machine.asks("creds", "remote", "rm", new.id) == {"status": 200, "response": {"success": True}, "ok": True}
    refused(new.client().list_api_keys(), UNAUTHENTICATED, "Invalid HMAC Authentication")
    gone = machine.asks("creds", "remote", "get", new.id, code=1)
    assert gone == client.get_api_key(new.id)
    assert list(gone) == ["status", "response", "ok"]
