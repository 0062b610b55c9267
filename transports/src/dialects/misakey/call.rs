//! One call on its way: who makes it, and what every call does alike.

use http::header;
use strongroom_engine::{
    Asking, Command, Credential, EngineError, Routed,
    domains::sessions::assured::{Assurance, Assured, AssuredFor, CheckAssurance, PASSWORD_LEVEL},
};
use strongroom_primitives::hash;

use super::{
    Misakey,
    cookies::cookie,
    members::Members,
    paths::Door,
    problem::{self, Problem},
};
use crate::{Front, exchange::Request, path::query_pairs, rates::network_of};

/// A request and who makes it.
pub(super) struct Call<'a> {
    pub(super) misakey: &'a Misakey,
    front: &'a Front,
    pub(super) request: &'a Request,
    pub(super) door: Door,
    credential: Credential,
    assurance: Assurance,
}

impl<'a> Call<'a> {
    /// Looks at who makes it, and how far they have signed in.
    ///
    /// # Errors
    /// 401, or 403 where a sign-in is under way; 403 of the level.
    pub(super) async fn begin(
        misakey: &'a Misakey,
        front: &'a Front,
        request: &'a Request,
        door: Door,
    ) -> Result<Self, Problem> {
        let (token, kind, good_for, refusal) = match door {
            Door::Process => {
                let good_for = AssuredFor::Process { login_challenge: String::new() };
                ("authnaccesstoken", "authntokentype", good_for, problem::NO_PROCESS)
            }
            Door::Open | Door::Access => {
                ("accesstoken", "tokentype", AssuredFor::Access, problem::UNAUTHORIZED)
            }
        };
        if request.headers.contains_key(header::AUTHORIZATION) {
            return Err(problem::UNAUTHORIZED);
        }
        let kind = cookie(&request.headers, kind);
        let token = cookie(&request.headers, token).filter(|_| kind == Some("bearer"));
        let digest = hash::sha256(token.ok_or_else(|| refusal.clone())?.as_bytes());
        let credential = Credential::Bearer { digest, realm: Some(misakey.realm.clone()) };
        let check = CheckAssurance { client: misakey.client.clone(), good_for, level: PASSWORD_LEVEL };
        let checked = front.engine().ask(asking(front, credential.clone()), check).await;
        let Assured { assurance, .. } = checked.map_err(|error| match Problem::of(&error) {
            unauthorized if unauthorized.is_unauthorized() => refusal,
            other => other,
        })?;
        Ok(Self { misakey, front, request, door, credential, assurance })
    }

    /// The body.
    ///
    /// # Errors
    /// 400 if it is not a JSON object or does not say that it is JSON.
    pub(super) fn members(&self) -> Result<Members, Problem> {
        let content_type = self.request.header(header::CONTENT_TYPE).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(problem::MEDIA_TYPE);
        }
        Members::read(&self.request.body)
    }

    /// One value of the query.
    ///
    /// # Errors
    /// 400 if it is missing, there twice, or not well encoded.
    pub(super) fn query(&self, name: &'static str) -> Result<String, Problem> {
        let query = self.request.query.as_deref().unwrap_or_default();
        let pairs = query_pairs(query).ok_or_else(|| Problem::query(name, "malformed"))?;
        let mut values = pairs.into_iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() => Ok(value.into_owned()),
            (_, Some(_)) => Err(Problem::query(name, "malformed")),
            _ => Err(Problem::query(name, "required")),
        }
    }

    /// The account of the token.
    pub(super) fn account(&self) -> Option<&str> {
        self.assurance.account.as_ref().map(|account| account.as_str())
    }

    /// Who has signed in.
    pub(super) fn identity(&self) -> &str {
        self.assurance.identity.as_str()
    }

    /// The sign-in that the token is for.
    pub(super) fn login_challenge(&self) -> Option<&str> {
        match &self.assurance.good_for {
            AssuredFor::Process { login_challenge } => Some(login_challenge),
            AssuredFor::Access => None,
        }
    }

    /// Asks on behalf of the token.
    pub(super) async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        self.front.engine().ask(asking(self.front, self.credential.clone()), command).await
    }

    /// The network that the call comes from.
    pub(super) fn network(&self) -> Vec<u8> {
        network_of(self.request.peer.address)
    }
}

/// A tenth of the time is left for the way back, so that the engine's own word on a late answer arrives.
pub(super) fn asking(front: &Front, credential: Credential) -> Asking {
    Asking { credential, within: Some(front.limits().request_within * 9 / 10), idempotency: None }
}
