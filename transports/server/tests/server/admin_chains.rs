//! `strongroom admin chain` and `service-key`: what the operator makes, sees once, keeps and takes back.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::{Value, json};

use crate::kit::{Server, ask, folder, refuse, run, succeed};

const CHAIN: &str = "sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4";
const LOOKING: &str = r#"{"version":"1","default_allow":false,"permissions":{"allow_read":true}}"#;

/// A server whose store is encrypted.
fn serve(folder: &Path) -> Server {
    if !folder.join("root.key").exists() {
        succeed(folder, &["store", "key", "new", "-o", "root.key"]);
    }
    Server::serve(folder, &["--set", "storage.root_key_file=root.key"])
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}"))
}

/// A command about a key of a chain.
fn key_command<'a>(chain: &'a str, command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&["service-key"], command, &["--chain", chain], more].concat()
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A-MAC-08: each secret is printed by the command that makes it, and by no other; A-LEAK-01: it is in no log.
#[test]
fn chains_and_keys_are_made_shown_changed_rotated_and_deleted() {
    let folder = folder();
    let server = serve(folder.path());
    let root = server.admin_json(&["chain", "create"]);
    let (chain, root_id) = (text(&root, "chain"), text(&root, "id"));
    let listed = server.admin_json(&["chain", "list"]);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["root"], &listed[0]["keys"]),
        (&json!(chain), &json!(root_id), &json!(1))
    );
    let table = server.admin(&["chain", "list"]);
    assert!(table.contains(chain) && table.contains(root_id), "{table}");

    fs::write(folder.path().join("looking.json"), LOOKING).unwrap();
    let create = key_command(
        chain,
        &["create"],
        &["--nickname", "la\u{202e}mp", "--permissions", "looking.json", "--expires", "30d"],
    );
    let made = server.admin_json(&create);
    let (key, secret) = (&made["key"], text(&made, "secret"));
    let id = text(key, "id");
    assert!(key["expires"].as_u64().unwrap() - key["registered"].as_u64().unwrap() > 29 * 86_400_000);
    let shown = server.admin_json(&key_command(chain, &["show", id], &[]));
    assert_eq!(&shown, key);
    let document: Value = serde_json::from_str(text(&shown, "permissions")).unwrap();
    assert_eq!(document, serde_json::from_str::<Value>(LOOKING).unwrap());
    let keys = server.admin_json(&key_command(chain, &["list"], &[]));
    let table = server.admin(&key_command(chain, &["list"], &[]));
    assert!(table.contains("mp") && !table.contains('\u{202e}'), "a nickname commands no terminal: {table}");
    assert_eq!(keys.as_array().unwrap().len(), 2);

    let rotated = server.admin_json(&key_command(chain, &["rotate", id], &["--overlap", "1h"]));
    assert_ne!(text(&rotated, "secret"), secret);
    assert!(rotated["key"]["overlap_until"].is_u64());
    let changed = server.admin_json(&key_command(
        chain,
        &["update", id],
        &["--nickname", "torch", "--expires", "never"],
    ));
    assert_eq!((&changed["nickname"], changed.get("expires")), (&json!("torch"), None));
    assert_eq!(changed["permissions"], shown["permissions"], "what is not named stays");
    let printed = [&["show", id][..], &["list"]]
        .map(|command| server.admin(&key_command(chain, command, &[])))
        .concat();
    assert!(printed.contains("torch") && printed.contains("allow_read"), "{printed}");

    let replaced = server.admin_json(&["chain", "rotate-root", chain, "--root-key-id", "OTHER", "--yes"]);
    assert_eq!((text(&replaced, "chain"), text(&replaced, "id")), (chain, "OTHER"));
    server.admin(&key_command(chain, &["delete", id], &["--yes"]));
    let unknown = refuse(folder.path(), &[&["admin"], &key_command(chain, &["show", id], &[])[..]].concat());
    assert!(unknown.contains("service-key list"), "{unknown}");
    let nowhere = refuse(folder.path(), &["admin", "service-key", "list", "--chain", CHAIN]);
    assert!(nowhere.contains("chain list"), "{nowhere}");

    let metrics = ask(&server.admin, "GET", "/metrics", &[], "").unwrap().body;
    for made in [&root, &made, &rotated, &replaced] {
        let secret = text(made, "secret");
        for told in [
            &keys.to_string(),
            &shown.to_string(),
            &changed.to_string(),
            &printed,
            &metrics,
            &server.stderr(),
        ] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    server.stop();
}

