//! Every rule of the profile, broken once.

use super::*;

const COVERED: &str = r#""@method" "@authority" "@path" "@query""#;
const PARAMETERS: &str =
    r#";created=1573691665;keyid="k";alg="hmac-sha256";nonce="0123456789abcdef";tag="strongroom""#;
const EMPTY: &str = "sig=::";

fn refusal_of(input: &str, signature: &str) -> Refusal {
    let letter = Letter::new().add("Signature-Input", input).add("Signature", signature);
    letter.claim().err().unwrap_or(Refusal::Signature)
}

/// What becomes of a signature with these parameters; [`Refusal::Signature`] when only that is wrong with it.
fn with_parameters(parameters: &str) -> Refusal {
    refusal_of(&format!("sig=({COVERED}){parameters}"), EMPTY)
}

/// What becomes of a signature that covers this as well.
fn with_covered(also: &str) -> Refusal {
    refusal_of(&format!("sig=({COVERED} {also}){PARAMETERS}"), EMPTY)
}

#[test]
fn the_unbroken_rules_are_kept() {
    assert_eq!(with_parameters(PARAMETERS), Refusal::Signature);
    assert_eq!(with_covered("\"content-type\" \"content-digest\" \"@target-uri\""), Refusal::Signature);
}

/// A-MAC-05: a signature of another length is none.
#[test]
fn a_signature_of_another_length_is_refused() {
    let secret = secret();
    let letter = Letter::without_body().signed(&SigningKey::HmacSha256(&secret), None, &[]);
    let field = letter.fields[1].1.clone();
    let bytes = from_base64(field.trim_start_matches("sig=:").trim_end_matches(':')).unwrap();
    for length in (0..bytes.len()).chain([33, 64]) {
        let mut cut = letter.clone();
        let kept: Vec<u8> = bytes.iter().copied().chain([0; 32]).take(length).collect();
        cut.fields[1].1 = format!("sig=:{}:", crate::encoding::to_base64(&kept));
        assert_eq!(cut.accept(VerifyingKey::HmacSha256(&secret)), Err(Refusal::Signature), "{length}");
    }
}

