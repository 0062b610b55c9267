//! Sections 3 and 9: which signatures are good, and that each is good once, on whichever engine.

use strongroom_engine::domains::service_keys::RotateRoot;

use super::*;

/// A-MAC-02: byte for byte, with the signature respelled, and where the request was refused for its permission or its body.
#[test]
fn a_signature_is_taken_once_whatever_came_of_it() {
    run(async |world| {
        let good = world.signed(&world.root, "GET", "/v1/status", None);
        world.send(&good).await.ok(200);
        for _ in 0..3 {
            world.send(&good).await.is_unsigned(REPLAYED);
        }
        let bad_body = world.signed(&world.root, "POST", "/v1/api-key", Some("{"));
        world.send(&bad_body).await.is(400, "BAD_REQUEST", "Could not parse JSON");
        world.send(&bad_body).await.is_unsigned(REPLAYED);
        let usual = world.key(None).await;
        let denied = world.signed(&usual, "POST", "/v1/api-key", None);
        world.send(&denied).await.is_forbidden("This key is not allowed to perform create_api_key");
        world.send(&denied).await.is_unsigned(REPLAYED);
        let nothing = world.signed(&world.root, "GET", "/v1/api-key/NOSUCHKEY", None);
        assert_eq!(world.send(&nothing).await.status, 404);
        world.send(&nothing).await.is_unsigned(REPLAYED);
    });
}

/// A request for no route, and one that the edge would not have read, spends nothing: nobody looked at its signature.
#[test]
fn what_is_refused_before_the_signature_leaves_it_unspent() {
    run(async |world| {
        let good = world.signed(&world.root, "GET", "/v1/status", None);
        let encoded = good.clone().header("content-encoding", "gzip");
        assert_eq!(world.send(&encoded).await.status, 415);
        let elsewhere = Sent { target: "/dragonchain/v1/nothing".to_owned(), ..good.clone() };
        assert_eq!(world.send(&elsewhere).await.status, 404);
        assert_eq!(world.send(&Sent { verb: "PATCH".to_owned(), ..good.clone() }).await.status, 405);
        world.send(&good).await.ok(200);
    });
}

