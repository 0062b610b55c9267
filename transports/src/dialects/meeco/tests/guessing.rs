//! Rates by address, and guesses: what is let through, however many try. Section 9 of the page and the row "too many
//! requests".

use std::time::Duration;

use super::*;

const ONE: PeopleRates =
    PeopleRates { sign_ins_per_minute: 1, sign_ups_per_minute: 1, vault_sign_ins_per_minute: 1 };

/// Spends the allowance of an address at one call, and finds it spent, given back after a minute, and another's whole.
async fn counts(world: &World, caller: &Caller<'_>, path: &str) {
    let (mine, other) = (caller.from("192.0.2.7"), caller.from("2001:db8::1"));
    assert_ne!(mine.post(path, json!({})).await.status(), 429, "{path}");
    let refused = mine.post(path, json!({})).await;
    refused.is(429, "rate_limited");
    assert_eq!(refused.retry_after(), 60, "{path}");
    // A refusal by rate comes before the body is looked at.
    mine.send("POST", path, "{").await.is(429, "rate_limited");
    assert_ne!(other.post(path, json!({})).await.status(), 429, "{path}");
    other.from("2001:db8::ffff:1").post(path, json!({})).await.is(429, "rate_limited");
    assert_ne!(caller.of_no_address().post(path, json!({})).await.status(), 429);
    assert_ne!(caller.of_no_address().post(path, json!({})).await.status(), 429);
    world.advance(Duration::from_secs(60));
    assert_ne!(mine.post(path, json!({})).await.status(), 429, "{path}");
    world.advance(Duration::from_secs(60));
}

#[test]
fn an_address_has_an_allowance_at_every_open_call_that_costs_something() {
    Setup { rates: ONE, ..Setup::default() }.run(async |world| {
        for path in ["/srp/username", "/srp/users", "/srp/challenges", "/srp/session"] {
            counts(&world, &world.keystore(), path).await;
        }
        for path in ["/me", "/session"] {
            counts(&world, &world.vault(), path).await;
        }
    });
}

/// Signing up is one allowance for all its calls, and takes nothing from signing in.
#[test]
fn signing_up_is_counted_together_and_apart_from_signing_in() {
    Setup { rates: ONE, ..Setup::default() }.run(async |world| {
        world.keystore().post("/srp/username", json!({})).await.ok(200);
        world.keystore().post("/srp/users", json!({})).await.is(429, "rate_limited");
        world.vault().post("/me", json!({})).await.is(429, "rate_limited");
        world.keystore().post("/srp/session", json!({})).await.is_about("username");
        world.vault().post("/session", json!({})).await.is_about("public_key");
        for _ in 0..3 {
            world.keystore().get("/version").await.ok(200);
        }
    });
}

/// Guesses at `user`, one each second, each from the address that `from` gives it; says how many were let through.
async fn guess(user: &User<'_>, guesses: u32, from: impl Fn(u32) -> String) -> u32 {
    let guesser = user.who_guesses();
    let mut let_through = 0;
    let mut open: Option<(Value, u32)> = None;
    for number in 0..guesses {
        user.world.advance(Duration::from_secs(1));
        let address = from(number);
        // Who is refused before the proof is looked at keeps the challenge, for as long as it is good.
        let attempt = match open.take().filter(|(_, since)| number - since < 200) {
            Some(open) => open,
            None => (guesser.attempt(&address).await, number),
        };
        let answer = user.world.keystore().from(&address).post("/srp/session", attempt.0.clone()).await;
        if answer.status() == 429 {
            answer.is(429, "rate_limited");
            assert!((1..=900).contains(&answer.retry_after()));
            open = Some(attempt);
        } else {
            answer.is(401, "login_failed");
            let_through += 1;
        }
    }
    let_through
}

/// Ten thousand guesses in as many seconds from one address: ten, then waits that double up to a quarter of an hour.
#[test]
fn ten_thousand_guesses_of_one_name_from_one_address_come_to_a_handful() {
    run(async |world| {
        let user = world.user().await;
        let open = world.keystore().from("198.51.100.1").with(&user.sign_in().await);
        let let_through = guess(&user, 10_000, |_| "192.0.2.66".to_owned()).await;
        assert!((20..=40).contains(&let_through), "{let_through}");
        open.get("/session").await.ok(200);
        user.prove_from("198.51.100.1").await.ok(201);
        user.prove_from("203.0.113.9").await.ok(201);
    });
}

/// A-SRP-13: from a thousand addresses they come to a few hundred, and the owner, who has signed in from home before,
/// is not kept out.
#[test]
fn ten_thousand_guesses_of_one_name_from_a_thousand_addresses_are_counted_together() {
    run(async |world| {
        let user = world.user().await;
        let open = world.keystore().with(&user.sign_in().await);
        let address = |number: u32| format!("10.0.{}.{}", number % 1_000 / 250, number % 250);
        let let_through = guess(&user, 10_000, address).await;
        assert!((100..=300).contains(&let_through), "{let_through}");
        open.get("/session").await.ok(200);
        user.prove().await.ok(201);
    });
}

/// Guesses of many names from one address are that address's allowance: one a second.
#[test]
fn ten_thousand_guesses_of_many_names_are_the_allowance_of_their_address() {
    Setup { rates: PeopleRates::default(), ..Setup::default() }.run(async |world| {
        let user = world.user().await;
        let body = |number: u32| {
            json!({ "username": format!("name{number}"), "srp_a": "0123", "srp_m": "ab".repeat(32) })
        };
        let mut let_through = 0;
        for number in 0..10_000 {
            world.advance(Duration::from_millis(10));
            let answer = world.keystore().from("192.0.2.66").post("/srp/session", body(number)).await;
            match answer.status() {
                429 => answer.is(429, "rate_limited"),
                _ => {
                    answer.is(401, "login_failed");
                    let_through += 1;
                }
            }
        }
        assert!((150..=161).contains(&let_through), "{let_through}");
        user.prove().await.ok(201);
    });
}

/// A name that does not exist is slowed like one that does, so that the wait tells nothing.
#[test]
fn guesses_of_a_name_that_nobody_has_are_slowed_alike() {
    run(async |world| {
        let user = world.user().await;
        let nobody = User { name: "unknownName".to_owned(), ..user.clone() };
        let mut answers = Vec::new();
        for who in [&user, &nobody] {
            let mut waits = Vec::new();
            for _ in 0..12 {
                let answer = who.who_guesses().prove_from("192.0.2.66").await;
                waits.push((answer.refusal(), answer.0.headers.get(header::RETRY_AFTER).cloned()));
            }
            answers.push(waits);
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0].last().unwrap().0, (429, "rate_limited".to_owned()));
    });
}
