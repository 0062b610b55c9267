"""The person against itself: what it sends opens again with what it keeps. Needs no server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from person import crypto
from person.crypto import Sealed
from person.keys import ApiKey
from person.objects import Datastore, Secret, Share
from person.people import Person
from person.wire import Answer, Device, Server, Session, date

NOWHERE = Server("http://127.0.0.1:9/psono/")


def member(body: dict[str, str], name: str) -> Sealed:
    return Sealed(body[name], body[f"{name}_nonce"])


def test_a_registration_holds_keys_that_only_the_password_opens() -> None:
    ann = Person.new(NOWHERE)
    body = ann.registration()
    assert (len(body["authkey"]), len(body["private_key"]), len(body["user_sauce"])) == (128, 160, 64)
    wrapping = crypto.wrapping_key(ann.password, body["user_sauce"], body["hashing_parameters"])
    assert crypto.unseal(wrapping, member(body, "private_key")) == ann.private_key
    assert crypto.unseal(wrapping, member(body, "secret_key")) == ann.secret_key
    assert ann.private_key not in json.dumps(body)
    assert body["authkey"] not in (wrapping, ann.password)


def test_a_new_key_holds_the_persons_keys_for_its_holder() -> None:
    ann = Person.new(NOWHERE)
    private_key, secret_key = crypto.random_hex(), crypto.random_hex()
    body = ApiKey.request(ann, private_key, secret_key, "x")
    assert crypto.unseal(secret_key, member(body, "user_private_key")) == ann.private_key
    assert crypto.unseal(secret_key, member(body, "user_secret_key")) == ann.secret_key
    assert crypto.unseal(ann.secret_key, member(body, "private_key")) == private_key
    signed = ApiKey("id", private_key, secret_key).signed("text ☃")
    crypto.verify(body["verify_key"], "text ☃".encode(), signed["signature"])


def test_a_session_seals_and_its_validator_tells_the_time_of_its_device() -> None:
    device = Device(ahead=timedelta(hours=3))
    session = Session(NOWHERE, "token", crypto.random_hex(), device)
    one, two = session.sealed({"a": "☃"}), session.sealed({"a": "☃"})
    assert one["nonce"] != two["nonce"]
    assert json.loads(crypto.unseal(session.key, Sealed(**one))) == {"a": "☃"}
    facts = json.loads(crypto.unseal(session.key, Sealed(**json.loads(session.validator(request_time=None)))))
    assert facts == {"request_device_fingerprint": device.fingerprint}
    facts = json.loads(crypto.unseal(session.key, Sealed(**json.loads(session.headers()["Authorization-Validator"]))))
    ahead = datetime.fromisoformat(facts["request_time"]) - datetime.now(UTC)
    assert timedelta(hours=2.9) < ahead < timedelta(hours=3.1)
    assert date(datetime(2030, 1, 2, 3, 4, 5, 678_901, UTC)) == "2030-01-02T03:04:05.678Z"


def test_a_tree_names_its_shares_twice() -> None:
    share = Share("share", crypto.random_hex(), "link")
    tree = Datastore("root", "").tree([share.folder("f")], [Secret("secret", "key", "link").item("i")])
    assert tree["share_index"] == {"share": {"paths": [["link"]], "secret_key": share.key}}
    assert (tree["datastore_id"], tree["items"][0]["secret_id"]) == ("root", "secret")


def test_an_answer_is_held_to_what_is_expected() -> None:
    answer = Answer("GET /", 403, {}, b"", {"message": "NO"}, sealed=True)
    assert answer.refused(403, {"message": "NO"}).denied().under_seal() is answer
    for wrong in (
        lambda: answer.expect(),
        lambda: answer.refused(400),
        lambda: answer.refused(403, {}),
        lambda: answer.refused(403, says="YES"),
        lambda: answer.in_clear(),
        lambda: Answer("GET /", 400, {}, b"", {"title": "of another interface"}, sealed=False).refused(400),
        lambda: Answer("GET /", 400, {}, b"<html>", None, sealed=False).refused(400),
    ):
        try:
            wrong()
        except AssertionError:
            continue
        raise AssertionError("passed over")
