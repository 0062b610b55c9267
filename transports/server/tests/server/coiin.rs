//! `strongroom creds` and the same program under the name `coiin`: the credentials file as scripts and people change it,
//! and the keys of a chain at a server.

mod machine;

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};

use self::machine::Machine;
use crate::{
    chain::{CHAIN, PRESET, ROOT, ROOT_KEY as KEY, serve},
    kit::{BINARY, Server, folder},
};

const OTHER: &str = "sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4";

/// The seed's own walk through the file, with the outputs that it shows.
#[test]
fn a_key_is_added_listed_made_the_default_and_removed_as_the_seed_shows() {
    let machine = Machine::new();
    let added = machine.succeed(
        &["creds", "local", "add", CHAIN],
        &format!("host.example/dragonchain\r\nEAYRMSXDOSWY\n{KEY}"),
    );
    assert_eq!(
        added,
        format!("Default EAL set to {CHAIN}.\nSuccess. New Credentials written to ~/.coiin/credentials\n")
    );
    assert_eq!(
        machine.text(),
        format!(
            "[{CHAIN}]\nauth_key={KEY}\nauth_key_id=EAYRMSXDOSWY\nendpoint=https://host.example/dragonchain\n\n\
             [default]\ndragonchain_id={CHAIN}\n"
        )
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&machine.file()), mode(machine.file().parent().unwrap())), (0o600, 0o700));

    let second = machine.succeed(&["creds", "local", "add", OTHER, "-d"], "\nTZRBPXYRCGSM\nabc\n");
    assert_eq!(second, "Success. New Credentials written to ~/.coiin/credentials\n");
    let listed = |key: &str, other: &str| {
        format!(
            "{{\n  \"{CHAIN}\": {{\n    \"auth_key\": \"{key}\",\n    \"auth_key_id\": \"EAYRMSXDOSWY\",\n    \
             \"endpoint\": \"https://host.example/dragonchain\"\n  }},\n  \"{OTHER}\": {{\n    \
             \"auth_key\": \"{other}\",\n    \"auth_key_id\": \"TZRBPXYRCGSM\"\n  }},\n  \"default\": {{\n    \
             \"dragonchain_id\": \"{CHAIN}\"\n  }}\n}}\n"
        )
    };
    assert_eq!(machine.succeed(&["creds", "local", "ls"], ""), listed("<hidden>", "<hidden>"));
    assert_eq!(machine.succeed(&["creds", "local", "ls", "-k"], ""), listed(KEY, "abc"));
    assert_eq!(machine.succeed(&["creds", "local", "ls", "--show-keys"], ""), listed(KEY, "abc"));

    assert_eq!(machine.succeed(&["creds", "local", "default", "get"], ""), format!("{CHAIN}\n"));
    let set = machine.succeed(&["creds", "local", "default", "set", OTHER], "");
    assert_eq!(set, format!("Success. Default has been set to \"{OTHER}\".\n"));
    assert_eq!(machine.succeed(&["creds", "local", "default", "get"], ""), format!("{OTHER}\n"));

    // Not the default any more, so nothing is asked.
    let removed = machine.succeed(&["creds", "local", "rm", CHAIN], "n\n");
    assert_eq!(removed, format!("{CHAIN} credentials have been deleted on this machine.\n"));
    let kept = format!("[default]\ndragonchain_id={OTHER}\n");
    assert_eq!(machine.text(), format!("[{OTHER}]\nauth_key=abc\nauth_key_id=TZRBPXYRCGSM\n\n{kept}"));
    machine.succeed(&["creds", "local", "rm", OTHER], "n\n");
    assert_eq!(machine.text(), kept);
    machine.succeed(&["creds", "local", "add", OTHER], "\nTZRBPXYRCGSM\nabc\n");
    machine.succeed(&["creds", "local", "rm", OTHER], "");
    assert_eq!(machine.text(), "");
    assert_eq!(machine.succeed(&["creds", "local", "ls"], ""), "{}\n");
}

