//! Version 2, row by row.

use strongroom_engine::domains::records::{
    GetRecord, Previous, PutRecord, RecordForm, RecordName, absent_tag,
};

use super::*;

fn name(root: &str, path: &str, key: &str) -> Value {
    json!({"root": root, "path": path, "key": key})
}

fn push_of(identities: &[&str], meta: &str, value: &str) -> Value {
    let mut push = name("group-sessions", "p", "0");
    push["identities"] = json!(identities);
    push["meta"] = json!(b64(meta));
    push["value"] = json!(b64(value));
    push
}

fn with_member(mut body: Value, member: &str, value: Value) -> Value {
    body[member] = value;
    body
}

fn without(mut body: Value, member: &str) -> Value {
    body.as_object_mut().unwrap().remove(member).unwrap();
    body
}

fn absent(owner: &str, root: &str, path: &str, key: &str) -> Value {
    json!({"owner": owner, "root": root, "path": path, "key": key, "identities": [], "meta": "", "value": ""})
}

async fn keys(client: &Client<'_>, body: Value) -> Value {
    let answer = client.post("keys", body).await;
    assert_eq!(answer.0.status, 200, "{}", answer.json());
    assert!(!answer.0.headers.contains_key(HASH), "a list has no hash");
    answer.json()
}

#[test]
fn a_record_is_pushed_and_pulled_by_its_owner_and_its_recipients() {
    run(async |world| {
        let pushed = world.client("alice").post("push", push_of(&["alice", "bob"], "m", "v")).await;
        let expected = json!({
            "owner": "alice", "root": "group-sessions", "path": "p", "key": "0",
            "identities": ["alice", "bob"], "meta": b64("m"), "value": b64("v"),
        });
        assert_eq!(pushed.record(), expected, "every member and no version");
        let own = world.client("alice").post("pull", name("group-sessions", "p", "0")).await;
        let asked = with_member(name("group-sessions", "p", "0"), "identity", json!("alice"));
        let bobs = world.client("bob").post("pull", asked).await;
        for pulled in [own, bobs] {
            assert_eq!((pulled.record(), pulled.hash()), (expected.clone(), pushed.hash()));
        }
    });
}

/// Absent and forbidden are one answer.
#[test]
fn a_record_that_the_caller_may_not_read_looks_exactly_like_an_absent_one() {
    run(async |world| {
        let push = push_of(&["bob"], "m", "v");
        world.client("alice").post("push", push).await.hash();
        let asked = with_member(name("group-sessions", "p", "0"), "identity", json!("alice"));
        let carol = world.client("carol").and("strongroom-keyknox-evidence", "1");
        let forbidden = carol.post("pull", asked.clone()).await;
        let keys_forbidden = carol.post("keys", json!({"identity": "alice"})).await;
        world.client("alice").post("reset", json!({})).await.hash();
        let gone = carol.post("pull", asked).await;
        let keys_gone = carol.post("keys", json!({"identity": "alice"})).await;
        for (forbidden, gone) in [(&forbidden, &gone), (&keys_forbidden, &keys_gone)] {
            assert_eq!(forbidden.0.body, gone.0.body);
            assert_eq!(forbidden.0.headers, gone.0.headers);
            assert_eq!(forbidden.0.status, gone.0.status);
        }
        assert_eq!(forbidden.record(), absent("alice", "group-sessions", "p", "0"));
        assert_eq!(forbidden.hash(), absent_tag(RecordForm::Named).to_base64());
        assert_eq!(keys_forbidden.json(), json!([]));
        let own = carol.post("pull", name("group-sessions", "p", "0")).await;
        assert_eq!(
            own.record(),
            absent("carol", "group-sessions", "p", "0"),
            "the owner is the caller by default"
        );
    });
}

/// A-REC-01.
#[test]
fn an_existing_record_without_or_with_a_wrong_hash_is_50010() {
    run(async |world| {
        let client = world.client("alice");
        let absent_hash = client.post("pull", name("group-sessions", "p", "0")).await.hash();
        let created = client.after(&absent_hash).post("push", push_of(&[], "m", "v")).await.hash();
        for previous in [None, Some(""), Some(&*absent_hash), Some("x")] {
            let client = previous.map_or(client.clone(), |hash| client.after(hash));
            let refused = client.post("push", push_of(&[], "m2", "v2")).await;
            assert_eq!(refused.refusal(), (400, 50010), "{previous:?}");
        }
        let other =
            client.after(&created).post("push", with_member(push_of(&[], "m", "v"), "key", json!("1"))).await;
        assert_eq!(other.refusal(), (400, 50010), "the hash of a record that is not this one");
        let replaced = client.after(&created).post("push", push_of(&[], "m", "v2")).await;
        assert_ne!(replaced.hash(), created, "value alone may change here");
        assert_eq!(
            client.after(&created).post("push", push_of(&[], "m", "v2")).await.refusal(),
            (400, 50010)
        );
    });
}

