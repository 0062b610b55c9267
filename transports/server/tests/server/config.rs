//! The configuration as the commands show it.

use std::fs;

use crate::kit::{folder, refuse, run, strongroom, succeed};

#[test]
fn the_example_is_a_configuration_that_changes_nothing() {
    let folder = folder();
    let example = succeed(folder.path(), &["config", "example"]);
    let shown = succeed(folder.path(), &["config", "show"]);
    fs::write(folder.path().join("strongroom.toml"), &example).unwrap();
    assert_eq!(succeed(folder.path(), &["config", "show"]), shown);
    assert!(succeed(folder.path(), &["config", "check"]).ends_with("\nthe configuration is good\n"));
}

#[test]
fn show_tells_where_each_value_came_from_and_hides_secrets() {
    let folder = folder();
    let file = "[server]\nworkers = 3\n\n[keyknox.gateway]\nsecret = \"canary-canary-canary\"\n";
    fs::write(folder.path().join("strongroom.toml"), file).unwrap();
    let mut command = strongroom(folder.path());
    command.env("STRONGROOM__LOG__LEVEL", "debug").env("STRONGROOM_DATA", "elsewhere");
    command.args(["config", "show", "--set", "cors.origins=https://a.example"]);
    let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let line = |key: &str| {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(key));
        line.unwrap_or_else(|| panic!("no {key} in {shown}"))
            .split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("server.workers"), "3 strongroom.toml:2");
    assert_eq!(line("log.level"), "\"debug\" variable STRONGROOM__LOG__LEVEL");
    assert_eq!(line("storage.path"), "\"elsewhere\" variable STRONGROOM_DATA");
    assert_eq!(line("cors.origins"), "[\"https://a.example\"] flag --set cors.origins");
    assert_eq!(line("server.write_threads"), "1 default");
    assert_eq!(line("keyknox.gateway.secret"), "\"(hidden)\" strongroom.toml:5");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn check_names_the_line_to_fix() {
    let folder = folder();
    fs::write(folder.path().join("strongroom.toml"), "[server]\n\nworkrs = 2\n").unwrap();
    let said = refuse(folder.path(), &["config", "check"]);
    assert_eq!(said, "strongroom.toml:3: server.workrs: there is no such key; did you mean workers?");
}

#[test]
fn a_command_line_that_cannot_be_read_is_exit_code_2() {
    let folder = folder();
    assert_eq!(run(folder.path(), &["serv"]).status.code(), Some(2));
    assert_eq!(run(folder.path(), &[]).status.code(), Some(2));
}
