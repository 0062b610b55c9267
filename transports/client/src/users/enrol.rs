//! From the keystore into the vault: whatever an enrolment still lacks is made, and what is there is opened.
//!
//! Every step keeps what it made at the server before the next begins, and each can be found again with the passphrase,
//! so an enrolment that was cut off anywhere is brought to its end by entering again.

use std::fmt;

use strongroom_primitives::cryppo::{WrappingKey, decrypt_rsa, read_text};
use strongroom_primitives::id::{DekId, SessionId};
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{
    Change, Operation, ProfileChange, Reply, TokenRequest, VaultEnrolment, VaultSession, VaultSignIn,
    VaultUser,
};

use super::error::{Kept, does_not_open};
use super::keys::OpenKeyPair;
use super::sign_in::session;
use super::{Keystore, OpenKek, SignInOptions, UserError, Vault};
use crate::checks::wrong_kind;
use crate::client::Client;
use crate::credentials::Credentials;
use crate::error::ClientError;

/// What the key pair is called that opens the vault's sessions. Source: seed 000.
pub const VAULT_KEY: &str = "vault";

/// A user in their vault, with everything that it took to get there.
pub struct Entered {
    /// The vault.
    pub vault: Vault,
    /// The vault session.
    pub session: SessionId,
    /// Its token, to be kept where the session is to outlive this process.
    pub token: SecretText,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// The KEK.
    pub kek: OpenKek,
    /// The private DEK, under which the values of items are.
    pub dek: WrappingKey,
    /// Which DEK that is.
    pub dek_id: DekId,
    /// The vault's user.
    pub user: VaultUser,
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entered({:?})", self.session)
    }
}

impl Keystore {
    /// Enters the vault. For a new user that makes the KEK, a key pair (which takes seconds), the vault user and the
    /// private DEK; for any other it opens them.
    ///
    /// # Errors
    /// [`UserError::DoesNotOpen`]; [`UserError::KeyPair`]; [`UserError::RsaKey`]; [`UserError::Client`].
    pub async fn enter_vault(&self, options: SignInOptions) -> Result<Entered, UserError> {
        let kek = match self.kek().await {
            Err(error) if error.is_problem("unknown-key") => self.set_kek().await?,
            kek => kek?,
        };
        let pair = match self.key_pair(VAULT_KEY).await? {
            Some(pair) => pair,
            None => self.make_vault_key().await?,
        };
        let opened = match self.open_session(&pair, &options).await {
            Err(error) if error.is_problem("login-refused") => self.enrol(&pair, &options).await?,
            opened => opened?,
        };
        let sealed = decrypt_rsa(&pair.private_key, &opened.sealed_token.0);
        let token = read_text(&sealed.map_err(does_not_open(Kept::VaultSession))?);
        let client = session(&self.client, &token)?;
        let (user, dek_id, dek) = self.private_dek(&client).await?;
        Ok(Entered {
            vault: Vault::new(client, dek.clone()),
            session: opened.session,
            token,
            expires: opened.expires,
            kek,
            dek,
            dek_id,
            user,
        })
    }

    async fn make_vault_key(&self) -> Result<OpenKeyPair, UserError> {
        match self.create_key_pair(&[VAULT_KEY]).await {
            // Another device was faster.
            Err(error) if error.is_problem("external-identifier-taken") => {
                let found = self.key_pair(VAULT_KEY).await?;
                found.ok_or_else(|| ClientError::protocol("its key pair is there and is not").into())
            }
            made => made,
        }
    }

    async fn open_session(
        &self,
        pair: &OpenKeyPair,
        options: &SignInOptions,
    ) -> Result<VaultSession, UserError> {
        let sign_in = VaultSignIn {
            public_key: pair.public_pem.clone(),
            life_s: options.life_s,
            label: options.label.clone(),
        };
        match self.client.of(Credentials::nobody()).ask(Operation::OpenVaultSession(sign_in)).await? {
            Reply::VaultSession(opened) => Ok(opened),
            _ => Err(wrong_kind().into()),
        }
    }

    /// Spends an admission token on a vault user with this key.
    async fn enrol(&self, pair: &OpenKeyPair, options: &SignInOptions) -> Result<VaultSession, UserError> {
        let nobody = self.client.of(Credentials::nobody());
        let Reply::Service(service) = nobody.ask(Operation::ServiceInfo {}).await? else {
            return Err(wrong_kind().into());
        };
        let request = TokenRequest { audience: service.vault_audience };
        let Reply::AdmissionToken(admission) = self.client.ask(Operation::IssueToken(request)).await? else {
            return Err(wrong_kind().into());
        };
        let enrolment = VaultEnrolment {
            admission_token: admission.token,
            public_key: pair.public_pem.clone(),
            label: options.label.clone(),
        };
        match nobody.ask(Operation::CreateVaultUser(enrolment)).await {
            // The life of an enrolment's session is the server's to say.
            Ok(Reply::VaultEnrolled(enrolled)) => Ok(enrolled.session),
            Ok(_) => Err(wrong_kind().into()),
            // The same key pair, on another device that was faster.
            Err(error) if ["token-spent", "vault-user-exists"].iter().any(|code| error.is_problem(code)) => {
                self.open_session(pair, options).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The DEK that the vault's user names, or the first one there is for a user who names none.
    async fn private_dek(&self, client: &Client) -> Result<(VaultUser, DekId, WrappingKey), UserError> {
        let mut user = user(client).await?;
        if user.profile.private_dek.is_none() {
            self.name_private_dek(client).await?;
            user = self::user(client).await?;
        }
        let named = user.profile.private_dek.as_deref().and_then(|id| id.parse().ok());
        let id: DekId = named.ok_or_else(|| ClientError::protocol("its user names no key"))?;
        let dek = self.dek(id).await?;
        Ok((user, id, dek))
    }

    /// Names the oldest DEK, which is made if there is none. Devices that do this at the same time each make one, and
    /// agree on the one that was first: what either of them encrypts, both open.
    pub(super) async fn name_private_dek(&self, client: &Client) -> Result<(), UserError> {
        if self.deks().await?.is_empty() {
            self.create_dek().await?;
        }
        let deks = self.deks().await?;
        let oldest = deks.iter().min_by_key(|dek| (dek.created, dek.id));
        let id = oldest.ok_or_else(|| ClientError::protocol("its keys are there and are not"))?.id;
        let change = ProfileChange { private_dek: Change::Set(id.to_string()), ..ProfileChange::default() };
        Ok(client.ask(Operation::UpdateVaultUser(Box::new(change))).await.map(drop)?)
    }
}

async fn user(client: &Client) -> Result<VaultUser, UserError> {
    match client.ask(Operation::GetVaultUser {}).await? {
        Reply::VaultUser(user) => Ok(user),
        _ => Err(wrong_kind().into()),
    }
}
