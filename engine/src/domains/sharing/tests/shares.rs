use std::time::Duration;

use strongroom_primitives::id::ApiKeyId;

use super::*;
use crate::{
    Access, ApiKeyFlags, Command,
    credential::Need,
    domains::{
        accounts::EraseAccount,
        sharing::{
            secrets::{ReadSecret, ReadSecrets, UpdateSecret},
            shares::{
                ChangeShareRight, DeclineShare, DeleteShareLink, GetShare, ListShareRights, ListShares,
                MoveShareLink, PlaceShareLink, RevokeShareRight, SaveShare, Share,
            },
        },
    },
    feed::Event,
    keyspace,
};

const GRANT: ShareRights = ShareRights { grant: true, ..ShareRights::NONE };

fn get(desk: &mut Desk, who: &Principal, id: ShareId) -> Result<Share, EngineError> {
    desk.run(who, &GetShare { id })
}

fn save(id: ShareId, nonce: u8) -> SaveShare {
    SaveShare { id, data: sealed(40, nonce), previous: None }
}

fn own_rights(desk: &mut Desk, who: &Principal) -> Vec<(ShareId, ShareRights, Option<bool>)> {
    let page = desk.run(who, &ListShares { from: None, limit: 100 }).unwrap();
    page.rights.into_iter().map(|right| (right.share, right.rights, right.accepted)).collect()
}

/// Ann, bob and cyd, and a share of ann's in her datastore.
fn three() -> (Desk, [Principal; 3], DatastoreId, ShareId) {
    let mut desk = Desk::new();
    let people = ["ann", "bob", "cyd"].map(|name| desk.who(name));
    people.iter().for_each(|who| desk.open_account(who));
    let store = create(&mut desk, &people[0], "password", "");
    let share = new_share(&mut desk, &people[0], 1, Parent::Datastore(store));
    desk.events.clear();
    (desk, people, store, share)
}

#[test]
fn who_creates_a_share_may_do_everything_with_it() {
    let (mut desk, [ann, ..], _, share) = three();
    let created = get(&mut desk, &ann, share).unwrap();
    assert_eq!((created.data, created.rights, created.by), (sealed(40, 1), ShareRights::ALL, ann.account));
    let page = desk.run(&ann, &ListShares { from: None, limit: 9 }).unwrap();
    let [own] = &page.rights[..] else { panic!("{page:?}") };
    assert_eq!((own.share, own.accepted, own.key_kind), (share, Some(true), KeyKind::Symmetric));
    assert_eq!((&own.key, own.giver), (&sealed(80, 1), ann.account));
    let stale = SaveShare { previous: Some(created.written), ..save(share, 2) };
    let second = desk.run(&ann, &stale).unwrap().at;
    assert_eq!(desk.run(&ann, &stale), Err(EngineError::StaleWrite { written: second }));
    assert_eq!(get(&mut desk, &ann, share).unwrap().data, sealed(40, 2));
}

/// A-KEY-02: a share that somebody has no right on is refused like one that never was.
#[test]
fn a_share_without_a_right_is_one_that_never_was() {
    let (mut desk, [ann, bob, cyd], _, share) = three();
    let pending = desk.run(&ann, &offer(share, &bob, ShareRights::ALL)).unwrap();
    let own = create(&mut desk, &cyd, "password", "");
    for (who, id) in [(&bob, share), (&cyd, share), (&cyd, ShareId::from_bytes([9; 16]))] {
        let unknown = EngineError::UnknownShare;
        assert_eq!(get(&mut desk, who, id), Err(unknown.clone()));
        assert_eq!(desk.run(who, &save(id, 2)), Err(unknown.clone()));
        assert_eq!(desk.run(who, &ListShareRights { share: id }), Err(unknown.clone()));
        assert_eq!(desk.run(who, &offer(id, who, READ)), Err(unknown.clone()));
        let change = ChangeShareRight { share: id, taker: bob.account, rights: READ };
        assert_eq!(desk.run(who, &change), Err(unknown.clone()));
        let place = PlaceShareLink { link: link(8), share: id, parent: Parent::Datastore(own) };
        assert_eq!(desk.run(who, &place), Err(unknown.clone()));
        let children = ListChildren { parent: Parent::Share(id), from: None, limit: 9 };
        assert_eq!(desk.run(who, &children), Err(unknown.clone()));
        let inside = CreateSecrets { secrets: vec![a_secret(7)], parent: Parent::Share(id) };
        assert_eq!(desk.run(who, &inside), Err(unknown));
    }
    for right in [pending, ShareRightId::from_bytes([9; 16])] {
        let unknown = EngineError::UnknownShareRight;
        assert_eq!(desk.run(&cyd, &accept(right)), Err(unknown.clone()));
        assert_eq!(desk.run(&cyd, &DeclineShare { right }), Err(unknown.clone()));
        assert_eq!(desk.run(&cyd, &RevokeShareRight { right }), Err(unknown));
    }
    for id in [link(1), link(99)] {
        let moved = MoveShareLink { link: id, parent: Parent::Datastore(own) };
        assert_eq!(desk.run(&cyd, &moved), Err(EngineError::UnknownLink));
        assert_eq!(desk.run(&cyd, &DeleteShareLink { link: id }), Err(EngineError::UnknownLink));
    }
}

