//! The story of a person and a machine that holds one of their API keys.

use strongroom_client::{
    Client, Content, ErrorKind, Put,
    api_keys::{ApiKeyChange, ApiKeyCredential, ApiKeyError, ApiKeyOptions, KeySignInOptions, OwnerKeys},
    wire::{ApiKeySignIn, Base64Array, Change, Operation, Parent, Reply},
};
use strongroom_primitives::{
    id::SecretId,
    key_login::{Answer, KeyLogin, KeyLoginError},
    nacl::BoxKey,
    secret::SecretText,
    sign::SigningKey,
};

use crate::{
    people::{client_of, refusal, sign_in, sign_up},
    sharing::{a_datastore, a_secret},
    stage::Stage,
};

fn content(value: &'static str) -> Content {
    Content { meta: "meta".into(), value: value.into() }
}

fn code(error: &ApiKeyError) -> &str {
    let ApiKeyError::Client(error) = error else { panic!("{error}") };
    error.problem().expect("in the server's words").code.as_str()
}

async fn read_code(client: &Client) -> String {
    let refused = client.records().get("notes").await.expect_err("a refusal");
    refused.problem().expect("in the server's words").code.as_str().to_owned()
}

/// A-API-08, A-API-12: a machine does what its key allows, from one command to the next.
pub(crate) async fn a_machine_signs_in_with_an_api_key_and_does_what_the_key_allows(stage: &Stage) {
    let username = sign_up(stage, "secret").await;
    let me = client_of(stage, &sign_in(stage, &username, "secret").await.unwrap());
    me.records().put(Put::create("notes", content("mine"))).await.unwrap();
    let owner = OwnerKeys { private_key: [1; 32].into(), secret_key: BoxKey::from_bytes([2; 32]) };
    let wanted =
        ApiKeyOptions { title: "backup".to_owned(), read: true, write: true, ..ApiKeyOptions::default() };
    let made = me.api_keys().create(wanted, &owner).await.unwrap();
    assert_eq!(me.api_keys().list().await.unwrap(), std::slice::from_ref(&made.key));

    let labelled = || KeySignInOptions { label: "cron".to_owned(), ..KeySignInOptions::default() };
    let machine = stage.nobody().sign_in_with_key(&made.credential, labelled()).await.unwrap();
    assert_eq!(machine.account, me.whoami().await.unwrap().account);
    let given = machine.owner(&made.secret_key).unwrap().expect("the owner's keys");
    assert_eq!(given.secret_key.expose(), owner.secret_key.expose());
    assert_eq!(*given.private_key, *owner.private_key);
    let sessions = me.sessions().await.unwrap();
    let seen = sessions.iter().find(|session| session.session == machine.session).expect("its owner sees it");
    assert_eq!((seen.label.as_str(), seen.api_key), ("cron", Some(made.key.id)));

    let records = machine.client.records();
    assert_eq!(records.get("notes").await.unwrap().expect("mine").value.0, "mine");
    records.put(Put::create("report", content("made by night"))).await.unwrap();
    for refused in [
        machine.client.api_keys().list().await.map(drop),
        machine.client.api_keys().update(made.key.id, ApiKeyChange::default()).await.map(drop),
        machine.client.api_keys().create(ApiKeyOptions::default(), &given).await.map(drop),
    ] {
        assert_eq!(code(&refused.unwrap_err()), "api-key-refused", "a key does not make keys");
    }

    let keys = me.api_keys();
    let change = |change| keys.update(made.key.id, change);
    change(ApiKeyChange { write: Some(false), ..ApiKeyChange::default() }).await.unwrap();
    let refused = records.put(Put::create("more", content("x"))).await.unwrap_err();
    assert!(refused.is_problem("api-key-refused"), "{refused}");
    assert!(records.get("notes").await.unwrap().is_some());
    change(ApiKeyChange { restrict: Some(true), ..ApiKeyChange::default() }).await.unwrap();
    assert_eq!(read_code(&machine.client).await, "api-key-refused");
    let narrow = stage.nobody().sign_in_with_key(&made.credential, labelled()).await.unwrap();
    assert!(narrow.owner(&made.secret_key).unwrap().is_none(), "a restricted key gives no keys");

    let now = me.api_keys().list().await.unwrap()[0].created;
    let ended = change(ApiKeyChange { expires: Change::Set(now), ..ApiKeyChange::default() }).await.unwrap();
    assert_eq!(ended.expires, Some(now));
    assert_eq!(read_code(&machine.client).await, "credential-expired");
    let endless = change(ApiKeyChange { expires: Change::Clear, ..ApiKeyChange::default() }).await.unwrap();
    assert_eq!(endless.expires, None);

    me.api_keys().revoke(made.key.id).await.unwrap();
    assert_eq!(read_code(&machine.client).await, "credential-invalid");
    let gone = stage.nobody().sign_in_with_key(&made.credential, labelled()).await.unwrap_err();
    assert_eq!(code(&gone), "login-refused");
    assert_eq!(me.sessions().await.unwrap().len(), 1, "and its sessions with it");
}

