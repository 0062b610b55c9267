//! What both sides have seen of one handshake, and the hashes over it.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::group::{Profile, ProofForm};
use super::modpow::{Exponent, Residue};
use super::values::{ClientPublic, Proof, Salt, ServerPublic, SessionKey, SrpError};

/// The public side of one handshake.
#[derive(Debug, Clone, Copy)]
pub struct Transcript<'a> {
    /// Group and form of proof.
    pub profile: Profile,
    /// The user's name, I: hashed as its UTF-8 bytes.
    pub name: &'a str,
    /// The salt that the server sent.
    pub salt: &'a Salt,
    /// A.
    pub client_public: &'a ClientPublic,
    /// B.
    pub server_public: &'a ServerPublic,
}

impl Transcript<'_> {
    /// `u = H(PAD(A) | PAD(B))`.
    pub(super) fn u(&self) -> [u8; 32] {
        let hash = Sha256::new().chain_update(self.client_public.as_bytes());
        hash.chain_update(self.server_public.as_bytes()).finalize().into()
    }

    /// u as an exponent.
    pub(super) fn scrambler(&self) -> Result<Exponent, SrpError> {
        nonzero(&self.u())
    }

    /// `K = H(PAD(S))`.
    pub(super) fn session_key(&self, shared: &Residue) -> Result<SessionKey, SrpError> {
        let padded = self.profile.group().modulus.to_padded(shared)?;
        Ok(SessionKey::new(Sha256::digest(&*padded).into()))
    }

    /// M1, in the form of the profile.
    pub(super) fn client_proof(&self, key: &SessionKey) -> Proof {
        let mut hash = Sha256::new();
        if self.profile.proof == ProofForm::Everything {
            hash.update(self.profile.group().fingerprint);
            hash.update(Sha256::digest(self.name));
            hash.update(self.salt.as_bytes());
        }
        hash.update(self.client_public.as_bytes());
        hash.update(self.server_public.as_bytes());
        finish(hash.chain_update(key.expose()))
    }

    /// `M2 = H(PAD(A) | M1 | K)`.
    pub(super) fn server_proof(&self, m1: &Proof, key: &SessionKey) -> Proof {
        let hash = Sha256::new().chain_update(self.client_public.as_bytes());
        finish(hash.chain_update(m1.expose()).chain_update(key.expose()))
    }
}

/// `x = H(s | H(I | ":" | P))`.
pub(super) fn private_exponent(name: &str, password: &[u8], salt: &Salt) -> Zeroizing<[u8; 32]> {
    let inner = Sha256::new().chain_update(name).chain_update(":").chain_update(password).finalize();
    let inner = Zeroizing::new(<[u8; 32]>::from(inner));
    Zeroizing::new(Sha256::new().chain_update(salt.as_bytes()).chain_update(*inner).finalize().into())
}

/// With `u = 0` the password would drop out of the client's exponent, so there is no such scrambler.
pub(super) fn nonzero(u: &[u8; 32]) -> Result<Exponent, SrpError> {
    if *u == [0; 32] {
        return Err(SrpError::ServerPublic);
    }
    Ok(Exponent::new(u)?)
}

fn finish(hash: Sha256) -> Proof {
    Proof::new(&hash.finalize()).expect("SHA-256 gives 32 bytes")
}
