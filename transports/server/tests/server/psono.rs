//! `strongroom datastore` and `strongroom secret` against the real server: what a person keeps in the web client is read
//! and changed by a program with an API key.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use serde_json::{Value, json};
use strongroom_primitives::encoding::to_hex;

use crate::{
    kit::{Server, folder, one_line, strongroom},
    person::{ApiKey, Kept, Person, identity, uuid},
};

pub(crate) const RATES: [&str; 4] =
    ["--set", "psono.rates.api_key_logins_per_hour=0", "--set", "psono.rates.anonymous_per_day=0"];

/// A program's folder with an API key file in it.
pub(crate) struct Program(pub(crate) PathBuf);

impl Program {
    pub(crate) fn new(folder: &Path, name: &str, server: &Server, key: &ApiKey) -> Self {
        let (public, verify) = identity(server);
        Self::believing(folder, name, server, key, &public, &verify)
    }

    pub(crate) fn believing(
        folder: &Path,
        name: &str,
        server: &Server,
        key: &ApiKey,
        public: &str,
        verify: &str,
    ) -> Self {
        let folder = folder.join(name);
        fs::create_dir(&folder).unwrap();
        let file = format!(
            "server_url = \"http://{}/psono\"\napi_key_id = \"{}\"\napi_key_private_key = \"{}\"\n\
             api_key_secret_key = \"{}\"\nserver_public_key = \"{public}\"\nserver_signature = \"{verify}\"\n",
            server.public,
            key.id,
            to_hex(&key.private),
            to_hex(&key.secret),
        );
        let path = folder.join(".psono.toml");
        fs::write(&path, file).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Self(folder)
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = strongroom(&self.0);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that refuses before it reads hangs up.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    pub(crate) fn succeed(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = self.run(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeed(&[arguments, &["--json"]].concat(), b"")).unwrap()
    }

    pub(crate) fn refuse(&self, arguments: &[&str], input: &[u8]) -> String {
        one_line(&self.run(arguments, input))
    }
}

/// The content of a secret, with a member that no client here knows and a number beyond 64 bits.
const CONTENT: &str = r#"{"password":"hunter2","of tomorrow":{"b":[1e0,340282366920938463463374607431768211456],"a":null},"notes":"a\nb"}"#;

/// An entry of a datastore or a share.
pub(crate) fn item(name: &str, secret: &Kept) -> Value {
    json!({
        "id": secret.link,
        "name": name,
        "type": "website_password",
        "secret_id": secret.id,
        "secret_key": to_hex(&secret.key),
    })
}

/// A vault with a folder, and a share in it whose key is in the index only.
struct Vault {
    datastore: String,
    mail: Kept,
    team: Kept,
}

fn fill(person: &Person<'_>) -> Vault {
    let (datastore, key) = person.datastore("main");
    let mail = person.secret(("parent_datastore_id", &datastore), CONTENT);
    let (share, share_key) = person.share(&datastore, &json!({ "name": "team" }));
    let team = person.secret(("parent_share_id", &share), r#"{"password":"team's"}"#);
    let below = json!({
        "name": "team",
        "items": [item("wiki\u{1b}[2J", &team)],
        // It hangs in itself, as two clients can bring about who write at once.
        "folders": [{ "id": uuid(), "name": "again", "share_id": share, "share_secret_key": to_hex(&share_key) }],
    });
    person.fill_share(&share, &share_key, &below);
    let content = json!({
        "datastore_id": datastore,
        "share_index": { &share: { "paths": [], "secret_key": to_hex(&share_key) } },
        "folders": [{
            "id": uuid(),
            "name": "work",
            "folders": [{ "id": uuid(), "name": "shared", "share_id": share }],
            "items": [item("mail", &mail)],
        }],
        "items": [{ "id": uuid(), "name": "link", "type": "bookmark" }],
    });
    person.fill_datastore(&datastore, &key, &content);
    Vault { datastore, mail, team }
}

#[test]
fn a_vault_is_walked_shares_included_and_no_name_commands_the_terminal() {
    let folder = folder();
    let server = Server::serve(folder.path(), &RATES);
    let ann = Person::new(&server, "ann");
    let vault = fill(&ann);
    let program = Program::new(folder.path(), "program", &server, &ann.api_key(false, false));

    let list = program.json(&["datastore", "list"]);
    assert_eq!(list[0]["id"], json!(vault.datastore), "{list}");
    assert!(program.succeed(&["datastore", "list"], b"").contains("main"));
    let tree = program.json(&["datastore", "read"]);
    let entries: Vec<_> = tree["entries"].as_array().unwrap().iter().collect();
    let paths: Vec<_> = entries.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["work/shared/wiki\u{1b}[2J", "work/mail", "link"]);
    assert_eq!(entries[0]["secret_id"], json!(vault.team.id));
    assert_eq!(entries[2]["secret_id"], Value::Null);
    assert_eq!(tree["skipped"][0]["path"], json!("work/shared/again"), "{tree}");
    assert_eq!(program.json(&["datastore", "read", &vault.datastore])["entries"], tree["entries"]);

    let output = program.run(&["datastore", "read"], b"");
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "A-API-07: {out}{err}");
    assert!(out.contains(&vault.mail.id) && err.contains("hangs in itself"), "{out}{err}");
    for secret in ["hunter2", &to_hex(&vault.mail.key)] {
        assert!(!out.contains(secret) && !tree.to_string().contains(secret), "A-LEAK-01");
    }
    // Every command ended its session.
    let sessions = ann.ask("GET", "/authentication/sessions/", None, 200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1, "{sessions}");
    server.stop();
}

