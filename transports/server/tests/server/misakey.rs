//! The Misakey interface as its operator and a browser meet it: a token from the console, cookies, a restart.

use serde_json::{Value, json};

use crate::kit::{Server, folder, run, succeed};

const ANN: &str = "b2dc8b7e-44e6-4510-b222-c914876fad1c";
const IDENTITY: &str = "7c0a2a0e-3f0b-4f7d-8a55-1f2e3d4c5b6a";
const SHARES: &str = "/misakey/crypto/root-key-shares";

fn issue(server: &Server, more: &[&str]) -> String {
    let issue = ["token", "issue", "--identity", IDENTITY];
    let printed = server.admin(&[&issue, more].concat());
    printed.lines().last().unwrap().to_owned()
}

fn ask(server: &Server, token: &str, page: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let cookies = format!("accesstoken={token}; tokentype=bearer; _csrf={page}");
    let headers = [("Cookie", &*cookies), ("X-CSRF-Token", page)];
    let answer = server.ask(method, path, &headers, body);
    (answer.status, if answer.body.is_empty() { Value::Null } else { answer.json() })
}

fn page_token(server: &Server) -> String {
    server.ask("GET", "/misakey/csrf", &[], "").json()["csrf_token"].as_str().unwrap().to_owned()
}

/// The token is the last line, and a browser that holds it gets its share back, after a restart too. A page token
/// outlives the restart as well.
#[test]
fn a_browser_gets_its_share_back_with_a_token_from_the_console() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let token = issue(&server, &["--account", ANN, "--acr", "2", "--ttl", "1h"]);
    let page = page_token(&server);
    let share =
        json!({ "share": "o0hYlc2RurzJTiXldnnOMw", "user_local_share_hash": "axoGoSxJDiVWru3Sm-vdYQ" });
    let mut filed = share.clone();
    filed["account_id"] = ANN.into();
    assert_eq!(ask(&server, &token, &page, "POST", SHARES, &share.to_string()), (201, filed.clone()));
    let at = format!("{SHARES}/axoGoSxJDiVWru3Sm-vdYQ");
    server.stop();

    let server = Server::serve(folder.path(), &[]);
    assert_eq!(ask(&server, &token, &page, "GET", &at, ""), (200, filed));
    // Revoking all sessions takes the share along: another token of the account finds none.
    server.admin(&["session", "revoke", "misakey", ANN, "--all"]);
    assert_eq!(ask(&server, &token, &page, "GET", &at, "").0, 401);
    let token = issue(&server, &["--account", &ANN.to_uppercase()]);
    assert_eq!(ask(&server, &token, &page, "GET", &at, "").0, 404);
    server.stop();
}

/// A-SHR-02, and tokens of a sign-in.
#[test]
fn the_console_issues_every_kind_of_token() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let page = page_token(&server);
    let at = format!("{SHARES}/AAAA");
    let get = |token: &str| ask(&server, token, &page, "GET", &at, "").0;
    assert_eq!(get(&issue(&server, &["--account", ANN])), 404);
    assert_eq!(get(&issue(&server, &["--account", ANN, "--acr", "1"])), 403);
    assert_eq!(get(&issue(&server, &["--acr", "4"])), 409);
    assert_eq!(get(&issue(&server, &["--account", ANN, "--client", "another"])), 401);
    let process = issue(&server, &["--account", ANN, "--kind", "process", "--login-challenge", "c1"]);
    assert_eq!(get(&process), 401);
    let cookies = format!("authnaccesstoken={process}; authntokentype=bearer");
    let path = format!("/misakey/auth/secret-storage?login_challenge=c1&identity_id={IDENTITY}");
    assert_eq!(server.ask("GET", &path, &[("Cookie", &cookies)], "").status, 409, "nothing is set up");
    let json = server.admin_json(&["token", "issue", "--identity", IDENTITY]);
    assert!(json["token"].as_str().unwrap().starts_with("srt_"));
    let bad: [&[&str]; 6] = [
        &["--identity", "ann"],
        &["--identity", IDENTITY, "--acr", "5"],
        &["--identity", IDENTITY, "--kind", "process"],
        &["--identity", IDENTITY, "--login-challenge", "c1"],
        &["first", "ann", "--identity", IDENTITY],
        &["first", "ann", "--acr", "2"],
    ];
    for bad in bad {
        let output = run(folder.path(), &[&["admin", "token", "issue"], bad].concat());
        assert!(!output.status.success(), "{bad:?}");
    }
    assert!(succeed(folder.path(), &["config", "example"]).contains("[misakey]"));
    server.stop();
}
