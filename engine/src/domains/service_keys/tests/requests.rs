//! Signed requests, as an engine takes them. Source: `dialects/dragonchain.md`, section 3.

use std::time::Duration;

use strongroom_primitives::{
    dc1::{Algorithm, Refusal, permissions::Endpoint},
    secret::SecretText,
    time::Timestamp,
};

use crate::{
    Change, Credential, EngineError, Limits,
    domains::service_keys::{
        CheckServiceKey, CreateChain, CreateServiceKey, Dc1Facts, DeleteServiceKey, GetServiceKey, KeyInUse,
        ListServiceKeys, NewServiceKey, RotateServiceKey, SignatureFault, SignedRequest, UpdateServiceKey,
    },
    testing::{bench::Bench, signing::Signer},
};

const CHECK: CheckServiceKey = CheckServiceKey { endpoint: Endpoint::GET_STATUS };

async fn start(limits: Limits) -> (Bench, Signer) {
    let bench = Bench::encrypted(limits).await;
    let root = bench.ask(&Credential::Operator, CreateChain::default()).await.unwrap();
    (bench, Signer::root(&root))
}

async fn check(bench: &Bench, credential: &Credential) -> Result<KeyInUse, EngineError> {
    bench.ask(credential, CHECK.clone()).await
}

async fn shown(bench: &Bench, facts: &Dc1Facts) -> Result<KeyInUse, EngineError> {
    check(bench, &Credential::Signed(SignedRequest::dc1(facts.clone()))).await
}

fn refused(fault: SignatureFault) -> EngineError {
    EngineError::SignatureRefused { fault }
}

const MAC: EngineError = EngineError::SignatureRefused { fault: SignatureFault::Header(Refusal::Mac) };
const REPLAYED: EngineError = EngineError::SignatureRefused { fault: SignatureFault::Replayed };

async fn made(bench: &Bench, by: &Signer, expires: Option<Timestamp>) -> (NewServiceKey, Signer) {
    let create = CreateServiceKey { chain: Some(by.chain.clone()), expires, ..CreateServiceKey::default() };
    let new = bench.ask(&Credential::Operator, create).await.unwrap();
    let signer = Signer::of(&by.chain, &new);
    (new, signer)
}

/// A-MAC-01, A-MAC-02, A-MAC-04, A-MAC-05: one request is good, once, with each hash; everything else about it is signed.
#[actix_rt::test]
async fn what_was_signed_is_taken_once_and_nothing_like_it() {
    let (bench, root) = start(Limits::default()).await;
    let other = Signer::root(&bench.ask(&Credential::Operator, CreateChain::default()).await.unwrap());
    for (number, algorithm) in (0..).zip(Algorithm::ALL) {
        let good = root.sign(algorithm, root.facts(bench.now(), number));
        let timestamp = root.facts(bench.now(), number + 100).timestamp;
        let changed = [
            Dc1Facts { verb: "PUT".to_owned(), ..good.clone() },
            Dc1Facts { target: "/dragonchain/v1/api-keys?x=1".to_owned(), ..good.clone() },
            Dc1Facts { target: "/dragonchain/v1/api-key?x=2".to_owned(), ..good.clone() },
            Dc1Facts { content_type: "text/plain".to_owned(), ..good.clone() },
            Dc1Facts { body: "{ }".into(), ..good.clone() },
            Dc1Facts { chain: Some(other.chain.to_string()), ..good.clone() },
            Dc1Facts { timestamp, ..good.clone() },
        ];
        for facts in &changed {
            assert_eq!(shown(&bench, facts).await.unwrap_err(), MAC, "{algorithm:?}");
        }
        let mac = |text: &str| Dc1Facts { authorization: Some(text.to_owned()), ..good.clone() };
        let header = good.authorization.clone().unwrap();
        for bad in [
            header.replace(algorithm.name(), if number == 0 { "SHA3-256" } else { "SHA256" }),
            format!("DC1-HMAC-{} {}:eyJ9", algorithm.name(), root.id),
            format!("DC1-HMAC-{} {}:", algorithm.name(), root.id),
            header.replace(&format!("{}:", root.id), &format!("{}:AAAA", root.id)),
        ] {
            assert_eq!(shown(&bench, &mac(&bad)).await.unwrap_err(), MAC, "{bad}");
        }
        assert_eq!(shown(&bench, &good).await.unwrap().id, root.id);
        for _ in 0..3 {
            assert_eq!(shown(&bench, &good).await.unwrap_err(), REPLAYED);
        }
    }
}

