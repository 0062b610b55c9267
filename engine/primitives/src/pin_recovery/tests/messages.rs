//! Messages in other spellings, and what is no message.

use ciborium::Value;
use proptest::prelude::*;

use super::super::PinRecoveryError;
use super::super::messages::{Answer, MESSAGE_BYTES_MAX, Request};
use super::transcript;
use crate::encoding::from_hex;

const MALFORMED: PinRecoveryError = PinRecoveryError::Malformed;

fn value(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).unwrap()
}

fn written(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

/// Every value of a document, changed from the inside out.
fn changed(value: Value, change: &dyn Fn(Value) -> Value) -> Value {
    change(match value {
        Value::Map(entries) => {
            Value::Map(entries.into_iter().map(|(name, value)| (name, changed(value, change))).collect())
        }
        other => other,
    })
}

fn requests() -> Vec<Vec<u8>> {
    transcript().into_iter().map(|exchange| exchange.request).collect()
}

fn read(bytes: &[u8]) -> Result<Vec<u8>, PinRecoveryError> {
    Request::from_cbor(bytes).map(|request| request.to_cbor().to_vec())
}

#[test]
fn byte_strings_may_come_as_arrays_and_fields_in_any_order() {
    for request in requests() {
        let arrays = changed(value(&request), &|value| match value {
            Value::Bytes(bytes) => Value::Array(bytes.into_iter().map(Value::from).collect()),
            other => other,
        });
        let turned = changed(value(&request), &|value| match value {
            Value::Map(entries) => Value::Map(entries.into_iter().rev().collect()),
            other => other,
        });
        for spelling in [arrays, turned] {
            assert!(written(&spelling).len() <= MESSAGE_BYTES_MAX);
            assert_eq!(read(&written(&spelling)).unwrap(), request);
        }
    }
    for exchange in transcript() {
        let arrays = changed(value(&exchange.answer), &|value| match value {
            Value::Bytes(bytes) => Value::Array(bytes.into_iter().map(Value::from).collect()),
            other => other,
        });
        assert_eq!(*Answer::from_cbor(&written(&arrays)).unwrap().to_cbor(), exchange.answer);
    }
}

#[test]
fn a_field_of_another_length_or_kind_is_refused() {
    type Change<'a> = &'a dyn Fn(Vec<u8>) -> Value;
    let integers = |bytes: Vec<u8>| bytes.into_iter().map(Value::from).collect::<Vec<_>>();
    let changes: [(&str, Change<'_>); 8] = [
        ("shorter", &|bytes| Value::Bytes(bytes[1..].to_vec())),
        ("longer", &|bytes| Value::Bytes([&bytes[..], &[0]].concat())),
        ("empty", &|_| Value::Bytes(Vec::new())),
        ("text", &|bytes| Value::Text("0".repeat(bytes.len()))),
        ("shorter array", &|bytes| Value::Array(integers(bytes[1..].to_vec()))),
        ("longer array", &|bytes| Value::Array(integers([&bytes[..], &[0]].concat()))),
        ("integers of more than a byte", &|bytes| Value::Array(vec![Value::from(256); bytes.len()])),
        ("integers below zero", &|bytes| Value::Array(vec![Value::from(-1); bytes.len()])),
    ];
    for request in requests().into_iter().filter(|request| request.len() > 16) {
        for (name, change) in changes {
            let bent = changed(value(&request), &|value| match value {
                Value::Bytes(bytes) => change(bytes),
                other => other,
            });
            assert_eq!(read(&written(&bent)), Err(MALFORMED), "{name}");
        }
    }
}

/// What becomes of the entries of a map.
type Rewrite<'a> = &'a dyn Fn(Vec<(Value, Value)>) -> Vec<(Value, Value)>;

/// A request has the known fields, each once; of an answer the known ones are taken.
#[test]
fn fields_that_are_not_known_missing_or_doubled_are_refused() {
    let more =
        |entries: Vec<(Value, Value)>, more: (Value, Value)| entries.into_iter().chain([more]).collect();
    let with = |bytes: &[u8], depth: usize, change: Rewrite<'_>| {
        let level = |value: &Value, depth| deepen(value, depth, change);
        written(&level(&value(bytes), depth))
    };
    for request in requests().into_iter().filter(|request| request.len() > 16) {
        let unknown = (Value::from("more"), Value::from(1));
        let extended = with(&request, 1, &|entries| more(entries, unknown.clone()));
        assert_eq!(read(&extended), Err(MALFORMED));
        let doubled = with(&request, 1, &|entries| {
            let first = entries[0].clone();
            more(entries, first)
        });
        assert_eq!(read(&doubled), Err(MALFORMED));
        let missing = with(&request, 1, &|mut entries| {
            entries.pop();
            entries
        });
        assert_eq!(read(&missing), Err(MALFORMED));
        let two = with(&request, 0, &|entries| more(entries, (Value::from("Delete"), Value::Null)));
        assert_eq!(read(&two), Err(MALFORMED));
    }
    let answer = transcript().into_iter().find(|exchange| exchange.kind == "Recover2").unwrap().answer;
    let unknown = (Value::from("more"), Value::Array(vec![Value::Null, Value::from(1.5)]));
    let extended = with(&answer, 2, &|entries| more(entries, unknown.clone()));
    assert_eq!(*Answer::from_cbor(&extended).unwrap().to_cbor(), answer);
}

fn deepen(value: &Value, depth: usize, change: Rewrite<'_>) -> Value {
    let Value::Map(entries) = value else { panic!("a map is expected") };
    match depth {
        0 => Value::Map(change(entries.clone())),
        _ => Value::Map(
            entries.iter().map(|(name, inner)| (name.clone(), deepen(inner, depth - 1, change))).collect(),
        ),
    }
}

#[test]
fn what_is_not_one_whole_item_is_refused() {
    for bad in [
        "",
        "f6",
        "00",
        "60",
        "685265636f76657239",               // "Recover9"
        "685265636f7665723100",             // something after it
        "685265636f766572",                 // cut off
        "a1685265636f76657231",             // a map without its value
        "a1685265636f76657231f6",           // a value where there is none
        "a0",                               // no entry
        "bf685265636f76657231ff",           // of indefinite length
        "7f685265636f76657231ff",           // of indefinite length
        "c0685265636f76657231",             // with a tag
        "a1c0685265636f76657232a0",         // with a tag inside
        "685265636f76657232",               // a text where a map is due
        "685265636f76657232a0",             // and its fields after it
        "485265636f76657231",               // bytes for a text
        "7bffffffffffffffff5265636f766572", // longer than memory
        "5bffffffffffffffff",
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "bb8000000000000000",
    ] {
        assert_eq!(read(&from_hex(bad).unwrap()), Err(MALFORMED), "{bad}");
        let answer = Answer::from_cbor(&from_hex(bad).unwrap());
        assert_eq!(answer.map(drop), Err(MALFORMED), "{bad}");
    }
    let sequence = ["685265636f76657232", &"00".repeat(4)].concat();
    assert_eq!(read(&from_hex(&sequence).unwrap()), Err(MALFORMED));
    assert_eq!(read(&[0x81; MESSAGE_BYTES_MAX]), Err(MALFORMED), "nested without end");
    assert_eq!(read(&[0x60; MESSAGE_BYTES_MAX + 1]), Err(PinRecoveryError::TooLong));
}

/// A request whose map is left away, so that its name and its fields stand side by side.
#[test]
fn a_request_without_its_map_is_refused() {
    for request in requests().into_iter().filter(|request| request[0] == 0xa1) {
        assert_eq!(read(&request[1..]), Err(MALFORMED));
    }
    for exchange in transcript() {
        assert_eq!(Answer::from_cbor(&exchange.answer[1..]).map(drop), Err(MALFORMED));
    }
}

#[test]
fn every_way_to_cut_a_message_off_is_refused() {
    for exchange in transcript() {
        for length in 0..exchange.request.len() {
            assert_eq!(read(&exchange.request[..length]), Err(MALFORMED), "{length}");
        }
        for length in 0..exchange.answer.len() {
            assert_eq!(Answer::from_cbor(&exchange.answer[..length]).map(drop), Err(MALFORMED), "{length}");
        }
    }
}

#[test]
fn statuses_are_texts_or_maps_of_one_entry() {
    use super::super::messages::{Recover1Answer, Recover2Answer, Recover3Answer};
    let status = |answer: Answer| value(&answer.to_cbor());
    let map = |name: &str, inner: Value| Value::Map(vec![(Value::from(name), inner)]);
    let recover1 = |answer| status(Answer::Recover1(answer));
    let recover2 = |answer| status(Answer::Recover2(answer));
    let recover3 = |answer| status(Answer::Recover3(answer));
    assert_eq!(recover1(Recover1Answer::NotRegistered), map("Recover1", "NotRegistered".into()));
    assert_eq!(recover1(Recover1Answer::NoGuesses), map("Recover1", "NoGuesses".into()));
    assert_eq!(recover2(Recover2Answer::VersionMismatch), map("Recover2", "VersionMismatch".into()));
    assert_eq!(recover2(Recover2Answer::NotRegistered), map("Recover2", "NotRegistered".into()));
    assert_eq!(recover2(Recover2Answer::NoGuesses), map("Recover2", "NoGuesses".into()));
    assert_eq!(recover3(Recover3Answer::VersionMismatch), map("Recover3", "VersionMismatch".into()));
    assert_eq!(recover3(Recover3Answer::NotRegistered), map("Recover3", "NotRegistered".into()));
    assert_eq!(recover3(Recover3Answer::NoGuesses), map("Recover3", "NoGuesses".into()));
    let remaining = map("guesses_remaining", Value::from(2));
    assert_eq!(
        recover3(Recover3Answer::BadUnlockKeyTag { guesses_remaining: 2 }),
        map("Recover3", map("BadUnlockKeyTag", remaining))
    );
}

proptest! {
    /// No input does worse than be refused, and what is read says the same when it is written and read again.
    #[test]
    fn bytes_of_strangers_are_read_or_refused(
        which in 0usize..18,
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        noise in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let exchange = &transcript()[which];
        let mut bent = exchange.request.clone();
        let at = place.index(bent.len());
        bent[at] = byte;
        for bytes in [&bent, &noise] {
            if let Ok(request) = Request::from_cbor(bytes) {
                let again = request.to_cbor();
                prop_assert_eq!(read(&again).unwrap(), again.to_vec());
            }
        }
        let mut bent = exchange.answer.clone();
        let at = place.index(bent.len());
        bent[at] = byte;
        if let Ok(answer) = Answer::from_cbor(&bent) {
            let again = answer.to_cbor();
            prop_assert_eq!(Answer::from_cbor(&again).unwrap().to_cbor(), again);
        }
    }
}
