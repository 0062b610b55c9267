use super::*;

fn missing() -> (u16, String, String, Value) {
    refusal(404, "not_found", "not_defined", json!({}))
}

/// The request of the vectors, which the vendor's client has made, and its answer.
#[test]
fn a_share_is_filed_and_fetched_as_the_client_does() {
    run(async |world| {
        let file: Value =
            serde_json::from_str(include_str!("../../../../../tests/vectors/misakey.json")).unwrap();
        let [post, get] = file["misakey"]["wire_examples"].as_array().unwrap().as_slice() else { panic!() };
        let ann = world.holder(Some(ANN), 2).await;
        let path = |example: &Value| example["path"].as_str().unwrap().to_owned();
        let body = post["body"].as_str().unwrap();
        let (status, answer) = world.page_text(&ann, "POST", &path(post), body).await;
        let sent: Value = serde_json::from_str(body).unwrap();
        assert_eq!((status, &answer), (201, &sent));
        assert_eq!(world.get(&ann, &path(get)).await, (200, sent));
    });
}

/// The seed's own example has 16 bytes of each: a server cannot know better.
#[test]
fn a_share_and_a_hash_may_be_short() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let body =
            json!({ "share": "o0hYlc2RurzJTiXldnnOMw", "user_local_share_hash": "axoGoSxJDiVWru3Sm-vdYQ" });
        assert_eq!(world.page(&ann, "POST", "/root-key-shares", &body).await.0, 201);
        let (status, answer) = world.get(&ann, "/root-key-shares/axoGoSxJDiVWru3Sm-vdYQ").await;
        assert_eq!((status, &answer["share"], &answer["account_id"]), (200, &body["share"], &json!(ANN)));
    });
}

#[test]
fn both_spellings_and_a_sign_in_share_one_store() {
    run(async |world| {
        let (ann, signing_in) = (world.holder(Some(ANN), 2).await, world.process(ANN).await);
        let hash = share(1).1;
        let paths = ["/root-key-shares", SHARES, "/auth/account-root-key-shares"];
        for written in paths {
            let who = if written.starts_with("/auth") { &signing_in } else { &ann };
            assert_eq!(world.page(who, "POST", written, &filing(1)).await.0, 201, "{written}");
            for read in paths {
                let who = if read.starts_with("/auth") { &signing_in } else { &ann };
                let (status, answer) = world.get(who, &format!("{read}/{hash}")).await;
                assert_eq!((status, &answer["share"]), (200, &filing(1)["share"]), "{written} {read}");
            }
            assert_eq!(world.page(&ann, "DELETE", &at(1), &Value::Null).await.0, 204);
            assert_eq!(said(world.get(&ann, &at(1)).await), missing());
        }
    });
}

#[test]
fn the_former_name_of_the_hash_is_answered_with_it() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let (share, hash) = share(1);
        let sent = json!({ "share": share, "other_share_hash": hash });
        let mut answer = sent.clone();
        answer["account_id"] = ANN.into();
        assert_eq!(world.page(&ann, "POST", SHARES, &sent).await, (201, answer.clone()));
        assert_eq!(world.get(&ann, &at(1)).await, (200, answer));
        let mut both = filing(2);
        both["other_share_hash"] = "ignored!".into();
        let (status, answer) = world.page(&ann, "POST", SHARES, &both).await;
        assert_eq!((status, answer.get("other_share_hash")), (201, None));
    });
}

/// A-SHR-04, and one body for unknown, foreign, expired and dropped.
#[test]
fn what_is_not_there_for_the_caller_is_one_answer() {
    run(async |world| {
        let (ann, bob) = (world.holder(Some(ANN), 2).await, world.holder(Some(BOB), 2).await);
        world.page(&ann, "POST", SHARES, &filing(1)).await;
        let header = format!("cookie: {}", bob.cookies);
        let unknown = world.raw("GET", &at(9), &[&header], "").await;
        let foreign = world.raw("GET", &at(1), &[&header], "").await;
        assert_eq!((unknown.status, &unknown.body), (foreign.status, &foreign.body));
        assert_eq!(unknown.headers, foreign.headers);
        assert_eq!(said(world.page(&bob, "DELETE", &at(1), &Value::Null).await), missing());
        world.clock.advance(Duration::from_secs(86_400));
        assert_eq!(world.get(&ann, &at(1)).await.0, 200);
        world.clock.advance(Duration::from_secs(1));
        let header = format!("cookie: {}", ann.cookies);
        let expired = world.raw("GET", &at(1), &[&header], "").await;
        assert_eq!(
            (expired.status, &expired.body, expired.headers),
            (unknown.status, &unknown.body, unknown.headers)
        );
        assert_eq!(said(world.page(&ann, "DELETE", &at(1), &Value::Null).await), missing());
    });
}

