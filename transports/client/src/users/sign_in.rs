//! Signing in: a challenge, a proof, and the server's own proof before anything is kept.

use strongroom_primitives::cryppo::WrappingKey;
use strongroom_primitives::id::SessionId;
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::secret_key::SecretKey;
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{Operation, Reply, SrpProof, SrpStart};

use super::proof::{Challenge, Handshake, Proved};
use super::sign_up::base64;
use super::{Keystore, UserError, Users, Vault};
use crate::checks::wrong_kind;
use crate::client::Client;
use crate::credentials::{Credentials, Token};

/// How to sign in.
#[derive(Debug, Clone, Default)]
pub struct SignInOptions {
    /// Seconds for which the session is good; at most, and for `None`, 30 days.
    pub life_s: Option<u64>,
    /// What the user will know the session by, of which 1,024 bytes are kept.
    pub label: String,
}

/// Somebody who has signed in, at a server that has proved that it knows them.
#[derive(Debug)]
pub struct SignedIn {
    /// The session.
    pub session: SessionId,
    /// Its token, to be kept where the session is to outlive this process.
    pub token: SecretText,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// Attempts to sign in that failed since the last one that did not.
    pub failures: u64,
    /// The way to the user's keys.
    pub keystore: Keystore,
}

impl Users {
    /// Signs in. Takes most of a second; neither passphrase nor secret leaves this machine.
    ///
    /// # Errors
    /// [`UserError::LoginRefused`]; [`UserError::ServerUnproved`], after which no session is kept (THREATS A-SRP-16);
    /// [`UserError::Handshake`] (A-SRP-15) and [`UserError::Work`] (A-SRV-01) before anything was proved;
    /// [`UserError::Client`], among it `too-many-attempts`.
    pub async fn sign_in(
        &self,
        secret_key: &SecretKey,
        passphrase: &SecretText,
        options: SignInOptions,
    ) -> Result<SignedIn, UserError> {
        let (client_public, proved) = prove(&self.client, secret_key, passphrase).await?;
        let proof = SrpProof {
            username: secret_key.username().to_owned(),
            client_public: base64(&client_public),
            proof: base64(&proved.m1()),
            life_s: options.life_s,
            label: options.label,
        };
        let signed_in = match self.client.ask(Operation::FinishSrp(proof)).await {
            Ok(Reply::SignedIn(signed_in)) => signed_in,
            Ok(_) => return Err(wrong_kind().into()),
            Err(error) if error.is_problem("login-refused") => return Err(UserError::LoginRefused),
            Err(error) => return Err(error.into()),
        };
        let pdk = proved.verify(&signed_in.server_proof.0)?;
        let token = SecretText::new(signed_in.session.token);
        Ok(SignedIn {
            session: signed_in.session.session,
            keystore: self.keystore(&token, pdk)?,
            token,
            expires: signed_in.session.expires,
            failures: signed_in.failures,
        })
    }

    /// The keystore of a session that was kept, with the passphrase derived key of its user. Asks nobody.
    ///
    /// # Errors
    /// [`UserError::Client`] for a text that is no token.
    pub fn keystore(&self, token: &SecretText, pdk: WrappingKey) -> Result<Keystore, UserError> {
        Ok(Keystore::new(session(&self.client, token)?, pdk))
    }

    /// The vault of a session that was kept, with the data encryption key of its user. Asks nobody.
    ///
    /// # Errors
    /// [`UserError::Client`] for a text that is no token.
    pub fn vault(&self, token: &SecretText, dek: WrappingKey) -> Result<Vault, UserError> {
        Ok(Vault::new(session(&self.client, token)?, dek))
    }
}

/// A client of the session with this token.
pub(super) fn session(client: &Client, token: &SecretText) -> Result<Client, UserError> {
    let token = Token::bearer(token).map_err(|_| crate::ClientError::protocol("its token is not one"))?;
    Ok(client.of(Credentials::given(token)))
}

/// Asks for a challenge and answers it. Gives A and what it takes to check the answer to that.
pub(super) async fn prove(
    nobody: &Client,
    secret_key: &SecretKey,
    passphrase: &SecretText,
) -> Result<(Vec<u8>, Proved), UserError> {
    let handshake = Handshake::begin(&*nobody.options.ports.entropy)?;
    let client_public = handshake.client_public();
    let start =
        SrpStart { username: secret_key.username().to_owned(), client_public: base64(&client_public) };
    let Reply::Challenge(challenge) = nobody.ask(Operation::BeginSrp(start)).await? else {
        return Err(wrong_kind().into());
    };
    let challenge = Challenge {
        salt: challenge.salt.0.to_vec(),
        server_public: challenge.server_public.0.to_vec(),
        derivation: challenge.derivation,
    };
    Ok((client_public, handshake.answer(secret_key, passphrase, challenge).await?))
}
