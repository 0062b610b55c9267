//! A-LEAK-01: what must not be seen is seen nowhere: not in the log at any level, not in metrics, not in errors, not in
//! files that it does not belong to, not in core dumps.

use std::{collections::BTreeMap, fs, path::Path, process::Output};

use strongroom_client::api_keys::OwnerKeys;
use strongroom_primitives::{
    cryppo::{Wrapped, WrappingKey},
    encoding,
    secret::SecretText,
    secret_key::SecretKey,
    sign::SigningKey,
};

use crate::{
    api_key::secrets_of,
    kit::{Answer, Server, ask, folder, strongroom, virgil_token},
    user::Device,
};

/// Text that is unmistakable, also as the bytes of a record.
pub(crate) const VALUE: &str = "canary-of-a-value-0123456789";
const META: &str = "canary-of-a-meta-0123456789";
const GATEWAY: &str = "canary-of-a-gateway-0123456789";
pub(crate) const PASSPHRASE: &str = "canary-of-a-passphrase-0123456789";
const NEW_PASSPHRASE: &str = "canary-of-another-passphrase-0123456789";

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
        ("application key's seed", encoding::to_hex(key.expose_seed())),
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

/// Everything of a person's that is secret, by name, in every spelling that it travels in.
pub(crate) fn canaries_of(person: &Device) -> BTreeMap<String, String> {
    let mut canaries: BTreeMap<String, String> = BTreeMap::new();
    for name in ["keystore_access_token", "vault_access_token"] {
        canaries.insert(name.to_owned(), person.field(name).trim_start_matches("srt_").to_owned());
    }
    for name in ["passphrase_derived_key", "key_encryption_key", "data_encryption_key"] {
        let text = person.field(name);
        let key = WrappingKey::from_text(&SecretText::new(text.clone())).unwrap();
        canaries.insert(format!("{name} in hexadecimal"), encoding::to_hex(key.expose_bytes()));
        canaries.insert(format!("{name} in base64"), encoding::to_base64(key.expose_bytes()));
        canaries.insert(name.to_owned(), text);
    }
    let secret = SecretKey::parse(&person.field("secret")).unwrap();
    canaries.insert("secret".to_owned(), secret.expose_base58().to_owned());
    canaries
        .insert("secret in groups".to_owned(), person.field("secret").rsplit('.').next().unwrap().to_owned());
    canaries.insert("secret in hexadecimal".to_owned(), encoding::to_hex(&*secret.expose_bytes()));
    for (name, text) in
        [("passphrase", PASSPHRASE), ("new passphrase", NEW_PASSPHRASE), ("item value", VALUE)]
    {
        canaries.insert(name.to_owned(), text.to_owned());
        canaries.insert(format!("{name} in base64"), encoding::to_base64(text.as_bytes()));
    }
    canaries
}

/// Everything that anybody but a secret's holder sees of a server that has ended, and of the commands that spoke to it.
struct Seen<'s> {
    folder: &'s Path,
    log: String,
    metrics: Answer,
    /// Refusals.
    answers: &'s [Answer],
    outputs: &'s [Output],
}

impl Seen<'_> {
    fn has_none_of(&self, canaries: &BTreeMap<String, String>) {
        let Self { folder, log, metrics, answers, outputs } = self;
        assert!(log.contains("ended"), "there is no log:\n{log}");
        for output in *outputs {
            assert!(!contains(&output.stdout, "srt_"), "a token that nobody asked for: {output:?}");
        }
        let mut files = Vec::new();
        files_under(&folder.join("strongroom-data"), &mut files);
        for (name, canary) in canaries {
            assert!(!log.contains(canary), "the {name} is in the log");
            assert!(!metrics.body.contains(canary), "the {name} is in the metrics");
            for answer in *answers {
                assert!(answer.status >= 400 && !answer.body.contains(canary), "the {name} is in {answer:?}");
            }
            for output in *outputs {
                assert!(!contains(&output.stdout, canary), "the {name} is on standard output");
                assert!(!contains(&output.stderr, canary), "the {name} is on standard error");
            }
            for (path, bytes) in &files {
                assert!(!contains(bytes, canary), "the {name} is in {path}");
            }
        }
    }
}

