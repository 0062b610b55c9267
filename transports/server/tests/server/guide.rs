//! `docs/users.md` does what it says: its command blocks are run in their order, by one shell, against a server.

use std::{path::Path, process::Command};

use crate::kit::{BINARY, Server, folder};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/users.md");

/// Where the page takes the server to be.
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

#[test]
fn the_guide_for_people_does_what_it_says() {
    const MARK: &str = "----- step";
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let reader = folder.path().join("reader");
    std::fs::create_dir(&reader).unwrap();
    let steps = steps(&std::fs::read_to_string(PAGE).unwrap());
    assert!(steps.len() > 15 && steps.iter().filter(|step| step.prints.is_some()).count() > 12);
    let script: String = steps
        .iter()
        .map(|step| format!("{}echo '{MARK}'\n", step.commands.replace(SERVER_OF_PAGE, &server.public)))
        .collect();
    let binaries = Path::new(BINARY).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let ran = Command::new("sh")
        .args(["-eu", "-c", &script])
        .current_dir(&reader)
        .env("PATH", path)
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
