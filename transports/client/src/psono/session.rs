//! A session of an API key: the login, and questions that survive its end.

use std::fmt;
use std::sync::Arc;

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Serialize;
use strongroom_primitives::nacl::{BoxKey, BoxPublic, BoxSecret};
use strongroom_primitives::psono::hex;
use strongroom_primitives::psono::login::{LoginAnswer, LoginRequest};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::document::{Document, Members};
use super::link::{PsonoLink, Seal};
use super::{PsonoApiKey, PsonoClientError};
use crate::ClientOptions;
use crate::keyknox::ports::draw;

/// How much of a device's description is sent, in characters. Source: dialects/psono.md, section 4.
const DESCRIPTION_CHARS_MAX: usize = 256;

/// What an API key may do, as of its login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// Reads.
    pub read: bool,
    /// Writes.
    pub write: bool,
    /// Reaches nothing but the secrets that are attached to it.
    pub restricted: bool,
}

/// A server, asked within a session of an API key. When the session has expired another one is opened, once for every
/// question; other tries are the caller's business.
pub struct PsonoClient {
    pub(super) link: PsonoLink,
    pub(super) key: PsonoApiKey,
    device: String,
    session: Mutex<Arc<Session>>,
}

/// One session.
pub(super) struct Session {
    seal: Seal,
    flags: Flags,
    username: String,
    /// The owner's secret key, which a restricted API key does not have.
    owner: Option<BoxKey>,
}

impl PsonoClient {
    /// Logs in. `device` is what the owner sees in the list of sessions; the first 256 characters of it.
    ///
    /// # Errors
    /// [`PsonoClientError`]; [`PsonoClientError::ServerUnproved`] if the server is another one.
    pub async fn login(
        key: PsonoApiKey,
        device: &str,
        options: &ClientOptions,
    ) -> Result<Self, PsonoClientError> {
        let link = PsonoLink::new(&key, options)?;
        let device = device.chars().take(DESCRIPTION_CHARS_MAX).collect::<String>();
        let session = Session::open(&link, &key, &device).await?;
        Ok(Self { link, key, device, session: Mutex::new(Arc::new(session)) })
    }

    /// What the API key may do. The server may have heard otherwise since.
    pub async fn flags(&self) -> Flags {
        self.session.lock().await.flags
    }

    /// The user name of the API key's owner.
    pub async fn username(&self) -> String {
        self.session.lock().await.username.clone()
    }

    /// Ends the session. One that is over already is not opened anew.
    ///
    /// # Errors
    /// [`PsonoClientError`].
    pub async fn logout(self) -> Result<(), PsonoClientError> {
        let session = self.session.lock().await.clone();
        let body = serde_json::json!({});
        match self.link.sealed(&session.seal, Method::POST, "/authentication/logout/", Some(&body)).await {
            Err(error) if error.is_refusal(&[401]) => Ok(()),
            ended => ended.map(drop),
        }
    }

    /// The owner's secret key.
    ///
    /// # Errors
    /// [`PsonoClientError::Restricted`].
    pub(super) async fn owner(&self) -> Result<BoxKey, PsonoClientError> {
        self.session.lock().await.owner.clone().ok_or(PsonoClientError::Restricted)
    }

    /// Asks for a document that errors call `what`.
    pub(super) async fn get(&self, path: &str, what: &'static str) -> Result<Document, PsonoClientError> {
        let session = self.session.lock().await.clone();
        match self.link.document(&session.seal, path, what).await {
            // A refusal of the caller comes before anything is done.
            Err(error) if error.is_refusal(&[401]) => {
                let session = self.renew(&session).await?;
                self.link.document(&session.seal, path, what).await
            }
            answered => answered,
        }
    }

    /// Asks for a change.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Zeroizing<Vec<u8>>, PsonoClientError> {
        let session = self.session.lock().await.clone();
        match self.link.sealed(&session.seal, method.clone(), path, Some(body)).await {
            Err(error) if error.is_refusal(&[401]) => {
                let session = self.renew(&session).await?;
                self.link.sealed(&session.seal, method, path, Some(body)).await
            }
            answered => answered,
        }
    }

    /// A session in place of one that is over. Of many callers one opens it.
    async fn renew(&self, over: &Arc<Session>) -> Result<Arc<Session>, PsonoClientError> {
        let mut held = self.session.lock().await;
        if Arc::ptr_eq(&held, over) {
            *held = Arc::new(Session::open(&self.link, &self.key, &self.device).await?);
        }
        Ok(held.clone())
    }
}

impl fmt::Debug for PsonoClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PsonoClient({:?})", self.key)
    }
}

impl Session {
    /// Logs in with a key pair that is used this once. Source: seed 001, steps 1 to 4.
    async fn open(link: &PsonoLink, key: &PsonoApiKey, device: &str) -> Result<Self, PsonoClientError> {
        let ours = BoxSecret::from_seed(draw(&*link.ports.entropy)?);
        let request = LoginRequest::new(key.id, &key.signing, &ours.public(), device);
        let answer = link.plain(Method::POST, "/api-key/login/", request.to_json()).await?;
        let of = |error| PsonoClientError::of(error, "answer to the login");
        let opened = LoginAnswer::read(&answer).and_then(|answer| answer.open(&key.server, &ours));
        Self::read(&Document::read(&opened.map_err(of)?, "answer to the login")?, key)
    }

    fn read(said: &Document, key: &PsonoApiKey) -> Result<Self, PsonoClientError> {
        let (all, malformed) = (said.all(), || said.malformed());
        let token = all.text("token")?;
        if token.is_empty() || hex(token).is_none() {
            return Err(malformed());
        }
        let authorization = Zeroizing::new(format!("Token {token}"));
        let mut authorization = HeaderValue::from_str(&authorization).map_err(|_| malformed())?;
        authorization.set_sensitive(true);
        let flags = Flags {
            read: all.flag("api_key_read"),
            write: all.flag("api_key_write"),
            restricted: all.flag("api_key_restrict_to_secrets"),
        };
        let user = all.object("user")?;
        let owner = if flags.restricted { None } else { Some(owner_of(user, &key.secret)?) };
        let seal = Seal { authorization, key: BoxKey::from_bytes(*all.key("session_secret_key")?) };
        Ok(Self { seal, flags, username: user.text("username")?.to_owned(), owner })
    }
}

/// The owner's secret key. The private key beside it has to belong to the public one, or the keys are not the owner's.
fn owner_of(user: Members<'_>, secret: &BoxKey) -> Result<BoxKey, PsonoClientError> {
    let private = user.key_under("private_key", secret, "private key of the owner")?;
    let public = BoxPublic::from_bytes(*user.key("public_key")?);
    if public != Ok(BoxSecret::from_seed(*private).public()) {
        return Err(PsonoClientError::Malformed { what: "pair of keys of the owner" });
    }
    let owner = user.key_under("secret_key", secret, "secret key of the owner")?;
    Ok(BoxKey::from_bytes(*owner))
}
