//! `strongroom cryppo` as its user meets it: the guide's commands, files that are never lost, and what is said when a
//! key, a string or a flag is wrong.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::kit::{folder, one_line, strongroom};

/// The seed's key, as its guide prints it.
const PDK: &str = "24rdL_ugryujjDLcvwt00ARWWMCF4kk4gJETJy6yRjs=";
const KEK: &str = "INUyR39qQcu43rqLeJtoTSMbzrB6NjlkSEujnM99ow4=";

fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = strongroom(folder);
    command.arg("cryppo").args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses before it reads hangs up.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn succeed(folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let output = run(folder, arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, arguments: &[&str], input: &[u8]) -> Value {
    serde_json::from_str(&succeed(folder, &[&["--json"], arguments].concat(), input)).unwrap()
}

fn refuse(folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let output = run(folder, arguments, input);
    assert!(output.stdout.is_empty(), "{arguments:?}");
    one_line(&output)
}

/// A file that only its owner can read.
fn private(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
}

fn mode(folder: &Path, name: &str) -> u32 {
    fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_key_is_made_and_encrypts_and_decrypts_byte_for_byte() {
    let folder = folder();
    let folder = folder.path();
    let key = succeed(folder, &["genkey"], b"");
    assert_eq!((key.len(), key.ends_with("=\n")), (45, true), "{key}");
    assert_ne!(succeed(folder, &["genkey"], b""), key);
    private(folder, "key", key.as_bytes());

    let value = b"\x00\xff not text \r\n";
    let string = succeed(folder, &["encrypt", "--key-file", "key"], value);
    assert!(string.starts_with("Aes256Gcm.") && string.ends_with('\n'), "{string}");
    assert_eq!(run(folder, &["decrypt", "--key-file", "key"], string.as_bytes()).stdout, value);
    let said = ["decrypt", "--key-file", "key", "-s", string.trim_end()];
    assert_eq!(run(folder, &said, b"").stdout, value);
    assert_eq!(run(folder, &["decrypt", "-k", "-", "-s", string.trim_end()], key.as_bytes()).stdout, value);
    let answer = json(folder, &said, b"");
    assert_eq!(answer, serde_json::json!({ "data": "AP8gbm90IHRleHQgDQo=" }));
    succeed(folder, &[&said[..], &["--output", "out"]].concat(), b"");
    assert_eq!((fs::read(folder.join("out")).unwrap(), mode(folder, "out")), (value.to_vec(), 0o600));
    fs::write(folder.join("value"), value).unwrap();
    let answer = json(folder, &["encrypt", "-k", "-", "--value-file", "value"], key.as_bytes());
    let string = answer["serialized"].as_str().unwrap();
    assert_eq!(run(folder, &["decrypt", "--key-file", "key", "-s", string], b"").stdout, value);
}

/// The guide's own lines, with the one flag that says their writer knows who else reads a command line.
#[test]
fn the_guides_commands_work_where_they_are_insisted_on() {
    let folder = folder();
    let folder = folder.path();
    let said = ["encrypt", "-v", KEK, "-k", PDK];
    let string = succeed(folder, &[&said[..], &["--secrets-on-command-line"]].concat(), b"");
    let opened = ["decrypt", "-s", string.trim_end(), "-k", PDK, "--secrets-on-command-line"];
    assert_eq!(succeed(folder, &opened, b""), KEK);
    // A PEM begins with dashes, and so may a key.
    let pem = "-----BEGIN RSA PRIVATE KEY-----\n{ ... }\n-----END RSA PRIVATE KEY-----\n";
    let key = "-4rdL_ugryujjDLcvwt00ARWWMCF4kk4gJETJy6yRjs=";
    let string = succeed(folder, &["encrypt", "-v", pem, "-k", key, "--secrets-on-command-line"], b"");
    let opened = ["decrypt", "-s", string.trim_end(), "-k", key, "--secrets-on-command-line"];
    assert_eq!(succeed(folder, &opened, b""), pem);
    // The seed's own string, in the older form: nothing that the seed prints opens it.
    let seeds = "Aes256Gcm.3EvCOUWD-zsHfe5hvrsMcppHx14SOMHXrEZC4Eyfw3s2JpvrIQRAH5Ydqcc=.LS0tCml2OiAhYmluYXJ5IHwtCiAgSVdj\
                 Q0M1ZC9FeHdRSVVFMAphdDogIWJpbmFyeSB8LQogIFN0L1o5QTZOMCswczBWQXgxcjQ0Rmc9PQphZDogbm9uZQo=";
    let refused = refuse(folder, &["decrypt", "-s", seeds, "-k", PDK, "--secrets-on-command-line"], b"");
    assert!(refused.contains("another one"), "{refused}");
}

/// A-LEAK-01: a secret on the command line is refused unless it is insisted on, and no refusal repeats one.
#[test]
fn secrets_on_the_command_line_are_refused_and_not_repeated() {
    let folder = folder();
    let folder = folder.path();
    private(folder, "key", KEK.as_bytes());
    let string = succeed(folder, &["encrypt", "--key-file", "key"], b"canary-of-a-value");
    for arguments in [
        &["encrypt", "-v", "canary-of-a-value", "--key-file", "key"][..],
        &["encrypt", "-v", "x", "-k", KEK],
        &["decrypt", "-s", string.trim_end(), "-k", KEK],
    ] {
        let refused = refuse(folder, arguments, b"");
        assert!(refused.contains("--secrets-on-command-line") && refused.contains("-file"), "{refused}");
        assert!(!refused.contains("canary") && !refused.contains(KEK), "{refused}");
    }
    for wrong in ["canary-of-a-key", &KEK.replace('=', ""), &format!("{KEK}{KEK}")] {
        let refused = refuse(folder, &["encrypt", "-v", "", "-k", "-"], wrong.as_bytes());
        assert!(refused.starts_with("standard input: key is not canonical base64"), "{refused}");
        assert!(!refused.contains("canary") && !refused.contains(&KEK[..20]), "{refused}");
    }
    // Named, not read from a file that others read too.
    fs::set_permissions(folder.join("key"), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = refuse(folder, &["decrypt", "--key-file", "key"], string.as_bytes());
    assert!(refused.contains("chmod 600 key"), "{refused}");
}

/// What the clients wrap is the bytes of a key; what the guide's command wraps is its text.
#[test]
fn a_key_is_wrapped_as_the_clients_wrap_keys_and_its_text_is_not_taken_for_one() {
    let folder = folder();
    let folder = folder.path();
    private(folder, "pdk", PDK.as_bytes());
    private(folder, "kek", format!("{KEK}\n").as_bytes());
    let wrap = ["encrypt", "--key-file", "pdk", "--value-file", "kek"];
    let wrapped = succeed(folder, &[&wrap[..], &["--as-key"]].concat(), b"");
    let unwrap = ["decrypt", "--key-file", "pdk"];
    let as_key = [&unwrap[..], &["--as-key"]].concat();
    assert_eq!(succeed(folder, &as_key, wrapped.as_bytes()), format!("{KEK}\n"));
    assert_eq!(json(folder, &as_key, wrapped.as_bytes()), serde_json::json!({ "key": KEK }));
    assert_eq!(run(folder, &unwrap, wrapped.as_bytes()).stdout.len(), 32);

    let text = succeed(folder, &["encrypt", "--key-file", "pdk"], KEK.as_bytes());
    let refused = refuse(folder, &as_key, text.as_bytes());
    assert!(refused.starts_with("unexpected_key_length: ") && refused.contains("44 bytes"), "{refused}");
    assert_eq!(succeed(folder, &unwrap, text.as_bytes()), KEK);
    let refused = refuse(folder, &["encrypt", "--key-file", "pdk", "--as-key"], b"not a key");
    assert!(refused.starts_with("the value: "), "{refused}");
}

#[test]
fn the_older_form_is_written_where_it_is_asked_for() {
    let folder = folder();
    let folder = folder.path();
    private(folder, "key", KEK.as_bytes());
    let artefacts = |string: &str| string.trim_end().rsplit('.').next().unwrap().to_owned();
    for (flags, start) in [(&["--legacy"][..], "LS0tCml2OiAhYmluYXJ5IHwtCiAg"), (&[], "QUAAAAAFaXYADAAAAA")] {
        let string = succeed(folder, &[&["encrypt", "--key-file", "key"], flags].concat(), b"value");
        assert!(artefacts(&string).starts_with(start), "{string}");
        assert_eq!(succeed(folder, &["decrypt", "--key-file", "key"], string.as_bytes()), "value");
    }
    let string = succeed(folder, &["encrypt", "--key-file", "key", "-v", ""], b"");
    assert!(string.starts_with("Aes256Gcm..QUAAAAAFaXYADAAAAA"), "{string}");
    assert_eq!(succeed(folder, &["decrypt", "--key-file", "key"], string.as_bytes()), "");
    let refused = refuse(folder, &["encrypt", "--key-file", "key"], b"");
    assert!(refused.contains("-v ''"), "{refused}");
}

#[test]
fn a_key_pair_is_written_once_and_serves_for_both_directions() {
    let folder = folder();
    let folder = folder.path();
    let make = ["genkeypair", "-P", "pubKey", "-p", "privKey", "--bits", "2048"];
    assert_eq!(succeed(folder, &make, b""), "Wrote new key pair\n");
    assert_eq!(mode(folder, "privKey"), 0o600);
    let first = fs::read_to_string(folder.join("privKey")).unwrap();
    assert!(first.starts_with("-----BEGIN RSA PRIVATE KEY-----\r\n"));
    let public = fs::read_to_string(folder.join("pubKey")).unwrap();
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\r\n"));
    let refused = refuse(folder, &make, b"");
    assert!(refused.starts_with("privKey is there already") && refused.contains("--force"), "{refused}");
    fs::remove_file(folder.join("privKey")).unwrap();
    // Either file is enough to refuse, and then neither is written.
    assert!(refuse(folder, &make, b"").starts_with("pubKey is there already"));
    assert!(!folder.join("privKey").exists());
    private(folder, "privKey", first.as_bytes());
    let refused = refuse(folder, &["genkeypair", "-P", "same", "-p", "same"], b"");
    assert!(refused.contains("a file each"), "{refused}");

    let string = succeed(folder, &["encrypt", "-P", "pubKey"], b"for the holder");
    assert!(string.starts_with("Rsa2048.") && string.ends_with(".QQUAAAAA\n"), "{string}");
    for flag in ["-p", "--privateKeyFile", "--private-key-file"] {
        assert_eq!(
            succeed(folder, &["decrypt", "-s", string.trim_end(), flag, "privKey"], b""),
            "for the holder"
        );
    }
    let refused = refuse(folder, &["encrypt", "-P", "pubKey"], &[7; 215]);
    assert!(refused.contains("214 bytes"), "{refused}");

    fs::write(folder.join("message"), b"signed \xff").unwrap();
    succeed(folder, &["sign", "-p", "privKey", "message", "message.signed"], b"");
    succeed(folder, &["verify", "-P", "pubKey", "message.signed", "message.again"], b"");
    assert_eq!(fs::read(folder.join("message.again")).unwrap(), b"signed \xff");
    let signed = fs::read_to_string(folder.join("message.signed")).unwrap();
    assert!(signed.starts_with("Sign.Rsa2048."), "{signed}");
    assert_eq!(run(folder, &["verify", "-P", "pubKey"], signed.as_bytes()).stdout, b"signed \xff");
    let refused = refuse(folder, &["verify", "-P", "pubKey", "message.signed", "message.again"], b"");
    assert!(refused.contains("--force"), "{refused}");
    let changed = signed.replace("c2lnbmVkIP8=", "c2lnbmVkIf8=");
    assert_ne!(changed, signed);
    let refused = refuse(folder, &["verify", "-P", "pubKey"], changed.as_bytes());
    assert!(refused.contains("does not verify"), "{refused}");
    assert_eq!(succeed(folder, &["sign", "-p", "privKey", "-"], &[7; 512]).matches('.').count(), 3);
    let refused = refuse(folder, &["sign", "-p", "privKey"], &[7; 513]);
    assert!(refused.contains("512 bytes"), "{refused}");

    let answer = json(folder, &[&make[..], &["--force"]].concat(), b"");
    assert_eq!(answer["fingerprint"].as_str().unwrap().len(), 64);
    assert_ne!(fs::read_to_string(folder.join("privKey")).unwrap(), first);
    let refused = refuse(folder, &["decrypt", "-s", string.trim_end(), "-p", "privKey"], b"");
    assert!(refused.contains("another one"), "{refused}");
}

#[test]
fn what_does_not_fit_together_is_refused_with_the_way_out() {
    let folder = folder();
    let folder = folder.path();
    private(folder, "key", KEK.as_bytes());
    succeed(folder, &["genkeypair", "-P", "pubKey", "-p", "privKey", "--bits", "2048"], b"");
    let string = succeed(folder, &["encrypt", "--key-file", "key"], b"value");
    let string = string.trim_end();
    let sealed = succeed(folder, &["encrypt", "-P", "pubKey"], b"value");
    let open = ["decrypt", "--key-file", "key", "-s"];
    let with = |said: &str| refuse(folder, &[&open[..], &[said]].concat(), b"");
    for (said, expected) in [
        (with(sealed.trim_end()), "say -p"),
        (with(&string.replace("Gcm", "Ofb")), "strategy"),
        (with(&string.replace('=', "")), "every `=`"),
        (with(&format!("{string}.Pbkdf2Hmac.QQ==")), "five parts"),
        (with("Aes256Gcm"), "STRATEGY.DATA.ARTEFACTS"),
        (with(""), "STRATEGY.DATA.ARTEFACTS"),
        (refuse(folder, &["decrypt", "-s", string, "-p", "privKey"], b""), "say -k"),
        (refuse(folder, &["decrypt", "-s", string, "-p", "pubKey"], b""), "others on this machine"),
        (refuse(folder, &["encrypt", "-P", "privKey"], b"x"), "holds a private key"),
        (refuse(folder, &["encrypt", "-P", "key"], b"x"), "key is not PEM"),
        (refuse(folder, &["encrypt", "-P", "none"], b"x"), "cannot read none"),
        (refuse(folder, &["encrypt", "-k", "-"], KEK.as_bytes()), "standard input gives the key already"),
        (refuse(folder, &["decrypt", "-k", "-"], KEK.as_bytes()), "standard input gives the string already"),
        (refuse(folder, &["decrypt", "--key-file", "key"], b"\xff"), "no text"),
        (refuse(folder, &["decrypt", "--key-file", "key"], &vec![b'A'; 300_000]), "larger than"),
        (refuse(folder, &["encrypt", "--key-file", "key"], &vec![b'A'; 200_000]), "too long"),
        (refuse(folder, &["genkey", "--output", "key"], b""), "key is there already"),
    ] {
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(fs::read_to_string(folder.join("key")).unwrap(), KEK);
    // Two sources for one thing are a mistake in the command line.
    for arguments in [
        &["encrypt", "-P", "pubKey", "--key-file", "key"][..],
        &["encrypt", "-P", "pubKey", "--legacy"],
        &["decrypt", "-p", "privKey", "-k", "-"],
        &["encrypt", "-v", "-", "--value-file", "key"],
    ] {
        assert_eq!(run(folder, arguments, b"").status.code(), Some(2), "{arguments:?}");
    }
}

/// The reason stands where the flag is looked up, and each command shows how it is used.
#[test]
fn help_gives_examples_and_says_why_secrets_are_not_arguments() {
    let folder = folder();
    for command in ["genkey", "genkeypair", "encrypt", "decrypt", "sign", "verify"] {
        let help = succeed(folder.path(), &[command, "--help"], b"");
        assert!(help.contains("Example") && help.contains(&format!("strongroom cryppo {command}")), "{help}");
        if ["encrypt", "decrypt"].contains(&command) {
            let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(help.contains("other users of this machine") && help.contains("history"), "{help}");
        }
    }
}
