//! Keys that are really wrapped, so that a test which opens one with the wrong KEK notices.

use bytes::Bytes;
use strongroom_primitives::{
    cryppo::{Form, NONCE_BYTES, Wrapped, WrappingKey},
    encoding,
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

/// An RSA public key of 2,048 bits in PEM that differs from those of other numbers. It has the form of a key and no
/// private half: its modulus is a hash.
pub fn rsa_pem(number: u64) -> String {
    const HEAD: &[u8] =
        b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00\
          \x30\x82\x01\x0a\x02\x82\x01\x01\x00";
    let mut modulus = [0; 256];
    blake3::Hasher::new().update(&number.to_be_bytes()).finalize_xof().fill(&mut modulus);
    modulus[0] |= 0x80;
    modulus[255] |= 1;
    let der = [HEAD, &modulus, b"\x02\x03\x01\x00\x01"].concat();
    let text = encoding::to_base64(&der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!("-----BEGIN PUBLIC KEY-----\r\n{}\r\n-----END PUBLIC KEY-----\r\n", lines.join("\r\n"))
}

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
