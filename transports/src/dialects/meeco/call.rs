//! One call on its way: what every call does alike before it does anything of its own.

use bytes::Bytes;
use http::header;
use strongroom_engine::{
    Asking, Command, Credential, EngineError, Routed,
    domains::{
        accounts::{WhoAmI, Whoami},
        sessions::ProveSession,
    },
};
use strongroom_primitives::{encoding, hash, id::RealmId};

use super::{
    Installation,
    members::Members,
    problem::{self, Problem},
};
use crate::{
    Front,
    exchange::{HeaderName, Request, Response, StatusCode, agent_of},
    path::{Pairs, query_pairs},
    rates::network_of,
};

const SUBSCRIPTION_KEY: HeaderName = HeaderName::from_static("meeco-subscription-key");
const API_VERSION: HeaderName = HeaderName::from_static("x_meeco_api_version");

/// The version that this dialect speaks.
pub(super) const VERSION: &str = "2.0.0";

/// Which generation of clients is asking. Source: dialects/meeco.md, section 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// They send `X_MEECO_API_VERSION`.
    Old,
    /// They do not.
    New,
}

/// A request and who makes it.
pub(super) struct Call<'a> {
    front: &'a Front,
    pub(super) request: &'a Request,
    /// The realm of the service that is asked.
    pub(super) realm: &'a RealmId,
    pub(super) flavour: Flavour,
}

impl<'a> Call<'a> {
    /// Checks what every call carries, in the order of who may ask, how, and how much.
    ///
    /// # Errors
    /// `subscription_key_missing`, `subscription_key_invalid`, `upgrade_required`, `payload_too_large`.
    pub(super) fn new(
        front: &'a Front,
        request: &'a Request,
        installation: &'a Installation,
        realm: &'a RealmId,
    ) -> Result<Self, Problem> {
        let key = request.header(SUBSCRIPTION_KEY).filter(|key| !key.is_empty());
        let key = key.ok_or(problem::SUBSCRIPTION_KEY_MISSING)?;
        let known = &installation.subscription_keys;
        // All are compared, so that the time does not tell which one it was.
        if !known.is_empty() && known.iter().filter(|known| known.matches(key)).count() == 0 {
            return Err(problem::SUBSCRIPTION_KEY_INVALID);
        }
        let flavour = match request.headers.contains_key(API_VERSION) {
            false => Flavour::New,
            true => {
                let major = request.header(API_VERSION).and_then(|version| version.split('.').next());
                if major.map(str::trim) != Some("2") {
                    return Err(problem::UPGRADE_REQUIRED);
                }
                Flavour::Old
            }
        };
        if request.body.len() > installation.body_bytes_max {
            return Err(problem::PAYLOAD_TOO_LARGE);
        }
        Ok(Self { front, request, realm, flavour })
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// `malformed_json`.
    pub(super) fn members(&self) -> Result<Members, Problem> {
        Members::read(&self.request.body)
    }

    /// The same where all members are optional, so that no body is as good as an empty object.
    ///
    /// # Errors
    /// `malformed_json`.
    pub(super) fn optional_members(&self) -> Result<Members, Problem> {
        if self.request.body.is_empty() { Ok(Members::default()) } else { self.members() }
    }

    /// The query.
    ///
    /// # Errors
    /// `invalid_parameter` if it is not well encoded.
    pub(super) fn query(&self) -> Result<Pairs<'a>, Problem> {
        let query = self.request.query.as_deref().unwrap_or_default();
        query_pairs(query).ok_or_else(|| Problem::field("query"))
    }

    /// The answer to a call that takes a session, or that there is none. Handlers read the request before they ask the
    /// engine; whoever has no session is not to learn what they found there.
    ///
    /// # Errors
    /// `unauthorized`.
    pub(super) async fn for_session(&self, answered: Result<Response, Problem>) -> Result<Response, Problem> {
        if answered.as_ref().is_err_and(|problem| !problem.is_for_anybody()) {
            self.who_am_i().await?;
        }
        answered
    }

    /// Asks for somebody who has not signed in.
    pub(super) async fn ask_open<C: Command>(&self, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        self.front.engine().ask(self.asking(Credential::Anonymous), command).await
    }

    /// Asks on behalf of the session that the call came with.
    pub(super) async fn ask<C: Command + Clone>(&self, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        let credential = self.credential()?;
        match self.front.engine().ask(self.asking(credential.clone()), command.clone()).await {
            // Whoever uses it has opened the text in which it came.
            Err(EngineError::SessionUnproved) => {
                self.front.engine().ask(self.asking(credential.clone()), ProveSession {}).await?;
                self.front.engine().ask(self.asking(credential), command).await
            }
            answered => answered,
        }
    }

    /// The session's owner and end.
    ///
    /// # Errors
    /// `unauthorized`.
    pub(super) async fn who_am_i(&self) -> Result<Whoami, Problem> {
        self.ask(WhoAmI).await.map_err(problem::about("session"))
    }

    fn asking(&self, credential: Credential) -> Asking {
        // A tenth is left for the way back, so that the engine's own word on a late answer arrives.
        let within = Some(self.front.limits().request_within * 9 / 10);
        Asking { credential, within, idempotency: None }
    }

    /// `Authorization` is the session's text itself. Only its hash goes further.
    fn credential(&self) -> Result<Credential, EngineError> {
        let text = self.request.header(header::AUTHORIZATION).filter(|text| !text.is_empty());
        let text = text.ok_or(EngineError::CredentialMissing)?;
        let halves =
            text.split_once('.').filter(|(selector, verifier)| is_half(selector) && is_half(verifier));
        if halves.is_none() {
            return Err(EngineError::CredentialInvalid);
        }
        Ok(Credential::Bearer { digest: hash::sha256(text.as_bytes()), realm: Some(self.realm.clone()) })
    }

    /// The network that the call comes from.
    pub(super) fn network(&self) -> Vec<u8> {
        network_of(self.request.peer.address)
    }

    /// What the session's owner will know it by: the client's own name for itself.
    pub(super) fn label(&self) -> String {
        agent_of(&self.request.headers).map_or_else(|| "a client without a name".to_owned(), Into::into)
    }
}

/// 32 bytes in base64url with padding, in their one spelling.
fn is_half(text: &str) -> bool {
    let bytes = text.strip_suffix('=').and_then(|text| encoding::from_base64url(text).ok());
    bytes.is_some_and(|bytes| bytes.len() == 32)
}

/// Success with a body.
pub(super) fn answer(status: StatusCode, body: serde_json::Value) -> Result<Response, Problem> {
    Ok(Response::json(status, Bytes::from(body.to_string())))
}

/// Success without one.
pub(super) fn nothing() -> Result<Response, Problem> {
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
