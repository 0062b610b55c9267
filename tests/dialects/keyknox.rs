//! Keyknox over the router: racing devices, several nodes, browsers, the native door to the same records, and what
//! must appear nowhere.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;
use strongroom_transports::exchange::Method;

use crate::support::{Answer, Device, PAGE, base64, deployed, everything_logged};

/// A-REC-02: exactly one of 32 writers wins each time, over two nodes, and no version is skipped.
#[test]
fn of_devices_that_write_from_the_same_state_exactly_one_wins() {
    deployed(2, async |world| {
        let devices: Vec<Device<'_>> = (0..32).map(|index| world.device("alice", index % 2)).collect();
        let mut hash = devices[0].get().await.hash();
        for round in 1..=20 {
            let writes = devices.iter().enumerate().map(|(index, device)| {
                let device = device.after(&hash);
                async move { device.put(&format!("{round} {index}"), &format!("value {round} {index}")).await }
            });
            let answers: Vec<Answer> = join_all(writes).await;
            let (won, lost): (Vec<&Answer>, Vec<&Answer>) =
                answers.iter().partition(|answer| answer.status() == 200);
            assert_eq!(won.len(), 1, "round {round}");
            assert_eq!(won[0].version(), (round, 0));
            assert!(lost.iter().all(|answer| (answer.status(), answer.code()) == (400, 50010)));
            hash = won[0].hash();
            assert_eq!(devices[round as usize % 2].get().await.json(), won[0].json());
        }
    });
}

/// A-REC-02 for records that do not exist yet, in both versions.
#[test]
fn of_devices_that_create_one_record_exactly_one_wins() {
    deployed(2, async |world| {
        let devices: Vec<Device<'_>> = (0..16).map(|index| world.device("alice", index % 2)).collect();
        let winners = |answers: Vec<Answer>| answers.iter().filter(|answer| answer.status() == 200).count();
        assert_eq!(winners(join_all(devices.iter().map(|device| device.put("m", "v"))).await), 1);
        let push = json!({
            "root": "r", "path": "p", "key": "k", "identities": [], "meta": base64("m"), "value": base64("v"),
        });
        let pushes = devices.iter().map(|device| device.post("push", push.clone()));
        assert_eq!(winners(join_all(pushes).await), 1);
    });
}

/// A-REC-05: whatever the race, one order explains all that was answered.
#[test]
fn resets_that_race_with_writes_happen_in_one_order() {
    deployed(2, async |world| {
        let mut hash = world.device("alice", 0).put("m", "v").await.hash();
        let (mut last, mut won) = (1, 0);
        for round in 0..50 {
            let writer = world.device("alice", round % 2).after(&hash);
            let resetter = world.device("alice", (round + 1) % 2);
            let text = format!("round {round}");
            let (write, reset) = (writer.put(&text, &text), resetter.reset());
            let (written, reset) = if round % 3 == 0 {
                let (reset, written) = futures_util::join!(reset, write);
                (written, reset)
            } else {
                futures_util::join!(write, reset)
            };
            let (major, _) = reset.version();
            if written.status() == 200 {
                // The write came first: a reset takes its hash away.
                assert_eq!((written.version().0, major), (last + 1, last + 2));
                won += 1;
            } else {
                assert_eq!((written.code(), major), (50010, last + 1));
            }
            let now = resetter.get().await;
            assert_eq!((now.json(), now.hash()), (reset.json(), reset.hash()));
            (last, hash) = (major, now.hash());
        }
        assert!(0 < won && won < 50, "each was first at least once: {won}");
    });
}

/// A-REC-11: what one node has acknowledged, every node shows.
#[test]
fn a_write_is_read_on_another_node_at_once() {
    deployed(3, async |world| {
        let mut hash = String::new();
        for round in 0..60 {
            let written = world.device("alice", round % 3).after(&hash).put(&format!("m{round}"), "v").await;
            hash = written.hash();
            for node in 0..3 {
                let read = world.device("alice", node).get().await;
                assert_eq!((read.json(), read.hash()), (written.json(), hash.clone()));
            }
        }
    });
}

/// A-HTTP-09: without the exposed header, a script in a browser could never write twice.
#[test]
fn a_page_of_a_listed_origin_sees_the_hash_and_may_send_what_clients_send() {
    deployed(1, async |world| {
        let device = world.device("alice", 0).and("origin", PAGE);
        let answer = device.put("m", "v").await;
        let exposed =
            answer.0.headers["access-control-expose-headers"].to_str().unwrap().to_ascii_lowercase();
        assert!(exposed.split(", ").any(|name| name == "virgil-keyknox-hash"), "{exposed}");
        assert_eq!(answer.0.headers["access-control-allow-origin"], PAGE);
        let refused = device.put("m", "v").await;
        assert_eq!(refused.code(), 50009);
        assert_eq!(refused.0.headers["access-control-allow-origin"], PAGE, "a page may read why");

        for (path, method) in [("/keyknox/v1", "PUT"), ("/keyknox/v1", "GET"), ("/keyknox/v2/push", "POST")] {
            let preflight = device
                .and("access-control-request-method", method)
                .and("access-control-request-headers", "authorization,virgil-agent")
                .send(Method::OPTIONS, path, "")
                .await;
            let listed = |name: &str| {
                let text = preflight.0.headers[name].to_str().unwrap().to_ascii_lowercase();
                text.split(", ").map(str::to_owned).collect::<BTreeSet<_>>()
            };
            assert_eq!(preflight.status(), 204);
            assert!(listed("access-control-allow-methods").contains(&method.to_ascii_lowercase()));
            for name in ["authorization", "content-type", "virgil-agent", "virgil-keyknox-previous-hash"] {
                assert!(listed("access-control-allow-headers").contains(name), "{name}");
            }
        }
        let foreign = world.device("alice", 0).and("origin", "https://keys.example.net").get().await;
        assert!(!foreign.0.headers.contains_key("access-control-allow-origin"));
    });
}

