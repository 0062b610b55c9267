//! What others have made: the standard's own list, and sets of its reference with known chance.

use serde_json::Value;

use super::*;
use crate::encoding::{from_hex, to_hex};

fn load(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn recover(texts: &[&str], passphrase: &SecretText) -> Result<String, Slip39Error> {
    let mnemonics = texts.iter().map(|text| Mnemonic::from_text(text)).collect::<Result<Vec<_>, _>>()?;
    Ok(to_hex(&combine(&mnemonics)?.decrypt(passphrase)?))
}

/// What is the matter with those cases of the standard that are invalid, by their number.
fn refusal(case: usize) -> Slip39Error {
    match case {
        2 | 21 => Slip39Error::Checksum,
        3 | 22 => Slip39Error::Padding,
        5 | 24 => Slip39Error::Members { group: 0, given: 1, threshold: 2 },
        6..=9 | 25..=28 => Slip39Error::Mixed,
        10 | 29 => Slip39Error::GroupThreshold,
        11 | 30 => Slip39Error::RepeatedMember { group: 0, member: 2 },
        12 | 31 => Slip39Error::MixedGroup { group: 0 },
        13 | 32 => Slip39Error::Digest,
        14 | 15 | 33 | 34 => Slip39Error::Groups { given: 1, threshold: 2 },
        16 | 35 => Slip39Error::Members { group: 3, given: 1, threshold: 2 },
        39 | 40 => Slip39Error::Length,
        _ => panic!("case {case} is not known to be invalid"),
    }
}

#[test]
fn every_case_of_the_standard_gives_its_secret_or_is_refused_for_its_reason() {
    let file = load(include_str!("../../../../../tests/vectors/slip39.json"));
    let cases = file["vectors"].as_array().unwrap();
    assert_eq!(cases.len(), 45);
    for (number, case) in (1..).zip(cases) {
        let made = recover(&texts(&case["mnemonics"]), &passphrase("TREZOR"));
        match case.get("secret_hex") {
            Some(secret) => assert_eq!(made.unwrap(), secret.as_str().unwrap(), "{}", case["case"]),
            None => assert_eq!(made.unwrap_err(), refusal(number), "{}", case["case"]),
        }
    }
}

/// `RECOVERY.md`, section 7. The chance that the reference was given can be worked out of its words: the identifier,
/// then, for each sharing from the groups on, the random shares and what stands beside the digest.
#[test]
fn the_same_chance_makes_the_same_words_as_the_reference() {
    let file = load(include_str!("../../../../../tests/vectors/misakey.json"));
    let vectors = file["slip39"]["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 2);
    let of = |threshold, count| Group { threshold, count };
    let (one, three) = ([of(2, 3)], [of(1, 1), of(2, 3), of(3, 5)]);
    let plans = [
        (plan(1, &one), "395a 6ef3075ef21a0139e7a20601159682d0ca6b2d41328d0196eb3975eb"),
        (
            plan(2, &three),
            "7a75 4745bc32229d56f8000369ee 39ec801cf47fb11f1346bbfd f7cc5d0dd1de11b359cf16ed587dad59 \
             f798bf2b8bbfd0169e9bfc83",
        ),
    ];
    for (vector, (plan, chance)) in vectors.iter().zip(plans) {
        let secret = from_hex(vector["master_secret_hex"].as_str().unwrap()).unwrap();
        let passphrase = passphrase(vector["passphrase"].as_str().unwrap());
        let chance = from_hex(&chance.replace(' ', "")).unwrap();
        let mut rest = &chance[..];
        let draw = |bytes: &mut [u8]| {
            let (drawn, after) = rest.split_at(bytes.len());
            bytes.copy_from_slice(drawn);
            rest = after;
        };
        let set = split(&secret, &passphrase, &plan, draw).unwrap();
        assert!(rest.is_empty());
        let expected = vector["mnemonics"].as_array().unwrap();
        assert_eq!(set.len(), expected.len());
        for (group, expected) in set.iter().zip(expected) {
            let written = group.iter().map(|mnemonic| mnemonic.expose().to_string()).collect::<Vec<_>>();
            assert_eq!(written, texts(expected));
        }
    }
}

#[test]
fn every_threshold_of_the_published_words_gives_the_published_secret() {
    let file = load(include_str!("../../../../../tests/vectors/misakey.json"));
    for vector in file["slip39"]["vectors"].as_array().unwrap() {
        let groups = vector["mnemonics"].as_array().unwrap();
        let sets: &[&[(usize, usize)]] = match groups.len() {
            1 => &[&[(0, 0), (0, 1)], &[(0, 2), (0, 0)], &[(0, 1), (0, 2)]],
            _ => &[
                &[(0, 0), (1, 0), (1, 2)],
                &[(1, 2), (0, 0), (1, 1)],
                &[(2, 4), (2, 0), (0, 0), (2, 2)],
                &[(2, 1), (2, 2), (2, 3), (1, 0), (1, 1)],
            ],
        };
        for set in sets {
            let texts = set.iter().map(|(group, member)| groups[*group][*member].as_str().unwrap());
            let made =
                recover(&texts.collect::<Vec<_>>(), &passphrase(vector["passphrase"].as_str().unwrap()));
            assert_eq!(made.unwrap(), vector["master_secret_hex"].as_str().unwrap());
        }
    }
}