/// A-MAC-07: nobody loses the last key of a chain, or the root key, by a slip of the hand.
#[test]
fn what_locks_programs_out_is_asked_about() {
    let folder = folder();
    let server = serve(folder.path());
    let made = server.admin(&["chain", "create", "--id", CHAIN, "--root-key-id", "ROOT"]);
    assert!(made.contains("keep it offline") && made.contains("key id    ROOT"), "{made}");
    let secret = made.lines().find_map(|line| line.strip_prefix("root key  ")).unwrap().to_owned();
    let create =
        || text(&server.admin_json(&["service-key", "create", "--chain", CHAIN])["key"], "id").to_owned();
    let delete = |id: &str| ["admin", "service-key", "delete", "--chain", CHAIN, id].map(str::to_owned);
    let (first, second) = (create(), create());
    // One that is over signs nothing, and does not count.
    let over = ["service-key", "update", "--chain", CHAIN, &second, "--expires", "2001-01-01"];
    server.admin(&over);
    let refused =
        |command: &[String]| refuse(folder.path(), &command.iter().map(String::as_str).collect::<Vec<_>>());
    let said = refused(&delete(&first));
    assert!(said.contains(&first) && said.contains("--yes"), "{said}");
    let third = create();
    server.admin(&["service-key", "delete", "--chain", CHAIN, &first]);
    server.admin(&["service-key", "delete", "--chain", CHAIN, &second]);
    assert!(refused(&delete(&third)).contains("--yes"));
    server.admin(&["service-key", "delete", "--chain", CHAIN, &third, "--yes"]);

    let said = refused(&delete("ROOT"));
    assert!(said.contains("root key"), "{said}");
    let said = refuse(folder.path(), &["admin", "chain", "rotate-root", CHAIN]);
    assert!(said.contains("--yes"), "{said}");
    let file = folder.path().join("same.key");
    write_private(&file, &format!("{secret}\n"));
    let rotate = ["chain", "rotate-root", CHAIN, "--root-key-file", "same.key", "--yes"];
    assert_eq!(text(&server.admin_json(&rotate), "secret"), secret, "nothing was rotated above");
    server.stop();
}

#[test]
fn a_root_key_is_kept_in_the_credentials_file_and_then_not_printed() {
    let folder = folder();
    let server = serve(folder.path());
    let file = folder.path().join("credentials");
    let keep =
        ["--save-credentials", "--endpoint", "host.example/dragonchain", "--credentials-file", "credentials"];
    let made = server.admin_json(&[&["chain", "create", "--id", CHAIN][..], &keep].concat());
    assert_eq!((text(&made, "chain"), made.get("secret")), (CHAIN, None));
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.starts_with(&format!("[{CHAIN}]\nauth_key=")), "{kept}");
    assert!(kept.contains(&format!(
        "auth_key_id={}\nendpoint=https://host.example/dragonchain\n",
        text(&made, "id")
    )));
    assert!(kept.ends_with(&format!("[default]\ndragonchain_id={CHAIN}\n")), "{kept}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let rotate = [&["chain", "rotate-root", CHAIN, "--yes"][..], &keep].concat();
    let said = refuse(folder.path(), &[&["admin"], &rotate[..]].concat());
    assert!(said.contains("--force"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), kept, "and nothing was rotated");
    let printed = server.admin(&[&rotate[..], &["--force"]].concat());
    let rotated = fs::read_to_string(&file).unwrap();
    let secret = rotated.lines().find_map(|line| line.strip_prefix("auth_key=")).unwrap();
    assert!(rotated != kept && !printed.contains(secret) && printed.contains("keep it offline"), "{printed}");
    let alone = run(folder.path(), &["admin", "chain", "create", "--save-credentials"]);
    assert_eq!(alone.status.code(), Some(2), "an endpoint is needed");
    server.stop();
}

