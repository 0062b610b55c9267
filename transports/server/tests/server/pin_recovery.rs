//! Realms of recovery on the real binary: refused without a root key or a file of marks, and there with both.

use std::fs;

use strongroom_engine::ports::{Clock, SystemClock};
use strongroom_primitives::{
    pin_recovery::{
        RecoveryRealmId,
        tenant_key::TenantSigningKey,
        tenant_token::{Scope, TokenGenerator},
    },
    secret::Secret,
};

use crate::kit::{Server, folder, refuse, strongroom, succeed};

const ID: &str = "07070707070707070707070707070707";
const KEY: &str = "canary7890123456789012345678901234567890";
const ENABLED: [&str; 2] = ["--set", "pin_recovery.enabled=true"];

fn config() -> String {
    format!(
        "[[pin_recovery.realms]]\nid = \"{ID}\"\n[[pin_recovery.tenants]]\nname = \"acme\"\nkey = \"{KEY}\"\n"
    )
}

fn bearer() -> String {
    let key = TenantSigningKey::HmacSha256(Secret::new(KEY.as_bytes().to_vec()));
    let now = SystemClock::new().wall().as_s();
    let realm = RecoveryRealmId::from_hex(ID).unwrap();
    let token = TokenGenerator::new("acme", 1, key).unwrap().issue(&realm, "bob", Scope::User, now).unwrap();
    format!("Bearer {}", token.expose())
}

#[test]
fn a_server_that_would_give_guesses_back_does_not_start() {
    let folder = folder();
    fs::write(folder.path().join("strongroom.toml"), config()).unwrap();
    let refused = refuse(folder.path(), &[&["serve"][..], &ENABLED].concat());
    assert!(refused.contains("`root_key_file = \"...\"` under [storage]"), "{refused}");
    succeed(folder.path(), &["store", "key", "new", "-o", "root.key"]);
    let keyed = [&ENABLED[..], &["--set", "storage.root_key_file=root.key"]].concat();
    let refused = refuse(folder.path(), &[&["serve"][..], &keyed].concat());
    assert!(refused.contains("name one that lies outside"), "{refused}");
    let within = ["--set", "pin_recovery.mark_file=strongroom-data/marks.json"];
    let refused = refuse(folder.path(), &[&["serve"][..], &keyed, &within].concat());
    assert!(refused.contains("a backup would take it along"), "{refused}");
    assert!(!folder.path().join("strongroom-data").exists());
}

/// A realm is at its address with the slash, and again after a restart; its tenant's key is shown nowhere.
#[test]
fn a_realm_is_there_and_stays_what_it_was() {
    let folder = folder();
    fs::write(folder.path().join("strongroom.toml"), config()).unwrap();
    succeed(folder.path(), &["store", "key", "new", "-o", "root.key"]);
    let marks = ["--set", "pin_recovery.mark_file=marks.json", "--set", "storage.root_key_file=root.key"];
    let mut told = String::new();
    for _ in 0..2 {
        let server = Server::serve(folder.path(), &[&ENABLED[..], &marks].concat());
        let base = format!("/juicebox/{ID}");
        assert!(server.stdout().contains("/juicebox/"), "{}", server.stdout());
        let here = server.ask("GET", &format!("{base}/"), &[], "");
        assert_eq!(here.body, format!("{{\"realmID\":\"{ID}\"}}"));
        let (token, version) = (bearer(), "0.3.7");
        let headers = [("Authorization", token.as_str()), ("X-Juicebox-Version", version)];
        let status = server.ask("GET", &format!("{base}/status"), &headers, "");
        assert_eq!(status.json()["registered"], false);
        assert_eq!(status.json()["restored"], false);
        let asked =
            |headers: &[(&str, &str)]| server.ask("POST", &format!("{base}/req"), headers, "x").status;
        assert_eq!(asked(&headers), 400);
        assert_eq!(asked(&headers[..1]), 426);
        assert_eq!(asked(&headers[1..]), 401);
        told += &(server.stdout() + &server.stderr());
        server.stop();
    }
    let kept = fs::read_to_string(folder.path().join("marks.json")).unwrap();
    assert!(kept.contains(ID) && kept.contains("\"mark\": 0"), "{kept}");
    assert!(!told.contains("canary") && !kept.contains("canary"));
    assert!(!told.contains("restored"), "{told}");
}

#[test]
fn a_server_that_forgets_needs_neither() {
    let folder = folder();
    fs::write(folder.path().join("strongroom.toml"), config()).unwrap();
    let mut dev = strongroom(folder.path());
    dev.args(["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).args(ENABLED);
    let server = Server::start(folder.path(), dev);
    assert_eq!(server.ask("GET", &format!("/juicebox/{ID}/"), &[], "").status, 200);
    server.stop();
}