#[test]
fn one_signature_has_the_tag_and_no_second() {
    let good = format!("sig=({COVERED}){PARAMETERS}");
    let untagged = PARAMETERS.replace(r#";tag="strongroom""#, "");
    assert_eq!(Letter::new().claim().unwrap_err(), Refusal::NoSignature);
    assert_eq!(Letter::new().add("Signature-Input", &good).claim().unwrap_err(), Refusal::NoSignature);
    assert_eq!(with_parameters(&untagged), Refusal::NoSignature);
    assert_eq!(with_parameters(&PARAMETERS.replace("\"strongroom\"", "strongroom")), Refusal::NoSignature);
    assert_eq!(with_parameters(&PARAMETERS.replace("strongroom", "Strongroom")), Refusal::NoSignature);
    assert_eq!(refusal_of(&good, "other=::"), Refusal::NoSignature);
    let both = format!("{good}, b=({COVERED}){PARAMETERS}");
    assert_eq!(refusal_of(&both, "sig=::, b=::"), Refusal::SeveralSignatures);
    let beside = format!("a=(\"date\");created=1, {good}");
    assert_eq!(refusal_of(&beside, "a=::, sig=::"), Refusal::Signature);
}

/// A-MAC-09: two lines are one list, and nothing in it stands there twice.
#[test]
fn a_field_that_is_spelled_in_another_way_is_refused() {
    let good = format!("sig=({COVERED}){PARAMETERS}");
    for bad in [
        "sig".to_owned(),
        "sig=1".to_owned(),
        "sig=(".to_owned(),
        format!("{good},"),
        format!("{good}, "),
        format!("{good},b=(){PARAMETERS}"),
        format!("{good}, {good}"),
        good.replace("sig=(", "sig=( "),
        good.replace(" \"@path\"", "  \"@path\""),
        good.replace(";keyid", "; keyid"),
        good.replace("created=1573691665", "created=01573691665"),
        good.replace(";created", ";created=1;created"),
        good.replace(";tag", ";tag=\"x\";tag"),
        good.replace("\"k\"", "\"\u{e9}\""),
        good.replace("sig=", "Sig="),
    ] {
        assert_eq!(refusal_of(&bad, EMPTY), Refusal::FieldForm, "{bad}");
    }
    for bad in
        ["sig=:AA:", "sig=:AB==:", "sig=:-_8=:", "sig=AA==", "sig=\"AA==\"", "sig=::;a", "sig=::,", "sig"]
    {
        assert_eq!(refusal_of(&good, bad), Refusal::FieldForm, "{bad}");
    }
    // A second list under the same label is not a second chance.
    assert_eq!(refusal_of(&good, "sig=(:AA==:)"), Refusal::NoSignature);
    let twice =
        Letter::new().add("Signature-Input", &good).add("signature-input", &good).add("Signature", EMPTY);
    assert_eq!(twice.claim().unwrap_err(), Refusal::FieldForm);
}

#[test]
fn every_parameter_is_there_and_in_its_form() {
    for (name, text) in [
        ("created", "created=1573691665"),
        ("keyid", "keyid=\"k\""),
        ("nonce", "nonce=\"0123456789abcdef\""),
        ("alg", "alg=\"hmac-sha256\""),
    ] {
        assert!(PARAMETERS.contains(text));
        assert_eq!(
            with_parameters(&PARAMETERS.replace(&format!(";{text}"), "")),
            Refusal::ParameterAbsent(name)
        );
        for other in [name.to_owned(), format!("{name}=tok"), format!("{name}=:AA==:"), format!("{name}=1.5")]
        {
            let refusal = with_parameters(&PARAMETERS.replace(text, &other));
            assert_eq!(refusal, Refusal::ParameterForm(name), "{other}");
        }
    }
    let nonce = |length| with_parameters(&PARAMETERS.replace("0123456789abcdef", &"n".repeat(length)));
    assert_eq!(
        [15, 16, 64, 65].map(nonce),
        [
            Refusal::ParameterForm("nonce"),
            Refusal::Signature,
            Refusal::Signature,
            Refusal::ParameterForm("nonce")
        ]
    );
    let key_id =
        |length| with_parameters(&PARAMETERS.replace("\"k\"", &format!("\"{}\"", "k".repeat(length))));
    assert_eq!(
        [0, 1, 128, 129].map(key_id),
        [
            Refusal::ParameterForm("keyid"),
            Refusal::Signature,
            Refusal::Signature,
            Refusal::ParameterForm("keyid")
        ]
    );
    assert_eq!(with_parameters(&format!("{PARAMETERS};other=1")), Refusal::ParameterUnknown);
    for bad in ["created=-1", "created=@1573691665", "created=\"1573691665\""] {
        let refusal = with_parameters(&PARAMETERS.replace("created=1573691665", bad));
        assert_eq!(refusal, Refusal::ParameterForm("created"), "{bad}");
    }
}

/// A-MAC-04.
#[test]
fn an_algorithm_in_another_spelling_is_refused() {
    for bad in
        ["none", "", "Ed25519", "HMAC-SHA256", "rsa-v1_5-sha256", "rsa-pss-sha512", "ecdsa-p256-sha256"]
    {
        assert_eq!(with_parameters(&PARAMETERS.replace("hmac-sha256", bad)), Refusal::Algorithm, "{bad}");
    }
}

/// A-MAC-03: both ends of the window and of the life, and the ends of time.
#[test]
fn a_signature_is_good_in_its_time_only() {
    let letter = |expires: &str| {
        let input = format!("sig=({COVERED}){PARAMETERS}{expires}");
        Letter::new().add("Signature-Input", &input).add("Signature", EMPTY)
    };
    let at = |expires: &str, now| letter(expires).claim_by(&PROFILE, now).err();
    let (window, ms) = (PROFILE.window, Duration::from_millis(1));
    let (late, early) = (CREATED.saturating_add(window), CREATED.saturating_sub(window));
    assert_eq!((at("", late), at("", early)), (None, None));
    assert_eq!(at("", late.saturating_add(ms)), Some(Refusal::Created));
    assert_eq!(at("", early.saturating_sub(ms)), Some(Refusal::Created));
    assert_eq!(at("", Timestamp::MAX), Some(Refusal::Created));
    assert_eq!(at("", Timestamp::from_ms(0)), Some(Refusal::Created));
    assert_eq!(at(";expires=1573691965", CREATED), None);
    assert_eq!(at(";expires=1573691966", CREATED), Some(Refusal::Expires));
    assert_eq!(at(";expires=999999999999999", CREATED), Some(Refusal::Expires));
    assert_eq!(at(";expires=1573691665", CREATED), None);
    assert_eq!(at(";expires=1573691664", CREATED), Some(Refusal::Expires));
    assert_eq!(at(";expires=1573691670", Timestamp::from_ms(1_573_691_670_999)), None);
    assert_eq!(at(";expires=1573691670", Timestamp::from_ms(1_573_691_671_000)), Some(Refusal::Expired));
    let furthest = PARAMETERS.replace("1573691665", "999999999999999");
    assert_eq!(with_parameters(&furthest), Refusal::Created);
}

#[test]
fn what_must_be_covered_is_covered() {
    for name in ["@method", "@authority", "@path", "@query"] {
        let rest =
            COVERED.split(' ').filter(|item| *item != format!("\"{name}\"")).collect::<Vec<_>>().join(" ");
        assert_eq!(refusal_of(&format!("sig=({rest}){PARAMETERS}"), EMPTY), Refusal::NotCovered(name));
    }
    assert_eq!(refusal_of(&format!("sig=(){PARAMETERS}"), EMPTY), Refusal::NotCovered("@method"));
}

/// A-MAC-10: a body is covered with its type, or it is no part of the request.
#[test]
fn a_body_that_is_not_covered_is_refused() {
    let secret = secret();
    let (signer, verifier) = (SigningKey::HmacSha256(&secret), VerifyingKey::HmacSha256(&secret));
    let bare = Letter::without_body().signed(&signer, None, &[]);
    assert!(bare.accept(verifier).is_ok());
    let stuffed = Letter { body: "x".to_owned(), ..bare };
    assert_eq!(stuffed.accept(verifier), Err(Refusal::NotCovered("content-digest")));
    let untyped = Letter { body: String::new(), ..Letter::new() }.signed(&signer, None, &["content-digest"]);
    assert_eq!(untyped.accept(verifier), Err(Refusal::Digest));
    let untyped = Letter { body: BODY.to_owned(), ..untyped };
    assert_eq!(untyped.accept(verifier), Err(Refusal::NotCovered("content-type")));
    let other = Letter { body: format!("{BODY} "), ..Letter::new().signed(&signer, None, &[]) };
    assert_eq!(other.accept(verifier), Err(Refusal::Digest));
}

#[test]
fn a_component_that_is_not_known_is_refused() {
    for bad in [
        "\"@scheme\"",
        "\"@request-target\"",
        "\"@query-param\";name=\"x\"",
        "\"@status\"",
        "\"@signature-params\"",
        "\"@\"",
        "\"\"",
        "\"Content-Type\"",
        "\"content type\"",
        "\"content-type\\\"\"",
        "\"content-type\";bs",
        "\"content-type\";tr",
        "\"content-type\";sf",
        "\"content-type\";req",
        "\"content-type\";req=?0",
        "\"content-digest\";key=\"sha-256\"",
        "\"@path\";req",
        "\"@path\";key=\"x\"",
        "content-type",
        ":AA==:",
        "1",
    ] {
        assert_eq!(with_covered(bad), Refusal::Component, "{bad}");
    }
    assert_eq!(with_covered("\"@path\""), Refusal::ComponentRepeated);
    assert_eq!(with_covered("\"date\""), Refusal::FieldAbsent);
}

/// A-MAC-09: a reader may take the first of two lines, a verifier joins them.
#[test]
fn a_single_field_that_is_repeated_is_refused() {
    let input = format!("sig=({COVERED} \"content-type\"){PARAMETERS}");
    let letter =
        Letter::new().add("Signature-Input", &input).add("Signature", EMPTY).add("content-type", "text/html");
    assert_eq!(letter.claim().unwrap_err(), Refusal::FieldRepeated);
}

/// A value with a line feed would write a second line of the base.
#[test]
fn a_part_that_is_not_printable_is_refused() {
    let input = format!("sig=({COVERED} \"x\"){PARAMETERS}");
    let letter = || Letter::new().add("Signature-Input", &input).add("Signature", EMPTY);
    for bad in ["a\n\"@path\": /", "a\rb", "\0", "\u{7f}", "caf\u{e9}"] {
        assert_eq!(letter().add("x", bad).claim().unwrap_err(), Refusal::Text, "{bad:?}");
        let letter = Letter { path: format!("/{bad}"), ..letter().add("x", "a\tb") };
        assert_eq!(letter.claim().unwrap_err(), Refusal::Text, "{bad:?}");
    }
    assert!(letter().add("x", "a\tb").claim().is_ok());
}

/// A-HTTP-08: a request for another name is refused before its signature is looked at.
#[test]
fn a_request_for_another_name_is_refused() {
    let input = format!("sig=({COVERED}){PARAMETERS}");
    let letter = Letter::new().add("Signature-Input", &input).add("Signature", EMPTY);
    for bad in [
        "keys.example.evil",
        "evil",
        "",
        "keys.example:8443",
        "keys.example:80",
        "keys.example.",
        "a@keys.example",
    ] {
        let letter = Letter { authority: bad.to_owned(), ..letter.clone() };
        assert_eq!(letter.claim().unwrap_err(), Refusal::Authority, "{bad:?}");
    }
    let nowhere = Profile { authorities: &[], ..PROFILE };
    assert_eq!(letter.claim_by(&nowhere, CREATED).unwrap_err(), Refusal::Authority);
}

#[test]
fn a_digest_in_another_form_is_refused() {
    let check = |field: &str| check_content_digest(&[("Content-Digest", field)], BODY.as_bytes());
    let (good, long) = (
        content_digest(DigestAlgorithm::Sha256, BODY.as_bytes()),
        content_digest(DigestAlgorithm::Sha512, BODY.as_bytes()),
    );
    assert_eq!(check(&format!("{good}, {long}")), Ok(()));
    assert_eq!(check(&long.replace("sha-512", "sha-256")), Err(Refusal::Digest));
    assert_eq!(check(&format!("{good}, sha-512=::")), Err(Refusal::Digest));
    assert_eq!(check("sha-256=::"), Err(Refusal::Digest));
    assert_eq!(check(&format!("md5=:AAAA:, {good}")), Err(Refusal::DigestAlgorithm));
    assert_eq!(check("sha=:AAAA:"), Err(Refusal::DigestAlgorithm));
    for bad in [
        "sha-256",
        "sha-256=1",
        "sha-256=(:AAAA:)",
        &format!("{good};a"),
        &format!("{good}, {good}"),
        "sha-256=:A:",
    ] {
        assert_eq!(check(bad), Err(Refusal::FieldForm), "{bad}");
    }
    assert_eq!(check(""), Err(Refusal::FieldForm));
    assert_eq!(check_content_digest(&[], b""), Err(Refusal::FieldAbsent));
}

/// Limits at the edge, one over and ten times over.
#[test]
fn sizes_and_counts_are_bounded() {
    let long = |bytes: usize| {
        let start = "sig=(".len() + COVERED.len() + ")".len() + PARAMETERS.len() + ", a=();x=\"\"".len();
        format!("sig=({COVERED}){PARAMETERS}, a=();x=\"{}\"", "y".repeat(bytes - start))
    };
    assert_eq!(refusal_of(&long(FIELD_BYTES_MAX), EMPTY), Refusal::Signature);
    assert_eq!(refusal_of(&long(FIELD_BYTES_MAX + 1), EMPTY), Refusal::FieldLength);
    assert_eq!(refusal_of(&long(FIELD_BYTES_MAX * 10), EMPTY), Refusal::FieldLength);
    let many = |count: usize| {
        let others: String = (1..count).map(|at| format!(", a{at}=()")).collect();
        refusal_of(&format!("sig=({COVERED}){PARAMETERS}{others}"), EMPTY)
    };
    assert_eq!(many(SIGNATURES_MAX), Refusal::Signature);
    assert_eq!((many(SIGNATURES_MAX + 1), many(SIGNATURES_MAX * 10)), (Refusal::TooMany, Refusal::TooMany));
    let covering = |count: usize| {
        let names: Vec<_> = (4..count).map(|at| format!("x{at}")).collect();
        let input = names.iter().map(|name| format!(" \"{name}\"")).collect::<String>();
        let letter = names.iter().fold(Letter::new(), |letter, name| letter.add(name, ""));
        let letter = letter.add("Signature-Input", &format!("sig=({COVERED}{input}){PARAMETERS}"));
        letter.add("Signature", EMPTY).claim().err()
    };
    assert_eq!(covering(COMPONENTS_MAX), None);
    assert_eq!(covering(COMPONENTS_MAX + 1), Some(Refusal::TooMany));
    assert_eq!(covering(COMPONENTS_MAX * 10), Some(Refusal::TooMany));
}

/// A signer is told before it sends what would be refused.
#[test]
fn what_would_be_refused_is_not_signed() {
    let secret = secret();
    let good = Parameters { key_id: KEY_ID, nonce: NONCE, created: CREATED, expires: None };
    let sign = |letter: &Letter, has_body, also: &[&str], parameters: &Parameters<'_>| {
        let key = SigningKey::HmacSha256(&secret);
        letter.with(|request| sign_request(request, has_body, also, parameters, &key)).unwrap_err()
    };
    let (bare, full) = (Letter::without_body(), Letter::new());
    assert_eq!(sign(&bare, true, &[], &good), Refusal::FieldAbsent);
    assert_eq!(sign(&full, true, &["content-type"], &good), Refusal::ComponentRepeated);
    assert_eq!(sign(&full, true, &["Content-Length"], &good), Refusal::Component);
    assert_eq!(sign(&full, true, &["@status"], &good), Refusal::Component);
    assert_eq!(
        sign(&bare, false, &[], &Parameters { nonce: "short", ..good }),
        Refusal::ParameterForm("nonce")
    );
    assert_eq!(sign(&bare, false, &[], &Parameters { key_id: "", ..good }), Refusal::ParameterForm("keyid"));
    assert_eq!(
        sign(&bare, false, &[], &Parameters { key_id: "\n", ..good }),
        Refusal::ParameterForm("keyid")
    );
    let never = Parameters { created: Timestamp::MAX, ..good };
    assert_eq!(sign(&bare, false, &[], &never), Refusal::ParameterForm("created"));
    let many: Vec<_> = (0..COMPONENTS_MAX).map(|at| format!("x{at}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(sign(&bare, false, &many, &good), Refusal::TooMany);
    assert_eq!(sign(&Letter { path: "/\n".to_owned(), ..bare }, false, &[], &good), Refusal::Text);
}
