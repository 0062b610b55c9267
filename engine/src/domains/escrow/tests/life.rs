//! What rows alone do not show: tokens as they are presented, restarts, sweeping, erasure.

use strongroom_primitives::id::RealmId;

use super::*;
use crate::{
    Credential, Identity,
    domains::{
        accounts::{EraseAccount, WhoAmI},
        sessions::{BearerIssued, assured::IssueAssured},
    },
    feed::FollowFeed,
    testing::bench::{Bench, held},
};

async fn issued(bench: &Bench, assurance: Assurance) -> BearerIssued {
    let issue = IssueAssured { realm: bench.realm.clone(), assurance, life: DAY * 7 };
    bench.ask(&Credential::Operator, issue).await.unwrap()
}

#[actix_rt::test]
async fn a_share_outlives_a_restart_and_no_sweep_takes_it_before_its_time() {
    let mut bench = Bench::encrypted(crate::Limits::default()).await;
    let ann = held(&issued(&bench, assurance("ident", Some("ann"), 2)).await);
    bench.ask(&ann, deposit(1)).await.unwrap();
    let backup = DepositShare { kind: ShareKind::Backup, ..deposit(1) };
    bench.ask(&ann, backup).await.unwrap();
    bench.restart().await;
    bench.wait(DAY);
    bench.sweep().await;
    assert_eq!(bench.ask(&ann, fetch(1)).await.unwrap().share.expose(), [1; 32]);
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.ask(&ann, fetch(1)).await.unwrap_err(), EngineError::UnknownEscrowShare);
    assert_eq!(bench.count(b"U").await, [3], "refused before it is swept");
    bench.sweep().await;
    assert_eq!(bench.count(b"U").await, [1], "what was missed is remembered for a while");
    bench.wait(Duration::from_secs(600));
    bench.sweep().await;
    assert_eq!(bench.count(b"U").await, [0]);
}

/// A token that says how far a sign-in went, as it is presented: good for its own doors, of its own realm, while it is
/// there.
#[actix_rt::test]
async fn an_assured_token_opens_its_own_doors_only() {
    let bench = Bench::new().await;
    let token = issued(&bench, assurance("ident", Some("ann"), 2)).await;
    let ann = held(&token);
    bench.ask(&ann, deposit(1)).await.unwrap();
    assert_eq!(bench.ask(&ann, WhoAmI).await.unwrap_err(), EngineError::CredentialInvalid);
    let plain = Credential::Gateway { realm: bench.realm.clone(), subject: Subject::new("ann").unwrap() };
    bench.ask(&plain, WhoAmI).await.unwrap();
    assert_eq!(bench.ask(&plain, fetch(1)).await.unwrap_err(), EngineError::CredentialInvalid);
    assert_eq!(
        bench.ask(&Credential::Anonymous, fetch(1)).await.unwrap_err(),
        EngineError::CredentialMissing
    );
    let Credential::Bearer { digest, .. } = ann else { panic!("a bearer") };
    let elsewhere = Credential::Bearer { digest, realm: Some(RealmId::new("x").unwrap()) };
    assert_eq!(bench.ask(&elsewhere, fetch(1)).await.unwrap_err(), EngineError::CredentialInvalid);
    bench.wait(DAY * 7 + Duration::from_millis(1));
    assert_eq!(bench.ask(&ann, fetch(1)).await.unwrap_err(), EngineError::CredentialExpired);
}

/// A refusal that tells: the owner reads of the burst in their feed, while whoever tried is refused as before.
#[actix_rt::test]
async fn a_burst_of_misses_is_in_the_feed() {
    let bench = Bench::new().await;
    let ann = held(&issued(&bench, assurance("ident", Some("ann"), 2)).await);
    for _ in 0..40 {
        assert_eq!(bench.ask(&ann, fetch(9)).await.unwrap_err(), EngineError::UnknownEscrowShare);
    }
    let follow = FollowFeed { owner: None, record: None, after: Some(0), limit: 100 };
    let page = bench.ask(&bench.gateway("ann"), follow).await.unwrap();
    let told = page.events.iter().filter(|(_, _, event)| matches!(event, Event::EscrowSharesMissed { .. }));
    assert_eq!(told.count(), 1);
}

/// A-DEV-01: the others are refused from the commit on; who made the change goes on with the token they have.
#[actix_rt::test]
async fn after_a_new_password_the_other_tokens_are_refused() {
    let bench = Bench::new().await;
    let (mine, other) = (
        held(&issued(&bench, assurance("ident", Some("ann"), 2)).await),
        held(&issued(&bench, assurance("ident", Some("ann"), 4)).await),
    );
    bench.ask(&mine, set_up(1, true)).await.unwrap();
    bench.ask(&other, GetSecretStorage {}).await.unwrap();
    bench.ask(&mine, storage::change("", "first")).await.unwrap();
    assert_eq!(bench.ask(&other, GetSecretStorage {}).await.unwrap_err(), EngineError::CredentialInvalid);
    assert_eq!(bench.ask(&mine, GetSecretStorage {}).await.unwrap().root.encrypted, "under-first");
    bench.ask(&mine, deposit(1)).await.unwrap();
}

#[actix_rt::test]
async fn an_erased_account_leaves_nothing() {
    let bench = Bench::new().await;
    let ann = held(&issued(&bench, assurance("ident", Some("ann"), 2)).await);
    bench.ask(&ann, set_up(1, true)).await.unwrap();
    bench.ask(&ann, deposit(1)).await.unwrap();
    assert_eq!(bench.count(b"U").await, [4]);
    let subject = Subject::new("ann").unwrap();
    let identity = Identity { realm: bench.realm.clone(), subject };
    bench.ask(&Credential::Operator, EraseAccount { identity: Some(identity) }).await.unwrap();
    bench.sweep().await;
    assert_eq!(bench.count(b"U").await, [0]);
    assert_eq!(bench.ask(&ann, fetch(1)).await.unwrap_err(), EngineError::CredentialInvalid);
}
