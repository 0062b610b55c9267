//! Chains and service keys, as the operator asks for them, as others are refused, and in memory.

use std::cell::Cell;

use futures_util::{SinkExt, StreamExt};
use strongroom_engine::{Asking, Credential, domains::service_keys::SignedRequest, testing::signing::Signer};
use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    secret::SecretText,
};
use strongroom_wire::{Encoding, NewChain, NewServiceKey, Operation, Reply};

use super::*;
use crate::{
    memory::connect,
    native::{answer_operator, dispatch},
};

const CHAIN: &str = "sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4";
const LOOKING: &str = r#"{"version":"1","default_allow":false,"permissions":{"allow_read":true}}"#;
const EVERYTHING: &str = r#"{"default_allow":true,"permissions":{},"version":"1"}"#;

/// What the operator's listener does with a request.
async fn operator(bench: &Bench, method: &str, rest: &str, more: &[&str], body: &str) -> Answer {
    let mut headers = more.to_vec();
    if !body.is_empty() {
        headers.push(JSON);
    }
    let request = request(method.parse().unwrap(), rest, &headers, body);
    let Response { status, headers, body } = answer_operator(&bench.front, &request.path, &request).await;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    Answer { status: status.as_u16(), headers, body }
}

/// A-MAC-08: what makes a secret shows it, and nothing else does.
#[actix_rt::test]
async fn the_operator_makes_chains_and_keys_and_sees_each_secret_once() {
    let bench = Bench::encrypted().await;
    let ask = async |method: &str, rest: &str, body: &str| operator(&bench, method, rest, &[], body).await;
    let root = ask("POST", "/chains", "").await;
    assert_eq!(root.status, 200);
    let (chain, first) = (root.body["chain"].as_str().unwrap(), root.body["secret"].as_str().unwrap());
    let again = ask("POST", "/chains", &json!({ "id": chain }).to_string()).await;
    assert_eq!(code(&again), (409, "chain-exists"));

    let new = json!({ "chain": chain, "nickname": "lamp", "permissions": LOOKING }).to_string();
    let made = ask("POST", "/service-keys", &new).await;
    let (id, secret) = (made.body["key"]["id"].as_str().unwrap(), made.body["secret"].as_str().unwrap());
    let one = format!("/service-keys/{id}?chain={chain}");
    let shown = ask("GET", &one, "").await;
    assert_eq!((&shown.body, &shown.body["nickname"]), (&made.body["key"], &json!("lamp")));
    let document: Value = serde_json::from_str(shown.body["permissions"].as_str().unwrap()).unwrap();
    assert_eq!(document, serde_json::from_str::<Value>(LOOKING).unwrap());

    let list = ask("GET", &format!("/service-keys?chain={chain}"), "").await;
    let keys = list.body["service_keys"].as_array().unwrap();
    assert_eq!(keys.iter().filter(|key| key["root"] == true).count(), 1);
    let rotated = ask(
        "POST",
        &format!("/service-keys/{id}/rotate"),
        &json!({ "chain": chain, "overlap_s": 60 }).to_string(),
    )
    .await;
    assert_ne!(rotated.body["secret"], secret);
    assert!(rotated.body["key"]["overlap_until"].is_u64());
    let change = json!({ "chain": chain, "nickname": "", "permissions": EVERYTHING, "expires": 4_000_000_000_000_u64 });
    let changed = ask("PATCH", &format!("/service-keys/{id}"), &change.to_string()).await.body;
    assert_eq!((&changed["nickname"], &changed["permissions"]), (&json!(""), &json!(EVERYTHING)));
    assert_eq!(changed["expires"], 4_000_000_000_000_u64);
    let endless = json!({ "chain": chain, "expires": null }).to_string();
    assert!(ask("PATCH", &format!("/service-keys/{id}"), &endless).await.body.get("expires").is_none());

    let named = json!({ "root": "OTHER", "secret": "0123456789abcdef0123456789abcdef" }).to_string();
    let replaced = ask("POST", &format!("/chains/{chain}/root-key"), &named).await.body;
    assert_eq!(
        (&replaced["id"], &replaced["secret"]),
        (&json!("OTHER"), &json!("0123456789abcdef0123456789abcdef"))
    );
    let chains = ask("GET", "/chains", "").await.body;
    assert_eq!((&chains["chains"][0]["root"], &chains["chains"][0]["keys"]), (&json!("OTHER"), &json!(2)));
    for answer in [&shown.body, &list.body, &changed, &chains] {
        let text = answer.to_string();
        assert!(!text.contains(secret) && !text.contains(first), "{text}");
    }

    assert_eq!(ask("DELETE", &one, "").await.status, 204);
    assert_eq!(code(&ask("GET", &one, "").await), (404, "unknown-service-key"));
    let elsewhere = ask("GET", &format!("/service-keys?chain={CHAIN}"), "").await;
    assert_eq!(code(&elsewhere), (404, "unknown-chain"));
    assert_eq!(
        code(&ask("GET", "/service-keys", "").await),
        (404, "unknown-chain"),
        "the operator says which"
    );
    assert_eq!(
        code(&ask("DELETE", &format!("/service-keys/OTHER?chain={chain}"), "").await),
        (403, "root-key-refused")
    );
}

