//! What is peculiar to people over HTTP: who need not sign in, how often an address may try, what a body is.

use strongroom_engine::{
    Credential,
    domains::realms::{ConfiguredRealm, SignUp, SyncConfiguredRealms},
    testing::keys::{PUBLIC_KEY, wrap},
};
use strongroom_primitives::id::RealmId;

use super::*;
use crate::{
    PeopleOptions, PeopleRates,
    native::{Caller, people::People},
    rates::Counted,
};

/// A wrapped key as text.
fn wrapped(generation: u32, plain: &str) -> String {
    String::from_utf8(wrap(generation, plain).to_vec()).unwrap()
}

impl Desk {
    /// A server where people can sign up, as often as `rates` say.
    async fn for_people(rates: PeopleRates) -> Self {
        let mut desk = Self::new().await;
        let people = PeopleOptions { rates, ..PeopleOptions::default() };
        let of = |realm: &RealmId, sign_up| ConfiguredRealm {
            realm: realm.clone(),
            rights: strongroom_engine::Rights::NONE,
            sign_up,
            keys: Vec::new(),
        };
        let realms = vec![of(&people.users_realm, SignUp::Reserved), of(&people.vault_realm, SignUp::Closed)];
        let sync = SyncConfiguredRealms { realms };
        desk.bench.engine.handle().ask(Credential::Operator, sync).await.unwrap();
        desk.bench.front = desk.bench.front.clone().with_people(people);
        desk
    }

    /// Asks without a credential, from an address.
    async fn ask_from(&self, address: &str, method: &str, target: &str, body: &str) -> Answer {
        let headers = if body.is_empty() { vec![] } else { vec![JSON] };
        let mut request = request(method.parse().unwrap(), target, &headers, body);
        request.peer.address = Some(address.parse().unwrap());
        let Response { status, headers, body } = self.router.answer(&self.bench.front, request).await;
        Answer { status: status.as_u16(), headers, body: serde_json::from_slice(&body).unwrap() }
    }
}

#[actix_rt::test]
async fn what_comes_before_signing_in_asks_for_no_credential_and_refuses_a_bad_one() {
    let desk = Desk::for_people(PeopleRates::default()).await;
    let expected = [
        ("/v1/service", 200),
        ("/v1/realms", 200),
        ("/v1/users/names", 200),
        ("/v1/users", 422),
        ("/v1/users/challenge", 200),
        ("/v1/users/session", 422),
        ("/v1/admission/spend", 400),
        ("/v1/vault/users", 422),
        ("/v1/vault/session", 422),
    ];
    for ((method, target), (same, status)) in OPEN_ROUTES.iter().zip(expected) {
        assert_eq!(*target, same);
        let answer = desk.ask_from("192.0.2.1", method, target, body_for(method, target)).await;
        assert_eq!(answer.status, status, "{method} {target}: {:?}", code(&answer));
    }
    let service = desk.ask_from("192.0.2.1", "GET", "/v1/service", "").await;
    assert_eq!(service.body, json!({ "users_realm": "users", "vault_audience": "users-vault" }));
    let stale = "srt_0000000000000000000000000000000000000000000";
    let stale = desk.ask_as(stale, "POST", "/v1/users/names", &[], "").await;
    assert_eq!(code(&stale), (401, "credential-invalid"));
}

/// Rates are of an address, or of its network, and each kind of request has its own.
#[actix_rt::test]
async fn an_address_that_tries_too_often_is_told_to_wait() {
    let rates = PeopleRates { sign_ins_per_minute: 2, sign_ups_per_minute: 1, vault_sign_ins_per_minute: 1 };
    let desk = Desk::for_people(rates).await;
    let refused = async |address: &str, target: &str| {
        let answer = desk.ask_from(address, "POST", target, body_for("POST", target)).await;
        if answer.status == 429 {
            assert_eq!(code(&answer).1, "too-many-requests");
            let wait: u64 = answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
        }
        answer.status == 429
    };
    for (target, allowed) in [
        ("/v1/users/names", 1),
        ("/v1/users", 0),
        ("/v1/vault/users", 0),
        ("/v1/users/challenge", 2),
        ("/v1/users/session", 2),
        ("/v1/vault/session", 1),
    ] {
        for _ in 0..allowed {
            assert!(!refused("2001:db8::1", target).await, "{target}");
        }
        assert!(refused("2001:db8::2", target).await, "{target}");
        if allowed > 0 {
            assert!(!refused("192.0.2.1", target).await, "{target}: somebody else");
        }
    }
    let service = desk.ask_from("2001:db8::1", "GET", "/v1/service", "").await;
    assert_eq!(service.status, 200, "what costs nothing has no rate");
    let nowhere = People::new(PeopleOptions { rates, ..PeopleOptions::default() });
    assert!((0..9).all(|_| nowhere.spend(Counted::SignUp, None).is_ok()), "without an address");
}

