//! `strongroom session` as a person with two devices and a program meets it.

use serde_json::{Value, json};

use crate::{
    kit::{Server, folder},
    user::Device,
};

/// The sessions that a user file's person has, as (service, session).
fn sessions(device: &Device, fits: impl Fn(&Value) -> bool) -> Vec<(String, String)> {
    let listed = device.json(&["session", "list"]);
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = listed.as_array().unwrap().iter().filter(|row| fits(row));
    rows.map(|row| (text(row, "service"), text(row, "session"))).collect()
}

/// A-DEV-01, A-API-04: a person sees every session at both services, those of programs too, and ends what they choose.
#[test]
fn sessions_are_seen_and_ended_at_both_services() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let laptop = Device::signed_up(folder.path(), "laptop", &server, "first");
    let phone = laptop.another("phone", "first");
    laptop.succeed(&["api-key", "create", "--title", "back\u{1b}[2Jup", "--read", "-o", ".api-key.toml"]);
    let label = ["--label", "cron \u{202e}on db1"];
    let token = laptop.succeed(&[&["api-key", "login", "--token"], &label[..]].concat());

    let listed = laptop.json(&["session", "list"]);
    let rows = listed.as_array().unwrap();
    assert_eq!(rows.len(), 5, "{listed}");
    let program = rows.iter().find(|row| row["api_key"].is_string()).unwrap();
    assert_eq!(program["label"], "cron \u{202e}on db1");
    assert_eq!(program["api_key_title"], "back\u{1b}[2Jup");
    assert!(program["expires_ms"].is_u64() && program["opened_ms"].is_u64(), "{program}");
    assert!(rows.iter().any(|row| row["last_used_ms"].is_u64()), "{listed}");
    let own: Vec<_> = rows.iter().filter(|row| row["own"] == true).map(|row| &row["service"]).collect();
    assert_eq!(own, [&json!("vault"), &json!("keystore")]);
    let table = laptop.succeed(&["session", "list"]);
    assert_eq!(table.lines().filter(|line| line.ends_with("this one")).count(), 2, "{table}");
    assert!(
        !table.contains(['\u{1b}', '\u{202e}']) && table.contains("back\u{fffd}[2Jup"),
        "A-API-07: {table}"
    );

    // One by its id; what is not there ends nothing of what is.
    let others = sessions(&laptop, |row| row["own"] == false && row["service"] == "vault");
    let (_, of_phone) = &others[0];
    let refused = laptop.refuse(&["session", "revoke", of_phone, &"0".repeat(32)]);
    assert!(refused.contains("strongroom session list"), "{refused}");
    phone.succeed(&["item", "list"]);
    assert_eq!(laptop.json(&["session", "revoke", of_phone, of_phone]), json!({ "sessions_ended": 1 }));
    assert!(phone.refuse(&["item", "list"]).contains("strongroom user login"));

    // All but this one, those of programs included; the key itself stays.
    assert_eq!(server.ask_as(token.trim_end(), "GET", "/v1/session", "").status, 200);
    assert_eq!(laptop.json(&["session", "revoke", "--others"]), json!({ "sessions_ended": 2 }));
    assert_eq!(server.ask_as(token.trim_end(), "GET", "/v1/session", "").status, 401);
    assert!(phone.refuse(&["session", "list"]).contains("strongroom user login"));
    laptop.succeed(&["api-key", "login"]);
    assert_eq!(sessions(&laptop, |_| true).len(), 2);

    assert_eq!(laptop.json(&["session", "revoke", "--all"]), json!({ "sessions_ended": 2 }));
    assert!(laptop.refuse(&["session", "list"]).contains("strongroom user login"));
    assert!(laptop.refuse(&["session", "revoke", "--others"]).contains("strongroom user login"));
    assert_eq!(laptop.json(&["session", "revoke", "--all"]), json!({ "sessions_ended": 0 }));
    for nothing in [&["session", "revoke"][..], &["session", "revoke", "--all", "--others"]] {
        assert_eq!(laptop.run(nothing, b"").status.code(), Some(2), "{nothing:?}");
    }
}