/// A-KEY-02: what an API key reaches by itself is its owner's to say, and opens for nobody else.
pub(crate) async fn secrets_are_attached_to_an_api_key_and_detached(stage: &Stage) {
    let me = stage.client("ann").await;
    let owner = OwnerKeys { private_key: [1; 32].into(), secret_key: BoxKey::from_bytes([2; 32]) };
    let made = me.api_keys().create(ApiKeyOptions::default(), &owner).await.unwrap();
    let (store, _) = a_datastore(&me, &owner.secret_key, "").await;
    let (secret, _, _) = a_secret(&me, Parent::Datastore(store), "secret").await;
    let (keys, id) = (me.api_keys(), made.key.id);
    let nowhere = keys.attach(&made.key, SecretId::from_bytes([5; 16]), &[7; 32], "", &owner).await;
    assert_eq!(code(&nowhere.unwrap_err()), "unknown-secret");
    let attach = || keys.attach(&made.key, secret, &[7; 32], "db password", &owner);
    let attachment = attach().await.unwrap();
    assert_eq!(code(&attach().await.unwrap_err()), "already-attached");
    let other = OwnerKeys { secret_key: BoxKey::from_bytes([3; 32]), ..owner.clone() };
    let not_theirs = keys.attach(&made.key, secret, &[7; 32], "", &other).await;
    assert!(
        matches!(not_theirs, Err(ApiKeyError::DoesNotOpen)),
        "nothing is attached that nobody could open"
    );

    let listed = keys.attached(id, &owner).await.unwrap();
    let shown: Vec<_> = listed
        .iter()
        .map(|one| (one.attachment, one.secret, one.title.as_ref().map(SecretText::expose)))
        .collect();
    assert_eq!(shown, [(attachment, secret, Some("db password"))]);
    assert!(keys.attached(id, &other).await.unwrap()[0].title.is_none());

    let bob = stage.client("bob").await;
    assert_eq!(code(&bob.api_keys().attached(id, &owner).await.unwrap_err()), "unknown-api-key");
    assert_eq!(code(&bob.api_keys().detach(attachment).await.unwrap_err()), "unknown-attachment");
    keys.detach(attachment).await.unwrap();
    assert_eq!(code(&keys.detach(attachment).await.unwrap_err()), "unknown-attachment");
    assert!(keys.attached(id, &owner).await.unwrap().is_empty());
}

/// A sign-in as whoever listens on the way sees it.
async fn captured(stage: &Stage, credential: &ApiKeyCredential, drawn: u8) -> (KeyLogin, ApiKeySignIn) {
    let Reply::ApiKeyChallenge(challenge) = stage.nobody().ask(Operation::ChallengeApiKey {}).await.unwrap()
    else {
        panic!("another answer")
    };
    assert_eq!(challenge.server_key.0, *credential.server.as_bytes());
    let key = SigningKey::from_seed(&credential.seed);
    let (id, server, nonce) = (credential.id, credential.server, challenge.nonce);
    let (login, signed) = KeyLogin::start(&key, id, server, &nonce.0, [drawn; 32], Some(60), "");
    let sign_in = ApiKeySignIn {
        api_key: id,
        nonce,
        client_public: Base64Array(signed.client_public),
        server_key: Base64Array(*server.as_bytes()),
        life_s: Some(60),
        label: String::new(),
        signature: Base64Array(signed.signature),
    };
    (login, sign_in)
}

fn asked(sign_in: &ApiKeySignIn) -> Operation {
    Operation::SignInWithApiKey(Box::new(sign_in.clone()))
}

/// A-API-01, A-API-04: a captured sign-in is good once, at one server, for what was signed.
pub(crate) async fn a_captured_sign_in_with_an_api_key_is_good_for_nothing(stage: &Stage) {
    let me = stage.client("ann").await;
    let owner = OwnerKeys { private_key: [1; 32].into(), secret_key: BoxKey::from_bytes([2; 32]) };
    let made = me.api_keys().create(ApiKeyOptions::default(), &owner).await.unwrap();
    let nobody = stage.nobody();
    let (login, sign_in) = captured(stage, &made.credential, 7).await;
    let longer = ApiKeySignIn { life_s: Some(600), ..sign_in.clone() };
    assert_eq!(refusal(&nobody, asked(&longer)).await, "login-refused", "another statement");
    let Reply::ApiKeySignedIn(given) = nobody.ask(asked(&sign_in)).await.unwrap() else { panic!("a grant") };
    assert_eq!(refusal(&nobody, asked(&sign_in)).await, "login-replayed");
    let answer =
        |signature| Answer { server_public: given.server_public.0, grant: given.grant.0.to_vec(), signature };
    let (another, _) = captured(stage, &made.credential, 8).await;
    let refused = another.finish(&answer(given.signature.0)).unwrap_err();
    assert_eq!(refused, KeyLoginError::Signature, "the answer to one sign-in answers no other");
    assert!(login.finish(&answer(given.signature.0)).is_ok());

    let mut stale = captured(stage, &made.credential, 9).await.1;
    stale.nonce.0[0] ^= 1;
    assert_eq!(refusal(&nobody, asked(&stale)).await, "login-nonce-refused", "made at another time");

    let elsewhere = SigningKey::from_seed(&[5; 32]).verifying_key();
    let credential = ApiKeyCredential { server: elsewhere, ..made.credential };
    let refused = nobody.sign_in_with_key(&credential, KeySignInOptions::default()).await.unwrap_err();
    assert_eq!(code(&refused), "server-key-refused", "its key was made elsewhere");
    let ApiKeyError::Client(refused) = refused else { panic!("{refused}") };
    assert_eq!(refused.kind(), ErrorKind::Refused);
}
