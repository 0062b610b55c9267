"""What takes a server of one's own: a listener for chains alone, restarts, and limits."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from chain.client import NOT_FOUND, UNAUTHENTICATED, document, ids, ok, refused
from chain.daemon import Daemon
from chain.relay import Relay

#: In words for a memory that reaches back, and for one that begins with the start.
SPENT = ("Previous matching request found (no replays allowed)", "Timestamp of request too skewed")


def test_chains_have_a_listener_of_their_own(tmp_path: Path) -> None:
    """An endpoint without a path, and nothing of chains on the public listener."""
    with Daemon(tmp_path) as daemon:
        client = daemon.root.client("SHA3-256")
        made = ok(client.create_api_key("own"), 201)
        assert ids(client) == sorted([made["id"], daemon.root.id])
        assert ok(client.request.get("/api-key/" + made["id"]))["nickname"] == "own"
        for path in ("/dragonchain", "/keyknox"):
            under = replace(daemon.root, endpoint=daemon.root.endpoint + path).client()
            refused(under.list_api_keys(), NOT_FOUND, "The requested route was not found.")
        public = replace(daemon.root, endpoint=f"{daemon.public}/dragonchain").client()
        assert public.request.get("/v1/api-key", parse_response=False)["status"] == 404


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_restart_forgets_neither_keys_nor_what_was_spent(tmp_path: Path, how: signal.Signals) -> None:
    """A-MAC-02, A-MAC-06."""
    with Daemon(tmp_path) as daemon:
        root = daemon.root
        kept, gone = root.made("kept", document(True)), root.made("gone", document(True))
        with Relay(root.endpoint) as way:
            far = replace(kept, endpoint=way.endpoint).client()
            ok(far.create_api_key("once"), 201)
            ok(far.list_api_keys())
            ok(root.client().delete_api_key(gone.id))
            before = ids(root.client())
            daemon.end(how)
            daemon.start()
            # Ready means ready for what is signed now.
            assert ids(kept.client()) == before
            for sent in way.requests:
                answer = way.again(sent).read()
                assert answer["response"]["error"]["details"] in SPENT
                refused(answer, UNAUTHENTICATED, answer["response"]["error"]["details"])
        refused(gone.client().list_api_keys(), UNAUTHENTICATED, "Invalid HMAC Authentication")


def test_a_key_of_the_operators_takes_the_place_of_the_root_key(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        made = daemon.root.made("kept", document(True))
        daemon.end()
        stolen = daemon.root
        daemon.root = replace(stolen, text=stolen.text[::-1])
        daemon.config.write_text(daemon.config.read_text().replace(stolen.text, daemon.root.text))
        daemon.start()
        refused(stolen.client().list_api_keys(), UNAUTHENTICATED, "Invalid HMAC Authentication")
        assert made.id in ids(daemon.root.client())
        assert made.id in ids(made.client())


def test_limits_count_what_a_key_has_signed_and_what_an_address_got_wrong(tmp_path: Path) -> None:
    limits = "[dragonchain.rates]\nkey_requests_per_minute = 3\nfailures_per_minute = 4"
    with Daemon(tmp_path, limits) as daemon:
        first, second = daemon.root.made("first"), daemon.root.made("second")
        wrong = replace(second, text=second.text[::-1]).client()
        for _ in range(3):
            refused(wrong.list_api_keys(), UNAUTHENTICATED, "Invalid HMAC Authentication")
        # What others get wrong in its name is not counted against a key.
        client = second.client()
        for _ in range(3):
            ok(client.list_api_keys())
        limited = client.list_api_keys()
        text = "API Rate Limit Exceeded. 3 requests allowed per minute."
        refused(limited, (429, "TOO_MANY_REQUESTS"), text)
        ok(first.client().list_api_keys())
        refused(wrong.list_api_keys(), UNAUTHENTICATED, "Invalid HMAC Authentication")
        assert wrong.list_api_keys()["status"] == 429


def test_the_store_does_not_hold_what_signs(tmp_path: Path) -> None:
    """A-LEAK-01: in neither the files nor a log that leaves nothing out."""
    with Daemon(tmp_path, '[log]\nlevel = "trace"') as daemon:
        key = daemon.root.made("a nickname", document(True))
        ok(key.client().create_api_key("another nickname"), 201)
        daemon.end()
        stored = b"".join(file.read_bytes() for file in sorted((tmp_path / "data").rglob("*")) if file.is_file())
        found = daemon.log.read_bytes() + stored
        for text in (daemon.root.text, key.text):
            assert text.encode() not in found
