"""Requests that the package signs, to the real server: what a key may do it does, once, and as it was signed."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from peers import theirs
from peers.keys import Key
from peers.messages import Request, Said, now
from peers.server import EVERYTHING, OFFER, Answer, Chain, Holder, operator, send, url

SELF = "/v1/service-keys/self"
LIST = "/v1/service-keys"
ALGORITHMS = ("ed25519", "hmac-sha256")
BOTH = pytest.mark.parametrize("algorithm", ALGORITHMS)
NOT_SIGNED = "signature does not verify"
REPLAYED = "the signature has been taken before"
OTHER_AUTHORITY = "authority is not one of the public names"


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Chain()


@pytest.fixture(scope="module")
def holders(chain: Chain) -> dict[str, Holder]:
    """Keys that may do what keys may by default."""
    return {algorithm: chain.holder(algorithm) for algorithm in ALGORITHMS}


@pytest.fixture(scope="module")
def makers(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Holder]:
    """Keys that may make others."""
    document = tmp_path_factory.mktemp("permissions") / "everything.json"
    document.write_text(EVERYTHING)
    return {algorithm: chain.holder(algorithm, document) for algorithm in ALGORITHMS}


def refused(answer: Answer, detail: str, code: str = "signature-refused") -> None:
    """Holds a 401 to why it is one, and to what it tells whoever wants to do better."""
    told = answer.document()
    assert (answer.status, told["code"]) == (401, code), told
    assert detail in told.get("detail", ""), told
    assert answer.headers["accept-signature"] == OFFER
    age = datetime.now(UTC) - parsedate_to_datetime(answer.headers["date"])
    assert abs(age.total_seconds()) < 60


def ok(answer: Answer, status: int = 200) -> Answer:
    assert answer.status == status, answer
    return answer


@BOTH
def test_a_key_is_told_who_it_is_and_what_its_chain_has(
    chain: Chain, holders: dict[str, Holder], algorithm: str
) -> None:
    holder = holders[algorithm]
    for expires in (None, now() + 300):
        me = ok(holder.ask("GET", SELF, expires=expires)).document()
        assert (me["chain"], me["id"], me["root"]) == (chain.id, holder.id, False)
        for query in ("", f"?chain={chain.id}"):
            listed = ok(holder.ask("GET", LIST + query, expires=expires)).document()["service_keys"]
            assert {one["id"] for one in listed} >= {other.id for other in holders.values()}
    shown = ok(holder.ask("GET", f"{LIST}/{holder.id}")).document()
    assert (shown["id"], shown["root"]) == (holder.id, False)


@BOTH
def test_a_key_that_may_makes_keys_of_both_kinds(chain: Chain, makers: dict[str, Holder], algorithm: str) -> None:
    maker = makers[algorithm]
    key = Key.ed25519()
    raw = base64.b64encode(key.public[-32:]).decode()
    lamp = {"kind": "ed25519", "public_key": raw, "nickname": "лампа 💡"}
    made = ok(maker.ask("POST", LIST, json.dumps(lamp, ensure_ascii=False))).document()
    assert made["key"]["nickname"] == "лампа 💡"
    assert "secret" not in made
    bell = ok(maker.ask("POST", f"{LIST}?", json.dumps({"kind": "hmac-sha256", "chain": chain.id}))).document()
    for made_key, held in ((made, key), (bell, Key.hmac(bell.get("secret", "").encode()))):
        holder = Holder(made_key["key"]["id"], held)
        assert ok(holder.ask("GET", SELF)).document()["id"] == holder.id
        allowed_no_more(holder)
        ok(maker.ask("DELETE", f"{LIST}/{holder.id}"), 204)
        refused(holder.ask("GET", SELF), NOT_SIGNED)


def allowed_no_more(holder: Holder) -> None:
    """What a key may not do is told to it alone, and has spent its nonce."""
    denied = [("POST", LIST, "{}"), ("DELETE", f"{LIST}/{holder.id}", ""), ("PATCH", f"{LIST}/{holder.id}", "{}")]
    for method, target, body in denied:
        request = holder.signed(method, target, body)
        answer = send(request)
        assert (answer.status, answer.document()["code"]) == (403, "endpoint-refused"), answer
        assert "accept-signature" not in answer.headers
        refused(send(request), REPLAYED)


@BOTH
def test_a_request_is_taken_once(holders: dict[str, Holder], algorithm: str) -> None:
    holder = holders[algorithm]
    request = holder.signed("GET", SELF)
    ok(send(request))
    refused(send(request), REPLAYED)
    # The nonce is what counts: under another time it is another signature, and still the same promise.
    nonce = Said().nonce
    ok(holder.ask("GET", SELF, nonce=nonce))
    refused(holder.ask("GET", LIST, nonce=nonce, created=now()), REPLAYED)
    # Of another key it is another one.
    for other in holders.values():
        if other is not holder:
            ok(other.ask("GET", SELF, nonce=nonce))


@BOTH
def test_what_was_signed_is_what_is_asked(makers: dict[str, Holder], algorithm: str) -> None:
    maker = makers[algorithm]
    sent = maker.signed("POST", f"{LIST}?", '{"kind": "hmac-sha256", "nickname": "bell"}')
    host = urlsplit(sent.url).netloc
    bent = sent.body.replace("bell", "ball")
    digest = maker.signed("POST", LIST, bent).headers["Content-Digest"]
    changes = {
        "body": (replace(sent, body=bent), "content digest does not match the body"),
        "body and digest": (
            replace(sent, body=bent, headers=sent.headers | {"Content-Digest": digest}),
            NOT_SIGNED,
        ),
        "next to no body": (replace(sent, body="{}"), "content digest does not match the body"),
        "type": (replace(sent, headers=sent.headers | {"Content-Type": "application/json; charset=utf-8"}), NOT_SIGNED),
        "authority": (replace(sent, url=sent.url.replace(host, "other.example")), OTHER_AUTHORITY),
        "another port": (replace(sent, url=sent.url.replace(host, f"{host.split(':')[0]}:1")), OTHER_AUTHORITY),
        "time": (
            replace(sent, headers=sent.headers | {"Signature-Input": later(sent.headers["Signature-Input"])}),
            NOT_SIGNED,
        ),
    }
    for met, detail in changes.values():
        refused(send(met), detail)
    # None of it has spent the nonce of the one who signed.
    ok(send(sent))
    refused(send(sent), REPLAYED)


def later(text: str) -> str:
    at = text.index("created=") + len("created=")
    digits = text[at : at + 10]
    return text.replace(digits, str(int(digits) + 1), 1)


@BOTH
def test_method_path_and_query_are_signed_and_so_is_the_absence_of_one(
    chain: Chain, holders: dict[str, Holder], algorithm: str
) -> None:
    holder = holders[algorithm]
    with_query = holder.signed("GET", f"{LIST}?chain={chain.id}")
    without = holder.signed("GET", LIST)
    refused(send(replace(with_query, url=without.url)), NOT_SIGNED)
    refused(send(replace(without, url=with_query.url)), NOT_SIGNED)
    myself = holder.signed("GET", SELF)
    refused(send(replace(myself, url=without.url)), NOT_SIGNED)
    refused(send(replace(without, url=myself.url)), NOT_SIGNED)
    shown = holder.signed("GET", f"{LIST}/{holder.id}")
    refused(send(replace(shown, method="DELETE")), NOT_SIGNED)
    for request in (with_query, without, myself, shown):
        ok(send(request))


@BOTH
def test_a_request_is_for_one_of_the_servers_names(holders: dict[str, Holder], algorithm: str) -> None:
    holder = holders[algorithm]
    elsewhere = holder.signed("GET", SELF, base="http://other.example")
    refused(send(elsewhere), OTHER_AUTHORITY)
    refused(send(replace(elsewhere, url=url(SELF))), NOT_SIGNED)
    by_name = url("").replace("127.0.0.1", "localhost")
    if by_name != url(""):
        # Another of its names, and the one that was signed is the one that counts.
        signed = holder.signed("GET", SELF, base=by_name)
        refused(send(replace(signed, url=url(SELF))), NOT_SIGNED)
        ok(send(signed))


@BOTH
def test_a_request_has_its_time(holders: dict[str, Holder], algorithm: str) -> None:
    holder = holders[algorithm]
    outside = "signature was not created within the window"
    for seconds in (-86_400, -62, 90, 86_400):
        refused(holder.ask("GET", SELF, created=now() + seconds), outside)
    over = "signature has expired"
    refused(holder.ask("GET", SELF, created=now() - 10, expires=now() - 5), over)
    life = "expiry is before the creation or too long after it"
    refused(holder.ask("GET", SELF, created=now(), expires=now() + 302), life)
    ok(holder.ask("GET", SELF, created=now() + 20))


@BOTH
def test_a_deleted_key_and_an_unknown_one_are_one_answer(chain: Chain, algorithm: str) -> None:
    holder = chain.holder(algorithm)
    ok(holder.ask("GET", SELF))
    kept = holder.signed("GET", SELF)
    chain.delete(holder.id)
    answers = [send(kept), holder.ask("GET", SELF), replace(holder, id="NOSUCHKEYXYZ").ask("GET", SELF)]
    for answer in answers:
        refused(answer, NOT_SIGNED)
    told = [answer.document() for answer in answers]
    assert len({json.dumps(document | {"request_id": ""}) for document in told}) == 1


def test_a_key_signs_by_the_algorithm_of_its_kind_only(chain: Chain, holders: dict[str, Holder]) -> None:
    lamp, bell = holders["ed25519"], holders["hmac-sha256"]
    public, raw = lamp.key.public, lamp.key.public[-32:]
    texts = [public, raw, *(base64.b64encode(bytes_of) for bytes_of in (public, raw))]
    texts += [base64.urlsafe_b64encode(raw).rstrip(b"="), raw.hex().encode()]
    for text in texts:
        # Everybody knows it, so it must not be the secret of anything.
        refused(Holder(lamp.id, Key.hmac(text)).ask("GET", SELF), NOT_SIGNED)
    secret = bell.key.private
    assert len(secret) >= 32
    refused(Holder(bell.id, Key.ed25519(secret[:32])).ask("GET", SELF), NOT_SIGNED)
    for one, other in ((lamp, bell), (bell, lamp)):
        refused(Holder(one.id, other.key).ask("GET", SELF), NOT_SIGNED)
        # The algorithm that is named is signed too, and has to be the one that signed.
        sent = one.signed("GET", SELF)
        named = sent.headers["Signature-Input"].replace(f'alg="{one.key.name}"', f'alg="{other.key.name}"')
        refused(send(replace(sent, headers=sent.headers | {"Signature-Input": named})), NOT_SIGNED)


def test_a_key_for_dc1_hmac_signs_no_message(chain: Chain) -> None:
    key_id, secret = chain.key("dc1-hmac")
    refused(Holder(key_id, Key.hmac(secret.encode())).ask("GET", SELF), NOT_SIGNED)
    refused(Holder(key_id, Key.ed25519()).ask("GET", SELF), NOT_SIGNED)
    shown = operator("service-key", "show", "--chain", chain.id, key_id)
    assert shown["id"] == key_id, "it is there"


@BOTH
def test_a_request_has_one_credential(holders: dict[str, Holder], algorithm: str) -> None:
    sent = holders[algorithm].signed("GET", SELF)
    for authorization in ("Bearer srt_x", "Bearer", "DC1-HMAC-SHA256 KEY:AAAA", "Basic YTpi"):
        both = replace(sent, headers=sent.headers | {"Authorization": authorization})
        refused(send(both), "", "credential-invalid")
    # It was not for the signature.
    ok(send(sent))


def test_a_request_that_is_not_signed_is_told_how_to() -> None:
    refused(send(Request("GET", url(SELF))), "", "credential-missing")


def test_what_is_signed_for_others_is_not_signed_for_the_server(holders: dict[str, Holder]) -> None:
    holder = holders["ed25519"]
    request, said = Request("GET", url(SELF)), Said(key_id=holder.id)
    refused(send(theirs.sign(request, holder.key, said, tag="other")), "", "credential-missing")
    uncovered = theirs.sign(request, holder.key, said, ("@method", "@authority", "@path"))
    refused(send(uncovered), "@query is not covered")
    refused(send(theirs.sign(request, holder.key, said, include_alg=False)), "parameter alg is missing")
