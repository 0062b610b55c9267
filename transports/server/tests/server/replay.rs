//! What was taken once stays taken when the process is killed in between: the memory of logins and of sealed bodies lies
//! in the store (F-01).

use serde_json::json;

use crate::{
    kit::{Server, folder},
    person::Person,
    psono::RATES,
};

/// A-API-04, A-API-11: the login of an API key and a sealed body, sent again to the server that comes up after a
/// SIGKILL, are refused; the session that they are of is still good.
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
    assert_eq!(session.send(&server, "PUT", "/datastore/", &body).0, 201);

    server.signal("KILL");
    assert!(!server.wait().success());
    drop(server);
    let server = Server::serve(folder.path(), &RATES);
    let replayed = log_in(&server);
    assert_eq!(replayed.status, 400);
    assert_eq!(replayed.json(), json!({ "non_field_errors": ["LOGIN_INFO_REPLAYED"] }));
    let again = session.send(&server, "PUT", "/datastore/", &body);
    assert_eq!(again, (400, json!({ "detail": "Invalid request" })));
    let (status, kept) = session.send(&server, "GET", "/datastore/", "");
    assert_eq!((status, kept["datastores"].as_array().unwrap().len()), (200, 1), "{kept}");
    let renamed = json!({ "type": "password", "description": "other", "data": "", "data_nonce": "",
        "secret_key": "ef".repeat(80), "secret_key_nonce": "01".repeat(24) });
    assert_eq!(session.send(&server, "PUT", "/datastore/", &session.seal(&renamed)).0, 201);
    server.stop();
}
