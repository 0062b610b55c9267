//! Every published vector, as a request. Each has a world of its own, at the time that it was made.

use strongroom_primitives::encoding::from_hex;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../../tests/vectors/dragonchain.json")).unwrap()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// The headers of a vector, as far as they are there.
fn with_headers(sent: Sent, headers: [(&str, &str); 4]) -> Sent {
    headers
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .fold(sent, |sent, (name, value)| sent.header(name, value))
}

/// A path as a client puts it on the wire.
fn escaped(path: &str) -> String {
    path.bytes()
        .map(
            |byte| {
                if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}

/// Whether the signature was found good: whatever was answered beyond it.
fn is_authenticated(answer: &Answer) -> bool {
    assert!(!answer.text.contains("requested route"), "{}", answer.text);
    answer.status != 401
}

/// All signing cases that name a time, a key that can be taken over, and a route.
#[test]
fn each_signature_of_the_vectors_is_taken() {
    let vectors = vectors();
    let cases = vectors["signing"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 35);
    let mut left_out = Vec::new();
    for case in cases {
        let (input, expected) = (&case["input"], &case["expected"]);
        let secret = ServiceSecret::new(SecretText::new(text(input, "auth_key").to_owned()));
        let path = text(input, "path");
        let is_route = ["/v1/api-key", "/v1/status", "/dragonchain/v1/status"]
            .iter()
            .any(|route| path.starts_with(route));
        let (Ok(secret), Ok(at), true) = (secret, read_stamp(text(input, "timestamp")), is_route) else {
            left_out.push(text(case, "name"));
            continue;
        };
        run_with(Setup { at_s: at.as_s(), ..Setup::default() }, async |world| {
            // The chain may be another one, the key may have another id.
            let create = CreateChain {
                id: Some(ChainId::new(text(input, "dragonchain_id")).unwrap()),
                root: Some(KeyId::new(text(input, "auth_key_id")).unwrap()),
                secret: Some(secret),
            };
            let chain = create.id.clone().unwrap();
            let operator = world.node.engine.handle();
            if chain == world.root.chain {
                let rotate = strongroom_engine::domains::service_keys::RotateRoot {
                    chain,
                    root: create.root,
                    secret: create.secret,
                };
                operator.ask(Credential::Operator, rotate).await.unwrap();
            } else {
                operator.ask(Credential::Operator, create).await.unwrap();
            }
            let verb = text(input, "verb").to_ascii_uppercase();
            let target = match path.strip_prefix("/dragonchain") {
                Some(_) => path.to_owned(),
                None => format!("/dragonchain{}", escaped(path)),
            };
            let sent = Sent::new(&verb, &target).body(from_hex(text(input, "body_hex")).unwrap());
            let sent = with_headers(
                sent,
                [
                    ("dragonchain", text(input, "dragonchain_id")),
                    ("timestamp", text(input, "timestamp")),
                    ("authorization", text(expected, "authorization")),
                    ("content-type", text(input, "content_type")),
                ],
            );
            let answer = world.send(&sent).await;
            assert!(is_authenticated(&answer), "{}: {}", case["name"], answer.text);
            world.send(&sent).await.is_unsigned(REPLAYED);
        });
    }
    assert_eq!(
        left_out,
        [
            "query-string-SHA256",
            "query-string-BLAKE2b512",
            "query-string-SHA3-256",
            "non-ascii-key-is-utf8",
            "javascript-sdk-own-test-1",
            "javascript-sdk-own-test-2",
        ]
    );
}

/// What each of the two clients puts on the wire; queries of chain features are no route.
#[test]
fn each_whole_request_of_the_vectors_is_taken() {
    let vectors = vectors();
    let cases = vectors["whole_requests"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 27);
    for case in cases {
        run(async |world| {
            let target = text(case, "url").strip_prefix("http://127.0.0.1:8470").unwrap();
            let headers = &case["headers"];
            let sent = Sent::new(text(case, "verb"), target).body(text(case, "body_utf8"));
            let sent = with_headers(
                sent,
                [
                    ("dragonchain", text(headers, "dragonchain")),
                    ("timestamp", text(headers, "timestamp")),
                    ("authorization", text(headers, "Authorization")),
                    ("content-type", text(headers, "Content-Type")),
                ],
            );
            let answer = world.send(&sent).await;
            if target.contains("/transaction") {
                answer.is(404, "NOT_FOUND", "The requested route was not found.");
            } else {
                assert!(is_authenticated(&answer), "{}: {}", case["name"], answer.text);
            }
        });
    }
}

#[test]
fn each_decision_of_the_vectors_is_made() {
    let vectors = vectors();
    let cases = vectors["verification"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 25);
    for case in cases {
        let (request, expected) = (&case["request"], &case["expected"]);
        // The clock has milliseconds; a stamp is cut to them as well.
        let now = read_stamp(text(request, "server_time")).unwrap();
        let mount = if text(request, "mount").is_empty() { "" } else { "/dragonchain" };
        run_with(Setup { at_s: now.as_s(), mount, ..Setup::default() }, async |world| {
            world.clock.advance(Duration::from_millis(now.as_ms() % 1_000));
            let sent =
                Sent::new(text(request, "verb"), text(request, "target")).body(text(request, "body_utf8"));
            let sent = with_headers(
                sent,
                [
                    ("dragonchain", text(request, "dragonchain")),
                    ("timestamp", text(request, "timestamp")),
                    ("authorization", text(request, "authorization")),
                    ("content-type", text(request, "content_type")),
                ],
            );
            let answer = world.send(&sent).await;
            match expected["status"].as_u64() {
                Some(status) => {
                    let status = u16::try_from(status).unwrap();
                    answer.is(status, text(expected, "type"), text(expected, "details"));
                }
                None => assert!(is_authenticated(&answer), "{}: {}", case["name"], answer.text),
            }
        });
    }
}

/// Section 5: what the vendor's own schema refuses is refused here, and with the place of it.
#[test]
fn each_document_that_the_vendor_refuses_is_refused() {
    let vectors = vectors();
    let cases = vectors["permissions"]["invalid_documents"].as_array().unwrap();
    assert!(cases.len() > 10);
    run(async |world| {
        for case in cases {
            let document = &case["permissions_document"];
            let valid = case["valid"].as_bool().unwrap();
            let body = json!({ "permissions_document": document }).to_string();
            let answer = world.tell(&world.root, "POST", "/v1/api-key", &body).await;
            assert_eq!(answer.status, if valid { 201 } else { 400 }, "{}: {}", case["name"], answer.text);
            if !valid {
                assert_eq!(answer.json()["error"]["type"], "VALIDATION_ERROR");
                assert!(text(&answer.json()["error"], "details").starts_with("permissions_document: "));
            }
        }
    });
}
