"""Shares, rights on them, and the tree they make (dialects/psono.md, section 7.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any
from uuid import uuid4

import pytest

from person import crypto
from person.member import Member
from person.naming import short
from person.objects import Datastore, Secret, Share, accept, content, offers, opened, revoke
from person.wire import Server


@pytest.fixture(scope="module")
def root(ann: Member) -> Datastore:
    return ann.datastore()


@pytest.fixture(scope="module")
def bobs(bob: Member) -> Datastore:
    return bob.datastore()


@pytest.fixture
def share(ann: Member, root: Datastore) -> Share:
    return ann.share(root.parent, "a share")


def rights(member: Member, share: Share) -> dict[str, bool]:
    found: dict[str, bool] = share.look(member.session)["rights"]
    return found


def entry(member: Member, share: Share) -> dict[str, Any]:
    listed = member.session.get("/share/").under_seal().expect()["shares"]
    found: dict[str, Any] = next(one for one in listed if one["id"] == share.id)
    return found


def test_who_makes_a_share_has_every_right(ann: Member, share: Share) -> None:
    assert rights(ann, share) == {"read": True, "write": True, "grant": True}
    look = share.look(ann.session)
    assert look["user_id"] == ann.id
    assert opened(share.key, look)["name"] == "a share"
    own = entry(ann, share)
    assert own["share_right_accepted"] is True
    key = crypto.Sealed(own["share_right_key"], own["share_right_key_nonce"])
    assert crypto.unseal(ann.person.secret_key, key) == share.key


def test_a_share_is_saved(ann: Member, share: Share) -> None:
    old = share.look(ann.session)["write_date"]
    saved = share.save(ann.session, {"name": "renamed"}, old_write_date=old).under_seal().expect()
    assert saved["write_date"] > old
    share.save(ann.session, {"name": "stale"}, old_write_date=old).under_seal().refused(400, says="WRITE_DATE_MISMATCH")
    assert share.read(ann.session) == {"name": "renamed"}


def test_an_offer_opens_nothing_before_it_is_accepted(ann: Member, bob: Member, share: Share) -> None:
    offered = share.offer(ann.person, ann.session, bob.id, bob.person.public_key).under_seal().expect(201)
    waiting = entry(bob, share)
    assert waiting["share_right_accepted"] is None
    assert waiting["share_right_create_user_username"] == ann.person.username
    assert waiting["share_right_create_user_public_key"] == ann.person.public_key
    title = crypto.Sealed(waiting["share_right_title"], waiting["share_right_title_nonce"])
    assert crypto.unseal_from(bob.person.private_key, ann.person.public_key, title) == "a share"
    share.ask(bob.session).under_seal().denied()
    taken = accept(bob.person, bob.session, waiting)
    assert (taken.id, taken.key) == (share.id, share.key)
    assert taken.read(bob.session)["name"] == "a share"
    assert rights(bob, share) == {"read": True, "write": False, "grant": False}
    assert entry(bob, share)["share_right_accepted"] is True
    again = {"share_right_id": offered["share_right_id"], "key": "00", "key_nonce": "00" * 24, "key_type": "symmetric"}
    bob.session.post("/share/right/accept/", again).under_seal().denied()


def test_a_declined_offer_opens_nothing(ann: Member, bob: Member, share: Share) -> None:
    offered = share.offer(ann.person, ann.session, bob.id, bob.person.public_key).under_seal().expect(201)
    body = {"share_right_id": offered["share_right_id"]}
    bob.session.post("/share/right/decline/", body).under_seal().expect()
    assert share.id not in [offer["id"] for offer in offers(bob.session)]
    share.ask(bob.session).under_seal().denied()
    own = crypto.seal(bob.person.secret_key, share.key).members("key") | {"key_type": "symmetric"}
    bob.session.post("/share/right/accept/", body | own).under_seal().denied()


def test_an_offer_is_for_the_one_it_was_made_to(server: Server, ann: Member, bob: Member, share: Share) -> None:
    carl = Member.join(server, "carl")
    offered = share.offer(ann.person, ann.session, bob.id, bob.person.public_key).under_seal().expect(201)
    body = {"share_right_id": offered["share_right_id"]}
    own = crypto.seal(carl.person.secret_key, share.key).members("key") | {"key_type": "symmetric"}
    carl.session.post("/share/right/accept/", body | own).under_seal().denied()
    carl.session.post("/share/right/decline/", body).under_seal().denied()
    revoke(carl.session, offered["share_right_id"]).under_seal().denied()
    assert share.id in [offer["id"] for offer in offers(bob.session)]


def test_rights_count_one_by_one(ann: Member, bob: Member, share: Share) -> None:
    secret = Secret.create(ann.session, share.parent, {"v": 1})
    ann.give(share, bob)
    assert secret.read(bob.session) == {"v": 1}
    secret.update(bob.session, {"v": 2}).under_seal().denied()
    share.save(bob.session, {}).under_seal().denied()
    share.offer(bob.person, bob.session, ann.id, ann.person.public_key).under_seal().denied()
    # Who else has rights is for those who may grant them.
    seen = bob.session.get(f"/share/rights/{share.id}/").under_seal().expect()
    assert [right["user_id"] for right in seen["user_share_rights"] if right["user_id"] != bob.id] == []

    share.change_right(ann.session, bob.id, read=True, write=True, grant=False).under_seal().expect()
    secret.update(bob.session, {"v": 2}).under_seal().expect()
    assert secret.read(ann.session) == {"v": 2}
    share.save(bob.session, {"name": "bob was here"}).under_seal().expect()
    share.change_right(bob.session, bob.id, read=True, write=True, grant=True).under_seal().denied()

    share.change_right(ann.session, bob.id, read=False, write=True, grant=False).under_seal().expect()
    secret.ask(bob.session).under_seal().denied()


def test_a_revoked_right_ends_at_once(ann: Member, bob: Member, share: Share) -> None:
    secret = Secret.create(ann.session, share.parent, {"v": 1})
    right = ann.give(share, bob, write=True)
    assert secret.read(bob.session) == {"v": 1}
    revoke(bob.session, str(uuid4())).under_seal().denied()
    revoke(ann.session, right).under_seal().expect()
    share.ask(bob.session).under_seal().denied()
    secret.ask(bob.session).under_seal().denied()
    secret.update(bob.session, {"v": 2}).under_seal().denied()
    bulk = bob.session.post("/bulk-secret-read/", {"secret_ids": [secret.id]}).under_seal().expect()
    assert bulk == {"secrets": []}
    assert secret.read(ann.session) == {"v": 1}
    revoke(ann.session, right).under_seal().denied()


def test_a_right_ends_when_it_expires(ann: Member, bob: Member, share: Share) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    offered = share.offer(ann.person, ann.session, bob.id, bob.person.public_key, expiration_date=until)
    offered.under_seal().expect(201)
    accept(bob.person, bob.session, entry(bob, share))
    assert share.read(bob.session)["name"] == "a share"
    patience = datetime.now(UTC) + timedelta(seconds=20)
    while share.ask(bob.session).status == 200 and datetime.now(UTC) < patience:
        sleep(0.1)
    share.ask(bob.session).under_seal().denied()


def test_rights_reach_down_the_tree_until_others_stand_in_the_way(ann: Member, bob: Member, root: Datastore) -> None:
    upper = ann.share(root.parent, "upper")
    middle = ann.share(upper.parent, "middle")
    lower = ann.share(middle.parent, "lower")
    secret = Secret.create(ann.session, lower.parent, {"v": 1})
    ann.give(upper, bob, write=True)
    assert rights(bob, lower) == {"read": True, "write": True, "grant": False}
    assert secret.read(bob.session) == {"v": 1}
    # A right of one's own, however small, replaces those from above.
    right = ann.give(middle, bob)
    assert rights(bob, lower) == {"read": True, "write": False, "grant": False}
    secret.update(bob.session, {"v": 2}).under_seal().denied()
    revoke(ann.session, right).under_seal().expect()
    secret.update(bob.session, {"v": 2}).under_seal().expect()
    # Moved out from under it, the rights are gone.
    middle.move(ann.session, root.new_parent).under_seal().expect()
    lower.ask(bob.session).under_seal().denied()
    secret.ask(bob.session).under_seal().denied()


def test_a_share_never_comes_to_stand_in_itself(ann: Member, root: Datastore) -> None:
    one = ann.share(root.parent, "one")
    two = ann.share(one.parent, "two")
    three = ann.share(two.parent, "three")
    for share, below in ((one, one), (one, two), (one, three), (two, three)):
        share.move(ann.session, below.new_parent).under_seal().refused(400)
        share.place(ann.session, str(uuid4()), below.parent).under_seal().refused(400)
    # A second way to the same share is none.
    three.place(ann.session, str(uuid4()), one.parent).under_seal().expect(201)
    one.move(ann.session, three.new_parent).under_seal().refused(400)
    assert three.read(ann.session)["name"] == "three"


def test_a_tree_has_an_end(ann: Member, root: Datastore) -> None:
    """16 levels at most."""
    parent, depth = root.parent, 0
    for depth in range(40):
        request = Share.request(ann.person, crypto.random_hex(), str(uuid4()), parent, str(depth))
        answer = ann.session.post("/share/", request).under_seal()
        if answer.status == 400:
            break
        parent = {"parent_share_id": answer.expect(201)["share_id"]}
    assert 8 <= depth <= 16


def test_links_are_placed_moved_and_removed(ann: Member, bob: Member, root: Datastore, bobs: Datastore) -> None:
    share = ann.share(root.parent, "linked")
    secret = Secret.create(ann.session, share.parent, {"v": 1})
    right = ann.give(share, bob)
    link = str(uuid4())
    # A share is linked by those who may grant rights on it.
    share.place(bob.session, link, bobs.parent).under_seal().denied()
    revoke(ann.session, right).under_seal().expect()
    ann.give(share, bob, grant=True)
    share.place(bob.session, link, bobs.parent).under_seal().expect(201)
    found = bob.session.get(f"/metadata-datastore/{bobs.id}/").under_seal().expect()
    assert share.id in [one["id"] for one in found["shares"]]
    share.place(bob.session, link, bobs.parent).under_seal().refused(400)
    ann.session.delete("/share/link/", {"link_id": link}).under_seal().denied()
    bob.session.delete("/share/link/", {"link_id": link}).under_seal().expect()
    bob.session.delete("/share/link/", {"link_id": link}).under_seal().denied()
    assert secret.read(bob.session) == {"v": 1}


def test_links_lead_only_where_one_may_write(ann: Member, bob: Member, root: Datastore, bobs: Datastore) -> None:
    share, theirs = ann.share(root.parent, "mine"), bob.share(bobs.parent, "theirs")
    share.place(ann.session, str(uuid4()), bobs.parent).under_seal().denied()
    share.place(ann.session, str(uuid4()), theirs.parent).under_seal().denied()
    share.move(ann.session, theirs.new_parent).under_seal().denied()
    theirs.place(ann.session, str(uuid4()), root.parent).under_seal().denied()
    theirs.move(ann.session, root.new_parent).under_seal().denied()
    theirs.unlink(ann.session).under_seal().denied()
    request = Share.request(ann.person, crypto.random_hex(), str(uuid4()), theirs.parent, "inside")
    ann.session.post("/share/", request).under_seal().denied()
    assert theirs.read(bob.session)["name"] == "theirs"


def test_a_link_id_serves_once_whatever_it_leads_to(ann: Member, root: Datastore, share: Share) -> None:
    request = Share.request(ann.person, crypto.random_hex(), share.link_id, root.parent, "again")
    ann.session.post("/share/", request).under_seal().refused(400)
    listed = ann.session.get("/share/").under_seal().expect()["shares"]
    ann.session.post("/share/", request | {"link_id": str(uuid4())}).under_seal().expect(201)
    assert len(ann.session.get("/share/").under_seal().expect()["shares"]) == len(listed) + 1


def test_a_share_of_somebody_else_is_none(ann: Member, bob: Member, bobs: Datastore) -> None:
    theirs = bob.share(bobs.parent, "theirs")
    unknown = Share(str(uuid4()), theirs.key, str(uuid4()))
    refusals = []
    for share in (theirs, unknown):
        answers = [
            share.ask(ann.session),
            share.save(ann.session, {}),
            share.offer(ann.person, ann.session, ann.id, ann.person.public_key),
            share.change_right(ann.session, bob.id, read=False),
            share.move(ann.session, {"new_parent_share_id": share.id}),
            share.unlink(ann.session),
            ann.session.get(f"/share/rights/{share.id}/"),
            ann.session.get(f"/metadata-share/{share.id}/"),
        ]
        ids = (share.id, share.link_id)
        words = [answer.under_seal().denied().text for answer in answers]
        refusals.append([word.replace(ids[0], "ID").replace(ids[1], "ID") for word in words])
    assert refusals[0] == refusals[1]
    ann.session.get("/share/no-uuid/").under_seal().denied()
    assert theirs.read(bob.session)["name"] == "theirs"


def test_rights_are_listed_for_who_may_grant(ann: Member, bob: Member, share: Share) -> None:
    ann.give(share, bob)
    found = ann.session.get(f"/share/rights/{share.id}/").under_seal().expect()
    names = sorted(right["username"] for right in found["user_share_rights"])
    assert names == sorted([ann.person.username, bob.person.username])
    own = bob.session.get("/share/right/").under_seal().expect()
    assert share.id in str(own)


def test_offers_to_nobody(ann: Member, share: Share) -> None:
    share.offer(ann.person, ann.session, str(uuid4()), ann.person.public_key).under_seal().denied()
    share.offer(ann.person, ann.session, "no uuid", ann.person.public_key).under_seal().refused(400)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"data": "not hex"}, "NO_VALID_HEX"),
        ({"key": "not hex"}, "NO_VALID_HEX"),
        ({"link_id": "no uuid"}, "IS_NOT_A_VALID_UUID"),
        ({"key_type": 5}, ""),
    ],
    ids=short,
)
def test_members_that_are_refused(ann: Member, root: Datastore, members: dict[str, Any], says: str) -> None:
    request = Share.request(ann.person, crypto.random_hex(), str(uuid4()), root.parent, "bad") | members
    refused = ann.session.post("/share/", request).under_seal().refused(400, says=says)
    assert set(refused.body) == set(members), refused.body


def test_parents_come_alone(ann: Member, root: Datastore, share: Share) -> None:
    for parent in ({}, root.parent | share.parent):
        request = Share.request(ann.person, crypto.random_hex(), str(uuid4()), parent, "bad")
        ann.session.post("/share/", request).under_seal().refused(400)
    body = {"share_id": share.id} | content(share.key, {})
    for missing in ("share_id", "data", "data_nonce"):
        rest = {name: value for name, value in body.items() if name != missing}
        ann.session.put("/share/", rest).under_seal().refused(400)
