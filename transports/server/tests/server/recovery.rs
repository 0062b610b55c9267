//! `strongroom recovery` as an owner, two holders and a requester meet it: shared, asked for, approved, vetoed, recovered,
//! dealt anew, and what is said when things go wrong.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::{Value, json};

use crate::{
    kit::{Server, folder, one_line},
    user::Device,
};

const SECRET: &[u8] = b"the root key\x00of everything\n";

/// Ann with a secret; bob and cyd with a holder's key each, whose public file ann has.
struct Scene {
    ann: Device,
    bob: Device,
    cyd: Device,
}

fn name(device: &Device) -> String {
    device.json(&["user", "get"])["username"].as_str().unwrap().to_owned()
}

impl Scene {
    fn new(folder: &Path, server: &Server) -> Self {
        let [ann, bob, cyd] =
            ["ann", "bob", "cyd"].map(|name| Device::signed_up(folder, name, server, "pass"));
        for (holder, file) in [(&bob, "bob.pub"), (&cyd, "cyd.pub")] {
            holder.succeed(&["recovery", "key", "-o", "holder.key"]);
            fs::copy(holder.folder.join("holder.key.pub"), ann.folder.join(file)).unwrap();
        }
        ann.private("secret", SECRET);
        Self { ann, bob, cyd }
    }

    fn holders(&self) -> [String; 2] {
        [(&self.bob, "bob.pub"), (&self.cyd, "cyd.pub")]
            .map(|(device, file)| format!("account:{}={file}", name(device)))
    }

    /// Bob, cyd and a paper, any two of whom make the secret; one of the two has to approve.
    fn split(&self, delay: &str, more: &[&str]) -> Value {
        let [bob, cyd] = self.holders();
        let split = ["recovery", "split", "--label", "root key", "--secret", "secret", "--threshold", "2"];
        let holders = ["--holder", &bob, "--holder", &cyd, "--holder", "paper:safe.txt"];
        self.ann.json(&[&split[..], &holders, &["--delay", delay, "--cooldown", "0"], more].concat())
    }
}

fn text(document: &Value, name: &str) -> String {
    document[name].as_str().unwrap_or_else(|| panic!("{name}: {document}")).to_owned()
}

fn read(device: &Device, name: &str) -> Vec<u8> {
    fs::read(device.folder.join(name)).unwrap()
}

/// A-DEV-06, A-SHR-09: a whole recovery with a holder and a paper, and a delay that is waited for.
#[test]
fn a_secret_comes_back_from_a_holder_and_a_paper() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let scene = Scene::new(folder.path(), &server);
    let Scene { ann, bob, cyd } = &scene;
    assert_eq!((bob.mode("holder.key"), bob.mode("holder.key.pub") & 0o600), (0o600, 0o600));
    let dealt = scene.split("1s", &[]);
    let id = text(&dealt, "escrow");
    let made = |device: &Device| fs::read_to_string(device.folder.join("holder.key.pub")).unwrap();
    for (at, device) in [bob, cyd].into_iter().enumerate() {
        let fingerprint = dealt["fingerprints"][at]["fingerprint"].as_str().unwrap();
        assert!(made(device).contains(fingerprint), "both sides compare the same");
    }
    assert_eq!((ann.mode("safe.txt"), &dealt["papers"]), (0o600, &json!([])));
    let shown = ann.succeed(&["recovery", "show", &id]);
    assert!(shown.contains("root key") && shown.contains("3 paper") && shown.contains("2 of 3"), "{shown}");
    assert_eq!(bob.json(&["recovery", "list"])[0]["own"], json!(false));

    let asked = ann.json(&["recovery", "recover", &id, "--reason", "phone \u{1b}[2Jlost", "--ask-only"]);
    let (request, fingerprint) = (text(&asked, "request"), text(&asked, "fingerprint"));
    assert_eq!(ann.mode("recovery.state"), 0o600);
    let again = ann.json(&["recovery", "recover", &id, "--ask-only"]);
    assert_eq!(again["request"], asked["request"], "a state asks once");
    let table = bob.succeed(&["recovery", "approve"]);
    assert!(table.contains(&request) && table.contains(&fingerprint), "{table}");
    assert!(!table.contains('\u{1b}') && table.contains("phone \u{fffd}[2Jlost"), "A-API-07: {table}");

    // Early, and then for another key than the requester's: refused here.
    let early = ann.refuse(&["recovery", "recover", &id, "--wait", "1s", "--print"]);
    assert!(early.contains("0 of 1 approvals") && early.contains("recovery.state"), "{early}");
    let unsaid = bob.refuse(&["recovery", "approve", &id, &request]);
    assert!(unsaid.contains("--fingerprint") && unsaid.contains("--yes"), "{unsaid}");
    let other = fingerprint.replace(|c: char| c.is_ascii_hexdigit(), "0");
    let refused = bob.refuse(&["recovery", "approve", &id, &request, "--fingerprint", &other]);
    assert!(refused.contains("Nothing was approved") && refused.contains(&fingerprint), "{refused}");
    let approve = ["recovery", "approve", &id, &request, "--fingerprint", &fingerprint];
    assert_eq!(bob.json(&approve)["approved"], json!([1]));
    let replayed = bob.refuse(&approve);
    assert!(replayed.contains("nothing more to do"), "a replay counts for nothing: {replayed}");

    // Too few shares; then the words from standard input.
    let few = ann.refuse(&["recovery", "recover", &id, "--print"]);
    assert!(few.contains("1 of 2 shares") && few.contains("--words"), "{few}");
    let words = read(ann, "safe.txt");
    let output = ann.run(&["recovery", "recover", &id, "--words", "-", "--print"], &words);
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), SECRET));
    let recover = ["recovery", "recover", &id, "--words", "safe.txt", "-o", "root.key"];
    ann.succeed(&recover);
    assert_eq!((read(ann, "root.key"), ann.mode("root.key")), (SECRET.to_vec(), 0o600));
    assert!(ann.refuse(&recover).contains("--force"));
    let late = ann.refuse(&["recovery", "veto", &id, &request]);
    assert!(late.contains("request-closed"), "it was collected: {late}");
    let log = server.stderr() + &server.stdout();
    let word = String::from_utf8(words).unwrap().lines().nth(5).unwrap().to_owned();
    assert!(!log.contains(&word) && !log.contains("of everything"), "A-LEAK-01");
}

