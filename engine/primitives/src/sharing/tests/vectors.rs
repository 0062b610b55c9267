//! Shares that others made, and keys that never change.

use serde_json::Value;

use super::*;
use crate::encoding::{from_hex, to_hex};
use crate::seal::Place;

/// `RECOVERY.md`, sections 3.3 and 7: the scalars that Juicebox's client shares among three realms, of which two make
/// them again; the first realm has index 1.
#[test]
fn shares_of_juicebox_combine_to_the_scalars_that_were_derived() {
    let file: Value =
        serde_json::from_str(include_str!("../../../../../tests/vectors/misakey.json")).unwrap();
    let vectors = &file["pin_recovery"];
    let requests = vectors["transcript"].as_array().unwrap();
    let requests = requests.iter().filter(|request| request["kind"] == "Register2");
    let requests = requests.map(|request| from_hex(request["request_hex"].as_str().unwrap()).unwrap());
    let requests = requests.collect::<Vec<_>>();
    assert_eq!(requests.len(), 3);
    for (field, derived) in [
        ("oprf_private_key", "oprf_key_from_shares_1_2_hex"),
        ("encryption_key_scalar_share", "encryption_scalar_hex"),
    ] {
        // A CBOR text, then the head of a byte string of 32.
        let head = [field.as_bytes(), &[0x58, 0x20]].concat();
        let share = |(request, index): (&Vec<u8>, u8)| {
            let at = request.windows(head.len()).position(|window| window == head).unwrap() + head.len();
            Share::from_bytes(&[&[index][..], &request[at..at + 32]].concat()).unwrap()
        };
        let shares = requests.iter().zip(1..).map(share).collect::<Vec<_>>();
        for chosen in subsets(&shares).filter(|chosen| chosen.len() >= 2) {
            let made = combine_unchecked(&chosen, 2).unwrap();
            assert_eq!(to_hex(&*made.expose()), vectors["derived"][derived].as_str().unwrap());
        }
    }
}

#[test]
fn the_key_of_a_payload_never_changes_because_old_payloads_must_open() {
    // Worked out apart from this code, over the bytes that the docstrings describe.
    let sealed = number(2).payload_key().seal([5; 12], &Place::new("payload", &[]), b"hi");
    assert_eq!(to_hex(&sealed), "0105050505050505050505050531507b2d90698b95a83aafa91d061bf9a0b7");
}