/// A-MAC-01: everything that is signed, changed one at a time.
#[test]
fn nothing_that_was_signed_may_be_changed() {
    run(async |world| {
        let body = r#"{"nickname":"a"}"#;
        let good = world.signed(&world.root, "PUT", &format!("/v1/api-key/{ROOT}"), Some(body));
        let later = world.stamp_at(world.clock.wall());
        let other =
            world.node.engine.handle().ask(Credential::Operator, CreateChain::default()).await.unwrap();
        let target = good.target.clone();
        for changed in [
            Sent { verb: "DELETE".to_owned(), ..good.clone() },
            Sent { target: format!("/dragonchain/api-key/{ROOT}"), ..good.clone() },
            Sent { target: format!("{target}X"), ..good.clone() },
            Sent { target: format!("{target}?x=1"), ..good.clone() },
            good.clone().set("dragonchain", other.chain.as_str()),
            good.clone().set("timestamp", &later),
            good.clone().set("content-type", "application/json; charset=utf-8"),
            good.clone().without("content-type"),
            good.clone().body(r#"{"nickname":"b"}"#),
            good.clone().body(r#"{"nickname":"a"} "#),
            good.clone().body(""),
        ] {
            world.send(&changed).await.is_unsigned(MAC);
        }
        // A-HTTP-08 and section 9: what is not signed changes nothing.
        let more = good
            .header("host", "elsewhere.example")
            .header("x-callback-url", "https://evil.example")
            .header("x-http-method-override", "DELETE")
            .header("x-forwarded-for", "203.0.113.9");
        assert_eq!(world.send(&more).await.ok(200)["nickname"], "a");
    });
}

/// Each text that a client may have signed as the path; A-HTTP-06.
#[test]
fn a_path_may_be_signed_with_and_without_the_mount_and_unescaped() {
    run(async |world| {
        let root = &world.root;
        for (target, signed) in [
            ("/dragonchain/v1/status", "/v1/status"),
            ("/dragonchain/v1/status", "/dragonchain/v1/status"),
            ("/dragonchain/v1/status?", "/v1/status"),
            ("/dragonchain/v1/status?a=%20&b", "/v1/status?a=%20&b"),
            ("/dragonchain/%76%31/status", "/v1/status"),
            ("/dragonchain/%76%31/status", "/%76%31/status"),
        ] {
            let sent = Sent::new("GET", target).sign(root, signed, &world.stamp());
            world.send(&sent).await.ok(200);
        }
        for (target, signed) in [
            ("/dragonchain/v1/status", "/status"),
            ("/dragonchain/v1/status?a=%20&b", "/v1/status?a= &b"),
            ("/dragonchain/v1/status?a=1&b=2", "/v1/status?b=2&a=1"),
            ("/dragonchain/v1/status", "/v1/status?"),
        ] {
            let sent = Sent::new("GET", target).sign(root, signed, &world.stamp());
            world.send(&sent).await.is_unsigned(MAC);
        }
        // The Go client names a type where there is no body.
        let go = Sent::new("GET", "/dragonchain/v1/status").header("content-type", "application/json");
        world.send(&go.sign(root, "/dragonchain/v1/status", &world.stamp())).await.ok(200);
    });
}

#[test]
fn at_the_root_of_a_listener_there_is_no_mount() {
    run_with(Setup { mount: "", ..Setup::default() }, async |world| {
        for path in ["/v1/status", "/status"] {
            let sent = Sent::new("GET", path).sign(&world.root, path, &world.stamp());
            world.send(&sent).await.ok(200);
        }
        let mounted =
            Sent::new("GET", "/dragonchain/v1/status").sign(&world.root, "/v1/status", &world.stamp());
        assert_eq!(world.send(&mounted).await.status, 404);
    });
}

/// A-HTTP-07: `HEAD` asks what `GET` asks, and is signed by its own name.
#[test]
fn head_is_signed_as_head() {
    run(async |world| {
        world.ask(&world.root, "HEAD", "/v1/status").await.ok(200);
        let get = world.signed(&world.root, "GET", "/v1/status", None);
        world.send(&Sent { verb: "HEAD".to_owned(), ..get }).await.is_unsigned(MAC);
    });
}

/// A-MAC-03, A-MAC-04, A-MAC-05: the checks in their order, each in its words.
#[test]
fn the_first_check_that_fails_is_told() {
    run(async |world| {
        let good = world.signed(&world.root, "GET", "/v1/status", None);
        let authorization = good.get("authorization").unwrap().to_owned();
        let mac = authorization.rsplit_once(':').unwrap().1;
        let header =
            |scheme: &str, rest: &str| good.clone().set("authorization", &format!("{scheme} {rest}"));
        let by = |rest: &str| header("DC1-HMAC-SHA256", rest);
        let own = format!("{ROOT}:{mac}");
        let missing_chain = "Missing Dragonchain ID in request header";
        let missing_stamp = "Missing timestamp in request header";
        for (sent, told) in [
            (Sent::new("GET", "/dragonchain/v1/status"), missing_chain),
            (good.clone().set("dragonchain", ""), missing_chain),
            (good.clone().without("timestamp"), missing_stamp),
            (good.clone().set("timestamp", "").set("dragonchain", "x"), missing_stamp),
            (good.clone().set("dragonchain", "x").without("authorization"), "Incorrect Dragonchain ID"),
            (good.clone().set("dragonchain", "a/b"), "Incorrect Dragonchain ID"),
            (good.clone().without("authorization"), MALFORMED),
            (header("Bearer", "x"), MALFORMED),
            (header("dc1-hmac-SHA256", &own), MALFORMED),
            (header("DC2-HMAC-SHA256", &own), "Unsupported DC Authorization Version"),
            (header("DC1-HMAC-sha256", &own), "Unsupported HMAC Hash Type"),
            (header("DC1-HMAC-none", &own), "Unsupported HMAC Hash Type"),
            (header("DC1-HMAC-SHA256", "x").set("timestamp", "yesterday"), MALFORMED),
            (header("DC1-HMAC-SHA256", "x").set("timestamp", "2019-11-14T00:00:00Z"), SKEWED),
            (by("x"), MALFORMED),
            (by(&format!("{ROOT}:{}", mac.trim_end_matches('='))), MALFORMED),
            (by(&format!("{ROOT}:{} {}", &mac[..8], &mac[8..])), MALFORMED),
            (by(&format!("{ROOT}:----{}", &mac[4..])), MALFORMED),
            (by(&format!("{ROOT}:")), MAC),
            (by(&format!("{ROOT}:{}", &mac[..40])), MAC),
            (by(&format!("{ROOT}:AAAA{mac}")), MAC),
            (by(&format!("ZZZZZZZZZZZZ:{mac}")), MAC),
            (by(&format!(":{mac}")), MAC),
            (by(&format!("A/B:{mac}")), MAC),
            (by(&format!("{}:{mac}", "A".repeat(65))), MAC),
            (by(&format!("{}:{mac}", "A".repeat(2_000))), MAC),
            (header("DC1-HMAC-SHA3-256", &own), MAC),
            (header("DC1-HMAC-BLAKE2b512", &own), MAC),
        ] {
            world.send(&sent).await.is_unsigned(told);
        }
        // None of them has spent it.
        world.send(&good).await.ok(200);
    });
}

/// A-MAC-03: the window is closed on both sides, its ends are in it, and no other form is a time.
#[test]
fn a_stamp_has_one_form_and_a_window() {
    run(async |world| {
        let at = |ms: u64| Timestamp::from_ms(NOW_S * 1_000 + ms - 1_000_000);
        for (ms, told) in [
            (400_000, None),
            (399_999, Some(SKEWED)),
            (1_600_000, None),
            (1_600_001, Some(SKEWED)),
            (1_000_000, None),
        ] {
            let sent = Sent::new("GET", "/dragonchain/v1/status");
            let answer = world.send(&sent.sign(&world.root, "/v1/status", &world.stamp_at(at(ms)))).await;
            match told {
                Some(told) => answer.is_unsigned(told),
                None => drop(answer.ok(200)),
            }
        }
        for stamp in [
            "2019-11-14T00:34:25+00:00",
            "2019-11-14T00:34:25",
            "2019-11-14 00:34:25Z",
            "1573691665",
            "2019-11-14",
            "2019-13-14T00:34:25Z",
            "2019-11-14T00:34:60Z",
            "2019-11-14T00:34:25.1234567Z",
        ] {
            let sent = Sent::new("GET", "/dragonchain/v1/status").sign(&world.root, "/v1/status", stamp);
            world.send(&sent).await.is_unsigned(MALFORMED);
        }
        let sent = Sent::new("GET", "/dragonchain/v1/status");
        let far = sent.sign(&world.root, "/v1/status", "9999-12-31T23:59:59.999999Z");
        world.send(&far).await.is_unsigned(SKEWED);
    });
}

/// A-MAC-09: a header that came twice, or that is no text.
#[test]
fn a_header_that_came_twice_is_refused() {
    run(async |world| {
        let body = r#"{"nickname":"a"}"#;
        let good = world.signed(&world.root, "PUT", &format!("/v1/api-key/{ROOT}"), Some(body));
        for name in ["authorization", "dragonchain", "timestamp", "content-type"] {
            let value = good.get(name).unwrap().to_owned();
            world.send(&good.clone().header(name, &value)).await.is_unsigned(MALFORMED);
            world.send(&good.clone().header(name, "")).await.is_unsigned(MALFORMED);
            world.send(&good.clone().without(name).header(name, b"\xff")).await.is_unsigned(MALFORMED);
        }
        world.send(&good).await.ok(200);
    });
}

/// A-MAC-02: where engines share a store, what one took the other refuses.
#[test]
fn another_engine_refuses_what_one_has_taken() {
    let limits = Limits { signatures_shared: true, ..Limits::default() };
    run_with(Setup { limits, ..Setup::default() }, async |world| {
        let second = world.second(5).await;
        let good = world.signed(&world.root, "GET", "/v1/status", None);
        world.send(&good).await.ok(200);
        second.send(&good).await.is_unsigned(REPLAYED);
        let other = world.signed(&world.root, "GET", "/v1/status", None);
        second.send(&other).await.ok(200);
        world.send(&other).await.is_unsigned(REPLAYED);
    });
}

/// A-MAC-06: a deleted key, an unknown one and a wrong secret have one answer, and the next request gets it everywhere.
#[test]
fn a_revoked_key_is_refused_with_its_next_request_on_every_engine() {
    let limits = Limits { signatures_shared: true, ..Limits::default() };
    run_with(Setup { limits, ..Setup::default() }, async |world| {
        let second = world.second(5).await;
        let key = world.key(None).await;
        second.send(&world.signed(&key, "GET", "/v1/status", None)).await.ok(200);
        world.ask(&world.root, "DELETE", &format!("/v1/api-key/{}", key.id)).await.ok(200);
        let revoked = second.send(&world.signed(&key, "GET", "/v1/status", None)).await;
        let unknown = Signer { id: KeyId::new("NOSUCHKEYXYZ").unwrap(), ..key.clone() };
        let unknown = second.send(&world.signed(&unknown, "GET", "/v1/status", None)).await;
        let wrong = Signer { secret: SecretText::new("x".repeat(43)), ..world.root.clone() };
        let wrong = second.send(&world.signed(&wrong, "GET", "/v1/status", None)).await;
        revoked.is_unsigned(MAC);
        assert_eq!((&revoked.text, &revoked.headers), (&unknown.text, &unknown.headers));
        assert_eq!((&revoked.text, &revoked.headers), (&wrong.text, &wrong.headers));
    });
}

/// A-MAC-02 across a start: what may have been taken before it is refused as too old, and anew it is good.
#[test]
fn what_was_signed_before_a_start_is_too_old() {
    run(async |world| {
        let before = world.signed(&world.root, "GET", "/v1/status", None);
        world.send(&before).await.ok(200);
        let next = world.second(5).await;
        let wait = next.engine.handle().signatures_refused_for();
        assert!(Duration::from_secs(1) < wait && wait <= Duration::from_secs(2), "{wait:?}");
        next.send(&before).await.is_unsigned(SKEWED);
        next.send(&world.signed(&world.root, "GET", "/v1/status", None)).await.is_unsigned(SKEWED);
        world.clock.advance(wait);
        assert_eq!(next.engine.handle().signatures_refused_for(), Duration::ZERO);
        next.send(&world.signed(&world.root, "GET", "/v1/status", None)).await.ok(200);
    });
}

#[test]
fn a_root_key_that_was_rotated_signs_nothing() {
    run(async |world| {
        let rotate = RotateRoot { chain: world.root.chain.clone(), root: None, secret: None };
        let root = world.node.engine.handle().ask(Credential::Operator, rotate).await.unwrap();
        world.ask(&world.root, "GET", "/v1/status").await.is_unsigned(MAC);
        world.ask(&Signer::root(&root), "GET", "/v1/status").await.ok(200);
    });
}

/// Section 3: keys without an allowance are checked as they are answered, and nobody can tell. A key without permission
/// does not learn what there is, and the body of a read is not looked at.
#[test]
fn a_read_is_refused_in_one_order_whether_or_not_requests_are_counted() {
    let counted = DragonchainRates { key_requests_per_minute: 1_000, ..DragonchainRates::NONE };
    for rates in [DragonchainRates::NONE, counted] {
        run_with(Setup { rates, ..Setup::default() }, async |world| {
            let key = world.key(Some(r#"{"version":"1","default_allow":false,"permissions":{}}"#)).await;
            let forged = Signer { secret: SecretText::new("x".repeat(43)), ..key.clone() };
            let known = format!("/v1/api-key/{ROOT}");
            for (path, name, status) in [
                ("/v1/api-key", "list_api_keys", 200),
                (&*known, "get_api_key", 200),
                ("/v1/api-key/NOBODY", "get_api_key", 404),
                ("/v1/api-key/no-id", "get_api_key", 404),
            ] {
                world.ask(&forged, "GET", path).await.is_unsigned(MAC);
                let sent = world.signed(&key, "GET", path, None);
                let told = format!("This key is not allowed to perform {name}");
                world.send(&sent).await.is_forbidden(&told);
                world.send(&sent).await.is_unsigned(REPLAYED);
                let sent = world.signed(&world.root, "GET", path, Some("{"));
                assert_eq!(world.send(&sent).await.status, status, "{path}");
                world.send(&sent).await.is_unsigned(REPLAYED);
            }
        });
    }
}
