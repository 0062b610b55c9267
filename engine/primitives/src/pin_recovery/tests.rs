//! The published client's own run against three realms, and what neither half may be talked into.

mod derived;
mod lies;
mod messages;
mod oprf;
mod realms;
mod rfc9497;
mod rounds;
mod tokens;

use serde_json::Value;

use super::configuration::Configuration;
use super::messages::{Registration, Request};
use super::pin::{PinHashing, StretchedPin};
use super::*;
use crate::encoding::from_hex;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/misakey.json")).unwrap()
}

fn recovery() -> Value {
    vectors()["pin_recovery"].clone()
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_else(|| panic!("{name}"))
}

fn bytes(vector: &Value, name: &str) -> Vec<u8> {
    from_hex(text(vector, name)).unwrap()
}

fn array<const N: usize>(vector: &Value, name: &str) -> [u8; N] {
    array_from_hex(text(vector, name)).unwrap()
}

/// The realms, thresholds and hashing of the published run.
fn configuration() -> Configuration {
    let config = &recovery()["config"];
    let realms = config["realms"].as_array().unwrap();
    let ids = realms.iter().map(|realm| RecoveryRealmId::from_hex(realm.as_str().unwrap()).unwrap());
    let number = |name: &str| u8::try_from(config[name].as_u64().unwrap()).unwrap();
    let mode = text(config, "pin_hashing_mode");
    assert_eq!(mode, "FastInsecure (argon2id v19 m=8 t=1 p=1, 64 bytes)");
    let thresholds = (number("register_threshold"), number("recover_threshold"));
    Configuration::new(ids, thresholds.0, thresholds.1, PinHashing::FastInsecure).unwrap()
}

/// One message of the published run.
struct Exchange {
    realm: RecoveryRealmId,
    kind: String,
    request: Vec<u8>,
    answer: Vec<u8>,
    nonce: Option<[u8; 32]>,
}

fn transcript() -> Vec<Exchange> {
    let exchange = |entry: &Value| Exchange {
        realm: RecoveryRealmId::from_hex(text(entry, "realm")).unwrap(),
        kind: text(entry, "kind").to_owned(),
        request: bytes(entry, "request_hex"),
        answer: bytes(entry, "response_hex"),
        nonce: entry.get("beta_t_hex").map(|_| array(entry, "beta_t_hex")),
    };
    recovery()["transcript"].as_array().unwrap().iter().map(exchange).collect()
}

/// What the three realms of the published run were given to keep, in the order of their ids.
fn registrations() -> Vec<(RecoveryRealmId, Registration)> {
    let kept = transcript().into_iter().filter_map(|exchange| match Request::from_cbor(&exchange.request) {
        Ok(Request::Register2(registration)) => Some((exchange.realm, *registration)),
        _ => None,
    });
    kept.collect()
}

/// The PIN of the published run, stretched.
fn stretched() -> StretchedPin {
    let recovery = recovery();
    let config = &recovery["config"];
    let (pin, info) = (text(config, "pin_utf8"), text(config, "info_utf8"));
    let version = array(&recovery["derived"], "version_hex");
    PinHashing::FastInsecure.stretch(pin.as_bytes(), &version, info.as_bytes()).unwrap()
}

/// A scalar below the order of the group, as chance that makes just this scalar.
fn widened(scalar: [u8; 32]) -> [u8; 64] {
    let mut wide = [0; 64];
    wide[..32].copy_from_slice(&scalar);
    wide
}
