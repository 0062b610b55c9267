//! What the operator can ask a running server, as documents: each question is a POST with a JSON body, each answer a
//! JSON body. Both ends of the wire use these types.
//!
//! Nothing here shows what a record holds, and the one secret is the token in [`TokenIssued`]. Instants are
//! milliseconds since 1970.

use clap::ValueEnum;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use strongroom_engine::{
    Identity,
    domains::{
        accounts::{AccountState, Whose},
        realms::Source,
    },
};
use strongroom_primitives::{
    id::{AccountId, ApiKeyId, RealmId, SessionId, Subject},
    time::Timestamp,
};

use crate::config::{PublicKey, RightsList};

/// Under which all questions lie on the operator's listener.
pub(crate) const PREFIX: &str = "/admin/v1/";

/// A question and its answer.
pub(crate) trait Ask: Serialize + DeserializeOwned {
    /// Its path under [`PREFIX`].
    const PATH: &'static str;
    /// What comes back.
    type Answer: Serialize + DeserializeOwned;
}

macro_rules! asks {
    ($($question:ty => $answer:ty, $path:literal;)*) => {$(
        impl Ask for $question {
            const PATH: &'static str = $path;
            type Answer = $answer;
        }
    )*};
}

asks! {
    Status => StatusReport, "status";
    ListApps => Vec<App>, "app/list";
    AddAppKey => Done, "app/add";
    RevokeApp => Revoked, "app/revoke";
    IssueToken => TokenIssued, "token/issue";
    IssueAssured => TokenIssued, "token/issue_assured";
    ListTokens => Vec<Token>, "token/list";
    RevokeToken => Done, "token/revoke";
    ShowAccount => Option<Account>, "account/show";
    ListAccounts => Accounts, "account/list";
    SetAccount => Account, "account/set";
    EraseAccount => AccountErased, "account/erase";
    ListSessions => Vec<Session>, "session/list";
    RevokeSessions => SessionsRevoked, "session/revoke";
    ShowIdentity => ServerIdentity, "identity/show";
    RotateIdentity => ServerIdentity, "identity/rotate";
}

/// How is the server?
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {}

/// How the server is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StatusReport {
    /// The server's version.
    pub(crate) version: String,
    /// Its process.
    pub(crate) pid: u32,
    /// Since when it runs.
    pub(crate) since: Timestamp,
    /// Whether it can be expected to do what it is asked.
    pub(crate) ready: bool,
    /// Whether it is going down.
    pub(crate) draining: bool,
    /// Which backend keeps the rows.
    pub(crate) storage: String,
    /// Whether the backend keeps what it is given.
    pub(crate) durable: bool,
    /// Whether values are sealed before they are kept.
    pub(crate) encrypted: bool,
    /// Whether the store answers.
    pub(crate) storage_answers: bool,
    /// Why writes are refused, if they are.
    pub(crate) refusing_writes: Option<String>,
    /// Commands in flight.
    pub(crate) in_flight: usize,
    /// Topics that somebody follows.
    pub(crate) followed_topics: usize,
    /// Where it listens.
    pub(crate) public: Vec<String>,
    /// What its admission tokens are verified with, for vaults elsewhere that trust this keystore.
    pub(crate) admission_key: PublicKey,
    /// What sealed connections end at: an X25519 public key, 43 characters of base64url.
    pub(crate) channel_key: String,
    /// The keys by which clients know it; missing while the store does not answer.
    pub(crate) identity: Option<ServerIdentity>,
}

/// Which applications are there?
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListApps {}

/// An application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct App {
    /// Its id.
    pub(crate) id: RealmId,
    /// Where it came from.
    pub(crate) source: Source,
    /// Since when it is known.
    pub(crate) since: Timestamp,
    /// Its keys.
    pub(crate) keys: Vec<AppKey>,
}

/// A key of an application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AppKey {
    /// As its tokens name it.
    pub(crate) key_id: String,
    /// Ed25519.
    pub(crate) public_key: PublicKey,
    /// What its tokens may do.
    pub(crate) rights: RightsList,
    /// Where it came from.
    pub(crate) source: Source,
    /// Since when it is known.
    pub(crate) since: Timestamp,
}

/// Adds a key to an application.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddAppKey {
    /// Whose.
    pub(crate) id: RealmId,
    /// As its tokens will name it.
    pub(crate) key_id: String,
    /// Ed25519.
    pub(crate) public_key: PublicKey,
    /// What its tokens may do.
    pub(crate) rights: RightsList,
    /// Whether the application is to be a new one; if not, it has to be known.
    pub(crate) new: bool,
}

/// It is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Done {}

/// Revokes one key of an application, or all.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeApp {
    /// Whose.
    pub(crate) id: RealmId,
    /// Which; all if it is missing.
    pub(crate) key_id: Option<String>,
}

/// Which keys were revoked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Revoked {
    /// Their ids.
    pub(crate) key_ids: Vec<String>,
    /// Those that stand in the configuration, and come back at the next start if they stay there.
    pub(crate) configured: Vec<String>,
}

/// Issues a bearer token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssueToken {
    /// For whom.
    pub(crate) identity: Identity,
    /// What it may do.
    pub(crate) rights: RightsList,
    /// Seconds for which it is good; until revoked if it is missing.
    pub(crate) life_s: Option<u64>,
    /// What its holder calls it.
    pub(crate) label: String,
}

