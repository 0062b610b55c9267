"""Secrets, their history and their links (dialects/psono.md, section 7.2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from person import crypto
from person.member import Member
from person.naming import short
from person.objects import Datastore, Secret, content, opened
from person.wire import Server


@pytest.fixture(scope="module")
def place(ann: Member) -> Datastore:
    return ann.datastore("secrets")


def test_a_secret_is_made_read_and_changed(ann: Member, place: Datastore) -> None:
    secret = Secret.create(ann.session, place.parent, {"note_notes": "first ☃"})
    answer = secret.ask(ann.session).under_seal().expect()
    assert opened(secret.key, answer) == {"note_notes": "first ☃"}
    assert (answer["type"], answer["callback_url"]) == ("password", "")
    changed = secret.update(ann.session, {"note_notes": "second"}).under_seal().expect()
    assert changed["success"] == "Data updated."
    again = secret.ask(ann.session).under_seal().expect()
    assert opened(secret.key, again) == {"note_notes": "second"}
    assert again["write_date"] == changed["write_date"] > answer["write_date"]
    assert again["create_date"] == answer["create_date"]


def test_reads_are_counted(ann: Member, place: Datastore) -> None:
    secret = Secret.create(ann.session, place.parent, {})
    counts = [secret.ask(ann.session).expect()["read_count"] for _ in range(3)]
    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]


def test_no_read_is_lost_among_many(ann: Member, place: Datastore) -> None:
    secret = Secret.create(ann.session, place.parent, {})
    sessions = [ann.key_session().session for _ in range(4)]
    before = secret.ask(ann.session).expect()["read_count"]
    with ThreadPoolExecutor(len(sessions)) as threads:
        reads = [threads.submit(secret.ask, session) for session in sessions for _ in range(5)]
        assert all(read.result().status == 200 for read in reads)
    assert secret.ask(ann.session).expect()["read_count"] == before + 21


def test_old_versions_stay(ann: Member, place: Datastore) -> None:
    secret = Secret.create(ann.session, place.parent, {"v": 1})
    for version in (2, 3):
        secret.update(ann.session, {"v": version}).under_seal().expect()
    history = secret.history(ann.session)
    assert len(history) == 2
    assert all(entry["username"] == ann.person.username for entry in history)
    versions = [
        opened(secret.key, ann.session.get(f"/history/{entry['id']}/").under_seal().expect()) for entry in history
    ]
    assert sorted(version["v"] for version in versions) == [1, 2]


def test_a_stale_write_changes_nothing(ann: Member, place: Datastore) -> None:
    """A-REC-01."""
    secret = Secret.create(ann.session, place.parent, {"v": 1})
    old = secret.ask(ann.session).expect()["write_date"]
    secret.update(ann.session, {"v": 2}, old_write_date=old).under_seal().expect()
    secret.update(ann.session, {"v": 3}, old_write_date=old).under_seal().refused(400, says="WRITE_DATE_MISMATCH")
    assert secret.read(ann.session) == {"v": 2}
    assert len(secret.history(ann.session)) == 1


def test_of_many_writers_with_one_date_one_wins(ann: Member, place: Datastore) -> None:
    """A-REC-02."""
    secret = Secret.create(ann.session, place.parent, {"v": 0})
    old = secret.ask(ann.session).expect()["write_date"]
    sessions = [ann.key_session(write=True).session for _ in range(8)]
    with ThreadPoolExecutor(len(sessions)) as threads:
        writes = [threads.submit(secret.update, s, {"v": n}, old_write_date=old) for n, s in enumerate(sessions)]
        statuses = [write.result().status for write in writes]
    assert sorted(statuses) == [200] + [400] * 7
    assert secret.read(ann.session) == {"v": statuses.index(200)}


def test_a_link_and_a_nonce_serve_once(ann: Member, bob: Member, place: Datastore) -> None:
    secret = Secret.create(ann.session, place.parent, {})
    request = Secret.request(crypto.random_hex(), secret.link_id, place.parent, {})
    refused = ann.session.put("/secret/", request).under_seal().refused(400)
    assert refused.body["error"] == "DuplicateLinkID"
    # The refusal made nothing: its nonce is free.
    ann.session.put("/secret/", request | {"link_id": str(uuid4())}).under_seal().expect(201)

    nonce = request["data_nonce"]
    theirs = bob.datastore()
    other = Secret.request(crypto.random_hex(), str(uuid4()), theirs.parent, {}) | {"data_nonce": nonce}
    refused = bob.session.put("/secret/", other).under_seal().refused(400)
    assert refused.body["error"] == "DuplicateNonce"
    # Nor is the link of the refused one taken.
    fresh = Secret.request(crypto.random_hex(), other["link_id"], theirs.parent, {})
    bob.session.put("/secret/", fresh).under_seal().expect(201)


def test_a_nonce_serves_once_in_updates_too(ann: Member, place: Datastore) -> None:
    """The reference fails at the third."""
    secret = Secret.create(ann.session, place.parent, {"v": 1})
    first = secret.ask(ann.session).expect()["data_nonce"]
    members = content(secret.key, {"v": 2})
    ann.session.post("/secret/", {"secret_id": secret.id} | members).under_seal().expect()
    for nonce in (members["data_nonce"], first):
        body = {"secret_id": secret.id, "data": members["data"], "data_nonce": nonce}
        refused = ann.session.post("/secret/", body).under_seal().refused(400)
        assert refused.body["error"] == "DuplicateNonce"
    assert secret.read(ann.session) == {"v": 2}


def test_a_secret_has_exactly_one_parent_and_it_is_ones_own(ann: Member, bob: Member, place: Datastore) -> None:
    share = ann.share(place.parent, "parent")
    theirs = bob.datastore(f"d {uuid4()}")
    their_share = bob.share(theirs.parent, "theirs")
    parents = [{}, place.parent | share.parent, theirs.parent, their_share.parent]
    parents += [{"parent_datastore_id": str(uuid4())}, {"parent_share_id": str(uuid4())}]
    for parent in parents:
        request = Secret.request(crypto.random_hex(), str(uuid4()), parent, {})
        ann.session.put("/secret/", request).under_seal().denied()
    found = bob.session.get(f"/metadata-datastore/{theirs.id}/").under_seal().expect()
    assert found["secrets"] == []


def test_secrets_of_others_are_none(ann: Member, bob: Member) -> None:
    """A-KEY-02."""
    theirs = Secret.create(bob.session, bob.datastore(f"d {uuid4()}").parent, {"v": 1})
    own = ann.datastore(f"d {uuid4()}")
    unknown = Secret(str(uuid4()), theirs.key, str(uuid4()))
    refusals = []
    for secret in (theirs, unknown):
        answers = [
            secret.ask(ann.session),
            secret.update(ann.session, {"v": 2}),
            ann.session.get(f"/secret/history/{secret.id}/"),
            secret.move(ann.session, own.new_parent),
            secret.unlink(ann.session),
        ]
        ids = (secret.id, secret.link_id)
        words = [answer.under_seal().denied().text for answer in answers]
        refusals.append([word.replace(ids[0], "ID").replace(ids[1], "ID") for word in words])
    assert refusals[0] == refusals[1]
    assert theirs.read(bob.session) == {"v": 1}


def test_malformed_ids_are_unknown_ids(ann: Member) -> None:
    for path in ("/secret/no-uuid/", "/secret/history/no-uuid/", "/history/no-uuid/", f"/history/{uuid4()}/"):
        ann.session.get(path).under_seal().denied()


def test_a_secret_that_no_link_leads_to_is_gone_for_everyone(server: Server, ann: Member, place: Datastore) -> None:
    secret = Secret.create(ann.session, place.parent, {"v": 1})
    key = ann.key()
    key.attach(ann.person, ann.session, secret.id, secret.key).under_seal().expect(201)
    key.read_attached(server, secret.id).expect()
    secret.unlink(ann.session).under_seal().expect()
    secret.ask(ann.session).under_seal().denied()
    key.read_attached(server, secret.id).denied()
    secret.unlink(ann.session).under_seal().denied()


def test_a_link_is_moved(ann: Member, bob: Member, place: Datastore) -> None:
    secret = Secret.create(ann.session, place.parent, {"v": 1})
    share = ann.share(place.parent, "target")
    secret.move(ann.session, share.new_parent).under_seal().expect()
    assert secret.read(ann.session) == {"v": 1}
    found = ann.session.get(f"/metadata-share/{share.id}/").under_seal().expect()
    assert [entry["id"] for entry in found["secrets"]] == [secret.id]
    theirs = bob.datastore(f"d {uuid4()}")
    secret.move(ann.session, theirs.new_parent).under_seal().denied()
    secret.move(ann.session, {}).under_seal().refused(400)
    secret.move(ann.session, place.new_parent).under_seal().expect()


def test_many_at_once(ann: Member, bob: Member, place: Datastore) -> None:
    entries = []
    for version in range(3):
        request = Secret.request(crypto.random_hex(), str(uuid4()), {}, {"v": version})
        entries.append(request)
    made = ann.session.put("/bulk-secret/", {"secrets": entries} | place.parent).under_seal().expect(201)["secrets"]
    assert [entry["link_id"] for entry in made] == [entry["link_id"] for entry in entries]
    theirs = Secret.create(bob.session, bob.datastore(f"d {uuid4()}").parent, {})
    ids = [entry["secret_id"] for entry in made]
    asked = {"secret_ids": [*ids, theirs.id, str(uuid4())]}
    found = ann.session.post("/bulk-secret-read/", asked).under_seal().expect()["secrets"]
    assert sorted(entry["id"] for entry in found) == sorted(ids)
    assert {entry["data"] for entry in found} == {entry["data"] for entry in entries}


def test_many_at_once_are_made_all_or_none(ann: Member, place: Datastore) -> None:
    taken = Secret.create(ann.session, place.parent, {})
    entries = [Secret.request(crypto.random_hex(), link, {}, {}) for link in (str(uuid4()), taken.link_id)]
    ann.session.put("/bulk-secret/", {"secrets": entries} | place.parent).under_seal().refused(400)
    entries[1] = Secret.request(crypto.random_hex(), str(uuid4()), {}, {})
    ann.session.put("/bulk-secret/", {"secrets": entries} | place.parent).under_seal().expect(201)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"data": "not hex"}, "NO_VALID_HEX"),
        ({"data_nonce": "not hex"}, "NO_VALID_HEX"),
        ({"data_nonce": "00" * 33}, "Ensure this field has no more than "),
        ({"link_id": "no uuid"}, "IS_NOT_A_VALID_UUID"),
        ({"data": 5}, ""),
        ({"link_id": []}, ""),
    ],
    ids=short,
)
def test_members_that_are_refused(ann: Member, place: Datastore, members: dict[str, Any], says: str) -> None:
    request = Secret.request(crypto.random_hex(), str(uuid4()), place.parent, {}) | members
    refused = ann.session.put("/secret/", request).under_seal().refused(400, says=says)
    assert set(refused.body) == set(members), refused.body


def test_members_that_must_be_there(ann: Member, place: Datastore) -> None:
    request = Secret.request(crypto.random_hex(), str(uuid4()), place.parent, {})
    for missing in ("data", "data_nonce", "link_id"):
        rest = {name: value for name, value in request.items() if name != missing}
        refused = ann.session.put("/secret/", rest).under_seal().refused(400)
        assert refused.body == {missing: ["This field is required."]}
    ann.session.post("/secret/", {}).under_seal().refused(400, {"secret_id": ["This field is required."]})
