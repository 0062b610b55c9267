"""Requests that one side signs and the other verifies, by both algorithms, and what neither lets through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pytest
from http_message_signatures import InvalidSignature

from peers import ours, theirs
from peers.keys import Key
from peers.messages import AUTHORITY, JSON_TYPE, REQUESTS, Request, Said, now

KEYS = [Key.ed25519(), Key.hmac()]
BOTH = pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
EACH = pytest.mark.parametrize("request_of", REQUESTS.values(), ids=REQUESTS.keys())
WITH_BODY = REQUESTS["a body and a query"]


def changed(name: str, old: str, new: str) -> Callable[[Request], Request]:
    def change(sent: Request) -> Request:
        assert old in sent.headers[name]
        return replace(sent, headers=sent.headers | {name: sent.headers[name].replace(old, new, 1)})

    return change


def bent(name: str) -> Callable[[Request], Request]:
    """The first character of the base64 in a field becomes another."""

    def change(sent: Request) -> Request:
        before, text = sent.headers[name].split(":", 1)
        return replace(sent, headers=sent.headers | {name: f"{before}:{'A' if text[0] != 'A' else 'B'}{text[1:]}"})

    return change


CHANGES: dict[str, Callable[[Request], Request]] = {
    "method": lambda sent: replace(sent, method="PUT"),
    "path": lambda sent: replace(sent, url=sent.url.replace("/v1/", "/v2/")),
    "query": lambda sent: replace(sent, url=sent.url.replace("x=1", "x=2")),
    "type": changed("Content-Type", "application/json", "text/plain"),
    "digest": bent("Content-Digest"),
    "nonce": changed("Signature-Input", 'nonce="', 'nonce="~'),
    "order": changed("Signature-Input", '"@path" "@query"', '"@query" "@path"'),
    "signature": bent("Signature"),
}


def test_the_package_is_the_published_one() -> None:
    assert version("http-message-signatures") == "3.0.0"


@BOTH
@EACH
def test_the_package_verifies_ours(key: Key, request_of: Request) -> None:
    requires = theirs.COVERS + (theirs.BODY_COVERS if request_of.body else ())
    for expires in (None, now() + 300):
        said = Said(expires=expires)
        theirs.verify(ours.sign(request_of, key, said), key, said.key_id, requires)
    said = Said()
    extra = replace(request_of, headers=request_of.headers | {"X-Extra": " a,  b "})
    theirs.verify(ours.sign(extra, key, said, ("x-extra",)), key, said.key_id, (*requires, "x-extra"))


@BOTH
def test_a_whole_url_is_one_text_unless_it_names_its_own_port(key: Key) -> None:
    said, covers = Said(), (*theirs.COVERS, "@target-uri")
    for what, request_of in REQUESTS.items():
        request_of = replace(request_of, headers={}, body="")
        signed = ours.sign(request_of, key, said, ("@target-uri",))
        if ":443" not in request_of.url:
            theirs.verify(signed, key, said.key_id, covers)
            assert "accepted" in ours.verify(theirs.sign(request_of, key, said, covers), key), what
        else:
            # The package signs a URL as it was written. A server sees a `Host` without that port.
            with pytest.raises(InvalidSignature):
                theirs.verify(signed, key, said.key_id, covers)


@BOTH
@EACH
def test_ours_accepts_the_packages(key: Key, request_of: Request) -> None:
    for expires in (None, now() + 300):
        said = Said(expires=expires)
        signed = theirs.sign(request_of, key, said)
        accepted = {"key_id": said.key_id, "nonce": said.nonce, "created": said.created, "expires": expires}
        assert ours.verify(signed, key) == {"accepted": accepted | {"label": "any"}}


@BOTH
@pytest.mark.parametrize("what", CHANGES)
def test_nothing_that_was_signed_can_be_changed(key: Key, what: str) -> None:
    said = Said()
    for sent in (ours.sign(WITH_BODY, key, said), theirs.sign(WITH_BODY, key, said)):
        theirs.verify(sent, key, said.key_id, theirs.COVERS)
        met = CHANGES[what](sent)
        assert ours.verify(met, key) == {"refused": "signature does not verify"}
        with pytest.raises(InvalidSignature):
            theirs.verify(met, key, said.key_id, theirs.COVERS)


@BOTH
def test_neither_the_body_nor_the_authority_can_be_changed(key: Key) -> None:
    said = Said()
    for sent in (ours.sign(WITH_BODY, key, said), theirs.sign(WITH_BODY, key, said)):
        body = replace(sent, body=f"{sent.body} ")
        assert ours.verify(body, key) == {"refused": "content digest does not match the body"}
        moved = replace(sent, url=sent.url.replace(AUTHORITY, "other.example"))
        assert ours.verify(moved, key) == {"refused": "authority is not one of the public names"}
        for met in (body, moved):
            with pytest.raises(InvalidSignature):
                theirs.verify(met, key, said.key_id, theirs.COVERS)


@BOTH
def test_a_key_verifies_nothing_of_another_key_or_algorithm(key: Key) -> None:
    said = Said()
    mine, yours = ours.sign(WITH_BODY, key, said), theirs.sign(WITH_BODY, key, said)
    for other in (Key.ed25519(), Key.hmac()):
        assert ours.verify(yours, other) == {"refused": "signature does not verify"}
        with pytest.raises(InvalidSignature):
            theirs.verify(mine, other, said.key_id, theirs.COVERS)


@BOTH
def test_each_finds_its_own_beside_a_signature_of_another_tag(key: Key) -> None:
    said = Said()
    first = theirs.sign(WITH_BODY, Key.hmac(), Said(key_id="proxy"), ("@method",), tag="proxy", label="proxy")
    options: dict[str, Any] = {"append_if_signature_exists": True, "use_existing_digest": True}
    both = theirs.sign(first, key, said, label="mine", **options)
    assert ours.verify(both, key)["accepted"]["label"] == "mine"
    theirs.verify(both, key, said.key_id, theirs.COVERS)
    again = theirs.sign(both, key, said, label="second", **options)
    assert ours.verify(again, key) == {"refused": 'several signatures with tag "strongroom"'}


def test_ours_refuses_what_the_package_signs_outside_the_profile() -> None:
    key, said = KEYS[0], Said()
    covers = theirs.COVERS + theirs.BODY_COVERS
    for name in covers:
        left = [other for other in covers if other != name]
        if name != "content-digest":  # The package adds this one wherever it gets a body.
            refused = {"refused": f"{name} is not covered"}
            assert ours.verify(theirs.sign(WITH_BODY, key, said, left), key) == refused
    without_alg = theirs.sign(WITH_BODY, key, said, include_alg=False)
    assert ours.verify(without_alg, key) == {"refused": "signature parameter alg is missing"}
    other_tag = theirs.sign(WITH_BODY, key, said, tag="other")
    assert ours.verify(other_tag, key) == {"refused": 'no signature with tag "strongroom"'}
    for nonce in ("x" * 15, "x" * 65):
        short = theirs.sign(WITH_BODY, key, replace(said, nonce=nonce))
        assert ours.verify(short, key) == {"refused": "signature parameter nonce is malformed"}
    long = theirs.sign(WITH_BODY, key, replace(said, expires=said.created + 301))
    assert ours.verify(long, key) == {"refused": "expiry is before the creation or too long after it"}
    good = theirs.sign(WITH_BODY, key, said)
    outside = {"refused": "signature was not created within the window"}
    assert [ours.verify(good, key, said.created + seconds) for seconds in (-61, 61)] == [outside, outside]
    for component in ('"content-type";bs', "@request-target", '"content-digest";key="sha-256"'):
        signed = theirs.sign(WITH_BODY, key, said, [*covers, component])
        assert ours.verify(signed, key) == {"refused": "a covered component is not known"}


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        (Key.hmac(b"6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj"), "WpSoBehPufGQ9cqHfKMymr5zUdIr/IGFhd3CkI0uw8g="),
        (
            Key.ed25519(bytes(range(32))),
            "acC6qCCwqJ+/6sBHoxcUN+Ju5D5M4cTkE0w8sivHvTiavzJQPVSYCSmj4+Xo3zWzKH43abZeMMrl3eOIRTXMBg==",
        ),
    ],
    ids=["hmac-sha256", "ed25519"],
)
def test_both_make_the_signatures_that_the_profile_was_published_with(key: Key, signature: str) -> None:
    said = Said(nonce="n-0123456789abcdef", created=1_573_691_665, expires=4_102_444_800)
    request = Request("POST", f"https://{AUTHORITY}/v1/api-key?x=1", JSON_TYPE, '{"nickname": "My New Key"}')
    mine, yours = ours.sign(request, key, said), theirs.sign(request, key, said, label="sig")
    assert mine.headers == yours.headers
    assert yours.headers["Signature"] == f"sig=:{signature}:"