/// A-MAC-03, A-MAC-04: the checks in the vendor's order; the first that fails is told.
#[actix_rt::test]
async fn the_first_check_that_fails_is_told() {
    let (bench, root) = start(Limits::default()).await;
    let header = |refusal| SignatureFault::Header(refusal);
    let late = root.facts(bench.now().saturating_sub(Duration::from_millis(600_001)), 0);
    let mut facts =
        Dc1Facts { chain: None, timestamp: None, authorization: None, ..root.facts(bench.now(), 0) };
    let scheme = |text: &str| Some(format!("{text} {}:AAAA", root.id));
    assert_eq!(shown(&bench, &facts).await.unwrap_err(), refused(SignatureFault::NoChain));
    facts.chain = Some(String::new());
    assert_eq!(shown(&bench, &facts).await.unwrap_err(), refused(SignatureFault::NoChain));
    facts.chain = Some("no/chain".to_owned());
    assert_eq!(shown(&bench, &facts).await.unwrap_err(), refused(SignatureFault::NoTimestamp));
    facts.timestamp = Some("yesterday".to_owned());
    for unknown in ["no/chain", "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr"] {
        facts.chain = Some(unknown.to_owned());
        assert_eq!(shown(&bench, &facts).await.unwrap_err(), refused(SignatureFault::UnknownChain));
    }
    facts.chain = Some(root.chain.to_string());
    for (authorization, timestamp, told) in [
        (None, "yesterday", Refusal::Malformed),
        (scheme("Bearer"), "yesterday", Refusal::Malformed),
        (scheme("DC2-HMAC-SHA256"), "yesterday", Refusal::Version),
        (scheme("DC1-HMAC-sha256"), "yesterday", Refusal::Algorithm),
        (scheme("DC1-HMAC-SHA256"), "yesterday", Refusal::Timestamp),
        (Some("DC1-HMAC-SHA256 nothing".to_owned()), late.timestamp.as_deref().unwrap(), Refusal::Skewed),
        (Some("DC1-HMAC-SHA256 nothing".to_owned()), "", Refusal::Malformed),
        (scheme("DC1-HMAC-SHA256"), "", Refusal::Mac),
        (Some("DC1-HMAC-SHA256 a/b:AAAA".to_owned()), "", Refusal::Mac),
    ] {
        let now = root.facts(bench.now(), 0).timestamp;
        let timestamp = if timestamp.is_empty() { now } else { Some(timestamp.to_owned()) };
        let facts = Dc1Facts { authorization, timestamp, ..facts.clone() };
        assert_eq!(shown(&bench, &facts).await.unwrap_err(), refused(header(told)));
    }
    // A request that is refused for want of permission has spent its signature.
    let (_, limited) = made(&bench, &root, None).await;
    let facts = limited.facts(bench.now(), 1);
    let create = || CreateServiceKey::default();
    let ask = |facts: &Dc1Facts| {
        bench.handle().ask(Credential::Signed(SignedRequest::dc1(facts.clone())), create())
    };
    let denied = EngineError::EndpointRefused { endpoint: "create_api_key" };
    assert_eq!(ask(&facts).await.unwrap_err(), denied);
    assert_eq!(ask(&facts).await.unwrap_err(), REPLAYED);
}