#[test]
fn identities_are_added_without_doubles_and_the_owner_stands_in_for_nobody() {
    run(async |world| {
        let client = world.client("alice");
        let first = client.post("push", push_of(&["alice", "bob", "alice"], "m", "v")).await;
        assert_eq!(first.record()["identities"], json!(["alice", "bob"]));
        let second = client.after(&first.hash()).post("push", push_of(&["carol", "bob"], "m", "v")).await;
        assert_eq!(second.record()["identities"], json!(["alice", "bob", "carol"]));
        assert_eq!(second.hash(), first.hash(), "the hash does not depend on identities");
        let nobody = client.post("push", with_member(push_of(&[], "m", "v"), "key", json!("1"))).await;
        assert_eq!(nobody.record()["identities"], json!(["alice"]));
    });
}

/// A client reads, removes a recipient, then writes under the hash it read before.
#[test]
fn a_recipient_is_removed_and_added_again_under_the_same_hash() {
    run(async |world| {
        let client = world.client("alice");
        let hash = client.post("push", push_of(&["alice", "bob"], "m", "v")).await.hash();
        let remove = with_member(name("group-sessions", "p", "0"), "identity", json!("bob"));
        let removed = client.post("reset", remove.clone()).await;
        assert_eq!(removed.record()["identities"], json!(["alice"]));
        assert_eq!((removed.record()["value"].clone(), removed.hash()), (json!(b64("v")), hash.clone()));
        let bob = world.client("bob");
        let of_alice = json!({"root": "group-sessions", "path": "p", "identity": "alice"});
        assert_eq!(keys(&bob, of_alice.clone()).await, json!([]));
        let again = client.after(&hash).post("push", push_of(&["bob"], "m2", "v2")).await;
        assert_eq!(again.record()["identities"], json!(["alice", "bob"]));
        assert_eq!(keys(&bob, of_alice).await, json!(["0"]));
        let nobody = client.post("reset", with_member(remove, "identity", json!("stranger"))).await;
        assert_eq!(nobody.hash(), again.hash(), "who is no recipient cannot be removed");
    });
}

/// A named backup is deleted by removing its only recipient, the owner.
#[test]
fn a_record_whose_last_recipient_is_removed_is_gone() {
    run(async |world| {
        let client = world.client("alice");
        let hash = client.post("push", push_of(&[], "m", "v")).await.hash();
        let remove = with_member(name("group-sessions", "p", "0"), "identity", json!("alice"));
        let removed = client.post("reset", remove).await;
        assert_eq!(removed.record(), absent("alice", "group-sessions", "p", "0"));
        assert_eq!(removed.hash(), absent_tag(RecordForm::Named).to_base64());
        let pulled = client.post("pull", name("group-sessions", "p", "0")).await;
        assert_eq!(pulled.0.body, removed.0.body);
        assert_eq!(client.after(&hash).post("push", push_of(&[], "m", "v")).await.refusal(), (400, 50010));
        client.post("push", push_of(&[], "m", "v")).await.hash();
    });
}

#[test]
fn a_recipient_is_removed_from_everything_under_a_prefix() {
    run(async |world| {
        let client = world.client("alice");
        for (path, key) in [("p", "0"), ("p", "1"), ("q", "0")] {
            let push = with_member(push_of(&["alice", "bob"], "m", "v"), "path", json!(path));
            client.post("push", with_member(push, "key", json!(key))).await.hash();
        }
        let bob = world.client("bob");
        let removed =
            client.post("reset", json!({"root": "group-sessions", "path": "p", "identity": "bob"})).await;
        assert_eq!(removed.record(), absent("alice", "group-sessions", "p", ""));
        let paths = json!({"root": "group-sessions", "identity": "alice"});
        assert_eq!(keys(&bob, paths.clone()).await, json!(["q"]));
        client.post("reset", json!({"identity": "bob"})).await.hash();
        assert_eq!(keys(&bob, paths).await, json!([]));
        assert_eq!(keys(&client, json!({"root": "group-sessions"})).await, json!(["p", "q"]));
    });
}

