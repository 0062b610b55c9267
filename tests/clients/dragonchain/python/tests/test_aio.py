"""The asynchronous client of the same package (`dragonchain-sdk[aio]`), which sends through another library."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import dragonchain_sdk

from chain.client import DEFAULT_DOCUMENT, NOT_FOUND, Key, document, ok, refused


def live(key: Key, flow: Callable[[Any], Awaitable[None]]) -> None:
    async def lived() -> None:
        client = await dragonchain_sdk.create_aio_client(key.chain, key.id, key.text, key.endpoint)
        try:
            await flow(client)
        finally:
            await client.close()

    asyncio.run(lived())


def test_a_key_lives(root: Key) -> None:
    """Where there is no body, this one sends a type that it has not signed."""

    async def flow(client: Any) -> None:
        made = ok(await client.create_api_key("ключ", document()), 201)
        assert (made["nickname"], made["permissions_document"]) == ("ключ", document())
        assert ok(await client.create_api_key(), 201)["permissions_document"] == DEFAULT_DOCUMENT
        assert made["id"] in [key["id"] for key in ok(await client.list_api_keys())["keys"]]
        assert ok(await client.update_api_key(made["id"], "renamed"))["success"] is True
        assert ok(await client.get_api_key(made["id"]))["nickname"] == "renamed"
        assert ok(await client.delete_api_key(made["id"])) == {"success": True}
        gone = await client.get_api_key(made["id"])
        refused(gone, NOT_FOUND, "The requested resource(s) cannot be found.")
        assert ok(await client.get_status())["id"] == root.chain
        refused(await client.update_api_key(made["id"]), (400, "BAD_REQUEST"), "Could not parse JSON")

    live(root, flow)


def test_many_requests_of_one_key_do_not_collide(root: Key) -> None:
    async def flow(client: Any) -> None:
        made = await asyncio.gather(*(client.create_api_key(f"one of many {at}") for at in range(40)))
        assert len({ok(answer, 201)["id"] for answer in made}) == 40
        listed = await asyncio.gather(*(client.list_api_keys() for _ in range(40)))
        assert all(len(ok(answer)["keys"]) > 40 for answer in listed)

    live(root, flow)
