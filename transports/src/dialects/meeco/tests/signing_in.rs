//! Usernames, registration, challenges and proofs: sections 2, 5 and 9 of the page, and its rows of section 10.

use std::time::Duration;

use futures_util::future::join_all;
use strongroom_primitives::encoding::array_from_hex;

use super::*;

const VERIFIER_OK: &str = "04";
const SALT_OK: &str = "00112233445566778899aabbccddeeff";

fn registration(username: &str, salt: &str, verifier: &str) -> Value {
    json!({ "username": username, "srp_salt": salt, "srp_verifier": verifier })
}

/// N of the group, in hexadecimal.
fn modulus() -> String {
    text(&vectors()["srp"]["N"])
}

/// N - 1: the last digit of N is odd.
fn modulus_less_one() -> String {
    let n = modulus();
    let last = n.chars().last().unwrap().to_digit(16).unwrap();
    format!("{}{:x}", &n[..511], last - 1)
}

/// Every case of the vectors, of which A, B, S or the salt begin with a zero byte: the client hashes B exactly as it
/// came, so all 512 digits must travel. A-SRP-03.
#[test]
fn every_handshake_of_the_vectors_goes_through_with_its_leading_zeros() {
    let vectors = vectors();
    let cases = vectors["srp"]["cases"].as_array().unwrap();
    let mut with_zeros = 0;
    for case in cases {
        Setup { sign_up: SignUp::Chosen, ..Setup::default() }.run(async |world| {
            let (name, a, b) = (text(&case["username_utf8"]), text(&case["srp_A"]), text(&case["srp_B"]));
            let body =
                registration(&name, case["salt"].as_str().unwrap(), case["verifier_v"].as_str().unwrap());
            world.keystore().post("/srp/users", body).await.ok(201);
            let secret = array_from_hex(case["server_secret_b"].as_str().unwrap()).unwrap();
            world.chance.next.lock().unwrap().push_back(secret);
            let body = json!({ "username": name, "srp_a": a });
            let answer = world.keystore().post("/srp/challenges", body).await.ok(200);
            let expected = json!({"challenge": {"challenge_salt": case["salt"], "challenge_b": b}});
            assert_eq!(answer, expected, "{}", case["name"]);
            assert_eq!(b.len(), 512);
            let body = json!({ "username": name, "srp_a": a, "srp_m": case["M1"] });
            world.keystore().post("/srp/session", body).await.ok(201);
            with_zeros += usize::from(b.starts_with("00"));
        });
    }
    assert!(with_zeros > 0, "one B of the vectors begins with a zero byte");
}

