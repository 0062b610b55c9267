//! Who the server is; people and API keys sign in.

use super::*;

#[test]
fn what_the_server_says_of_itself_is_signed_byte_by_byte() {
    run(async |world| {
        let said = world.request("GET", "/info/", &[], "").await.ok(200);
        let key = VerifyingKey::from_bytes(&bytes(&said["verify_key"])).unwrap();
        let signature = from_hex(text(&said["signature"])).unwrap();
        key.verify(text(&said["info"]).as_bytes(), &signature).unwrap();
        let info: Value = serde_json::from_str(text(&said["info"])).unwrap();
        assert_eq!(info["version"].as_str().unwrap().split(' ').count(), 3);
        assert_eq!((&info["api"], &info["type"]), (&json!(1), &json!("CE")));
        assert!(hex_array::<32>(text(&info["public_key"])).is_some());
        let again = world.request("GET", "/info", &[("authorization", "Token x")], "").await;
        assert_eq!(again.ok(200), said, "the same bytes, with a token too, and without the slash");
        let health = world.request("GET", "/healthcheck/", &[], "").await.ok(200);
        assert_eq!(health["db_read"], json!({ "healthy": true }));
        assert!(health.get("_info").is_none());
    });
}

#[test]
fn a_person_registers_signs_in_proves_the_session_and_leaves() {
    run(async |world| {
        let ann = world.person("Ann.Example@example.com").await;
        let told =
            world.post("/authentication/prelogin/", json!({ "username": "ann.example@example.com" })).await;
        let parameters = json!({ "u": 14, "r": 8, "p": 1, "l": 64 });
        told.is(200, json!({ "hashing_algorithm": "scrypt", "hashing_parameters": parameters }));
        let (client, proof) = ann.sign_in("device one").await;
        client.get("/datastore/").await.is_unauthorized();
        client.get("/nothing/").await.is(404, json!({ "detail": "Not found." }));
        client.send("PATCH", "/datastore/", json!({})).await.is_unauthorized();
        client.activate(&"0".repeat(64)).await.is_code("VERIFICATION_CODE_INCORRECT");
        let user = client.activate(&proof).await.ok(200)["user"].clone();
        assert_eq!(text(&user["email"]), "ann.example@example.com");
        let wrapped = sealed_of(&user, "secret_key");
        let secret = open_key(&BoxKey::from_bytes([7; 32]), &wrapped.nonce, &wrapped.text).unwrap();
        assert_eq!(*secret, ann.secret_key);
        client.activate(&proof).await.is_code("TOKEN_INCORRECT");

        let found =
            client.send("POST", "/user/search/", json!({ "user_username": ann.username })).await.ok(200);
        assert_eq!((&found["id"], &found["username"]), (&user["id"], &json!("ann.example@example.com")));
        let nobody =
            client.send("POST", "/user/search/", json!({ "user_username": "bob@example.com" })).await;
        nobody.is_code("NO_PERMISSION_OR_NOT_EXIST");

        world.advance(Duration::from_secs(1));
        let other = ann.session().await;
        let sessions = client.get("/authentication/sessions/").await.ok(200)["sessions"].clone();
        let sessions = sessions.as_array().unwrap();
        assert_eq!(
            sessions.iter().map(|one| one["current_session"] == true).collect::<Vec<_>>(),
            [true, false]
        );
        assert_eq!(text(&sessions[1]["device_description"]), "a test");
        let end = json!({ "session_id": sessions[1]["id"] });
        client.send("POST", "/authentication/logout/", end.clone()).await.ok(200);
        other.get("/datastore/").await.is_unauthorized();
        client.send("POST", "/authentication/logout/", end).await.is_code("NO_PERMISSION_OR_NOT_EXIST");
        let key = client.get("/session-key/").await.ok(200);
        assert_ne!(bytes::<32>(&key["session_key"]), *client.key.expose(), "it opens no traffic");
        client.send("POST", "/authentication/logout/", json!({})).await.ok(200);
        client.get("/datastore/").await.is_unauthorized();
    });
}