#[test]
fn an_offer_counts_once_it_is_accepted_and_is_answered_once() {
    let (mut desk, [ann, bob, cyd], _, share) = three();
    let right = desk.run(&ann, &offer(share, &bob, READ)).unwrap();
    assert_eq!(own_rights(&mut desk, &bob), [(share, READ, None)]);
    assert_eq!(get(&mut desk, &bob, share), Err(EngineError::UnknownShare));
    assert_eq!(desk.run(&ann, &offer(share, &bob, WRITE)), Err(EngineError::ShareRightExists));
    let accepted = desk.run(&bob, &accept(right)).unwrap();
    assert_eq!(
        (accepted.share, accepted.kind, accepted.data),
        (share, Some(sealed(30, 5)), Some(sealed(40, 1)))
    );
    assert_eq!(get(&mut desk, &bob, share).unwrap().rights, READ);
    assert_eq!(desk.run(&bob, &save(share, 2)), Err(EngineError::UnknownShare));
    let page = desk.run(&bob, &ListShares { from: None, limit: 9 }).unwrap();
    let own = &page.rights[0];
    assert_eq!((&own.key, own.key_kind), (&sealed(80, 6), KeyKind::Symmetric));
    assert_eq!(own.giver_name.as_ref().map(|name| name.as_str()), Some("ann"));
    for answer in [desk.run(&bob, &accept(right)).err(), desk.run(&bob, &DeclineShare { right }).err()] {
        assert_eq!(answer, Some(EngineError::UnknownShareRight));
    }

    let declined = desk.run(&ann, &offer(share, &cyd, WRITE)).unwrap();
    desk.run(&cyd, &DeclineShare { right: declined }).unwrap();
    assert_eq!(own_rights(&mut desk, &cyd), [(share, WRITE, Some(false))]);
    assert_eq!(desk.run(&cyd, &save(share, 2)), Err(EngineError::UnknownShare));
    let again = desk.run(&ann, &offer(share, &cyd, WRITE)).unwrap();
    assert_ne!(again, declined, "what was declined gives way");
    assert_eq!(desk.run(&cyd, &accept(declined)).unwrap_err(), EngineError::UnknownShareRight);
    assert_eq!(desk.run(&cyd, &accept(again)).unwrap().data, None, "who may not read is not shown");
    assert_eq!(
        desk.events,
        [
            Event::ShareOffered { share, right },
            Event::ShareAnswered { share, right, accepted: true },
            Event::ShareOffered { share, right: declined },
            Event::ShareAnswered { share, right: declined, accepted: false },
            Event::ShareOffered { share, right: again },
            Event::ShareAnswered { share, right: again, accepted: true },
        ]
    );
}

/// A-DEV-07: who was revoked reads nothing, lists nothing and counts nothing.
#[test]
fn a_right_that_is_changed_or_revoked_counts_so_at_once() {
    let (mut desk, [ann, bob, cyd], _, share) = three();
    let secret = new_secret(&mut desk, &ann, 2, Parent::Share(share));
    let right = share_with(&mut desk, &ann, &bob, share, READ.or(WRITE));
    share_with(&mut desk, &ann, &cyd, share, GRANT);
    assert!(desk.run(&bob, &ReadSecret { id: secret }).is_ok());
    desk.run(&bob, &save(share, 2)).unwrap();
    desk.run(&cyd, &ChangeShareRight { share, taker: bob.account, rights: READ }).unwrap();
    assert_eq!(desk.run(&bob, &save(share, 3)), Err(EngineError::UnknownShare));
    assert!(desk.run(&bob, &ReadSecret { id: secret }).is_ok());
    desk.run(&cyd, &RevokeShareRight { right }).unwrap();
    assert_eq!(get(&mut desk, &bob, share), Err(EngineError::UnknownShare));
    assert_eq!(desk.run(&bob, &ReadSecret { id: secret }), Err(EngineError::UnknownSecret));
    assert_eq!(desk.run(&bob, &ReadSecrets { ids: vec![secret] }), Ok(Vec::new()));
    assert_eq!(own_rights(&mut desk, &bob), []);
    assert_eq!(desk.run(&cyd, &RevokeShareRight { right }), Err(EngineError::UnknownShareRight));
    let members = desk.run(&ann, &ListShareRights { share }).unwrap();
    assert_eq!(members.iter().filter(|member| member.account == bob.account).count(), 0);
    assert_eq!(desk.rows_of(b"yP"), 2, "the right's other rows go with it");
}