/// A shorter spelling of A and one in capital letters mean the same number. A-SRP-03.
#[test]
fn a_value_means_the_same_without_its_leading_zeros_and_in_capital_letters() {
    let vectors = vectors();
    let cases = vectors["srp"]["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["srp_A"].as_str().unwrap().starts_with("00")).unwrap();
    Setup { sign_up: SignUp::Chosen, ..Setup::default() }.run(async |world| {
        let (name, a) = (text(&case["username_utf8"]), text(&case["srp_A"]));
        let verifier = text(&case["verifier_v"]).to_uppercase();
        let body = registration(&name, case["salt"].as_str().unwrap(), &verifier);
        world.keystore().post("/srp/users", body).await.ok(201);
        let secret = array_from_hex(case["server_secret_b"].as_str().unwrap()).unwrap();
        world.chance.next.lock().unwrap().push_back(secret);
        let body = json!({ "username": name, "srp_a": a[2..].to_uppercase() });
        world.keystore().post("/srp/challenges", body).await.ok(200);
        let m = text(&case["M1"]).to_uppercase();
        let body = json!({ "username": name, "srp_a": a, "srp_m": m });
        world.keystore().post("/srp/session", body).await.ok(201);
    });
}

#[test]
fn a_username_is_kept_for_an_hour_and_used_up_by_registering() {
    run(async |world| {
        let body = world.keystore().post("/srp/username", json!({})).await.ok(200);
        let name = text(&body["username"]);
        assert_eq!(body, json!({ "username": name, "expires_at": "2026-05-28T21:26:40Z" }));
        assert_eq!(name.len(), 11);
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
        world.advance(Duration::from_secs(3_600));
        let body =
            world.keystore().post("/srp/users", registration(&name, SALT_OK, VERIFIER_OK)).await.ok(201);
        assert_eq!(body, json!({ "user": { "id": body["user"]["id"], "username": name } }));
        assert_eq!(text(&body["user"]["id"]).split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);

        let late = world.keystore().post("/srp/username", json!({})).await.ok(200);
        world.advance(Duration::from_millis(3_600_001));
        let late = registration(late["username"].as_str().unwrap(), SALT_OK, VERIFIER_OK);
        world.keystore().post("/srp/users", late).await.is(400, "username_not_reserved");
        let own = registration("chosenByMyself", SALT_OK, VERIFIER_OK);
        world.keystore().post("/srp/users", own).await.is(400, "username_not_reserved");
    });
}

#[test]
fn where_nobody_can_sign_up_nobody_can() {
    Setup { sign_up: SignUp::Closed, ..Setup::default() }.run(async |world| {
        world.keystore().post("/srp/username", json!({})).await.is(403, "sign_up_closed");
        let body = registration("somebody", SALT_OK, VERIFIER_OK);
        world.keystore().post("/srp/users", body).await.is(403, "sign_up_closed");
    });
}

/// Row "Existing username on registration". A-SRP-12: taken names can only be those that were given out.
#[test]
fn a_taken_username_changes_nothing() {
    run(async |world| {
        let user = world.user().await;
        user.who_guesses().register().await.is(400, "username_taken");
        user.register().await.is(400, "username_taken");
        user.prove().await.ok(201);
        user.who_guesses().prove().await.is(401, "login_failed");
    });
}

/// Rows "not even-length hex", "verifier 0, 1, N - 1, N or more; username with `.`" and "missing, empty, wrong-typed or
/// over-long field". A-SRP-11, A-SRP-14.
#[test]
fn a_registration_with_a_bad_field_names_it() {
    Setup { sign_up: SignUp::Chosen, ..Setup::default() }.run(async |world| {
        let n = modulus();
        let register = async |body: Value| world.keystore().post("/srp/users", body).await;
        let above = format!("{}f", &n[..511]);
        let zero = "0".repeat(512);
        let long = "ab".repeat(257);
        let longer = "ab".repeat(400_000);
        let less_one = modulus_less_one();
        for bad in
            ["00", "", "01", &zero, &less_one, &n, &above, &long, &longer, "abc", "xy", "-1", "0x04", " 04"]
        {
            register(registration("name", SALT_OK, bad)).await.is_about("srp_verifier");
        }
        let (short, long) = ("ab".repeat(15), "ab".repeat(65));
        for bad in ["", &short, &long, &longer, "abc", "zz"] {
            register(registration("name", bad, VERIFIER_OK)).await.is_about("srp_salt");
        }
        let too_long = "x".repeat(129);
        for bad in ["", "a.b", "a b", "a\0", "name ", "näme", "n\u{430}me", &too_long] {
            register(registration(bad, SALT_OK, VERIFIER_OK)).await.is_about("username");
        }
        for (field, value) in [("username", json!(1)), ("srp_salt", json!([])), ("srp_verifier", json!(null))]
        {
            let mut body = registration("name", SALT_OK, VERIFIER_OK);
            body[field] = value;
            register(body.clone()).await.is_about(field);
            body.as_object_mut().unwrap().remove(field);
            register(body).await.is_about(field);
        }
        register(registration("name", SALT_OK, VERIFIER_OK)).await.ok(201);
    });
}

/// Row "`srp_a` = 0 mod N". A-SRP-01, A-SRP-02, A-SRP-03: refused before any secret is touched, and no challenge is open.
#[test]
fn a_client_value_that_is_none_of_the_group_is_refused() {
    run(async |world| {
        let user = world.user().await;
        let challenge = async |a: &str| {
            world.keystore().post("/srp/challenges", json!({ "username": user.name, "srp_a": a })).await
        };
        let prove = async |a: &str| {
            let body = json!({ "username": user.name, "srp_a": a, "srp_m": "ab".repeat(32) });
            world.keystore().post("/srp/session", body).await
        };
        let vectors = vectors();
        let mut bad: Vec<String> = vectors["srp"]["must_reject_A"]
            .as_array()
            .unwrap()
            .iter()
            .map(|case| text(&case["srp_a"]))
            .collect();
        bad.extend([format!("{}f", &modulus()[..511]), "02".repeat(257), format!("00{}", modulus())]);
        for a in &bad {
            challenge(a).await.is(400, "invalid_srp_a");
            prove(a).await.is(401, "login_failed");
        }
        for a in ["", "1", "-2", "0x02", "zz", " 02", &"02".repeat(1_000)] {
            challenge(a).await.is_about("srp_a");
            prove(a).await.is_about("srp_a");
        }
        user.prove().await.ok(201);
    });
}

/// A-SRP-04: an unknown name is answered like a known one, always the same, and its verifier is no other's.
#[test]
fn an_unknown_username_gets_a_challenge_of_the_usual_form() {
    run(async |world| {
        let ask = async |name: &str| {
            let body = json!({ "username": name, "srp_a": "0123" });
            let answer = world.keystore().post("/srp/challenges", body).await.ok(200);
            let challenge = &answer["challenge"];
            let (salt, b) = (text(&challenge["challenge_salt"]), text(&challenge["challenge_b"]));
            assert_eq!(answer, json!({"challenge": {"challenge_salt": salt, "challenge_b": b}}));
            assert_eq!((salt.len(), b.len()), (64, 512));
            assert_eq!(format!("{salt}{b}"), format!("{salt}{b}").to_lowercase());
            (salt, b)
        };
        let user = world.user().await;
        let known = ask(&user.name).await;
        let first = ask("unknownName").await;
        let second = ask("unknownName").await;
        assert_eq!(first.0, second.0, "the salt of a name stays");
        assert_ne!(first.1, second.1, "a challenge does not");
        assert_ne!(first.0, ask("otherUnknown").await.0);
        assert_ne!(first.0, known.0);
    });
}

/// Row "`/srp/session` without challenge, replayed, expired, other user's, wrong proof": one body for all.
/// A-SRP-05, A-SRP-06, A-SRP-07, A-SRP-09, A-SRP-10.
#[test]
fn whatever_is_wrong_with_a_proof_the_answer_is_the_same() {
    run(async |world| {
        let (user, other) = (world.user().await, world.user().await);
        let post = async |body: &Value| world.keystore().post("/srp/session", body.clone()).await;
        let mut answers = Vec::new();

        let mut without = user.attempt(HOME).await;
        without["srp_a"] = json!("0123");
        answers.push(post(&without).await);

        let good = user.attempt(HOME).await;
        post(&good).await.ok(201);
        answers.push(post(&good).await);

        let late = user.attempt(HOME).await;
        world.advance(Duration::from_millis(300_001));
        answers.push(post(&late).await);

        let mut others = user.attempt(HOME).await;
        others["username"] = json!(other.name);
        answers.push(post(&others).await);

        for at in [0, 31, 63] {
            let mut wrong = user.attempt(HOME).await;
            let proof = text(&wrong["srp_m"]);
            let flipped = proof[at..=at].parse::<u8>().is_ok_and(|digit| digit < 8);
            let digit = if flipped { "f" } else { "0" };
            wrong["srp_m"] = json!(format!("{}{digit}{}", &proof[..at], &proof[at + 1..]));
            answers.push(post(&wrong).await);
            // The challenge is gone with the first answer, also a wrong one.
            wrong["srp_m"] = json!(proof);
            answers.push(post(&wrong).await);
        }
        for short in ["ab", &"ab".repeat(31), &"ab".repeat(33)] {
            let mut wrong = user.attempt(HOME).await;
            wrong["srp_m"] = json!(short);
            answers.push(post(&wrong).await);
        }
        let nobody = User { name: "unknownName".to_owned(), ..user.clone() };
        answers.push(nobody.prove().await);

        for answer in &answers {
            answer.is(401, "login_failed");
            assert_eq!(answer.0.body, answers[0].0.body);
            assert_eq!(answer.0.headers, answers[0].0.headers);
        }
        user.prove().await.ok(201);
    });
}

#[test]
fn a_challenge_is_good_for_five_minutes_to_the_millisecond() {
    run(async |world| {
        let user = world.user().await;
        let attempt = user.attempt(HOME).await;
        world.advance(Duration::from_secs(300));
        world.keystore().post("/srp/session", attempt).await.ok(201);
    });
}

/// Several challenges may be open, four at least, each for one answer; another one for the same A takes its place.
#[test]
fn challenges_are_told_apart_by_the_clients_value() {
    run(async |world| {
        let user = world.user().await;
        let mut open = Vec::new();
        for _ in 0..4 {
            open.push(user.attempt(HOME).await);
        }
        let again = json!({ "username": user.name, "srp_a": open[3]["srp_a"] });
        world.keystore().post("/srp/challenges", again).await.ok(200);
        for (number, attempt) in open.into_iter().enumerate() {
            let answer = world.keystore().post("/srp/session", attempt).await;
            match number {
                3 => answer.is(401, "login_failed"),
                _ => drop(answer.ok(201)),
            }
        }
    });
}

/// A-SRP-08.
#[test]
fn of_parallel_answers_to_one_challenge_one_opens_a_session() {
    run(async |world| {
        let user = world.user().await;
        let attempt = user.attempt(HOME).await;
        let keystore = world.keystore();
        let tries = (0..16).map(|_| keystore.post("/srp/session", attempt.clone()));
        let answers = join_all(tries).await;
        let opened = answers.iter().filter(|answer| answer.status() == 201).count();
        assert_eq!(opened, 1);
        answers
            .iter()
            .filter(|answer| answer.status() != 201)
            .for_each(|answer| answer.is(401, "login_failed"));
    });
}

/// A-SRP-14: a name has one spelling.
#[test]
fn no_other_spelling_of_a_name_signs_in() {
    run(async |world| {
        let user = world.user().await;
        let other_case: String = user
            .name
            .chars()
            .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect();
        assert_ne!(other_case, user.name);
        let impostor = User { name: other_case, ..user.clone() };
        impostor.prove().await.is(401, "login_failed");
        for bad in [format!("{} ", user.name), format!("{}\0", user.name), format!("{}.", user.name)] {
            let body = json!({ "username": bad, "srp_a": "0123" });
            world.keystore().post("/srp/challenges", body).await.is_about("username");
        }
    });
}
