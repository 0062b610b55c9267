//! Answers: JSON in the vendor's names. Source: dialects/dragonchain.md, section 4.

use serde::Serialize;
use serde_json::Value;
use strongroom_engine::domains::service_keys::{KeyInUse, KeyKind, ServiceKeyInfo, ServiceSecret};

use crate::exchange::{HeaderValue, Response, StatusCode, header};

/// A key. `expires_at` and `last_used` are ours, in seconds since 1970, and only there where there is such a time; so is
/// `kind`, of a key that signs by RFC 9421 and not in this dialect.
#[derive(Serialize)]
struct Key<'a> {
    id: &'a str,
    /// Seconds since 1970; 0 for a root key.
    registration_time: u64,
    nickname: &'a str,
    root: bool,
    permissions_document: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<KeyKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<u64>,
}

impl<'a> Key<'a> {
    fn of(info: &'a ServiceKeyInfo) -> Self {
        Self {
            id: info.id.as_str(),
            registration_time: if info.root { 0 } else { info.registered.as_s() },
            nickname: &info.nickname,
            root: info.root,
            permissions_document: info.permissions.to_json(),
            kind: Some(info.kind).filter(|kind| *kind != KeyKind::Dc1Hmac),
            expires_at: info.expires.map(|expires| expires.as_s()),
            last_used: info.last_used.map(|used| used.as_s()),
        }
    }
}

/// A key, and its secret, which appears here and nowhere else.
#[derive(Serialize)]
struct MadeKey<'a> {
    #[serde(flatten)]
    info: Key<'a>,
    key: &'a str,
}

#[derive(Serialize)]
struct ChangedKey<'a> {
    #[serde(flatten)]
    info: Key<'a>,
    success: bool,
}

#[derive(Serialize)]
struct Keys<'a> {
    keys: Vec<Key<'a>>,
}

#[derive(Serialize)]
struct Done {
    success: bool,
}

/// What a server says of itself. Only what the vendor's clients read of a chain without blocks.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    id: &'a str,
    level: u8,
    url: &'a str,
    hash_algo: &'static str,
    scheme: &'static str,
    version: &'static str,
    encryption_algo: &'static str,
    indexing_enabled: bool,
}

pub(super) fn healthy() -> Response {
    let mut response = Response::json(StatusCode::OK, "OK\n");
    response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

pub(super) fn status(caller: &KeyInUse, url: &str) -> Response {
    ok(&Status {
        id: caller.chain.as_str(),
        level: 1,
        url,
        hash_algo: "sha256",
        scheme: "trust",
        version: env!("CARGO_PKG_VERSION"),
        encryption_algo: "secp256k1",
        indexing_enabled: false,
    })
}

pub(super) fn made(info: &ServiceKeyInfo, secret: &ServiceSecret) -> Response {
    json(StatusCode::CREATED, &MadeKey { info: Key::of(info), key: secret.expose().expose() })
}

pub(super) fn keys(list: &[ServiceKeyInfo]) -> Response {
    ok(&Keys { keys: list.iter().map(Key::of).collect() })
}

pub(super) fn key(info: &ServiceKeyInfo) -> Response {
    ok(&Key::of(info))
}

/// The seed shows only `success`, and the clients' types a key; both are there.
pub(super) fn changed(info: &ServiceKeyInfo) -> Response {
    ok(&ChangedKey { info: Key::of(info), success: true })
}

pub(super) fn done() -> Response {
    ok(&Done { success: true })
}

fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    Response::json(status, serde_json::to_vec(body).expect("names, numbers and texts are JSON"))
}