/// A-SHR-01: nothing is stored for another's id.
#[test]
fn a_share_is_filed_for_the_account_of_the_session_only() {
    run(async |world| {
        let (ann, bob) = (world.holder(Some(ANN), 2).await, world.holder(Some(BOB), 2).await);
        let mut body = filing(1);
        body["account_id"] = BOB.into();
        let forbidden = refusal(403, "forbidden", "body", json!({ "account_id": "forbidden" }));
        assert_eq!(said(world.page(&ann, "POST", SHARES, &body).await), forbidden);
        assert_eq!((world.get(&ann, &at(1)).await.0, world.get(&bob, &at(1)).await.0), (404, 404));
        body["account_id"] = ANN.to_uppercase().into();
        assert_eq!(world.page(&ann, "POST", SHARES, &body).await.0, 201);
    });
}

/// A-SHR-07.
#[test]
fn a_second_share_under_a_hash_replaces_the_first() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        world.page(&ann, "POST", SHARES, &filing(1)).await;
        let mut second = filing(1);
        second["share"] = share(2).0.into();
        assert_eq!(world.page(&ann, "POST", SHARES, &second).await.0, 201);
        assert_eq!(world.get(&ann, &at(1)).await.1["share"], second["share"]);
    });
}

#[test]
fn all_shares_of_an_account_are_dropped_at_once() {
    run(async |world| {
        let (ann, bob) = (world.holder(Some(ANN), 2).await, world.holder(Some(BOB), 2).await);
        for number in 1..=3 {
            world.page(&ann, "POST", SHARES, &filing(number)).await;
        }
        world.page(&bob, "POST", SHARES, &filing(1)).await;
        assert_eq!(world.page(&ann, "DELETE", SHARES, &Value::Null).await, (204, Value::Null));
        assert_eq!(world.page(&ann, "DELETE", SHARES, &Value::Null).await.0, 204);
        for number in 1..=3 {
            assert_eq!(world.get(&ann, &at(number)).await.0, 404);
        }
        assert_eq!(world.get(&bob, &at(1)).await.0, 200);
    });
}

/// A-SHR-06: under its own hash a share would be both halves. Of a hash that is cut, nothing can be said.
#[test]
fn a_share_is_not_filed_under_its_own_hash() {
    run(async |world| {
        let (ann, signing_in) = (world.holder(Some(ANN), 2).await, world.process(ANN).await);
        let own = to_base64url(&sha512(&[7; 32]));
        let invalid = |name: &str| refusal(400, "bad_request", "body", json!({ name: "invalid" }));
        for name in ["user_local_share_hash", "other_share_hash"] {
            let body = json!({ "share": share(7).0, name: own });
            for path in [SHARES, "/root-key-shares"] {
                assert_eq!(said(world.page(&ann, "POST", path, &body).await), invalid(name));
            }
            let signing_in = world.page(&signing_in, "POST", "/auth/account-root-key-shares", &body).await;
            assert_eq!(said(signing_in), invalid(name));
        }
        let standard = strongroom_primitives::encoding::to_base64(&[7; 32]);
        let older = json!({ "account_id": ANN, "share": standard, "other_share_hash": own });
        let older = said(world.page(&ann, "POST", "/backup-key-shares", &older).await);
        assert_eq!(older, invalid("other_share_hash"));
        assert_eq!(said(world.get(&ann, &format!("{SHARES}/{own}")).await), missing());
        assert_eq!(said(world.get(&ann, &format!("/backup-key-shares/{own}")).await), missing());
    });
}

/// `share_reads_max`: two tabs that open at once reopen both, a third asks for the password, and what it is told is what
/// it would be told of a share that never was.
#[test]
fn two_tabs_reopen_and_no_third_where_a_share_may_be_read_twice() {
    let limits = Limits { escrow_share_reads_max: 2, ..Limits::default() };
    run_within(MisakeyRates::NONE, limits, async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let cookie = format!("cookie: {}", ann.cookies);
        world.page(&ann, "POST", SHARES, &filing(1)).await;
        let (path, headers) = (at(1), [&*cookie]);
        let tabs = (0..6).map(|_| world.raw("GET", &path, &headers, ""));
        let (reopened, asked): (Vec<_>, Vec<_>) = futures_util::future::join_all(tabs)
            .await
            .into_iter()
            .partition(|answer| answer.status.as_u16() == 200);
        assert_eq!((reopened.len(), asked.len()), (2, 4));
        let never = world.raw("GET", &at(9), &[&cookie], "").await;
        for answer in &asked {
            assert_eq!(
                (answer.status, &answer.body, &answer.headers),
                (never.status, &never.body, &never.headers)
            );
        }
        assert_eq!(said(world.page(&ann, "DELETE", &at(1), &Value::Null).await), missing());
        world.page(&ann, "POST", SHARES, &filing(1)).await;
        assert_eq!(world.get(&ann, &at(1)).await.0, 200);
    });
}

