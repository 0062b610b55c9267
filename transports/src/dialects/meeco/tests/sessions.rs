//! Sessions of the keystore: sections 4, 5 and 9 of the page.

use std::time::Duration;

use strongroom_primitives::encoding::from_base64url;

use super::*;

async fn sign_in_for(user: &User<'_>, valid_for: Value) -> Answer {
    let mut attempt = user.attempt(HOME).await;
    attempt["valid_for"] = valid_for;
    user.world.keystore().post("/srp/session", attempt).await
}

#[test]
fn a_session_is_two_padded_texts_of_32_bytes() {
    run(async |world| {
        let user = world.user().await;
        let body = user.prove().await.ok(201);
        let session = text(&body["session"]["session_authentication_string"]);
        assert_eq!(session.len(), 89);
        let (selector, verifier) = session.split_once('.').unwrap();
        for half in [selector, verifier] {
            assert!(half.ends_with('='));
            assert_eq!(from_base64url(half.trim_end_matches('=')).unwrap().len(), 32);
        }
        assert_eq!(
            body,
            json!({ "session": {
                "id": body["session"]["id"],
                "session_authentication_string": session,
                "valid_from": "2026-05-28T20:26:40Z",
                "valid_till": "2026-06-27T20:26:40Z",
                "username": user.name,
            }})
        );
        let body = world.keystore().with(&session).get("/session").await.ok(200);
        assert_eq!(body, json!({ "valid_till": "2026-06-27T20:26:40Z" }));
    });
}

/// Row "`valid_for` 0, negative, fraction, text, over 30 days".
#[test]
fn valid_for_is_whole_seconds_from_one_to_thirty_days() {
    run(async |world| {
        let user = world.user().await;
        let caller = world.keystore().with(&user.sign_in().await);
        for bad in [json!(0), json!(-1), json!(1.5), json!("60"), json!(2_592_001), json!(true), json!([60])]
        {
            sign_in_for(&user, bad.clone()).await.is_about("valid_for");
            caller.post("/session/limited_in_time", json!({ "valid_for": bad })).await.is_about("valid_for");
        }
        caller.post("/session/limited_in_time", json!({})).await.is_about("valid_for");
        for (good, till) in [(1, "2026-05-28T20:26:41Z"), (2_592_000, "2026-06-27T20:26:40Z")] {
            let body = sign_in_for(&user, json!(good)).await.ok(201);
            assert_eq!(body["session"]["valid_till"], till);
        }
        let body = sign_in_for(&user, Value::Null).await.ok(201);
        assert_eq!(body["session"]["valid_till"], "2026-06-27T20:26:40Z");
    });
}

#[test]
fn a_session_ends_when_it_says() {
    run(async |world| {
        let user = world.user().await;
        let body = sign_in_for(&user, json!(60)).await.ok(201);
        let caller =
            world.keystore().with(body["session"]["session_authentication_string"].as_str().unwrap());
        world.advance(Duration::from_secs(60));
        caller.get("/session").await.ok(200);
        world.advance(Duration::from_millis(1));
        caller.get("/session").await.is(401, "unauthorized");
        caller.delete("/session").await.is(401, "unauthorized");
    });
}

#[test]
fn a_limited_session_never_outlives_the_one_it_came_from() {
    run(async |world| {
        let user = world.user().await;
        let body = sign_in_for(&user, json!(600)).await.ok(201);
        let parent =
            world.keystore().with(body["session"]["session_authentication_string"].as_str().unwrap());
        let limited = async |valid_for: u64| {
            let body = json!({ "valid_for": valid_for });
            parent.post("/session/limited_in_time", body).await.ok(201)["session"].clone()
        };
        let short = limited(60).await;
        assert_eq!(short["valid_till"], "2026-05-28T20:27:40Z");
        assert_eq!(short["username"], user.name);
        let long = limited(86_400).await;
        assert_eq!(long["valid_till"], "2026-05-28T20:36:40Z");
        let child = world.keystore().with(long["session_authentication_string"].as_str().unwrap());
        child.get("/session").await.ok(200);
        child.post("/session/limited_in_time", json!({ "valid_for": 5 })).await.is(403, "forbidden");
        parent.delete("/session").await.gone();
        child.get("/session").await.is(401, "unauthorized");
    });
}

#[test]
fn signing_out_ends_one_session_or_all_or_all_others() {
    run(async |world| {
        let user = world.user().await;
        let session = async || world.keystore().with(&user.sign_in().await);
        let (first, second, third) = (session().await, session().await, session().await);
        first.delete("/session").await.gone();
        first.get("/session").await.is(401, "unauthorized");
        second.get("/session").await.ok(200);

        second.delete("/session/all?except_current=maybe").await.is_about("except_current");
        second.delete("/session/all?except_current=true").await.gone();
        second.get("/session").await.ok(200);
        third.get("/session").await.is(401, "unauthorized");

        for target in ["/session/all", "/session/all?except_current=false"] {
            let (one, other) = (session().await, session().await);
            one.delete(target).await.gone();
            one.get("/session").await.is(401, "unauthorized");
            other.get("/session").await.is(401, "unauthorized");
        }
    });
}

/// Whoever signs in is let in; where there are too many sessions the oldest goes.
#[test]
fn an_account_has_so_many_sessions_and_the_oldest_makes_room() {
    let limits = Limits { sessions_max: 3, ..Limits::default() };
    Setup { limits, ..Setup::default() }.run(async |world| {
        let user = world.user().await;
        let mut callers = Vec::new();
        for _ in 0..4 {
            callers.push(world.keystore().with(&user.sign_in().await));
            world.advance(Duration::from_secs(1));
        }
        callers[0].get("/session").await.is(401, "unauthorized");
        for caller in &callers[1..] {
            caller.get("/session").await.ok(200);
        }
        let limited = json!({ "valid_for": 60 });
        callers[3].post("/session/limited_in_time", limited).await.is(403, "quota_exceeded");
    });
}
