//! `strongroom admin identity`: the keys that clients pin, and how the real server changes them under its clients.

use std::fs;

use serde_json::{Value, json};

use crate::{
    kit::{Server, ask, folder, refuse, succeed},
    person::{Person, identity},
    psono::{Program, RATES},
};

fn pinned(keys: &Value) -> (String, String) {
    let text = |name: &str| keys[name].as_str().unwrap().to_owned();
    (text("public_key"), text("verify_key"))
}

/// A client that pins the former keys goes on signing in while they overlap, a new one pins the new keys, and the store
/// keeps both over a restart and in a backup.
#[test]
fn a_rotation_leaves_no_client_outside_until_the_overlap_is_over() {
    let folder = folder();
    let server = Server::serve(folder.path(), &RATES);
    let ann = Person::new(&server, "ann");
    ann.datastore("main");
    let before = server.admin_json(&["identity", "show"]);
    assert_eq!((&before["generation"], &before["former"]), (&1.into(), &Value::Null));
    assert_eq!(pinned(&before), identity(&server));
    let settled = Program::new(folder.path(), "settled", &server, &ann.api_key(false, false));

    let said = refuse(folder.path(), &["admin", "identity", "rotate"]);
    assert!(said.contains("--yes"), "nobody is there to be asked: {said}");
    assert_eq!(server.admin_json(&["identity", "show"]), before);
    let rotated = server.admin_json(&["identity", "rotate", "--yes", "--overlap", "12h"]);
    assert_eq!((&rotated["generation"], &rotated["former"]["generation"]), (&2.into(), &1.into()));
    assert_eq!(pinned(&rotated["former"]), pinned(&before));
    assert_eq!(pinned(&rotated), identity(&server));
    assert!(pinned(&rotated).0 != pinned(&before).0 && pinned(&rotated).1 != pinned(&before).1);
    let again = refuse(folder.path(), &["admin", "identity", "rotate", "--yes"]);
    assert!(again.contains("rotate again after that") && again.contains("Z;"), "{again}");

    let status = server.admin(&["status"]);
    let line = status.lines().find(|line| line.starts_with("identity")).unwrap();
    assert!(line.contains(&pinned(&rotated).1) && line.contains("1 answers until"), "{line}");
    let shown = server.admin(&["identity", "show"]);
    for keys in [&before, &rotated] {
        let (public, verify) = pinned(keys);
        assert!(shown.contains(&public) && shown.contains(&verify), "{shown}");
    }

    settled.succeed(&["datastore", "list"], b"");
    let newcomer = Program::new(folder.path(), "newcomer", &server, &ann.api_key(false, false));
    newcomer.succeed(&["datastore", "list"], b"");
    Person::new(&server, "bob");
    server.stop();
    let server = Server::serve(folder.path(), &RATES);
    assert_eq!(server.admin_json(&["identity", "show"]), rotated, "the store has it, not the process");
    server.stop();
    succeed(folder.path(), &["store", "export", "rows"]);
    succeed(folder.path(), &["--data", "restored", "store", "import", "rows"]);
    let restored = Server::serve(folder.path(), &["--data", "restored"]);
    assert_eq!(identity(&restored), pinned(&rotated), "and so has a backup of it");
    restored.stop();
}

#[test]
fn without_an_overlap_clients_of_the_former_keys_are_refused_at_once() {
    let folder = folder();
    let server = Server::serve(folder.path(), &RATES);
    let ann = Person::new(&server, "ann");
    ann.datastore("main");
    let key = ann.api_key(false, false);
    let settled = Program::new(folder.path(), "settled", &server, &key);
    settled.succeed(&["datastore", "list"], b"");
    let said = server.admin_json(&["identity", "rotate", "--yes", "--overlap", "0"]);
    assert_eq!((&said["generation"], &said["former"]), (&2.into(), &Value::Null));
    let refused = settled.refuse(&["datastore", "list"], b"");
    assert!(refused.contains("signature") && refused.contains("server_signature"), "{refused}");
    let anew = Program::new(folder.path(), "anew", &server, &key);
    anew.succeed(&["datastore", "list"], b"");
    let status = server.admin_json(&["status"]);
    assert_eq!(status["identity"], said);
    server.stop();
}

/// A slip of the hand must not last for ever: until an overlap is over nothing is rotated again.
#[test]
fn an_overlap_has_an_end_whoever_asks() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let token = fs::read_to_string(folder.path().join("strongroom-data/operator.token")).unwrap();
    let bearer = format!("Bearer {}", token.trim());
    let rotate = |overlap_s: u64| {
        let body = json!({ "overlap_s": overlap_s }).to_string();
        ask(&server.admin, "POST", "/admin/v1/identity/rotate", &[("Authorization", &bearer)], &body).unwrap()
    };
    for overlap_s in [366 * 86_400 + 1, u64::MAX] {
        let refused = rotate(overlap_s);
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("overlap-too-long")));
    }
    assert_eq!(server.admin_json(&["identity", "show"])["generation"], 1);
    assert_eq!(rotate(366 * 86_400).json()["generation"], 2);
    assert_eq!(rotate(0).status, 409);
    server.stop();
}