/// A-DEV-06: an owner's veto, a holder's none; a holder recovers with their own share.
#[test]
fn a_veto_ends_a_request_and_a_holder_recovers_too() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let scene = Scene::new(folder.path(), &server);
    let Scene { ann, bob, cyd } = &scene;
    let id = text(&scene.split("0", &[]), "escrow");
    let recover = ["recovery", "recover", &id, "--key", "holder.key"];
    let asked = bob.json(&[&recover[..], &["--ask-only"]].concat());
    let request = text(&asked, "request");
    assert!(cyd.refuse(&["recovery", "veto", &id, &request]).contains("only the owner"));
    let own = bob.refuse(&["recovery", "approve", &id, &request, "--yes"]);
    assert!(own.contains("nobody approves their own request"), "{own}");
    assert_eq!(ann.json(&["recovery", "veto", &id]), json!({ "vetoed": [request] }));
    assert_eq!(ann.json(&["recovery", "veto", &id]), json!({ "vetoed": [] }));
    let closed = cyd.refuse(&["recovery", "approve", &id, &request, "--yes"]);
    assert!(closed.contains("--state"), "{closed}");
    let vetoed = bob.refuse(&[&recover[..], &["--print"]].concat());
    assert!(vetoed.contains("vetoed by the owner") && vetoed.contains("--state"), "{vetoed}");

    let again = [&recover[..], &["--state", "second.state"]].concat();
    let request = text(&bob.json(&[&again[..], &["--ask-only"]].concat()), "request");
    cyd.succeed(&["recovery", "approve", &id, &request, "--yes"]);
    let secret = bob.json(&[&again[..], &["--print"]].concat());
    assert_eq!(secret["secret"], strongroom_primitives::encoding::to_base64(SECRET));
    let without = bob.refuse(&[&again[..], &["--print", "--without", "2"]].concat());
    assert!(without.contains("1 of 2 shares"), "{without}");
    let refused = ann.refuse(&["recovery", "delete", &id]);
    assert!(refused.contains("--yes"), "{refused}");
    assert_eq!(ann.json(&["recovery", "delete", &id, "--yes"]), json!({ "deleted": [id] }));
    assert!(bob.refuse(&["recovery", "show", &id]).contains("strongroom recovery list"));
}

