//! The operator's commands against a running server, and who else may give them.

use std::{fs, os::unix::fs::PermissionsExt};

use strongroom_primitives::{encoding, sign::SigningKey};

use crate::kit::{Server, ask, folder, one_line, run, strongroom, virgil_token};

const RECORD: &str = r#"{"meta":"bWV0YQ==","value":"dmFsdWU="}"#;

#[test]
fn a_token_can_be_issued_listed_used_and_revoked() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let issue = ["token", "issue", "first", "ann", "--label", "laptop", "--life", "1h"];
    let issued = server.admin_json(&issue);
    let token = issued["token"].as_str().unwrap();
    assert_eq!(server.ask_as(token, "GET", "/v1/session", "").json()["subject"], "ann");

    let listed = server.admin(&["token", "list", "first", "ann"]);
    assert!(listed.contains("laptop") && !listed.contains(token), "{listed}");
    let session = issued["session"].as_str().unwrap();
    server.admin(&["token", "revoke", "first", "ann", session]);
    assert_eq!(server.ask_as(token, "GET", "/v1/session", "").status, 401);
    assert!(server.admin_json(&["token", "list", "first", "ann"]).as_array().unwrap().is_empty());
}

#[test]
fn a_token_has_only_the_rights_it_was_issued_with() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let issued = server.admin_json(&["token", "issue", "first", "ann", "--rights", "get"]);
    let token = issued["token"].as_str().unwrap();
    assert_eq!(server.ask_as(token, "GET", "/v1/records/a", "").status, 404);
    assert_eq!(server.ask_as(token, "PUT", "/v1/records/a", RECORD).status, 403);
}

#[test]
fn an_application_with_a_generated_pair_signs_tokens_until_it_is_revoked() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let added = server.admin_json(&["app", "add", "shop", "--generate", "shop.key"]);
    let file = folder.path().join("shop.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let der = encoding::from_base64(fs::read_to_string(&file).unwrap().trim()).unwrap();
    let key = SigningKey::from_pkcs8(&der).unwrap();
    assert_eq!(added["public_key"], encoding::to_base64(&key.verifying_key().to_spki()));

    let key_id = added["key_id"].as_str().unwrap();
    let authorization = virgil_token("shop", key_id, &key);
    let fetch = || server.ask("GET", "/keyknox/v1", &[("Authorization", &authorization)], "").status;
    assert_eq!(fetch(), 200);
    assert!(server.admin(&["app", "list"]).contains(key_id));

    let again = one_line(&run(folder.path(), &["admin", "app", "add", "shop", "--generate", "other.key"]));
    assert!(again.contains("there is such an application"), "{again}");
    server.admin(&["app", "key", "add", "shop", "--generate", "second.key"]);
    assert_eq!(server.admin_json(&["app", "list"])[1]["keys"].as_array().unwrap().len(), 2);

    server.admin(&["app", "revoke", "shop", "--key", key_id]);
    assert_eq!(fetch(), 401);
    assert_eq!(server.admin_json(&["app", "list"])[1]["keys"].as_array().unwrap().len(), 1);
    server.admin(&["app", "revoke", "shop"]);
    let said = one_line(&run(folder.path(), &["admin", "app", "key", "add", "unknown", "--generate", "k"]));
    assert!(said.contains("there is no such realm"), "{said}");
}

#[test]
fn a_pair_is_never_written_over_another() {
    let folder = folder();
    let _server = Server::serve(folder.path(), &[]);
    fs::write(folder.path().join("k"), "precious").unwrap();
    let said = one_line(&run(folder.path(), &["admin", "app", "add", "shop", "--generate", "k"]));
    assert!(said.contains("a key in it would be lost"), "{said}");
    assert_eq!(fs::read_to_string(folder.path().join("k")).unwrap(), "precious");
}

#[test]
fn an_account_can_be_shown_suspended_resumed_limited_and_erased() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let issued = server.admin_json(&["token", "issue", "first", "ann"]);
    let token = issued["token"].as_str().unwrap();
    let put = |name: &str| server.ask_as(token, "PUT", &format!("/v1/records/{name}"), RECORD).status;
    assert_eq!(put("a"), 200);
    let shown = server.admin_json(&["account", "show", "first", "ann"]);
    assert_eq!((&shown["records"], &shown["bytes"]), (&1.into(), &9.into()), "{shown}");

    server.admin(&["account", "suspend", "first", "ann"]);
    assert_eq!(put("b"), 403);
    server.admin(&["account", "resume", "first", "ann"]);
    assert_eq!(put("b"), 200);
    server.admin(&["account", "limit", "first", "ann", "--rights", "get"]);
    assert_eq!(put("c"), 403);
    assert_eq!(server.ask_as(token, "GET", "/v1/records/a", "").status, 200);
    assert_eq!(server.admin_json(&["account", "list"]).as_array().unwrap().len(), 2);

    let said = one_line(&run(folder.path(), &["admin", "account", "erase", "first", "ann"]));
    assert!(said.contains("--yes"), "{said}");
    server.admin(&["account", "erase", "first", "ann", "--yes"]);
    assert_eq!(server.ask_as(token, "GET", "/v1/records/a", "").status, 401);
    assert_eq!(server.admin_json(&["account", "show", "first", "ann"])["state"], "erased");
}

