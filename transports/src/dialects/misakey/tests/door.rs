use super::*;

fn page_refused() -> (u16, String, String, Value) {
    refusal(403, "forbidden", "headers", json!({ "csrf_token": "invalid" }))
}

fn unauthorized() -> (u16, String, String, Value) {
    refusal(401, "unauthorized", "not_defined", json!({}))
}

#[test]
fn a_browser_keeps_its_page_token_and_another_gets_another() {
    run(async |world| {
        let first = world.raw("GET", "/csrf", &[], "").await;
        let cookie = first.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
        let token: Value = serde_json::from_slice(&first.body).unwrap();
        let token = token["csrf_token"].as_str().unwrap();
        assert_eq!(
            cookie,
            format!("_csrf={token}; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Strict")
        );
        let cookie = format!("cookie: _csrf={token}");
        let (_, again) = world.ask("GET", "/csrf", &[&cookie], "").await;
        assert_eq!(again["csrf_token"], token);
        let (_, other) = world.ask("GET", "/csrf", &["cookie: _csrf=planted"], "").await;
        assert!(other["csrf_token"] != token && other["csrf_token"] != "planted");
    });
}

/// A-SHR-03.
#[test]
fn a_change_shows_the_page_token_that_the_cookie_has() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let cookie = format!("cookie: {}", ann.cookies);
        let body = filing(1).to_string();
        let header = format!("x-csrf-token: {}", world.page);
        let json = "content-type: application/json";
        let (_, other) = world.ask("GET", "/csrf", &[], "").await;
        let other = format!("x-csrf-token: {}", other["csrf_token"].as_str().unwrap());
        let without_cookie = cookie.replace("_csrf", "csrf");
        let two_cookies = format!("{cookie}; _csrf={}", world.page);
        let forged = format!("{}; _csrf=aaaa", without_cookie);
        let made_up = to_base64url(&[7; 32]);
        let planted = format!("{without_cookie}; _csrf={made_up}");
        let bad: [&[&str]; 11] = [
            &[&cookie, json],
            &[&cookie, json, "x-csrf-token: "],
            &[&cookie, json, &other],
            &[&cookie, json, &header, &header],
            &[&cookie, json, &header, &other],
            &[&cookie, json, &other, &header],
            &[&without_cookie, json, &header],
            &[&two_cookies, json, &header],
            &[&forged, json, "x-csrf-token: aaaa"],
            &[&planted, json, &format!("x-csrf-token: {made_up}")],
            &[&header, json],
        ];
        for headers in bad {
            assert_eq!(said(world.ask("POST", SHARES, headers, &body).await), page_refused(), "{headers:?}");
        }
        let in_query = format!("{SHARES}?csrf_token={}", world.page);
        assert_eq!(said(world.ask("POST", &in_query, &[&cookie, json], &body).await), page_refused());
        for (method, path) in [("PUT", "/accounts/x/password"), ("DELETE", SHARES), ("PATCH", "/nowhere")] {
            assert_eq!(said(world.ask(method, path, &[&cookie, json], &body).await), page_refused());
        }
        // Nothing was stored, and reading takes no page token.
        assert_eq!(world.get(&ann, &at(1)).await.0, 404);
        assert_eq!(world.ask("POST", SHARES, &[&cookie, json, &header], &body).await.0, 201);
    });
}

