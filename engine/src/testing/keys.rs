//! Keys that are really wrapped, so that a test which opens one with the wrong KEK notices.

use bytes::Bytes;
use strongroom_primitives::{
    cryppo::{Form, NONCE_BYTES, Wrapped, WrappingKey},
    hash::sha256,
};

/// The public key of 2,048 bits of `tests/vectors/meeco.json`, as the clients write PEM.
pub const PUBLIC_KEY: &str = "\
-----BEGIN PUBLIC KEY-----\r\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxlfc4gW+Eyr4r8eqLxH3\r\n\
dQJJZwp/p5s9X5m/mMiKFwuQOcCkZEL2g3xI2f+s9rTDDyoGNRvXdKYH5cA2YoH1\r\n\
1rCiRpYwEBnx+OZXugkiwZVM4njUOkIcZUK/EQttkotAPtz5swwt4IJasIJA9GvU\r\n\
g01PYjQGO0W8Nj2ZcC/kXCi5m8onD4hBKvkLh0EOMQbjewpwwOkzGklydowIeFW8\r\n\
V59Nl3UUojiXxalhT3mHpJnfuWhWPM3Jkzj0Udrno5Kpy/MEpBttqlpbbgvoA/cO\r\n\
vuoVCqN2sFUm5YUFbnQx/hysu2t1Zp66AsaeFJCQhkyvp0c7qklpVYnS1ClXo3Ng\r\n\
AQIDAQAB\r\n\
-----END PUBLIC KEY-----\r\n";

/// The KEK of a generation. It follows from the number alone, so every device of a test has it.
pub fn kek(generation: u32) -> WrappingKey {
    WrappingKey::from_bytes(&sha256(format!("KEK of generation {generation}").as_bytes()))
}

/// `plain` as the KEK of `generation` wraps it: a cryppo string, always the same for the same two.
///
/// # Panics
/// If `plain` is longer than a cryppo string can hold, some 190 KiB.
pub fn wrap(generation: u32, plain: impl AsRef<[u8]>) -> Bytes {
    let plain = plain.as_ref();
    // A nonce that is used twice under one key is used for the same text both times.
    let nonce: [u8; NONCE_BYTES] = *sha256(plain).first_chunk().expect("a hash has more than 12 bytes");
    let wrapped = kek(generation).encrypt(nonce, plain, Form::Bson).expect("keys are short");
    wrapped.into_string().into()
}

/// What [`wrap`] wrapped.
///
/// # Panics
/// If the KEK of `generation` does not open it.
pub fn unwrap(generation: u32, wrapped: &Bytes) -> String {
    let text = str::from_utf8(wrapped).expect("it was written as text");
    let wrapped = Wrapped::parse(text).expect("it was written as a cryppo string");
    let plain = kek(generation).decrypt(&wrapped);
    let plain = plain.unwrap_or_else(|_| panic!("the KEK of generation {generation} does not open a key"));
    String::from_utf8(plain.expose().to_vec()).expect("keys of tests are text")
}
