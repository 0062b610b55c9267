//! The server's end of the operator's questions: each becomes the engine's commands.
//!
//! Whoever gets here has shown the operator's token; the listener sees to that.

use strongroom_engine::{
    Credential, EngineError, EngineHandle, Identity,
    domains::{
        accounts, realms, sessions,
        sessions::assured::{Assurance, AssuredFor, IssueAssured},
    },
};
use strongroom_primitives::{encoding, id::RealmId, sign::VerifyingKey, time::Timestamp};
use strongroom_transports::{
    Front,
    dialects::Answering,
    exchange::{Request, Response, StatusCode},
    http::AdminApi,
    problem,
};
use strongroom_wire::Problem;

use super::api::{self, Ask, PREFIX};
use crate::{
    config::{Misakey, PublicKey, RightsList},
    table::instant,
};

/// Answers the operator.
pub(crate) struct Desk {
    since: Timestamp,
    public: Vec<String>,
    /// Realm and client of the tokens that say how far a sign-in went, if anybody takes them.
    assured: Option<(RealmId, String)>,
}

impl AdminApi for Desk {
    fn answer<'a>(&'a self, front: &'a Front, request: &'a Request) -> Answering<'a> {
        Box::pin(async move { Asked { desk: self, engine: front.engine() }.answer(request).await })
    }
}

/// A desk and the engine that it asks.
struct Asked<'a> {
    desk: &'a Desk,
    engine: &'a EngineHandle,
}

/// A refusal, or the engine's.
enum Refusal {
    Problem(Box<Problem>),
    Engine(EngineError),
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl Refusal {
    fn new(status: u16, code: &'static str, title: &str, detail: impl Into<String>) -> Self {
        let mut problem = Problem::new(status, code, title);
        problem.detail = Some(detail.into());
        Self::Problem(Box::new(problem))
    }
}

type Answer<A> = Result<<A as Ask>::Answer, Refusal>;

impl Desk {
    /// The desk of a server that runs since `since` and can be reached at `public`.
    pub(crate) fn new(since: Timestamp, public: Vec<String>, misakey: &Misakey) -> Self {
        let assured = misakey.enabled.then(|| (misakey.realm.clone(), misakey.client.clone()));
        Self { since, public, assured }
    }
}

impl Asked<'_> {
    async fn answer(&self, request: &Request) -> Response {
        let answered = match request.path.strip_prefix(PREFIX) {
            Some(_) if request.method != "POST" => Err(Refusal::new(
                405,
                "method-not-allowed",
                "the method is not allowed",
                "every question is a POST",
            )),
            Some(path) => self.dispatch(path, &request.body).await,
            None => Err(nothing_here()),
        };
        let document = match answered {
            Ok(body) => return Response::json(StatusCode::OK, body),
            Err(Refusal::Problem(problem)) => *problem,
            Err(Refusal::Engine(error)) => problem::of(&error),
        };
        problem::response(document, &request.request_id)
    }

    async fn dispatch(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        match path {
            api::Status::PATH => reply::<api::Status>(body, async |_| self.status().await).await,
            api::ListApps::PATH => reply::<api::ListApps>(body, async |_| self.apps().await).await,
            api::AddAppKey::PATH => reply(body, async |ask| self.add_key(ask).await).await,
            api::RevokeApp::PATH => reply(body, async |ask| self.revoke_app(ask).await).await,
            api::IssueToken::PATH => reply(body, async |ask| self.issue_token(ask).await).await,
            api::IssueAssured::PATH => reply(body, async |ask| self.issue_assured(ask).await).await,
            api::ListTokens::PATH => reply(body, async |ask| self.tokens(ask).await).await,
            api::RevokeToken::PATH => reply(body, async |ask| self.revoke_token(ask).await).await,
            api::ShowAccount::PATH => reply(body, async |ask| self.account(ask).await).await,
            api::ListAccounts::PATH => reply(body, async |ask| self.accounts(ask).await).await,
            api::SetAccount::PATH => reply(body, async |ask| self.set_account(ask).await).await,
            api::EraseAccount::PATH => reply(body, async |ask| self.erase_account(ask).await).await,
            api::ListSessions::PATH => reply(body, async |ask| self.sessions(ask).await).await,
            api::RevokeSessions::PATH => reply(body, async |ask| self.revoke_sessions(ask).await).await,
            api::ShowIdentity::PATH => {
                reply::<api::ShowIdentity>(body, async |_| self.identity().await).await
            }
            api::RotateIdentity::PATH => reply(body, async |ask| self.rotate_identity(ask).await).await,
            _ => Err(nothing_here()),
        }
    }

