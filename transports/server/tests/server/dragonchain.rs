//! Chains on the real binary: refused without a root key, made at the start, kept over restarts and kills.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    time::Duration,
};

use serde_json::Value;
use strongroom_primitives::encoding;

use crate::{
    chain::{CHAIN, ENABLED, Holder, PRESET, ROOT, ROOT_KEY, command, is_unsigned, said, send, serve},
    encrypted::times_in_data,
    kit::{Server, folder, one_line, refuse, strongroom, succeed},
    signed,
};

const OTHER_KEY: &str = "zzzz15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPzzz";
/// What a key is called, as it lies in its row.
const BELL: &str = "the bell beside the door";
const MAC: &str = "Invalid HMAC Authentication";

#[test]
fn a_store_that_is_not_encrypted_serves_no_chains() {
    let folder = folder();
    let enabled = ["--set", "dragonchain.enabled=true"];
    for command in [&["config", "check"][..], &["serve"]] {
        let refused = refuse(folder.path(), &[command, &enabled].concat());
        assert!(refused.starts_with("flag --set dragonchain.enabled: dragonchain.enabled: "), "{refused}");
        assert!(refused.contains("`root_key_file = \"...\"` under [storage]"), "{refused}");
    }
    assert!(!folder.path().join("strongroom-data").exists());
    succeed(folder.path(), &[&["config", "check", "--set", "storage.kind=memory"][..], &enabled].concat());
    let mut dev = strongroom(folder.path());
    dev.args(["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).args(enabled);
    let server = Server::start(folder.path(), dev);
    assert!(server.stdout().contains(&format!("{}/dragonchain\n", server.public)), "{}", server.stdout());
    assert_eq!(server.ask("GET", "/dragonchain/health", &[], "").body, "OK\n");
    server.stop();
}

/// A-MAC-06, A-MAC-08, A-LEAK-01: keys outlive the process, their deletion outlives a kill, and their secrets lie nowhere.
#[test]
fn a_chain_and_its_keys_are_kept_and_shown_nowhere() {
    let folder = folder();
    let root = Holder::root();
    let server = serve(folder.path(), &PRESET);
    let key = root.make(&server, r#"{"nickname":"build server"}"#);
    assert_eq!(key.ask(&server, "GET", "/v1/status", "").json()["id"], CHAIN);
    let bell = server.admin_json(&[
        "service-key",
        "create",
        "--chain",
        CHAIN,
        "--kind",
        "hmac-sha256",
        "--nickname",
        BELL,
    ]);
    let bell_id = bell["key"]["id"].as_str().unwrap();
    let rotated = server.admin_json(&["service-key", "rotate", "--chain", CHAIN, bell_id, "--overlap", "1h"]);
    for made in [&bell, &rotated] {
        let answer = signed::Holder::of(made).ask(&server, "GET", "/v1/service-keys/self", "");
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let secrets = [ROOT_KEY, key.key.expose(), secret_of(&bell), secret_of(&rotated)];
    server.stop();
    let mut printed = said(folder.path());
    assert!(printed.contains("the configured chain was made"), "{printed}");

    // Without the preset the chain is there all the same, and whoever asks at once is not told that their clock is wrong.
    let mut server = serve(folder.path(), &[]);
    let status = key.ask(&server, "GET", "/v1/status", "");
    assert_eq!(status.status, 200, "{status:?}");
    let path = format!("/v1/api-key/{}", key.id);
    assert_eq!(root.ask(&server, "GET", &path, "").json()["nickname"], "build server");
    assert_eq!(root.ask(&server, "DELETE", &path, "").status, 200);
    server.signal("KILL");
    server.wait();
    printed += &said(folder.path());
    lie_nowhere(folder.path(), &secrets);

    let server = serve(folder.path(), &PRESET);
    is_unsigned(&key.ask(&server, "GET", "/v1/status", ""), MAC);
    assert_eq!(root.ask(&server, "GET", &path, "").status, 404);
    server.stop();
    printed += &said(folder.path());
    assert!(!printed.contains("another root key"), "{printed}");

    let mut show = strongroom(folder.path());
    let show = show.args(["config", "show"]).args(ENABLED).envs(PRESET).output().unwrap();
    let shown = String::from_utf8(show.stdout).unwrap();
    assert!(shown.contains(CHAIN) && shown.contains(ROOT) && shown.contains("(hidden)"), "{shown}");
    for secret in secrets {
        assert!(!printed.contains(secret) && !shown.contains(secret));
    }
    lie_nowhere(folder.path(), &secrets);
    // Whoever has the root key as well finds names in plain text, and no secret.
    assert_eq!(times_in_data(folder.path(), BELL.as_bytes()), 0);
    succeed(folder.path(), &["store", "decrypt", "--set", "storage.root_key_file=root.key"]);
    assert!(times_in_data(folder.path(), BELL.as_bytes()) > 0, "the search finds nothing at all");
    lie_nowhere(folder.path(), &secrets);
}

fn secret_of(made: &Value) -> &str {
    made["secret"].as_str().unwrap()
}

/// Expects these secrets in no file of the data folder, in no spelling.
#[track_caller]
fn lie_nowhere(folder: &Path, secrets: &[&str]) {
    for secret in secrets {
        let bytes = secret.as_bytes();
        for spelling in [*secret, &*encoding::to_base64(bytes), &*encoding::to_hex(bytes)] {
            assert_eq!(times_in_data(folder, spelling.as_bytes()), 0);
        }
    }
}

/// A-MAC-02: a request that was taken is refused by the process that comes after a SIGKILL, and a new one is good.
#[test]
fn what_was_taken_before_a_kill_is_not_taken_after_it() {
    let folder = folder();
    let mut server = serve(folder.path(), &PRESET);
    let root = Holder::root();
    let target = "/dragonchain/v1/api-key";
    let requests: Vec<_> = [("GET", ""), ("POST", ""), ("POST", "{}")]
        .map(|(verb, body)| (verb, body, root.sign(verb, "/v1/api-key", body)))
        .into();
    for (verb, body, headers) in &requests {
        assert!(send(&server.public, verb, target, headers, body).status < 300);
        let replayed = send(&server.public, verb, target, headers, body);
        is_unsigned(&replayed, "Previous matching request found (no replays allowed)");
    }
    server.signal("KILL");
    server.wait();
    drop(server);
    let server = serve(folder.path(), &[]);
    for (verb, body, headers) in &requests {
        let replayed = send(&server.public, verb, target, headers, body);
        let told = replayed.json()["error"]["details"].as_str().unwrap().to_owned();
        let known =
            ["Previous matching request found (no replays allowed)", "Timestamp of request too skewed"];
        assert!(replayed.status == 401 && known.contains(&&*told), "{replayed:?}");
    }
    let keys = root.ask(&server, "GET", "/v1/api-key", "").json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 3);
    server.stop();
}

/// A root key that was stolen is replaced by the one in the configuration; the keys that were made stay.
#[test]
fn another_root_key_in_the_configuration_takes_the_place_of_the_first() {
    let folder = folder();
    let server = serve(folder.path(), &PRESET);
    let key = Holder::root().make(&server, "");
    server.stop();
    for (name, text) in [("id", CHAIN), ("key-id", "NEWROOTKEYID"), ("key", OTHER_KEY)] {
        fs::write(folder.path().join(name), format!("{text}\n")).unwrap();
    }
    let files = [
        ("STRONGROOM_DRAGONCHAIN_ID_FILE", "id"),
        ("STRONGROOM_DRAGONCHAIN_ROOT_KEY_ID_FILE", "key-id"),
        ("STRONGROOM_DRAGONCHAIN_ROOT_KEY_FILE", "key"),
    ];
    let server = serve(folder.path(), &files);
    let printed = said(folder.path());
    assert!(
        printed.contains("the chain had another root key") && printed.contains("NEWROOTKEYID"),
        "{printed}"
    );
    assert!(!printed.contains(OTHER_KEY));
    is_unsigned(&Holder::root().ask(&server, "GET", "/v1/status", ""), MAC);
    let root = Holder::of("NEWROOTKEYID", OTHER_KEY);
    assert_eq!(root.ask(&server, "GET", "/v1/status", "").status, 200);
    assert_eq!(key.ask(&server, "GET", "/v1/status", "").status, 200);
    server.stop();

    // The first one's id is never issued again.
    let output = command(folder.path(), &PRESET, &[]).output().unwrap();
    let refused = one_line(&output);
    assert!(refused.contains("dragonchain.chain: the chain was not taken"), "{refused}");
    assert!(!refused.contains(ROOT_KEY));
}

#[test]
fn chains_may_have_a_listener_of_their_own() {
    let folder = folder();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let listen = format!("dragonchain.listen={free}");
    let rates = "dragonchain.rates.failures_per_minute=1";
    let url = "dragonchain.url=https://keys.example";
    let arguments = ["--set", &listen, "--set", rates, "--set", url];
    let server = Server::start(folder.path(), command(folder.path(), &PRESET, &arguments));
    assert!(server.stdout().contains(&format!("http://{free}\n")), "{}", server.stdout());
    let root = Holder::root();
    for path in ["/v1/status", "/status"] {
        let answer = send(&free, "GET", path, &root.sign("GET", path, ""), "");
        assert_eq!(
            (answer.status, &answer.json()["url"]),
            (200, &"https://keys.example".into()),
            "{answer:?}"
        );
        assert!(answer.head.to_ascii_lowercase().contains("\r\ndate: "), "{}", answer.head);
    }
    assert_eq!(root.ask(&server, "GET", "/v1/status", "").status, 404);
    let forged = Holder::of(ROOT, OTHER_KEY);
    let statuses =
        [(); 2].map(|()| send(&free, "GET", "/status", &forged.sign("GET", "/status", ""), "").status);
    assert_eq!(statuses, [401, 429]);
    server.stop();
}

/// Sends bytes and gives back the status of the answer, and the rest of it.
fn raw(server: &Server, bytes: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(&server.public).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket.write_all(bytes.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

/// A-MAC-09, A-MAC-10, A-HTTP-01: what arrives has one reading, or none.
#[test]
fn a_request_on_the_wire_has_one_reading() {
    let folder = folder();
    let server = serve(folder.path(), &PRESET);
    let head = |verb: &str, body: &str| {
        let headers = Holder::root().sign(verb, "/v1/api-key", body);
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{verb} /dragonchain/v1/api-key HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}")
    };
    let body = r#"{"nickname":"a"}"#;
    let json = "Content-Type: application/json\r\n";
    let chunks = format!("5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n", &body[..5], body.len() - 5, &body[5..]);
    let chunked = format!("{}{json}Transfer-Encoding: chunked\r\n\r\n{chunks}", head("POST", body));
    assert_eq!(raw(&server, &chunked).0, 201, "the bytes are signed, however they were cut");
    assert_eq!(raw(&server, &chunked).0, 401);
    let both = format!(
        "{}{json}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}",
        head("POST", body),
        body.len()
    );
    assert_eq!(raw(&server, &both).0, 400);
    let folded = head("GET", "").replacen("timestamp: ", "timestamp:\r\n ", 1) + "\r\n";
    assert_eq!(raw(&server, &folded).0, 400);
    for name in ["dragonchain", "timestamp", "Authorization"] {
        let (status, answer) = raw(&server, &format!("{}{name}: x\r\n\r\n", head("GET", "")));
        assert!(status == 401 && answer.contains("Malformed Authorization Header"), "{name}: {answer}");
    }
    let (status, answer) = raw(&server, &format!("{}\r\n", head("HEAD", "")));
    assert!(status == 200 && answer.ends_with("\r\n\r\n"), "{answer}");
    let large = format!("{}{json}Content-Length: 65537\r\n\r\n", head("POST", ""));
    assert_eq!(raw(&server, &large).0, 413);
    server.stop();
}
