//! `strongroom user`, `key`, `item` and `kek` as a person meets them: a user file, two devices, another passphrase, a
//! rotation that is interrupted, and what is said when things go wrong.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use strongroom_primitives::{
    cryppo::{Form, WrappingKey},
    secret::SecretText,
};

use crate::kit::{Server, folder, one_line, strongroom};

/// A person's device: a folder with a user file, and with a passphrase in a file.
pub(crate) struct Device {
    pub(crate) folder: PathBuf,
    pub(crate) url: String,
}

impl Device {
    /// A device of somebody who is not known to it yet.
    pub(crate) fn new(folder: &Path, name: &str, server: &Server) -> Self {
        let folder = folder.join(name);
        fs::create_dir(&folder).unwrap();
        Self { folder, url: format!("http://{}", server.public) }
    }

    /// The device of somebody who has just signed up.
    pub(crate) fn signed_up(folder: &Path, name: &str, server: &Server, passphrase: &str) -> Self {
        let device = Self::new(folder, name, server);
        device.private("passphrase", passphrase.as_bytes());
        let url = device.url.clone();
        device.succeed(&[
            "user",
            "create",
            "--passphrase-file",
            "passphrase",
            "-o",
            ".user.yaml",
            "--server",
            &url,
        ]);
        device
    }

    pub(crate) fn private(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.join(name), bytes).unwrap();
        fs::set_permissions(self.folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = strongroom(&self.folder);
        command.args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that refuses before it reads hangs up.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, b"");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeed(&[arguments, &["--json"]].concat())).unwrap()
    }

    pub(crate) fn refuse(&self, arguments: &[&str]) -> String {
        one_line(&self.run(arguments, b""))
    }

    /// A field of the user file.
    pub(crate) fn field(&self, name: &str) -> String {
        let file = fs::read_to_string(self.folder.join(".user.yaml")).unwrap();
        let line = file.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{name}: ")));
        line.unwrap().to_owned()
    }

    /// Another device of the same person, who types the Secret Key in there.
    pub(crate) fn another(&self, name: &str, passphrase: &str) -> Self {
        let device = Self { folder: self.folder.with_file_name(name), url: self.url.clone() };
        fs::create_dir(&device.folder).unwrap();
        device.private("secret.key", format!("{}\n", self.field("secret")).as_bytes());
        device.private("passphrase", passphrase.as_bytes());
        let sign_in = ["user", "login", "--secret-key-file", "secret.key", "--passphrase-file", "passphrase"];
        device.succeed(&[&sign_in[..], &["-o", ".user.yaml", "--server", &device.url]].concat());
        device
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.folder.join(name)).unwrap().permissions().mode() & 0o777
    }
}

#[test]
fn a_user_file_is_its_owners_and_never_written_over_by_accident() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let me = Device::signed_up(folder.path(), "me", &server, "first\n");
    assert_eq!(me.mode(".user.yaml"), 0o600);
    let file = fs::read_to_string(me.folder.join(".user.yaml")).unwrap();
    let names: Vec<_> = file.lines().map(|line| line.split(':').next().unwrap().trim()).collect();
    let expected = [
        "kind",
        "metadata",
        "secret",
        "server",
        "keystore_access_token",
        "vault_access_token",
        "passphrase_derived_key",
        "key_encryption_key",
        "data_encryption_key",
    ];
    assert_eq!(names, expected);
    let login = ["user", "login", "--passphrase-file", "passphrase", "-o", ".user.yaml"];
    let refused = me.refuse(&login);
    assert!(refused.contains("--force"), "{refused}");
    assert_eq!(fs::read_to_string(me.folder.join(".user.yaml")).unwrap(), file);
    me.succeed(&[&login[..], &["--force"]].concat());
    assert_eq!(me.mode(".user.yaml"), 0o600);
    assert_ne!(me.field("keystore_access_token"), file);

    // What is printed is the file, as YAML or as JSON.
    let printed = me.succeed(&["user", "login", "--passphrase-file", "passphrase"]);
    assert_eq!(printed.lines().count(), expected.len(), "{printed}");
    let shown = me.json(&["user", "login", "--passphrase-file", "passphrase"]);
    assert_eq!((&shown["kind"], &shown["metadata"]["secret"]), (&json!("User"), &json!(me.field("secret"))));

    fs::set_permissions(me.folder.join(".user.yaml"), fs::Permissions::from_mode(0o644)).unwrap();
    for command in [&["user", "get"][..], &["key", "list"], &["item", "list"], &["kek", "rotate"]] {
        let refused = me.refuse(command);
        assert!(refused.contains("chmod 600"), "{refused}");
    }
    let refused = me.refuse(&["user", "get", "-a", "none"]);
    assert!(refused.contains("strongroom user create"), "{refused}");
}