#[test]
fn who_may_not_grant_sees_their_own_right_only() {
    let (mut desk, [ann, bob, cyd], _, share) = three();
    share_with(&mut desk, &ann, &bob, share, READ);
    let pending = desk.run(&ann, &offer(share, &cyd, GRANT)).unwrap();
    let listed = |desk: &mut Desk, who: &Principal| -> Vec<_> {
        let members = desk.run(who, &ListShareRights { share }).unwrap();
        members.into_iter().map(|member| (member.account, member.rights, member.accepted)).collect()
    };
    assert_eq!(listed(&mut desk, &bob), [(bob.account, READ, Some(true))]);
    let mut all = listed(&mut desk, &ann);
    all.sort_by_key(|(account, ..)| [&ann, &bob, &cyd].iter().position(|who| who.account == *account));
    let wanted = [
        (ann.account, ShareRights::ALL, Some(true)),
        (bob.account, READ, Some(true)),
        (cyd.account, GRANT, None),
    ];
    assert_eq!(all, wanted);
    desk.run(&cyd, &accept(pending)).unwrap();
    assert_eq!(listed(&mut desk, &cyd).len(), 3);
}

#[test]
fn a_right_counts_until_it_expires() {
    let (mut desk, [ann, bob, _], _, share) = three();
    let expires = Some(desk.now.saturating_add(Duration::from_secs(60)));
    let right = desk.run(&ann, &OfferShare { expires, ..offer(share, &bob, READ) }).unwrap();
    desk.run(&bob, &accept(right)).unwrap();
    desk.wait(Duration::from_secs(60));
    assert!(get(&mut desk, &bob, share).is_ok(), "the last instant is included");
    desk.wait(Duration::from_millis(1));
    assert_eq!(get(&mut desk, &bob, share), Err(EngineError::UnknownShare));
    assert_eq!(own_rights(&mut desk, &bob), []);
    let change = ChangeShareRight { share, taker: bob.account, rights: READ };
    assert_eq!(desk.run(&ann, &change), Err(EngineError::UnknownShareRight));
    let (account, node) = (bob.account, desk.node());
    desk.run(&node, &DropShareRight { account, share }).unwrap();
    assert_eq!((desk.rows_of(b"yP"), desk.rows_of(b"yM"), desk.rows_of(b"a")), (1, 1, 1));
    desk.run(&node, &DropShareRight { account: ann.account, share }).unwrap();
    assert!(get(&mut desk, &ann, share).is_ok(), "one that has not expired stays");

    let late = desk.run(&ann, &OfferShare { expires: Some(desk.now), ..offer(share, &bob, READ) }).unwrap();
    desk.wait(Duration::from_millis(1));
    assert_eq!(desk.run(&bob, &accept(late)).unwrap_err(), EngineError::UnknownShareRight);
}

/// Nobody is offered a share who is not there, or of another realm.
#[test]
fn a_share_is_offered_to_somebody_of_the_same_realm() {
    let (mut desk, [ann, bob, cyd], _, share) = three();
    let nobody = desk.who("nobody");
    assert_eq!(desk.run(&ann, &offer(share, &nobody, READ)), Err(EngineError::UnknownTaker));
    let elsewhere = desk.who_of("elsewhere", "bob");
    desk.open_account(&elsewhere);
    assert_eq!(desk.run(&ann, &offer(share, &elsewhere, READ)), Err(EngineError::UnknownTaker));
    desk.run(&bob, &EraseAccount { identity: None }).unwrap();
    assert_eq!(desk.run(&ann, &offer(share, &bob, READ)), Err(EngineError::UnknownTaker));
    desk.limits.share_members_max = 2;
    let dan = desk.who("dan");
    desk.open_account(&dan);
    desk.run(&ann, &offer(share, &dan, READ)).unwrap();
    assert_eq!(desk.run(&ann, &offer(share, &cyd, READ)), Err(EngineError::TooManyMembers { max: 2 }));
}