/// An answer that was lost on the way is had again: no secret is drawn that nobody has seen.
#[actix_rt::test]
async fn a_secret_is_answered_again_under_the_same_idempotency_key() {
    let bench = Bench::encrypted().await;
    let key = ["idempotency-key: 000102030405060708090a0b0c0d0e0f"];
    let body = json!({ "id": CHAIN }).to_string();
    let first = operator(&bench, "POST", "/chains", &key, &body).await;
    assert_eq!(operator(&bench, "POST", "/chains", &key, &body).await.body, first.body);
    let rest = format!("/chains/{CHAIN}/root-key");
    let key = ["idempotency-key: 010102030405060708090a0b0c0d0e0f"];
    let second = operator(&bench, "POST", &rest, &key, "").await;
    assert_ne!(second.body["secret"], first.body["secret"]);
    assert_eq!(operator(&bench, "POST", &rest, &key, "").await.body, second.body);
}

#[actix_rt::test]
async fn what_is_no_key_or_no_document_is_refused_by_name() {
    let bench = Bench::encrypted().await;
    let post = async |rest: &str, body: Value| operator(&bench, "POST", rest, &[], &body.to_string()).await;
    assert_eq!(post("/chains", json!({ "id": CHAIN })).await.status, 200);
    for (permissions, told) in [
        ("", "JSON"),
        ("[]", "the document is not an object"),
        (r#"{"version":"1","default_allow":true}"#, "permissions is missing"),
        (r#"{"version":"2","default_allow":true,"permissions":{}}"#, "version is not \"1\""),
        (r#"{"version":"1","version":"1","default_allow":true,"permissions":{}}"#, ""),
    ] {
        let answer = post("/service-keys", json!({ "chain": CHAIN, "permissions": permissions })).await;
        assert_eq!(code(&answer), (422, "permissions-invalid"), "{permissions}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(told), "{permissions}: {detail}");
        let body = json!({ "chain": CHAIN, "permissions": permissions }).to_string();
        let changed = operator(&bench, "PATCH", "/service-keys/KEY", &[], &body).await;
        assert_eq!(code(&changed), (422, "permissions-invalid"), "{permissions}");
    }
    for secret in ["short".to_owned(), "x".repeat(257), format!("{}\n", "x".repeat(40))] {
        let answer = post("/chains", json!({ "secret": secret })).await;
        assert_eq!(code(&answer), (422, "service-secret-invalid"), "{secret:?}");
        assert!(!answer.body.to_string().contains("xxx"), "{:?}", answer.body);
    }
    for body in [json!({ "id": "0l" }), json!({ "root": "small" }), json!({ "key": 1 }), json!([])] {
        assert_eq!(code(&post("/chains", body.clone()).await), (400, "bad-request"), "{body}");
    }
    let reserved = post("/chains", json!({ "root": "SC_ROOT" })).await;
    assert_eq!(code(&reserved), (403, "reserved-key-refused"));
    let negative = post("/service-keys/KEY/rotate", json!({ "chain": CHAIN, "overlap_s": -1 })).await;
    assert_eq!(code(&negative), (400, "bad-request"));
}

/// A-ADM-01: the operator has no account, and nothing of anybody's is reached through their listener.
#[actix_rt::test]
async fn the_operator_is_answered_about_chains_and_keys_only() {
    let bench = Bench::encrypted().await;
    for (method, rest) in [
        ("GET", "/session"),
        ("GET", "/records"),
        ("GET", "/service"),
        ("POST", "/users/names"),
        ("GET", "/service-keys/self"),
        ("GET", "/nowhere"),
    ] {
        assert_eq!(code(&operator(&bench, method, rest, &[], "").await), (404, "unknown-path"), "{rest}");
    }
    let wrong = operator(&bench, "DELETE", "/chains", &[], "").await;
    assert_eq!((wrong.status, wrong.headers[header::ALLOW].to_str().unwrap()), (405, "GET, POST"));
}

/// A-KEY-01: an account is not the operator, and no service key.
#[actix_rt::test]
async fn an_account_reaches_no_chain() {
    let desk = Desk::new().await;
    for (method, target) in [
        ("GET", "/v1/chains"),
        ("POST", "/v1/chains"),
        ("POST", "/v1/chains/abc/root-key"),
        ("GET", "/v1/service-keys?chain=abc"),
        ("POST", "/v1/service-keys"),
        ("GET", "/v1/service-keys/KEY"),
        ("PATCH", "/v1/service-keys/KEY"),
        ("DELETE", "/v1/service-keys/KEY"),
        ("POST", "/v1/service-keys/KEY/rotate"),
        ("GET", "/v1/service-keys/self"),
    ] {
        let answer = desk.ask(method, target, &[], body_for(method, target)).await;
        assert_eq!(code(&answer), (401, "credential-invalid"), "{method} {target}");
    }
}

#[actix_rt::test]
async fn a_store_that_is_not_encrypted_takes_no_chain() {
    let bench = Bench::new().await;
    let refused = operator(&bench, "POST", "/chains", &[], "").await;
    assert_eq!(code(&refused), (403, "store-not-encrypted"));
    assert_eq!(operator(&bench, "GET", "/chains", &[], "").await.body, json!({ "chains": [] }));
}

#[actix_rt::test]
async fn a_link_in_memory_that_is_the_operators_takes_questions_at_once() {
    let bench = Bench::encrypted().await;
    let mut link = connect(&bench.front, Some(Credential::Operator), Encoding::Json);
    let mut say = async |frame: Value| {
        link.send(frame.to_string().into()).await.unwrap();
        serde_json::from_slice::<Value>(&link.next().await.unwrap()).unwrap()
    };
    let made = say(json!({ "ask": { "id": 1, "do": { "chains.create": { "id": CHAIN } } } })).await;
    assert_eq!(made["answer"]["reply"]["root_key"]["chain"], CHAIN);
    let key = say(json!({ "ask": { "id": 2, "do": { "service_keys.create": { "chain": CHAIN } } } })).await;
    assert!(key["answer"]["reply"]["service_key_made"]["secret"].is_string(), "{key}");
    let me = say(json!({ "ask": { "id": 3, "do": { "session.whoami": {} } } })).await;
    assert_eq!(me["problem"]["problem"]["code"], "credential-invalid", "nobody's account");
    let feed = say(json!({ "subscribe": { "id": 4, "subscription": 1 } })).await;
    assert_eq!(feed["problem"]["problem"]["code"], "credential-invalid");
    let twice = say(json!({ "hello": { "authorization": "Bearer srt_x" } })).await;
    assert_eq!(twice["problem"]["problem"]["code"], "signed-in-already");
}

/// A-MAC-02, A-KEY-01: the credential that a request came with is what the engine judges: once, and for its own chain.
#[actix_rt::test]
async fn a_service_key_asks_about_its_own_chain_without_naming_it() {
    let bench = Bench::encrypted().await;
    let chain_of = async |id: &str| {
        let root = operator(&bench, "POST", "/chains", &[], &json!({ "id": id }).to_string()).await.body;
        let text = |name: &str| root[name].as_str().unwrap().to_owned();
        let secret = SecretText::new(text("secret"));
        Signer { chain: ChainId::new(id).unwrap(), id: KeyId::new(&text("id")).unwrap(), secret }
    };
    let (root, other) = (chain_of(CHAIN).await, chain_of("abc").await);
    let drawn = Cell::new(0);
    let signed = |signer: &Signer| {
        drawn.set(drawn.get() + 1);
        Asking::from(signer.credential(bench.engine.handle().now(), drawn.get()))
    };
    let ask = async |asking: Asking, operation: Operation| {
        let answer = dispatch(&bench.front, Default::default(), asking, operation).await;
        answer.map_err(|problem| problem.code.as_str().to_owned())
    };
    let Ok(Reply::ServiceKeyInUse(me)) = ask(signed(&root), Operation::ServiceKeyInUse {}).await else {
        panic!("the root key may")
    };
    assert_eq!((&me.chain, &me.id, me.root, me.expires), (&root.chain, &root.id, true, None));
    let facts = root.facts(bench.engine.handle().now(), 999);
    let arrived = || Asking::from(Credential::Signed(SignedRequest::dc1(facts.clone())));
    assert!(ask(arrived(), Operation::ServiceKeyInUse {}).await.is_ok());
    let again = ask(arrived(), Operation::ServiceKeyInUse {}).await;
    assert_eq!(again.unwrap_err(), "signature-refused", "a signature is taken once");

    let new = NewServiceKey { permissions: Some(LOOKING.to_owned()), ..NewServiceKey::default() };
    let Ok(Reply::ServiceKeyMade(made)) =
        ask(signed(&root), Operation::CreateServiceKey(Box::new(new))).await
    else {
        panic!("the root key may")
    };
    let lamp = Signer { chain: root.chain.clone(), id: made.key.id.clone(), secret: made.secret.unwrap().0 };
    let Ok(Reply::ServiceKeys(list)) = ask(signed(&lamp), Operation::ListServiceKeys { chain: None }).await
    else {
        panic!("it may look")
    };
    assert_eq!(list.service_keys.len(), 2);
    let refused = [
        (Operation::CreateServiceKey(Box::default()), "endpoint-refused"),
        (
            Operation::RotateServiceKey { chain: None, id: root.id.clone(), public_key: None, overlap_s: 0 },
            "endpoint-refused",
        ),
        (Operation::DeleteServiceKey { chain: None, id: lamp.id.clone() }, "endpoint-refused"),
        (Operation::ListServiceKeys { chain: Some(other.chain) }, "unknown-chain"),
        (Operation::ListChains {}, "credential-invalid"),
        (Operation::CreateChain(NewChain::default()), "credential-invalid"),
        (Operation::RotateRoot { chain: root.chain, root: None, secret: None }, "credential-invalid"),
        (Operation::Whoami {}, "credential-invalid"),
    ];
    for (operation, told) in refused {
        assert_eq!(ask(signed(&lamp), operation.clone()).await.unwrap_err(), told, "{operation:?}");
    }
}