/// A-API-07, A-DEV-01: a session goes by what its client says of the device, up to 256 characters of any script; one that
/// says nothing goes by the name of the program. Whoever has only begun to sign in is not shown.
#[test]
fn sessions_go_by_the_descriptions_of_their_devices() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let key = ann.api_key(&owner, json!({})).await;
        let login = async |description: &str, agent: &str| {
            let session = BoxSecret::from_seed(world.draw());
            let request = LoginRequest::new(key.id, &key.signing, &session.public(), description);
            let headers = [("user-agent", agent)];
            world.request("POST", "/api-key/login/", &headers, request.to_json()).await.ok(200);
            world.advance(Duration::from_secs(1));
        };
        world.advance(Duration::from_secs(1));
        let longest = "\u{1d11e}".repeat(256);
        login(&longest, "python-requests/2").await;
        login("", "python-requests/2").await;
        login("", "").await;
        ann.sign_in("a stranger").await;
        let shown = owner.get("/authentication/sessions/").await.ok(200)["sessions"].clone();
        let shown: Vec<_> =
            shown.as_array().unwrap().iter().map(|one| text(&one["device_description"])).collect();
        assert_eq!(shown, ["a test", &longest, "python-requests/2", ""]);
    });
}

/// Section 5: what has ended is not listed, though nobody has swept it away yet.
#[test]
fn sessions_that_have_ended_are_not_listed() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        ann.api_key(&owner, json!({})).await.sign_in().await;
        let listed = async || {
            let told = owner.get("/authentication/sessions/").await.ok(200);
            told["sessions"].as_array().unwrap().len()
        };
        world.advance(Duration::from_secs(600));
        assert_eq!(listed().await, 2, "its last instant");
        world.advance(Duration::from_millis(1));
        assert_eq!(listed().await, 1);
    });
}

#[test]
fn an_address_is_shown_to_be_ones_own_where_that_is_asked_for() {
    let mailbox = Arc::new(Mailbox::default());
    let mail = mailbox.clone();
    run_with(
        |options| options.mail = Some(mail),
        async |world| {
            let ann = world.person("ann@example.com").await;
            let client = BoxSecret::from_seed(world.draw());
            ann.attempt(&client, &ann.said("d")).await.is_code("ACCOUNT_NOT_VERIFIED");
            let (address, code) = mailbox.0.lock().unwrap()[0].clone();
            assert_eq!(address, "ann@example.com");
            let verify = |code: String| {
                world.post("/authentication/verify-email/", json!({ "activation_code": code }))
            };
            verify("0".repeat(64)).await.is_code("ACTIVATION_CODE_INCORRECT");
            verify(code.clone()).await.is(200, json!({ "success": "Successfully activated." }));
            verify(code).await.is_code("ACTIVATION_CODE_INCORRECT");
            ann.session().await;
        },
    );
}

#[test]
fn an_unknown_person_and_a_wrong_password_are_told_alike() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let client = BoxSecret::from_seed(world.draw());
        let mut said = ann.said("d");
        said["authkey"] = "00".repeat(64).into();
        let wrong = ann.attempt(&client, &said).await;
        wrong.is_code("USERNAME_OR_PASSWORD_WRONG");
        said["username"] = "bob@example.com".into();
        let unknown = ann.attempt(&client, &said).await;
        assert_eq!(unknown.raw, wrong.raw);
        let told =
            world.post("/authentication/prelogin/", json!({ "username": "bob@example.com" })).await.ok(200);
        assert_eq!(told["hashing_parameters"], json!({ "u": 14, "r": 8, "p": 1, "l": 64 }));
    });
}

/// Section 10: what comes instead of a box, and what lies in one, is refused and never fails.
#[test]
fn a_login_with_a_password_that_is_not_boxed_as_it_should_be_is_refused() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let (server, _) = world.server().await;
        let client = BoxSecret::from_seed(world.draw());
        let key = client.agree(&server).unwrap();
        let login = async |plain: &str, change: Value| {
            let nonce = world.draw();
            let mut body = json!({
                "public_key": to_hex(client.public().as_bytes()),
                "login_info": to_hex(&key.seal(&nonce, plain.as_bytes())),
                "login_info_nonce": to_hex(&nonce),
            });
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            world.post("/authentication/login/", body).await
        };
        let good = ann.said("d").to_string();
        let other = to_hex(BoxSecret::from_seed([1; 32]).public().as_bytes());
        let sealed = "LOGIN_INFO_CANNOT_BE_DECRYPTED";
        for change in [
            json!({ "login_info": "00".repeat(200) }),
            json!({ "login_info": "00" }),
            json!({ "login_info_nonce": "00".repeat(24) }),
            json!({ "public_key": other }),
        ] {
            login(&good, change).await.is_code(sealed);
        }
        for plain in ["x", "[]", "{", "null"] {
            login(plain, json!({})).await.is_code(sealed);
        }
        for (name, value) in [
            ("public_key", json!("zz".repeat(32))),
            ("public_key", json!("00".repeat(32))),
            ("public_key", json!("00")),
            ("login_info", json!("zz")),
            ("login_info", json!("00".repeat(16 * 1024 + 1))),
            ("login_info_nonce", json!("00")),
            ("session_duration", json!("60")),
        ] {
            let refused = login(&good, json!({ name: value })).await;
            assert!(refused.status == 400 && refused.body.get(name).is_some(), "{name}: {}", refused.body);
        }
        for name in ["username", "authkey"] {
            let mut said = ann.said("d");
            said.as_object_mut().unwrap().remove(name);
            login(&said.to_string(), json!({})).await.is(400, json!({ name: ["This field is required."] }));
        }
        login(&good, json!({})).await.ok(200);
    });
}