/// A refresh makes papers and shares of before worthless, and says whose; a device approves through its owner's sign-in.
#[test]
fn after_a_refresh_old_words_are_refused_by_name() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let scene = Scene::new(folder.path(), &server);
    let Scene { ann, bob, .. } = &scene;
    let id = text(&scene.split("0", &[]), "escrow");
    ann.succeed(&["recovery", "key", "-o", "phone.key"]);
    let [holder, _] = scene.holders();
    let refresh = ["recovery", "refresh", &id, "--secret", "secret", "--holder", &holder];
    let refresh = [&refresh[..], &["--holder", "device:phone.key.pub", "--holder", "paper:new.txt"]].concat();
    let asks = ann.refuse(&refresh);
    assert!(asks.contains("worth nothing") && asks.contains("--yes"), "{asks}");
    assert!(!ann.folder.join("new.txt").exists());
    let dealt = ann.json(&[&refresh[..], &["--yes"]].concat());
    assert_eq!((dealt["epoch"].as_u64(), &dealt["escrow"]), (Some(2), &json!(id)));
    assert!(ann.refuse(&[&refresh[..], &["--yes"]].concat()).contains("new.txt is there already"));
    assert_eq!(scene.cyd.json(&["recovery", "list"]), json!([]), "who is not named holds nothing");

    let recover = ["recovery", "recover", &id, "--print", "--words"];
    let old = ann.refuse(&[&recover[..], &["safe.txt"]].concat());
    assert!(old.contains("safe.txt is of epoch 1") && old.contains("epoch is 2"), "{old}");
    let unmarked = String::from_utf8(read(ann, "safe.txt")).unwrap().replace("epoch: 1\n", "");
    ann.private("unmarked.txt", unmarked.as_bytes());
    let old = ann.refuse(&[&recover[..], &["unmarked.txt"]].concat());
    assert!(old.contains("unmarked.txt is not share 3 of epoch 2"), "{old}");
    assert!(!ann.folder.join("recovery.state").exists(), "nobody was asked for nothing");

    let request = text(&ann.json(&["recovery", "recover", &id, "--ask-only"]), "request");
    let approve = ["recovery", "approve", &id, &request, "--yes", "--key"];
    let other = bob.refuse(&[&approve[..], &["nothing.key"]].concat());
    assert!(other.contains("strongroom recovery key"), "{other}");
    bob.succeed(&["recovery", "key", "-o", "other.key"]);
    assert!(bob.refuse(&[&approve[..], &["other.key"]].concat()).contains("--key"));
    assert_eq!(ann.json(&[&approve[..], &["phone.key"]].concat())["approved"], json!([2]));
    let output = ann.run(&[&recover[..], &["new.txt"]].concat(), b"");
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), SECRET));

    // The paper goes to the terminal, or into the document, where no file is named.
    let printed = [&refresh[..refresh.len() - 1], &["paper", "--holder", "server", "--yes"]].concat();
    let dealt = ann.json(&printed);
    let paper = text(&dealt["papers"][0], "paper");
    assert_eq!((dealt["epoch"].as_u64(), dealt["papers"][0]["index"].as_u64()), (Some(3), Some(3)));
    assert_eq!(paper.lines().count(), 7, "{paper}");
    assert!(ann.succeed(&printed).contains("epoch: 4\nindex: 3\n"));
}

