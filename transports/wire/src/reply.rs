//! What is answered.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash::RecordTag,
    id::{AccountId, ApiKeyId, SessionId, Subject},
    time::Timestamp,
};

use crate::{
    AdmissionToken, Admitted, ApiKey, ApiKeyChallenge, ApiKeyList, ApiKeySignedIn, Attached, AttachmentList,
    Base64Bytes, ChainList, Datastore, DatastoreCreated, DatastoreList, Dek, DekPage, Escrow, EscrowPage,
    EscrowSummary, FeedPage, Item, ItemPage, Kek, KeyPair, KeyPairPage, MemberList, PassphraseChanged,
    PinRecoveryStatus, RecoveryKey, RecoveryRequest, RecoveryRequestList, Release, RootKey, Rotation, Secret,
    SecretHistory, SecretVersion, SecretsCreated, ServiceInfo, ServiceKey, ServiceKeyInUse, ServiceKeyList,
    ServiceKeyMade, Share, ShareAccepted, ShareCreated, SharePage, ShareRightGiven, SignInFailures, SignedIn,
    SignedRealms, SrpChallenge, TemplateList, UserRegistered, UsernameReserved, VaultEnrolled, VaultSession,
    VaultUser, Written,
};

/// The answer to an operation: an object with one member, whose name is the kind of answer. Which kind comes is fixed
/// by the operation; over HTTP the body is the answer alone, without its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `session.whoami`.
    Whoami(Whoami),
    /// To `session.list`.
    Sessions {
        /// The sessions.
        sessions: Vec<SessionInfo>,
    },
    /// To `session.child`.
    Opened(SessionOpened),
    /// To `session.revoke_all`.
    Revoked {
        /// How many sessions ended.
        count: u64,
    },
    /// To `records.get` and `records.version`.
    Record(RecordDocument),
    /// To `records.put` and `records.undo`.
    Head(RecordHead),
    /// To `records.list`.
    Names(NamePage),
    /// To `records.reset`.
    Reset(ResetDone),
    /// To `records.history`.
    History(HistoryPage),
    /// To `records.share`.
    Shared(Shared),
    /// To `records.grants`.
    Grants(GrantPage),
    /// To `records.receipt`.
    Receipt(ReceiptDocument),
    /// To `feed.page`.
    Feed(FeedPage),
    /// To `service.info`.
    Service(ServiceInfo),
    /// To `user.reserve`.
    Reserved(UsernameReserved),
    /// To `user.register`.
    Registered(UserRegistered),
    /// To `user.challenge`.
    Challenge(SrpChallenge),
    /// To `user.sign_in`.
    SignedIn(SignedIn),
    /// To `user.passphrase`.
    PassphraseChanged(PassphraseChanged),
    /// To `user.attempts`.
    Attempts(SignInFailures),
    /// To `api_keys.challenge`.
    ApiKeyChallenge(ApiKeyChallenge),
    /// To `api_keys.login`.
    ApiKeySignedIn(ApiKeySignedIn),
    /// To `api_keys.create` and `api_keys.update`.
    ApiKey(ApiKey),
    /// To `api_keys.list`.
    ApiKeys(ApiKeyList),
    /// To `api_keys.attach`.
    Attached(Attached),
    /// To `api_keys.attached`.
    Attachments(AttachmentList),
    /// To `datastores.list`.
    Datastores(DatastoreList),
    /// To `datastores.get`.
    Datastore(Datastore),
    /// To `datastores.create`.
    DatastoreCreated(DatastoreCreated),
    /// To `secrets.create`.
    SecretsCreated(SecretsCreated),
    /// To `secrets.get`.
    Secret(Secret),
    /// To `secrets.history`.
    SecretHistory(SecretHistory),
    /// To `secrets.version`.
    SecretVersion(SecretVersion),
    /// To `shares.list`.
    Shares(SharePage),
    /// To `shares.create`.
    ShareCreated(ShareCreated),
    /// To `shares.get`.
    Share(Share),
    /// To `shares.offer` and `shares.change`.
    ShareRight(ShareRightGiven),
    /// To `shares.accept`.
    ShareAccepted(ShareAccepted),
    /// To `shares.rights`.
    Members(MemberList),
    /// To what saves something that is there: `datastores.update`, `secrets.update` and `shares.update`.
    Written(Written),
    /// To `kek.set`, `kek.get`, `kek.restart`, `rotation.finish` and `rotation.cancel`.
    Kek(Kek),
    /// To `rotation.begin` and `rotation.rewrap`.
    Rotation(Rotation),
    /// To `dek.create` and `dek.get`.
    Dek(Dek),
    /// To `dek.list`.
    Deks(DekPage),
    /// To `keypair.create`, `keypair.get`, `keypair.find` and `keypair.update`.
    #[serde(rename = "keypair")]
    KeyPair(KeyPair),
    /// To `keypair.list`.
    #[serde(rename = "keypairs")]
    KeyPairs(KeyPairPage),
    /// To `admission.issue`.
    AdmissionToken(AdmissionToken),
    /// To `admission.spend`.
    Admitted(Admitted),
    /// To `vault.enrol`.
    VaultEnrolled(VaultEnrolled),
    /// To `vault.session`.
    VaultSession(VaultSession),
    /// To `vault.user` and `vault.update`.
    VaultUser(VaultUser),
    /// To `template.list`.
    Templates(TemplateList),
    /// To `item.create`, `item.get` and `item.update`.
    Item(Item),
    /// To `item.list`.
    Items(ItemPage),
    /// To `chains.create` and `chains.rotate_root`.
    RootKey(RootKey),
    /// To `chains.list`.
    Chains(ChainList),
    /// To `service_keys.create` and `service_keys.rotate`.
    ServiceKeyMade(ServiceKeyMade),
    /// To `service_keys.get` and `service_keys.update`.
    ServiceKey(ServiceKey),
    /// To `service_keys.list`.
    ServiceKeys(ServiceKeyList),
    /// To `service_keys.self`.
    ServiceKeyInUse(ServiceKeyInUse),
    // Recovery
    /// To `escrows.key`.
    RecoveryKey(RecoveryKey),
    /// To `escrows.list` and `escrows.held`.
    Escrows(EscrowPage),
    /// To `escrows.get`.
    Escrow(Box<Escrow>),
    /// To `escrows.create` and `escrows.refresh`.
    EscrowDealt(EscrowSummary),
    /// To `recovery.open`, `recovery.get` and `recovery.approve`.
    RecoveryRequest(RecoveryRequest),
    /// To `recovery.list`.
    RecoveryRequests(RecoveryRequestList),
    /// To `recovery.collect`.
    Release(Release),
    // PIN recovery
    /// To `pin_recovery.realms`.
    PinRecoveryRealms(SignedRealms),
    /// To `pin_recovery.status`.
    PinRecoveryStatus(PinRecoveryStatus),
    /// To `session.revoke`, `account.erase`, `escrows.delete`, `recovery.veto`, `pin_recovery.veto`, what moves or takes down a link, `shares.decline`, `shares.revoke`, and what deletes one thing:
    /// `records.delete`, `api_keys.revoke`, `api_keys.detach`, `datastores.delete`, `dek.delete`, `keypair.delete`,
    /// `item.delete`, `slot.delete`, `service_keys.delete`.
    Done {},
}

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whoami {
    /// The account.
    pub account: AccountId,
    /// The realm.
    pub realm: String,
    /// The identity in it.
    pub subject: Subject,
    /// What the caller may do with records: `create`, `get`, `reset`.
    pub rights: Vec<String>,
    /// The bearer session, if that is how the caller came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// When the credential ends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A bearer session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Which.
    pub session: SessionId,
    /// What its holder calls it.
    pub label: String,
    /// What it may do with records.
    pub rights: Vec<String>,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it ends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was last used, give or take a minute, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
    /// The session it was opened from, and with which it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SessionId>,
    /// The API key it was opened with, and with which it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<ApiKeyId>,
}