/// A-LEAK-01: a passphrase on the command line is refused unless it is insisted on, and nothing repeats it.
#[test]
fn a_passphrase_comes_from_where_nobody_else_sees_it() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let me = Device::new(folder.path(), "me", &server);
    let url = me.url.clone();
    let create = ["user", "create", "--server", &url];
    let refused = me.refuse(&[&create[..], &["-p", "canary words"]].concat());
    assert!(refused.contains("--secrets-on-command-line") && !refused.contains("canary"), "{refused}");
    let output = me.run(&[&create[..], &["-p", "-", "-o", ".user.yaml"]].concat(), b"canary words\n");
    assert!(output.status.success() && output.stderr.is_empty() && output.stdout.is_empty());
    // The guide's own line, and the same passphrase by another way.
    let login = ["user", "login", "-p", "canary words", "--secrets-on-command-line"];
    assert!(me.succeed(&login).starts_with("kind: User\n"));
    me.private("passphrase", b"canary words\r\n");
    me.succeed(&["user", "login", "--passphrase-file", "passphrase"]);
    let refused = me.refuse(&[&create[..], &["-p", ""]].concat());
    assert!(refused.contains("--secrets-on-command-line"), "{refused}");
    fs::set_permissions(me.folder.join("passphrase"), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = me.refuse(&["user", "login", "--passphrase-file", "passphrase"]);
    assert!(refused.contains("chmod 600"), "{refused}");
    me.private("wrong", b"another\n");
    let refused = me.refuse(&["user", "login", "--passphrase-file", "wrong"]);
    assert!(refused.contains("passphrase is wrong") && !refused.contains("another"), "{refused}");
    let failed = me.json(&["user", "get"]);
    assert_eq!(failed["failed_sign_ins"], 1);
    // Without a terminal nobody can be asked.
    let refused = me.refuse(&["user", "login"]);
    assert!(refused.contains("--passphrase-file"), "{refused}");
}

