"""Datastores (dialects/psono.md, section 7.1)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from person import crypto
from person.member import Member
from person.naming import short
from person.objects import Datastore, Secret, content
from person.wire import Server

UNKNOWN = {"message": "NO_PERMISSION_OR_NOT_EXIST"}
STALE = "WRITE_DATE_MISMATCH"


def listed(member: Member) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = member.session.get("/datastore/").under_seal().expect()["datastores"]
    return found


def test_a_datastore_is_made_saved_and_read(ann: Member) -> None:
    datastore = ann.datastore("mäil ☃")
    first = datastore.look(ann.session)
    assert (first["type"], first["description"], first["is_default"]) == ("password", "mäil ☃", True)
    tree = datastore.tree(items=[{"id": str(uuid4()), "name": "☃"}])
    date = datastore.save(ann.session, tree)
    assert date > first["write_date"]
    assert datastore.look(ann.session)["write_date"] == date
    assert Datastore.find(ann.person.secret_key, ann.session).id in [entry["id"] for entry in listed(ann)]
    assert datastore.read(ann.session) == tree


def test_before_the_first_save_there_is_nothing_to_open(ann: Member) -> None:
    request = Datastore.request(ann.person, crypto.random_hex(), "user", "empty")
    del request["data"], request["data_nonce"]
    made = ann.session.put("/datastore/", request).under_seal().expect(201)
    found = ann.session.get(f"/datastore/{made['datastore_id']}/").under_seal().expect()
    assert (found["data"], found["data_nonce"]) == ("", "")


def test_they_are_listed_as_they_were_made(server: Server) -> None:
    eve = Member.join(server, "eve")
    made = [eve.datastore(name).id for name in ("m", "a", "z")]
    assert [entry["id"] for entry in listed(eve)] == made
    assert [entry["is_default"] for entry in listed(eve)] == [False, False, True]
    second = Datastore(made[1], "")
    second.update(eve.session, is_default=True).under_seal().expect()
    assert [entry["is_default"] for entry in listed(eve)] == [False, True, False]
    settings = Datastore.create(eve.person, eve.session, "settings", "a")
    assert [entry["is_default"] for entry in listed(eve)] == [False, True, False, True]
    assert settings.id == listed(eve)[-1]["id"]


def test_type_and_description_are_unique(ann: Member) -> None:
    ann.datastore("once")
    request = Datastore.request(ann.person, crypto.random_hex(), "password", "once")
    refused = ann.session.put("/datastore/", request).under_seal().refused(400)
    assert refused.body["error"] == "DuplicateTypeDescription"
    assert isinstance(refused.body["message"], str)
    ann.session.put("/datastore/", request | {"type": "user"}).under_seal().expect(201)
    other = ann.datastore("another")
    other.update(ann.session, description="once").under_seal().refused(400)


def test_a_stale_write_changes_nothing(ann: Member) -> None:
    """A-REC-01."""
    datastore = ann.datastore("stale")
    old = datastore.look(ann.session)["write_date"]
    new = datastore.save(ann.session, datastore.tree(), old_write_date=old)
    before = datastore.look(ann.session)
    for date in (old, "2020-01-01T00:00:00.000000+00:00"):
        refused = datastore.update(ann.session, **content(datastore.key, {}), old_write_date=date)
        refused.under_seal().refused(400, says=STALE)
    datastore.update(ann.session, **content(datastore.key, {}), old_write_date="garbage").under_seal().refused(400)
    assert datastore.look(ann.session) == before
    assert datastore.save(ann.session, datastore.tree(), old_write_date=new) > new


def test_write_dates_move_forward_however_fast_one_writes(ann: Member) -> None:
    datastore = ann.datastore("fast")
    dates = [datastore.save(ann.session, datastore.tree()) for _ in range(20)]
    assert dates == sorted(set(dates))


def test_a_datastore_of_somebody_else_is_none(ann: Member, bob: Member) -> None:
    datastore = bob.datastore()
    before = datastore.look(bob.session)
    for id in (datastore.id, str(uuid4()), "no-uuid"):
        ann.session.get(f"/datastore/{id}/").under_seal().refused(403, UNKNOWN)
    own = ann.person.authkey()
    for named in (datastore.id, str(uuid4()), "no-uuid", 5, None):
        body = {"datastore_id": named}
        ann.session.post("/datastore/", body | {"description": "mine"}).under_seal().denied()
        ann.session.delete("/datastore/", body | {"authkey": own}).under_seal().denied()
    ann.session.get(f"/metadata-datastore/{datastore.id}/").under_seal().denied()
    assert datastore.look(bob.session) == before


def test_a_datastore_is_deleted_with_the_password_only(ann: Member) -> None:
    gone = ann.datastore("gone")
    secret = Secret.create(ann.session, gone.parent, {"note_notes": "gone"})
    default = ann.datastore("stays")
    authkey = ann.person.authkey()
    body = {"datastore_id": gone.id, "authkey": crypto.random_hex(64)}
    ann.session.delete("/datastore/", body).under_seal().refused(403, {"message": "PASSWORD_INCORRECT"})
    refused = ann.session.delete("/datastore/", {"datastore_id": default.id, "authkey": authkey})
    refused.under_seal().refused(400, says="CANNOT_DELETE_DEFAULT_DATASTORE")
    body = {"datastore_id": gone.id, "authkey": authkey}
    assert ann.session.delete("/datastore/", body).under_seal().expect() == {}
    ann.session.get(f"/datastore/{gone.id}/").under_seal().refused(403, UNKNOWN)
    # Nothing leads to the secret any more.
    secret.ask(ann.session).under_seal().denied()


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"type": "x" * 65}, "Ensure this field has no more than 64 characters."),
        ({"description": "x" * 65}, "Ensure this field has no more than 64 characters."),
        ({"secret_key": "00" * 129}, "Ensure this field has no more than 256 characters."),
        ({"secret_key_nonce": "00" * 33}, "Ensure this field has no more than "),
        ({"data": "not hex"}, "NO_VALID_HEX"),
        ({"data_nonce": "not hex"}, "NO_VALID_HEX"),
        ({"secret_key": "not hex"}, "NO_VALID_HEX"),
        ({"is_default": "maybe"}, "IS_NOT_A_VALID_BOOLEAN"),
        ({"type": None}, ""),
        ({"type": []}, ""),
        ({"data": 5}, ""),
    ],
    ids=short,
)
def test_members_that_are_refused(ann: Member, members: dict[str, Any], says: str) -> None:
    """A-REC-03 in the dialect's own measures."""
    request = Datastore.request(ann.person, crypto.random_hex(), "password", f"bad {uuid4()}")
    before = listed(ann)
    request |= {"data": "00" * 16, "data_nonce": "00" * 24} | members
    refused = ann.session.put("/datastore/", request).under_seal().refused(400, says=says)
    assert set(refused.body) == set(members), refused.body
    assert listed(ann) == before


