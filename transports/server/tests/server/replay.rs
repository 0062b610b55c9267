//! What was taken once stays taken when the process is killed in between: the memory of logins and of sealed bodies lies
//! in the store (F-01).

use serde_json::json;
use strongroom_client::wire::{ApiKeyChallenge, ApiKeySignIn, Base64Array};
use strongroom_primitives::{
    id::ApiKeyId,
    key_login::KeyLogin,
    sign::{SigningKey, VerifyingKey},
};

use crate::{
    kit::{Server, folder},
    person::{ApiKey, Person, random},
    psono::RATES,
};

/// A sign-in with an API key over the native interface, as it is sent.
fn native_sign_in(server: &Server, key: &ApiKey) -> String {
    let challenge = server.ask("POST", "/v1/api-keys/challenge", &[], "");
    let challenge: ApiKeyChallenge = serde_json::from_str(&challenge.body).unwrap();
    let (api_key, signing) = (ApiKeyId::from_uuid(&key.id).unwrap(), SigningKey::from_seed(&key.private));
    let pinned = VerifyingKey::from_bytes(&challenge.server_key.0).unwrap();
    let nonce = challenge.nonce;
    let (_, signed) = KeyLogin::start(&signing, api_key, pinned, &nonce.0, random(), None, "cron");
    let sign_in = ApiKeySignIn {
        api_key,
        nonce,
        client_public: Base64Array(signed.client_public),
        server_key: challenge.server_key,
        life_s: None,
        label: "cron".to_owned(),
        signature: Base64Array(signed.signature),
    };
    serde_json::to_string(&sign_in).unwrap()
}

/// A-API-04, A-API-11: logins of an API key, in Psono's words and natively, and a sealed body, sent again to the server that
/// comes up after a SIGKILL, are refused; the session that the body is of is still good.
#[test]
fn what_was_sent_before_a_kill_is_not_taken_again_after_it() {
    let folder = folder();
    let mut server = Server::serve(folder.path(), &RATES);
    let ann = Person::new(&server, "ann");
    let key = ann.api_key(true, false);
    let session = key.session(&server, "a build server");
    let (login, _) = key.login("another");
    let datastore = json!({ "type": "password", "description": "main", "data": "", "data_nonce": "",
        "secret_key": "ab".repeat(80), "secret_key_nonce": "cd".repeat(24) });
    let body = session.seal(&datastore);
    let log_in = |server: &Server| server.ask("POST", "/psono/api-key/login/", &[], &login);
    assert_eq!(log_in(&server).status, 200);
    let signed = native_sign_in(&server, &key);
    let sign_in = |server: &Server| server.ask("POST", "/v1/api-keys/session", &[], &signed);
    assert_eq!(sign_in(&server).status, 200);
    assert_eq!(session.send(&server, "PUT", "/datastore/", &body).0, 201);

    server.signal("KILL");
    assert!(!server.wait().success());
    drop(server);
    let server = Server::serve(folder.path(), &RATES);
    let replayed = log_in(&server);
    assert_eq!(replayed.status, 400);
    assert_eq!(replayed.json(), json!({ "non_field_errors": ["LOGIN_INFO_REPLAYED"] }));
    let replayed = sign_in(&server);
    assert_eq!((replayed.status, &replayed.json()["code"]), (409, &json!("login-replayed")));
    let again = session.send(&server, "PUT", "/datastore/", &body);
    assert_eq!(again, (400, json!({ "detail": "Invalid request" })));
    let (status, kept) = session.send(&server, "GET", "/datastore/", "");
    assert_eq!((status, kept["datastores"].as_array().unwrap().len()), (200, 1), "{kept}");
    let renamed = json!({ "type": "password", "description": "other", "data": "", "data_nonce": "",
        "secret_key": "ef".repeat(80), "secret_key_nonce": "01".repeat(24) });
    assert_eq!(session.send(&server, "PUT", "/datastore/", &session.seal(&renamed)).0, 201);
    server.stop();
}
