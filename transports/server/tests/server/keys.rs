//! `strongroom keys` as a user meets it: profiles, keys in and out, two devices, and what is said when things go wrong.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::{
    kit::{Server, folder, one_line, strongroom},
    listeners::certify,
};

/// A user's device: a folder with a profile.
struct Device<'f> {
    folder: &'f Path,
    profile: String,
}

impl<'f> Device<'f> {
    /// A device whose profile comes from the server's own data folder.
    fn of_first(folder: &'f Path, profile: &str, more: &[&str]) -> Self {
        let device = Self { folder, profile: profile.to_owned() };
        device.succeed(&[&["init", "--from", "strongroom-data"], more].concat(), b"");
        device
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = strongroom(self.folder);
        command.args(["keys", "--profile", &self.profile]).args(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that refuses before it reads hangs up.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    fn succeed(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = self.run(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str], input: &[u8]) -> Value {
        serde_json::from_str(&self.succeed(&[&["--json"], arguments].concat(), input)).unwrap()
    }

    fn refuse(&self, arguments: &[&str], input: &[u8]) -> String {
        one_line(&self.run(arguments, input))
    }

    fn names(&self, arguments: &[&str]) -> Vec<String> {
        let listed = self.json(&[&["list"], arguments].concat(), b"");
        listed.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_key_goes_in_and_comes_out_byte_for_byte() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    for link in ["http", "websocket"] {
        let me = Device::of_first(folder.path(), &format!("{link}.toml"), &["--link", link, "--force"]);
        let name = format!("the {link} key");
        let key = b"\x00\xff not text \r\n";
        me.succeed(&["put", &name, "--note", "device=phone"], key);
        assert_eq!(me.run(&["get", &name], b"").stdout, key);
        let shown = me.json(&["get", &name], b"");
        assert_eq!(
            (&shown["data"], &shown["notes"]["device"]),
            (&"AP8gbm90IHRleHQgDQo=".into(), &"phone".into())
        );
        let file = folder.path().join("out");
        me.succeed(&["get", &name, "--output", "out"], b"");
        assert_eq!(fs::read(&file).unwrap(), key);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

        let refused = me.refuse(&["put", &name], b"another");
        assert!(refused.contains("--replace"), "{refused}");
        me.succeed(&["put", &name, "--file", "out", "--replace"], b"");
        me.succeed(&["put", "second", "--text-on-command-line", "x"], b"");
        let listed = me.succeed(&["list"], b"");
        assert!(
            listed.starts_with("NAME") && listed.contains(&name) && listed.contains("second"),
            "{listed}"
        );
        me.succeed(&["remove", &name, "second"], b"");
        assert_eq!(me.names(&[]), [""; 0]);
        let refused = me.refuse(&["get", &name], b"");
        assert!(refused.contains("there is no key"), "{refused}");
        assert!(me.refuse(&["remove", &name], b"").contains("there is no key"));
        assert!(me.refuse(&["put", "empty"], b"").contains("empty"));
        // Each link begins with a private key of its own, so with a record that it can open.
        me.succeed(&["sync"], b"");
        let emptied = server.ask_as(&server.first_token(), "DELETE", "/v1/records/keyknox-v1", "");
        assert_eq!(emptied.status, 204);
    }
}

/// A-LEAK-01: neither the server's files and logs nor the local store hold a key in the clear.
#[test]
fn a_key_is_in_the_clear_nowhere_but_where_it_was_asked_for() {
    const CANARY: &[u8] = b"canary-of-a-key-5f1b";
    let folder = folder();
    let server = Server::serve(folder.path(), &["--set", "log.level=trace"]);
    let me = Device::of_first(folder.path(), "me.toml", &[]);
    me.succeed(&["put", "mail"], CANARY);
    let answer = server.ask_as(&server.first_token(), "GET", "/v1/records/keyknox-v1", "");
    assert_eq!(answer.status, 200);
    server.stop();
    let mut folders = vec![folder.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY), "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 5 && me.names(&["--offline"]) == ["mail"]);
}

#[test]
fn two_devices_with_keys_of_their_own_share_what_is_stored() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let phone = Device::of_first(folder.path(), "phone.toml", &[]);
    let public = |device: &Device<'_>| {
        let shown = device.json(&["init", "--from", "strongroom-data", "--force"], b"");
        shown["public_key"].as_str().unwrap().to_owned()
    };
    let phone_key = public(&phone);
    phone.succeed(&["put", "mail"], b"1");
    let laptop = Device::of_first(folder.path(), "laptop.toml", &["--reader", &phone_key]);
    let laptop_key = fs::read_to_string(folder.path().join("laptop.key")).unwrap();
    let refused = laptop.refuse(&["sync"], b"");
    assert!(refused.contains("readers") && !refused.contains(laptop_key.trim()), "{refused}");

    // The phone is told of the laptop's key, and its next change lets the laptop read.
    let laptop_is =
        laptop.json(&["init", "--from", "strongroom-data", "--reader", &phone_key, "--force"], b"");
    let laptop_is = laptop_is["public_key"].as_str().unwrap();
    phone.succeed(&["init", "--from", "strongroom-data", "--reader", laptop_is, "--force"], b"");
    phone.succeed(&["put", "bank"], b"2");
    assert_eq!(laptop.names(&[]), ["bank", "mail"]);
    laptop.succeed(&["put", "from the laptop"], b"3");
    let report = phone.json(&["sync"], b"");
    assert_eq!(report["saved"], Value::from(vec!["from the laptop"]));

    // Somebody who is not among the phone's readers writes over it all.
    phone.succeed(&["init", "--from", "strongroom-data", "--force"], b"");
    laptop.succeed(&["put", "more"], b"4");
    let refused = phone.refuse(&["sync"], b"");
    assert!(refused.contains("readers"), "{refused}");
    drop(server);
}

#[test]
fn a_watch_prints_what_other_devices_change_as_they_change_it() {
    for link in ["http", "websocket"] {
        let folder = folder();
        let _server = Server::serve(folder.path(), &[]);
        let phone = Device::of_first(folder.path(), "phone.toml", &[]);
        phone.succeed(&["put", "before"], b"0");
        let laptop =
            Device::of_first(folder.path(), "laptop.toml", &["--private-key", "phone.key", "--link", link]);
        let mut command = strongroom(folder.path());
        command.args(["keys", "--profile", "laptop.toml", "--json", "watch"]);
        let mut watching = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
        let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(next()["saved"], Value::from(vec!["before"]));
        phone.succeed(&["put", "during"], b"1");
        let told = next();
        assert_eq!((&told["saved"], told["event"].is_u64()), (&Value::from(vec!["during"]), true), "{told}");
        phone.succeed(&["remove", "before"], b"");
        assert_eq!(next()["deleted"], Value::from(vec!["before"]));
        watching.kill().unwrap();
        watching.wait().unwrap();
        assert_eq!(laptop.names(&["--offline"]), ["during"]);
    }
}

#[test]
fn a_server_is_believed_for_the_certificate_that_the_profile_trusts_and_no_other() {
    let folder = folder();
    certify(folder.path());
    let file = "[server.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n";
    fs::write(folder.path().join("strongroom.toml"), file).unwrap();
    let _server = Server::serve(folder.path(), &[]);
    fs::copy(folder.path().join("certificate.pem"), folder.path().join("trusted.pem")).unwrap();
    for link in ["http", "websocket"] {
        let trusting = ["--link", link, "--trusted-certificates", "trusted.pem", "--private-key", "one.key"];
        if link == "http" {
            Device::of_first(folder.path(), "one.toml", &[]);
        }
        let me = Device::of_first(folder.path(), &format!("{link}.toml"), &trusting);
        me.succeed(&["put", link], b"1");
        assert!(me.names(&[]).contains(&link.to_owned()));
        let doubting = ["--link", link, "--private-key", "one.key"];
        let me = Device::of_first(folder.path(), &format!("{link}-doubting.toml"), &doubting);
        let refused = me.refuse(&["sync"], b"");
        assert!(refused.contains("certificate"), "{refused}");
        // Another certificate of the same name is another server.
        certify(folder.path());
        let other = ["--link", link, "--trusted-certificates", "certificate.pem", "--private-key", "one.key"];
        let me = Device::of_first(folder.path(), &format!("{link}-other.toml"), &other);
        assert!(me.refuse(&["sync"], b"").contains("certificate"));
    }
}

#[test]
fn a_user_who_says_nothing_meets_the_server_that_was_told_nothing() {
    let folder = folder();
    let _server = Server::serve(folder.path(), &[]);
    let keys = |arguments: &[&str]| {
        let mut command = strongroom(folder.path());
        command.arg("keys").args(arguments).env("XDG_CONFIG_HOME", folder.path().join("config"));
        command.output().unwrap()
    };
    let init = keys(&["init"]);
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    assert!(keys(&["put", "mail", "--text-on-command-line", "1"]).status.success());
    assert_eq!(keys(&["get", "mail"]).stdout, b"1");
    for file in ["keys.toml", "keys.key", "keys.store"] {
        assert!(folder.path().join("config/strongroom").join(file).is_file(), "{file}");
    }
}

#[test]
fn keys_are_at_hand_while_the_server_is_away() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let me = Device::of_first(folder.path(), "me.toml", &[]);
    me.succeed(&["put", "mail"], b"1");
    server.stop();
    let output = me.run(&["get", "mail"], b"");
    assert!(output.status.success() && output.stdout == b"1");
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(warned.starts_with("warning: no server answers") && warned.lines().count() == 1, "{warned}");
    let offline = me.run(&["get", "mail", "--offline"], b"");
    assert!(offline.stdout == b"1" && offline.stderr.is_empty());
    let refused = me.refuse(&["put", "bank"], b"2");
    assert!(refused.contains("is it running"), "{refused}");
}