/// A-API-12: a restricted key reaches what is attached to it, and nothing else.
#[test]
fn a_restricted_key_reaches_attached_secrets_only() {
    let (mut desk, [ann, ..], store, share) = three();
    let parent = Parent::Datastore(store);
    let (attached, other) = (new_secret(&mut desk, &ann, 2, parent), new_secret(&mut desk, &ann, 3, parent));
    let key = ApiKeyId::from_bytes([7; 16]);
    desk.place(keyspace::api_key_attached(ann.account, key, attached), vec![1].into());
    let flags = ApiKeyFlags { read: true, write: true, restrict: true, insecure: false };
    let keyed = ann.clone().keyed(key, flags);
    let update = |id, nonce| UpdateSecret {
        id,
        data: Some(sealed(40, nonce)),
        callback: Callback::default(),
        previous: None,
    };
    assert!(desk.run(&keyed, &ReadSecret { id: attached }).is_ok());
    assert!(desk.run(&keyed, &update(attached, 9)).is_ok());
    let refused = EngineError::ApiKeyRefused;
    for id in [other, SecretId::from_bytes([9; 16])] {
        assert_eq!(desk.run(&keyed, &ReadSecret { id }), Err(refused.clone()));
        assert_eq!(desk.run(&keyed, &update(id, 10)), Err(refused.clone()));
    }
    // Attached or not: what its owner may not read, no key of theirs does.
    let of_bob = SecretId::from_bytes([8; 16]);
    desk.place(keyspace::api_key_attached(ann.account, key, of_bob), vec![1].into());
    assert_eq!(desk.run(&keyed, &ReadSecret { id: of_bob }), Err(EngineError::UnknownSecret));

    let others = [
        ListDatastores {}.needs(),
        GetDatastore { id: store }.needs(),
        GetShare { id: share }.needs(),
        ReadSecrets { ids: vec![attached] }.needs(),
        ListShares { from: None, limit: 1 }.needs(),
        ListChildren { parent, from: None, limit: 1 }.needs(),
        save(share, 1).needs(),
    ];
    for need in others {
        assert_eq!(keyed.require(need), Err(refused.clone()));
    }
    let free = ann.clone().keyed(key, ApiKeyFlags { restrict: false, write: false, ..flags });
    assert_eq!(free.require(ListDatastores {}.needs()), Ok(()));
    assert_eq!(free.require(save(share, 1).needs()), Err(refused.clone()));
    assert_eq!(ReadSecret { id: attached }.needs(), Need::Attached(Access::Read));
    assert_eq!(update(attached, 1).needs(), Need::Attached(Access::Write));
}

#[test]
fn a_list_of_children_has_what_hangs_right_below() {
    let (mut desk, [ann, bob, _], store, share) = three();
    let secret = new_secret(&mut desk, &ann, 2, Parent::Share(share));
    let below = new_share(&mut desk, &ann, 3, Parent::Share(share));
    new_secret(&mut desk, &ann, 4, Parent::Share(below));
    share_with(&mut desk, &ann, &bob, share, READ);
    desk.wait(Duration::from_secs(1));
    desk.run(&ann, &save(below, 9)).unwrap();
    let list = |parent, from, limit| ListChildren { parent, from, limit };
    let page = desk.run(&bob, &list(Parent::Share(share), None, 9)).unwrap();
    let before = desk.now.saturating_sub(Duration::from_secs(1));
    let wanted = ChildPage {
        written: before,
        shares: vec![(below, desk.now)],
        secrets: vec![(secret, before)],
        next: None,
    };
    assert_eq!(page, wanted);
    let first = desk.run(&bob, &list(Parent::Share(share), None, 1)).unwrap();
    assert_eq!(first.shares.len() + first.secrets.len(), 1);
    let second = desk.run(&bob, &list(Parent::Share(share), first.next, 1)).unwrap();
    assert_eq!(second.shares.len() + second.secrets.len(), 1);
    assert_eq!(second.next, None);
    let own = desk.run(&ann, &list(Parent::Datastore(store), None, 9)).unwrap();
    assert_eq!(own.shares, [(share, before)]);
    let foreign = desk.run(&bob, &list(Parent::Datastore(store), None, 9));
    assert_eq!(foreign, Err(EngineError::UnknownDatastore));
}