#[test]
fn a_reset_deletes_what_is_named_and_nothing_else() {
    run(async |world| {
        let client = world.client("alice");
        let single = client.put("m", "v").await.hash();
        let bobs = world.client("bob").post("push", push_of(&[], "m", "v")).await.hash();
        for (root, path, key) in [("r", "p", "a"), ("r", "p", "b"), ("r", "q", "a"), ("s", "p", "a")] {
            let mut push = push_of(&[], "m", "v");
            (push["root"], push["path"], push["key"]) = (json!(root), json!(path), json!(key));
            client.post("push", push).await.hash();
        }
        let all = async || {
            let mut names = Vec::new();
            for root in keys(&client, json!({})).await.as_array().unwrap() {
                for path in keys(&client, json!({"root": root})).await.as_array().unwrap() {
                    for key in keys(&client, json!({"root": root, "path": path})).await.as_array().unwrap() {
                        names.push([root, path, key].map(|part| part.as_str().unwrap().to_owned()).join("/"));
                    }
                }
            }
            names
        };
        assert_eq!(all().await, ["r/p/a", "r/p/b", "r/q/a", "s/p/a"]);
        let one = client.post("reset", name("r", "p", "a")).await;
        assert_eq!(one.record(), absent("alice", "r", "p", "a"));
        assert_eq!(all().await, ["r/p/b", "r/q/a", "s/p/a"]);
        let path = client.post("reset", json!({"root": "r", "path": "p"})).await;
        assert_eq!(path.record(), absent("alice", "r", "p", ""));
        assert_eq!(all().await, ["r/q/a", "s/p/a"]);
        client.post("reset", json!({"root": "r", "path": null, "key": "", "identity": null})).await.hash();
        assert_eq!(all().await, ["s/p/a"]);
        let everything = client.post("reset", json!({})).await;
        assert_eq!(everything.record(), absent("alice", "", "", ""));
        assert_eq!(everything.hash(), absent_tag(RecordForm::Named).to_base64());
        assert_eq!(all().await, Vec::<String>::new());
        assert_eq!(client.get().await.hash(), single, "version 1's record is no part of it");
        let pulled = world.client("bob").post("pull", name("group-sessions", "p", "0")).await;
        assert_eq!(pulled.hash(), bobs, "nor is anybody else's");
    });
}

#[test]
fn a_reset_checks_a_previous_hash_where_one_is_given() {
    run(async |world| {
        let client = world.client("alice");
        let first = client.post("push", push_of(&[], "m", "v")).await.hash();
        let second = client.after(&first).post("push", push_of(&[], "m2", "v2")).await.hash();
        let whole = name("group-sessions", "p", "0");
        for refused in [
            whole.clone(),
            json!({"root": "group-sessions"}),
            json!({}),
            with_member(whole.clone(), "identity", json!("alice")),
        ] {
            assert_eq!(client.after(&first).post("reset", refused).await.refusal(), (400, 50010));
        }
        assert_eq!(client.post("pull", whole.clone()).await.hash(), second, "nothing was deleted");
        client.after(&second).post("reset", whole).await.hash();
        assert_eq!(keys(&client, json!({})).await, json!([]));
    });
}

#[test]
fn parts_of_names_are_kept_apart_whatever_they_hold() {
    run(async |world| {
        let client = world.client("alice");
        let odd = "a/b\u{0}\"\\\u{1F511}\n";
        for (index, (root, path)) in
            [("ab", "c"), ("a", "bc"), (odd, "c"), ("..", "%2e")].into_iter().enumerate()
        {
            let mut push = push_of(&[], "m", &index.to_string());
            (push["root"], push["path"]) = (json!(root), json!(path));
            let pushed = client.post("push", push).await;
            assert_eq!(
                (pushed.record()["root"].clone(), pushed.record()["path"].clone()),
                (json!(root), json!(path))
            );
        }
        assert_eq!(keys(&client, json!({})).await, json!(["..", "a", odd, "ab"]));
        let pulled = client.post("pull", name("a", "bc", "0")).await;
        assert_eq!(pulled.record()["value"], b64("1"));
    });
}

