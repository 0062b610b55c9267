//! What can be asked.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    hash::RecordTag,
    id::{
        AccountId, ApiKeyId, ApiKeySecretId, DatastoreId, DekId, EscrowId, ItemId, KeyPairId, LinkId,
        RecoveryRequestId, SecretId, SecretVersionId, SessionId, ShareId, ShareRightId, SlotId, Subject,
        TemplateId,
    },
    pin_recovery::RecoveryRealmId,
    time::Timestamp,
};

use crate::{
    ApiKeySignIn, Base64Array, Base64Bytes, Boxed, Change, EscrowRefresh, KeyKind, NewApiKey, NewChain,
    NewDatastore, NewDek, NewEscrow, NewItem, NewKek, NewKeyPair, NewRotation, NewSecrets, NewServiceKey,
    NewShare, Parent, PassphraseChange, ProfileChange, RecoveryApproval, Registration, Rewrapped, ShareOffer,
    ShareRights, SlotChange, SrpProof, SrpStart, TokenRequest, TokenShown, TokenText, VaultEnrolment,
    VaultSignIn,
};

/// What a writer believes the present state of a record to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Previous {
    /// There is no record. Over HTTP: `If-None-Match: *`.
    Absent,
    /// The record has this tag. Over HTTP: `If-Match`.
    Tag(RecordTag),
}

