//! A request of a session: its token, its validator, its sealed body, and its sealed answer. Source:
//! dialects/psono.md, sections 2.2 and 5.
//!
//! Whoever has no session is told so in plain JSON, and learns nothing else; everybody else is answered sealed, errors
//! included.

use std::sync::Arc;

use bytes::Bytes;
use http::header;
use serde_json::Value;
use strongroom_engine::{
    Command, Credential, EngineError, Routed,
    domains::{
        accounts::WhoAmI,
        sessions::{
            RevokeSession,
            sealed::{SealOf, SpendNonces},
        },
    },
};
use strongroom_primitives::{
    hash::sha256,
    nacl::NONCE_BYTES,
    psono::{Sealed, hex_array},
};

use super::{
    Psono, dates,
    members::Members,
    problem::{self, Problem},
    seals::Seal,
    wire::{Answer, asking, is_json},
};
use crate::{
    Front,
    exchange::{HeaderName, Request, Response},
    rates::network_of,
};

const VALIDATOR: HeaderName = HeaderName::from_static("authorization-validator");
/// The longest validator that is looked at, in bytes of the header.
const VALIDATOR_BYTES_MAX: usize = 4_096;

/// A request whose token is that of a session, and whose validator, if it needs one, is good.
pub(super) struct Session<'a> {
    pub(super) psono: &'a Psono,
    pub(super) front: &'a Front,
    pub(super) request: &'a Request,
    token: [u8; 32],
    seal: Arc<Seal>,
    validator: Option<[u8; NONCE_BYTES]>,
}

impl<'a> Session<'a> {
    /// Looks at token and validator.
    ///
    /// # Errors
    /// 401, always plain; 503 where the engine cannot answer.
    pub(super) async fn begin(
        psono: &'a Psono,
        front: &'a Front,
        request: &'a Request,
    ) -> Result<Self, Problem> {
        let text = token_of(request).ok_or(problem::UNAUTHORIZED)?;
        let token = sha256(text.as_bytes());
        let seal = match psono.seals.get(&token) {
            Some(seal) => seal,
            None => {
                let facts = front.engine().ask(asking(front, psono.credential(token)), SealOf {}).await;
                let facts = facts.map_err(|error| Problem::of(&error))?;
                let key = facts.open(text).map_err(|_| problem::UNAUTHORIZED)?;
                let seal = Arc::new(Seal { facts, key });
                psono.seals.remember(token, seal.clone());
                seal
            }
        };
        let mut session = Self { psono, front, request, token, seal, validator: None };
        if session.seal.facts.needs_validator() {
            session.validate().await?;
        }
        Ok(session)
    }

    /// Checks the validator. One that opens and is of another device or of another time ends the session, because only
    /// a holder of the session key can have made it.
    async fn validate(&mut self) -> Result<(), Problem> {
        let header = self.request.header(VALIDATOR).filter(|header| header.len() <= VALIDATOR_BYTES_MAX);
        let sealed = header.and_then(|header| Sealed::read(header.as_bytes()).ok());
        let sealed = sealed.ok_or(problem::UNAUTHORIZED)?;
        let opened = sealed.open(&self.seal.key).map_err(|_| problem::UNAUTHORIZED)?;
        if !self.is_valid(&opened) {
            let ended = self.ask(RevokeSession { identity: None, session: None }).await;
            self.forget();
            return Err(ended.err().map_or(problem::UNAUTHORIZED, |error| Problem::of(&error)));
        }
        self.validator = Some(sealed.nonce);
        Ok(())
    }

    /// Whether a validator is of the session's device and of its time.
    fn is_valid(&self, opened: &[u8]) -> bool {
        let Ok(mut said) = Members::read(opened) else { return false };
        let older = said.take("request_device_session");
        let device = older.or_else(|| said.take("request_device_fingerprint"));
        let time = said.take("request_time");
        let time = time.as_ref().and_then(Value::as_str).and_then(dates::read);
        let (Some(Value::String(device)), Some(time)) = (device, time) else { return false };
        self.seal.facts.admits(&device, time, self.psono.clock.wall())
    }