#[test]
fn a_body_that_is_no_json_object_is_30000() {
    run(async |world| {
        let client = world.client("alice");
        for operation in ["push", "pull", "keys", "reset"] {
            for body in [
                &b""[..],
                b"null",
                b"[]",
                b"{",
                b"\"x\"",
                b"{\"root\":\"\xff\"}",
                br#"{"root":"a","root":"a"}"#,
            ] {
                let answer = client.send(Method::POST, &format!("/v2/{operation}"), body).await;
                assert_eq!(answer.refusal(), (400, 30000), "{operation} {body:?}");
            }
        }
    });
}

#[test]
fn names_that_are_missing_empty_too_long_or_no_text_have_a_code_each() {
    run(async |world| {
        let client = world.client("alice");
        let long = "\u{e9}".repeat(512) + "x";
        for (member, code) in [("root", 50020), ("path", 50021), ("key", 50022)] {
            for bad in [json!(null), json!(""), json!(7), json!(["x"]), json!({}), json!(long)] {
                let push = with_member(push_of(&[], "m", "v"), member, bad.clone());
                assert_eq!(client.post("push", push).await.refusal(), (400, code), "{member} {bad:.20}");
                let pull = with_member(name("r", "p", "k"), member, bad.clone());
                assert_eq!(client.post("pull", pull).await.refusal(), (400, code), "{member} {bad:.20}");
            }
            assert_eq!(
                client.post("push", without(push_of(&[], "m", "v"), member)).await.refusal(),
                (400, code)
            );
            assert_eq!(
                client.post("pull", without(name("r", "p", "k"), member)).await.refusal(),
                (400, code)
            );
            for bad in [json!(7), json!(["x"]), json!(false), json!(long)] {
                let body = with_member(name("r", "p", "k"), member, bad);
                assert_eq!(client.post("reset", body.clone()).await.refusal(), (400, code), "{body:.40}");
                assert_eq!(client.post("keys", body.clone()).await.refusal(), (400, code), "{body:.40}");
            }
        }
        let longest = "\u{e9}".repeat(512);
        client.post("push", with_member(push_of(&[], "m", "v"), "root", json!(longest))).await.hash();
    });
}

#[test]
fn a_part_without_the_one_before_it_removes_and_lists_nothing() {
    run(async |world| {
        let client = world.client("alice");
        let stored = client.post("push", push_of(&[], "m", "v")).await.hash();
        for (body, code) in [
            (json!({"path": "p"}), 50020),
            (json!({"path": "p", "key": "0"}), 50020),
            (json!({"key": "0"}), 50020),
            (json!({"root": "", "path": "p"}), 50020),
            (json!({"root": "group-sessions", "key": "0"}), 50021),
            (json!({"root": "group-sessions", "path": null, "key": "0"}), 50021),
        ] {
            for operation in ["reset", "keys"] {
                assert_eq!(
                    client.post(operation, body.clone()).await.refusal(),
                    (400, code),
                    "{operation} {body}"
                );
            }
        }
        let pulled = client.post("pull", name("group-sessions", "p", "0")).await;
        assert_eq!(pulled.hash(), stored, "nothing was removed");
    });
}

#[test]
fn identities_that_are_no_array_of_texts_are_50023_and_a_bad_identity_50024() {
    run(async |world| {
        let client = world.client("alice");
        let long = "x".repeat(1_025);
        for bad in [
            json!(null),
            json!("bob"),
            json!({}),
            json!(["bob", ""]),
            json!(["bob", 1]),
            json!([null]),
            json!([long]),
            json!([["bob"]]),
        ] {
            let push = with_member(push_of(&[], "m", "v"), "identities", bad.clone());
            assert_eq!(client.post("push", push).await.refusal(), (400, 50023), "{bad:.30}");
        }
        assert_eq!(
            client.post("push", without(push_of(&[], "m", "v"), "identities")).await.refusal(),
            (400, 50023)
        );
        for bad in [json!(1), json!(["bob"]), json!({}), json!(long)] {
            for operation in ["pull", "keys", "reset"] {
                let body = with_member(name("r", "p", "k"), "identity", bad.clone());
                assert_eq!(
                    client.post(operation, body).await.refusal(),
                    (400, 50024),
                    "{operation} {bad:.30}"
                );
            }
        }
    });
}

