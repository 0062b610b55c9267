//! How long messages signed by RFC 9421, and what they open, are good. Source: `SIGNING.md`.

use std::time::Duration;

use strongroom_primitives::{http_signatures::Refusal, time::Timestamp};

use super::messages::{NOT_SIGNED, REPLAYED, both, check, made, refused, shown, start};
use crate::{
    Credential, EngineError, Limits,
    domains::service_keys::{
        CreateChain, CreateServiceKey, DeleteServiceKey, MessageFacts, RotateServiceKey, SignatureFault,
        SignedRequest, SignsWith, UpdateServiceKey,
    },
    testing::{
        bench::Bench,
        messages::{MessageSigner, message},
    },
};

/// A-MAC-03: the window of messages is their own, and its ends are in it.
#[actix_rt::test]
async fn the_window_ends_where_it_says() {
    for window_s in [30, 60, 300] {
        let window = Duration::from_secs(window_s);
        let (bench, root) = start(Limits { message_signature_window: window, ..Limits::default() }).await;
        bench.wait(Duration::from_secs(10_000));
        let (now, beyond) = (bench.now(), window + Duration::from_secs(1));
        for signer in both(&bench, &root).await {
            let ask = async |at: Timestamp, number| check(&bench, &signer.credential(at, number)).await;
            assert!(ask(now.saturating_add(window), 1).await.is_ok());
            assert!(ask(now.saturating_sub(window), 2).await.is_ok());
            let late = refused(Refusal::Created);
            assert_eq!(ask(now.saturating_add(beyond), 3).await.unwrap_err(), late);
            assert_eq!(ask(now.saturating_sub(beyond), 4).await.unwrap_err(), late);
        }
    }
    assert_eq!(Limits::default().message_signature_window, Duration::from_secs(60));
}

/// A-MAC-03: an expiry that its signer chose ends a message within the window.
#[actix_rt::test]
async fn a_message_ends_when_it_says() {
    let (bench, root) = start(Limits::default()).await;
    let [signer, _] = both(&bench, &root).await;
    let expires = bench.now().saturating_add(Duration::from_secs(5));
    let facts = |number| signer.sign(message("{}"), expires, number, Some(expires));
    bench.wait(Duration::from_secs(5));
    assert!(shown(&bench, &facts(1)).await.is_ok());
    bench.wait(Duration::from_secs(1));
    assert_eq!(shown(&bench, &facts(2)).await.unwrap_err(), refused(Refusal::Expired));
}

/// The former secret and the former public key sign as long as the overlap.
#[actix_rt::test]
async fn what_a_key_signed_with_before_ends_with_the_overlap() {
    let (bench, root) = start(Limits::default()).await;
    for signs_with in [SignsWith::HmacSha256, MessageSigner::public(1)] {
        let (new, first) = made(&bench, &root, signs_with).await;
        let rotate = async |seed: u8, overlap_s| {
            let public_key = match MessageSigner::public(seed) {
                SignsWith::Ed25519 { public_key } if new.secret.is_none() => Some(public_key),
                _ => None,
            };
            let chain = Some(root.chain.clone());
            let overlap = Duration::from_secs(overlap_s);
            let rotate = RotateServiceKey { chain, id: new.key.id.clone(), public_key, overlap };
            MessageSigner::of(&bench.ask(&Credential::Operator, rotate).await.unwrap(), seed)
        };
        let ask = async |signer: &MessageSigner, number| {
            check(&bench, &signer.credential(bench.now(), number)).await.map(|_| ())
        };
        assert_eq!(ask(&first, 0).await, Ok(()));
        let second = rotate(2, 60).await;
        assert_eq!((ask(&first, 1).await, ask(&second, 2).await), (Ok(()), Ok(())));
        bench.wait(Duration::from_secs(60));
        assert_eq!(ask(&first, 3).await, Ok(()));
        bench.wait(Duration::from_millis(1));
        assert_eq!((ask(&first, 4).await, ask(&second, 5).await), (Err(NOT_SIGNED), Ok(())));
        let third = rotate(3, 60).await;
        let fourth = rotate(4, 0).await;
        for signer in [&first, &second, &third] {
            assert_eq!(ask(signer, 6).await, Err(NOT_SIGNED));
        }
        assert_eq!(ask(&fourth, 7).await, Ok(()));
    }
}