/// A token that says how far a sign-in went, please; for the misakey interface.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssueAssured {
    /// Who has signed in: a UUID.
    pub(crate) identity: Subject,
    /// The account that they have signed in to: a UUID.
    pub(crate) account: Option<Subject>,
    /// 1 for a code from an e-mail, 2 for the password, 3 for a one-time code, 4 for a security key.
    pub(crate) acr: u8,
    /// Seconds for which it is good.
    pub(crate) ttl_s: u64,
    /// The client that it is given to; that of the configuration if it is missing.
    pub(crate) client: Option<String>,
    /// What it is for.
    pub(crate) kind: AssuredKind,
    /// Which sign-in it is for.
    pub(crate) login_challenge: Option<String>,
}

/// What a token that says how far a sign-in went is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AssuredKind {
    /// What somebody does who is signed in
    Access,
    /// The rest of one sign-in
    Process,
}

/// A new bearer token, which nobody can show again.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TokenIssued {
    /// The token.
    pub(crate) token: String,
    /// Its session.
    pub(crate) session: SessionId,
    /// Whose.
    pub(crate) account: AccountId,
    /// The last instant at which it is good, if limited.
    pub(crate) expires: Option<Timestamp>,
}

/// Which bearer tokens has this identity?
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListTokens {
    /// Whose.
    pub(crate) identity: Identity,
}

/// A bearer token, without the token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    /// Its session.
    pub(crate) session: SessionId,
    /// What its holder calls it.
    pub(crate) label: String,
    /// What it may do.
    pub(crate) rights: RightsList,
    /// Since when it is good.
    pub(crate) opened: Timestamp,
    /// The last instant at which it is good, if limited.
    pub(crate) expires: Option<Timestamp>,
}

/// Revokes a bearer token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeToken {
    /// Whose.
    pub(crate) identity: Identity,
    /// Which.
    pub(crate) session: SessionId,
}

/// How is this account?
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowAccount {
    /// Whose.
    pub(crate) identity: Identity,
}

/// An account, without what it keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The account.
    pub(crate) account: AccountId,
    /// Who it is; missing once erased.
    pub(crate) identity: Option<Identity>,
    /// Whether it may act.
    pub(crate) state: AccountState,
    /// What is left of its application's rights.
    pub(crate) rights: RightsList,
    /// Its first write.
    pub(crate) since: Timestamp,
    /// Live records; missing in listings.
    pub(crate) records: Option<u64>,
    /// Bytes in them; missing in listings.
    pub(crate) bytes: Option<u64>,
}

/// Which accounts are there? Their order means nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListAccounts {
    /// The last one of the page before.
    pub(crate) after: Option<AccountId>,
    /// At most so many, and at most 1,000.
    pub(crate) limit: usize,
}

/// A page of accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Accounts {
    /// The accounts.
    pub(crate) accounts: Vec<Account>,
    /// The `after` of the next page, if there may be one.
    pub(crate) next: Option<AccountId>,
}

/// Suspends an account, lets it act again, or limits its rights.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetAccount {
    /// Whose.
    pub(crate) identity: Identity,
    /// Whether it is suspended; unchanged if missing.
    pub(crate) suspended: Option<bool>,
    /// What is left of its application's rights; unchanged if missing.
    pub(crate) rights: Option<RightsList>,
}

/// Ends an account for ever and removes everything it keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EraseAccount {
    /// Whose.
    pub(crate) identity: Identity,
}

/// The account has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccountErased {
    /// Which.
    pub(crate) account: AccountId,
}

/// Which sessions of this account are open?
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListSessions {
    /// Whose.
    pub(crate) whose: Whose,
}

/// An open session, without its token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The session.
    pub(crate) session: SessionId,
    /// How the client describes its device, or what it calls itself.
    pub(crate) device: String,
    /// Since when it is open.
    pub(crate) opened: Timestamp,
    /// When it was last used, give or take a minute; missing if never since it was opened.
    pub(crate) last_used: Option<Timestamp>,
    /// The last instant at which it is good, if limited.
    pub(crate) expires: Option<Timestamp>,
    /// The session it was opened from, and with which it ends.
    pub(crate) parent: Option<SessionId>,
    /// The API key that it was opened with, and with which it ends.
    pub(crate) api_key: Option<ApiKeyId>,
    /// Whether nobody has shown yet that it is theirs.
    pub(crate) unproved: bool,
}

/// Revokes one session of an account, or all.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeSessions {
    /// Whose.
    pub(crate) whose: Whose,
    /// Which, with those that were opened from it; all if it is missing.
    pub(crate) session: Option<SessionId>,
}

/// Sessions have been revoked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SessionsRevoked {
    /// How many were named: those that were opened from one that is named go with it and are not counted.
    pub(crate) sessions: u64,
}

/// The longest overlap of a rotation, in seconds: 366 days. Until an overlap is over nothing is rotated again, so a slip
/// of the hand must not last for ever.
pub(crate) const OVERLAP_S_MAX: u64 = 366 * 86_400;

/// By which keys do clients know the server?
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowIdentity {}

/// Gives the server new keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateIdentity {
    /// Seconds for which the present keys go on answering, at most [`OVERLAP_S_MAX`].
    pub(crate) overlap_s: u64,
}

/// The keys by which clients know the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServerIdentity {
    /// Those that new clients are told of.
    #[serde(flatten)]
    pub(crate) keys: IdentityKeys,
    /// Those before, while they answer.
    pub(crate) former: Option<FormerIdentity>,
}

/// The keys of one generation, in lower-case hexadecimal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IdentityKeys {
    /// Which: 1 is the first.
    pub(crate) generation: u32,
    /// X25519, 64 digits: what clients box for.
    pub(crate) public_key: String,
    /// Ed25519, 64 digits: what the server's signatures are verified with.
    pub(crate) verify_key: String,
}

/// Keys that go on answering for a while.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FormerIdentity {
    /// The keys.
    #[serde(flatten)]
    pub(crate) keys: IdentityKeys,
    /// The last instant at which they answer.
    pub(crate) until: Timestamp,
}