/// One operation of the native interface: an object with one member, whose name is the operation and whose value its
/// arguments, as in `{"records.get": {"name": ["notes"]}}`. In frames it is the member `do`; over HTTP it is method, path, query,
/// headers and body together (`docs/native-api.md` has the table).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Operation {
    /// Who am I?
    #[serde(rename = "session.whoami")]
    Whoami {},
    /// The caller's bearer sessions.
    #[serde(rename = "session.list")]
    ListSessions {},
    /// Revokes a bearer session of the caller; without `session` the one the caller came with.
    #[serde(rename = "session.revoke")]
    RevokeSession {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
    },
    /// Revokes the caller's bearer sessions.
    #[serde(rename = "session.revoke_all")]
    RevokeSessions {
        /// Whether the session that the caller came with stays, and with it the one it was opened from.
        keep_current: bool,
    },
    /// Opens a session that ends soon, out of the one that the caller came with.
    #[serde(rename = "session.child")]
    OpenChild {
        /// Seconds for which it is good: 1 to 2,592,000 (30 days), and never longer than its parent.
        life_s: u64,
        /// What its holder calls it; at most 128 bytes are kept.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        label: String,
    },
    /// Reads a record.
    #[serde(rename = "records.get")]
    GetRecord {
        /// Whose; without it the caller's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Subject>,
        /// One to three parts.
        name: Vec<String>,
    },
    /// Creates or replaces a record.
    #[serde(rename = "records.put")]
    PutRecord {
        /// One to three parts.
        name: Vec<String>,
        /// Opaque bytes.
        meta: Base64Bytes,
        /// Opaque bytes.
        value: Base64Bytes,
        /// What the writer believes; needed to replace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Previous>,
        /// Added to the recipients.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        recipients: Vec<Subject>,
    },
    /// Lists records by leading parts of their names.
    #[serde(rename = "records.list")]
    ListRecords {
        /// Whose; without it the caller's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Subject>,
        /// None to two parts.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        prefix: Vec<String>,
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Deletes the record of exactly this name; the single record is emptied instead. History keeps what was deleted.
    #[serde(rename = "records.delete")]
    DeleteRecord {
        /// One to three parts.
        name: Vec<String>,
        /// Checked if given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Previous>,
    },
    /// Deletes all records whose names begin so, the single record excepted.
    #[serde(rename = "records.reset")]
    ResetRecords {
        /// None to three parts; none for all.
        prefix: Vec<String>,
        /// Takes this recipient out of the records instead of deleting them; a record without recipients left is
        /// deleted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recipient: Option<Subject>,
    },
    /// Lists the versions that history keeps of a record.
    #[serde(rename = "records.history")]
    History {
        /// One to three parts.
        name: Vec<String>,
        /// Only versions after this sequence number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// Reads a former version.
    #[serde(rename = "records.version")]
    GetVersion {
        /// One to three parts.
        name: Vec<String>,
        /// Which version.
        sequence: u64,
    },
    /// Makes a former version the head again.
    #[serde(rename = "records.undo")]
    UndoRecord {
        /// One to three parts.
        name: Vec<String>,
        /// Which version.
        sequence: u64,
        /// Checked if given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Previous>,
    },
    /// Gives identities access to a record, or takes it back.
    #[serde(rename = "records.share")]
    ShareRecord {
        /// One to three parts.
        name: Vec<String>,
        /// Who may read it from now on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        add: Vec<Subject>,
        /// Who may not any longer.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<Subject>,
    },
    /// Lists what others have shared with the caller.
    #[serde(rename = "records.grants")]
    ListGrants {
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// The engine's signature under a record's present head.
    #[serde(rename = "records.receipt")]
    Receipt {
        /// Whose; without it the caller's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Subject>,
        /// One to three parts.
        name: Vec<String>,
    },
    /// One page of a feed. Over HTTP it may wait (`wait_s`) until there is something.
    #[serde(rename = "feed.page")]
    FeedPage {
        /// Whose; without it the caller's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Subject>,
        /// Only events of this record; needed with `owner`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<Vec<String>>,
        /// The last sequence number seen; without it the feed's end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
        /// Seconds to wait for an event; at most 60.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait_s: Option<u64>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Ends the caller's account for ever.
    #[serde(rename = "account.erase")]
    EraseAccount {
        /// The caller's own subject, typed again: erasing is not to happen by a slip.
        confirm: Subject,
    },

    /// Where people sign up, and what the vault is called. Asked without a credential.
    #[serde(rename = "service.info")]
    ServiceInfo {},
    /// Draws a username and keeps it for an hour. Asked without a credential.
    #[serde(rename = "user.reserve")]
    ReserveUsername {},
    /// Makes a user. Asked without a credential.
    #[serde(rename = "user.register")]
    RegisterUser(Registration),
    /// Begins to sign in. Asked without a credential.
    #[serde(rename = "user.challenge")]
    BeginSrp(SrpStart),
    /// Answers the challenge, and signs in. Asked without a credential.
    #[serde(rename = "user.sign_in")]
    FinishSrp(SrpProof),
    /// Changes the caller's passphrase. All other sessions end.
    #[serde(rename = "user.passphrase")]
    ChangePassphrase(Box<PassphraseChange>),
    /// How many attempts to sign in to the caller's account have failed?
    #[serde(rename = "user.attempts")]
    SignInAttempts {},

    /// Gives out what a sign-in with an API key is signed over. Asked without a credential.
    #[serde(rename = "api_keys.challenge")]
    ChallengeApiKey {},
    /// Signs in with an API key. Asked without a credential.
    #[serde(rename = "api_keys.login")]
    SignInWithApiKey(Box<ApiKeySignIn>),
    /// Makes an API key. Never asked with one.
    #[serde(rename = "api_keys.create")]
    CreateApiKey(Box<NewApiKey>),
    /// Lists the caller's API keys. Never asked with one.
    #[serde(rename = "api_keys.list")]
    ListApiKeys {},
    /// Changes an API key, and at once what its sessions may do. What is not named stays. Never asked with one.
    #[serde(rename = "api_keys.update")]
    UpdateApiKey {
        /// Which.
        id: ApiKeyId,
        /// What its owner calls it; at most 1,024 bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// Whether it may look.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read: Option<bool>,
        /// Whether it may change something.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        write: Option<bool>,
        /// Whether it reaches only the secrets that are attached to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restrict: Option<bool>,
        /// Whether the server may be given the key of its secrets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        insecure: Option<bool>,
        /// Whether it signs in at all. One that no longer does has no sessions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        active: Option<bool>,
        /// The last instant at which it is good; `null` until it is revoked.
        #[serde(default, skip_serializing_if = "Change::is_keep")]
        expires: Change<Timestamp>,
    },
    /// Ends an API key for ever, and with it its sessions. Never asked with one.
    #[serde(rename = "api_keys.revoke")]
    RevokeApiKey {
        /// Which.
        id: ApiKeyId,
    },
    /// Attaches a secret to an API key, which then reaches it also where it is restricted. Never asked with one.
    #[serde(rename = "api_keys.attach")]
    AttachSecret {
        /// To which API key.
        id: ApiKeyId,
        /// Which secret.
        secret: SecretId,
        /// The secret's key, under that of the API key.
        secret_key: Boxed,
        /// What the owner calls it, under the owner's secret key; at most 1,024 bytes.
        title: Boxed,
    },
    /// Lists what is attached to an API key. Never asked with one.
    #[serde(rename = "api_keys.attached")]
    ListAttached {
        /// To which.
        id: ApiKeyId,
    },
    /// Takes a secret off the API key that it is attached to. Never asked with one.
    #[serde(rename = "api_keys.detach")]
    DetachSecret {
        /// The attachment.
        attachment: ApiKeySecretId,
    },

    /// Lists the caller's datastores.
    #[serde(rename = "datastores.list")]
    ListDatastores {},
    /// Reads a datastore of the caller's.
    #[serde(rename = "datastores.get")]
    GetDatastore {
        /// Which.
        id: DatastoreId,
    },
    /// Makes a datastore.
    #[serde(rename = "datastores.create")]
    CreateDatastore(Box<NewDatastore>),
    /// Saves a datastore. What is not named stays.
    #[serde(rename = "datastores.update")]
    UpdateDatastore {
        /// Which.
        id: DatastoreId,
        /// What it holds, under its key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<Boxed>,
        /// Its key, under the caller's secret key; at most 256 bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret_key: Option<Boxed>,
        /// What people know it by; at most 64 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Whether clients open it for its kind.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is_default: Option<bool>,
        /// When it was written last, as far as the caller knows. Checked if given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Timestamp>,
    },
    /// Deletes a datastore that is not the default of its kind. What hangs in it hangs there no longer.
    #[serde(rename = "datastores.delete")]
    DeleteDatastore {
        /// Which.
        id: DatastoreId,
        /// What a person of the psono dialect shows that they know the password by: 128 hexadecimal digits. Others have
        /// none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authkey: Option<TokenText>,
    },
    /// Makes secrets, each at its first link.
    #[serde(rename = "secrets.create")]
    CreateSecrets(NewSecrets),
    /// Reads a secret, which is counted.
    #[serde(rename = "secrets.get")]
    GetSecret {
        /// Which.
        id: SecretId,
    },
    /// Writes a secret. What it held goes to its history.
    #[serde(rename = "secrets.update")]
    UpdateSecret {
        /// Which.
        id: SecretId,
        /// What it holds from now on, under its key. Its nonce has sealed no secret before, this one included.
        data: Boxed,
        /// When it was written last, as far as the caller knows. Checked if given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Timestamp>,
    },
    /// Lists the earlier states of a secret.
    #[serde(rename = "secrets.history")]
    SecretHistory {
        /// Of which secret.
        id: SecretId,
    },
    /// Reads an earlier state of a secret, which is not counted.
    #[serde(rename = "secrets.version")]
    GetSecretVersion {
        /// Which.
        version: SecretVersionId,
    },
    /// Moves a link of a secret, and with it the secret.
    #[serde(rename = "secrets.move")]
    MoveSecret {
        /// Which link.
        link: LinkId,
        /// Where it goes.
        parent: Parent,
    },
    /// Takes a secret down from where a link has it. One that hangs nowhere can be read by nobody.
    #[serde(rename = "secrets.unlink")]
    UnlinkSecret {
        /// Which link.
        link: LinkId,
    },

    /// Lists the caller's rights on shares and the offers to them, whatever they answered.
    #[serde(rename = "shares.list")]
    ListShares {
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Makes a share, with which the caller may do everything.
    #[serde(rename = "shares.create")]
    CreateShare(Box<NewShare>),
    /// Reads a share.
    #[serde(rename = "shares.get")]
    GetShare {
        /// Which.
        id: ShareId,
    },
    /// Saves a share.
    #[serde(rename = "shares.update")]
    UpdateShare {
        /// Which.
        id: ShareId,
        /// What it holds from now on, under its key.
        data: Boxed,
        /// When it was written last, as far as the caller knows. Checked if given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Timestamp>,
    },
    /// Offers somebody a right on a share.
    #[serde(rename = "shares.offer")]
    OfferShare(Box<ShareOffer>),
    /// Accepts an offer, once.
    #[serde(rename = "shares.accept")]
    AcceptShare {
        /// Which offer.
        right: ShareRightId,
        /// The share's key, sealed anew; at most 256 bytes.
        key: Boxed,
        /// How it is sealed.
        key_kind: KeyKind,
    },
    /// Declines an offer.
    #[serde(rename = "shares.decline")]
    DeclineShare {
        /// Which offer.
        right: ShareRightId,
    },
    /// Lists who has a right on a share, and who was offered one.
    #[serde(rename = "shares.rights")]
    ListShareRights {
        /// On which share.
        share: ShareId,
    },
    /// Changes what somebody may do with a share, from their next command on.
    #[serde(rename = "shares.change")]
    ChangeShareRight {
        /// Which share.
        share: ShareId,
        /// Whose right.
        taker: AccountId,
        /// What they may do.
        rights: ShareRights,
    },
    /// Takes a right or an offer back. It counts for nothing from the next command on.
    #[serde(rename = "shares.revoke")]
    RevokeShareRight {
        /// Which.
        right: ShareRightId,
    },
    /// Hangs a share up in one more place.
    #[serde(rename = "shares.place")]
    PlaceShare {
        /// Which share.
        share: ShareId,
        /// The new link: 16 random bytes that the client draws.
        link: LinkId,
        /// What it hangs below.
        parent: Parent,
    },
    /// Moves a link of a share, and with it the share.
    #[serde(rename = "shares.move")]
    MoveShare {
        /// Which link.
        link: LinkId,
        /// Where it goes.
        parent: Parent,
    },
    /// Takes a share down from where a link has it. Whoever has a right of their own on it keeps that.
    #[serde(rename = "shares.unlink")]
    UnlinkShare {
        /// Which link.
        link: LinkId,
    },

    /// Sets the caller's KEK. It is set once, and from then on rotated.
    #[serde(rename = "kek.set")]
    SetKek(NewKek),
    /// Reads the caller's KEK.
    #[serde(rename = "kek.get")]
    GetKek {},
    /// Puts another KEK in place of the caller's and drops every key below it: for an enrolment that was cut off.
    #[serde(rename = "kek.restart")]
    RestartEnrolment(NewKek),
    /// Keeps a new DEK.
    #[serde(rename = "dek.create")]
    CreateDek(NewDek),
    /// Reads a DEK.
    #[serde(rename = "dek.get")]
    GetDek {
        /// Which.
        id: DekId,
    },
    /// Forgets a DEK. What it encrypts is lost.
    #[serde(rename = "dek.delete")]
    DeleteDek {
        /// Which.
        id: DekId,
    },
    /// Lists the caller's DEKs.
    #[serde(rename = "dek.list")]
    ListDeks {
        /// Only those that the rotation under way has yet to rewrap.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pending: bool,
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Keeps a new key pair.
    #[serde(rename = "keypair.create")]
    CreateKeyPair(NewKeyPair),
    /// Reads a key pair.
    #[serde(rename = "keypair.get")]
    GetKeyPair {
        /// Which.
        id: KeyPairId,
    },
    /// Reads the key pair that goes by this name.
    #[serde(rename = "keypair.find")]
    FindKeyPair {
        /// The name, exactly as it was given.
        external_identifier: String,
    },
    /// Replaces what is said of a key pair. What is not named stays; the keys always do.
    #[serde(rename = "keypair.update")]
    UpdateKeyPair {
        /// Which.
        id: KeyPairId,
        /// What to call it from now on; whatever else it was called is free again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_identifiers: Option<Vec<String>>,
        /// What to say of it from now on: the text of a JSON object, at most 8 deep.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<String>,
    },
    /// Forgets a key pair, and frees its names. What is encrypted for it is lost.
    #[serde(rename = "keypair.delete")]
    DeleteKeyPair {
        /// Which.
        id: KeyPairId,
    },
    /// Lists the caller's key pairs, at most 64 in a page.
    #[serde(rename = "keypair.list")]
    ListKeyPairs {
        /// Only those that the rotation under way has yet to rewrap.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pending: bool,
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Begins to rotate the caller's KEK.
    #[serde(rename = "rotation.begin")]
    BeginRotation(NewRotation),
    /// Keeps some keys as the KEK to come wraps them, all of them or none. Doing it again changes nothing.
    #[serde(rename = "rotation.rewrap")]
    Rewrap {
        /// The generation of the KEK to come.
        target: u32,
        /// The keys, of both kinds; at most 256.
        keys: Vec<Rewrapped>,
    },
    /// Lets the new KEK take the old one's place. Refused while a key is not rewrapped.
    #[serde(rename = "rotation.finish")]
    FinishRotation {
        /// The generation of the KEK to come.
        target: u32,
    },
    /// Gives a rotation up. The present KEK stays, and with it every key as it was.
    #[serde(rename = "rotation.cancel")]
    CancelRotation {
        /// The generation of the KEK to come.
        target: u32,
    },

    /// Issues a token that admits the caller to a service, once.
    #[serde(rename = "admission.issue")]
    IssueToken(TokenRequest),
    /// Spends an admission token. Asked without a credential, or by the account that the token names.
    #[serde(rename = "admission.spend")]
    SpendToken(TokenShown),

    /// Makes a vault user out of somebody whom a keystore vouches for. Asked without a credential.
    #[serde(rename = "vault.enrol")]
    CreateVaultUser(VaultEnrolment),
    /// Opens a session for whoever can open what is sealed to a vault user's key. Asked without a credential.
    #[serde(rename = "vault.session")]
    OpenVaultSession(VaultSignIn),
    /// Reads the caller's vault user.
    #[serde(rename = "vault.user")]
    GetVaultUser {},
    /// Changes what the caller says about themselves.
    #[serde(rename = "vault.update")]
    UpdateVaultUser(Box<ProfileChange>),
    /// The templates that items are made from.
    #[serde(rename = "template.list")]
    ListTemplates {},
    /// Makes an item from a template.
    #[serde(rename = "item.create")]
    CreateItem(NewItem),
    /// Reads an item with its slots.
    #[serde(rename = "item.get")]
    GetItem {
        /// Which.
        id: ItemId,
    },
    /// Lists the caller's items with their slots. A page ends at about 4 MiB.
    #[serde(rename = "item.list")]
    ListItems {
        /// Only items that were made from one of these; all if there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        templates: Vec<TemplateId>,
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Changes an item: its label, and slot by slot.
    #[serde(rename = "item.update")]
    UpdateItem {
        /// Which.
        id: ItemId,
        /// Its new label, 1 byte to 1 KiB.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// What is done to its slots. Those that are not named stay as they are.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        slots: Vec<SlotChange>,
    },
    /// Deletes an item with its slots.
    #[serde(rename = "item.delete")]
    DeleteItem {
        /// Which.
        id: ItemId,
    },
    /// Deletes a slot of whatever item it is in.
    #[serde(rename = "slot.delete")]
    DeleteSlot {
        /// Which.
        id: SlotId,
    },

    /// Makes a chain and its root key. Asked by the operator.
    #[serde(rename = "chains.create")]
    CreateChain(NewChain),
    /// Lists all chains. Asked by the operator.
    #[serde(rename = "chains.list")]
    ListChains {},
    /// Gives a chain a new root key; the one before signs nothing any more. Asked by the operator.
    #[serde(rename = "chains.rotate_root")]
    RotateRoot {
        /// Which chain.
        chain: ChainId,
        /// The id of its root key; without it the present one. One that was in use before is not taken again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        root: Option<KeyId>,
        /// Its secret, as for a new chain; without it one is drawn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<TokenText>,
    },
    /// Makes a service key. Asked by the operator, or by a service key that may.
    #[serde(rename = "service_keys.create")]
    CreateServiceKey(Box<NewServiceKey>),
    /// Lists the keys of a chain. Asked by the operator, or by a service key that may.
    #[serde(rename = "service_keys.list")]
    ListServiceKeys {
        /// Of which chain, as for a new key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chain: Option<ChainId>,
    },
    /// Shows a key of a chain. Asked by the operator, or by a service key that may.
    #[serde(rename = "service_keys.get")]
    GetServiceKey {
        /// Of which chain, as for a new key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chain: Option<ChainId>,
        /// Which.
        id: KeyId,
    },
    /// Changes a key of a chain; what is not named stays. Asked by the operator, or by a service key that may.
    #[serde(rename = "service_keys.update")]
    UpdateServiceKey {
        /// Of which chain, as for a new key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chain: Option<ChainId>,
        /// Which.
        id: KeyId,
        /// What it is called from now on; may be empty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nickname: Option<String>,
        /// What it may do from now on: the text of a permissions document.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permissions: Option<String>,
        /// The last instant at which it signs; `null` until it is deleted.
        #[serde(default, skip_serializing_if = "Change::is_keep")]
        expires: Change<Timestamp>,
    },
    /// Draws a new secret for a key of a chain, or gives it a new public key. Asked by the operator, or by a service key that may.
    #[serde(rename = "service_keys.rotate")]
    RotateServiceKey {
        /// Of which chain, as for a new key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chain: Option<ChainId>,
        /// Which.
        id: KeyId,
        /// The public half of the new key, of one that signs with Ed25519.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        public_key: Option<Base64Array<32>>,
        /// Seconds for which the secret or the key before goes on signing; without it not at all.
        #[serde(default, skip_serializing_if = "is_zero")]
        overlap_s: u64,
    },
    /// Deletes a key of a chain, for good. Asked by the operator, or by a service key that may.
    #[serde(rename = "service_keys.delete")]
    DeleteServiceKey {
        /// Of which chain, as for a new key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chain: Option<ChainId>,
        /// Which.
        id: KeyId,
    },
    // Recovery
    /// The key that shares of the server's own are sealed to.
    #[serde(rename = "escrows.key")]
    RecoveryKey {},
    /// Lists the caller's own escrows.
    #[serde(rename = "escrows.list")]
    ListEscrows {
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<EscrowId>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Lists the escrows that the caller holds a share of.
    #[serde(rename = "escrows.held")]
    ListHeldEscrows {
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<EscrowId>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Makes an escrow.
    #[serde(rename = "escrows.create")]
    CreateEscrow(Box<NewEscrow>),
    /// Shows an escrow, as far as the caller may see it.
    #[serde(rename = "escrows.get")]
    GetEscrow {
        /// Which.
        id: EscrowId,
    },
    /// Deals an escrow anew, with other holders if wished. The epoch before is over.
    #[serde(rename = "escrows.refresh")]
    RefreshEscrow(Box<EscrowRefresh>),
    /// Deletes an escrow with everything in it.
    #[serde(rename = "escrows.delete")]
    DeleteEscrow {
        /// Which.
        id: EscrowId,
    },
    /// Asks that the shares of an escrow be sealed to a key.
    #[serde(rename = "recovery.open")]
    OpenRecoveryRequest {
        /// Of which escrow.
        escrow: EscrowId,
        /// The X25519 public key that shares are to be sealed to.
        public_key: Base64Array<32>,
        /// What holders and the owner are told; at most 1,024 bytes.
        #[serde(default)]
        reason: String,
    },
    /// Lists the requests of an escrow.
    #[serde(rename = "recovery.list")]
    ListRecoveryRequests {
        /// Of which escrow.
        escrow: EscrowId,
    },
    /// Shows a request.
    #[serde(rename = "recovery.get")]
    GetRecoveryRequest {
        /// Of which escrow.
        escrow: EscrowId,
        /// Which.
        request: RecoveryRequestId,
    },
    /// Approves a request with a holder's share, sealed to the requester.
    #[serde(rename = "recovery.approve")]
    ApproveRecovery(Box<RecoveryApproval>),
    /// Refuses a request for an escrow of the caller's.
    #[serde(rename = "recovery.veto")]
    VetoRecovery {
        /// Of which escrow.
        escrow: EscrowId,
        /// Which.
        request: RecoveryRequestId,
    },
    /// Takes what a request of the caller's was released for.
    #[serde(rename = "recovery.collect")]
    CollectRelease {
        /// Of which escrow.
        escrow: EscrowId,
        /// Which.
        request: RecoveryRequestId,
    },
    // PIN recovery
    /// What the server's realms of PIN recovery say of themselves.
    #[serde(rename = "pin_recovery.realms")]
    PinRecoveryRealms {},
    /// How it stands with what the caller keeps behind a PIN.
    #[serde(rename = "pin_recovery.status")]
    PinRecoveryStatus {
        /// At which realm.
        realm: RecoveryRealmId,
        /// As a user of which tenant; may be left out where the caller is a user of one only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
    },
    /// Takes back what was deleted or replaced.
    #[serde(rename = "pin_recovery.veto")]
    VetoPinErasure {
        /// At which realm.
        realm: RecoveryRealmId,
        /// As a user of which tenant; may be left out where the caller is a user of one only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
    },
    /// Which service key is this? Asked by a service key.
    #[serde(rename = "service_keys.self")]
    ServiceKeyInUse {},
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Operation {
    /// Whether whoever has not signed in may ask it.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Self::ServiceInfo {}
                | Self::PinRecoveryRealms {}
                | Self::ReserveUsername {}
                | Self::RegisterUser(_)
                | Self::BeginSrp(_)
                | Self::FinishSrp(_)
                | Self::ChallengeApiKey {}
                | Self::SignInWithApiKey(_)
                | Self::SpendToken(_)
                | Self::CreateVaultUser(_)
                | Self::OpenVaultSession(_)
        )
    }

    /// Whether the operator may ask it, who has no account.
    pub fn is_operators(&self) -> bool {
        matches!(
            self,
            Self::CreateChain(_)
                | Self::ListChains {}
                | Self::RotateRoot { .. }
                | Self::CreateServiceKey(_)
                | Self::ListServiceKeys { .. }
                | Self::GetServiceKey { .. }
                | Self::UpdateServiceKey { .. }
                | Self::RotateServiceKey { .. }
                | Self::DeleteServiceKey { .. }
        )
    }
}
