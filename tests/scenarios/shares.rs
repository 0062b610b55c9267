//! The story of a share: offered, accepted, used, and taken back.

use std::collections::BTreeSet;

use strongroom_client::{
    Client,
    sharing::{key_between, open_key},
    wire::{
        Boxed, Event, KeyKind, NewSecret, NewShare, Operation, OwnShareRight, Parent, Reply, ShareOffer,
        ShareRights, What,
    },
};
use strongroom_primitives::{
    id::{AccountId, DatastoreId, LinkId, ShareId, ShareRightId},
    nacl::{BoxKey, BoxSecret},
};

use crate::{
    sharing::{a_datastore, a_secret, code, own_key, text},
    stage::{PAGE_ROWS, Stage},
};

const READ: ShareRights = ShareRights { read: true, write: false, grant: false };
const WRITE: ShareRights = ShareRights { read: true, write: true, grant: false };

/// Somebody with the keys that their client holds.
struct Person {
    client: Client,
    account: AccountId,
    private_key: [u8; 32],
    own: BoxKey,
}

impl Person {
    async fn new(stage: &Stage, name: &str, number: u8) -> Self {
        let client = stage.client(name).await;
        let account = client.whoami().await.unwrap().account;
        Self { client, account, private_key: [number; 32], own: own_key(number + 100) }
    }

    fn public_key(&self) -> [u8; 32] {
        *BoxSecret::from_seed(self.private_key).public().as_bytes()
    }

    fn between(&self, other: &Self) -> BoxKey {
        key_between(&self.private_key, other.public_key()).unwrap()
    }

    /// Makes a share with a key of its own.
    async fn makes_a_share(&self, parent: Parent, holds: &str) -> (ShareId, LinkId, BoxKey) {
        let (key, link) = (self.client.new_box_key().unwrap(), self.client.new_link().unwrap());
        let data = self.client.seal(&key, holds.as_bytes()).unwrap();
        let new = NewShare { data, key: self.client.seal_key(&self.own, &key).unwrap(), link, parent };
        (self.client.shares().create(new).await.unwrap(), link, key)
    }

    fn an_offer(&self, taker: &Self, share: ShareId, key: &BoxKey, rights: ShareRights) -> ShareOffer {
        let between = self.between(taker);
        let key = self.client.seal_key(&between, key).unwrap();
        let title = Some(self.client.seal(&between, b"the team's").unwrap());
        ShareOffer { share, taker: taker.account, key, title, kind: None, rights, expires: None }
    }

    async fn offers(&self) -> Vec<OwnShareRight> {
        let page = self.client.shares().page(None, None).await.unwrap();
        assert_eq!(page.next, None);
        page.rights
    }

    async fn accepts(&self, right: ShareRightId, key: &BoxKey) -> Result<Option<Boxed>, String> {
        let key = self.client.seal_key(&self.own, key).unwrap();
        let accepted = self.client.shares().accept(right, key, KeyKind::Symmetric).await;
        match accepted {
            Ok(accepted) => Ok(accepted.data),
            refused => Err(code(refused)),
        }
    }

    /// What the feed told of shares.
    async fn heard(&self) -> Vec<What> {
        let page =
            Operation::FeedPage { owner: None, record: None, after: Some(0), wait_s: None, limit: None };
        let Reply::Feed(page) = self.client.ask(page).await.unwrap() else { panic!("a page") };
        let told = page.events.into_iter().map(|Event { what, .. }| what);
        told.filter(|what| !matches!(what, What::SessionOpened { .. })).collect()
    }
}