/// Section 3: what cannot read its store is unhealthy, and nothing else is told of it.
#[test]
fn a_server_without_its_store_is_unhealthy() {
    run(async |world| {
        let World { engine, front, router, clock, drawn } = world;
        assert!(engine.stop(Duration::from_secs(1)).await);
        let engine =
            Engine::builder(Arc::new(Memory::new(Arc::new(|| NOW_S * 1_000)))).start().await.unwrap();
        let world = World { engine, front, router, clock, drawn };
        let told = world.request("GET", "/healthcheck/", &[], "").await;
        let no = json!({ "healthy": false });
        told.is(400, json!({ "db_read": no, "db_sync": no, "time_sync": { "healthy": true } }));
    });
}

#[test]
fn registration_takes_names_of_allowed_domains_once() {
    run_with(
        |options| options.allowed_domains = vec!["Example.com".to_owned()],
        async |world| {
            let ann = world.person("ann@example.com").await;
            ann.register().await.is(400, json!({ "username": ["USERNAME_ALREADY_EXISTS"] }));
            Person::new(&world, "ann@elsewhere.com").register().await.is_code("DOMAIN_NOT_ALLOWED");
            for name in ["admin@example.com", "a b@example.com", "x@example.com"] {
                let refused = Person::new(&world, name).register().await;
                refused.is(400, json!({ "username": ["INVALID_USERNAME_FORMAT"] }));
            }
        },
    );
}

/// Exact lengths, and the floor of the work that a password is worth.
#[test]
fn a_registration_with_anything_amiss_is_refused_by_its_field() {
    run(async |world| {
        let good = Person::new(&world, "ann@example.com").registration();
        for (name, value) in [
            ("authkey", json!("00")),
            ("authkey", json!("zz".repeat(64))),
            ("public_key", json!("00".repeat(32))),
            ("public_key", json!("00".repeat(33))),
            ("private_key", json!("00".repeat(79))),
            ("private_key_nonce", json!("00".repeat(23))),
            ("secret_key", json!("00".repeat(81))),
            ("secret_key_nonce", json!(7)),
            ("user_sauce", json!("@".repeat(64))),
            ("hashing_algorithm", json!("md5")),
            ("hashing_parameters", json!({ "u": 13, "r": 8, "p": 1, "l": 64 })),
            ("hashing_parameters", json!({ "u": 14, "r": 8, "p": 1 })),
            ("email", json!("no address")),
        ] {
            let mut body = good.clone();
            body[name] = value.clone();
            let refused = world.post("/authentication/register/", body).await;
            assert_eq!(refused.status, 400, "{name} {value}");
            assert!(refused.body.get(name).is_some(), "{name}: {}", refused.body);
        }
        for name in good.as_object().unwrap().keys() {
            let mut body = good.clone();
            body.as_object_mut().unwrap().remove(name);
            let refused = world.post("/authentication/register/", body).await;
            refused.is(400, json!({ name.as_str(): ["This field is required."] }));
        }
        world.post("/authentication/register/", good).await.ok(201);
    });
}