/// A-SRV-05: an emptied record and a server that was set back are the user's to believe, and the line says how.
#[test]
fn a_reset_and_a_rollback_are_followed_when_the_user_says_so() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let me = Device::of_first(folder.path(), "me.toml", &[]);
    me.succeed(&["put", "mail"], b"1");
    let reset = || {
        let answer = server.ask_as(&server.first_token(), "DELETE", "/v1/records/keyknox-v1", "");
        assert_eq!(answer.status, 204);
    };
    reset();
    for arguments in [&["sync"][..], &["put", "bank"], &["list"], &["get", "mail"]] {
        let refused = me.refuse(arguments, b"2");
        assert!(refused.contains("--follow-reset"), "{refused}");
    }
    assert_eq!(me.names(&["--offline"]), ["mail"]);
    let report = me.json(&["sync", "--follow-reset"], b"");
    assert_eq!(report["deleted"], Value::from(vec!["mail"]));
    me.succeed(&["put", "bank"], b"2");

    // A copy of the data folder is put back over a later one.
    server.stop();
    let data = folder.path().join("strongroom-data");
    let copy = |from: &str, to: &str| {
        let status =
            std::process::Command::new("cp").args(["-r", from, to]).current_dir(folder.path()).status();
        assert!(status.unwrap().success());
    };
    copy("strongroom-data", "copy");
    let server = Server::serve(folder.path(), &[]);
    me.succeed(&["init", "--from", "strongroom-data", "--force"], b"");
    // The address is part of what the local store is bound to, so this device begins anew under the new one.
    fs::remove_file(folder.path().join("me.store")).unwrap();
    me.succeed(&["put", "later"], b"3");
    let port = server.public.clone();
    server.stop();
    fs::remove_dir_all(&data).unwrap();
    copy("copy", "strongroom-data");
    let mut command = strongroom(folder.path());
    command.args(["serve", "--listen", &port, "--admin-listen", "127.0.0.1:0"]);
    let server = Server::start(folder.path(), command);
    let refused = me.refuse(&["sync"], b"");
    assert!(refused.contains("rolled back") && refused.contains("--accept-rollback"), "{refused}");
    let report = me.json(&["sync", "--accept-rollback"], b"");
    assert_eq!(report["deleted"], Value::from(vec!["later"]));
    assert_eq!(me.names(&[]), ["bank"]);

    // And once more, to when there was nothing.
    server.stop();
    fs::remove_dir_all(&data).unwrap();
    let mut command = strongroom(folder.path());
    command.args(["serve", "--listen", &port, "--admin-listen", "127.0.0.1:0"]);
    let _server = Server::start(folder.path(), command);
    me.succeed(&["init", "--from", "strongroom-data", "--force"], b"");
    assert!(me.refuse(&["sync"], b"").contains("--accept-rollback"));
    let refused = me.refuse(&["sync", "--accept-rollback"], b"");
    assert!(refused.contains("--follow-reset"), "{refused}");
    assert_eq!(me.names(&["--offline"]), ["bank"]);
    me.succeed(&["sync", "--accept-rollback", "--follow-reset"], b"");
    assert_eq!(me.names(&[]), [""; 0]);
}

