//! Requests signed by RFC 9421, as an engine takes them. Source: `SIGNING.md`.

use std::{sync::Arc, time::Duration};

use strongroom_primitives::{
    dc1,
    dc1::{KeyId, permissions::Endpoint},
    http_signatures::{Algorithm, Refusal},
    secret::SecretText,
};

use crate::{
    Change, Credential, EngineError, Limits,
    domains::service_keys::{
        CheckServiceKey, CreateChain, CreateServiceKey, DeleteServiceKey, GetServiceKey, KeyInUse, KeyKind,
        MessageFacts, NewServiceKey, RootKey, SignatureFault, SignedRequest, SignsWith, UpdateServiceKey,
    },
    testing::{
        bench::Bench,
        messages::{MessageSigner, message},
        signing::Signer,
    },
};

const CHECK: CheckServiceKey = CheckServiceKey { endpoint: Endpoint::GET_STATUS };
pub(super) const REPLAYED: EngineError = EngineError::SignatureRefused { fault: SignatureFault::Replayed };
pub(super) const NOT_SIGNED: EngineError = refused(Refusal::Signature);

pub(super) const fn refused(refusal: Refusal) -> EngineError {
    EngineError::SignatureRefused { fault: SignatureFault::Message(refusal) }
}

pub(super) async fn start(limits: Limits) -> (Bench, RootKey) {
    let bench = Bench::encrypted(limits).await;
    let root = bench.ask(&Credential::Operator, CreateChain::default()).await.unwrap();
    (bench, root)
}

pub(super) async fn made(
    bench: &Bench,
    root: &RootKey,
    signs_with: SignsWith,
) -> (NewServiceKey, MessageSigner) {
    let create =
        CreateServiceKey { chain: Some(root.chain.clone()), signs_with, ..CreateServiceKey::default() };
    let new = bench.ask(&Credential::Operator, create).await.unwrap();
    let signer = MessageSigner::of(&new, 1);
    (new, signer)
}

/// A key of each kind that signs messages.
pub(super) async fn both(bench: &Bench, root: &RootKey) -> [MessageSigner; 2] {
    [made(bench, root, SignsWith::HmacSha256).await.1, made(bench, root, MessageSigner::public(1)).await.1]
}

pub(super) async fn check(bench: &Bench, credential: &Credential) -> Result<KeyInUse, EngineError> {
    bench.ask(credential, CHECK.clone()).await
}

pub(super) async fn shown(bench: &Bench, facts: &MessageFacts) -> Result<KeyInUse, EngineError> {
    check(bench, &Credential::Signed(SignedRequest::message(facts.clone()))).await
}

/// The same facts with text of their signature's parameters replaced.
fn altered(facts: &MessageFacts, from: &str, to: &str) -> MessageFacts {
    let mut facts = facts.clone();
    let (_, input) = facts.fields.iter_mut().find(|(name, _)| name == "signature-input").unwrap();
    assert!(input.contains(from), "{input}");
    *input = input.replace(from, to);
    facts
}

fn with_field(facts: &MessageFacts, name: &str, value: &str) -> MessageFacts {
    let mut facts = facts.clone();
    facts.fields.retain(|(other, _)| other != name);
    facts.fields.push((name.to_owned(), value.to_owned()));
    facts
}