#[test]
fn what_cannot_be_done_is_one_line_that_names_the_way_out() {
    let folder = folder();
    let plain = Server::serve(folder.path(), &[]);
    let said = refuse(folder.path(), &["admin", "chain", "create"]);
    for named in ["strongroom store key new", "root_key_file = ", "[storage]", "strongroom store encrypt"] {
        assert!(said.contains(named), "{said}");
    }
    assert_eq!(plain.admin_json(&["chain", "list"]), json!([]));
    fs::write(folder.path().join("open.key"), "0123456789abcdef0123456789abcdef").unwrap();
    fs::set_permissions(folder.path().join("open.key"), fs::Permissions::from_mode(0o644)).unwrap();
    write_private(&folder.path().join("short.key"), "short");
    fs::write(folder.path().join("bad.json"), r#"{"version":"2","default_allow":true,"permissions":{}}"#)
        .unwrap();
    for (command, told) in [
        (&["chain", "create", "--root-key-file", "open.key"][..], "chmod 600"),
        (&["chain", "create", "--root-key-file", "none.key"], "none.key"),
        (&["chain", "create", "--root-key-file", "short.key"], "32 to 256"),
        (&["service-key", "create", "--chain", CHAIN, "--permissions", "bad.json"], "version is not \"1\""),
        (&["service-key", "create", "--chain", CHAIN, "--expires", "2001-01-01"], "in the past"),
        (&["service-key", "update", "--chain", CHAIN, "KEY"], "--nickname"),
        (&["chain", "list", "--server", "http://192.0.2.1:1"], "https://"),
        (&["chain", "list", "--server", "http://127.0.0.1:1"], "is it running?"),
    ] {
        let said = refuse(folder.path(), &[&["admin"], command].concat());
        assert!(said.contains(told), "{command:?}: {said}");
    }
    plain.stop();
}

/// A-ADM-01: what is the operator's is asked at the operator's listener, with the operator's token, and nowhere else.
#[test]
fn only_the_operators_token_at_the_operators_listener_reaches_chains() {
    let folder = folder();
    let server = serve(folder.path());
    let operator = fs::read_to_string(folder.path().join("strongroom-data/operator.token")).unwrap();
    let (operator, account) = (operator.trim().to_owned(), server.first_token());
    let at = |host: &str, token: &str, method: &str, path: &str| {
        let bearer = format!("Bearer {token}");
        ask(host, method, path, &[("Authorization", &bearer)], "").unwrap()
    };
    for (method, path) in [
        ("GET", "/v1/chains"),
        ("POST", "/v1/chains"),
        ("POST", "/v1/chains/abc/root-key"),
        ("GET", "/v1/service-keys?chain=abc"),
        ("POST", "/v1/service-keys"),
        ("DELETE", "/v1/service-keys/KEY?chain=abc"),
    ] {
        assert_eq!(ask(&server.admin, method, path, &[], "").unwrap().status, 401, "{path}");
        for token in [&account, "sro_", &operator[1..]] {
            assert_eq!(at(&server.admin, token, method, path).status, 401, "{path}");
        }
        assert_ne!(at(&server.admin, &operator, method, path).status, 401, "{path}");
        assert_eq!(at(&server.public, &operator, method, path).status, 401, "{path}");
        assert_eq!(at(&server.public, &account, method, path).status, 401, "{path}");
    }
    let secret = at(&server.admin, &operator, "POST", "/v1/chains");
    assert!(
        secret.status == 200 && secret.head.to_lowercase().contains("cache-control: no-store"),
        "{secret:?}"
    );
    assert_eq!(at(&server.admin, &operator, "GET", "/v1/session").status, 404);
    assert_eq!(at(&server.admin, &operator, "GET", "/v1/records").status, 404);
    server.stop();
}
