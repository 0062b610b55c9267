"""Access without a session (dialects/psono.md, section 8)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from person import crypto
from person.keys import ApiKey
from person.member import Member
from person.objects import Secret, content
from person.wire import Server

VALUE = {"note_notes": "text ☃", "list": [1, {"deep": "in a list"}], "nested": '{"inner": {"value": "x"}}'}


class Attachment:
    """A key with one secret of its owner attached."""

    def __init__(self, member: Member, **flags: bool) -> None:
        self.owner = member
        self.secret = Secret.create(member.session, member.datastore(f"d {uuid4()}").parent, VALUE)
        self.key = ApiKey.create(member.person, member.session, "attached", **flags)
        attached = self.key.attach(member.person, member.session, self.secret.id, self.secret.key)
        attached.under_seal().expect(201)

    def read(self, **more: Any) -> Any:
        return self.key.read_attached(self.owner.server, self.secret.id, **more)


@pytest.fixture(scope="module")
def reads(ann: Member) -> Attachment:
    return Attachment(ann)


@pytest.fixture(scope="module")
def writes(ann: Member) -> Attachment:
    return Attachment(ann, write=True)


def test_the_ciphertext_is_handed_out(reads: Attachment) -> None:
    answer = reads.read().expect()
    assert reads.key.open_attached(answer) == (reads.secret.key, VALUE)
    assert datetime.fromisoformat(answer["write_date"]).tzinfo is not None
    assert reads.read().expect()["read_count"] == answer["read_count"] + 1


def test_restriction_does_not_matter_only_attachment_does(server: Server, ann: Member) -> None:
    it = Attachment(ann, restrict_to_secrets=True)
    assert it.key.open_attached(it.read().expect())[1] == VALUE
    other = Secret.create(ann.session, ann.datastore(f"d {uuid4()}").parent, {})
    it.key.read_attached(server, other.id).denied()


def test_what_is_not_there_is_one_refusal(server: Server, reads: Attachment) -> None:
    """A-API-13."""
    nobody = ApiKey(str(uuid4()), "", "")
    refusals = [
        reads.key.read_attached(server, str(uuid4())),
        nobody.read_attached(server, reads.secret.id),
        nobody.read_attached(server, str(uuid4())),
    ]
    assert len({(refused.status, refused.content) for refused in refusals}) == 1
    assert refusals[0].denied().body is not None, "an error is JSON"
    reads.key.read_attached(server, "no uuid").refused(400)
    ApiKey("no uuid", "", "").read_attached(server, reads.secret.id).refused(400)


@pytest.mark.parametrize("change", ["read", "key", "attachment", "link"])
def test_access_ends_with_its_reason(ann: Member, change: str) -> None:
    it = Attachment(ann)
    it.read().expect()
    if change == "read":
        it.key.update(ann.session, read=False).expect()
    elif change == "key":
        it.key.delete(ann.session).expect()
    elif change == "attachment":
        entries = ann.session.get(f"/api-key/secret/{it.key.id}/").expect()
        ann.session.delete("/api-key/secret/", {"api_key_secret_id": entries[0]["id"]}).expect()
    else:
        it.secret.unlink(ann.session).expect()
    it.read().denied()


def test_access_ends_with_the_owners_right(ann: Member, bob: Member) -> None:
    share = ann.share(ann.datastore(f"d {uuid4()}").parent, "lent")
    secret = Secret.create(ann.session, share.parent, VALUE)
    right = ann.give(share, bob)
    key = bob.key()
    key.attach(bob.person, bob.session, secret.id, secret.key).under_seal().expect(201)
    assert key.open_attached(key.read_attached(bob.server, secret.id).expect())[1] == VALUE
    ann.session.delete("/share/right/", {"user_share_right_id": right}).under_seal().expect()
    key.read_attached(bob.server, secret.id).denied()


def test_a_key_that_writes(server: Server, ann: Member, writes: Attachment, reads: Attachment) -> None:
    date = writes.read().expect()["write_date"]
    sealed = content(writes.secret.key, {"v": 2})
    answer = writes.key.write_attached(server, writes.secret.id, **sealed, old_write_date=date).expect()
    assert answer["write_date"] > date
    assert writes.secret.read(ann.session) == {"v": 2}
    assert len(writes.secret.history(ann.session)) == 1
    again = content(writes.secret.key, {"v": 3})
    refused = writes.key.write_attached(server, writes.secret.id, **again, old_write_date=date)
    refused.refused(400, says="WRITE_DATE_MISMATCH")
    # An empty date is none.
    writes.key.write_attached(server, writes.secret.id, **again, old_write_date="").expect()
    assert writes.secret.read(ann.session) == {"v": 3}

    sealed = content(reads.secret.key, {"v": 2})
    reads.key.write_attached(server, reads.secret.id, **sealed).denied()
    assert reads.secret.read(ann.session) == VALUE


def test_writes_that_are_refused(server: Server, ann: Member) -> None:
    it = Attachment(ann, write=True)
    used = it.secret.ask(ann.session).expect()["data_nonce"]
    sealed = content(it.secret.key, {"v": 2})
    for members in (
        sealed | {"data": "not hex"},
        sealed | {"data_nonce": "not hex"},
        sealed | {"data_nonce": used},
        sealed | {"old_write_date": "garbage"},
        {},
    ):
        it.key.write_attached(server, it.secret.id, **members).refused(400)
    assert it.secret.read(ann.session) == VALUE


def test_a_key_is_inspected(server: Server, writes: Attachment) -> None:
    found = server.post("/api-key-access/inspect/", {"api_key_id": writes.key.id}).in_clear().expect()
    (secret,) = found.pop("api_key_secrets")
    assert found == {"allow_insecure_access": False, "restrict_to_secrets": False, "read": True, "write": True}
    assert secret["secret_id"] == writes.secret.id
    assert secret["write_date"] == writes.read().expect()["write_date"]
    server.post("/api-key-access/inspect/", {"api_key_id": str(uuid4())}).in_clear().denied()
    server.post("/api-key-access/inspect/", {}).refused(400, {"api_key_id": ["This field is required."]})


def test_opening_on_the_server_needs_the_keys_leave(writes: Attachment) -> None:
    refused = writes.read(api_key_secret_key=writes.key.secret_key)
    refused.refused(400, says="INSECURE_ACCESS_NOT_ALLOWED")


@pytest.fixture(scope="module")
def insecure(ann: Member) -> Attachment:
    return Attachment(ann, write=True, allow_insecure_access=True)


def test_the_server_opens_where_operator_and_key_allow_it(server: Server, ann: Member, insecure: Attachment) -> None:
    key = insecure.key.secret_key
    opened = insecure.read(api_key_secret_key=key)
    assert opened.expect() == VALUE
    for wrong in (crypto.random_hex(), "zz" * 32, "00"):
        insecure.read(api_key_secret_key=wrong).refused(400)
    insecure.read(api_key_secret_key=crypto.random_hex()).refused(400, says="API_KEY_SECRET_KEY_INVALID")

    it = Attachment(ann, write=True, allow_insecure_access=True)
    members = {"api_key_secret_key": it.key.secret_key, "insecure_data": json.dumps({"v": "new"})}
    it.key.write_attached(server, it.secret.id, **members).expect()
    assert it.secret.read(ann.session) == {"v": "new"}
    members["insecure_data"] = "no json"
    it.key.write_attached(server, it.secret.id, **members).refused(400)
    assert it.secret.read(ann.session) == {"v": "new"}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("note_notes", "text ☃"),
        ("nested.inner.value", "x"),
        ("nested.inner", '{"value":"x"}'),
        ("list.0", "1"),
        ("list.1.deep", "in a list"),
        ("missing", ""),
        ("nested.missing.value", ""),
        ("list.7", ""),
        ("list.x", ""),
        ("note_notes.deeper", ""),
    ],
)
def test_a_part_of_a_secret(insecure: Attachment, path: str, content: str) -> None:
    answer = insecure.read(api_key_secret_key=insecure.key.secret_key, json_filter=path)
    assert answer.status == 200, answer.text
    assert answer.content.decode().replace(": ", ":") == content