/// A-MAC-01, A-MAC-02, A-MAC-05: one message is good, once; everything that it covers is signed, and so is its body.
#[actix_rt::test]
async fn what_was_signed_is_taken_once_and_nothing_like_it() {
    let (bench, root) = start(Limits::default()).await;
    for signer in both(&bench, &root).await {
        let good = signer.facts(bench.now(), 1);
        let created = format!("created={}", bench.now().as_s());
        let later = format!("created={}", bench.now().as_s() + 1);
        let other: Arc<[String]> = ["keys.example".to_owned(), "other.example".to_owned()].into();
        let changed = [
            MessageFacts { method: "PUT".to_owned(), ..good.clone() },
            MessageFacts { path: "/v1/key".to_owned(), ..good.clone() },
            MessageFacts { query: None, ..good.clone() },
            MessageFacts { query: Some("x=2".to_owned()), ..good.clone() },
            MessageFacts { names: other, authority: "other.example".to_owned(), ..good.clone() },
            with_field(&good, "content-type", "text/plain"),
            with_field(&good, "content-digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
            with_field(&good, "signature", "sig=:AAAA:"),
            with_field(&good, "signature", "sig=::"),
            altered(&good, "nonce-0000000001", "nonce-0000000002"),
            altered(&good, &created, &later),
        ];
        for (at, facts) in changed.iter().enumerate() {
            assert_eq!(shown(&bench, facts).await.unwrap_err(), NOT_SIGNED, "case {at}");
        }
        let body = MessageFacts { body: "{ }".into(), ..good.clone() };
        assert_eq!(shown(&bench, &body).await.unwrap_err(), refused(Refusal::Digest));
        assert_eq!(shown(&bench, &good).await.unwrap().id, signer.id);
        for _ in 0..3 {
            assert_eq!(shown(&bench, &good).await.unwrap_err(), REPLAYED);
        }
        // Another message with a nonce that was used is a replay, too: a nonce is used once.
        let again = signer.sign(message(""), bench.now(), 1, None);
        assert_eq!(shown(&bench, &again).await.unwrap_err(), REPLAYED);
        assert!(shown(&bench, &signer.sign(message(""), bench.now(), 2, None)).await.is_ok());
    }
}

/// A-HTTP-08 and the profile: what is refused whoever has signed it is told by itself, the first of it.
#[actix_rt::test]
async fn what_breaks_the_profile_is_told() {
    let (bench, root) = start(Limits::default()).await;
    let [signer, _] = both(&bench, &root).await;
    let now = bench.now();
    let good = signer.facts(now, 1);
    let elsewhere = MessageFacts { authority: "evil.example".to_owned(), ..good.clone() };
    let nameless = MessageFacts { names: [].into(), ..good.clone() };
    let lasting = |s| signer.sign(message("{}"), now, 1, Some(now.saturating_add(Duration::from_secs(s))));
    for (facts, refusal) in [
        (message("{}"), Refusal::NoSignature),
        (altered(&good, "tag=\"strongroom\"", "tag=\"other\""), Refusal::NoSignature),
        (altered(&good, "hmac-sha256", "none"), Refusal::Algorithm),
        (altered(&good, "hmac-sha256", "HMAC-SHA256"), Refusal::Algorithm),
        (altered(&good, " \"@query\"", ""), Refusal::NotCovered("@query")),
        (elsewhere, Refusal::Authority),
        (nameless, Refusal::Authority),
        (lasting(301), Refusal::Expires),
    ] {
        assert_eq!(shown(&bench, &facts).await.unwrap_err(), refused(refusal));
    }
    assert!(shown(&bench, &lasting(300)).await.is_ok());
    let bare = MessageFacts { fields: message("").fields, ..message("{}") };
    let uncovered = signer.sign(MessageFacts { body: "".into(), ..bare }, now, 2, None);
    let uncovered = MessageFacts { body: "{}".into(), ..uncovered };
    assert_eq!(shown(&bench, &uncovered).await.unwrap_err(), refused(Refusal::NotCovered("content-digest")));
}

/// A-MAC-04: a key signs in the manner of its kind, and in every other it is a key that there is not.
#[actix_rt::test]
async fn a_key_is_good_for_its_own_kind_only() {
    let (bench, root) = start(Limits::default()).await;
    let unknown = MessageSigner::of_secret(&KeyId::new("NOSUCHKEYXYZ").unwrap(), b"x");
    let (hmac, by_hmac) = made(&bench, &root, SignsWith::HmacSha256).await;
    let (ed25519, by_ed25519) = made(&bench, &root, MessageSigner::public(1)).await;
    let (dc1, _) = made(&bench, &root, SignsWith::Dc1Hmac).await;
    // The public key as a shared secret; a secret's key under the other algorithm; keys of DC1 as keys of messages.
    let public_as_secret = MessageSigner::of_secret(&ed25519.key.id, &ed25519.key.public_key.unwrap());
    let seed_for_secret = MessageSigner::of_seed(&hmac.key.id, 1);
    let secret = |new: &NewServiceKey| new.secret.clone().unwrap().expose().clone();
    let dc1_as_hmac = MessageSigner::of_secret(&dc1.key.id, secret(&dc1).expose().as_bytes());
    let root_as_hmac = MessageSigner::of_secret(&root.id, root.secret.expose().expose().as_bytes());
    for signer in [&unknown, &public_as_secret, &seed_for_secret, &dc1_as_hmac, &root_as_hmac] {
        assert_eq!(check(&bench, &signer.credential(bench.now(), 1)).await.unwrap_err(), NOT_SIGNED);
    }
    // The algorithm is signed, and the key's own is the only one.
    for (signer, from, to) in [
        (&by_hmac, Algorithm::HmacSha256, Algorithm::Ed25519),
        (&by_ed25519, Algorithm::Ed25519, Algorithm::HmacSha256),
    ] {
        let renamed = altered(&signer.facts(bench.now(), 2), from.name(), to.name());
        assert_eq!(shown(&bench, &renamed).await.unwrap_err(), NOT_SIGNED);
        assert!(check(&bench, &signer.credential(bench.now(), 3)).await.is_ok());
    }
    // And keys of messages as keys of DC1.
    let chain = || root.chain.clone();
    let mac = EngineError::SignatureRefused { fault: SignatureFault::Header(dc1::Refusal::Mac) };
    let public_text = SecretText::new(String::from_utf8_lossy(&ed25519.key.public_key.unwrap()).into_owned());
    for (id, secret) in [(&hmac.key.id, secret(&hmac)), (&ed25519.key.id, public_text)] {
        let signer = Signer { chain: chain(), id: id.clone(), secret };
        assert_eq!(check(&bench, &signer.credential(bench.now(), 4)).await.unwrap_err(), mac);
    }
    assert_eq!(KeyKind::from(Algorithm::Ed25519), KeyKind::Ed25519);
}

/// A-MAC-06: an unknown key, a known key with another secret, a deleted one, one that has ended, and what cannot be the
/// id of one: one answer.
#[actix_rt::test]
async fn a_key_that_is_none_any_more_is_like_one_that_never_was() {
    let (bench, root) = start(Limits::default()).await;
    let [hmac, ed25519] = both(&bench, &root).await;
    let [deleted, other] = both(&bench, &root).await;
    for signer in [&hmac, &ed25519, &deleted, &other] {
        assert!(check(&bench, &signer.credential(bench.now(), 1)).await.is_ok());
    }
    let end = bench.now().saturating_add(Duration::from_secs(10));
    for signer in [&deleted, &other] {
        let delete = DeleteServiceKey { chain: Some(root.chain.clone()), id: signer.id.clone() };
        bench.ask(&Credential::Operator, delete).await.unwrap();
    }
    for expires in [Change::Set(end), Change::Clear] {
        for signer in [&hmac, &ed25519] {
            let update = UpdateServiceKey {
                chain: Some(root.chain.clone()),
                expires: expires.clone(),
                ..UpdateServiceKey::of(signer.id.clone())
            };
            bench.ask(&Credential::Operator, update).await.unwrap();
        }
        if expires == Change::Clear {
            break;
        }
        bench.wait(Duration::from_secs(10));
        assert_eq!(check(&bench, &ed25519.credential(bench.now(), 2)).await.unwrap().expires, Some(end));
        bench.wait(Duration::from_millis(1));
        let wrong = MessageSigner::of_secret(&hmac.id, b"another secret");
        let wrong_private = MessageSigner::of_seed(&ed25519.id, 2);
        let unknown = KeyId::new("NOSUCHKEYXYZ").unwrap();
        let nobody = [MessageSigner::of_secret(&unknown, b"x"), MessageSigner::of_seed(&unknown, 1)];
        for signer in [&hmac, &ed25519, &deleted, &other, &wrong, &wrong_private].into_iter().chain(&nobody) {
            let answer = check(&bench, &signer.credential(bench.now(), 3)).await;
            assert_eq!(answer.unwrap_err(), NOT_SIGNED, "{}", signer.id);
        }
        for id in ["no key", "lower", "A/B", &"A".repeat(65)] {
            let facts = altered(&hmac.facts(bench.now(), 4), hmac.id.as_str(), id);
            assert_eq!(shown(&bench, &facts).await.unwrap_err(), NOT_SIGNED, "{id}");
        }
    }
    // It goes on where it may go on, as its row says now.
    for signer in [&hmac, &ed25519] {
        assert_eq!(check(&bench, &signer.credential(bench.now(), 5)).await.unwrap().expires, None);
    }
}

/// A-LEAK-01: neither a signature nor what it covers is printed.
#[actix_rt::test]
async fn a_message_prints_nothing() {
    let (bench, root) = start(Limits::default()).await;
    let [signer, _] = both(&bench, &root).await;
    let facts = with_field(&signer.facts(bench.now(), 1), "authorization", "Bearer canary");
    let credential = Credential::Signed(SignedRequest::message(facts));
    assert_eq!(format!("{credential:?}"), "Signed(SignedRequest(2 body bytes))");
    assert!(check(&bench, &credential).await.is_ok());
    let get = GetServiceKey { chain: None, id: signer.id.clone() };
    assert_eq!(bench.ask(&credential, get).await.unwrap().id, signer.id);
}