    async fn status(&self) -> Answer<api::Status> {
        let health = self.engine.health().await;
        let identity = if health.storage_answers { self.identity().await.ok() } else { None };
        Ok(api::StatusReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            since: self.desk.since,
            ready: health.is_ready(),
            draining: health.draining,
            storage: health.storage.backend.to_owned(),
            durable: health.storage.durable,
            encrypted: health.storage.encrypted,
            storage_answers: health.storage_answers,
            refusing_writes: health.storage.refusing_writes,
            in_flight: health.in_flight,
            followed_topics: health.followed_topics,
            public: self.desk.public.clone(),
            admission_key: PublicKey(self.engine.admission_key()),
            channel_key: encoding::to_base64url(&self.engine.channel_key()),
            identity,
        })
    }

    async fn apps(&self) -> Answer<api::ListApps> {
        let realms = self.engine.ask(Credential::Operator, realms::ListRealms).await?;
        // The realms of people are of the configuration too, and nobody's key vouches for them.
        let people =
            |realm: &realms::RealmInfo| realm.source == realms::Source::Config && realm.keys.is_empty();
        realms.into_iter().filter(|realm| !people(realm)).map(app).collect()
    }

    async fn add_key(&self, ask: api::AddAppKey) -> Answer<api::AddAppKey> {
        let known = self.apps().await?.into_iter().find(|app| app.id == ask.id);
        match (&known, ask.new) {
            (Some(_), true) => {
                let detail = "add a further key to it with `strongroom admin app key add`";
                return Err(Refusal::new(409, "application-exists", "there is such an application", detail));
            }
            (None, false) => return Err(EngineError::UnknownRealm.into()),
            _ => {}
        }
        let taken = known.is_some_and(|app| app.keys.iter().any(|key| key.key_id == ask.key_id));
        if taken {
            let detail = "give the new key an id of its own, or revoke the old one first";
            return Err(Refusal::new(409, "key-exists", "the application has a key of this id", detail));
        }
        let key = realms::RealmKey {
            key_id: ask.key_id,
            public_key: *ask.public_key.0.as_bytes(),
            rights: ask.rights.0,
        };
        self.engine.ask(Credential::Operator, realms::PutRealmKey { realm: ask.id, key }).await?;
        Ok(api::Done {})
    }

    async fn revoke_app(&self, ask: api::RevokeApp) -> Answer<api::RevokeApp> {
        let key_ids = match ask.key_id {
            Some(key_id) => vec![key_id],
            None => {
                let app = self.apps().await?.into_iter().find(|app| app.id == ask.id);
                app.ok_or(EngineError::UnknownRealm)?.keys.into_iter().map(|key| key.key_id).collect()
            }
        };
        let mut revoked = api::Revoked { key_ids: Vec::new(), configured: Vec::new() };
        for key_id in key_ids {
            let command = realms::RevokeRealmKey { realm: ask.id.clone(), key_id: key_id.clone() };
            let source = self.engine.ask(Credential::Operator, command).await?;
            if source == realms::Source::Config {
                revoked.configured.push(key_id.clone());
            }
            revoked.key_ids.push(key_id);
        }
        Ok(revoked)
    }

    async fn issue_token(&self, ask: api::IssueToken) -> Answer<api::IssueToken> {
        let command = sessions::IssueBearer {
            identity: ask.identity,
            rights: ask.rights.0,
            life: ask.life_s.map(std::time::Duration::from_secs),
            label: ask.label,
        };
        let issued = self.engine.ask(Credential::Operator, command).await?;
        let sessions::BearerIssued { token, session, account, expires, .. } = issued;
        Ok(api::TokenIssued { token, session, account, expires })
    }

    async fn issue_assured(&self, ask: api::IssueAssured) -> Answer<api::IssueAssured> {
        let Some((realm, client)) = &self.desk.assured else {
            let detail = "these tokens are for the misakey interface; say `enabled = true` under [misakey]";
            return Err(Refusal::new(409, "not-served", "nobody takes such a token", detail));
        };
        let good_for = match ask.kind {
            api::AssuredKind::Access => AssuredFor::Access,
            api::AssuredKind::Process => {
                AssuredFor::Process { login_challenge: ask.login_challenge.unwrap_or_default() }
            }
        };
        let assurance = Assurance {
            identity: ask.identity,
            account: ask.account,
            level: ask.acr,
            client: ask.client.unwrap_or_else(|| client.clone()),
            good_for,
        };
        let life = std::time::Duration::from_secs(ask.ttl_s);
        let issue = IssueAssured { realm: realm.clone(), assurance, life };
        let issued = self.engine.ask(Credential::Operator, issue).await?;
        let sessions::BearerIssued { token, session, account, expires, .. } = issued;
        Ok(api::TokenIssued { token, session, account, expires })
    }

    async fn tokens(&self, ask: api::ListTokens) -> Answer<api::ListTokens> {
        let command = sessions::ListSessions { identity: Some(ask.identity) };
        let list = self.engine.ask(Credential::Operator, command).await?;
        let token = |info: sessions::SessionInfo| api::Token {
            session: info.session,
            label: info.label,
            rights: RightsList(info.rights),
            opened: info.opened,
            expires: info.expires,
        };
        Ok(list.into_iter().map(token).collect())
    }

    async fn revoke_token(&self, ask: api::RevokeToken) -> Answer<api::RevokeToken> {
        let command = sessions::RevokeSession { identity: Some(ask.identity), session: Some(ask.session) };
        self.engine.ask(Credential::Operator, command).await?;
        Ok(api::Done {})
    }

    async fn account(&self, ask: api::ShowAccount) -> Answer<api::ShowAccount> {
        Ok(self.describe(ask.identity).await?.map(account))
    }

    async fn describe(
        &self,
        whose: impl Into<accounts::Whose>,
    ) -> Result<Option<accounts::AccountInfo>, EngineError> {
        let describe = accounts::DescribeAccount { whose: whose.into() };
        self.engine.ask(Credential::Operator, describe).await
    }

    /// Who an account is.
    async fn identity_of(&self, whose: accounts::Whose) -> Result<Identity, Refusal> {
        if let accounts::Whose::Identity(identity) = whose {
            return Ok(identity);
        }
        let unknown = || {
            let detail = "`strongroom admin account list` lists those that there are";
            Refusal::new(404, "unknown-account", "there is no such account", detail)
        };
        let account = self.describe(whose).await?.ok_or_else(unknown)?;
        account.identity.ok_or_else(|| EngineError::AccountErased.into())
    }

    async fn accounts(&self, ask: api::ListAccounts) -> Answer<api::ListAccounts> {
        let command = accounts::ListAccounts { after: ask.after, limit: ask.limit };
        let page = self.engine.ask(Credential::Operator, command).await?;
        Ok(api::Accounts { accounts: page.accounts.into_iter().map(account).collect(), next: page.next })
    }

    async fn set_account(&self, ask: api::SetAccount) -> Answer<api::SetAccount> {
        let command = accounts::SetAccountPolicy {
            identity: ask.identity.clone(),
            suspended: ask.suspended,
            rights: ask.rights.map(|rights| rights.0),
        };
        self.engine.ask(Credential::Operator, command).await?;
        Ok(account(self.describe(ask.identity).await?.ok_or(EngineError::AccountErased)?))
    }

    async fn erase_account(&self, ask: api::EraseAccount) -> Answer<api::EraseAccount> {
        let account = self.engine.erase_account(Credential::Operator.into(), Some(ask.identity)).await?;
        Ok(api::AccountErased { account })
    }

    async fn sessions(&self, ask: api::ListSessions) -> Answer<api::ListSessions> {
        let identity = Some(self.identity_of(ask.whose).await?);
        let list = self.engine.ask(Credential::Operator, sessions::ListSessions { identity }).await?;
        let session = |info: sessions::SessionInfo| api::Session {
            session: info.session,
            device: info.label,
            opened: info.opened,
            last_used: info.last_used,
            expires: info.expires,
            parent: info.parent,
            api_key: info.api_key,
            unproved: info.unproved,
        };
        Ok(list.into_iter().map(session).collect())
    }

    async fn revoke_sessions(&self, ask: api::RevokeSessions) -> Answer<api::RevokeSessions> {
        let identity = Some(self.identity_of(ask.whose).await?);
        let sessions = match ask.session {
            Some(session) => {
                let revoke = sessions::RevokeSession { identity, session: Some(session) };
                self.engine.ask(Credential::Operator, revoke).await?;
                1
            }
            None => {
                let revoke = sessions::RevokeSessions { identity, keep_current: false };
                self.engine.ask(Credential::Operator, revoke).await?
            }
        };
        Ok(api::SessionsRevoked { sessions })
    }

    async fn identity(&self) -> Answer<api::ShowIdentity> {
        let generations =
            self.engine.ask(Credential::Anonymous, sessions::identity::ServerIdentity {}).await?;
        Ok(self.shown(&generations))
    }

    async fn rotate_identity(&self, ask: api::RotateIdentity) -> Answer<api::RotateIdentity> {
        if ask.overlap_s > api::OVERLAP_S_MAX {
            let detail = format!("it has at most {} seconds", api::OVERLAP_S_MAX);
            return Err(Refusal::new(400, "overlap-too-long", "the overlap is too long", detail));
        }
        let overlap = std::time::Duration::from_secs(ask.overlap_s);
        let rotate = sessions::identity::RotateIdentity { overlap };
        match self.engine.ask(Credential::Operator, rotate).await {
            Ok(generations) => Ok(self.shown(&generations)),
            Err(EngineError::IdentityRotating { until }) => {
                let detail = format!(
                    "clients that pin it were promised that until {}; rotate again after that",
                    instant(until)
                );
                Err(Refusal::new(409, "identity-rotating", "the former identity still answers", detail))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The keys of the generations that answer.
    fn shown(&self, generations: &sessions::identity::IdentityGenerations) -> api::ServerIdentity {
        let identities = self.engine.identities();
        let keys = |generation| api::IdentityKeys {
            generation,
            public_key: encoding::to_hex(identities.public_key(generation).as_bytes()),
            verify_key: encoding::to_hex(identities.verify_key(generation).as_bytes()),
        };
        let answers = generations.previous.filter(|(_, until)| self.engine.now() < *until);
        let former = answers.map(|(generation, until)| api::FormerIdentity { keys: keys(generation), until });
        api::ServerIdentity { keys: keys(generations.current), former }
    }
}

fn nothing_here() -> Refusal {
    Refusal::new(
        404,
        "unknown-path",
        "there is nothing here",
        "`strongroom admin --help` lists what there is",
    )
}

async fn reply<A: Ask>(body: &[u8], answer: impl AsyncFnOnce(A) -> Answer<A>) -> Result<Vec<u8>, Refusal> {
    let ask = serde_json::from_slice(body).map_err(|error| {
        Refusal::new(400, "malformed", "the body is not what is asked for", error.to_string())
    })?;
    let answer = answer(ask).await?;
    serde_json::to_vec(&answer).map_err(|_| EngineError::Fault.into())
}

fn app(info: realms::RealmInfo) -> Result<api::App, Refusal> {
    let keys = info.keys.into_iter().map(|key| {
        let public = VerifyingKey::from_bytes(&key.public_key).map_err(|_| EngineError::Corrupt)?;
        Ok(api::AppKey {
            key_id: key.key_id,
            public_key: PublicKey(public),
            rights: RightsList(key.rights),
            source: key.source,
            since: key.since,
        })
    });
    let keys = keys.collect::<Result<_, Refusal>>()?;
    Ok(api::App { id: info.realm, source: info.source, since: info.since, keys })
}

fn account(info: accounts::AccountInfo) -> api::Account {
    api::Account {
        account: info.account,
        identity: info.identity,
        state: info.state,
        rights: RightsList(info.rights),
        since: info.since,
        records: info.records,
        bytes: info.bytes,
    }
}
