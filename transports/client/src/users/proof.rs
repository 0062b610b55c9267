//! Proving a passphrase without showing it: the client's side of one SRP handshake in the native profile.
//!
//! What the server sends is checked before the passphrase is touched: B must be a value of the group that is not zero,
//! the work must be within bounds of our own, and u is not zero (THREATS A-SRP-15, A-SRV-01).

use strongroom_primitives::cryppo::WrappingKey;
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::secret_key::SecretKey;
use strongroom_primitives::srp::{self, Ephemeral, Pending, Profile, Salt, ServerPublic, SrpError, Verifier};
use strongroom_primitives::two_skd::{self, DerivedKeys, WorkFactors};

use super::UserError;
use crate::keyknox::ports::{Entropy, draw};

/// Length of the salts that are made here, in bytes.
const SALT_BYTES: usize = 32;

/// How often a salt is drawn: one fails with a chance below 2^-200.
const DRAWS_MAX: usize = 4;

/// A handshake whose first value is on its way.
pub(super) struct Handshake(srp::Client);

/// What a server answers to the first value.
pub(super) struct Challenge {
    pub(super) salt: Vec<u8>,
    /// B, big endian.
    pub(super) server_public: Vec<u8>,
    /// The work, as [`WorkFactors`] spell it. Empty for a name that nobody has.
    pub(super) derivation: String,
}

/// A passphrase that was proved, to whoever can tell.
pub(super) struct Proved {
    pub(super) pdk: WrappingKey,
    pending: Pending,
}

impl Handshake {
    pub(super) fn begin(entropy: &dyn Entropy) -> Result<Self, UserError> {
        let ephemeral = Ephemeral::new(draw(entropy)?);
        srp::Client::start(Profile::NATIVE, ephemeral).map(Self).map_err(UserError::Handshake)
    }

    /// A, big endian, 384 bytes.
    pub(super) fn client_public(&self) -> Vec<u8> {
        self.0.public().as_bytes().to_vec()
    }

    /// Answers. Most of a second of work on a thread of its own.
    pub(super) async fn answer(
        self,
        secret_key: &SecretKey,
        passphrase: &SecretText,
        challenge: Challenge,
    ) -> Result<Proved, UserError> {
        let salt = Salt::new(&challenge.salt).map_err(UserError::Handshake)?;
        let server_public =
            ServerPublic::new(Profile::NATIVE, &challenge.server_public).map_err(UserError::Handshake)?;
        // A name that nobody has comes without a word; the proof is made all the same, and refused.
        let work = match challenge.derivation.as_str() {
            "" => WorkFactors::DEFAULT,
            text => text.parse()?,
        };
        let DerivedKeys { pdk, srp } = derive(secret_key, passphrase, work).await?;
        let proving = self.0.prove(secret_key.username(), srp.expose(), &salt, &server_public);
        Ok(Proved { pdk, pending: proving.map_err(UserError::Handshake)? })
    }
}

impl Proved {
    /// M1, 32 bytes.
    pub(super) fn m1(&self) -> Vec<u8> {
        self.pending.m1().expose().to_vec()
    }

    /// The key that the passphrase gave. Nothing is to be kept that came with it before [`Proved::verify`].
    pub(super) fn pdk(&self) -> &WrappingKey {
        &self.pdk
    }

    /// Gives the passphrase derived key to whoever has been shown a good M2 (THREATS A-SRP-16).
    pub(super) fn verify(self, server_proof: &[u8]) -> Result<WrappingKey, UserError> {
        self.pending.verify_server(server_proof).map_err(|_| UserError::ServerUnproved)?;
        Ok(self.pdk)
    }
}

/// What a server is given to check a passphrase with.
pub(super) struct Registration {
    pub(super) salt: Salt,
    pub(super) verifier: Verifier,
    pub(super) derivation: String,
    pub(super) pdk: WrappingKey,
}

impl Registration {
    /// Makes one. Most of a second of work on a thread of its own.
    pub(super) async fn make(
        secret_key: &SecretKey,
        passphrase: &SecretText,
        work: WorkFactors,
        entropy: &dyn Entropy,
    ) -> Result<Self, UserError> {
        let DerivedKeys { pdk, srp } = derive(secret_key, passphrase, work).await?;
        let mut made = Err(SrpError::Verifier);
        for _ in 0..DRAWS_MAX {
            let salt = Salt::new(&draw::<SALT_BYTES>(entropy)?).map_err(UserError::Handshake)?;
            let verifier = srp::register(Profile::NATIVE, secret_key.username(), srp.expose(), &salt);
            made = verifier.map(|verifier| (salt, verifier));
            if !matches!(made, Err(SrpError::Verifier)) {
                break;
            }
        }
        let (salt, verifier) = made.map_err(UserError::Handshake)?;
        Ok(Self { salt, verifier, derivation: work.to_string(), pdk })
    }
}

/// Both values of a derivation, made where waiting is allowed.
async fn derive(
    secret_key: &SecretKey,
    passphrase: &SecretText,
    work: WorkFactors,
) -> Result<DerivedKeys, UserError> {
    let (secret_key, passphrase) = (secret_key.clone(), passphrase.clone());
    let deriving = tokio::task::spawn_blocking(move || two_skd::native(&passphrase, &secret_key, work));
    Ok(deriving.await.map_err(|_| UserError::GivenUp)??)
}
