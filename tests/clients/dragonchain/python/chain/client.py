"""The published SDK, and what its answers are held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dragonchain_sdk

from chain import settings

#: The functions that the SDK can sign with.
ALGORITHMS = ("SHA256", "BLAKE2b512", "SHA3-256")
#: What a key may do that was made without a document.
DEFAULT_DOCUMENT = {
    "version": "1",
    "default_allow": True,
    "permissions": {"api_keys": {"allow_create": False, "allow_update": False, "allow_delete": False}},
}
FORBIDDEN = (403, "ACTION_FORBIDDEN")
UNAUTHENTICATED = (401, "AUTHENTICATION_ERROR")
NOT_FOUND = (404, "NOT_FOUND")


@dataclass(frozen=True)
class Key:
    """What signs for whom, and where."""

    id: str
    text: str
    chain: str
    endpoint: str

    @staticmethod
    def root() -> Key:
        return Key(settings.root_key_id(), settings.root_key(), settings.chain(), settings.endpoint())

    def client(self, algorithm: str = "SHA256") -> Any:
        return dragonchain_sdk.create_client(self.chain, self.id, self.text, self.endpoint, algorithm=algorithm)

    def made(self, *arguments: Any, **named: Any) -> Key:
        """A key that this one makes."""
        made = ok(self.client().create_api_key(*arguments, **named), 201)
        return Key(made["id"], made["key"], self.chain, self.endpoint)


def ok(answer: dict[str, Any], status: int = 200) -> Any:
    """What a request got that was to succeed."""
    assert (answer["status"], answer["ok"]) == (status, True), answer
    return answer["response"]


def refused(answer: dict[str, Any], how: tuple[int, str], details: str) -> None:
    """Holds a refusal to its exact words."""
    status, kind = how
    expected = {"status": status, "ok": False, "response": {"error": {"type": kind, "details": details}}}
    assert answer == expected


def document(default: bool = False, **permissions: Any) -> dict[str, Any]:
    return {"version": "1", "default_allow": default, "permissions": permissions}


def ids(client: Any) -> list[str]:
    return [key["id"] for key in ok(client.list_api_keys())["keys"]]