#[test]
fn what_cannot_be_done_is_one_line_and_exit_code_1_and_changes_nothing() {
    let machine = Machine::new();
    assert_eq!(machine.succeed(&["creds", "local", "ls"], ""), "{}\n");
    let refused = machine.refuse(&["creds", "local", "default", "get"], "");
    assert!(refused.starts_with("no default is set"), "{refused}");
    assert!(!machine.file().exists());
    machine.succeed(
        &["creds", "local", "add", CHAIN, "--dont-set-default"],
        &format!("\nEAYRMSXDOSWY\n{KEY}\n"),
    );
    let before = machine.text();
    for (arguments, input, why) in [
        (vec!["default", "get"], "", "no default is set"),
        (vec!["default", "set", OTHER], "", "has no section"),
        (vec!["rm", OTHER], "", "has no section"),
        (vec!["rm", "default"], "", "has no section"),
        (vec!["add", OTHER], "host.example\nID\n", "three lines"),
        (vec!["add", OTHER], "", "three lines"),
        (vec!["add", OTHER], "host.example\nID\ncan ary\n", "auth_key of"),
        (vec!["add", OTHER], "host.example\nI;D\ncanary\n", "auth_key_id of"),
        (vec!["add", OTHER], "https://a%20b\nID\ncanary\n", "endpoint of"),
        (vec!["add", OTHER], "ftp://host.example\nID\ncanary\n", "https://"),
    ] {
        let refused = machine.refuse(&[&["creds", "local"], &arguments[..]].concat(), input);
        assert!(refused.contains(why), "{arguments:?}: {refused}");
    }
    assert_eq!(machine.text(), before);
    machine.succeed(&["creds", "local", "default", "set", CHAIN], "");
    let before = machine.text();
    let refused = machine.refuse(&["creds", "local", "rm", CHAIN], "what\n");
    assert!(refused.contains("nothing was removed"), "{refused}");
    assert_eq!(machine.text(), before);
    // A chain's id that is none is a command line that cannot be read.
    assert_eq!(machine.run(&["creds", "local", "add", "O0"], "").status.code(), Some(2));
}

/// What other tools left is read where that is safe, named by its line where not, and never lost.
#[test]
fn a_file_of_others_is_read_or_refused_and_kept() {
    let machine = Machine::new();
    let theirs = machine.put(
        ".dragonchain/credentials",
        &format!("\u{feff}; mine\r\n[{CHAIN}]\r\nauth_key = {KEY}\r\nauth_key_id = EAYRMSXDOSWY\r\nendpoint = undefined\r\n"),
    );
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o644)).unwrap();
    let listed = machine.run(&["creds", "local", "ls"], "");
    let said = String::from_utf8(listed.stderr).unwrap();
    assert!(listed.status.success() && said.starts_with("warning: ") && said.contains("chmod 600"), "{said}");
    let added = machine.succeed(&["creds", "local", "add", OTHER, "-d"], "\nTZRBPXYRCGSM\nabc\n");
    assert!(added.ends_with("written to ~/.dragonchain/credentials\n"), "{added}");
    assert_eq!(fs::metadata(&theirs).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&theirs).unwrap().starts_with(&format!("[{CHAIN}]\nauth_key={KEY}\n")));
    assert!(!machine.file().exists());

    let broken = machine.put("broken", &format!("[{CHAIN}]\nauth_key: canary\n"));
    let named = ["--credentials-file", "broken"];
    for arguments in
        [&["creds", "local", "ls"][..], &["creds", "local", "rm", CHAIN], &["creds", "remote", "ls"]]
    {
        let refused = machine.refuse(&[arguments, &named].concat(), "");
        assert!(refused.contains("broken: line 2"), "{refused}");
    }
    fs::write(&broken, format!("[{CHAIN}]\nauth_key=a\nnickname=My New Key\n")).unwrap();
    let before = fs::read_to_string(&broken).unwrap();
    let refused = machine.refuse(&[&["creds", "local", "add", OTHER][..], &named].concat(), "\nA\nb\n");
    assert!(refused.contains(&format!("nickname of [{CHAIN}]")), "{refused}");
    assert_eq!(fs::read_to_string(&broken).unwrap(), before);
    let listed = machine.succeed(&[&["creds", "local", "ls"][..], &named].concat(), "");
    assert!(listed.contains("\"nickname\": \"<hidden>\""), "{listed}");
}

#[test]
fn an_argument_names_the_file_before_the_variable_and_strongroom_has_the_same_commands() {
    let machine = Machine::new().with("COIIN_CREDENTIALS_FILE", "by-variable");
    let add = ["creds", "local", "add", CHAIN];
    let input = "\nA\nb\n";
    assert!(machine.succeed(&add, input).ends_with("written to by-variable\n"));
    let argument = [&add[..], &["--credentials-file", "by-argument"]].concat();
    assert!(machine.succeed(&argument, input).ends_with("written to by-argument\n"));
    let output = machine.run_as(Path::new(BINARY), &["creds", "local", "default", "get"], "");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{CHAIN}\n"));
    assert!(!machine.file().exists());
}

#[test]
fn processes_that_add_at_once_lose_nothing_of_each_other() {
    let machine = Machine::new();
    let chains: Vec<String> = (1..=8).map(|number| format!("{}{number}", &CHAIN[1..])).collect();
    std::thread::scope(|scope| {
        for chain in &chains {
            let machine = &machine;
            scope.spawn(move || machine.succeed(&["creds", "local", "add", chain, "-d"], "\nA\nb\n"));
        }
    });
    let text = machine.text();
    assert!(chains.iter().all(|chain| text.contains(&format!("[{chain}]\nauth_key=b\n"))), "{text}");
    let names = fs::read_dir(machine.file().parent().unwrap()).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".credentials.lock", "credentials"]);
}