/// Bad input is refused with the fix, before anybody is asked and without repeating a word.
#[test]
fn what_cannot_be_right_is_refused_and_leaves_nothing() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let scene = Scene::new(folder.path(), &server);
    let Scene { ann, bob, .. } = &scene;
    let [first, second] = scene.holders();
    let split = ["recovery", "split", "--label", "x", "--secret", "secret", "--threshold"];
    let refuse = |more: &[&str]| ann.refuse(&[&split[..], more].concat());
    for threshold in ["0", "1", "3"] {
        let refused = refuse(&[threshold, "--holder", &first, "--holder", &second]);
        assert!(refused.contains("2 to the number of holders, 2"), "{refused}");
    }
    let twice = refuse(&["2", "--holder", &first, "--holder", &first]);
    assert!(twice.contains("is there twice"), "{twice}");
    let own = format!("account:{}=bob.pub", name(ann));
    assert!(refuse(&["2", "--holder", &first, "--holder", &own]).contains("is the owner"));
    let missing = refuse(&["2", "--holder", &first, "--holder", "device:none.pub"]);
    assert!(missing.contains("strongroom recovery key"), "{missing}");
    assert!(refuse(&["2", "--holder", &first, "--holder", "paper:secret"]).contains("is there already"));
    let nowhere = refuse(&["2", "--holder", &first, "--holder", "paper:no/folder.txt"]);
    assert!(nowhere.contains("nothing was shared"), "{nowhere}");
    let papers = ["2", "--holder", &first, "--holder", "paper:p", "--holder", "paper:p"];
    assert!(refuse(&papers).contains("two papers"));
    fs::write(ann.folder.join("bad.pub"), "holder_public_key = \"canary\"\nsigning_public_key = \"\"\n")
        .unwrap();
    let bad = refuse(&["2", "--holder", &first, "--holder", "device:bad.pub"]);
    assert!(bad.contains("bad.pub: `holder_public_key`") && !bad.contains("canary"), "{bad}");
    assert_eq!(ann.json(&["recovery", "list"]), json!([]), "nothing is left of it");
    assert_eq!(
        ann.run(&[&split[..], &["2", "--holder", "account:bob"]].concat(), b"").status.code(),
        Some(2)
    );

    fs::set_permissions(ann.folder.join("secret"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refuse(&["2", "--holder", &first, "--holder", &second]).contains("chmod 600"));
    fs::set_permissions(ann.folder.join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let key = bob.refuse(&["recovery", "key", "-o", "holder.key"]);
    assert!(key.contains("holder.key is there already"), "{key}");

    let id = text(&scene.split("0", &[]), "escrow");
    let words = String::from_utf8(read(ann, "safe.txt")).unwrap();
    let recover = ["recovery", "recover", &id, "--wait", "1s", "--print", "--words"];
    let said = |files: &[&str]| ann.refuse(&[&recover[..], files].concat());
    ann.private("copy.txt", words.as_bytes());
    let twice = said(&["safe.txt", "--words", "copy.txt"]);
    assert!(twice.contains("safe.txt and copy.txt are both share 3"), "{twice}");
    let swapped = words.replace("index: 3", "index: 2");
    ann.private("swapped.txt", swapped.as_bytes());
    assert!(said(&["swapped.txt"]).contains("swapped.txt is not share 2"));
    let last = words.trim_end().rsplit(' ').next().unwrap();
    let other = if last == "academic" { "acid" } else { "academic" };
    ann.private(
        "altered.txt",
        words.trim_end().strip_suffix(last).map(|start| format!("{start}{other}")).unwrap().as_bytes(),
    );
    let altered = said(&["altered.txt"]);
    assert!(altered.contains("altered.txt") && altered.contains("compare it with the paper"), "{altered}");
    assert!(!altered.contains("academic") && !altered.contains("acid"), "{altered}");
    for file in ["safe.txt", "recovery.state"] {
        if file == "recovery.state" {
            ann.succeed(&["recovery", "recover", &id, "--ask-only"]);
        }
        fs::set_permissions(ann.folder.join(file), fs::Permissions::from_mode(0o604)).unwrap();
        let refused = said(&["safe.txt"]);
        assert!(refused.contains(&format!("chmod 600 {file}")), "{refused}");
        fs::set_permissions(ann.folder.join(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::set_permissions(bob.folder.join("holder.key"), fs::Permissions::from_mode(0o604)).unwrap();
    let refused = bob.refuse(&["recovery", "approve", &id, &"0".repeat(32), "--yes"]);
    assert!(refused.contains("chmod 600 holder.key"), "{refused}");
    let unknown = ann.refuse(&["recovery", "recover", &"0".repeat(32), "--print"]);
    assert!(unknown.contains("strongroom recovery list"), "{unknown}");
    assert_eq!(
        ann.run(&["recovery", "recover", &id], b"").status.code(),
        Some(2),
        "-o, --print or --ask-only"
    );
}

/// The user's own key encryption key is shared as it is printed, and its text comes back.
#[test]
fn the_key_of_a_user_file_is_shared_and_comes_back() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let scene = Scene::new(folder.path(), &server);
    let Scene { ann, bob, .. } = &scene;
    let [holder, _] = scene.holders();
    let split = ["recovery", "split", "--label", "kek", "--kek", "--threshold", "2", "--delay", "0"];
    let said = ann.succeed(&[&split[..], &["--holder", &holder, "--holder", "server"]].concat());
    assert!(said.contains("any 2 of 2 shares") && said.contains("strongroom recovery recover"), "{said}");
    let id = text(&ann.json(&["recovery", "list"])[0], "escrow");
    assert!(said.contains(&id), "{said}");
    let request = text(&ann.json(&["recovery", "recover", &id, "--ask-only"]), "request");
    bob.succeed(&["recovery", "approve", &id, &request, "--yes"]);
    let recovered = ann.succeed(&["recovery", "recover", &id, "--print"]);
    assert_eq!(recovered, ann.field("key_encryption_key"));
    let both = ["--secret", "secret", "--holder", "server", "--holder", "paper"];
    let output = ann.run(&[&split[..], &both].concat(), b"");
    assert_eq!(output.status.code(), Some(2), "one secret at a time");
    let nothing = one_line(&ann.run(
        &[
            "recovery",
            "split",
            "--label",
            "x",
            "--secret",
            "-",
            "--threshold",
            "2",
            "--holder",
            &holder,
            "--holder",
            "server",
        ],
        b"",
    ));
    assert!(nothing.contains("the secret is empty"), "{nothing}");
}