    /// The body, opened; its nonce and that of the validator are used up by it.
    ///
    /// # Errors
    /// `Invalid request` for what does not open or was sent before; 415.
    pub(super) async fn receive(&self, takes_body: bool) -> Result<Members, Problem> {
        let mut spend = SpendNonces { body: None, validator: self.validator };
        let mut members = Members::default();
        if takes_body {
            if !is_json(self.request) {
                return Err(problem::MEDIA_TYPE);
            }
            let sealed = Sealed::read(&self.request.body).map_err(|_| problem::INVALID_REQUEST)?;
            let opened = sealed.open(&self.seal.key).map_err(|_| problem::INVALID_REQUEST)?;
            members = Members::read(&opened)?;
            spend.body = Some(sealed.nonce);
        }
        if spend.body.is_some() || spend.validator.is_some() {
            self.ask(spend).await.map_err(|error| match error {
                EngineError::NonceReplayed { validator: true } => problem::UNAUTHORIZED,
                error => Problem::of(&error),
            })?;
        }
        Ok(members)
    }

    /// Counts the request. Only sessions are counted, so that tokens of nobody take no place among them.
    ///
    /// # Errors
    /// 429.
    pub(super) fn spend(&self) -> Result<(), Problem> {
        self.psono.allowances.spend_session(&self.token)
    }

    /// Asks on behalf of the session.
    pub(super) async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        let credential = self.psono.credential(self.token);
        self.front.engine().ask(asking(self.front, credential), command).await
    }

    /// The network that the request comes from.
    pub(super) fn network(&self) -> Vec<u8> {
        network_of(self.request.peer.address)
    }

    /// The same in Psono's words.
    pub(super) async fn tell<C: Command>(&self, command: C) -> Result<C::Reply, Problem>
    where
        C::Domain: Routed,
    {
        self.ask(command).await.map_err(|error| Problem::of(&error))
    }

    /// Forgets what the session is sealed with, once it has ended.
    pub(super) fn forget(&self) {
        self.psono.seals.forget(&self.token);
    }

    /// What the session is sealed with.
    pub(super) fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Whether the session proves itself by this very request.
    fn proves_itself(&self) -> bool {
        self.request.path.trim_end_matches('/').ends_with("/authentication/activate-token")
    }

    /// The answer, sealed. Requests are read before the engine is asked, with a key that may be a remembered one; so
    /// a refusal of what they say is for those whose session is still good.
    pub(super) async fn finish(&self, answered: Result<Answer, Problem>) -> Response {
        let answered = match answered {
            Err(problem) if problem.is_about_the_request() => match self.is_still_good().await {
                Ok(()) => Err(problem),
                Err(unauthorized) => Err(unauthorized),
            },
            answered => answered,
        };
        match answered {
            Ok(answer) => self.sealed(&answer),
            Err(problem) if problem.is_unauthorized() => {
                self.forget();
                problem.response()
            }
            Err(problem) => {
                let answer = Answer::json(problem.status(), problem.body());
                let mut response = self.sealed(&answer);
                problem.decorate(&mut response);
                response
            }
        }
    }

    async fn is_still_good(&self) -> Result<(), Problem> {
        if self.proves_itself() {
            self.tell(SealOf {}).await.map(drop)
        } else {
            self.tell(WhoAmI).await.map(drop)
        }
    }

    fn sealed(&self, answer: &Answer) -> Response {
        if answer.body.is_empty() {
            return Response::empty(answer.status);
        }
        let sealed = Sealed::seal(&self.seal.key, self.psono.entropy.array(), answer.body.as_bytes());
        Response::json(answer.status, Bytes::from(sealed.to_json()))
    }
}

/// The text of a session's token: `Token`, one space, 128 hexadecimal digits.
pub(super) fn token_of(request: &Request) -> Option<&str> {
    let (scheme, text) = request.header(header::AUTHORIZATION)?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("token") && hex_array::<64>(text).is_some()).then_some(text)
}

impl Psono {
    /// The credential of whoever has the token with this digest.
    fn credential(&self, token: [u8; 32]) -> Credential {
        Credential::Bearer { digest: token, realm: Some(self.realm.clone()) }
    }
}
