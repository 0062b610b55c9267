"""API keys and what their sessions may do, from request to request (dialects/psono.md, 7.4 and 11; A-API-08, 12)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from person import crypto
from person.crypto import Sealed
from person.keys import ApiKey
from person.member import Member
from person.naming import short
from person.objects import Datastore, Secret
from person.wire import Server, Session

DENIED = {"detail": "You do not have permission to perform this action."}


def listed(member: Member) -> dict[str, Any]:
    keys = member.session.get("/api-key/").under_seal().expect()["api_keys"]
    return {entry["id"]: entry for entry in keys}


def test_the_life_of_a_key(server: Server, ann: Member) -> None:
    key = ann.key("mäil ☃")
    assert listed(ann)[key.id] == {
        "id": key.id,
        "title": "mäil ☃",
        "read": True,
        "write": False,
        "restrict_to_secrets": False,
        "allow_insecure_access": False,
        "active": True,
    }
    found = ann.session.get(f"/api-key/{key.id}/").under_seal().expect()
    assert found["public_key"] == crypto.public_key(key.private_key)
    for name, value in (("private_key", key.private_key), ("secret_key", key.secret_key)):
        assert crypto.unseal(ann.person.secret_key, Sealed(found[name], found[f"{name}_nonce"])) == value

    assert key.update(ann.session, title="renamed", write=True).under_seal().expect() == {}
    entry = listed(ann)[key.id]
    assert (entry["title"], entry["write"], entry["read"]) == ("renamed", True, True)
    key.update(ann.session).under_seal().refused(400, says="NOTHING_TO_UPDATE")
    assert key.delete(ann.session).under_seal().expect() == {}
    assert key.id not in listed(ann)
    key.delete(ann.session).under_seal().refused(400, says="API_KEY_DOES_NOT_EXIST")
    key.update(ann.session, title="x").under_seal().refused(400)


@pytest.mark.parametrize(
    "members",
    [
        {"public_key": "zz" * 32},
        {"verify_key": "zz" * 32},
        {"private_key": "not hex"},
        {"secret_key_nonce": "not hex"},
        {"user_private_key": "0"},
    ],
    ids=short,
)
def test_keys_that_are_no_hex(ann: Member, members: dict[str, str]) -> None:
    request = ApiKey.request(ann.person, crypto.random_hex(), crypto.random_hex(), "bad") | members
    ann.session.put("/api-key/", request).under_seal().refused(400, says="NO_VALID_HEX")


def test_keys_that_are_no_keys(ann: Member) -> None:
    request = ApiKey.request(ann.person, crypto.random_hex(), crypto.random_hex(), "bad")
    before = listed(ann)
    rows: list[dict[str, Any]] = [{"title": "x" * 257}, {"verify_key": "00" * 31}, {"read": "maybe"}]
    for members in rows:
        ann.session.put("/api-key/", request | members).under_seal().refused(400)
    for missing in ("title", "verify_key", "public_key", "user_secret_key"):
        rest = {name: value for name, value in request.items() if name != missing}
        refused = ann.session.put("/api-key/", rest).under_seal().refused(400)
        assert refused.body == {missing: ["This field is required."]}
    assert listed(ann) == before


def test_keys_of_others(ann: Member, bob: Member) -> None:
    key = bob.key()
    answer = ann.session.get(f"/api-key/{key.id}/").under_seal()
    answer.refused(400, {"message": "NO_PERMISSION_OR_NOT_EXIST", "resource_id": key.id})
    for unknown in (str(uuid4()), "no-uuid"):
        answer = ann.session.get(f"/api-key/{unknown}/").under_seal()
        answer.refused(400, {"message": "NO_PERMISSION_OR_NOT_EXIST", "resource_id": unknown})
    key.update(ann.session, title="mine").under_seal().refused(400)
    key.delete(ann.session).under_seal().refused(400, says="API_KEY_DOES_NOT_EXIST")
    assert listed(bob)[key.id]["title"] == "a key"


def test_deleting_a_key_ends_its_sessions_at_once(server: Server, ann: Member) -> None:
    """A-API-08. The reference leaves them open."""
    key, other = ann.key(), ann.key().login(server).session
    sessions = [key.login(server).session for _ in range(3)]
    assert all(session.alive() for session in sessions)
    key.delete(ann.session).under_seal().expect()
    for session in sessions:
        session.get("/datastore/").in_clear().refused(401)
    assert other.alive()
    assert ann.session.alive()


def test_flags_hold_from_the_next_request_on(server: Server, ann: Member) -> None:
    key = ann.key(write=True)
    session = key.login(server).session
    datastore = ann.datastore("flags")
    datastore.save(session, datastore.tree())
    key.update(ann.session, write=False).expect()
    datastore.update(session, description="no").under_seal().refused(403, DENIED)
    assert datastore.read(session) == datastore.tree()
    key.update(ann.session, read=False, write=True).expect()
    session.get("/datastore/").under_seal().refused(403, DENIED)
    datastore.save(session, datastore.tree())
    key.update(ann.session, read=True, restrict_to_secrets=True).expect()
    session.get("/datastore/").under_seal().refused(403, DENIED)
    key.update(ann.session, restrict_to_secrets=False).expect()
    assert datastore.read(session) == datastore.tree()


def test_a_key_without_any_right_may_still_leave(server: Server, ann: Member) -> None:
    session = ann.key(read=False, write=False).login(server).session
    session.get("/datastore/").under_seal().refused(403, DENIED)
    session.post("/authentication/logout/", {}).under_seal().expect()
    session.get("/datastore/").in_clear().refused(401)


def test_bulk_reads_need_the_right_to_read(server: Server, ann: Member) -> None:
    reads, writes = ann.key(read=True), ann.key(read=False, write=True)
    body: dict[str, list[str]] = {"secret_ids": []}
    assert reads.login(server).session.post("/bulk-secret-read/", body).under_seal().expect() == {"secrets": []}
    writes.login(server).session.post("/bulk-secret-read/", body).under_seal().refused(403, DENIED)


def administration(key: ApiKey, member: Member) -> list[tuple[str, str, Any]]:
    request = ApiKey.request(member.person, crypto.random_hex(), crypto.random_hex(), "minted")
    sealed = crypto.seal(member.person.secret_key, crypto.random_hex())
    attachment = {"api_key_id": key.id, "secret_id": str(uuid4())}
    attachment |= sealed.members("secret_key") | sealed.members("title")
    claim = {"encrypted_credentials_input": sealed.text, "encrypted_credentials_nonce": sealed.nonce}
    return [
        ("GET", "/api-key/", None),
        ("GET", f"/api-key/{key.id}/", None),
        ("PUT", "/api-key/", request),
        ("POST", "/api-key/", {"api_key_id": key.id, "write": True, "restrict_to_secrets": False}),
        ("DELETE", "/api-key/", {"api_key_id": key.id}),
        ("GET", f"/api-key/secret/{key.id}/", None),
        ("PUT", "/api-key/secret/", attachment),
        ("DELETE", "/api-key/secret/", {"api_key_secret_id": str(uuid4())}),
        ("GET", "/authentication/sessions/", None),
        ("PUT", f"/device-code/{uuid4()}/claim/", claim),
        ("GET", "/session-key/", None),
    ]


@pytest.mark.parametrize("restricted", [False, True])
def test_keys_administer_nothing(server: Server, ann: Member, restricted: bool) -> None:
    """A-API-12. In the reference a key mints further keys."""
    key = ann.key(write=True, restrict_to_secrets=restricted)
    session = key.login(server).session
    before = listed(ann)
    for method, path, data in administration(key, ann):
        session.ask(method, path, data).under_seal().refused(403, DENIED)
    assert listed(ann) == before
    assert ann.session.alive()


class Restricted:
    """A restricted key of a person with two secrets, one of them attached."""

    def __init__(self, server: Server, member: Member, write: bool = False) -> None:
        self.member = member
        self.datastore: Datastore = member.datastore(f"restricted {uuid4()}")
        self.attached = Secret.create(member.session, self.datastore.parent, {"note_notes": "attached"})
        self.other = Secret.create(member.session, self.datastore.parent, {"note_notes": "other"})
        self.key = member.key(restrict_to_secrets=True, write=write)
        attached = self.key.attach(member.person, member.session, self.attached.id, self.attached.key)
        attached.under_seal().expect(201)
        self.session: Session = self.key.login(server).session


def test_a_restricted_key_reads_what_is_attached_and_nothing_else(server: Server, ann: Member) -> None:
    """A-API-12. In the reference it lists the whole account."""
    it = Restricted(server, ann, write=True)
    assert it.attached.read(it.session) == {"note_notes": "attached"}
    it.attached.update(it.session, {"note_notes": "written"}).under_seal().expect()
    assert it.attached.read(ann.session) == {"note_notes": "written"}
    for id in (it.other.id, str(uuid4())):
        it.session.get(f"/secret/{id}/").under_seal().refused(403)
    it.other.update(it.session, {"note_notes": "no"}).under_seal().refused(403)
    share = ann.share(it.datastore.parent, "closed")
    rows: list[tuple[str, str, Any]] = [
        ("GET", "/datastore/", None),
        ("GET", f"/datastore/{it.datastore.id}/", None),
        ("POST", "/datastore/", {"datastore_id": it.datastore.id, "description": "no"}),
        ("GET", "/share/", None),
        ("GET", f"/share/{share.id}/", None),
        ("GET", f"/secret/history/{it.attached.id}/", None),
        ("POST", "/bulk-secret-read/", {"secret_ids": [it.attached.id]}),
        ("PUT", "/secret/", Secret.request(crypto.random_hex(), str(uuid4()), it.datastore.parent, {})),
        ("POST", "/secret/link/", {"link_id": it.attached.link_id, **it.datastore.new_parent}),
        ("DELETE", "/secret/link/", {"link_id": it.attached.link_id}),
        ("POST", "/user/search/", {"user_username": ann.person.username}),
    ]
    for method, path, data in rows:
        it.session.ask(method, path, data).under_seal().refused(403, DENIED)
    assert it.other.read(ann.session) == {"note_notes": "other"}
    it.session.end()


def test_a_restricted_key_that_only_reads_does_not_write(server: Server, ann: Member) -> None:
    it = Restricted(server, ann)
    assert it.attached.read(it.session) == {"note_notes": "attached"}
    it.attached.update(it.session, {"note_notes": "no"}).under_seal().refused(403, DENIED)
    assert it.attached.read(ann.session) == {"note_notes": "attached"}


def test_detaching_closes_the_door_at_once(server: Server, ann: Member) -> None:
    it = Restricted(server, ann)
    entries = ann.session.get(f"/api-key/secret/{it.key.id}/").under_seal().expect()
    assert [entry["secret_id"] for entry in entries] == [it.attached.id]
    title = Sealed(entries[0]["title"], entries[0]["title_nonce"])
    assert crypto.unseal(ann.person.secret_key, title) == "attached"
    again = it.key.attach(ann.person, ann.session, it.attached.id, it.attached.key)
    again.under_seal().refused(400, says="API_KEY_SECRET_ALREADY_EXIST")
    ann.session.delete("/api-key/secret/", {"api_key_secret_id": entries[0]["id"]}).under_seal().expect()
    assert ann.session.get(f"/api-key/secret/{it.key.id}/").expect() == []
    it.session.get(f"/secret/{it.attached.id}/").under_seal().refused(403)


def test_attaching_opens_nothing_that_was_closed(ann: Member, bob: Member) -> None:
    theirs = Secret.create(bob.session, bob.datastore(f"d {uuid4()}").parent, {"note_notes": "bob's"})
    restricted = ann.key(restrict_to_secrets=True)
    told = []
    for id in (theirs.id, str(uuid4())):
        attached = restricted.attach(ann.person, ann.session, id, theirs.key).under_seal()
        read = restricted.read_attached(ann.server, id).denied()
        within = restricted.login(ann.server).session.get(f"/secret/{id}/").under_seal().denied()
        told.append((attached.status, read.content, within.text.replace(id, "ID")))
    # Nor does it tell whether there is such a secret.
    assert told[0] == told[1]


def test_keys_of_others_are_attached_to_nothing(ann: Member, bob: Member) -> None:
    foreign = bob.key()
    mine = Secret.create(ann.session, ann.datastore(f"d {uuid4()}").parent, {"note_notes": "ann's"})
    foreign.attach(ann.person, ann.session, mine.id, mine.key).under_seal().refused(400)
    ann.session.get(f"/api-key/secret/{foreign.id}/").under_seal().refused(400)
