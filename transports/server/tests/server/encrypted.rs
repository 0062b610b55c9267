//! A server whose store is encrypted: what lies on disk, what a wrong or missing key meets, and the way there and back.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio, time::Duration};

use memchr::memmem;
use strongroom_primitives::encoding;

use crate::kit::{Server, folder, now, one_line, refuse, run, strongroom, succeed};

const CANARY: &str = "canary-4f1c7e-of-the-record";

const WITH_KEY: [&str; 2] = ["--set", "storage.root_key_file=root.key"];

fn new_key(folder: &Path, file: &str) {
    let said = succeed(folder, &["store", "key", "new", "-o", file]);
    assert!(said.starts_with("made the root key ") && said.contains(file), "{said}");
}

fn body(value: &str) -> String {
    let value = encoding::to_base64(value.as_bytes());
    format!(r#"{{"meta":"{value}","value":"{value}"}}"#)
}

fn put(server: &Server, name: &str, value: &str) {
    let answer = server.ask_as(&server.first_token(), "PUT", &format!("/v1/records/{name}"), &body(value));
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn holds(server: &Server, name: &str, value: &str) -> bool {
    let answer = server.ask_as(&server.first_token(), "GET", &format!("/v1/records/{name}"), "");
    answer.status == 200 && answer.body.contains(&encoding::to_base64(value.as_bytes()))
}

/// How often the bytes lie in any file of the data folder.
pub(crate) fn times_in_data(folder: &Path, bytes: &[u8]) -> usize {
    fn look(path: &Path, bytes: &[u8]) -> usize {
        if path.is_dir() {
            return fs::read_dir(path).unwrap().map(|entry| look(&entry.unwrap().path(), bytes)).sum();
        }
        memmem::find_iter(&fs::read(path).unwrap(), bytes).count()
    }
    look(&folder.join("strongroom-data"), bytes)
}

/// What a server wrote in plain text before its store was encrypted, and after, lies in none of its files. The label of
/// the first session is something that the engine itself writes.
fn is_silent(folder: &Path) -> bool {
    [CANARY.as_bytes(), b"made at the first start"].iter().all(|bytes| times_in_data(folder, bytes) == 0)
}

/// A-LEAK-01: the same bytes that lie in a plain store lie nowhere in an encrypted one, with either backend.
#[test]
fn nothing_of_what_is_written_lies_in_the_files() {
    for kind in ["sled", "redb"] {
        let kind = format!("storage.kind={kind}");
        let plain = folder();
        let server = Server::serve(plain.path(), &["--set", &kind]);
        put(&server, "diary", CANARY);
        server.stop();
        assert!(times_in_data(plain.path(), CANARY.as_bytes()) > 0, "the search finds nothing at all");

        let folder = folder();
        new_key(folder.path(), "root.key");
        let arguments = [&["--set", &kind], &WITH_KEY[..]].concat();
        let server = Server::serve(folder.path(), &arguments);
        put(&server, "diary", CANARY);
        assert!(server.admin(&["status"]).contains(", encrypted"), "{}", server.admin(&["status"]));
        server.stop();
        assert!(is_silent(folder.path()), "{kind}");
        let key = fs::read_to_string(folder.path().join("root.key")).unwrap();
        assert_eq!(times_in_data(folder.path(), key.trim().as_bytes()), 0);
        assert_eq!(times_in_data(folder.path(), &encoding::from_hex(key.trim()).unwrap()), 0);
        let server = Server::serve(folder.path(), &arguments);
        assert!(holds(&server, "diary", CANARY));
        server.stop();
    }
}

/// A-STO-03
#[test]
fn a_wrong_and_a_missing_root_key_do_not_open_the_store() {
    let folder = folder();
    new_key(folder.path(), "root.key");
    new_key(folder.path(), "other.key");
    let server = Server::serve(folder.path(), &WITH_KEY);
    put(&server, "diary", CANARY);
    server.stop();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

    let said = refuse(folder.path(), &serve);
    assert!(
        said.contains("is encrypted under the root key ") && said.contains("`root_key_file = "),
        "{said}"
    );
    let other = ["--set", "storage.root_key_file=other.key"];
    let said = refuse(folder.path(), &[&serve[..], &other].concat());
    assert!(
        said.contains("and the one given is ") && said.contains("`root_key_file` under [storage]"),
        "{said}"
    );
    let said = refuse(folder.path(), &["--set", "storage.root_key_file=no.key", "store", "encrypt"]);
    assert!(said.contains("storage.root_key_file: no.key: "), "{said}");

    let key = fs::read_to_string(folder.path().join("root.key")).unwrap();
    let mut command = strongroom(folder.path());
    command.args(serve).env("STRONGROOM_ROOT_KEY", key.trim());
    let server = Server::start(folder.path(), command);
    assert!(holds(&server, "diary", CANARY));
    server.stop();
}

/// A-ADM-07
#[test]
fn a_root_key_that_others_may_read_is_refused() {
    let folder = folder();
    new_key(folder.path(), "root.key");
    let file = folder.path().join("root.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let said = refuse(folder.path(), &["store", "key", "new", "-o", "root.key"]);
    assert!(said.starts_with("root.key cannot be written"), "a root key was overwritten: {said}");
    for mode in [0o640, 0o604] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let said = refuse(folder.path(), &[&["config", "check"], &WITH_KEY[..]].concat());
        assert!(said.ends_with("run `chmod 600 root.key`"), "{said}");
    }
}

/// A-LEAK-01: whatever is wrong with a root key, the refusal does not repeat it.
#[test]
fn a_root_key_that_is_none_is_refused_without_being_repeated() {
    let folder = folder();
    let mut command = strongroom(folder.path());
    let said =
        one_line(&command.args(["config", "check"]).env("STRONGROOM_ROOT_KEY", "canary").output().unwrap());
    assert_eq!(
        said,
        "variable STRONGROOM_ROOT_KEY: a root key is 64 hexadecimal digits, or the base64 of 32 bytes"
    );
    new_key(folder.path(), "root.key");
    let mut command = strongroom(folder.path());
    command.args(["config", "check"]).args(WITH_KEY).env("STRONGROOM_ROOT_KEY", "ab".repeat(32));
    assert!(one_line(&command.output().unwrap()).contains("one of the two has to go"));
}

#[test]
fn the_configuration_says_whether_the_store_is_encrypted() {
    let folder = folder();
    let said = succeed(folder.path(), &["config", "check"]);
    assert!(said.starts_with("the store is not encrypted: no root key is configured\n"), "{said}");
    new_key(folder.path(), "root.key");
    let said = succeed(folder.path(), &[&["config", "check"], &WITH_KEY[..]].concat());
    assert!(said.starts_with("the store is encrypted under the root key "), "{said}");
}

#[test]
fn a_plain_store_is_encrypted_rekeyed_and_decrypted() {
    let folder = folder();
    let path = folder.path();
    let server = Server::serve(path, &[]);
    put(&server, "diary", CANARY);
    let said = refuse(path, &["store", "encrypt"]);
    assert!(said.contains("store key new -o FILE") && said.contains("`root_key_file = "), "{said}");
    new_key(path, "root.key");
    let said = refuse(path, &[&["store", "encrypt"], &WITH_KEY[..]].concat());
    assert!(said.contains("is already open in another process"), "{said}");
    server.stop();

    let serve =
        [&["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"], &WITH_KEY[..]].concat();
    let said = refuse(path, &serve);
    assert!(said.contains("is not encrypted") && said.contains("`strongroom store encrypt`"), "{said}");
    let encrypt = [&["store", "encrypt"], &WITH_KEY[..]].concat();
    assert!(succeed(path, &encrypt).starts_with("encrypted "));
    assert!(is_silent(path));
    assert!(succeed(path, &encrypt).contains("is encrypted under the root key "), "again is no error");

    new_key(path, "next.key");
    succeed(path, &[&["store", "rekey", "--new-root-key-file", "next.key"], &WITH_KEY[..]].concat());
    let next = ["--set", "storage.root_key_file=next.key"];
    assert!(refuse(path, &serve).contains("and the one given is "));
    let server = Server::serve(path, &next);
    assert!(holds(&server, "diary", CANARY));
    server.stop();

    assert!(succeed(path, &[&["store", "decrypt"], &next[..]].concat()).starts_with("decrypted "));
    let server = Server::serve(path, &[]);
    assert!(holds(&server, "diary", CANARY));
    server.stop();
}

#[test]
fn check_opens_every_value_if_it_has_the_key() {
    let folder = folder();
    new_key(folder.path(), "root.key");
    Server::serve(folder.path(), &WITH_KEY).stop();
    let said = succeed(folder.path(), &[&["store", "check"], &WITH_KEY[..]].concat());
    assert!(said.starts_with("sound: ") && said.contains("encrypted)"), "{said}");
    let said = succeed(folder.path(), &["store", "check"]);
    assert!(said.starts_with("sound: ") && said.contains("no value was opened"), "{said}");
}

/// A-STO-07: an export of an encrypted store is sealed, and is served under its root key only.
#[test]
fn an_export_stays_encrypted_and_a_plain_one_is_encrypted_on_its_way_in() {
    let folder = folder();
    let path = folder.path();
    new_key(path, "root.key");
    let server = Server::serve(path, &WITH_KEY);
    put(&server, "diary", CANARY);
    let token = server.first_token();
    server.stop();
    let said = succeed(path, &["store", "export", "rows"]);
    assert!(said.contains(" rows (encrypted), "), "{said}");
    assert_eq!(memmem::find_iter(&fs::read(path.join("rows")).unwrap(), CANARY.as_bytes()).count(), 0);
    let said = succeed(path, &["--data", "other", "store", "import", "rows", "--kind", "redb"]);
    assert!(said.contains("serve them under the root key "), "{said}");
    let other = ["--data", "other", "--set", "storage.kind=redb"];
    let server = Server::serve(path, &[&other[..], &WITH_KEY].concat());
    assert_eq!(server.ask_as(&token, "GET", "/v1/records/diary", "").status, 200);
    server.stop();

    succeed(path, &[&["store", "decrypt"], &WITH_KEY[..]].concat());
    succeed(path, &["store", "export", "plain"]);
    assert!(memmem::find(&fs::read(path.join("plain")).unwrap(), CANARY.as_bytes()).is_some());
    fs::remove_dir_all(path.join("strongroom-data/store")).unwrap();
    succeed(path, &[&["store", "import", "plain"], &WITH_KEY[..]].concat());
    assert!(is_silent(path));
    let server = Server::serve(path, &WITH_KEY);
    assert!(holds(&server, "diary", CANARY));
    server.stop();
}

#[test]
fn dev_encrypts_what_it_forgets() {
    let folder = folder();
    let mut command = strongroom(folder.path());
    command.args(["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let server = Server::start(folder.path(), command);
    let printed = server.stdout();
    let token =
        printed.lines().find_map(|line| line.trim().strip_prefix("export STRONGROOM_OPERATOR_TOKEN="));
    let mut status = strongroom(folder.path());
    status.args(["admin", "--server", &format!("http://{}", server.admin), "status"]);
    let status = status.env("STRONGROOM_OPERATOR_TOKEN", token.unwrap()).output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(status.contains("memory, encrypted, forgets when it stops"), "{status}");
}

/// F-02: kill -9 in the middle of an encryption. The same command ends it, no server starts in between beside something
/// unfinished, and nothing is lost.
#[test]
fn an_encryption_that_was_killed_is_ended_by_the_next() {
    let folder = folder();
    let path = folder.path();
    let server = Server::serve(path, &[]);
    for n in 0..40 {
        put(&server, &format!("record-{n}"), &CANARY.repeat(2_000));
    }
    server.stop();
    new_key(path, "root.key");
    let encrypt = [&["store", "encrypt"], &WITH_KEY[..]].concat();
    let data = path.join("strongroom-data");
    let (mut killed, mut unfinished) = (0, 0);
    for after_ms in (0..400).step_by(20) {
        let mut child = strongroom(path).args(&encrypt).stdout(Stdio::null()).spawn().unwrap();
        let begun = now();
        while begun.elapsed() < Duration::from_millis(after_ms) && !data.join("store.next").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let over = child.try_wait().unwrap().is_some();
        let _ = child.kill();
        child.wait().unwrap();
        if over {
            break;
        }
        killed += 1;
        if ["store.new", "store.next", "store.old"].iter().any(|name| data.join(name).exists()) {
            unfinished += 1;
            let said = refuse(path, &["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
            assert!(said.contains("a rewrite of the store was cut off"), "{said}");
        }
    }
    assert!(killed > 0 && unfinished > 0, "{killed} killed, {unfinished} of them in the middle");
    let output = run(path, &encrypt);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let left = fs::read_dir(&data).unwrap().filter(|entry| {
        entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("store."))
    });
    assert_eq!(left.count(), 0, "something unfinished is left");
    assert!(is_silent(path));
    let server = Server::serve(path, &WITH_KEY);
    for n in 0..40 {
        assert!(holds(&server, &format!("record-{n}"), &CANARY.repeat(2_000)), "record {n} is lost");
    }
    server.stop();
}