/// A session that was opened, with its token, which is shown this once. Debug output hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOpened {
    /// Which.
    pub session: SessionId,
    /// What to send as `Authorization: Bearer`.
    pub token: String,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl std::fmt::Debug for SessionOpened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionOpened({:?})", self.session)
    }
}

/// The present state of a record, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordHead {
    /// One to three parts.
    pub name: Vec<String>,
    /// Whose it is.
    pub owner: Subject,
    /// Counts every change; never goes back.
    pub sequence: u64,
    /// `major.minor`.
    pub version: String,
    /// Names this state; over HTTP also the `ETag`.
    pub tag: RecordTag,
    /// SHA-256 chain over the record's history, 32 bytes.
    pub chain: Base64Bytes,
    /// When this state began.
    pub written: Timestamp,
    /// Who may read it beside the owner.
    pub recipients: Vec<Subject>,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordDocument {
    /// The head.
    pub head: RecordHead,
    /// Opaque bytes.
    pub meta: Base64Bytes,
    /// Opaque bytes.
    pub value: Base64Bytes,
}

/// A record in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordInfo {
    /// One to three parts.
    pub name: Vec<String>,
    /// Counts every change.
    pub sequence: u64,
    /// `major.minor`.
    pub version: String,
    /// When its present state began.
    pub written: Timestamp,
}

/// A page of a listing. The order means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamePage {
    /// The records.
    pub records: Vec<RecordInfo>,
    /// The `cursor` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a reset did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetDone {
    /// Records deleted or changed.
    pub count: u64,
}

/// A version of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionInfo {
    /// The record's sequence number then.
    pub sequence: u64,
    /// `major.minor`.
    pub version: String,
    /// Its tag then.
    pub tag: RecordTag,
    /// When it began.
    pub written: Timestamp,
    /// True for a deletion.
    pub deleted: bool,
    /// Bytes of `meta`.
    pub meta_bytes: u64,
    /// Bytes of `value`.
    pub value_bytes: u64,
}

/// A page of history, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// The versions.
    pub versions: Vec<VersionInfo>,
    /// The `after` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<u64>,
}

/// Who may read a record now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// In the order in which they were added.
    pub recipients: Vec<Subject>,
}

/// A record that somebody shared with the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantInfo {
    /// Whose it is.
    pub owner: Subject,
    /// Its name there.
    pub name: Vec<String>,
    /// Since when.
    pub since: Timestamp,
}

/// A page of grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantPage {
    /// The grants.
    pub grants: Vec<GrantInfo>,
    /// The `cursor` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The engine's signature under a record's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptDocument {
    /// The head that is signed.
    pub head: RecordHead,
    /// Ed25519, 64 bytes.
    pub signature: String,
    /// The public key, 32 bytes.
    pub key: String,
}
