"""What is not let in, in the words of the original, and requests that somebody else has seen."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from chain import relay
from chain.client import NOT_FOUND, UNAUTHENTICATED, Key, document, ok, refused
from chain.relay import Relay

INVALID = "Invalid HMAC Authentication"
MALFORMED = "Malformed Authorization Header"
REPLAYED = "Previous matching request found (no replays allowed)"


@pytest.fixture
def key(root: Key) -> Key:
    return root.made("asks", document(True))


def test_another_key_is_refused(key: Key) -> None:
    """A-MAC-06: one answer for a key that is wrong and one that is not there."""
    for wrong in (
        replace(key, text=f"{key.text[:-1]}{'a' if key.text[-1] != 'a' else 'b'}"),
        replace(key, text=key.text[:-1]),
        replace(key, id="NOTTHEREATAL"),
        replace(key, id="x"),
    ):
        refused(wrong.client().list_api_keys(), UNAUTHENTICATED, INVALID)


def test_another_chain_is_refused(key: Key) -> None:
    other = replace(key, chain="sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4")
    refused(other.client().list_api_keys(), UNAUTHENTICATED, "Incorrect Dragonchain ID")


def test_what_a_chain_does_beside_keys_is_not_found(key: Key) -> None:
    client = key.client()
    for answer in (client.list_smart_contracts(), client.get_block("1"), client.list_transaction_types()):
        refused(answer, NOT_FOUND, "The requested route was not found.")
    patch = client.request.patch("/v1/api-key", {"nickname": "x"})
    refused(patch, (405, "METHOD_NOT_ALLOWED"), "The method is not allowed for the requested URL.")


def test_routes_have_an_alias_without_a_version_and_no_slash_at_the_end(key: Key) -> None:
    client = key.client()
    assert key.id in [shown["id"] for shown in ok(client.request.get("/api-key"))["keys"]]
    assert ok(client.request.get("/status"))["id"] == key.chain
    refused(client.request.get("/v1/api-key/"), NOT_FOUND, "The requested route was not found.")


def test_a_query_is_signed_with_the_path(key: Key) -> None:
    assert key.id in [shown["id"] for shown in ok(key.client().request.get("/v1/api-key?a=1&b=%20"))["keys"]]


def test_a_body_that_the_route_does_not_know_is_refused(key: Key) -> None:
    client = key.client()
    for body in ({"nickname": 1}, {"nickname": "x" * 257}, {"nickname": "a\nb"}, {"name": "x"}, ["nickname"]):
        answer = client.request.post("/v1/api-key", body)
        assert (answer["status"], answer["response"]["error"]["type"]) == (400, "VALIDATION_ERROR"), body


def test_a_request_that_was_seen_on_the_way_is_good_once(key: Key) -> None:
    """A-MAC-02: whatever it did, and though the address that it came from is another."""
    with Relay(key.endpoint) as way:
        client = replace(key, endpoint=way.endpoint).client()
        ok(client.list_api_keys())
        nickname = f"once {uuid4()}"
        made = ok(client.create_api_key(nickname), 201)
        ok(client.update_api_key(made["id"], "renamed"))
        ok(client.delete_api_key(made["id"]))
        refused(client.get_api_key(made["id"]), NOT_FOUND, "The requested resource(s) cannot be found.")
        requests = way.requests
        assert [sent.split(b" ", 1)[0] for sent in requests] == [b"GET", b"POST", b"PUT", b"DELETE", b"GET"]
        for sent in requests:
            answer = way.again(sent)
            refused(answer.read(), UNAUTHENTICATED, REPLAYED)
            assert answer.headers["www-authenticate"].startswith("DC1-HMAC-SHA256")
        # Spelt in another way it is the same signature.
        respelt = requests[1].replace(b"DC1-HMAC-SHA256 ", b"DC1-HMAC-SHA256  ", 1)
        assert way.again(respelt).status == 401
        assert nickname not in str(key.client().list_api_keys())


@pytest.mark.parametrize(
    ("old", "new", "details"),
    [
        (b"GET ", b"DELETE ", INVALID),
        (b"/v1/api-key/", b"/v1/api-key/A", INVALID),
        (b" HTTP/1.1", b"?a=1 HTTP/1.1", INVALID),
        (b"timestamp: 2", b"timestamp: 3", "Timestamp of request too skewed"),
        (b"DC1-HMAC-SHA256", b"DC1-HMAC-SHA3-256", INVALID),
        (b"DC1-HMAC-SHA256", b"DC1-HMAC-sha256", "Unsupported HMAC Hash Type"),
        (b"DC1-HMAC-SHA256", b"DC2-HMAC-SHA256", "Unsupported DC Authorization Version"),
        (b"DC1-HMAC-SHA256", b"Bearer", MALFORMED),
        (b"dragonchain: ", b"x-other: ", "Missing Dragonchain ID in request header"),
        (b"timestamp: ", b"x-other: ", "Missing timestamp in request header"),
        (b"Authorization: ", b"x-other: ", MALFORMED),
    ],
    ids=lambda part: part.decode().strip() if isinstance(part, bytes) else "",
)
def test_nothing_that_is_signed_can_be_changed_on_the_way(key: Key, old: bytes, new: bytes, details: str) -> None:
    """A-MAC-01, A-MAC-04: and the request is still good afterwards, as nobody has spent it."""
    server = relay.server_of(key.endpoint)
    headers = signed(key, "GET", f"/v1/api-key/{key.id}")
    sent = relay.written(key, "GET", f"/v1/api-key/{key.id}", headers)
    assert old in sent
    refused(relay.send(server, sent.replace(old, new, 1)).read(), UNAUTHENTICATED, details)
    assert relay.send(server, sent).status == 200


def signed(key: Key, verb: str, path: str, age: timedelta = timedelta(), algorithm: str = "SHA256") -> dict[str, str]:
    """Headers as the SDK's own part for signing makes them, at a time of ours."""
    stamp = (datetime.now(UTC) - age).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    authorization = key.client(algorithm).credentials.get_authorization(verb, path, stamp)
    return {"dragonchain": key.chain, "timestamp": stamp, "Authorization": authorization}