/// The older form: the standard alphabet, a salt, and shares of its own.
#[test]
fn older_clients_have_their_own_shares() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let hash = share(1).1;
        let body = json!({
            "account_id": ANN, "salt_base_64": "+/8=", "share": "+/+/", "other_share_hash": hash,
        });
        assert_eq!(world.page(&ann, "POST", "/backup-key-shares", &body).await, (201, body.clone()));
        let path = format!("/backup-key-shares/{hash}");
        assert_eq!(world.get(&ann, &path).await, (200, body.clone()));
        assert_eq!(world.get(&ann, &at(1)).await.0, 404, "a hash of one set says nothing of the other");
        let mut other = body.clone();
        other["account_id"] = BOB.into();
        let forbidden = refusal(403, "forbidden", "body", json!({ "account_id": "forbidden" }));
        assert_eq!(said(world.page(&ann, "POST", "/backup-key-shares", &other).await), forbidden);
        for (field, value) in [("share", "-_-_"), ("salt_base_64", "+/8"), ("other_share_hash", "+/8=")] {
            let mut bad = body.clone();
            bad[field] = value.into();
            let malformed = refusal(400, "bad_request", "body", json!({ field: "malformed" }));
            assert_eq!(said(world.page(&ann, "POST", "/backup-key-shares", &bad).await), malformed);
        }
        let mut plain = body.clone();
        plain.as_object_mut().unwrap().remove("salt_base_64");
        assert_eq!(world.page(&ann, "POST", "/backup-key-shares", &plain).await.1["salt_base_64"], "");
        plain.as_object_mut().unwrap().remove("account_id");
        let required = refusal(400, "bad_request", "body", json!({ "account_id": "required" }));
        assert_eq!(said(world.page(&ann, "POST", "/backup-key-shares", &plain).await), required);
        world.clock.advance(Duration::from_secs(86_401));
        assert_eq!(said(world.get(&ann, &path).await), missing());
    });
}

/// Section 9: what takes no token is counted by address, each path for itself; a network of IPv6 is one address.
#[test]
fn an_address_asks_so_often_and_waits() {
    run_with(MisakeyRates::default(), async |world| {
        let params = format!("/accounts/{ANN}/pwd-params");
        let too_many = refusal(429, "too_many_requests", "not_defined", json!({}));
        let from = async |address: &str, path: &str| {
            let mut asked = request(Method::GET, &format!("/misakey{path}"), &[], "");
            asked.peer.address = Some(address.parse().unwrap());
            world.router.answer(&world.front, asked).await
        };
        for path in ["/csrf", &params] {
            for _ in 0..60 {
                assert_eq!(from("2001:db8::1", path).await.status.as_u16(), 200, "{path}");
            }
            let refused = from("2001:db8::2", path).await;
            assert_eq!(refused.headers[header::RETRY_AFTER], "1");
            assert_eq!(refused.headers[header::CACHE_CONTROL], "no-store, no-cache");
            let body = serde_json::from_slice(&refused.body).unwrap();
            assert_eq!(said((refused.status.as_u16(), body)), too_many, "{path}");
            assert_eq!(from("2001:db8:0:1::1", path).await.status.as_u16(), 200, "{path}");
            world.clock.advance(Duration::from_secs(1));
            assert_eq!(from("2001:db8::1", path).await.status.as_u16(), 200, "{path}");
        }
        // Without an address, as over a socket of the machine itself, nobody is counted.
        for _ in 0..61 {
            assert_eq!(world.ask("GET", "/csrf", &[], "").await.0, 200);
        }
    });
}

/// Section 9: so many per account, and no other account waits for it.
#[test]
fn an_account_asks_so_often_and_waits() {
    run_with(MisakeyRates::default(), async |world| {
        let (ann, bob) = (world.holder(Some(ANN), 2).await, world.holder(Some(BOB), 2).await);
        let too_many = refusal(429, "too_many_requests", "not_defined", json!({}));
        for _ in 0..30 {
            assert_eq!(world.page(&ann, "POST", SHARES, &filing(1)).await.0, 201);
        }
        assert_eq!(said(world.page(&ann, "POST", SHARES, &filing(1)).await), too_many);
        assert_eq!(said(world.page(&ann, "DELETE", &at(1), &Value::Null).await), too_many);
        assert_eq!(world.page(&bob, "POST", SHARES, &filing(1)).await.0, 201);
        for _ in 0..20 {
            assert_eq!(world.get(&ann, &at(9)).await.0, 404);
        }
        assert_eq!(said(world.get(&ann, &at(9)).await), too_many);
        assert_eq!(world.get(&bob, &at(9)).await.0, 404);
        for _ in 0..99 {
            assert_eq!(world.get(&ann, &at(1)).await.0, 200);
        }
        let cookie = format!("cookie: {}", ann.cookies);
        let answer = world.raw("GET", &at(1), &[&cookie], "").await;
        assert_eq!(answer.status.as_u16(), 429);
        assert_eq!(answer.headers[header::RETRY_AFTER], "30");
        world.clock.advance(Duration::from_secs(30));
        assert_eq!(world.get(&ann, &at(1)).await.0, 200);
        // Whoever wants to be rid of all of them never waits.
        let eager = world.holder(Some(IDENTITY), 2).await;
        for _ in 0..31 {
            assert_eq!(world.page(&eager, "DELETE", SHARES, &Value::Null).await.0, 204);
        }
    });
}