#[test]
fn items_go_in_and_come_out_byte_for_byte() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let me = Device::signed_up(folder.path(), "me", &server, "first");
    let value = b"\x00\xff not text \r\n";
    me.private("value", value);
    let made = me.run(
        &[
            "item",
            "create",
            "-l",
            "My bank",
            "-t",
            "password",
            "-v",
            "password=-",
            "--value-file",
            "notes=value",
        ],
        b"hunter2",
    );
    let id = String::from_utf8(made.stdout).unwrap().trim_end().to_owned();
    assert_eq!(id.len(), 32, "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(me.run(&["item", "get", &id, "--slot", "notes"], b"").stdout, value);
    assert_eq!(me.json(&["item", "get", &id, "--slot", "password"]), json!({ "value": "aHVudGVyMg==" }));
    me.succeed(&["item", "get", &id, "--slot", "notes", "-o", "out"]);
    assert_eq!((fs::read(me.folder.join("out")).unwrap(), me.mode("out")), (value.to_vec(), 0o600));
    let shown = me.succeed(&["item", "get", &id]);
    assert!(shown.starts_with("My bank (password)\n") && shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains('\0') && !shown.contains('\r'), "{shown:?}");

    let listed = me.succeed(&["item", "list"]);
    assert!(listed.contains(&id) && listed.contains("My bank") && !listed.contains("hunter2"), "{listed}");
    let refused = me.refuse(&["item", "update", &id]);
    assert!(refused.contains("nothing to change"), "{refused}");
    let refused = me.refuse(&["item", "update", &id, "-v", "password=canary"]);
    assert!(refused.contains("--value-file") && !refused.contains("canary"), "{refused}");
    me.succeed(&["item", "update", &id, "-l", "Bank", "-v", "pin=1234", "--secrets-on-command-line"]);
    let whole = me.json(&["item", "get", &id]);
    let slots = whole["slots"].as_array().unwrap();
    let value_of = |name: &str| slots.iter().find(|slot| slot["name"] == name).map(|slot| &slot["value"]);
    assert_eq!((&whole["label"], value_of("pin")), (&json!("Bank"), Some(&json!("MTIzNA=="))));
    assert_eq!(value_of("password"), Some(&json!("aHVudGVyMg==")), "what is not named stays");
    me.succeed(&["item", "remove", &id, "--slot", "pin"]);
    let refused = me.refuse(&["item", "get", &id, "--slot", "pin"]);
    assert!(refused.contains("there is no slot"), "{refused}");
    let refused = me.refuse(&["item", "create", "-l", "x", "-t", "no such"]);
    assert!(refused.contains("there is no template") && refused.contains("password"), "{refused}");
    me.succeed(&["item", "remove", &id]);
    assert_eq!(me.json(&["item", "list"]), json!([]));
    assert!(me.refuse(&["item", "get", &id]).contains("unknown-item"));
}

/// A-DEV-01: another passphrase ends what other devices have, at the vault too, and loses nothing.
#[test]
fn two_devices_share_a_vault_until_the_passphrase_changes() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let laptop = Device::signed_up(folder.path(), "laptop", &server, "first");
    let phone = laptop.another("phone", "first");
    let made = laptop.json(&["item", "create", "-l", "Bank", "-v", "pin=1234", "--secrets-on-command-line"]);
    let id = made["id"].as_str().unwrap();
    assert_eq!(phone.succeed(&["item", "get", id, "--slot", "pin"]), "1234");
    for name in ["key_encryption_key", "data_encryption_key", "passphrase_derived_key"] {
        assert_eq!(laptop.field(name), phone.field(name));
    }
    let sessions = laptop.json(&["session", "list"]);
    let own = sessions.as_array().unwrap().iter().filter(|session| session["own"] == true).count();
    assert_eq!((sessions.as_array().unwrap().len(), own), (4, 2), "{sessions}");

    laptop.private("second", b"second");
    let change = ["user", "passwd", "--passphrase-file", "passphrase", "--new-passphrase-file", "second"];
    laptop.private("wrong", b"wrong");
    let wrong = ["user", "passwd", "--passphrase-file", "wrong", "--new-passphrase-file", "second"];
    let refused = laptop.refuse(&wrong);
    assert!(refused.contains("passphrase is wrong"), "{refused}");
    assert_eq!(laptop.json(&change), json!({ "changed": true, "sessions_ended": 2 }));
    assert_eq!(laptop.mode(".user.yaml"), 0o600);
    assert_ne!(laptop.field("passphrase_derived_key"), phone.field("passphrase_derived_key"));
    assert_eq!(laptop.succeed(&["item", "get", id, "--slot", "pin"]), "1234");
    assert!(laptop.succeed(&["key", "list"]).contains("generation 1"));
    for command in [&["user", "get"][..], &["key", "list"], &["item", "list"], &["kek", "rotate"]] {
        let refused = phone.refuse(command);
        assert!(refused.contains("strongroom user login"), "{command:?}: {refused}");
    }
    let login = ["user", "login", "-o", ".user.yaml", "--force", "--passphrase-file"];
    let refused = phone.refuse(&[&login[..], &["passphrase"]].concat());
    assert!(refused.contains("passphrase is wrong"), "{refused}");
    phone.private("passphrase", b"second");
    phone.succeed(&[&login[..], &["passphrase"]].concat());
    assert_eq!(phone.succeed(&["item", "get", id, "--slot", "pin"]), "1234");

    // One session is ended from elsewhere, then all of them.
    let sessions = laptop.json(&["session", "list"]);
    let is_others = |session: &&Value| session["own"] == false && session["service"] == "vault";
    let others = sessions.as_array().unwrap().iter().find(is_others).unwrap()["session"].as_str().unwrap();
    laptop.succeed(&["session", "revoke", others]);
    assert!(phone.refuse(&["item", "list"]).contains("strongroom user login"));
    assert!(laptop.refuse(&["session", "revoke", others]).contains("there is no session"));
    assert_eq!(laptop.json(&["user", "logout", "--everywhere"]), json!({ "sessions_ended": 3 }));
    assert!(laptop.refuse(&["user", "get"]).contains("strongroom user login"));
    assert!(phone.refuse(&["user", "get"]).contains("strongroom user login"));
    // Ended is what they were to be.
    assert_eq!(laptop.json(&["user", "logout"]), json!({ "sessions_ended": 0 }));
}