def test_members_that_must_be_there(ann: Member) -> None:
    request = Datastore.request(ann.person, crypto.random_hex(), "password", f"bad {uuid4()}")
    for missing in ("type", "description", "secret_key", "secret_key_nonce"):
        rest = {name: value for name, value in request.items() if name != missing}
        refused = ann.session.put("/datastore/", rest).under_seal().refused(400)
        assert refused.body == {missing: ["This field is required."]}
    ann.session.post("/datastore/", {}).under_seal().refused(400, {"datastore_id": ["This field is required."]})
    refused = Datastore("no uuid", "").update(ann.session, description="x").under_seal()
    refused.refused(400, says="IS_NOT_A_VALID_UUID")


def test_the_metadata_of_a_tree(ann: Member) -> None:
    datastore = ann.datastore("metadata")
    secret = Secret.create(ann.session, datastore.parent, {"note_notes": "x"})
    share = ann.share(datastore.parent, "metadata")
    inner = Secret.create(ann.session, share.parent, {"note_notes": "y"})
    found = ann.session.get(f"/metadata-datastore/{datastore.id}/").under_seal().expect()
    assert found["write_date"] == datastore.look(ann.session)["write_date"]
    assert [entry["id"] for entry in found["secrets"]] == [secret.id]
    assert [entry["id"] for entry in found["shares"]] == [share.id]
    found = ann.session.get(f"/metadata-share/{share.id}/").under_seal().expect()
    assert [entry["id"] for entry in found["secrets"]] == [inner.id]
    assert found["shares"] == []