#[test]
fn a_secret_is_changed_field_by_field_and_what_others_put_in_stays_as_it_was() {
    let folder = folder();
    let server = Server::serve(folder.path(), &RATES);
    let ann = Person::new(&server, "ann");
    let vault = fill(&ann);
    let program = Program::new(folder.path(), "program", &server, &ann.api_key(true, false));

    assert_eq!(program.succeed(&["secret", "get", "work/mail", "--field", "password"], b""), "hunter2");
    assert_eq!(program.succeed(&["secret", "get", &vault.mail.id, "--field", "notes"], b""), "a\nb");
    assert_eq!(program.succeed(&["secret", "get", "work/mail", "--json"], b"").trim_end(), CONTENT);
    let table = program.succeed(&["secret", "get", "work/mail"], b"");
    assert!(table.contains("hunter2"), "{table}");

    program.succeed(&["secret", "set", "work/mail", "--field", "password=-"], "n\u{e9}w \"one\"".as_bytes());
    let changed = CONTENT.replace("hunter2", "n\u{e9}w \\\"one\\\"");
    assert_eq!(program.succeed(&["secret", "get", "work/mail", "--json"], b"").trim_end(), changed);
    fs::write(program.0.join("value"), "added").unwrap();
    program.succeed(&["secret", "set", &vault.team.id, "--value-file", "more=value"], b"");
    let team = program.json(&["secret", "get", &vault.team.id]);
    assert_eq!(team, json!({ "password": "team's", "more": "added" }));

    let refused = program.refuse(&["secret", "set", "work/mail", "--field", "password=canary"], b"");
    assert!(refused.contains("--value-file") && !refused.contains("canary"), "{refused}");
    let refused = program.refuse(&["secret", "get", "work/mail", "--field", "pin"], b"");
    assert!(refused.contains("password"), "{refused}");
    let refused = program.refuse(&["secret", "get", "work/none"], b"");
    assert!(refused.contains("strongroom datastore read"), "{refused}");
    let reader = Program::new(folder.path(), "reader", &server, &ann.api_key(false, false));
    let refused = reader.refuse(&["secret", "set", "work/mail", "--field", "password=-"], b"x");
    assert!(refused.contains("403"), "{refused}");
    assert_eq!(program.succeed(&["secret", "get", "work/mail", "--json"], b"").trim_end(), changed);
    server.stop();
}

#[test]
fn a_restricted_key_reaches_what_is_attached_to_it_and_nothing_else() {
    let folder = folder();
    let server = Server::serve(folder.path(), &RATES);
    let ann = Person::new(&server, "ann");
    let vault = fill(&ann);
    let key = ann.api_key(true, true);
    ann.attach(&key, &vault.mail);
    let program = Program::new(folder.path(), "program", &server, &key);

    assert_eq!(program.succeed(&["secret", "get", &vault.mail.id, "--field", "password"], b""), "hunter2");
    program.succeed(&["secret", "set", &vault.mail.id, "--field", "password=-"], b"new");
    assert_eq!(program.succeed(&["secret", "get", &vault.mail.id, "--field", "password"], b""), "new");
    for refused in [
        program.refuse(&["secret", "get", &vault.team.id], b""),
        program.refuse(&["secret", "get", "work/mail"], b""),
        program.refuse(&["datastore", "read"], b""),
        program.refuse(&["datastore", "list"], b""),
    ] {
        assert!(refused.contains("attached"), "{refused}");
    }
    server.stop();
}

/// A-LEAK-01, A-DEV: a file that others can read is refused with the way out, and nothing of it is repeated.
#[test]
fn an_api_key_file_is_its_owners_and_another_server_is_told_nothing() {
    let folder = folder();
    let server = Server::serve(folder.path(), &RATES);
    let ann = Person::new(&server, "ann");
    let key = ann.api_key(false, false);
    let program = Program::new(folder.path(), "program", &server, &key);
    let path = program.0.join(".psono.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(program.refuse(&["datastore", "list"], b"").contains("chmod 600 .psono.toml"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    program.succeed(&["datastore", "list"], b"");
    assert!(program.refuse(&["datastore", "list", "--api-key", "none"], b"").contains("no API key file"));

    let (public, _) = identity(&server);
    let other = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let wrong = Program::believing(folder.path(), "wrong", &server, &key, &public, other);
    let refused = wrong.refuse(&["datastore", "list"], b"");
    assert!(refused.contains("signature") && refused.contains("server_signature"), "{refused}");

    let deleted = ann.api_key(false, false);
    ann.ask("DELETE", "/api-key/", Some(&json!({ "api_key_id": deleted.id })), 200);
    let gone = Program::new(folder.path(), "gone", &server, &deleted);
    let refused = gone.refuse(&["datastore", "list"], b"");
    assert!(refused.contains("NO_PERMISSION_OR_NOT_EXIST"), "{refused}");
    server.stop();
}