/// Keeps so many keys that a rotation takes a while.
fn add_deks(device: &Device, server: &Server, count: u32) {
    let kek = WrappingKey::from_text(&SecretText::new(device.field("key_encryption_key"))).unwrap();
    let token = device.field("keystore_access_token");
    for number in 0..count {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&number.to_be_bytes());
        let dek = WrappingKey::from_bytes(&[7; 32]);
        let wrapped = kek.wrap_key(nonce, &dek, Form::Bson).into_string();
        let answer = server.ask_as(&token, "POST", "/v1/deks", &json!({ "wrapped": wrapped }).to_string());
        assert!((200..300).contains(&answer.status), "{answer:?}");
    }
}

/// Begins a rotation and interrupts it after its first lines. What it said.
fn interrupt_rotation(device: &Device) -> String {
    let mut rotating = device.command(&["kek", "rotate"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(rotating.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("rewrapped") || line.contains("rewrapped 0 ") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it began");
    }
    let kill = Command::new("kill").args(["-INT", &rotating.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(rotating.wait().unwrap().code(), Some(130), "{rest}");
    rest
}

/// A rotation that is interrupted is gone on with by another process on another device, or given up.
#[test]
fn a_rotation_that_is_interrupted_is_gone_on_with_elsewhere_or_given_up() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let laptop = Device::signed_up(folder.path(), "laptop", &server, "first");
    let phone = laptop.another("phone", "first");
    add_deks(&laptop, &server, 1_000);
    let before = laptop.field("key_encryption_key");
    let said = interrupt_rotation(&laptop);
    assert!(said.contains("interrupted") && said.contains("strongroom kek rotate"), "{said}");
    assert_eq!(laptop.field("key_encryption_key"), before, "nothing has taken its place yet");
    let under_way = phone.json(&["key", "list"]);
    let done = under_way["kek"]["rewrapped"].as_u64().unwrap();
    assert!((1..1_002).contains(&done), "{}", under_way["kek"]);
    assert_eq!((&under_way["kek"]["generation"], &under_way["kek"]["keys"]), (&json!(1), &json!(1_002)));

    let rotated = phone.run(&["kek", "rotate"], b"");
    assert_eq!(String::from_utf8(rotated.stdout).unwrap(), "generation 2 wraps 1002 keys\n");
    let said = String::from_utf8(rotated.stderr).unwrap();
    let first = said.strip_prefix("rewrapped ").and_then(|rest| rest.split_once(' ')).map(|(count, _)| count);
    let first: u64 = first.unwrap().parse().unwrap();
    // What the interrupted process had sent may be written after it has gone.
    assert!(first >= done && first < 1_002, "it went on after {done}: {said}");
    assert!(said.ends_with("rewrapped 1002 of 1002 keys\n"), "{said}");
    assert_ne!(phone.field("key_encryption_key"), before);
    // The laptop finds the new one by the passphrase derived key that it has.
    assert_eq!(laptop.json(&["key", "list"])["kek"]["generation"], 2);

    interrupt_rotation(&laptop);
    assert_eq!(laptop.json(&["kek", "rotate", "--cancel"]), json!({ "cancelled": true }));
    assert_eq!(laptop.json(&["kek", "rotate", "--cancel"]), json!({ "cancelled": false }));
    let kek = &laptop.json(&["key", "list"])["kek"];
    assert_eq!((&kek["generation"], &kek["rewrapped"]), (&json!(2), &Value::Null));
    // Both sign in as before.
    laptop.succeed(&["user", "login", "--passphrase-file", "passphrase", "-o", ".user.yaml", "--force"]);
    assert_eq!(laptop.field("key_encryption_key"), phone.field("key_encryption_key"));
}

#[test]
fn a_server_that_is_not_there_or_not_open_is_told_from_a_wrong_passphrase() {
    let folder = folder();
    let server = Server::serve(folder.path(), &["--set", "users.sign_up=closed"]);
    let me = Device::new(folder.path(), "me", &server);
    let url = me.url.clone();
    me.private("passphrase", b"first");
    let create = ["user", "create", "--passphrase-file", "passphrase", "-o", ".user.yaml", "--server"];
    let refused = me.refuse(&[&create[..], &[&url]].concat());
    assert!(refused.contains("users.sign_up"), "{refused}");
    server.stop();
    let refused = me.refuse(&[&create[..], &[&url]].concat());
    assert!(refused.contains("no server answers") && refused.contains(&url), "{refused}");
    let refused = me.refuse(&[&create[..], &["http://192.0.2.1"]].concat());
    assert!(refused.contains("--server"), "{refused}");
    assert!(!me.folder.join(".user.yaml").exists());
}

/// A-TOK-04: a vault in another server admits a user of a keystore that it trusts, once, and nobody else's.
#[test]
fn a_vault_elsewhere_admits_the_users_of_a_keystore_that_it_trusts() {
    let folder = folder();
    let place = |name: &str| {
        let place = folder.path().join(name);
        fs::create_dir(&place).unwrap();
        place
    };
    let keystore = Server::serve(&place("keystore"), &[]);
    let key = keystore.admin_json(&["status"])["admission_key"].as_str().unwrap().to_owned();
    let configured = |name: &str, key: &str| {
        let place = place(name);
        let trusted = format!("[[meeco.trusted_keystores]]\nname = \"first\"\npublic_key = \"{key}\"\n");
        fs::write(place.join("strongroom.toml"), format!("[users]\nvault_realm = \"elsewhere\"\n{trusted}"))
            .unwrap();
        Server::serve(&place, &[])
    };
    let vault = configured("vault", &key);
    // Trusts the key of somebody else.
    let stranger =
        configured("stranger", &vault.admin_json(&["status"])["admission_key"].to_string().replace('"', ""));

    let device = Device::signed_up(folder.path(), "laptop", &keystore, "correct horse");
    let session = device.field("keystore_access_token");
    let issued =
        keystore.ask_as(&session, "POST", "/v1/admission/tokens", r#"{"audience":"elsewhere"}"#).json();
    let pairs = keystore.ask_as(&session, "GET", "/v1/keypairs", "").json();
    let public_key = pairs["keypairs"][0]["public_key"].as_str().unwrap();
    let body = json!({ "admission_token": issued["token"], "public_key": public_key }).to_string();
    let enrol = |server: &Server| server.ask("POST", "/v1/vault/users", &[], &body);
    assert_eq!(enrol(&stranger).json()["code"], "token-refused");
    let enrolled = enrol(&vault);
    assert_eq!(enrolled.status, 200, "{enrolled:?}");
    let username = device.field("secret").split('.').nth(1).unwrap().to_owned();
    assert_eq!(enrolled.json()["user"]["subject"], format!("first/{username}"));
    assert_eq!(enrol(&vault).json()["code"], "token-spent");
}
