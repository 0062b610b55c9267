//! The native interface as documents: operations, replies, events, frames and problem codes.
//!
//! Nothing here acts. The same operations travel as HTTP requests and as frames over a WebSocket or in memory, and a
//! client in another language mirrors exactly these types. Byte strings are canonical base64 with padding in text and
//! plain bytes in CBOR; instants are milliseconds since 1970; unknown members are refused.

mod api_keys;
mod base64_bytes;
mod change;
mod event;
mod frame;
mod items;
mod keys;
mod operation;
mod pin_recovery;
mod problem;
mod recovery;
mod reply;
mod service_keys;
mod shares;
mod sharing;
#[cfg(test)]
mod tests;
mod text;
mod user;
mod vault;

pub use api_keys::{
    ApiKey, ApiKeyChallenge, ApiKeyList, ApiKeySignIn, ApiKeySignedIn, Attached, Attachment, AttachmentList,
    Boxed, Grant, NewApiKey, OwnerKeys,
};
pub use base64_bytes::{Base64Array, Base64Bytes};
pub use change::Change;
pub use event::{Event, FeedPage, RecoveryState, What};
pub use frame::{
    CHANNEL_ANONYMOUS, ClientFrame, Encoding, FRAME_BYTES_MAX, FrameError, HELLO_WITHIN_S, NEXT_WITHIN_S,
    SUBPROTOCOL_CBOR, SUBPROTOCOL_JSON, SUBPROTOCOL_SEALED, ServerFrame, SubscriptionId,
};
pub use items::{Item, ItemPage, NewItem, Slot, SlotChange, SlotType, Template, TemplateList, TemplateSlot};
pub use keys::{
    Dek, DekPage, Kek, KeyPair, KeyPairPage, NewDek, NewKek, NewKeyPair, NewRotation, Rewrapped, Rotation,
    WrappedKeyId,
};
pub use operation::{Operation, Previous};
pub use pin_recovery::{
    PinRecoveryStatus, PinRecoveryStep, REALMS_CONTEXT, RealmStatement, RealmsStatement, SignedRealms,
};
pub use problem::{Problem, ProblemCode};
pub use recovery::{
    Approved, Deal, Escrow, EscrowPage, EscrowRefresh, EscrowSummary, Holder, HolderKind, NewEscrow,
    RecoveryApproval, RecoveryKey, RecoveryRequest, RecoveryRequestList, Release, ReleasePolicy,
    ReleasedShare, SealedShare,
};
pub use reply::{
    GrantInfo, GrantPage, HistoryPage, NamePage, ReceiptDocument, RecordDocument, RecordHead, RecordInfo,
    Reply, ResetDone, SessionInfo, SessionOpened, Shared, VersionInfo, Whoami,
};
pub use service_keys::{
    Chain, ChainList, NewChain, NewServiceKey, RootKey, ServiceKey, ServiceKeyInUse, ServiceKeyKind,
    ServiceKeyList, ServiceKeyMade,
};
pub use shares::{
    KeyKind, MemberList, MemberRight, NewShare, OwnShareRight, Share, ShareAccepted, ShareCreated,
    ShareOffer, SharePage, ShareRightGiven, ShareRights,
};
pub use sharing::{
    Datastore, DatastoreCreated, DatastoreInfo, DatastoreList, NewDatastore, NewSecret, NewSecrets, Parent,
    Secret, SecretCreated, SecretHistory, SecretVersion, SecretVersionInfo, SecretsCreated, Written,
};
pub use text::{CryppoString, TokenText};
pub use user::{
    KekRewrapped, PassphraseChange, PassphraseChanged, Registration, ServiceInfo, SignInFailures, SignedIn,
    SrpChallenge, SrpProof, SrpStart, TargetRewrapped, UserRegistered, UsernameReserved,
};
pub use vault::{
    AdmissionToken, Admitted, Profile, ProfileChange, TokenRequest, TokenShown, VaultEnrolled,
    VaultEnrolment, VaultSession, VaultSignIn, VaultUser,
};
