//! Sharing bytes: a polynomial for each, with the secret at 255 and, from a threshold of 2 on, its digest at 254.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::Slip39Error;
use super::field::interpolate;

const SECRET_AT: u8 = 255;
const DIGEST_AT: u8 = 254;
const DIGEST_BYTES: usize = 4;

type Bytes = Zeroizing<Vec<u8>>;

/// Shares at 0 to `count - 1`. The threshold is 1 to `count`, which is at most 16; the secret has more than 4 bytes.
pub(super) fn split(threshold: u8, count: u8, secret: &[u8], draw: &mut dyn FnMut(&mut [u8])) -> Vec<Bytes> {
    let copy = || Zeroizing::new(secret.to_vec());
    if threshold == 1 {
        return (0..count).map(|_| copy()).collect();
    }
    let mut random = || {
        let mut bytes = copy();
        draw(&mut bytes);
        bytes
    };
    let mut shares = (0..threshold - 2).map(|_| random()).collect::<Vec<_>>();
    let mut beside = copy();
    let (tag, chance) = beside.split_at_mut(DIGEST_BYTES);
    draw(chance);
    tag.copy_from_slice(&digest(chance, secret));
    let known = shares.clone();
    let mut points = (0..).zip(known.iter().map(|share| &share[..])).collect::<Vec<_>>();
    points.extend([(DIGEST_AT, &beside[..]), (SECRET_AT, secret)]);
    shares.extend((threshold - 2..count).map(|at| interpolate(&points, at)));
    shares
}

/// The secret, from as many shares as the threshold, at places that are all different.
pub(super) fn combine(points: &[(u8, &[u8])]) -> Result<Bytes, Slip39Error> {
    if let [(_, secret)] = points {
        return Ok(Zeroizing::new(secret.to_vec()));
    }
    let secret = interpolate(points, SECRET_AT);
    let beside = interpolate(points, DIGEST_AT);
    let (tag, chance) = beside.split_first_chunk::<DIGEST_BYTES>().ok_or(Slip39Error::Digest)?;
    if bool::from(digest(chance, &secret).ct_eq(tag)) { Ok(secret) } else { Err(Slip39Error::Digest) }
}

/// The first four bytes of HMAC-SHA-256 of the secret, under the chance that is shared beside it.
fn digest(chance: &[u8], secret: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(chance).expect("HMAC takes a key of any length");
    mac.update(secret);
    let whole = mac.finalize().into_bytes();
    *whole.first_chunk().expect("a digest has more than four bytes")
}