/// A-HTTP-06: one path has one reading, or none; the refusal is in the vendor's form.
#[test]
fn a_path_with_two_readings_is_refused_in_the_dialects_words() {
    deployed(1, async |world| {
        let device = world.device("alice", 0);
        device.put("m", "v").await.hash();
        for path in [
            "/keyknox//v1",
            "/keyknox/./v1",
            "/keyknox/v2/../v1",
            "/keyknox/%2e%2e/keyknox/v1",
            "/keyknox/v1%00",
            "/keyknox/v1%zz",
            "/keyknox/v1/",
        ] {
            let answer = device.send(Method::GET, path, "").await;
            assert_eq!((answer.status(), answer.code()), (400, 400), "{path}");
        }
        for path in ["/keyknox/v1;x=1", "/keyknox/%76%31", "/keyknox"] {
            assert_eq!(device.send(Method::GET, path, "").await.status(), 404, "{path}");
        }
    });
}

/// A-HTTP-08.
#[test]
fn a_forged_host_appears_in_no_answer() {
    deployed(1, async |world| {
        let device =
            world.device("alice", 0).and("host", "forged.example").and("x-forwarded-host", "forged.example");
        let wrong_method = device.send(Method::DELETE, "/keyknox/v1", "").await;
        let unknown = device.send(Method::GET, "/keyknox/v9", "").await;
        for answer in [device.put("m", "v").await, device.put("m", "v").await, wrong_method, unknown] {
            assert!(!String::from_utf8_lossy(&answer.0.body).contains("forged"));
            assert!(
                answer
                    .0
                    .headers
                    .values()
                    .all(|value| !value.as_bytes().windows(6).any(|part| part == b"forged"))
            );
            assert!(!answer.0.headers.contains_key("location"));
        }
    });
}

/// One record, many doors: history and undo belong to the native interface and serve Keyknox clients too.
#[test]
fn a_record_that_a_client_reset_is_brought_back_through_the_native_door() {
    deployed(1, async |world| {
        let device = world.device("alice", 0);
        let stored = device.put("meta", "value").await;
        let native = device.send(Method::GET, "/v1/records/keyknox-v1", "").await;
        assert_eq!(native.json()["meta"], base64("meta"));
        assert_eq!(native.0.headers["etag"].to_str().unwrap(), format!("\"{}\"", stored.hash()));

        let reset = device.reset().await;
        let history = device.send(Method::GET, "/v1/history/keyknox-v1", "").await;
        assert_eq!(history.json()["versions"].as_array().unwrap().len(), 2);
        let undone = device
            .and("if-match", &format!("\"{}\"", reset.hash()))
            .and("content-type", "application/json")
            .send(Method::POST, "/v1/undo/keyknox-v1", r#"{"sequence":1}"#)
            .await;
        assert_eq!(undone.status(), 200, "{}", undone.json());
        let back = device.get().await;
        assert_eq!(
            (&back.json()["meta"], &back.json()["value"]),
            (&stored.json()["meta"], &stored.json()["value"])
        );
        assert_eq!(back.version(), (3, 0), "a version never goes back");
        device.after(&back.hash()).put("m", "v").await.hash();
    });
}

/// A-LEAK-01, A-TOK-06: every flow, good and bad, with everything logged that is ever logged.
#[test]
fn content_tokens_and_hashes_appear_in_no_log_and_no_refusal() {
    let log = everything_logged();
    let mut secrets = vec!["CANARY".to_owned(), base64("CANARY meta"), base64("CANARY value")];
    let mut refusals = Vec::new();
    deployed(1, async |world| {
        let device = world.device("alice", 0);
        secrets.push(device.header("authorization")["Virgil ".len()..].to_owned());
        let first = device.put("CANARY meta", "CANARY value").await.hash();
        device.get().await.hash();
        refusals.push(device.put("CANARY meta", "CANARY value").await);
        refusals.push(device.after("CANARY").put("CANARY meta", "CANARY value").await);
        refusals.push(device.after(&first).put(&"CANARY".repeat(2_000), "CANARY value").await);
        refusals.push(device.send(Method::PUT, "/keyknox/v1", "{\"meta\":\"CANARY").await);
        let push = json!({
            "root": "r", "path": "p", "key": "k", "identities": ["bob"],
            "meta": base64("CANARY meta"), "value": base64("CANARY value"),
        });
        let pushed = device.post("push", push.clone()).await.hash();
        refusals.push(device.post("push", push.clone()).await);
        let name = json!({"root": "r", "path": "p", "key": "k", "identity": "alice"});
        world.device("bob", 0).post("pull", name.clone()).await.hash();
        world.device("eve", 0).post("pull", name.clone()).await.hash();
        device.post("keys", json!({})).await;
        device.post("reset", json!({})).await;
        device.reset().await.hash();
        let forged = format!("{}CANARY", device.header("authorization"));
        let stranger = world.device("eve", 0).and("authorization", &forged);
        refusals.push(stranger.get().await);
        secrets.extend([first, pushed]);
    });
    let logged = log.text();
    assert!(logged.contains("keyknox"), "something was logged at all: {logged}");
    for secret in &secrets {
        assert!(!logged.contains(secret.as_str()), "the log has {secret:.40}");
        for refusal in &refusals {
            assert_ne!(refusal.status(), 200);
            let told = String::from_utf8_lossy(&refusal.0.body);
            assert!(!told.contains(secret.as_str()), "{told}");
        }
    }
}
