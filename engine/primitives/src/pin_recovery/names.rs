//! What a user is called where a realm keeps or logs something about them.

use blake2::{Blake2s256, Digest};
use serde::Serialize;

use crate::encoding::to_hex;
use crate::hash::sha256;

/// The name of a user's record: BLAKE2s-256 of `{"tenant_name","user_id"}` in CBOR.
#[must_use]
pub fn record_id(tenant: &str, user: &str) -> [u8; 32] {
    #[derive(Serialize)]
    struct Owner<'a> {
        tenant_name: &'a str,
        user_id: &'a str,
    }
    let mut bytes = Vec::new();
    ciborium::into_writer(&Owner { tenant_name: tenant, user_id: user }, &mut bytes)
        .expect("two texts are written to memory");
    Blake2s256::digest(&bytes).into()
}

/// The name of a user in the log of its tenant: SHA-256 of `<tenant>:<user>`, in hexadecimal.
#[must_use]
pub fn logged_user(tenant: &str, user: &str) -> String {
    to_hex(&sha256(format!("{tenant}:{user}").as_bytes()))
}