#[test]
fn a_token_is_had_in_every_way_that_a_profile_knows() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let url = format!("http://{}", server.public);
    let token = "strongroom-data/first/bearer.token";
    for (profile, way) in [
        ("file.toml", ["--token-file", token]),
        ("env.toml", ["--token-env", "MY_TOKEN"]),
        ("command.toml", ["--token-command", "cat strongroom-data/first/bearer.token"]),
    ] {
        let me = Device { folder: folder.path(), profile: profile.to_owned() };
        me.succeed(&[&["init", "--server", &url, "--identity", "me"], &way[..]].concat(), b"");
        let mut command = strongroom(folder.path());
        command.args(["keys", "--profile", profile, "sync"]).env("MY_TOKEN", server.first_token());
        assert!(command.output().unwrap().status.success(), "{profile}");
    }
    let refused = Device { folder: folder.path(), profile: "env.toml".to_owned() }.refuse(&["sync"], b"");
    assert!(refused.contains("MY_TOKEN"), "{refused}");

    let profile = folder.path().join("command.toml");
    let text = fs::read_to_string(&profile).unwrap();
    fs::write(&profile, text.replace("\"cat\"", "\"no-such-program\"")).unwrap();
    let refused = Device { folder: folder.path(), profile: "command.toml".to_owned() }.refuse(&["sync"], b"");
    assert!(refused.contains("no-such-program"), "{refused}");

    let profile = folder.path().join("value.toml");
    let text = format!(
        "server = \"{url}\"\nidentity = \"me\"\nprivate_key = \"file.key\"\n[token]\nvalue = \"{}\"\n",
        server.first_token()
    );
    fs::write(&profile, &text).unwrap();
    let me = Device { folder: folder.path(), profile: "value.toml".to_owned() };
    let warned = String::from_utf8(me.run(&["sync"], b"").stderr).unwrap();
    assert!(warned.contains("chmod 600") && !warned.contains("srt_"), "{warned}");
    fs::write(&profile, text.replace("srt_", "srt_x")).unwrap();
    fs::set_permissions(&profile, fs::Permissions::from_mode(0o600)).unwrap();
    let refused = me.refuse(&["sync"], b"");
    assert!(refused.contains("refuses the token") && !refused.contains("srt_"), "{refused}");
}

