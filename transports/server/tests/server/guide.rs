//! Pages of `docs` do what they say: their command blocks are run in their order, by one shell, against a server.

use std::{path::Path, process::Command};

use serde_json::json;
use strongroom_primitives::encoding::to_hex;

use crate::{
    chain,
    kit::{BINARY, Server, folder},
    person::{Person, uuid},
    psono::{Program, RATES, item},
};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

/// Where pages take the server to be.
const SERVER_OF_PAGE: &str = "127.0.0.1:8470";

/// What the page has a reader type, and what it says is printed then.
struct Step {
    commands: String,
    prints: Option<String>,
}

/// The steps of a page: blocks of `sh`, each with the block of `text` that follows it, if only empty lines lie between.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut lines, mut follows) = (page.lines(), false);
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            follows &= line.is_empty();
            continue;
        };
        let block: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        match kind {
            "sh" => steps.push(Step { commands: block, prints: None }),
            "text" if follows => steps.last_mut().unwrap().prints = Some(block),
            _ => {}
        }
        follows = kind == "sh";
    }
    steps
}

/// Whether what was printed is what the page says, in which `...` stands for anything.
fn is_as_said(printed: &str, said: &str) -> bool {
    let mut rest = printed;
    let mut pieces = said.split("...").peekable();
    let Some(first) = pieces.next() else { return false };
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty()
}

/// Follows a page in a folder, with what it takes for granted replaced by what there is. How many steps it had, and how
/// many of them say what is printed.
fn follow(page: &str, folder: &Path, replaced: &[(&str, &str)]) -> (usize, usize) {
    const MARK: &str = "----- step";
    let steps = steps(&std::fs::read_to_string(Path::new(DOCS).join(page)).unwrap());
    let script: String = steps.iter().map(|step| format!("{}echo '{MARK}'\n", step.commands)).collect();
    let script = replaced.iter().fold(script, |script, (from, to)| {
        assert!(script.contains(from), "{page} does not say {from}");
        script.replace(from, to)
    });
    let binaries = Path::new(BINARY).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let ran = Command::new("sh")
        .args(["-eu", "-c", &script])
        .current_dir(folder)
        .env("PATH", path)
        .env("HOME", folder)
        .output()
        .unwrap();
    let (printed, said) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    let blocks: Vec<&str> = printed.split(&format!("{MARK}\n")).collect();
    assert!(ran.status.success(), "after {} of {} steps: {said}\n{printed}", blocks.len() - 1, steps.len());
    for (step, printed) in steps.iter().zip(&blocks) {
        if let Some(said) = &step.prints {
            assert!(
                is_as_said(printed.trim_end(), said.trim_end()),
                "{}printed\n{printed}and not\n{said}",
                step.commands
            );
        }
    }
    let said: Vec<&str> = said.lines().filter(|line| !line.starts_with("rewrapped ")).collect();
    assert_eq!(said, [""; 0], "nothing is said on standard error");
    (steps.len(), steps.iter().filter(|step| step.prints.is_some()).count())
}

/// Follows a page as somebody who has a server that nobody has used yet.
fn follow_from_the_start(page: &str) -> (usize, usize) {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let reader = folder.path().join("reader");
    std::fs::create_dir(&reader).unwrap();
    follow(page, &reader, &[(SERVER_OF_PAGE, &server.public)])
}

#[test]
fn the_guide_for_people_does_what_it_says() {
    let (steps, printing) = follow_from_the_start("users.md");
    assert!(steps > 15 && printing > 12, "{steps} steps, {printing} of them print");
}

/// A-API-08, A-API-12: a key's life on one page, from the person who makes it to the end of its last session.
#[test]
fn the_guide_for_programs_does_what_it_says() {
    let (steps, printing) = follow_from_the_start("api-keys.md");
    assert!(steps > 10 && printing > 8, "{steps} steps, {printing} of them print");
}

#[test]
fn the_page_of_the_console_does_what_it_says() {
    let folder = folder();
    let server = Server::serve(folder.path(), &RATES);
    let ann = Person::new(&server, "ann");
    let (datastore, key) = ann.datastore("default");
    let content =
        |name: &str| json!({ "website_password_title": name, "website_password_password": "hunter2" });
    let mail = ann.secret(("parent_datastore_id", &datastore), &content("mail").to_string());
    let (share, share_key) = ann.share(&datastore, &json!({ "name": "team" }));
    let wiki = ann.secret(("parent_share_id", &share), &content("wiki").to_string());
    ann.fill_share(&share, &share_key, &json!({ "name": "team", "items": [item("wiki", &wiki)] }));
    let index = json!({ &share: { "paths": [], "secret_key": to_hex(&share_key) } });
    let team = json!({ "id": uuid(), "name": "team", "share_id": share });
    let work = json!({ "id": uuid(), "name": "work", "folders": [team], "items": [item("mail", &mail)] });
    let root = json!({ "datastore_id": datastore, "share_index": index, "folders": [work] });
    ann.fill_datastore(&datastore, &key, &root);
    let program = Program::new(folder.path(), "program", &server, &ann.api_key(true, false));
    let replaced = [
        ("8d1f0c1e-7a42-4f1b-a2c5-1a9b8e0d7f33", datastore.as_str()),
        ("6b0ee7a3-4c0c-4a3f-8d4a-0a8d3a6f1c11", &mail.id),
    ];
    let (steps, printing) = follow("psono-console.md", &program.0, &replaced);
    assert!(steps > 3 && printing > 2, "{steps} steps, {printing} of them print");
}

#[test]
fn the_page_of_coiin_does_what_it_says() {
    let folder = folder();
    let server = chain::serve(folder.path(), &chain::PRESET);
    let (steps, printing) = follow("coiin.md", folder.path(), &[(SERVER_OF_PAGE, &server.public)]);
    assert!(steps > 7 && printing > 7, "{steps} steps, {printing} of them print");
}

#[test]
fn what_is_printed_is_compared_with_what_is_said() {
    for (printed, said, same) in [
        ("a\n", "a\n", true),
        ("a\nb\n", "a\n", false),
        ("", "a\n", false),
        ("a 12 b\n", "a ... b\n", true),
        ("a 12 b c\n", "a ... b\n", false),
        ("x 1 y 2 z", "x ... y ... z", true),
        ("x 1 2 z", "x ... y ... z", false),
    ] {
        assert_eq!(is_as_said(printed, said), same, "{printed:?} {said:?}");
    }
}
