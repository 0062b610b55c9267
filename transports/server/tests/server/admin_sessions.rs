//! `strongroom admin session`: what the operator sees of open sessions, and how they end.

use serde_json::{Value, json};

use crate::{
    kit::{Server, folder, refuse},
    person::{Person, Session},
    psono::RATES,
};

fn devices(list: &Value) -> Vec<&str> {
    let mut devices: Vec<_> =
        list.as_array().unwrap().iter().map(|one| one["device"].as_str().unwrap()).collect();
    devices.sort_unstable();
    devices
}

/// A-API-08, A-API-07, A-DEV-01.
#[test]
fn the_operator_sees_the_devices_of_sessions_and_ends_one_or_all() {
    const HOSTILE: &str = "cron\u{1b}[2J";
    let folder = folder();
    let server = Server::serve(folder.path(), &RATES);
    let ann = Person::new(&server, "ann");
    let key = ann.api_key(true, false);
    let (kept, lost) = (key.session(&server, "a build server"), key.session(&server, HOSTILE));
    let is_good = |session: &Session| session.send(&server, "GET", "/datastore/", "").0 == 200;
    assert!(is_good(&ann.session) && is_good(&kept) && is_good(&lost));

    let by_name = ["session", "list", "psono", "ann@example.com"];
    let list = server.admin_json(&by_name);
    assert_eq!(devices(&list), ["a build server", "a test", HOSTILE]);
    let accounts = server.admin_json(&["account", "list"]);
    let of_ann = |account: &&Value| account["identity"]["subject"] == "ann@example.com";
    let account = accounts.as_array().unwrap().iter().find(of_ann).unwrap();
    let account = account["account"].as_str().unwrap();
    let by_id = ["session", "list", "--account", account];
    assert_eq!(devices(&server.admin_json(&by_id)), devices(&list));
    let table = server.admin(&by_id);
    assert!(table.contains("a build server") && table.contains("API key"), "{table}");
    assert!(!table.contains('\u{1b}'), "a description commands no terminal");

    let of_lost = list.as_array().unwrap().iter().find(|one| one["device"] == HOSTILE).unwrap();
    assert!(of_lost["api_key"].is_string());
    let session = of_lost["session"].as_str().unwrap();
    server.admin(&["session", "revoke", "--account", account, "--session", session]);
    assert!(is_good(&ann.session) && is_good(&kept));
    assert_eq!(lost.send(&server, "GET", "/datastore/", "").0, 401);
    let revoke = ["admin", "session", "revoke", "--account", account, "--session", session];
    assert!(refuse(folder.path(), &revoke).contains("no such session"));
    let revoked = server.admin_json(&["session", "revoke", "psono", "ann@example.com", "--all"]);
    assert_eq!(revoked, json!({ "sessions": 2 }));
    assert!(!is_good(&ann.session) && !is_good(&kept));
    assert_eq!(server.admin_json(&by_id), json!([]));

    let nobody = "0".repeat(account.len());
    let said = refuse(folder.path(), &["admin", "session", "list", "--account", &nobody]);
    assert!(said.contains("account list"), "{said}");
    server.stop();
}