/// A-MAC-03: the window is closed on both sides, and its ends are in it.
#[actix_rt::test]
async fn the_window_ends_where_it_says() {
    for window_s in [30, 600] {
        let (bench, root) =
            start(Limits { signature_window: Duration::from_secs(window_s), ..Limits::default() }).await;
        bench.wait(Duration::from_secs(10_000));
        let (window, now) = (Duration::from_secs(window_s), bench.now());
        let skewed = refused(SignatureFault::Header(Refusal::Skewed));
        let beyond = window + Duration::from_millis(1);
        assert!(check(&bench, &root.credential(now.saturating_add(window), 0)).await.is_ok());
        assert!(check(&bench, &root.credential(now.saturating_sub(window), 0)).await.is_ok());
        assert_eq!(check(&bench, &root.credential(now.saturating_add(beyond), 0)).await.unwrap_err(), skewed);
        assert_eq!(check(&bench, &root.credential(now.saturating_sub(beyond), 0)).await.unwrap_err(), skewed);
    }
}

/// A-MAC-06: an unknown key, a known key with a wrong secret, a deleted one and one that has ended: one answer.
#[actix_rt::test]
async fn a_key_that_is_none_any_more_is_like_one_that_never_was() {
    let (bench, root) = start(Limits::default()).await;
    let end = bench.now().saturating_add(Duration::from_secs(60));
    let (_, deleted) = made(&bench, &root, None).await;
    let (_, ended) = made(&bench, &root, Some(end)).await;
    let wrong = Signer { secret: SecretText::new("x".repeat(43)), ..root.clone() };
    let unknown = Signer { id: super::no_key(), ..root.clone() };
    assert!(check(&bench, &deleted.credential(bench.now(), 0)).await.is_ok());
    assert_eq!(check(&bench, &ended.credential(end, 0)).await.unwrap().expires, Some(end));
    let delete = DeleteServiceKey { chain: Some(root.chain.clone()), id: deleted.id.clone() };
    bench.ask(&Credential::Operator, delete).await.unwrap();
    bench.wait(Duration::from_millis(60_001));
    for signer in [&wrong, &unknown, &deleted, &ended] {
        assert_eq!(check(&bench, &signer.credential(bench.now(), 1)).await.unwrap_err(), MAC);
    }
    // It goes on at once where it may go on.
    let longer = UpdateServiceKey {
        chain: Some(root.chain.clone()),
        expires: Change::Clear,
        ..UpdateServiceKey::of(ended.id.clone())
    };
    bench.ask(&Credential::Operator, longer).await.unwrap();
    assert!(check(&bench, &ended.credential(bench.now(), 2)).await.is_ok());
}