/// A-KEY-02, A-REC-01: who accepted a right reads, with a larger one writes, and is refused from the first command after it
/// was taken back; nobody else learns that there is anything.
pub(crate) async fn a_share_is_offered_accepted_used_and_taken_back(stage: &Stage) {
    let (ann, bob) = (Person::new(stage, "ann", 1).await, Person::new(stage, "bob", 2).await);
    let cy = Person::new(stage, "cy", 3).await;
    let (store, _) = a_datastore(&ann.client, &ann.own, "").await;
    let (share, _, share_key) = ann.makes_a_share(Parent::Datastore(store), "index").await;
    let (secret, _, secret_key) = a_secret(&ann.client, Parent::Share(share), "hunter2").await;
    let (shares, secrets) = (bob.client.shares(), bob.client.secrets());

    let offer = || ann.an_offer(&bob, share, &share_key, READ);
    let right = ann.client.shares().offer(offer()).await.unwrap();
    assert_eq!(code(ann.client.shares().offer(offer()).await), "share-right-exists");
    assert_eq!(code(shares.get(share).await), "unknown-share", "an offer is no right yet");
    assert_eq!(code(secrets.get(secret).await), "unknown-secret");
    assert_eq!(cy.accepts(right, &share_key).await, Err("unknown-share-right".to_owned()));
    let nobody = ShareOffer { taker: AccountId::from_bytes([9; 16]), ..offer() };
    assert_eq!(code(ann.client.shares().offer(nobody).await), "unknown-taker");

    let offered = bob.offers().await.remove(0);
    assert_eq!((offered.share, offered.right, offered.rights, offered.accepted), (share, right, READ, None));
    assert_eq!(offered.giver_name.unwrap().as_str(), "ann");
    assert_eq!(text(&bob.between(&ann), &offered.title.unwrap()), "the team's");
    let key = open_key(&bob.between(&ann), &offered.key).unwrap();
    let data = bob.accepts(right, &key).await.unwrap().expect("a right to read shows what there is");
    assert_eq!(text(&key, &data), "index");
    assert_eq!(bob.accepts(right, &key).await, Err("unknown-share-right".to_owned()), "once");
    let own = bob.offers().await.remove(0);
    assert_eq!((own.accepted, own.key_kind), (Some(true), KeyKind::Symmetric));
    assert_eq!(open_key(&bob.own, &own.key).unwrap().expose(), share_key.expose());

    let seen = secrets.get(secret).await.unwrap();
    assert_eq!(text(&secret_key, &seen.data), "hunter2");
    let sealed = |plain: &str| bob.client.seal(&secret_key, plain.as_bytes()).unwrap();
    assert_eq!(
        code(secrets.update(secret, sealed("x"), None).await),
        "unknown-secret",
        "READ is not to write"
    );
    let index = || bob.client.seal(&key, b"bob's index").unwrap();
    assert_eq!(code(shares.update(share, index(), None).await), "unknown-share");
    assert_eq!(code(shares.offer(bob.an_offer(&cy, share, &key, READ)).await), "unknown-share");
    assert_eq!(shares.members(share).await.unwrap().len(), 1, "their own");
    assert_eq!(ann.client.shares().members(share).await.unwrap().len(), 2);

    assert_eq!(ann.client.shares().change(share, bob.account, WRITE).await.unwrap(), right);
    let written = secrets.update(secret, sealed("hunter3"), Some(seen.written)).await.unwrap();
    assert_eq!(code(secrets.update(secret, sealed("late"), Some(seen.written)).await), "stale-write");
    let saved = shares.get(share).await.unwrap();
    assert_eq!(saved.rights, WRITE);
    shares.update(share, index(), Some(saved.written)).await.unwrap();
    assert_eq!(code(shares.update(share, index(), Some(saved.written)).await), "stale-write");
    let theirs = ann.client.secrets().get(secret).await.unwrap();
    assert_eq!((text(&secret_key, &theirs.data).as_str(), theirs.written), ("hunter3", written));
    let versions = ann.client.secrets().history(secret).await.unwrap();

    ann.client.shares().revoke(right).await.unwrap();
    assert_eq!(code(secrets.get(secret).await), "unknown-secret");
    assert_eq!(code(secrets.update(secret, sealed("y"), None).await), "unknown-secret");
    assert_eq!(code(secrets.history(secret).await), "unknown-secret");
    assert_eq!(code(secrets.version(versions[0].version).await), "unknown-secret");
    let new = NewSecret { data: sealed("z"), link: bob.client.new_link().unwrap() };
    assert_eq!(code(secrets.create(Parent::Share(share), vec![new]).await), "unknown-share");
    assert_eq!(code(shares.get(share).await), "unknown-share");
    assert_eq!(code(shares.update(share, index(), None).await), "unknown-share");
    assert_eq!(code(shares.members(share).await), "unknown-share");
    assert!(bob.offers().await.is_empty());
    assert_eq!(bob.accepts(right, &key).await, Err("unknown-share-right".to_owned()));
    assert_eq!(code(ann.client.shares().revoke(right).await), "unknown-share-right");

    let again = ann.client.shares().offer(offer()).await.unwrap();
    shares.decline(again).await.unwrap();
    assert_eq!(bob.accepts(again, &key).await, Err("unknown-share-right".to_owned()), "answered is answered");
    assert_eq!(
        bob.heard().await,
        [
            What::ShareOffered { share, right },
            What::ShareRightChanged { share, right },
            What::ShareRevoked { share, right },
            What::ShareOffered { share, right: again },
        ]
    );
    assert_eq!(
        ann.heard().await,
        [
            What::ShareAnswered { share, right, accepted: true },
            What::ShareAnswered { share, right: again, accepted: false },
        ]
    );
    assert!(cy.heard().await.is_empty());
}