#[test]
fn the_cookies_are_those_of_a_live_token_of_this_client() {
    run(async |world| {
        let good = world.token(assurance(Some(ANN), 2)).await;
        let other_client = Assurance { client: "other".to_owned(), ..assurance(Some(ANN), 2) };
        let other_client = world.token(other_client).await;
        let elsewhere = world.token_of("other", assurance(Some(ANN), 2)).await;
        let process = world.process(ANN).await.cookies.replace("authn", "");
        let bad = [
            String::new(),
            format!("accesstoken={good}"),
            format!("accesstoken={good}; tokentype="),
            format!("accesstoken={good}; tokentype=Bearer"),
            format!("accesstoken={good}; tokentype=bearer; tokentype=bearer"),
            format!("accesstoken={good}; accesstoken={good}; tokentype=bearer"),
            "accesstoken=; tokentype=bearer".to_owned(),
            "accesstoken=unknown; tokentype=bearer".to_owned(),
            format!("accesstoken={other_client}; tokentype=bearer"),
            format!("accesstoken={elsewhere}; tokentype=bearer"),
            format!("authnaccesstoken={good}; authntokentype=bearer"),
            process,
        ];
        for cookies in bad {
            assert_eq!(
                said(world.get(&Holder { cookies: cookies.clone() }, &at(1)).await),
                unauthorized(),
                "{cookies}"
            );
        }
        let cookies = format!("accesstoken={good}; tokentype=bearer");
        assert_eq!(world.get(&Holder { cookies: cookies.clone() }, &at(1)).await.0, 404);
        let (cookie, bearer) = (format!("cookie: {cookies}"), format!("authorization: Bearer {good}"));
        assert_eq!(said(world.ask("GET", &at(1), &[&bearer], "").await), unauthorized());
        assert_eq!(said(world.ask("GET", &at(1), &[&cookie, &bearer], "").await), unauthorized());
        // No page token is asked for where a header shows a token, and the token is refused all the same.
        assert_eq!(said(world.ask("POST", SHARES, &[&cookie, &bearer], "{}").await), unauthorized());
        world.clock.advance(Duration::from_secs(30 * 86_400 + 1));
        assert_eq!(said(world.get(&Holder { cookies }, &at(1)).await), unauthorized());
    });
}

/// A token of this dialect opens no other door, and no other token opens this one.
#[test]
fn tokens_stay_on_their_side() {
    run(async |world| {
        let token = world.token(assurance(Some(ANN), 4)).await;
        let bearer = format!("authorization: Bearer {token}");
        for path in ["/v1/session", "/v1/records", "/v1/feed"] {
            let asked = request(Method::GET, path, &[&bearer], "");
            let answer = world.router.answer(&world.front, asked).await;
            assert_eq!(answer.status.as_u16(), 401, "{path}");
        }
    });
}

/// A-SHR-02: the level is the token's, whatever a header or a body claims.
#[test]
fn a_code_from_an_email_is_not_enough() {
    run(async |world| {
        let details = json!({ "acr": "forbidden", "required_acr": "2" });
        let low = refusal(403, "forbidden", "acr", details);
        let ann = world.holder(Some(ANN), 1).await;
        let body = json!({ "share": "x", "acr": "4", "acr_values": "2" });
        assert_eq!(
            said(world.page(&ann, "POST", SHARES, &body).await),
            low,
            "the level comes before the body"
        );
        assert_eq!(said(world.get(&ann, &format!("{}?acr_values=4", at(1))).await), low);
        assert_eq!(said(world.get(&ann, "/crypto/secret-storage").await), low);
        assert_eq!(world.get(&world.holder(Some(ANN), 3).await, &at(1)).await.0, 404);
    });
}

/// Dialects/misakey.md, section 3.
#[test]
fn pages_of_listed_origins_ask_with_their_cookies() {
    run(async |world| {
        let origin = format!("origin: {ORIGIN}");
        let asks = async |origin: &str| {
            let headers = [origin, "access-control-request-method: POST"];
            world.raw("OPTIONS", SHARES, &headers, "").await
        };
        let preflight = asks(&origin).await;
        let value = |name: header::HeaderName| preflight.headers[name].to_str().unwrap().to_owned();
        assert_eq!(preflight.status.as_u16(), 204);
        assert_eq!(value(header::ACCESS_CONTROL_ALLOW_ORIGIN), ORIGIN);
        assert_eq!(value(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "true");
        assert_eq!(
            value(header::ACCESS_CONTROL_ALLOW_METHODS),
            "GET, POST, PUT, OPTIONS, PATCH, DELETE, HEAD"
        );
        assert_eq!(
            value(header::ACCESS_CONTROL_ALLOW_HEADERS),
            "Authorization, Origin, X-Requested-With, X-CSRF-Token, Content-Type, Accept"
        );
        let answer = world.raw("GET", "/csrf", &[&origin], "").await;
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], ORIGIN);
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(answer.headers[header::VARY], "Origin");
        for foreign in ["origin: https://evil.example", "origin: null"] {
            let answer = world.raw("GET", "/csrf", &[foreign], "").await;
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
            assert!(!asks(foreign).await.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        }
        // The native interface is not reached with cookies.
        let native = request(Method::GET, "/v1/session", &[&origin], "");
        let native = world.router.answer(&world.front, native).await;
        assert!(!native.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    });
}
