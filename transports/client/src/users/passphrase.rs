//! Changing the passphrase: a proof of the present one, a new verifier, and the KEK under the new one, at once.

use strongroom_primitives::cryppo::WrappingKey;
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::secret_key::SecretKey;
use strongroom_primitives::two_skd::WorkFactors;
use strongroom_wire::{KekRewrapped, Operation, PassphraseChange, Reply, TargetRewrapped};

use super::error::Kept;
use super::keys::STALE_MAX;
use super::keystore::unwrap;
use super::proof::Registration;
use super::sign_in::prove;
use super::sign_up::base64;
use super::{Keystore, UserError};
use crate::checks::wrong_kind;
use crate::credentials::Credentials;

impl Keystore {
    /// Changes the passphrase. All other sessions end; DEKs, key pairs and a rotation that is under way stay. Gives the
    /// keystore under the new passphrase and how many sessions ended.
    ///
    /// The present KEK, and the one that a rotation is bringing, are wrapped anew under the new passphrase in the same
    /// commit that changes the verifier, so there is no moment at which one opens and the other does not.
    ///
    /// # Errors
    /// [`UserError::LoginRefused`] for a wrong present passphrase, and then nothing has changed;
    /// [`UserError::ServerUnproved`] when the server's proof is wrong, and then what it did is not known;
    /// [`UserError::Derive`]; [`UserError::DoesNotOpen`]; [`UserError::Client`].
    pub async fn change_passphrase(
        &self,
        secret_key: &SecretKey,
        present: &SecretText,
        new: &SecretText,
        work: WorkFactors,
    ) -> Result<(Self, u64), UserError> {
        let nobody = self.client.of(Credentials::nobody());
        let made = Registration::make(secret_key, new, work, &*self.client.options.ports.entropy).await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let (client_public, proved) = prove(&nobody, secret_key, present).await?;
            let change = PassphraseChange {
                client_public: base64(&client_public),
                proof: base64(&proved.m1()),
                salt: base64(made.salt.as_bytes()),
                verifier: base64(made.verifier.expose()),
                derivation: made.derivation.clone(),
                kek: self.rewrapped(proved.pdk(), &made.pdk).await?,
            };
            match self.client.ask(Operation::ChangePassphrase(Box::new(change))).await {
                Ok(Reply::PassphraseChanged(changed)) => {
                    proved.verify(&changed.server_proof.0)?;
                    return Ok((Self::new(self.client.clone(), made.pdk), changed.ended));
                }
                Ok(_) => return Err(wrong_kind().into()),
                Err(error) if error.is_problem("login-refused") => return Err(UserError::LoginRefused),
                // Another device set or rotated the KEK, or began, ended or gave up a rotation, meanwhile.
                Err(error)
                    if tries < STALE_MAX
                        && ["stale-kek", "rotation-running", "unknown-rotation", "unknown-key"]
                            .iter()
                            .any(|code| error.is_problem(code)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The KEKs as the new passphrase wraps them; nothing for an account without one.
    async fn rewrapped(
        &self,
        present: &WrappingKey,
        new: &WrappingKey,
    ) -> Result<Option<KekRewrapped>, UserError> {
        let kek = match self.wrapped_kek().await {
            Err(error) if error.is_problem("unknown-key") => return Ok(None),
            read => read?,
        };
        // Under the key that this device holds it opens, so what was typed is another passphrase.
        if unwrap(present, &kek.wrapped, Kept::Kek).is_err() && self.open_kek(&kek).is_ok() {
            return Err(UserError::LoginRefused);
        }
        let rewrap = |wrapped, what| Ok::<_, UserError>(self.wrap(new, &unwrap(present, wrapped, what)?)?);
        let target = kek.rotation.as_ref().map(|rotation| {
            let wrapped = rewrap(&rotation.wrapped, Kept::NextKek)?;
            Ok::<_, UserError>(TargetRewrapped { generation: rotation.target, wrapped })
        });
        Ok(Some(KekRewrapped {
            generation: kek.generation,
            wrapped: rewrap(&kek.wrapped, Kept::Kek)?,
            target: target.transpose()?,
        }))
    }
}