/// A server with the chain, and where it is.
fn server(folder: &Path) -> (Server, String) {
    let server = serve(folder, &PRESET);
    let endpoint = format!("http://{}/dragonchain", server.public);
    (server, endpoint)
}

/// A server that takes one request and answers it so, or hangs up if there is nothing to answer. Where it is.
fn answering(status: u16, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answer =
        format!("HTTP/1.1 {status} So\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let answer = if body.is_empty() { String::new() } else { answer };
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let _ = socket.read(&mut [0; 4_096]);
        let _ = socket.write_all(answer.as_bytes());
        // What else was sent is read, so that the answer arrives before the end.
        let _ = socket.shutdown(Shutdown::Write);
        let _ = socket.read_to_end(&mut Vec::new());
    });
    endpoint
}

#[test]
fn keys_at_the_server_are_made_shown_changed_and_deleted() {
    let folder = folder();
    let (_server, endpoint) = server(folder.path());
    let machine = Machine::of(&endpoint);
    let document = r#"{"version":"1","default_allow":true,"permissions":{}}"#;
    let printed =
        machine.succeed(&["creds", "remote", "add", "--nickname", "My New Key", "-p", document], "");
    let made: Value = serde_json::from_str(&printed).unwrap();
    assert!(printed.starts_with("{\n  \"status\": 201,\n  \"response\": {\n    "), "{printed}");
    assert!(printed.ends_with("\n  },\n  \"ok\": true\n}\n"), "{printed}");
    let id = made["response"]["id"].as_str().unwrap();
    assert_eq!(made["response"]["key"].as_str().unwrap().len(), 43);
    assert_eq!(made["response"]["permissions_document"]["permissions"], json!({}));

    let usual = machine.answered(&["creds", "remote", "add"]);
    assert_eq!((&usual["nickname"], &usual["root"]), (&json!(""), &json!(false)));
    assert_eq!(machine.answered(&["creds", "remote", "get", id])["nickname"], "My New Key");
    let listed = machine.answered(&["creds", "remote", "ls"]);
    let mut ids = ["EAYRMSXDOSWY", id, usual["id"].as_str().unwrap()];
    ids.sort_unstable();
    let keys = listed["keys"].as_array().unwrap();
    assert_eq!(keys.iter().map(|key| key["id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    let changed = machine.answered(&["creds", "remote", "update", id, "-n", "Root Key"]);
    assert_eq!((&changed["nickname"], &changed["success"]), (&json!("Root Key"), &json!(true)));
    assert_eq!(machine.answered(&["creds", "remote", "rm", id]), json!({ "success": true }));
    let gone = (404, "The requested resource(s) cannot be found.".to_owned());
    assert_eq!(machine.refused(&["creds", "remote", "get", id]), gone);
    assert_eq!(machine.answered(&["status"])["id"], CHAIN);
    let output = machine.run_as(Path::new(BINARY), &["creds", "remote", "status"], "");
    assert!(output.status.success(), "{output:?}");
    for unread in [
        &["get", "a/b"][..],
        &["get", ""],
        &["add", "-p", "[]"],
        &["add", "-p", "{\"a\":1,\"a\":2}"],
        &["add", "--force"],
    ] {
        assert_eq!(
            machine.run(&[&["creds", "remote"], unread].concat(), "").status.code(),
            Some(2),
            "{unread:?}"
        );
    }
}

#[test]
fn what_the_server_refuses_is_shown_and_is_exit_code_1() {
    let folder = folder();
    let (_server, endpoint) = server(folder.path());
    let machine = Machine::of(&endpoint);
    let text = String::from_utf8(machine.run(&["creds", "remote", "rm", ROOT], "").stdout).unwrap();
    assert!(
        text.starts_with("{\n  \"status\": 403,\n") && text.ends_with("\n  \"ok\": false\n}\n"),
        "{text}"
    );
    let refused = machine.refused(&["creds", "remote", "add", "-p", "{}"]);
    assert_eq!(refused, (400, "permissions_document: version is missing".to_owned()));
    let limited = machine.answered(&["creds", "remote", "add"]);
    let (id, key) = (limited["id"].as_str().unwrap(), limited["key"].as_str().unwrap());
    machine.succeed(&["creds", "local", "add", CHAIN], &format!("{endpoint}\n{id}\n{key}\n"));
    let refused = machine.refused(&["creds", "remote", "rm", id]);
    assert_eq!(refused, (403, "This key is not allowed to perform delete_api_key".to_owned()));
    // A lost answer is not asked for again: the signature is spent.
    let lost = ["creds", "remote", "rm", "TZRBPXYRCGSM", "--endpoint", &answering(200, "")];
    assert!(machine.refuse(&lost, "").contains("sent once only"));
    let elsewhere = ["creds", "remote", "ls", "--endpoint", "http://127.0.0.1:1"];
    assert!(machine.refuse(&elsewhere, "").contains("no server answers at http://127.0.0.1:1"));
    let plain = ["creds", "remote", "ls", "--endpoint", "http://keys.example"];
    assert!(machine.refuse(&plain, "").contains("https://"));
    let moving = answering(200, &json!({ "id": "TZRBPXYRCGSM", "nickname": "\u{9b}2J" }).to_string());
    let got = machine.succeed(&["creds", "remote", "get", "TZRBPXYRCGSM", "--endpoint", &moving], "");
    assert!(got.contains(r#""nickname": "\u009b2J""#), "{got}");
}

#[test]
fn a_created_key_goes_into_the_file_without_being_shown() {
    let folder = folder();
    let (_server, endpoint) = server(folder.path());
    let machine = Machine::new().with("AUTH_KEY_ID", ROOT).with("AUTH_KEY", KEY);
    let save = ["creds", "remote", "add", "--save", "--chain", CHAIN, "--endpoint", &endpoint];
    let printed = machine.succeed(&save, "");
    assert!(printed.contains("\"key\": \"<hidden>\""), "{printed}");
    let saved = machine.text();
    let line = |name: &str| saved.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let (id, key) = (line("auth_key_id="), line("auth_key="));
    assert!(key.len() == 43 && !printed.contains(&key) && printed.contains(&id), "{printed}");
    assert_eq!(
        saved,
        format!(
            "[{CHAIN}]\nauth_key={key}\nauth_key_id={id}\nendpoint={endpoint}\n\n[default]\ndragonchain_id={CHAIN}\n"
        )
    );
    let refused = machine.refuse(&save, "");
    assert!(refused.contains("--force") && refused.contains("No key was created"), "{refused}");
    let keys = machine.answered(&["creds", "remote", "ls"]);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2, "nothing was asked that could not be kept");

    let force = [&save[..], &["--force"]].concat();
    let commented = format!("; mine\n{saved}");
    fs::write(machine.file(), &commented).unwrap();
    // The saved key is the one that signs now, and may not make keys.
    let machine = machine.with("AUTH_KEY_ID", &id).with("AUTH_KEY", &key);
    assert_eq!(machine.refused(&force).0, 403);
    assert_eq!(machine.text(), commented, "a refusal changes nothing");
    let endpoint = answering(201, r#"{"id":"X"}"#);
    let without_key =
        ["creds", "remote", "add", "--save", "--force", "--chain", CHAIN, "--endpoint", &endpoint];
    let output = machine.run(&without_key, "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("not saved"), "{said}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("\"id\": \"X\""), "it is printed instead");
    assert_eq!(machine.text(), commented);
}

#[test]
fn arguments_come_before_variables_and_those_before_the_file() {
    let folder = folder();
    let (_server, endpoint) = server(folder.path());
    let machine = Machine::of(&endpoint);
    machine.succeed(&["creds", "local", "add", OTHER, "-d"], &format!("{endpoint}\nOTHER\n{KEY}\n"));
    let machine = machine.with("DRAGONCHAIN_ID", OTHER).with("AUTH_KEY", "half a pair");
    assert_eq!(machine.refused(&["status"]), (401, "Incorrect Dragonchain ID".to_owned()));
    assert_eq!(machine.answered(&["status", "--chain", CHAIN])["id"], CHAIN);
    let machine = Machine::new()
        .with("DRAGONCHAIN_ID", CHAIN)
        .with("DRAGONCHAIN_ENDPOINT", &endpoint)
        .with("AUTH_KEY", KEY)
        .with("AUTH_KEY_ID", ROOT);
    assert_eq!(machine.answered(&["status"])["id"], CHAIN);
    let machine = machine.with("AUTH_KEY_ID", "VARIABLE");
    assert_eq!(machine.refused(&["status"]), (401, "Invalid HMAC Authentication".to_owned()));
    let machine = Machine::new();
    assert!(machine.refuse(&["status"], "").contains("DRAGONCHAIN_ID"));
    assert!(machine.refuse(&["status", "--chain", CHAIN], "").contains(&format!("creds local add {CHAIN}")));
    machine.succeed(&["creds", "local", "add", CHAIN], "\nA\nb\n");
    assert!(machine.refuse(&["status"], "").contains("DRAGONCHAIN_ENDPOINT"));
}