/// A-HTTP-11.
#[actix_rt::test]
async fn a_body_is_the_document_of_its_path_and_names_no_realm() {
    let desk = Desk::for_people(PeopleRates::NONE).await;
    let proof = r#"{"username":"ann","client_public":"QQ==","proof":"TQ==""#;
    for (target, body) in [
        ("/v1/users/names", "{}"),
        ("/v1/users", r#"{"username":"ann","salt":"cw==","verifier":"dg==","realm":"other"}"#),
        ("/v1/users/challenge", r#"{"username":"ann","client_public":"41"}"#),
        ("/v1/users/session", &format!("{proof},\"life_s\":0}}")),
        ("/v1/users/session", &format!("{proof},\"life_s\":2592001}}")),
        ("/v1/vault/session", r#"{"public_key":"PEM","life_s":-1}"#),
        ("/v1/admission/spend", r#"{"token":null,"audience":"x"}"#),
    ] {
        let answer = desk.ask_from("192.0.2.1", "POST", target, body).await;
        assert_eq!(code(&answer), (400, "bad-request"), "{target} {body}");
    }
}

#[actix_rt::test]
async fn wrapped_keys_and_pem_come_back_as_they_were_sent() {
    let desk = Desk::new().await;
    let kek = wrapped(0, "kek");
    let set = desk.ask("PUT", "/v1/kek", &[], &json!({ "wrapped": kek }).to_string()).await;
    assert_eq!((set.status, &set.body["wrapped"]), (200, &json!(kek)));
    assert_eq!((&set.body["generation"], &set.body["keys"]), (&json!(1), &json!(0)));
    let again = desk.ask("PUT", "/v1/kek", &[], &json!({ "wrapped": kek }).to_string()).await;
    assert_eq!(code(&again), (409, "kek-exists"));
    let plain = desk.ask("POST", "/v1/deks", &[], r#"{"wrapped":"canary"}"#).await;
    assert_eq!(code(&plain), (422, "wrapped-key-malformed"));
    assert!(!plain.body.to_string().contains("canary"), "{}", plain.body);

    let metadata = "{ \"made\" : [1e2] }";
    let pair = json!({
        "public_key": PUBLIC_KEY,
        "wrapped_private_key": wrapped(1, "private"),
        "external_identifiers": ["auth/1"],
        "metadata": metadata,
        "generation": 1,
    });
    let made = desk.ask("POST", "/v1/keypairs", &[], &pair.to_string()).await;
    assert_eq!((made.status, &made.body["public_key"]), (200, &json!(PUBLIC_KEY)), "{}", made.body);
    assert_eq!(made.body["metadata"], metadata);
    let found = desk.ask("GET", "/v1/keypairs/named/auth%2F1", &[], "").await;
    assert_eq!(found.body, made.body);
    let at = format!("/v1/keypairs/{}", made.body["id"].as_str().unwrap());
    let renamed = desk.ask("PATCH", &at, &[], r#"{"external_identifiers":[]}"#).await;
    assert_eq!(renamed.body["external_identifiers"], json!([]));
    assert_eq!(renamed.body["metadata"], metadata, "what is not named stays");

    let nine_deep = format!("{}1{}", r#"{"a":"#.repeat(9), "}".repeat(9));
    for bad in ["", "canary", "[]", "{\"a\":1,\"a\":2}", &nine_deep] {
        let answer = desk.ask("PATCH", &at, &[], &json!({ "metadata": bad }).to_string()).await;
        assert_eq!(code(&answer), (400, "bad-request"), "{bad}");
        assert!(!answer.body.to_string().contains("canary"));
    }
    assert_eq!(desk.ask("DELETE", &at, &[], "").await.status, 204);
    assert_eq!(code(&desk.ask("GET", &at, &[], "").await), (404, "unknown-key"));
}

/// Whoever gives a session no name knows it by their program's.
#[actix_rt::test]
async fn a_session_without_a_label_goes_by_the_user_agent() {
    let bench = Desk::new().await.bench;
    let label = |agent, given: &str| {
        let caller = Caller { address: None, agent };
        let asking = Credential::Anonymous.into();
        crate::native::Desk { front: &bench.front, caller, asking }.label(given.to_owned())
    };
    assert_eq!(label(Some("phone/1.0"), ""), "phone/1.0");
    assert_eq!(label(Some("phone/1.0"), "laptop"), "laptop");
    assert_eq!(label(None, ""), "");
}