#[test]
fn an_api_key_signs_in_and_its_answer_opens_to_its_holder_only() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let key = ann.api_key(&owner, json!({ "write": true })).await;
        let (client, said) = key.sign_in().await;
        assert_eq!((&said["api_key_read"], &said["api_key_write"]), (&json!(true), &json!(true)));
        assert_eq!(said["api_key_restrict_to_secrets"], false);
        assert_eq!(said["session_valid_till"], world.time(600_000), "ten minutes, whatever is asked");
        assert_eq!(said["user"]["username"], "ann@example.com");
        let under = BoxKey::from_bytes(key.secret);
        for (name, expected) in [("private_key", ann.private), ("secret_key", ann.secret_key)] {
            let sealed = sealed_of(&said["user"], name);
            assert_eq!(*open_key(&under, &sealed.nonce, &sealed.text).unwrap(), expected);
        }
        let told = client.get("/datastore/").await;
        assert!(told.was_sealed);
        told.is(200, json!({ "datastores": [] }));
        client.send("POST", "/authentication/logout/", json!({})).await.ok(200);
        client.get("/datastore/").await.is_unauthorized();

        let restricted = ann.api_key(&owner, json!({ "restrict_to_secrets": true })).await;
        let (_, said) = restricted.sign_in().await;
        assert_eq!(said["user"].as_object().unwrap().len(), 2, "no keys of the owner");
    });
}

/// A-API-01, A-API-02 in what the edge adds: the signature is over the text as it was sent, whatever is in it.
#[test]
fn a_signature_is_over_the_text_exactly_as_it_was_sent() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let key = ann.api_key(&ann.session().await, json!({})).await;
        let info = |session: &BoxSecret| {
            format!(
                "\n {{ \"session_public_key\" : \"{}\",\"more\":[1.50], \"api_key_id\":\"{}\" , \"device_description\":\"Gr\u{fc}\u{df}e\" }} \n",
                to_hex(session.public().as_bytes()).to_uppercase(),
                key.id.to_uuid().to_uppercase(),
            )
        };
        let session = BoxSecret::from_seed(world.draw());
        let request = LoginRequest::sign(info(&session), &key.signing);
        let answer = key.login(&request).await;
        key.opened(&session, answer).await;
        let session = BoxSecret::from_seed(world.draw());
        let signed = LoginRequest::sign(info(&session), &key.signing);
        let rewritten: Value = serde_json::from_str(&signed.info).unwrap();
        for info in [rewritten.to_string(), signed.info.trim().to_owned(), format!("{} ", signed.info)] {
            let request = LoginRequest { info, ..signed.clone() };
            key.login(&request).await.is_code("NO_PERMISSION_OR_NOT_EXIST");
        }
        let answer = key.login(&signed).await;
        key.opened(&session, answer).await;
    });
}

/// A-API-04: a login is good once.
#[test]
fn a_login_is_taken_once() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let key = ann.api_key(&owner, json!({})).await;
        let session = BoxSecret::from_seed(world.draw());
        let request = LoginRequest::new(key.id, &key.signing, &session.public(), "");
        let (client, _) = key.opened(&session, key.login(&request).await).await;
        key.login(&request).await.is_code("LOGIN_INFO_REPLAYED");
        let same_key = LoginRequest::new(key.id, &key.signing, &session.public(), "other words");
        key.login(&same_key).await.is_code("LOGIN_INFO_REPLAYED");
        client.send("POST", "/authentication/logout/", json!({})).await.ok(200);
        key.login(&request).await.is_code("LOGIN_INFO_REPLAYED");
    });
}

/// A-API-13: a key that there is not, one that is inactive, and one of somebody else's signature.
#[test]
fn whatever_is_wrong_with_a_key_is_told_alike() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let key = ann.api_key(&owner, json!({})).await;
        let session = || BoxSecret::from_seed(world.draw()).public();
        let refused = [
            LoginRequest::new(ApiKeyId::from_bytes(world.draw()), &key.signing, &session(), ""),
            LoginRequest::new(key.id, &SigningKey::from_seed(&[1; 32]), &session(), ""),
        ];
        for request in refused {
            key.login(&request).await.is_code("NO_PERMISSION_OR_NOT_EXIST");
        }
        let off = json!({ "api_key_id": key.id.to_uuid(), "active": false });
        owner.send("POST", "/api-key/", off).await.ok(200);
        let request = LoginRequest::new(key.id, &key.signing, &session(), "");
        key.login(&request).await.is_code("NO_PERMISSION_OR_NOT_EXIST");
        owner.send("DELETE", "/api-key/", json!({ "api_key_id": key.id.to_uuid() })).await.ok(200);
        key.login(&request).await.is_code("NO_PERMISSION_OR_NOT_EXIST");
    });
}

