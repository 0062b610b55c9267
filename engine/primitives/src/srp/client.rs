//! The client's side: registering, and proving the password.

use super::group::Profile;
use super::modpow::Exponent;
use super::transcript::{Transcript, private_exponent};
use super::values::{ClientPublic, Ephemeral, Proof, Salt, ServerPublic, SessionKey, SrpError, Verifier};

/// The verifier to register for a password, `v = g^x` with `x = H(s | H(name | ":" | password))`.
///
/// # Errors
/// [`SrpError::Arithmetic`]; [`SrpError::Verifier`] when v is 1 or N - 1, with a chance below 2^-200: take another salt.
pub fn register(profile: Profile, name: &str, password: &[u8], salt: &Salt) -> Result<Verifier, SrpError> {
    let x = private_exponent(name, password, salt);
    Verifier::from_residue(profile, &profile.group().generator_to(&x)?)
}

/// A client that has sent its value and waits for the server's.
pub struct Client {
    profile: Profile,
    ephemeral: Ephemeral,
    public: ClientPublic,
}

impl Client {
    /// Makes `A = g^a` from 32 fresh random bytes.
    ///
    /// # Errors
    /// [`SrpError::Arithmetic`].
    pub fn start(profile: Profile, ephemeral: Ephemeral) -> Result<Self, SrpError> {
        let value = profile.group().generator_to(ephemeral.expose())?;
        let public = ClientPublic::from_residue(profile, &value)?;
        Ok(Self { profile, ephemeral, public })
    }

    /// A, to be sent.
    #[must_use]
    pub fn public(&self) -> &ClientPublic {
        &self.public
    }

    /// Proves the password to a server that has answered with its value: `S = (B - k * g^x)^(a + u * x)`.
    ///
    /// Takes the client: an ephemeral secret answers one value of the server's and no second.
    ///
    /// # Errors
    /// [`SrpError::ServerPublic`] when u is zero (what is wrong with B itself [`ServerPublic::new`] has refused);
    /// [`SrpError::Arithmetic`] when B is of another profile.
    pub fn prove(
        self,
        name: &str,
        password: &[u8],
        salt: &Salt,
        server_public: &ServerPublic,
    ) -> Result<Pending, SrpError> {
        let Self { profile, ephemeral, public } = self;
        let transcript = Transcript { profile, name, salt, client_public: &public, server_public };
        let group = profile.group();
        let x = private_exponent(name, password, salt);
        let masked = group.modulus.mul(&group.multiplier, &group.generator_to(&x)?)?;
        let base = group.modulus.sub(&server_public.residue(profile)?, &masked)?;
        let exponent = Exponent::sum_of_product(
            &Exponent::new(ephemeral.expose())?,
            &transcript.scrambler()?,
            &Exponent::new(&x)?,
        )?;
        let key = transcript.session_key(&group.modulus.pow(&base, &exponent)?)?;
        let m1 = transcript.client_proof(&key);
        let expected_m2 = transcript.server_proof(&m1, &key);
        Ok(Pending { m1, expected_m2, key })
    }
}

/// A client that has proved itself and waits for the server to do so. The key is out of reach until then.
#[derive(Debug)]
pub struct Pending {
    m1: Proof,
    expected_m2: Proof,
    key: SessionKey,
}

impl Pending {
    /// M1, to be sent.
    #[must_use]
    pub fn m1(&self) -> &Proof {
        &self.m1
    }

    /// Gives the key if the server knew the verifier too.
    ///
    /// The Meeco profile has no field for M2 in its replies and no use for the key, so its client stops at M1.
    ///
    /// # Errors
    /// [`SrpError::Proof`] when `m2` is another, or missing (empty). The session is to be forgotten.
    pub fn verify_server(self, m2: &[u8]) -> Result<SessionKey, SrpError> {
        let fits = self.expected_m2.matches(&Proof::new(m2)?);
        if fits { Ok(self.key) } else { Err(SrpError::Proof) }
    }
}
