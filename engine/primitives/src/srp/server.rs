//! The server's side: a challenge, an answer, and what a name without an account gets.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::group::Profile;
use super::modpow::Exponent;
use super::transcript::Transcript;
use super::values::{Ephemeral, Proof, Salt, ServerPublic, SessionKey, SrpError, Verifier};
use crate::secret::Secret;

/// The server's value for one handshake, `B = k * v + g^b`. One exponentiation.
///
/// # Errors
/// [`SrpError::Redraw`] when B is zero: call again with other chance. [`SrpError::Arithmetic`] when the verifier is of
/// another profile.
pub fn challenge(
    profile: Profile,
    verifier: &Verifier,
    ephemeral: &Ephemeral,
) -> Result<ServerPublic, SrpError> {
    let group = profile.group();
    let masked = group.modulus.mul(&group.multiplier, &verifier.residue(profile)?)?;
    let value = group.modulus.add(&masked, &group.generator_to(ephemeral.expose())?)?;
    ServerPublic::from_residue(profile, &value)?.ok_or(SrpError::Redraw)
}

/// The client knew the password.
#[derive(Debug)]
pub struct Accepted {
    /// What the server proves itself with. The published Meeco clients never ask for it.
    pub m2: Proof,
    /// The key that the client holds too.
    pub key: SessionKey,
}

/// Checks the client's proof. Two exponentiations, `S = (A * v^u)^b`, before anything is compared.
///
/// The transcript holds the B that [`challenge`] gave for this very verifier and ephemeral secret; it is not computed
/// again. Whether a challenge was answered before is for the caller to know.
///
/// # Errors
/// [`SrpError::Proof`] when `m1` is another; [`SrpError::Arithmetic`] when the values are of different profiles.
pub fn answer(
    transcript: &Transcript<'_>,
    verifier: &Verifier,
    ephemeral: &Ephemeral,
    m1: &Proof,
) -> Result<Accepted, SrpError> {
    let modulus = &transcript.profile.group().modulus;
    let verifier = verifier.residue(transcript.profile)?;
    let base = modulus.mul(
        &transcript.client_public.residue(transcript.profile)?,
        &modulus.pow(&verifier, &transcript.scrambler()?)?,
    )?;
    let shared = modulus.pow(&base, &Exponent::new(ephemeral.expose())?)?;
    let key = transcript.session_key(&shared)?;
    let expected = transcript.client_proof(&key);
    if !expected.matches(m1) {
        return Err(SrpError::Proof);
    }
    Ok(Accepted { m2: transcript.server_proof(&expected, &key), key })
}

/// What a name without an account is answered with.
#[derive(Debug, Clone)]
pub struct Decoy {
    /// 32 bytes, as long as the salts that clients choose.
    pub salt: Salt,
    /// A verifier whose password nobody knows.
    pub verifier: Verifier,
}

/// Salt and verifier for a name that has no account: the same on every try, on every node that has the secret.
///
/// Both are HKDF-SHA256 of `server_secret` (at least 32 random bytes), under labels of their own, over the
/// name. The separate labels matter: with a salt of plain `HMAC(name)` and an exponent of `HMAC("v" | name)`, as
/// `dialects/meeco.md`, 9 has it, the public salt of the name `"vbob"` would be the secret exponent of `"bob"`.
///
/// The verifier is not `g^x` for an x of ours: that costs an exponentiation which a real account does not cost, and
/// the time of a challenge would tell the two apart. It is a number 128 bits wider than N, reduced. As g generates all
/// of the group in both profiles, that number is a power of g as any verifier is; and since a client sees it only in
/// `B = k * v + g^b` with a fresh b, B looks the same for both. What is left are the HKDF and the division, 4 us
/// together: call this for every name, before looking at whether the account exists, and the costs are equal.
///
/// # Errors
/// [`SrpError::Arithmetic`]; [`SrpError::Verifier`] when the number is 0, 1 or N - 1, with a chance below 2^-2000.
pub fn decoy(profile: Profile, server_secret: &Secret, name: &str) -> Result<Decoy, SrpError> {
    let group = profile.group();
    let mut salt = [0; 32];
    expand(server_secret, profile, b"strongroom srp decoy salt", name, &mut salt);
    let mut wide = Zeroizing::new(vec![0; profile.group_bytes() + 16]);
    expand(server_secret, profile, b"strongroom srp decoy verifier", name, &mut wide);
    let verifier = Verifier::from_residue(profile, &group.modulus.reduce(&wide)?)?;
    Ok(Decoy { salt: Salt::new(&salt)?, verifier })
}

/// Every label is followed by a zero byte and the length of the group's values, and only then by the name.
fn expand(secret: &Secret, profile: Profile, label: &[u8], name: &str, out: &mut [u8]) {
    let size = (profile.group_bytes() as u16).to_be_bytes();
    let hkdf = Hkdf::<Sha256>::new(None, secret.expose());
    let info = [label, &[0], &size, name.as_bytes()];
    hkdf.expand_multi_info(&info, out).expect("what is asked for is below 255 hashes");
}
