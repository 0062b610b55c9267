//! A-LEAK-01: what must not be seen is seen nowhere: not in the log at any level, not in metrics, not in errors, not in
//! files that it does not belong to, not in core dumps.

use std::{collections::BTreeMap, fs, path::Path};

use strongroom_primitives::{encoding, sign::SigningKey};

use crate::kit::{Answer, Server, ask, folder, strongroom, virgil_token};

/// Text that is unmistakable, also as the bytes of a record.
const VALUE: &str = "canary-of-a-value-0123456789";
const META: &str = "canary-of-a-meta-0123456789";
const GATEWAY: &str = "canary-of-a-gateway-0123456789";

/// Everything that is secret in this test, by name, in every spelling that it travels in.
fn canaries(server: &Server, key: &SigningKey, jwt: &str, operator: &str) -> BTreeMap<&'static str, String> {
    let token = server.first_token();
    let signature = jwt.rsplit('.').next().unwrap().to_owned();
    [
        ("value", VALUE.to_owned()),
        ("value in base64", encoding::to_base64(VALUE.as_bytes())),
        ("meta", META.to_owned()),
        ("meta in base64", encoding::to_base64(META.as_bytes())),
        ("bearer token", token.trim_start_matches("srt_").to_owned()),
        ("JWT", jwt.trim_start_matches("Virgil ").to_owned()),
        ("JWT's signature", signature),
        ("application key", encoding::to_base64(&*key.to_pkcs8())),
        ("application key's seed", hex::encode(key.expose_seed())),
        ("operator's token", operator.trim_start_matches("sro_").to_owned()),
        ("gateway's secret", GATEWAY.to_owned()),
    ]
    .into()
}

fn drive(server: &Server, jwt: &str, operator: &str) -> Vec<Answer> {
    let token = server.first_token();
    let body = format!(
        r#"{{"meta":"{}","value":"{}"}}"#,
        encoding::to_base64(META.as_bytes()),
        encoding::to_base64(VALUE.as_bytes())
    );
    let bearer = format!("Bearer {token}");
    let public = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        ask(&server.public, method, path, headers, body).unwrap()
    };
    let me = [("Authorization", bearer.as_str())];
    // What is right; the answers may hold what belongs to their reader.
    assert_eq!(public("PUT", "/v1/records/diary", &me, &body).status, 200);
    assert_eq!(public("GET", "/v1/records/diary", &me, "").status, 200);
    assert_eq!(public("PUT", "/keyknox/v1", &[("Authorization", jwt)], &body).status, 200);
    assert_eq!(public("GET", "/keyknox/v1", &[("Authorization", jwt)], "").status, 200);
    // What is wrong in every way; these answers must hold nothing.
    let bad_jwt = format!("{jwt}x");
    let bad_bearer = format!("{bearer}x");
    let admin = |authorization: &str, body: &str| {
        let headers = [("Authorization", authorization)];
        ask(&server.admin, "POST", "/admin/v1/token/issue", &headers, body).unwrap()
    };
    let long = format!("{VALUE}{}", "A".repeat(600 * 1024));
    let gateway = [("Strongroom-Gateway-Secret", GATEWAY), ("X-Virgil-Identity", "ann")];
    vec![
        public("PUT", "/v1/records/diary", &me, &body),
        public("PUT", "/v1/records/diary", &me, &format!("{body}{VALUE}")),
        public("PUT", "/v1/records/diary", &me, &format!(r#"{{"meta":"{VALUE}","value":7}}"#)),
        public("PUT", "/v1/records/diary", &me, &format!(r#"{{"{VALUE}":1}}"#)),
        public("PUT", "/v1/records/diary", &me, &long),
        public("PUT", "/keyknox/v1", &[("Authorization", jwt)], &body),
        public("PUT", "/keyknox/v1", &[("Authorization", jwt)], &format!(r#"{{"meta":"{VALUE}"}}"#)),
        public("GET", "/keyknox/v1", &[("Authorization", &bad_jwt)], ""),
        public("GET", "/keyknox/v1", &gateway, ""),
        public("GET", "/v1/session", &[("Authorization", &bad_bearer)], ""),
        public("GET", "/v1/session", &[("Authorization", &format!("Basic {token}"))], ""),
        public("GET", &format!("/v1/session?token={token}"), &[], ""),
        admin(&bearer, &body),
        admin(&format!("Bearer {operator}"), &format!(r#"{{"identity":"{VALUE}"#)),
        admin(&format!("Bearer {operator}x"), ""),
    ]
}

fn files_under(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn canaries_appear_in_no_log_metric_or_error() {
    for format in ["json", "pretty"] {
        let folder = folder();
        let secret_file = folder.path().join("gateway.secret");
        fs::write(&secret_file, GATEWAY).unwrap();
        let mut command = strongroom(folder.path());
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(["--set", "log.level=trace", "--set", &format!("log.format={format}")])
            .env("STRONGROOM__KEYKNOX__GATEWAY__SECRET_FILE", &secret_file);
        let server = Server::start(folder.path(), command);
        let data = folder.path().join("strongroom-data");
        let read = |name: &str| fs::read_to_string(data.join(name)).unwrap();
        let operator = read("operator.token").trim().to_owned();
        let der = encoding::from_base64(read("first/application.key").trim()).unwrap();
        let key = SigningKey::from_pkcs8(&der).unwrap();
        let application: serde_json::Value = serde_json::from_str(&read("first/application.json")).unwrap();
        let jwt = virgil_token("first", application["key_id"].as_str().unwrap(), &key);

        let canaries = canaries(&server, &key, &jwt, &operator);
        let answers = drive(&server, &jwt, &operator);
        let metrics = ask(&server.admin, "GET", "/metrics", &[], "").unwrap();
        let (pid, token) = (server.pid(), server.first_token());
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert!(core.split_whitespace().nth(4) == Some("0"), "core dumps are on: {core}");
        server.signal("TERM");
        let mut server = server;
        server.wait();

        let log = server.stderr();
        assert!(
            log.contains("keyknox") && log.contains("ended"),
            "the log at trace level tells nothing:
{log}"
        );
        for (name, canary) in &canaries {
            assert!(!log.contains(canary), "the {name} is in the {format} log");
            assert!(!metrics.body.contains(canary), "the {name} is in the metrics");
            for answer in &answers {
                assert!(!answer.body.contains(canary), "the {name} is in an error: {answer:?}");
                assert!(!answer.head.contains(canary), "the {name} is in the head of an error: {answer:?}");
            }
        }
        for answer in &answers {
            assert!((400..500).contains(&answer.status), "{answer:?}");
        }

        // On disk are the records and the files that keep the first credentials, and nothing else: no token in the
        // store, which keeps its hash only.
        let mut files = Vec::new();
        files_under(&data.join("store"), &mut files);
        for (path, bytes) in &files {
            for name in ["bearer token", "JWT", "application key", "operator's token", "gateway's secret"] {
                assert!(!contains(bytes, &canaries[name]), "the {name} is in {path}");
            }
        }
        assert!(!token.is_empty());
    }
}

/// F-24: a log that nobody reads holds up no request and does not keep the server from ending.
#[test]
fn a_blocked_log_holds_up_nobody() {
    let folder = folder();
    let mut command = strongroom(folder.path());
    command.args(["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.args(["--set", "log.level=trace", "--set", "log.format=json"]);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut server = Server::start_logging_to(folder.path(), command, writer.into());
    // Each writes a line of some 200 bytes; a pipe takes 64 KiB.
    for _ in 0..800 {
        assert_eq!(server.ask("GET", "/keyknox/v1", &[], "").status, 401);
    }
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    drop(reader);
}