/// The private key of a person's vault, opened as nobody but them can.
fn private_key_of(person: &Device, server: &Server) -> String {
    let named =
        server.ask_as(&person.field("keystore_access_token"), "GET", "/v1/keypairs/named/vault", "").json();
    let kek = WrappingKey::from_text(&SecretText::new(person.field("key_encryption_key"))).unwrap();
    let wrapped = Wrapped::parse(named["wrapped_private_key"].as_str().unwrap()).unwrap();
    kek.decrypt_text(&wrapped).unwrap().expose().lines().nth(5).unwrap().trim_end().to_owned()
}

/// A-LEAK-01: what a person holds is in no log at any level, no metric, no refusal, no row of the store and no file but
/// the ones that they asked for; and the program that they use says none of it on standard error.
#[test]
fn a_persons_secrets_appear_nowhere_but_in_their_user_file() {
    let folder = folder();
    let server = Server::serve(folder.path(), &["--set", "log.level=trace"]);
    let person = Device::signed_up(folder.path(), "person", &server, PASSPHRASE);
    let first = canaries_of(&person);
    let mut outputs = Vec::new();
    let mut run = |arguments: &[&str], input: &str| outputs.push(person.run(arguments, input.as_bytes()));
    run(&["item", "create", "-l", "Diary", "-v", "text=-"], VALUE);
    run(&["item", "list"], "");
    run(&["item", "update", "00000000000000000000000000000000", "-v", "text=-"], VALUE);
    run(&["item", "create", "-l", "x", "-v", VALUE], "");
    run(&["item", "create", "-l", "x", "-v", &format!("text={VALUE}")], "");
    run(&["item", "create", "-l", "x", "-t", "none", "-v", "text=-"], VALUE);
    run(&["user", "get"], "");
    run(&["session", "list"], "");
    run(&["user", "login", "-p", PASSPHRASE], "");
    run(&["user", "login", "-p", "-", "-o", "other.yaml"], NEW_PASSPHRASE);
    run(&["key", "list"], "");
    run(&["key", "list", "--json"], "");
    run(&["kek", "rotate"], "");
    person.private("new", NEW_PASSPHRASE.as_bytes());
    run(&["user", "passwd", "-p", "-", "--new-passphrase-file", "new"], "wrong");
    run(&["user", "passwd", "-p", "-", "--new-passphrase-file", "new"], PASSPHRASE);
    run(&["user", "get", "-a", "new"], "");
    let mut canaries = canaries_of(&person);
    canaries.extend(first.into_iter().map(|(name, canary)| (format!("first {name}"), canary)));
    canaries.insert("private key".to_owned(), private_key_of(&person, &server));
    let token = person.field("keystore_access_token");
    let answers = [
        server.ask_as(&token, "POST", "/v1/kek", &format!(r#"{{"wrapped":"{VALUE}"}}"#)),
        server.ask_as(&token, "POST", "/v1/deks", &format!(r#"{{"wrapped":"{VALUE}","{PASSPHRASE}":1}}"#)),
        server.ask_as(&token, "POST", "/v1/vault/items", &format!(r#"{{"label":"{VALUE}"#)),
        server.ask("POST", "/v1/users/session", &[], &format!(r#"{{"username":"{PASSPHRASE}"}}"#)),
    ];
    run(&["user", "logout"], "");
    run(&["user", "get"], "");
    let metrics = ask(&server.admin, "GET", "/metrics", &[], "").unwrap();
    server.signal("TERM");
    let mut server = server;
    server.wait();

    let log = server.stderr();
    let done = outputs.iter().filter(|output| output.status.success()).count();
    assert_eq!((outputs.len(), done), (18, 9), "{outputs:?}");
    Seen { folder: folder.path(), log, metrics, answers: &answers, outputs: &outputs }.has_none_of(&canaries);
}

/// A-LEAK-01: what a program signs in with, and what its owner gives it, is in no log at any level, no metric, no row of
/// the store and nothing that the commands say, but for the file and the token that were asked for.
#[test]
fn a_programs_secrets_appear_nowhere_but_where_they_were_asked_for() {
    let folder = folder();
    let server = Server::serve(folder.path(), &["--set", "log.level=trace"]);
    let person = Device::signed_up(folder.path(), "person", &server, PASSPHRASE);
    let made = ["api-key", "create", "--title", "cron", "--read", "-o", ".api-key.toml"];
    let id = person.succeed(&made).trim_end().to_owned();
    let file = fs::read_to_string(person.folder.join(".api-key.toml")).unwrap();
    let field = |name: &str| {
        let line = file.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
        line.unwrap().trim_matches('"').to_owned()
    };
    let dek = WrappingKey::from_text(&SecretText::new(person.field("data_encryption_key"))).unwrap();
    let owner = OwnerKeys::derived(&dek);
    let token = person.succeed(&["api-key", "login", "--token"]).trim_end().to_owned();
    person.private(
        "secret.key",
        format!("{}\n", encoding::to_hex(&VALUE.repeat(2).as_bytes()[..32])).as_bytes(),
    );
    let secret_key = fs::read_to_string(person.folder.join("secret.key")).unwrap().trim_end().to_owned();

    let mut outputs = Vec::new();
    let mut run = |arguments: &[&str], input: &str| outputs.push(person.run(arguments, input.as_bytes()));
    let [secret, _] = secrets_of(&server, &person.field("keystore_access_token"));
    run(&["api-key", "list"], "");
    run(&["api-key", "list", "--json"], "");
    run(&["api-key", "login"], "");
    run(&["api-key", "login", "--json"], "");
    run(&["api-key", "login", "--token", "--json", "-o", "token"], "");
    run(&["api-key", "logout", "--token-file", "token"], "");
    run(&["api-key", "attach", &id, &secret, "--key", "-", "--title", "x"], &secret_key);
    run(&["api-key", "attach", &id, &secret, "--key", "secret.key", "--title", "x"], "");
    run(&["api-key", "attach", &id, &secret, "--key", "-", "--title", "x"], &format!("{secret_key}x"));
    run(&["api-key", "attached", &id], "");
    run(&["api-key", "create", "--title", "x", "--read", "-o", "none/file"], "");
    run(&["api-key", "login", "--api-key", ".user.yaml"], "");
    run(&["api-key", "logout", "--token-file", ".api-key.toml"], "");
    run(&["session", "list"], "");
    run(&["session", "list", "--json"], "");
    run(&["api-key", "update", &id, "--write=true"], "");
    let wrong = format!(r#"{{"title":"{VALUE}"}}"#);
    let answers = [
        server.ask_as(&token, "GET", "/v1/api-keys", ""),
        server.ask_as(&format!("{token}x"), "GET", "/v1/session", ""),
        server.ask(
            "POST",
            "/v1/api-keys/session",
            &[],
            &format!(r#"{{"api_key":"{id}","nonce":"{token}"}}"#),
        ),
        server.ask_as(&person.field("keystore_access_token"), "POST", "/v1/api-keys", &wrong),
    ];
    run(&["session", "revoke", "--others"], "");
    run(&["api-key", "revoke", &id], "");
    run(&["api-key", "login"], "");
    let metrics = ask(&server.admin, "GET", "/metrics", &[], "").unwrap();
    server.signal("TERM");
    let mut server = server;
    server.wait();

    let mut canaries = canaries_of(&person);
    let mut add = |name: &str, bytes: &[u8]| {
        canaries.insert(format!("{name} in hexadecimal"), encoding::to_hex(bytes));
        canaries.insert(format!("{name} in base64"), encoding::to_base64(bytes));
    };
    add("seed", &encoding::from_hex(&field("api_key_seed")).unwrap());
    add("API key's secret key", &encoding::from_hex(&field("api_key_secret_key")).unwrap());
    add("owner's private key", &*owner.private_key);
    add("owner's secret key", owner.secret_key.expose());
    add("attached secret's key", &encoding::from_hex(&secret_key).unwrap());
    canaries.insert("token".to_owned(), token.trim_start_matches("srt_").to_owned());
    let log = server.stderr();
    let done = outputs.iter().filter(|output| output.status.success()).count();
    assert_eq!((outputs.len(), done), (19, 13), "{outputs:?}");
    Seen { folder: folder.path(), log, metrics, answers: &answers, outputs: &outputs }.has_none_of(&canaries);
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
