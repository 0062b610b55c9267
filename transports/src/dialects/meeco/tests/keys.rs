//! KEK, DEKs and key pairs: section 5 of the page and its rows of section 10.

use super::*;

const MISSING: &str = "00000000-0000-0000-0000-000000000000";

fn pair(more: Value) -> Value {
    let mut body = json!({
        "public_key": key_pair("rsa2048").0,
        "encrypted_serialized_key": wrapped("private key"),
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Keeps a key pair; gives its id.
pub(super) async fn create_pair(holder: &Caller<'_>, more: Value) -> String {
    text(&holder.post("/keypairs", pair(more)).await.ok(201)["keypair"]["id"])
}

async fn create_dek(holder: &Caller<'_>, plain: &str) -> String {
    let body = json!({ "serialized_data_encryption_key": wrapped(plain) });
    text(&holder.post("/data_encryption_keys", body).await.ok(201)["data_encryption_key"]["id"])
}

/// Row "Second KEK". A-KEY-01.
#[test]
fn a_kek_is_written_once_and_read_by_its_owner() {
    run(async |world| {
        let caller = world.signed_in().await;
        caller.get("/key_encryption_key").await.is(404, "not_found");
        let kek = json!({ "serialized_key_encryption_key": wrapped("kek") });
        let created = caller.post("/key_encryption_key", kek.clone()).await.ok(201);
        let expected = json!({ "key_encryption_key": {
            "id": created["key_encryption_key"]["id"],
            "serialized_key_encryption_key": wrapped("kek"),
        }});
        assert_eq!(created, expected);
        let other = json!({ "serialized_key_encryption_key": wrapped("another") });
        for second in [kek, other] {
            caller.post("/key_encryption_key", second).await.is(409, "key_encryption_key_exists");
        }
        assert_eq!(caller.get("/key_encryption_key").await.ok(200), expected);
        world.signed_in().await.get("/key_encryption_key").await.is(404, "not_found");
    });
}

/// The exception: an enrolment that was cut off begins anew, until the user has a vault account.
#[test]
fn an_enrolment_restarts_until_there_is_a_vault_account() {
    run(async |world| {
        let holder = world.holder().await;
        let (dek, pair) = (create_dek(&holder, "dek").await, create_pair(&holder, json!({})).await);
        let second = json!({ "serialized_key_encryption_key": wrapped("second") });
        for target in ["/key_encryption_key?restart=false", "/key_encryption_key?restart=1"] {
            holder.post(target, second.clone()).await.is(409, "key_encryption_key_exists");
        }
        holder
            .post("/key_encryption_key?restart=true", json!({}))
            .await
            .is_about("serialized_key_encryption_key");
        let plain = json!({ "serialized_key_encryption_key": "plain" });
        holder
            .post("/key_encryption_key?restart=true", plain)
            .await
            .is_about("serialized_key_encryption_key");
        holder.get(&format!("/data_encryption_keys/{dek}")).await.ok(200);

        let body = holder.post("/key_encryption_key?restart=true", second.clone()).await.ok(201);
        assert_eq!(body["key_encryption_key"]["serialized_key_encryption_key"], wrapped("second"));
        holder.get(&format!("/data_encryption_keys/{dek}")).await.is(404, "not_found");
        holder.get(&format!("/keypairs/{pair}")).await.is(404, "not_found");

        let (enrolled, _) = world.both("rsa2048").await;
        enrolled.post("/key_encryption_key?restart=true", second).await.is(409, "vault_user_exists");
    });
}

#[test]
fn deks_are_kept_read_and_deleted() {
    run(async |world| {
        let holder = world.holder().await;
        let id = create_dek(&holder, "dek").await;
        let path = format!("/data_encryption_keys/{id}");
        let expected = json!({ "data_encryption_key": {
            "id": id, "serialized_data_encryption_key": wrapped("dek"),
        }});
        assert_eq!(holder.get(&path).await.ok(200), expected);
        assert_eq!(
            holder
                .get(&path.to_uppercase().replace("/DATA_ENCRYPTION_KEYS", "/data_encryption_keys"))
                .await
                .ok(200),
            expected
        );
        holder.delete(&path).await.gone();
        holder.get(&path).await.is(404, "not_found");
        holder.delete(&path).await.is(404, "not_found");
    });
}

#[test]
fn without_a_kek_nothing_can_be_wrapped_by_it() {
    run(async |world| {
        let caller = world.signed_in().await;
        let dek = json!({ "serialized_data_encryption_key": wrapped("dek") });
        caller.post("/data_encryption_keys", dek).await.is(404, "not_found");
        caller.post("/keypairs", pair(json!({}))).await.is(404, "not_found");
    });
}

/// Rows "KEK, DEK, keypair, item, slot missing or another user's". A-KEY-02: the same bytes for both.
#[test]
fn anothers_keys_are_as_missing_as_those_that_never_were() {
    run(async |world| {
        let (owner, other) = (world.holder().await, world.holder().await);
        let dek = create_dek(&owner, "dek").await;
        let id = create_pair(&owner, json!({ "external_identifiers": ["auth"] })).await;
        let ids = |id: &str| [id.to_owned(), MISSING.to_owned(), "no-id-at-all".to_owned()];
        let mut answers = Vec::new();
        for id in ids(&dek) {
            answers.push(other.get(&format!("/data_encryption_keys/{id}")).await);
            answers.push(other.delete(&format!("/data_encryption_keys/{id}")).await);
        }
        for id in ids(&id) {
            let path = format!("/keypairs/{id}");
            answers.push(other.get(&path).await);
            answers.push(other.delete(&path).await);
            answers.push(other.patch(&path, json!({ "metadata": {} })).await);
        }
        answers.push(other.get("/keypairs/external_id/auth").await);
        answers.push(other.get("/keypairs/external_id/never").await);
        for answer in &answers {
            answer.is(404, "not_found");
            assert_eq!(answer.0.body, answers[0].0.body);
        }
        owner.get(&format!("/data_encryption_keys/{dek}")).await.ok(200);
        owner.get(&format!("/keypairs/{id}")).await.ok(200);
    });
}

/// Rows "wrapped key not a cryppo string, wrong strategy, bad base64, unknown artefact version" and "plain PEM or plain
/// key in a wrapped field". A-KEY-03.
#[test]
fn what_is_no_wrapped_key_is_refused_by_the_name_of_its_field() {
    run(async |world| {
        let holder = world.holder().await;
        let good = wrapped("key");
        let parts: Vec<&str> = good.split('.').collect();
        let yaml = |text: &str| {
            let artefacts = strongroom_primitives::encoding::to_base64url_padded(text.as_bytes());
            format!("Aes256Gcm.{}.{artefacts}", parts[1])
        };
        let bomb = format!("---\n{}\n", "a: &a [*a,*a]\n".repeat(40));
        let mut bad = vec![
            "plain".to_owned(),
            strongroom_primitives::encoding::to_base64url_padded(&[7; 32]),
            "-----BEGIN RSA PRIVATE KEY-----\r\nMIIEowIBAAKCAQEA\r\n-----END RSA PRIVATE KEY-----\r\n"
                .to_owned(),
            key_pair("rsa2048").0,
            format!("{}.{}", parts[0], parts[1]),
            format!("{good}.more"),
            format!("{good}.Pbkdf2Hmac.QQUAAAAA"),
            good.replacen("Aes256Gcm", "Aes256Ofb", 1),
            good.replacen("Aes256Gcm", "aes256gcm", 1),
            good.replacen("Aes256Gcm", "Rsa2048", 1),
            good.trim_end_matches('=').to_owned(),
            format!("{}.!!!!.{}", parts[0], parts[2]),
            format!("{}..{}", parts[0], parts[2]),
            format!("{}.{}.Qg==", parts[0], parts[1]),
            format!("{good}\n"),
            yaml("---\niv: !ruby/object:Kernel {}\n"),
            yaml(&bomb),
        ];
        bad.push("x".repeat(4_097));
        for text in &bad {
            for (path, field) in [
                ("/key_encryption_key?restart=true", "serialized_key_encryption_key"),
                ("/data_encryption_keys", "serialized_data_encryption_key"),
            ] {
                holder.post(path, json!({ field: text })).await.is_about(field);
            }
            let body = pair(json!({ "encrypted_serialized_key": text }));
            holder.post("/keypairs", body).await.is_about("encrypted_serialized_key");
        }
        for wrong in [json!(null), json!(1), json!(""), json!({}), json!([good])] {
            let body = json!({ "serialized_data_encryption_key": wrong });
            holder.post("/data_encryption_keys", body).await.is_about("serialized_data_encryption_key");
            let body = pair(json!({ "encrypted_serialized_key": wrong }));
            holder.post("/keypairs", body).await.is_about("encrypted_serialized_key");
        }
    });
}

/// Both forms of artefacts that clients write are kept as they came.
#[test]
fn strings_of_every_generation_are_kept_as_they_came() {
    run(async |world| {
        let holder = world.holder().await;
        let vectors = vectors();
        let cases = vectors["aes_gcm"]["cases"].as_array().unwrap();
        for case in cases.iter().filter(|case| case["plaintext"] != "") {
            let serialized = &case["serialized"];
            let body = json!({ "serialized_data_encryption_key": serialized });
            let created = holder.post("/data_encryption_keys", body).await.ok(201);
            let id = text(&created["data_encryption_key"]["id"]);
            let read = holder.get(&format!("/data_encryption_keys/{id}")).await.ok(200);
            assert_eq!(read["data_encryption_key"]["serialized_data_encryption_key"], *serialized);
        }
    });
}

/// Limits of sizes: 4 KiB, 32 KiB, 8 KiB.
#[test]
fn a_wrapped_key_at_its_limit_is_kept_and_one_over_it_is_not() {
    run(async |world| {
        let holder = world.holder().await;
        let of_bytes = |max: usize| {
            // Three plain bytes are four of text; the shortest string says what the rest takes.
            let rest = wrapped("abc").len() - 4;
            wrapped(&"x".repeat((max - rest) / 4 * 3))
        };
        for (max, field, path) in [
            (4 * 1024, "serialized_data_encryption_key", "/data_encryption_keys"),
            (32 * 1024, "encrypted_serialized_key", "/keypairs"),
        ] {
            let fits = of_bytes(max);
            assert!(max - fits.len() < 4);
            let body = |text: &str| match path {
                "/keypairs" => pair(json!({ field: text })),
                _ => json!({ field: text }),
            };
            holder.post(path, body(&fits)).await.ok(201);
            holder.post(path, body(&of_bytes(max + 4))).await.is_about(field);
        }
        let long = pair(json!({ "public_key": "x".repeat(8 * 1024 + 1) }));
        holder.post("/keypairs", long).await.is_about("public_key");
    });
}

#[test]
fn an_account_keeps_so_many_keys_and_no_more() {
    let limits = Limits { account_keys_max: 2, ..Limits::default() };
    Setup { limits, ..Setup::default() }.run(async |world| {
        let holder = world.holder().await;
        let dek = create_dek(&holder, "one").await;
        create_pair(&holder, json!({})).await;
        let body = json!({ "serialized_data_encryption_key": wrapped("three") });
        holder.post("/data_encryption_keys", body).await.is(403, "quota_exceeded");
        holder.post("/keypairs", pair(json!({}))).await.is(403, "quota_exceeded");
        holder.delete(&format!("/data_encryption_keys/{dek}")).await.gone();
        create_pair(&holder, json!({})).await;
    });
}

/// A-KEY-07: nothing here lists keys, so no answer grows with them: each is read by its name.
#[test]
fn one_of_many_keys_is_read_by_its_name() {
    run(async |world| {
        let holder = world.holder().await;
        let mut ids = Vec::new();
        for number in 0..200 {
            ids.push(create_dek(&holder, &format!("dek {number}")).await);
        }
        for (number, id) in ids.iter().enumerate() {
            let body = holder.get(&format!("/data_encryption_keys/{id}")).await.ok(200);
            let expected = wrapped(&format!("dek {number}"));
            assert_eq!(body["data_encryption_key"]["serialized_data_encryption_key"], expected);
        }
        for path in ["/data_encryption_keys", "/keypairs"] {
            holder.get(path).await.is(404, "not_found");
        }
    });
}

/// Row "external identifier already used by this user".
#[test]
fn an_external_identifier_belongs_to_one_pair_of_a_user() {
    run(async |world| {
        let (holder, other) = (world.holder().await, world.holder().await);
        let first = create_pair(&holder, json!({ "external_identifiers": ["auth", "second"] })).await;
        create_pair(&other, json!({ "external_identifiers": ["auth"] })).await;
        let taken = pair(json!({ "external_identifiers": ["new", "auth"] }));
        holder.post("/keypairs", taken).await.is(409, "external_identifier_taken");
        holder.get("/keypairs/external_id/new").await.is(404, "not_found");
        let twice = pair(json!({ "external_identifiers": ["a", "a"] }));
        holder.post("/keypairs", twice).await.is(409, "external_identifier_taken");

        let second = create_pair(&holder, json!({})).await;
        let update = json!({ "external_identifiers": ["second"] });
        let path = format!("/keypairs/{second}");
        holder.patch(&path, update.clone()).await.is(409, "external_identifier_taken");
        holder
            .patch(&format!("/keypairs/{first}"), json!({ "external_identifiers": ["auth"] }))
            .await
            .ok(200);
        let body = holder.patch(&path, update).await.ok(200);
        assert_eq!(body["keypair"]["external_identifiers"], json!(["second"]));
        holder.delete(&path).await.gone();
        create_pair(&holder, json!({ "external_identifiers": ["second"] })).await;
    });
}

/// A-KEY-08: kept and given back as it came, found by its percent-encoded text, a slash included.
#[test]
fn external_identifiers_are_any_text_and_found_percent_encoded() {
    run(async |world| {
        let holder = world.holder().await;
        let names = [
            ("a/b", "a%2Fb"),
            ("100 %", "100%20%25"),
            ("=HYPERLINK(\"x\")", "%3DHYPERLINK(%22x%22)"),
            ("<script>alert(1)</script>", "%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
            ("\u{202e}right to left", "%E2%80%AEright%20to%20left"),
            ("external_id", "external_id"),
            ("a+b", "a+b"),
        ];
        for (name, encoded) in names {
            let id = create_pair(&holder, json!({ "external_identifiers": [name] })).await;
            let body = holder.get(&format!("/keypairs/external_id/{encoded}")).await.ok(200);
            assert_eq!(body["keypair"]["id"], id);
            assert_eq!(body["keypair"]["external_identifiers"], json!([name]));
        }
        holder.get("/keypairs/external_id/a/b").await.is(404, "not_found");
        // No path carries a control character; what is called so is found by its id.
        let id = create_pair(&holder, json!({ "external_identifiers": ["a\u{7}b"] })).await;
        let body = holder.get(&format!("/keypairs/{id}")).await.ok(200);
        assert_eq!(body["keypair"]["external_identifiers"], json!(["a\u{7}b"]));
    });
}

#[test]
fn external_identifiers_have_one_to_255_characters_and_are_at_most_sixteen() {
    run(async |world| {
        let holder = world.holder().await;
        let longest = "鍵".repeat(255);
        create_pair(&holder, json!({ "external_identifiers": [longest] })).await;
        let many: Vec<String> = (0..17).map(|number| number.to_string()).collect();
        for bad in [json!([""]), json!(["x".repeat(256)]), json!(many), json!([1]), json!("auth"), json!({})]
        {
            let body = pair(json!({ "external_identifiers": bad }));
            holder.post("/keypairs", body).await.is_about("external_identifiers");
        }
    });
}

#[test]
fn metadata_is_an_object_of_sixteen_kibibytes_and_eight_levels() {
    run(async |world| {
        let holder = world.holder().await;
        let levels = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
        // The object around it takes 8 bytes.
        let of_bytes = |bytes: usize| json!({ "a": "x".repeat(bytes - 8) });
        for good in [json!({}), json!({"a": [1, "two", null]}), levels(8), of_bytes(16 * 1024)] {
            let created = holder.post("/keypairs", pair(json!({ "metadata": good }))).await.ok(201);
            assert_eq!(created["keypair"]["metadata"], good);
        }
        let bad = [json!([]), json!("text"), json!(1), levels(9), of_bytes(16 * 1024 + 1)];
        let id = create_pair(&holder, json!({})).await;
        for bad in bad {
            holder.post("/keypairs", pair(json!({ "metadata": bad }))).await.is_about("metadata");
            holder.patch(&format!("/keypairs/{id}"), json!({ "metadata": bad })).await.is_about("metadata");
        }
        let body = holder.patch(&format!("/keypairs/{id}"), json!({ "metadata": {"b": 2} })).await.ok(200);
        assert_eq!(body["keypair"]["metadata"], json!({"b": 2}));
        let body = holder.patch(&format!("/keypairs/{id}"), json!({})).await.ok(200);
        assert_eq!(body["keypair"]["metadata"], json!({"b": 2}), "what is not named stays");
    });
}

/// Row "Public key not PEM, private key, not RSA, under 2048 bits". Kept as it came, line ends included.
#[test]
fn a_public_key_that_is_none_is_refused_and_a_good_one_kept_as_it_came() {
    run(async |world| {
        let holder = world.holder().await;
        for bad in bad_public_keys() {
            let body = pair(json!({ "public_key": bad }));
            holder.post("/keypairs", body).await.is(400, "invalid_public_key");
        }
        let unix = key_pair("rsa4096").0.replace("\r\n", "\n");
        for good in [key_pair("rsa4096").0, unix] {
            let body = holder.post("/keypairs", pair(json!({ "public_key": good }))).await.ok(201);
            assert_eq!(body["keypair"]["public_key"], good);
        }
    });
}

/// Texts that are no public key that is taken. A-TOK-08.
pub(super) fn bad_public_keys() -> Vec<String> {
    let (good, private) = key_pair("rsa2048");
    vec![
        "not PEM".to_owned(),
        good.replace("PUBLIC KEY", "RSA PUBLIC KEY"),
        good[..200].to_owned(),
        format!("{good}{good}"),
        private.expose_pem().expose().to_owned(),
        // Ed25519.
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
         -----END PUBLIC KEY-----\n"
            .to_owned(),
        rsa_pem(128, 1, &[1, 0, 1]),
        rsa_pem(256, 0, &[1, 0, 1]),
        rsa_pem(256, 1, &[1]),
        rsa_pem(256, 1, &[2]),
        rsa_pem(2_048, 1, &[1, 0, 1]),
    ]
}

/// A public key in PEM with a modulus of so many bytes, whose last bit is `odd`, and this exponent. Not every one is
/// good for something.
fn rsa_pem(bytes: usize, odd: u8, exponent: &[u8]) -> String {
    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let skipped = length.iter().take_while(|byte| **byte == 0).count().min(3);
        let length = &length[skipped..];
        let mut der = vec![tag];
        if content.len() >= 0x80 {
            der.push(0x80 | u8::try_from(length.len()).unwrap());
        }
        der.extend_from_slice(length);
        der.extend_from_slice(content);
        der
    }
    let mut modulus = vec![0x9d; bytes + 1];
    (modulus[0], modulus[bytes]) = (0, 0x9c | odd);
    let key = [tagged(2, &modulus), tagged(2, exponent)].concat();
    let bits = [&[0][..], &tagged(0x30, &key)].concat();
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let spki = tagged(0x30, &[&algorithm[..], &tagged(3, &bits)].concat());
    let text = strongroom_primitives::encoding::to_base64(&spki);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\r\n{}\r\n-----END PUBLIC KEY-----\r\n", lines.join("\r\n"))
}

#[test]
fn a_key_of_the_tests_that_differs_from_a_bad_one_in_one_thing_is_good() {
    strongroom_primitives::rsa::PublicKey::from_pem(&rsa_pem(256, 1, &[1, 0, 1])).unwrap();
}
