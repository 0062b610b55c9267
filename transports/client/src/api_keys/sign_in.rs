//! Signing in with an API key: a challenge, a signed statement, and an answer that only the right server can give.

use strongroom_primitives::id::{AccountId, SessionId};
use strongroom_primitives::key_login::{Answer, KeyLogin};
use strongroom_primitives::nacl::BoxKey;
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::sign::SigningKey;
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{ApiKey, ApiKeySignIn, ApiKeySignedIn, Base64Array, Grant, Operation, Reply};

use super::{ApiKeyCredential, ApiKeyError, OwnerKeys, challenge};
use crate::boxes::open_key;
use crate::checks::wrong_kind;
use crate::client::Client;
use crate::credentials::{Credentials, Token};
use crate::error::ClientError;
use crate::keyknox::ports::draw;

/// How to sign in with an API key.
#[derive(Debug, Clone, Default)]
pub struct KeySignInOptions {
    /// Seconds for which the session is good; at most, and for `None`, what the server allows.
    pub life_s: Option<u64>,
    /// What the key's owner will know the session by, at most 256 bytes.
    pub label: String,
}

/// A program that has signed in, at the server that its key was made at.
#[derive(Debug)]
pub struct KeySignedIn {
    /// A client of the session.
    pub client: Client,
    /// The session.
    pub session: SessionId,
    /// Its token, to be kept where the session is to outlive this process.
    pub token: SecretText,
    /// Whose key it is.
    pub account: AccountId,
    /// When the session ends.
    pub expires: Option<Timestamp>,
    /// The key, as the server keeps it.
    pub key: ApiKey,
    owner: Option<strongroom_wire::OwnerKeys>,
}

impl KeySignedIn {
    /// The keys of the API key's owner; `None` for a restricted key. `secret_key` is the API key's.
    ///
    /// # Errors
    /// [`ApiKeyError::DoesNotOpen`].
    pub fn owner(&self, secret_key: &BoxKey) -> Result<Option<OwnerKeys>, ApiKeyError> {
        let Some(owner) = &self.owner else { return Ok(None) };
        let private_key = open_key(secret_key, &owner.private_key)?;
        let secret_key = BoxKey::from_bytes(*open_key(secret_key, &owner.secret_key)?);
        Ok(Some(OwnerKeys { private_key, secret_key }))
    }
}

impl Client {
    /// Signs in with an API key, at the server that the key was made at. This client's own credentials are not used.
    ///
    /// # Errors
    /// [`ApiKeyError::Answer`] where another server answers, after which nothing of its answer is kept;
    /// [`ApiKeyError::Client`], among it `login-refused`, and `server-key-refused` once the server has another key.
    pub async fn sign_in_with_key(
        &self,
        credential: &ApiKeyCredential,
        options: KeySignInOptions,
    ) -> Result<KeySignedIn, ApiKeyError> {
        let nobody = self.of(Credentials::nobody());
        let nonce = challenge(&nobody).await?.nonce;
        let ApiKeyCredential { id, seed, server } = credential;
        let KeySignInOptions { life_s, label } = options;
        let drawn = draw(&*self.options.ports.entropy)?;
        let key = SigningKey::from_seed(seed);
        let (login, signed) = KeyLogin::start(&key, *id, *server, &nonce.0, drawn, life_s, &label);
        let sign_in = ApiKeySignIn {
            api_key: *id,
            nonce,
            client_public: Base64Array(signed.client_public),
            server_key: Base64Array(*server.as_bytes()),
            life_s,
            label,
            signature: Base64Array(signed.signature),
        };
        let answer = match nobody.ask(Operation::SignInWithApiKey(Box::new(sign_in))).await? {
            Reply::ApiKeySignedIn(ApiKeySignedIn { server_public, grant, signature }) => {
                Answer { server_public: server_public.0, grant: grant.0.to_vec(), signature: signature.0 }
            }
            _ => return Err(wrong_kind().into()),
        };
        let grant = login.finish(&answer)?;
        let grant: Grant = serde_json::from_slice(&grant)
            .map_err(|_| ClientError::protocol("what it grants is not the document that belongs there"))?;
        let Grant { token, session, account, expires, key, owner } = grant;
        if key.id != *id {
            return Err(ClientError::protocol("it is about another API key").into());
        }
        let token = token.0;
        let bearer = Token::bearer(&token).map_err(|_| ClientError::protocol("its token is not one"))?;
        let client = self.of(Credentials::given(bearer));
        Ok(KeySignedIn { client, session, token, account, expires, key, owner })
    }
}
