//! The commands that need no running server.

use std::fs;

use crate::kit::{Server, damage_rows, folder, refuse, run, succeed};

const RECORD: &str = r#"{"meta":"bWV0YQ==","value":"dmFsdWU="}"#;

#[test]
fn completions_and_manual_pages_are_written() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish"] {
        assert!(succeed(folder.path(), &["completions", shell]).contains("strongroom"), "{shell}");
    }
    succeed(folder.path(), &["man", "man"]);
    let page = fs::read_to_string(folder.path().join("man/strongroom.1")).unwrap();
    assert!(page.contains("admin") && page.contains("store"), "{page}");
    assert!(folder.path().join("man/strongroom-serve.1").exists());
    assert!(succeed(folder.path(), &["--version"]).starts_with("strongroom 0."));
}

#[test]
fn rows_move_from_one_backend_to_another_and_are_served_there() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let token = server.first_token();
    assert_eq!(server.ask_as(&token, "PUT", "/v1/records/diary", RECORD).status, 200);
    server.stop();

    assert!(succeed(folder.path(), &["store", "check"]).starts_with("sound: "));
    let said = succeed(folder.path(), &["store", "export", "rows"]);
    assert!(said.starts_with("exported ") && said.ends_with(" into rows\n"), "{said}");
    let said = refuse(folder.path(), &["store", "export", "rows"]);
    assert!(said.starts_with("rows cannot be written"), "{said}");

    let said = succeed(folder.path(), &["--data", "other", "store", "import", "rows", "--kind", "redb"]);
    assert!(said.contains("into a redb store") && said.contains("kind = \"redb\""), "{said}");
    let said =
        refuse(folder.path(), &["--data", "other", "--set", "storage.kind=redb", "store", "import", "rows"]);
    assert!(said.contains("is not empty"), "{said}");
    let server = Server::serve(folder.path(), &["--data", "other", "--set", "storage.kind=redb"]);
    assert_eq!(server.ask_as(&token, "GET", "/v1/records/diary", "").status, 200);
    server.stop();
}

#[test]
fn a_damaged_export_makes_no_store() {
    let folder = folder();
    Server::serve(folder.path(), &[]).stop();
    succeed(folder.path(), &["store", "export", "rows"]);
    let mut rows = fs::read(folder.path().join("rows")).unwrap();
    let middle = rows.len() / 2;
    rows[middle] ^= 1;
    fs::write(folder.path().join("rows"), rows).unwrap();
    let said = refuse(folder.path(), &["--data", "other", "store", "import", "rows"]);
    assert!(said.starts_with("rows: "), "{said}");
    assert!(!folder.path().join("other/store").exists());
}

#[test]
fn without_a_store_there_is_nothing_to_look_at() {
    let folder = folder();
    assert!(refuse(folder.path(), &["store", "check"]).contains("strongroom-data/store"));
    assert!(refuse(folder.path(), &["store", "export", "rows"]).starts_with("there is no store in "));
    assert!(!folder.path().join("rows").exists());
}

#[test]
fn a_damage_is_named_and_is_exit_code_1() {
    let folder = folder();
    Server::serve(folder.path(), &[]).stop();
    let flipped = damage_rows(folder.path());
    let output = run(folder.path(), &["store", "check"]);
    assert_eq!(output.status.code(), Some(1), "{flipped} bits flipped, {output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("error: ") && said.contains("damage"), "{said}");
}