#[test]
fn a_record_has_at_most_1000_identities_however_they_come() {
    run(async |world| {
        let client = world.client("alice");
        let many: Vec<String> = (0..1_000).map(|index| format!("u{index}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let with_one_more = [&many[..], &["one more"]].concat();
        assert_eq!(client.post("push", push_of(&with_one_more, "m", "v")).await.refusal(), (400, 50023));
        let full = client.post("push", push_of(&many, "m", "v")).await;
        assert_eq!(full.record()["identities"].as_array().unwrap().len(), 1_000);
        let more = client.after(&full.hash()).post("push", push_of(&["one more"], "m2", "v2")).await;
        assert_eq!(more.refusal(), (400, 50023));
        assert_eq!(client.post("pull", name("group-sessions", "p", "0")).await.hash(), full.hash());
    });
}

/// A-REC-03: a group ticket of 100 members has 25.6 kB of `meta`.
#[test]
fn meta_may_have_64_kib_here_and_value_100_kib() {
    run(async |world| {
        let client = world.client("alice");
        let (meta, value) = ("m".repeat(65_536), "v".repeat(102_400));
        let stored = client.post("push", push_of(&[], &meta, &value)).await.hash();
        let client = client.after(&stored);
        let over = client.post("push", push_of(&[], &format!("{meta}m"), "v")).await;
        assert_eq!(over.refusal(), (400, 50005));
        let over = client.post("push", push_of(&[], "m", &format!("{value}v"))).await;
        assert_eq!(over.refusal(), (400, 50007));
        assert_eq!(client.post("pull", name("group-sessions", "p", "0")).await.hash(), stored);
        for (member, code) in [("meta", 50004), ("value", 50006)] {
            for bad in [json!(null), json!(""), json!("bQ"), json!(1)] {
                let push = with_member(push_of(&[], "m", "v"), member, bad);
                assert_eq!(client.post("push", push).await.refusal(), (400, code));
            }
        }
    });
}

#[test]
fn private_keys_without_encryption_are_refused_where_the_policy_says_so() {
    let push = || with_member(push_of(&[], "unencrypted", "private key"), "root", json!("unsafe-keys"));
    run(async |world| drop(world.client("alice").post("push", push()).await.hash()));
    with(RateLimits::NONE, true, Limits::default(), async |world| {
        let client = world.client("alice");
        assert_eq!(client.post("push", push()).await.refusal(), (403, 20500));
        client.post("push", push_of(&[], "m", "v")).await.hash();
        assert_eq!(world.client_with("a.b.c").post("push", push()).await.refusal(), (401, 20303));
        assert_eq!(keys(&client, json!({})).await, json!(["group-sessions"]));
    });
}

/// More names than one look of the engine gives.
#[test]
fn every_name_is_listed_however_many_there_are() {
    run(async |world| {
        let client = world.client("alice");
        for index in 0..1_100 {
            let push = with_member(push_of(&[], "m", "v"), "key", json!(format!("{index:04}")));
            client.post("push", push).await.hash();
        }
        let listed = keys(&client, json!({"root": "group-sessions", "path": "p"})).await;
        let expected: Vec<String> = (0..1_100).map(|index| format!("{index:04}")).collect();
        assert_eq!(listed, json!(expected));
        assert_eq!(keys(&client, json!({"root": "group-sessions"})).await, json!(["p"]));
    });
}

#[test]
fn records_with_names_of_other_lengths_are_not_listed() {
    run(async |world| {
        let client = world.client("alice");
        client.put("m", "v").await.hash();
        client.post("push", push_of(&[], "m", "v")).await.hash();
        let credential = super::super::token::credential(&client.headers[0].1).unwrap();
        for parts in [&["group-sessions", "q"][..], &["notes"]] {
            let native = RecordName::new(parts.iter().copied()).unwrap();
            let put = PutRecord::new(native, "m".into(), "v".into(), Previous::Absent, Vec::new());
            world.engine.handle().ask(credential.clone(), put).await.unwrap();
        }
        assert_eq!(keys(&client, json!({})).await, json!(["group-sessions"]));
        assert_eq!(keys(&client, json!({"root": "group-sessions"})).await, json!(["p"]));
    });
}

/// One record, two doors.
#[test]
fn what_is_pushed_here_is_the_native_record_of_the_three_names() {
    run(async |world| {
        let client = world.client("alice");
        let pushed = client.post("push", push_of(&["bob"], "m", "v")).await;
        let credential = super::super::token::credential(&client.headers[0].1).unwrap();
        let get = GetRecord { owner: None, name: RecordName::new(["group-sessions", "p", "0"]).unwrap() };
        let record = world.engine.handle().ask(credential, get).await.unwrap();
        assert_eq!((&record.meta[..], &record.value[..]), (&b"m"[..], &b"v"[..]));
        assert_eq!(record.head.tag.to_base64(), pushed.hash());
    });
}
