//! Secrets that are attached to an API key: the way in without a session, and the only one of a restricted key. Source:
//! dialects/psono.md, section 8.
//!
//! Nothing is signed here, by neither side: that the server is the right one is TLS's word, and what it answers opens by
//! the API key's secret key or does not.

use std::fmt;

use reqwest::Method;
use serde_json::json;
use strongroom_primitives::encoding::to_hex;
use strongroom_primitives::id::SecretId;
use strongroom_primitives::nacl::BoxKey;

use super::document::{Document, Members};
use super::link::PsonoLink;
use super::secret::{stale, written};
use super::session::Flags;
use super::{PsonoApiKey, PsonoClientError, PsonoSecret};
use crate::ClientOptions;

/// The secrets of one API key.
pub struct AttachedSecrets {
    link: PsonoLink,
    key: PsonoApiKey,
}

/// What an API key may do and reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// What it may do.
    pub flags: Flags,
    /// Whether the server may open secrets for it.
    pub allows_insecure_access: bool,
    /// The secrets that are attached to it.
    pub secrets: Vec<InspectedSecret>,
}

/// A secret that is attached to an API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedSecret {
    /// Which it is.
    pub id: SecretId,
    /// When it was last changed, in the server's words.
    pub write_date: String,
}

impl AttachedSecrets {
    /// Those of `key`. Asks nobody yet.
    ///
    /// # Errors
    /// [`PsonoClientError`] for a URL that is none, or that would show secrets' names to others on the way.
    pub fn new(key: PsonoApiKey, options: &ClientOptions) -> Result<Self, PsonoClientError> {
        Ok(Self { link: PsonoLink::new(&key, options)?, key })
    }

    /// What the API key may do and reach.
    ///
    /// # Errors
    /// [`PsonoClientError`].
    pub async fn inspect(&self) -> Result<Inspected, PsonoClientError> {
        const WHAT: &str = "list of attached secrets";
        let body = json!({ "api_key_id": self.key.id.to_uuid() }).to_string();
        let answer = self.link.plain(Method::POST, "/api-key-access/inspect/", body).await?;
        let answer = Document::read(&answer, WHAT)?;
        let all = answer.all();
        let secret = |value| {
            let each = Members::of(value, WHAT)?;
            let id = SecretId::from_uuid(each.text("secret_id")?).map_err(|_| answer.malformed())?;
            Ok(InspectedSecret { id, write_date: each.text("write_date")?.to_owned() })
        };
        let secrets =
            all.list("api_key_secrets")?.iter().map(secret).collect::<Result<_, PsonoClientError>>()?;
        let (read, write) = (all.flag("read"), all.flag("write"));
        let flags = Flags { read, write, restricted: all.flag("restrict_to_secrets") };
        Ok(Inspected { flags, allows_insecure_access: all.flag("allow_insecure_access"), secrets })
    }

    /// A secret. The server counts that it was read.
    ///
    /// # Errors
    /// [`PsonoClientError`]; the server refuses secrets that are not attached to the API key.
    pub async fn secret(&self, id: SecretId) -> Result<PsonoSecret, PsonoClientError> {
        let answer = self.ask(id).await?;
        if let Some(write_date) = answer.all().find("write_date") {
            return self.open(id, &answer, write_date.to_owned());
        }
        // Servers of the vendor do not say it here. Asked for before the secret is read again, it is never too new.
        let inspected = self.inspect().await?;
        let known = inspected.secrets.into_iter().find(|secret| secret.id == id);
        let write_date = known.ok_or_else(|| answer.malformed())?.write_date;
        self.open(id, &self.ask(id).await?, write_date)
    }

    async fn ask(&self, id: SecretId) -> Result<Document, PsonoClientError> {
        let body = json!({ "api_key_id": self.key.id.to_uuid(), "secret_id": id.to_uuid() }).to_string();
        Document::read(&self.link.plain(Method::POST, "/api-key-access/secret/", body).await?, "secret")
    }

    fn open(
        &self,
        id: SecretId,
        answer: &Document,
        write_date: String,
    ) -> Result<PsonoSecret, PsonoClientError> {
        let key = answer.all().key_under("secret_key", &self.key.secret, "key of the secret")?;
        PsonoSecret::open(id, answer.all(), write_date, BoxKey::from_bytes(*key))
    }

    /// Writes a secret, unless somebody else has changed it since it was read. Says when, in the server's words, if the
    /// server does.
    ///
    /// # Errors
    /// [`PsonoClientError`]; [`PsonoClientError::Stale`] if somebody has.
    pub async fn set_secret(&self, secret: &PsonoSecret) -> Result<Option<String>, PsonoClientError> {
        let sealed = secret.seal(&self.link)?;
        let body = json!({
            "api_key_id": self.key.id.to_uuid(),
            "secret_id": secret.id.to_uuid(),
            "data": to_hex(&sealed.text),
            "data_nonce": to_hex(&sealed.nonce),
            "old_write_date": secret.write_date,
        });
        let answer = self.link.plain(Method::PUT, "/api-key-access/secret/", body.to_string()).await;
        Ok(written(&answer.map_err(stale)?))
    }
}

impl fmt::Debug for AttachedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttachedSecrets({:?})", self.key)
    }
}
