//! What is swept of datastores, secrets and shares. They belong to several accounts or to none.

use strongroom_primitives::id::{AccountId, LinkId, ShareId, ShareRightId};

use super::*;
use crate::{
    boxed::Boxed,
    domains::{
        accounts::{EraseAccount, WhoAmI},
        sharing::{
            CreateDatastore, KeyKind, Parent, ShareRights,
            secrets::{Callback, CreateSecrets, DeleteSecretLink, NewSecret, ReadSecret, UpdateSecret},
            shares::{AcceptShare, CreateShare, ListShareRights, OfferShare},
        },
    },
};

fn sealed(n: u8) -> Boxed {
    Boxed { text: vec![n; 40].into(), nonce: [n; 24] }
}

fn link(n: u8) -> LinkId {
    LinkId::from_bytes([n; 16])
}

impl Bench {
    async fn ask<C: crate::Command>(&self, subject: &str, command: C) -> C::Reply
    where
        C::Domain: crate::Routed,
    {
        self.engine.handle().ask(who(subject), command).await.unwrap()
    }

    async fn datastore(&self, subject: &str) -> Parent {
        let (kind, description) = ("password".to_owned(), String::new());
        let create =
            CreateDatastore { kind, description, data: None, secret_key: sealed(1), is_default: true };
        Parent::Datastore(self.ask(subject, create).await)
    }

    async fn secret(&self, subject: &str, n: u8, parent: Parent) -> strongroom_primitives::id::SecretId {
        let secret = NewSecret { data: sealed(n), link: link(n), callback: Callback::default() };
        self.ask(subject, CreateSecrets { secrets: vec![secret], parent }).await[0].id
    }

    async fn share(&self, subject: &str, n: u8, parent: Parent) -> ShareId {
        self.ask(subject, CreateShare { data: sealed(n), key: sealed(n), link: link(n), parent }).await
    }

    async fn offer(&self, share: ShareId, taker: AccountId, expires: Option<Timestamp>) -> ShareRightId {
        let (key, rights) = (sealed(1), ShareRights::ALL);
        self.ask("ann", OfferShare { share, taker, key, title: None, kind: None, rights, expires }).await
    }

    /// The rows of things that no account owns, but for nonces, which stay used.
    async fn things(&self) -> usize {
        let range = Range::prefix(&strongroom_storage::Key::from_static(b"y"), 1_000);
        let rows = self.storage.scan(range).await.unwrap().rows;
        rows.iter().filter(|(key, _)| !key.as_bytes().starts_with(b"yU")).count()
    }
}

#[actix_rt::test]
async fn a_secret_that_hangs_nowhere_goes_after_a_day() {
    let bench = Bench::new().await;
    let home = bench.datastore("ann").await;
    let (gone, kept) = (bench.secret("ann", 1, home).await, bench.secret("ann", 2, home).await);
    let update =
        UpdateSecret { id: gone, data: Some(sealed(3)), callback: Callback::default(), previous: None };
    bench.ask("ann", update).await;
    bench.ask("ann", ReadSecret { id: gone }).await;
    let before = bench.things().await;
    bench.ask("ann", DeleteSecretLink { link: link(1) }).await;
    bench.sweep().await;
    assert_eq!(bench.things().await, before - 2, "the link alone");
    bench.wait_days(2);
    bench.sweep().await;
    assert_eq!(bench.things().await, 5, "two rows of a link, three of a secret");
    bench.ask("ann", ReadSecret { id: kept }).await;
}

#[actix_rt::test]
async fn a_right_that_has_expired_goes() {
    let bench = Bench::new().await;
    let home = bench.datastore("ann").await;
    bench.datastore("bob").await;
    let share = bench.share("ann", 1, home).await;
    let bob = bench.ask("bob", WhoAmI).await.account;
    let expires = Some(bench.engine.handle().now().saturating_add(Duration::from_secs(3_600)));
    let right = bench.offer(share, bob, expires).await;
    bench.ask("bob", AcceptShare { right, key: sealed(1), key_kind: KeyKind::Symmetric }).await;
    let before = bench.things().await;
    bench.sweep().await;
    assert_eq!((bench.things().await, bench.rows_under(b'a').await), (before, 2));
    bench.wait_days(1);
    bench.sweep().await;
    assert_eq!((bench.things().await, bench.rows_under(b'a').await), (before - 2, 1));
}

/// What hung in an erased account's datastores goes; what others have a right on stays, without its name on it.
#[actix_rt::test]
async fn an_erased_account_leaves_only_what_others_have_a_right_on() {
    let bench = Bench::new().await;
    let home = bench.datastore("ann").await;
    bench.datastore("bob").await;
    bench.secret("ann", 1, home).await;
    let shared = bench.share("ann", 2, home).await;
    let below = bench.share("ann", 3, Parent::Share(shared)).await;
    let secret = bench.secret("ann", 4, Parent::Share(below)).await;
    bench.share("ann", 5, home).await;
    let bob = bench.ask("bob", WhoAmI).await.account;
    let right = bench.offer(shared, bob, None).await;
    bench.ask("bob", AcceptShare { right, key: sealed(1), key_kind: KeyKind::Symmetric }).await;

    bench.engine.handle().erase_account(who("ann").into(), None).await.unwrap();
    for days in [0, 2, 2] {
        bench.wait_days(days);
        bench.sweep().await;
    }
    bench.ask("bob", ReadSecret { id: secret }).await;
    let members = bench.ask("bob", ListShareRights { share: shared }).await;
    assert_eq!(members.iter().map(|member| member.account).collect::<Vec<_>>(), [bob]);
    // Two shares with three rows each, one of them at a link of two; a secret with a link and a count; bob's right.
    assert_eq!(bench.things().await, 3 + 3 + 2 + 3 + 2 + 1 + 2);

    bench.engine.handle().erase_account(who("bob").into(), None).await.unwrap();
    for _ in 0..4 {
        bench.wait_days(2);
        bench.sweep().await;
    }
    assert_eq!(bench.things().await, 0, "nobody is left who could reach anything");
    let erased = EraseAccount { identity: None };
    assert!(bench.engine.handle().ask(who("bob"), erased).await.is_err());
}
