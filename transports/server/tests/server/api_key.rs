//! `strongroom api-key` as a person and a program meet it: made, handed over, used with curl, narrowed, revoked.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use serde_json::{Value, json};
use strongroom_primitives::{encoding::to_base64, id::SecretId};

use crate::{
    kit::{Answer, Server, ask, folder},
    user::Device,
};

const RECORD: &str = r#"{"meta":"bWV0YQ==","value":"dmFsdWU="}"#;

/// A program's folder, with the file that the person made for it.
fn program(person: &Device, name: &str, rights: &[&str]) -> (Device, String) {
    let program = Device { folder: person.folder.with_file_name(name), url: person.url.clone() };
    fs::create_dir(&program.folder).unwrap();
    let file = program.folder.join(".api-key.toml");
    let create = ["api-key", "create", "--title", name, "-o", file.to_str().unwrap()];
    let id = person.succeed(&[&create[..], rights].concat()).trim_end().to_owned();
    (program, id)
}

fn token(program: &Device) -> String {
    program.succeed(&["api-key", "login", "--token"]).trim_end().to_owned()
}

fn code(answer: &Answer) -> String {
    answer.json()["code"].as_str().unwrap_or_default().to_owned()
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// A-API-08, A-API-12: what a person takes from a key is taken from its open sessions with their next request.
#[test]
fn a_key_is_made_used_narrowed_and_revoked() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let ann = Device::signed_up(folder.path(), "ann", &server, "first");
    let refused = ann.refuse(&["api-key", "create", "--title", "none"]);
    assert!(refused.contains("--read") && refused.contains("--write"), "{refused}");
    let (backup, id) = program(&ann, "backup", &["--read", "--write", "--expires", "30d"]);
    assert_eq!(backup.mode(".api-key.toml"), 0o600);

    let listed = ann.json(&["api-key", "list"]);
    let key = &listed[0];
    assert_eq!((&key["id"], &key["title"], &key["sessions"]), (&json!(id), &json!("backup"), &json!(0)));
    let flags = ["read", "write", "restrict", "insecure", "active"].map(|name| key[name] == true);
    assert_eq!(flags, [true, true, false, false, true]);
    let days = key["expires_ms"].as_u64().unwrap() - key["created_ms"].as_u64().unwrap();
    assert!(days.abs_diff(30 * 86_400_000) < 60_000, "{key}");
    let shown = backup.json(&["api-key", "login"]);
    assert_eq!((&shown["api_key"]["id"], &shown["token"]), (&json!(id), &Value::Null));
    assert_eq!(
        ann.json(&["api-key", "list"])[0]["sessions"],
        0,
        "a session stays only where its token was given"
    );

    let session = token(&backup);
    let put = |name: &str| server.ask_as(&session, "PUT", &format!("/v1/records/{name}"), RECORD);
    let get = || server.ask_as(&session, "GET", "/v1/records/diary", "");
    assert_eq!((put("diary").status, get().status), (200, 200));
    assert_eq!(ann.json(&["api-key", "list"])[0]["sessions"], 1);
    let table = ann.succeed(&["api-key", "list"]);
    assert!(table.contains(&id) && table.contains("read write"), "{table}");
    assert!(backup.succeed(&["api-key", "login"]).contains("read write"));
    for (method, path, body) in [
        ("GET", "/v1/api-keys", ""),
        ("PATCH", &format!("/v1/api-keys/{id}")[..], r#"{"write":true}"#),
        ("GET", "/v1/sessions", ""),
        ("GET", "/v1/kek", ""),
    ] {
        assert_eq!(code(&server.ask_as(&session, method, path, body)), "api-key-refused", "{method} {path}");
    }

    let refused = ann.refuse(&["api-key", "update", &id]);
    assert!(refused.contains("--write=false"), "{refused}");
    let changed = ann.json(&["api-key", "update", &id, "--write=false", "--title", "reader"]);
    assert_eq!(
        (&changed["title"], &changed["read"], &changed["write"]),
        (&json!("reader"), &json!(true), &json!(false))
    );
    assert_eq!((code(&put("other")), get().status), ("api-key-refused".to_owned(), 200));
    ann.succeed(&["api-key", "update", &id, "--restrict=true"]);
    assert_eq!(code(&get()), "api-key-refused");
    assert!(backup.succeed(&["api-key", "login"]).contains("the secrets attached to it"));
    ann.succeed(&["api-key", "update", &id, "--restrict=false", "--active=false"]);
    assert_eq!(get().status, 401, "a key that is off has no sessions");
    let refused = backup.refuse(&["api-key", "login"]);
    assert!(refused.contains("strongroom api-key list"), "{refused}");
    ann.succeed(&["api-key", "update", &id, "--active=true", "--expires", "never"]);
    assert_eq!(ann.json(&["api-key", "list"])[0]["expires_ms"], Value::Null);
    ann.succeed(&["api-key", "update", &id, "--expires", "2020-01-01"]);
    assert!(backup.refuse(&["api-key", "login"]).contains("login-refused"), "it has ended");
    ann.succeed(&["api-key", "update", &id, "--expires", "1d"]);

    let session = token(&backup);
    let get = || server.ask_as(&session, "GET", "/v1/records/diary", "");
    assert_eq!(get().status, 200);
    assert_eq!(ann.json(&["api-key", "revoke", &id]), json!({ "revoked": [id] }));
    assert_eq!(get().status, 401);
    assert!(backup.refuse(&["api-key", "login"]).contains("login-refused"));
    assert!(ann.refuse(&["api-key", "revoke", &id]).contains("strongroom api-key list"));
    assert_eq!(ann.json(&["api-key", "list"]), json!([]));
}

/// What an owner gives is derived from the data encryption key, so it opens after a new KEK and a new passphrase too.
#[test]
fn a_key_goes_on_over_another_passphrase_and_another_kek() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let ann = Device::signed_up(folder.path(), "ann", &server, "first");
    let (backup, _) = program(&ann, "backup", &["--read"]);
    ann.private("second", b"second");
    ann.succeed(&["user", "passwd", "--passphrase-file", "passphrase", "--new-passphrase-file", "second"]);
    ann.succeed(&["kek", "rotate"]);
    backup.succeed(&["api-key", "login"]);
    let (after, _) = program(&ann, "after", &["--read"]);
    after.succeed(&["api-key", "login"]);
    assert_eq!(ann.json(&["api-key", "list"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_token_goes_where_it_was_asked_for_and_its_session_ends_when_asked() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let ann = Device::signed_up(folder.path(), "ann", &server, "first");
    let (cron, _) = program(&ann, "cron", &["--read"]);
    let status = |token: &str| server.ask_as(token, "GET", "/v1/session", "").status;
    let open = || ann.json(&["api-key", "list"])[0]["sessions"].as_u64().unwrap();

    let printed = cron.succeed(&["api-key", "login", "--token"]);
    assert_eq!((printed.lines().count(), status(printed.trim_end())), (1, 200), "a token and nothing else");
    let shown = cron.json(&["api-key", "login", "--token", "--life", "60s", "--label", "nightly"]);
    assert_eq!(status(shown["token"].as_str().unwrap()), 200);
    assert!(shown["session_expires_ms"].is_u64() && shown["session"].is_string(), "{shown}");
    let filed = cron.json(&["api-key", "login", "--token", "-o", "token"]);
    assert_eq!((&filed["file"], &filed["token"]), (&json!("token"), &Value::Null));
    assert_eq!((cron.mode("token"), open()), (0o600, 3));
    assert!(cron.refuse(&["api-key", "login", "--token", "-o", "token"]).contains("--force"));
    assert!(cron.refuse(&["api-key", "login", "-o", "other"]).contains("--token"));
    assert_eq!(open(), 3, "a sign-in that is refused here opens nothing");
    // A place that turns out not to be writable costs no session.
    assert!(cron.refuse(&["api-key", "login", "--token", "-o", "none/token"]).contains("none/token"));
    assert_eq!(open(), 3);

    let file = fs::read_to_string(cron.folder.join("token")).unwrap();
    let logout = ["api-key", "logout", "--token-file", "token"];
    assert_eq!(cron.json(&logout), json!({ "sessions_ended": 1 }));
    assert_eq!((status(file.trim_end()), open()), (401, 2));
    assert_eq!(cron.json(&logout), json!({ "sessions_ended": 0 }), "ended is what it was to be");
    fs::set_permissions(cron.folder.join("token"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(cron.refuse(&logout).contains("chmod 600"));
    cron.private("token", b"canary \n words");
    let refused = cron.refuse(&logout);
    assert!(refused.contains("no token") && !refused.contains("canary"), "{refused}");
}

/// A-LEAK-01, A-ADM-07: a file that others can read is refused with the way out, and is never written over by accident.
#[test]
fn an_api_key_file_is_its_programs_alone() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let ann = Device::signed_up(folder.path(), "ann", &server, "first");
    let (cron, _) = program(&ann, "cron", &["--read"]);
    let path = cron.folder.join(".api-key.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(cron.refuse(&["api-key", "login"]).contains("chmod 600 .api-key.toml"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let refused = cron.refuse(&["api-key", "login", "--api-key", "none"]);
    assert!(refused.contains("strongroom api-key create -o none"), "{refused}");
    let mut elsewhere = cron.command(&["api-key", "login"]);
    let elsewhere =
        elsewhere.current_dir(folder.path()).env("STRONGROOM_API_KEY_FILE", &path).output().unwrap();
    assert!(elsewhere.status.success(), "{elsewhere:?}");

    let before = fs::read_to_string(&path).unwrap();
    let again = ["api-key", "create", "--title", "x", "--read", "-o", path.to_str().unwrap()];
    assert!(ann.refuse(&again).contains("--force"));
    assert_eq!(
        (fs::read_to_string(&path).unwrap(), count(&ann)),
        (before, 1),
        "and no key was made for nothing"
    );
    // The file cannot be written after all: the key that was made is ended again.
    let refused = ann.refuse(&["api-key", "create", "--title", "x", "--read", "-o", "none/file"]);
    assert!(refused.starts_with("no API key was made") && refused.contains("none/file"), "{refused}");
    assert_eq!(count(&ann), 1);
    let past = ["api-key", "create", "--title", "x", "--read", "--expires", "2020-01-01"];
    assert!(ann.refuse(&past).contains("--expires"));
    // Printed, as TOML or JSON, it is the same file.
    let printed = ann.succeed(&["api-key", "create", "--title", "x", "--read"]);
    cron.private(".api-key.toml", printed.as_bytes());
    cron.succeed(&["api-key", "login"]);
    let document = ann.json(&["api-key", "create", "--title", "x", "--read"]);
    let names: Vec<_> = printed.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        names,
        ["server_url", "api_key_id", "api_key_seed", "api_key_secret_key", "server_verify_key"]
    );
    assert!(names.iter().all(|name| document[name].is_string()) && document.as_object().unwrap().len() == 5);
}

fn count(person: &Device) -> usize {
    person.json(&["api-key", "list"]).as_array().unwrap().len()
}

/// Adversary S of THREATS: what comes back is by the server that the key was made at, or nothing of it is used.
#[test]
fn another_servers_answer_is_refused_and_no_token_is_given() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let ann = Device::signed_up(folder.path(), "ann", &server, "first");
    let (cron, _) = program(&ann, "cron", &["--read"]);
    let path = cron.folder.join(".api-key.toml");
    let changed = relay(server.public.clone(), |answer| {
        let from = answer.find(r#""grant":""#)? + r#""grant":""#.len() + 8;
        let other = if answer[from..].starts_with('A') { "B" } else { "A" };
        Some(format!("{}{other}{}", &answer[..from], &answer[from + 1..]))
    });
    replace(&path, &server.public, &changed);
    let refused = cron.refuse(&["api-key", "login", "--token", "-o", "token"]);
    assert!(refused.contains("not by the server") && refused.contains("`server_verify_key`"), "{refused}");
    assert!(!cron.folder.join("token").exists());
    // It is what was changed on the way that is refused, not the way.
    replace(&path, &changed, &relay(server.public.clone(), |_| None));
    cron.succeed(&["api-key", "login"]);
}

/// A server in between, which changes the answers for which `change` has others. Gives its host and port, and ends with
/// the test.
fn relay(server: String, change: impl Fn(&str) -> Option<String> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let _ = pass_on(&mut socket.unwrap(), &server, &change);
        }
    });
    address
}

fn pass_on(
    socket: &mut TcpStream,
    server: &str,
    change: impl Fn(&str) -> Option<String>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(&mut *socket);
    let (mut head, mut line) = (Vec::new(), String::new());
    while reader.read_line(&mut line)? > 2 {
        head.push(std::mem::take(&mut line).trim_end().to_owned());
    }
    let header = |name: &str| {
        let mut headers = head.iter().skip(1).filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut asked = head[0].split(' ');
    let (method, path) = (asked.next().unwrap(), asked.next().unwrap());
    let headers: Vec<_> = header("authorization").map(|value| ("Authorization", value)).into_iter().collect();
    let answer = ask(server, method, path, &headers, str::from_utf8(&body).unwrap())?;
    let body = change(&answer.body).unwrap_or(answer.body);
    let head = "Content-Type: application/json\r\nConnection: close";
    write!(socket, "HTTP/1.1 {} x\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", answer.status, body.len())
}

/// A program is drawn to no other server than its own, and is told from one whose file is mixed up.
#[test]
fn another_server_and_a_mixed_up_file_are_told_apart() {
    let folder = folder();
    let place = |name: &str| {
        let place = folder.path().join(name);
        fs::create_dir(&place).unwrap();
        place
    };
    let server = Server::serve(&place("server"), &[]);
    let other = Server::serve(&place("other"), &[]);
    let ann = Device::signed_up(folder.path(), "ann", &server, "first");
    let (cron, _) = program(&ann, "cron", &["--read"]);
    let path = cron.folder.join(".api-key.toml");
    let good = fs::read_to_string(&path).unwrap();
    let field = |name: &str| {
        let line = good.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
        line.unwrap().trim_matches('"').to_owned()
    };

    replace(&path, &server.public, &other.public);
    let refused = cron.refuse(&["api-key", "login"]);
    assert!(refused.contains("server-key-refused") && refused.contains("another server"), "{refused}");
    fs::write(&path, &good).unwrap();
    replace(&path, &field("api_key_seed"), &field("api_key_secret_key"));
    let refused = cron.refuse(&["api-key", "login"]);
    assert!(refused.contains("its seed is another"), "{refused}");
    fs::write(&path, &good).unwrap();
    replace(&path, &field("api_key_secret_key"), &field("api_key_seed"));
    let refused = cron.refuse(&["api-key", "login", "--token"]);
    assert!(refused.contains("`api_key_secret_key`"), "{refused}");
    assert_eq!(ann.json(&["api-key", "list"])[0]["sessions"], 0, "and no session is left");
    for refused in [cron.refuse(&["api-key", "login"]), {
        fs::write(&path, good.replace("api_key_seed", "api_key_private_key")).unwrap();
        cron.refuse(&["api-key", "login"])
    }] {
        for secret in [field("api_key_seed"), field("api_key_secret_key")] {
            assert!(!refused.contains(&secret), "A-LEAK-01: {refused}");
        }
    }
    fs::write(&path, &good).unwrap();
    server.stop();
    let refused = cron.refuse(&["api-key", "login"]);
    assert!(refused.contains("no server answers") && refused.contains("`server_url`"), "{refused}");
}

/// Two secrets in a datastore of whoever has this token; the server takes noise for what somebody sealed.
pub(crate) fn secrets_of(server: &Server, token: &str) -> [String; 2] {
    let sealed = |byte| json!({ "text": to_base64(&[byte; 48]), "nonce": to_base64(&[byte; 24]) });
    let post = |path: &str, body: Value| {
        let answer = server.ask_as(token, "POST", path, &body.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let store = post("/v1/datastores", json!({ "kind": "password", "secret_key": sealed(1) }));
    let secrets = [2, 3].map(|byte| json!({ "data": sealed(byte), "link": format!("{byte:032x}") }));
    let made = post("/v1/secrets", json!({ "parent": { "datastore": store["id"] }, "secrets": secrets }));
    [0, 1].map(|at| made["secrets"][at]["id"].as_str().unwrap().to_owned())
}

/// A-LEAK-01, A-API-07: what a restricted key reaches is said by its owner, and the server reads neither key nor title.
#[test]
fn secrets_are_attached_to_a_key_listed_and_taken_off_again() {
    const KEY: &str = "cacacacacacacacacacacacacacacacacacacacacacacacacacacacacacacaca";
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let ann = Device::signed_up(folder.path(), "ann", &server, "first");
    let (_, id) = program(&ann, "deploy", &["--read", "--restrict"]);
    let token = ann.field("keystore_access_token");
    let [secret, another] = secrets_of(&server, &token);
    let uuid = secret.parse::<SecretId>().unwrap().to_uuid();
    ann.private("secret.key", format!("{KEY}\n").as_bytes());
    let attach = ["api-key", "attach", &id, &uuid, "--key", "secret.key", "--title", "canary \u{1b}[2J"];
    let attachment = ann.succeed(&attach).trim_end().to_owned();
    assert!(ann.refuse(&attach).contains("already-attached"));
    let other = ["api-key", "attach", &id, &another, "--key", "-", "--title", "other", "--json"];
    let other = ann.run(&other, KEY.as_bytes());
    assert!(other.status.success(), "{other:?}");

    let listed = ann.json(&["api-key", "attached", &id]);
    let listed: Vec<&Value> = listed.as_array().unwrap().iter().collect();
    let first = listed.iter().find(|each| each["attachment"] == json!(attachment)).unwrap();
    assert_eq!((&first["secret"], &first["title"]), (&json!(secret), &json!("canary \u{1b}[2J")));
    let table = ann.succeed(&["api-key", "attached", &id]);
    assert!(table.contains("canary \u{fffd}[2J") && table.contains("other"), "A-API-07: {table}");
    let kept = server.ask_as(&token, "GET", &format!("/v1/api-keys/{id}/attachments"), "");
    assert_eq!(kept.json()["attachments"].as_array().unwrap().len(), 2, "{kept:?}");
    assert!(!kept.body.contains("canary") && !kept.body.contains(KEY));

    assert_eq!(ann.json(&["api-key", "detach", &attachment]), json!({ "detached": [attachment] }));
    assert_eq!(ann.json(&["api-key", "attached", &id]).as_array().unwrap().len(), 1);
    assert!(ann.refuse(&["api-key", "detach", &attachment]).contains("strongroom api-key attached"));
    let unknown = "0".repeat(32);
    let refused = ann.refuse(&["api-key", "attach", &unknown, &uuid, "--key", "secret.key", "--title", "x"]);
    assert!(refused.contains("strongroom api-key list"), "{refused}");
    let refused = ann.refuse(&["api-key", "attach", &id, &unknown, "--key", "secret.key", "--title", "x"]);
    assert!(refused.contains("unknown-secret"), "{refused}");
    ann.private("secret.key", b"cacanary");
    let refused = ann.refuse(&attach);
    assert!(refused.contains("64 hexadecimal digits") && !refused.contains("canary"), "{refused}");
    fs::set_permissions(ann.folder.join("secret.key"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(ann.refuse(&attach).contains("chmod 600"));
}