@pytest.mark.parametrize("minutes", [-9, 9])
def test_a_clock_may_be_some_minutes_wrong(key: Key, minutes: int) -> None:
    headers = signed(key, "GET", "/v1/status", timedelta(minutes=minutes))
    assert relay.request(key, "GET", "/v1/status", headers).status == 200


@pytest.mark.parametrize("minutes", [-11, 11, 60 * 24 * 366])
def test_a_clock_may_not_be_many_minutes_wrong(key: Key, minutes: int) -> None:
    """A-MAC-03."""
    answer = relay.request(key, "GET", "/v1/status", signed(key, "GET", "/v1/status", timedelta(minutes=minutes)))
    refused(answer.read(), UNAUTHENTICATED, "Timestamp of request too skewed")
    assert "date" in answer.headers


@pytest.mark.parametrize("change", ["cut", "hex", "url-safe", "unpadded", "junk"])
def test_a_signature_has_one_spelling(key: Key, change: str) -> None:
    """A-MAC-05."""
    headers = signed(key, "GET", "/v1/status")
    scheme, text = headers["Authorization"].split(":")
    mac = base64.b64decode(text)
    spelt, details = {
        "cut": (base64.b64encode(mac[:-1]).decode(), INVALID),
        "hex": (mac.hex(), INVALID),
        "url-safe": (f"-_{text[2:]}", MALFORMED),
        "unpadded": (text.rstrip("="), MALFORMED),
        "junk": (f"{text[:4]}~{text[4:]}", MALFORMED),
    }[change]
    met = relay.request(key, "GET", "/v1/status", headers | {"Authorization": f"{scheme}:{spelt}"})
    refused(met.read(), UNAUTHENTICATED, details)


def test_a_header_that_is_signed_stands_there_once(key: Key) -> None:
    """A-MAC-09: a reader of the first and a reader of the last would differ."""
    headers: dict[str, Any] = signed(key, "GET", "/v1/status")
    for name in headers:
        doubled = headers | {name.upper(): headers[name]}
        answer = relay.request(key, "GET", "/v1/status", doubled)
        assert (answer.status, answer.read()["response"]["error"]["type"]) == UNAUTHENTICATED, name


def test_an_answer_can_be_read_by_its_health_without_a_key(root: Key) -> None:
    answer = relay.request(root, "GET", "/health", {})
    assert (answer.status, answer.body) == (200, b"OK\n")
