mod chance;
mod combining;
mod encodings;
mod epochs;
mod vectors;

use super::*;

/// Bytes that look like chance and are the same for the same seed.
fn chance(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut stream = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    move |bytes| stream.fill(bytes)
}

fn number(value: u8) -> SharedScalar {
    let mut bytes = [0; SCALAR_BYTES];
    bytes[0] = value;
    SharedScalar::from_bytes(&bytes).unwrap()
}

fn same(one: &SharedScalar, other: &SharedScalar) -> bool {
    *one.expose() == *other.expose()
}

/// Every set of shares, the empty one first.
fn subsets(shares: &[Share]) -> impl Iterator<Item = Vec<Share>> {
    (0..1_u32 << shares.len()).map(|set| {
        let chosen = shares.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
        chosen.map(|(_, share)| share.clone()).collect()
    })
}