/// A share is placed, moved and taken down by whoever may, and never hangs below itself.
pub(crate) async fn a_share_hangs_in_several_places_and_never_below_itself(stage: &Stage) {
    let (ann, bob) = (Person::new(stage, "ann", 1).await, Person::new(stage, "bob", 2).await);
    let (store, _) = a_datastore(&ann.client, &ann.own, "").await;
    let (other, _) = a_datastore(&ann.client, &ann.own, "other").await;
    let (upper, first, _) = ann.makes_a_share(Parent::Datastore(store), "upper").await;
    let (lower, below, lower_key) = ann.makes_a_share(Parent::Share(upper), "lower").await;
    let shares = ann.client.shares();
    let link = ann.client.new_link().unwrap();
    assert_eq!(code(shares.place(upper, link, Parent::Share(lower)).await), "share-cycle");
    assert_eq!(code(shares.place(lower, first, Parent::Datastore(other)).await), "link-taken");
    shares.place(lower, link, Parent::Datastore(other)).await.unwrap();
    shares.move_link(link, Parent::Datastore(store)).await.unwrap();
    assert_eq!(code(shares.move_link(first, Parent::Share(lower)).await), "share-cycle");
    for link in [first, LinkId::from_bytes([9; 16])] {
        assert_eq!(code(bob.client.shares().unlink(link).await), "unknown-link");
        let elsewhere = Parent::Datastore(DatastoreId::from_bytes([9; 16]));
        assert_eq!(code(bob.client.shares().move_link(link, elsewhere).await), "unknown-link");
    }

    // A right on the upper share is one on the lower, for as long as that hangs there.
    let right = shares.offer(ann.an_offer(&bob, upper, &lower_key, READ)).await.unwrap();
    bob.accepts(right, &lower_key).await.unwrap();
    assert_eq!(bob.client.shares().get(lower).await.unwrap().rights, READ);
    shares.unlink(below).await.unwrap();
    assert_eq!(code(bob.client.shares().get(lower).await), "unknown-share");
    assert_eq!(code(shares.unlink(below).await), "unknown-link");
    assert!(shares.get(lower).await.is_ok(), "its maker has a right of their own");
}

/// Listings are pages, and no cursor is more than a place in one.
pub(crate) async fn rights_on_many_shares_are_listed_in_pages(stage: &Stage) {
    let ann = Person::new(stage, "ann", 1).await;
    let (store, _) = a_datastore(&ann.client, &ann.own, "").await;
    let mut made = BTreeSet::new();
    for _ in 0..PAGE_ROWS + 1 {
        made.insert(ann.makes_a_share(Parent::Datastore(store), "x").await.0);
    }
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = ann.client.shares().page(cursor, Some(4)).await.unwrap();
        assert!(page.rights.len() <= 4);
        listed.extend(page.rights.into_iter().map(|right| right.share));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    listed.sort();
    assert_eq!(listed, made.into_iter().collect::<Vec<_>>());
    assert_eq!(code(ann.client.shares().page(Some("!".to_owned()), None).await), "bad-request");
}