/// A-ADM-07: a private key that others can read is refused with the way to mend it.
#[test]
fn what_is_wrong_with_a_profile_is_said_in_one_line_with_the_fix() {
    let folder = folder();
    let me = Device { folder: folder.path(), profile: "me.toml".to_owned() };
    assert!(me.refuse(&["list"], b"").contains("strongroom keys init"));
    assert!(me.refuse(&["init"], b"").contains("--from"));
    let init = ["init", "--server", "https://keys.example", "--identity", "me", "--token-file", "t"];
    assert!(
        me.refuse(&["init", "--server", "https://keys.example", "--identity", "me"], b"")
            .contains("--token-file")
    );
    assert!(me.refuse(&["init", "--from", "nowhere"], b"").contains("application.json"));
    for url in ["http://keys.example", "keys.example", "https://u:p@keys.example"] {
        let refused = me.refuse(&["init", "--server", url, "--identity", "me", "--token-file", "t"], b"");
        assert!(refused.contains("URL"), "{refused}");
    }
    assert!(!folder.path().join("me.toml").exists() && !folder.path().join("me.key").exists());
    me.succeed(&init, b"");
    assert!(me.refuse(&init, b"").contains("--force"));
    for file in ["me.toml", "me.key"] {
        let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    fs::write(folder.path().join("t"), "srt_x").unwrap();
    fs::set_permissions(folder.path().join("me.key"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(me.refuse(&["list"], b"").contains("chmod 600"));
    fs::set_permissions(folder.path().join("me.key"), fs::Permissions::from_mode(0o600)).unwrap();

    // Another private key does not open what this one keeps.
    me.succeed(&["list", "--offline"], b"");
    fs::remove_file(folder.path().join("me.key")).unwrap();
    me.succeed(&[&init[..], &["--force"]].concat(), b"");
    let refused = me.refuse(&["list", "--offline"], b"");
    assert!(refused.contains("me.store") && refused.contains("does not open"), "{refused}");
}