/// A-MAC-07: a key may delete itself, and is gone for its next request.
#[actix_rt::test]
async fn a_key_may_delete_itself() {
    let (bench, root) = start(Limits::default()).await;
    let (new, signer) = made(&bench, &root, None).await;
    let delete = DeleteServiceKey { chain: None, id: new.key.id.clone() };
    let denied = bench.ask(&signer.credential(bench.now(), 0), delete.clone()).await.unwrap_err();
    assert_eq!(denied, EngineError::EndpointRefused { endpoint: "delete_api_key" });
    let allow = UpdateServiceKey {
        permissions: Some(super::document(r#"{"version":"1","default_allow":true,"permissions":{}}"#)),
        ..UpdateServiceKey::of(new.key.id)
    };
    bench.ask(&root.credential(bench.now(), 1), allow).await.unwrap();
    bench.ask(&signer.credential(bench.now(), 2), delete).await.unwrap();
    assert_eq!(check(&bench, &signer.credential(bench.now(), 3)).await.unwrap_err(), MAC);
}

#[actix_rt::test]
async fn a_former_secret_signs_as_long_as_the_overlap() {
    let (bench, root) = start(Limits::default()).await;
    let (new, first) = made(&bench, &root, None).await;
    let rotate = async |overlap_s, chance| {
        let overlap = Duration::from_secs(overlap_s);
        let rotate = RotateServiceKey { chain: None, id: new.key.id.clone(), public_key: None, overlap };
        Signer::of(&root.chain, &bench.ask(&root.credential(bench.now(), chance), rotate).await.unwrap())
    };
    let second = rotate(60, 900).await;
    for signer in [&first, &second] {
        assert!(check(&bench, &signer.credential(bench.now(), 0)).await.is_ok());
    }
    bench.wait(Duration::from_secs(60));
    assert!(check(&bench, &first.credential(bench.now(), 1)).await.is_ok());
    bench.wait(Duration::from_millis(1));
    assert_eq!(check(&bench, &first.credential(bench.now(), 2)).await.unwrap_err(), MAC);
    assert!(check(&bench, &second.credential(bench.now(), 3)).await.is_ok());
    let third = rotate(60, 901).await;
    let fourth = rotate(0, 902).await;
    for signer in [&first, &second, &third] {
        assert_eq!(check(&bench, &signer.credential(bench.now(), 4)).await.unwrap_err(), MAC);
    }
    assert!(check(&bench, &fourth.credential(bench.now(), 5)).await.is_ok());
}

/// A-MAC-08, A-LEAK-01: no answer but that of its making holds a secret, and no debug output does.
#[actix_rt::test]
async fn a_secret_is_shown_once() {
    let (bench, root) = start(Limits::default()).await;
    let (new, signer) = made(&bench, &root, None).await;
    let listed = bench.ask(&root.credential(bench.now(), 0), ListServiceKeys { chain: None }).await.unwrap();
    let get = GetServiceKey { chain: None, id: new.key.id.clone() };
    let got = bench.ask(&root.credential(bench.now(), 1), get).await.unwrap();
    let credential = signer.credential(bench.now(), 2);
    let answers = postcard::to_allocvec(&(&listed, &got)).unwrap();
    let printed = format!("{listed:?} {got:?} {new:?} {credential:?}").into_bytes();
    for signer in [&signer, &root] {
        let secret = signer.secret.expose().as_bytes();
        for text in [&answers, &printed] {
            assert!(!text.windows(secret.len()).any(|window| window == secret));
        }
    }
}

/// A-MAC-02 across a restart: whatever was taken is refused by the next engine, and new signatures are good within
/// seconds, at once where their time is later than any that memory took.
#[actix_rt::test]
async fn a_restart_takes_nothing_twice() {
    let (mut bench, root) = start(Limits::default()).await;
    let before_start = refused(SignatureFault::BeforeStart);
    let at = |bench: &Bench, ahead_s| bench.now().saturating_add(Duration::from_secs(ahead_s));
    bench.wait(Duration::from_secs(60));
    let by_row = root.facts(at(&bench, 0), 0);
    let by_memory = root.facts(at(&bench, 0), 1);
    let ahead = root.facts(at(&bench, 300), 2);
    for facts in [&by_row, &by_memory, &ahead] {
        assert!(shown(&bench, facts).await.is_ok());
    }
    // The first told the store the time, so the second was none.
    assert_eq!(bench.rows().await.iter().filter(|(key, _)| key.as_bytes().starts_with(b"CS")).count(), 2);
    bench.restart().await;
    for (facts, refusal) in [(&by_row, &before_start), (&by_memory, &before_start), (&ahead, &REPLAYED)] {
        assert_eq!(shown(&bench, facts).await.as_ref().unwrap_err(), refusal);
    }
    assert_eq!(check(&bench, &root.credential(bench.now(), 3)).await.unwrap_err(), before_start);
    bench.wait(Duration::from_millis(1_001));
    assert!(check(&bench, &root.credential(bench.now(), 4)).await.is_ok());
    assert_eq!(shown(&bench, &ahead).await.unwrap_err(), REPLAYED);
    // Rows go when nobody could use them any more.
    bench.wait(Duration::from_secs(300 + 600 + 61));
    bench.ask(&Credential::Operator, CreateChain::default()).await.unwrap();
    bench.sweep().await;
    assert_eq!(bench.rows().await.iter().filter(|(key, _)| key.as_bytes().starts_with(b"CS")).count(), 0);
}

/// Where engines share a store, every signature is a row, and its command is done once it is one.
#[actix_rt::test]
async fn with_a_shared_store_a_signature_is_a_row() {
    let (mut bench, root) = start(Limits { signatures_shared: true, ..Limits::default() }).await;
    let facts = root.facts(bench.now(), 0);
    assert!(shown(&bench, &facts).await.is_ok());
    assert_eq!(shown(&bench, &facts).await.unwrap_err(), REPLAYED);
    let forged = Signer { secret: SecretText::new("x".repeat(43)), ..root.clone() };
    assert_eq!(check(&bench, &forged.credential(bench.now(), 1)).await.unwrap_err(), MAC);
    assert_eq!(bench.rows().await.iter().filter(|(key, _)| key.as_bytes().starts_with(b"CS")).count(), 1);
    bench.restart().await;
    assert_eq!(shown(&bench, &facts).await.unwrap_err(), REPLAYED);
    assert!(check(&bench, &root.credential(bench.now(), 2)).await.is_ok());
    // A write as well.
    let name =
        UpdateServiceKey { nickname: Some("safe".to_owned()), ..UpdateServiceKey::of(root.id.clone()) };
    let renamed = bench.ask(&root.credential(bench.now(), 3), name).await.unwrap();
    assert_eq!(renamed.nickname, "safe");
}

/// A key has no account: what is an account's, an operator's or the engine's own is out of its reach.
#[actix_rt::test]
async fn a_service_key_is_no_account() {
    let (bench, root) = start(Limits::default()).await;
    let whoami = bench.ask(&root.credential(bench.now(), 0), crate::domains::accounts::WhoAmI).await;
    assert_eq!(whoami.unwrap_err(), EngineError::CredentialInvalid);
    let chain = bench.ask(&root.credential(bench.now(), 1), CreateChain::default()).await;
    assert_eq!(chain.unwrap_err(), EngineError::CredentialInvalid);
    let list = ListServiceKeys { chain: Some(root.chain.clone()) };
    assert_eq!(
        bench.ask(&bench.gateway("ann"), list.clone()).await.unwrap_err(),
        EngineError::CredentialInvalid
    );
    assert_eq!(bench.anyone(list.clone()).await.unwrap_err(), EngineError::CredentialMissing);
    assert_eq!(bench.ask(&Credential::Operator, list).await.unwrap().len(), 1);
    let spend = bench.anyone(crate::domains::service_keys::SpendSignature {}).await;
    assert_eq!(spend.unwrap_err(), EngineError::CredentialMissing);
    let plain = Bench::new().await;
    let refused = plain.ask(&Credential::Operator, CreateChain::default()).await;
    assert_eq!(refused.unwrap_err(), EngineError::StoreNotEncrypted);
}

/// An idempotency key of one chain's key gives nobody else the answer, which holds a secret.
#[actix_rt::test]
async fn an_answer_is_kept_for_the_key_that_got_it() {
    let (bench, root) = start(Limits::default()).await;
    let other = Signer::root(&bench.ask(&Credential::Operator, CreateChain::default()).await.unwrap());
    let idempotency = Some(strongroom_primitives::id::IdempotencyKey::from_bytes([9; 16]));
    let ask = async |signer: &Signer, chance| {
        let asking = crate::Asking {
            credential: signer.credential(bench.now(), chance),
            within: None,
            idempotency: idempotency.clone(),
        };
        bench.handle().ask(asking, CreateServiceKey::default()).await.unwrap().key.id
    };
    let first = ask(&root, 0).await;
    assert_eq!(ask(&root, 1).await, first);
    assert_ne!(ask(&other, 2).await, first);
}

#[actix_rt::test]
async fn the_use_of_a_key_is_written_down_once_a_minute() {
    let (bench, root) = start(Limits::default()).await;
    let last_used = async || {
        tokio::task::yield_now().await;
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        let get = GetServiceKey { chain: Some(root.chain.clone()), id: root.id.clone() };
        bench.ask(&Credential::Operator, get).await.unwrap().last_used
    };
    assert_eq!(last_used().await, None);
    let first = bench.now();
    check(&bench, &root.credential(first, 0)).await.unwrap();
    assert_eq!(last_used().await, Some(first));
    bench.wait(Duration::from_secs(59));
    check(&bench, &root.credential(bench.now(), 1)).await.unwrap();
    assert_eq!(last_used().await, Some(first));
    bench.wait(Duration::from_secs(1));
    check(&bench, &root.credential(bench.now(), 2)).await.unwrap();
    assert_eq!(last_used().await, Some(bench.now()));
}