#[test]
fn status_says_how_the_server_is() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let status = server.admin_json(&["status"]);
    assert_eq!(
        (&status["ready"], &status["storage"], &status["durable"]),
        (&true.into(), &"sled".into(), &true.into())
    );
    assert_eq!(status["pid"], server.pid());
    assert!(server.admin(&["status"]).contains("state      ready"));
}

/// A-ADM-01: no question of the operator's is answered without the operator's token: not with none, not with an
/// account's, not with one that was good before, and not on the public listener.
#[test]
fn only_the_operators_token_opens_the_operators_questions() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let token_file = folder.path().join("strongroom-data/operator.token");
    let operator = fs::read_to_string(&token_file).unwrap().trim().to_owned();
    let account = server.first_token();
    let bearer = |token: &str| format!("Bearer {token}");
    let paths = [
        "status",
        "app/list",
        "app/add",
        "app/revoke",
        "token/issue",
        "token/list",
        "token/revoke",
        "account/show",
        "account/list",
        "account/set",
        "account/erase",
        "session/list",
        "session/revoke",
        "identity/show",
        "identity/rotate",
        "no/such/question",
    ];
    let truncated = &operator[..operator.len() - 1];
    let longer = format!("{operator}A");
    for path in paths {
        let path = format!("/admin/v1/{path}");
        let post = |authorization: Option<String>| {
            let header = authorization.as_deref().map(|text| ("Authorization", text));
            ask(&server.admin, "POST", &path, header.as_slice(), "{}").unwrap().status
        };
        assert_eq!(post(None), 401, "{path} without a token");
        for wrong in [account.as_str(), truncated, &longer, "", "sro_"] {
            assert_eq!(post(Some(bearer(wrong))), 401, "{path} with {} characters", wrong.len());
        }
        assert_eq!(post(Some(format!("Basic {operator}"))), 401, "{path} with another scheme");
        assert_ne!(post(Some(bearer(&operator))), 401, "{path} with the operator's token");
        let public = server.ask("POST", &path, &[("Authorization", &bearer(&operator))], "{}");
        assert_eq!(public.status, 404, "{path} on the public listener: {public:?}");
    }
    server.stop();

    fs::remove_file(&token_file).unwrap();
    let server = Server::serve(folder.path(), &[]);
    let header = [("Authorization", bearer(&operator))];
    let header = header.each_ref().map(|(name, value)| (*name, value.as_str()));
    let old = ask(&server.admin, "POST", "/admin/v1/status", &header, "{}").unwrap();
    assert_eq!(old.status, 401, "a token that was replaced is still good");
    server.admin(&["status"]);
}

/// A-ADM-02: metrics are the operator's, health is everybody's, and no label names an account.
#[test]
fn metrics_stay_off_the_public_listener_and_name_nobody() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let issued = server.admin_json(&["token", "issue", "first", "canary-identity"]);
    let token = issued["token"].as_str().unwrap();
    assert_eq!(server.ask_as(token, "PUT", "/v1/records/canary-record", RECORD).status, 200);
    assert_eq!(server.ask("GET", "/metrics", &[], "").status, 404);
    assert_eq!(server.ask("GET", "/livez", &[], "").status, 200);
    assert_eq!(server.ask("GET", "/readyz", &[], "").status, 200);
    let metrics = ask(&server.admin, "GET", "/metrics", &[], "").unwrap();
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.contains("put_record"), "{}", metrics.body);
    for name in ["canary", issued["account"].as_str().unwrap(), issued["session"].as_str().unwrap()] {
        assert!(!metrics.body.contains(name), "{name} is in the metrics");
    }
}

#[test]
fn without_a_server_or_a_token_the_operator_is_told_so() {
    let folder = folder();
    let said = one_line(&run(folder.path(), &["admin", "status"]));
    assert!(said.starts_with("no operator's token: strongroom-data/operator.token: "), "{said}");
    let mut command = strongroom(folder.path());
    command.args(["admin", "status", "--server", "http://127.0.0.1:1"]).env("STRONGROOM_OPERATOR_TOKEN", "x");
    let said = one_line(&command.output().unwrap());
    assert_eq!(said, "no server answers at http://127.0.0.1:1: is it running?");
}

#[test]
fn a_malformed_question_is_refused_by_name() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let operator = fs::read_to_string(folder.path().join("strongroom-data/operator.token")).unwrap();
    let credential = format!("Bearer {}", operator.trim());
    let headers = [("Authorization", credential.as_str())];
    let post = |path: &str, body: &str| ask(&server.admin, "POST", path, &headers, body).unwrap();
    for body in
        ["", "{", "[]", "{\"identity\":{\"realm\":\"a\",\"subject\":\"b\"},\"extra\":1}", "{\"identity\":7}"]
    {
        assert_eq!(post("/admin/v1/account/show", body).status, 400, "{body}");
    }
    assert_eq!(post("/admin/v1/nothing", "{}").status, 404);
    assert_eq!(ask(&server.admin, "GET", "/admin/v1/status", &headers, "").unwrap().status, 405);
}