/// One value stands for all that a connection asks whose opening was signed: it outlives the window, and ends with the
/// key, with what the key signed with, and with its permissions, at the next command.
#[actix_rt::test]
async fn a_connection_lasts_as_long_as_the_key_that_opened_it() {
    let (bench, root) = start(Limits::default()).await;
    for signs_with in [SignsWith::HmacSha256, MessageSigner::public(1)] {
        let (new, signer) = made(&bench, &root, signs_with).await;
        let chain = || Some(root.chain.clone());
        let opening = signer.facts(bench.now(), 1);
        let connection = Credential::Signed(SignedRequest::message(opening.clone()));
        for _ in 0..3 {
            assert!(check(&bench, &connection).await.is_ok());
            bench.wait(Duration::from_secs(1_000));
        }
        // Whoever has recorded the opening opens nothing with it.
        assert_eq!(shown(&bench, &opening).await.unwrap_err(), refused(Refusal::Created));
        let deny = r#"{"version":"1","default_allow":false,"permissions":{}}"#;
        for (document, allowed) in
            [(deny, false), (r#"{"version":"1","default_allow":true,"permissions":{}}"#, true)]
        {
            let update = UpdateServiceKey {
                chain: chain(),
                permissions: Some(super::document(document)),
                ..UpdateServiceKey::of(new.key.id.clone())
            };
            bench.ask(&Credential::Operator, update).await.unwrap();
            assert_eq!(check(&bench, &connection).await.is_ok(), allowed);
        }
        let public_key = new.key.public_key.map(|_| match MessageSigner::public(2) {
            SignsWith::Ed25519 { public_key } => public_key,
            _ => unreachable!(),
        });
        let overlap = Duration::from_secs(60);
        let rotate = RotateServiceKey { chain: chain(), id: new.key.id.clone(), public_key, overlap };
        let rotated = bench.ask(&Credential::Operator, rotate).await.unwrap();
        assert!(check(&bench, &connection).await.is_ok());
        bench.wait(overlap + Duration::from_millis(1));
        assert_eq!(check(&bench, &connection).await.unwrap_err(), NOT_SIGNED);
        let signer = MessageSigner::of(&rotated, 2);
        let connection = signer.credential(bench.now(), 2);
        assert!(check(&bench, &connection).await.is_ok());
        let delete = DeleteServiceKey { chain: chain(), id: new.key.id.clone() };
        bench.ask(&Credential::Operator, delete).await.unwrap();
        assert_eq!(check(&bench, &connection).await.unwrap_err(), NOT_SIGNED);
    }
}

/// A-MAC-02 across a restart: the fence and the rows hold for messages as for requests with DC1-HMAC.
#[actix_rt::test]
async fn a_restart_takes_no_nonce_twice() {
    let (mut bench, root) = start(Limits::default()).await;
    let [signer, _] = both(&bench, &root).await;
    let before_start = EngineError::SignatureRefused { fault: SignatureFault::BeforeStart };
    bench.wait(Duration::from_secs(60));
    let by_row = signer.facts(bench.now(), 0);
    let by_memory = signer.facts(bench.now(), 1);
    let ahead = signer.facts(bench.now().saturating_add(Duration::from_secs(50)), 2);
    for facts in [&by_row, &by_memory, &ahead] {
        assert!(shown(&bench, facts).await.is_ok());
    }
    let rows = async |bench: &Bench| {
        bench.rows().await.iter().filter(|(key, _)| key.as_bytes().starts_with(b"CS")).count()
    };
    assert_eq!(rows(&bench).await, 2);
    bench.restart().await;
    for (facts, refusal) in [(&by_row, &before_start), (&by_memory, &before_start), (&ahead, &REPLAYED)] {
        assert_eq!(shown(&bench, facts).await.as_ref().unwrap_err(), refusal);
    }
    bench.wait(Duration::from_secs(2));
    assert!(check(&bench, &signer.credential(bench.now(), 3)).await.is_ok());
    assert_eq!(shown(&bench, &ahead).await.unwrap_err(), REPLAYED);
    // Rows go when nobody could use them any more, and not before.
    bench.wait(Duration::from_secs(50 + 300 + 58));
    bench.ask(&Credential::Operator, CreateChain::default()).await.unwrap();
    bench.sweep().await;
    assert_eq!(rows(&bench).await, 1);
    bench.wait(Duration::from_secs(3));
    bench.ask(&Credential::Operator, CreateChain::default()).await.unwrap();
    bench.sweep().await;
    assert_eq!(rows(&bench).await, 0);
}

/// With a shared store a nonce is a row; of two keys each has nonces of its own.
#[actix_rt::test]
async fn with_a_shared_store_a_nonce_is_a_row() {
    let (mut bench, root) = start(Limits { signatures_shared: true, ..Limits::default() }).await;
    let signers = both(&bench, &root).await;
    let facts: Vec<MessageFacts> = signers.iter().map(|signer| signer.facts(bench.now(), 7)).collect();
    for facts in &facts {
        assert!(shown(&bench, facts).await.is_ok());
        assert_eq!(shown(&bench, facts).await.unwrap_err(), REPLAYED);
    }
    bench.restart().await;
    for facts in &facts {
        assert_eq!(shown(&bench, facts).await.unwrap_err(), REPLAYED);
    }
    // A write as well, and what the caller may not do has spent its nonce.
    let create = || CreateServiceKey::default();
    let denied = EngineError::EndpointRefused { endpoint: "create_api_key" };
    let facts = signers[0].facts(bench.now(), 8);
    let ask = async |facts: &MessageFacts| {
        bench.ask(&Credential::Signed(SignedRequest::message(facts.clone())), create()).await.unwrap_err()
    };
    assert_eq!(ask(&facts).await, denied);
    assert_eq!(ask(&facts).await, REPLAYED);
}