/// A-API-03, A-API-05, A-API-06, A-API-07: what is signed is read strictly, before anything is computed.
#[test]
fn a_login_that_says_something_else_is_refused_and_never_fails() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let key = ann.api_key(&ann.session().await, json!({})).await;
        let fresh = || to_hex(BoxSecret::from_seed(world.draw()).public().as_bytes());
        let good = || json!({ "api_key_id": key.id.to_uuid(), "session_public_key": fresh() });
        let with = |name: &str, value: Value| {
            let mut info = good();
            info[name] = value;
            info.to_string()
        };
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
        let mut low_order = vec!["00".repeat(32), format!("01{}", "00".repeat(31))];
        low_order.push("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800".to_owned());
        low_order.push(format!("ec{}7f", "ff".repeat(30)));
        let mut bad = vec![
            String::from("x"),
            String::from("[]"),
            String::from("{}"),
            String::from("null"),
            String::from("{\"api_key_id\":1e999}"),
            String::from("\"\\ud800\""),
            deep,
            good().to_string().replacen('{', "{\"api_key_id\":\"x\",", 1),
            with("api_key_id", json!("x")),
            with("api_key_id", json!(7)),
            with("session_public_key", json!("00")),
            with("session_public_key", json!("zz".repeat(32))),
            with("session_public_key", json!(null)),
            with("session_duration", json!("60")),
            with("session_duration", json!(1.5)),
            with("session_duration", json!(9_223_372_036_854_775_808_u64)),
            with("device_description", json!("x".repeat(257))),
            with("device_fingerprint", json!("x".repeat(129))),
            with("device_time", json!("yesterday")),
        ];
        bad.extend(low_order.into_iter().map(|key| with("session_public_key", json!(key))));
        for info in bad {
            let refused = key.login(&LoginRequest::sign(info.clone(), &key.signing)).await;
            assert_eq!(refused.status, 400, "{info}: {}", refused.body);
        }
        let not_json = key.login(&LoginRequest::sign("x".to_owned(), &key.signing)).await;
        not_json.is_code("Login info no valid json");
        for signature in [json!("00"), json!("zz".repeat(64)), json!(7), json!(null)] {
            let body = json!({ "info": good().to_string(), "signature": signature });
            assert_eq!(world.post("/api-key/login/", body).await.status, 400, "{signature}");
        }
        for (seconds, lasts_ms) in [(-1, 0), (0, 0), (60, 60_000), (i64::MAX, 600_000)] {
            let session = BoxSecret::from_seed(world.draw());
            let mut info = good();
            info["session_public_key"] = to_hex(session.public().as_bytes()).into();
            info["session_duration"] = seconds.into();
            let answer = key.login(&LoginRequest::sign(info.to_string(), &key.signing)).await;
            let (_, said) = key.opened(&session, answer).await;
            assert_eq!(said["session_valid_till"], world.time(lasts_ms), "{seconds}");
        }
    });
}

/// A client that was set up before a rotation goes on signing in, and is answered with the identity that it knows.
#[test]
fn clients_of_the_former_identity_are_answered_by_it_while_it_overlaps() {
    use strongroom_engine::domains::sessions::identity::RotateIdentity;
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let key = ann.api_key(&ann.session().await, json!({})).await;
        let (former_box, former) = world.server().await;
        for_operator(&world.engine, RotateIdentity { overlap: Duration::from_secs(3_600) }).await;
        let (_, present) = world.server().await;
        assert_ne!(former, present);
        let login = async || {
            let session = BoxSecret::from_seed(world.draw());
            let request = LoginRequest::new(key.id, &key.signing, &session.public(), "");
            let answer = key.login(&request).await.ok(200).to_string();
            (LoginAnswer::read(answer.as_bytes()).unwrap(), session)
        };
        let by_password = async || {
            let client = BoxSecret::from_seed(world.draw());
            let nonce = world.draw();
            let boxed = client.agree(&former_box).unwrap().seal(&nonce, ann.said("d").to_string().as_bytes());
            let body = json!({
                "public_key": to_hex(client.public().as_bytes()),
                "login_info": to_hex(&boxed),
                "login_info_nonce": to_hex(&nonce),
            });
            world.post("/authentication/login/", body).await
        };
        let (answer, session) = login().await;
        assert!(answer.open(&former, &session).is_ok() && answer.open(&present, &session).is_err());
        by_password().await.ok(200);
        world.advance(Duration::from_secs(3_601));
        let (answer, session) = login().await;
        assert!(answer.open(&former, &session).is_err() && answer.open(&present, &session).is_ok());
        by_password().await.is_code("LOGIN_INFO_CANNOT_BE_DECRYPTED");
        ann.session().await;
    });
}
