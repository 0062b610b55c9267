//! The native interface: one dispatcher behind every way to ask.
//!
//! [`dispatch`] turns an operation of the wire into commands of the engine and their answers back into documents. HTTP
//! (`http.rs`) and frames ([`crate::ws`]) only differ in how an operation is spelled, so what holds over one holds
//! over all. Nothing here decides anything about records, sessions, keys or accounts.
//!
//! | module | has |
//! |---|---|
//! | `records`, `users`, `api_keys`, `sharing`, `shares`, `keys`, `vault`, `service_keys`, `recovery`, `pin_recovery` | what is more than one question and its answer |
//! | `convert` | the engine's answers as documents |
//! | `desk` | one question, with whoever asks it |
//! | `http`, `paths`, `input` | an operation as method, path, query, headers and body |
//! | `people` | where people are, and how often an address may try |

mod api_keys;
pub(crate) mod convert;
mod desk;
#[cfg(test)]
mod documentation;
mod http;
mod input;
mod keys;
mod paths;
pub(crate) mod people;
mod pin_recovery;
mod records;
mod recovery;
mod service_keys;
mod shares;
mod sharing;
#[cfg(test)]
mod tests;
mod users;
mod vault;

use std::{net::IpAddr, time::Duration};

use strongroom_engine::{
    Asking, EngineError,
    domains::{
        accounts::WhoAmI,
        key_hierarchy::{
            CancelRotation, DeleteDek, DeleteKeyPair, FindKeyPair, FinishRotation, GetKek, RestartEnrolment,
            SetKek,
        },
        records::{
            GetRecord, GetVersion, History, ListGrants, ListRecords, PutRecord, ShareRecord, UndoRecord,
        },
        recovery::{DeleteEscrow, VetoRequest},
        service_keys::{DeleteServiceKey, GetServiceKey, UpdateServiceKey},
        sessions::{
            ListSessions, OpenChild, RevokeSession, RevokeSessions,
            api_key::{DeleteApiKey, DetachSecret, UpdateApiKey},
        },
        sharing::{
            DeleteDatastore, UpdateDatastore,
            secrets::{Callback, DeleteSecretLink, MoveSecretLink, UpdateSecret},
            shares::{
                ChangeShareRight, DeclineShare, DeleteShareLink, MoveShareLink, PlaceShareLink,
                RevokeShareRight, SaveShare,
            },
        },
        vault::{DeleteItem, DeleteSlot, GetItem, GetVaultUser},
    },
};
use strongroom_primitives::encoding;
use strongroom_wire::{Operation, Problem, Reply, Shared};

#[cfg(any(feature = "http", test))]
pub(crate) use http::answer_operator;
pub(crate) use http::{answer, waits};
pub(crate) use input::idempotency_key;
pub(crate) use records::name_of;

use self::{
    convert::unboxed,
    desk::Desk,
    records::{prefix_of, previous_of},
    shares::rights_of,
    sharing::parent_of,
};
use crate::{
    Front,
    problem::{self, bad_request, with_detail},
};

/// The longest that a page of a feed may be waited for, in seconds.
pub const FEED_WAIT_S_MAX: u64 = 60;

/// The longest life of a session that can be asked for, in seconds: 30 days.
const SESSION_LIFE_S_MAX: u64 = 30 * 24 * 60 * 60;

/// The longest cursor of a listing, in bytes. Ours are shorter.
const CURSOR_BYTES_MAX: usize = 256;

/// What the transport knows of whoever asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caller<'a> {
    /// The address that rates are counted by; without one they are not.
    pub address: Option<IpAddr>,
    /// What the client calls itself, as [`crate::exchange::agent_of`] has it. Sessions that are given no label go by it.
    pub agent: Option<&'a str>,
}

/// An engine's refusal in the words of the wire.
fn refused(error: EngineError) -> Box<Problem> {
    Box::new(problem::of(&error))
}

/// Asks the engine what `operation` says, and answers in the words of the wire.
///
/// # Errors
/// The problem document of whatever the engine refuses, `bad-request` for what cannot be a command at all, and
/// `too-many-requests`.
pub async fn dispatch(
    front: &Front,
    caller: Caller<'_>,
    asking: Asking,
    operation: Operation,
) -> Result<Reply, Box<Problem>> {
    let desk = Desk { front, caller, asking };
    match operation {
        // The two that are asked a thousand times more often than all others stand alone; the others are boxed, so
        // that they do not make these larger.
        Operation::GetRecord { owner, name } => {
            let record = desk.ask(GetRecord { owner, name: name_of(name)? }).await?;
            Ok(Reply::Record(convert::record(record)))
        }
        Operation::PutRecord { name, meta, value, previous, recipients } => {
            let put = PutRecord::new(name_of(name)?, meta.0, value.0, previous_of(previous), recipients);
            Ok(Reply::Head(convert::head(&desk.ask(put).await?)))
        }
        rare => Box::pin(dispatch_rare(desk, rare)).await,
    }
}

async fn dispatch_rare(desk: Desk<'_>, operation: Operation) -> Result<Reply, Box<Problem>> {
    let done = |()| Reply::Done {};
    match operation {
        Operation::GetRecord { .. } | Operation::PutRecord { .. } => {
            unreachable!("dispatch answers these itself")
        }
        Operation::Whoami {} => Ok(Reply::Whoami(convert::whoami(desk.ask(WhoAmI).await?))),
        Operation::ListSessions {} => {
            let sessions = desk.ask(ListSessions { identity: None }).await?;
            Ok(Reply::Sessions { sessions: sessions.into_iter().map(convert::session).collect() })
        }
        Operation::RevokeSession { session } => {
            desk.ask(RevokeSession { identity: None, session }).await?;
            Ok(Reply::Done {})
        }
        Operation::RevokeSessions { keep_current } => {
            let all = RevokeSessions { identity: None, keep_current };
            Ok(Reply::Revoked { count: desk.ask(all).await? })
        }
        Operation::OpenChild { life_s, label } => {
            if !(1..=SESSION_LIFE_S_MAX).contains(&life_s) {
                return Err(bad_request(format!("life_s is 1 to {SESSION_LIFE_S_MAX} seconds")));
            }
            let open = OpenChild { life: Duration::from_secs(life_s), label: desk.label(label) };
            Ok(Reply::Opened(convert::opened(desk.ask(open).await?)))
        }
        Operation::EraseAccount { confirm } => {
            let me =
                desk.front.engine().ask(desk.asking.credential.clone(), WhoAmI).await.map_err(refused)?;
            if me.identity.subject != confirm {
                return Err(Box::new(with_detail(
                    422,
                    "confirmation-mismatch",
                    "the confirmation is not the caller's subject",
                    "nothing was erased; `confirm` must repeat the subject that GET /v1/session shows",
                )));
            }
            desk.front.engine().erase_account(desk.asking, None).await.map_err(refused)?;
            Ok(Reply::Done {})
        }

        Operation::ListRecords { owner, prefix, cursor, limit } => {
            let (from, limit) = (cursor_of(cursor)?, desk.page_rows(limit));
            let list = ListRecords { owner, prefix: prefix_of(prefix)?, from, limit };
            Ok(Reply::Names(convert::names(desk.ask(list).await?)))
        }
        Operation::DeleteRecord { name, previous } => records::delete(desk, name, previous).await,
        Operation::ResetRecords { prefix, recipient } => records::reset(desk, prefix, recipient).await,
        Operation::History { name, after } => {
            let history = History { name: name_of(name)?, after };
            Ok(Reply::History(convert::history(desk.ask(history).await?)))
        }
        Operation::GetVersion { name, sequence } => {
            let version = GetVersion { name: name_of(name)?, sequence };
            Ok(Reply::Record(convert::record(desk.ask(version).await?)))
        }
        Operation::UndoRecord { name, sequence, previous } => {
            let undo = UndoRecord { name: name_of(name)?, sequence, previous: previous_of(previous) };
            Ok(Reply::Head(convert::head(&desk.ask(undo).await?)))
        }
        Operation::ShareRecord { name, add, remove } => {
            let share = ShareRecord { name: name_of(name)?, add, remove };
            Ok(Reply::Shared(Shared { recipients: desk.ask(share).await?.recipients }))
        }
        Operation::ListGrants { cursor, limit } => {
            let list = ListGrants { from: cursor_of(cursor)?, limit: desk.page_rows(limit) };
            Ok(Reply::Grants(convert::grants(desk.ask(list).await?)))
        }
        Operation::Receipt { owner, name } => records::receipt(desk, owner, name).await,
        Operation::FeedPage { owner, record, after, wait_s, limit } => {
            records::feed_page(desk, owner, record, after, wait_s, limit).await
        }

        Operation::ServiceInfo {} => Ok(Reply::Service(desk.people().info())),
        Operation::ReserveUsername {} => users::reserve(desk).await,
        Operation::RegisterUser(new) => users::register(desk, new).await,
        Operation::BeginSrp(start) => users::challenge(desk, start).await,
        Operation::FinishSrp(proof) => users::sign_in(desk, proof).await,
        Operation::ChangePassphrase(change) => users::change_passphrase(desk, *change).await,
        Operation::SignInAttempts {} => users::attempts(desk).await,

        Operation::ChallengeApiKey {} => api_keys::challenge(desk).await,
        Operation::SignInWithApiKey(sign_in) => api_keys::sign_in(desk, *sign_in).await,
        Operation::CreateApiKey(new) => api_keys::create(desk, *new).await,
        Operation::ListApiKeys {} => api_keys::list(desk).await,
        Operation::UpdateApiKey { id, title, read, write, restrict, insecure, active, expires } => {
            let expires = convert::change(expires);
            let update = UpdateApiKey { id, title, read, write, restrict, insecure, active, expires };
            api_keys::update(desk, update).await
        }
        Operation::RevokeApiKey { id } => desk.ask(DeleteApiKey { id }).await.map(done),
        Operation::AttachSecret { id, secret, secret_key, title } => {
            api_keys::attach(desk, id, secret, secret_key, title).await
        }
        Operation::ListAttached { id } => api_keys::attached(desk, id).await,
        Operation::DetachSecret { attachment } => desk.ask(DetachSecret { id: attachment }).await.map(done),

        Operation::ListDatastores {} => sharing::list_datastores(desk).await,
        Operation::GetDatastore { id } => sharing::get_datastore(desk, id).await,
        Operation::CreateDatastore(new) => sharing::create_datastore(desk, *new).await,
        Operation::UpdateDatastore { id, data, secret_key, description, is_default, previous } => {
            let (data, secret_key) = (data.map(unboxed), secret_key.map(unboxed));
            let update = UpdateDatastore { id, data, secret_key, description, is_default, previous };
            desk.ask(update).await.map(sharing::written)
        }
        Operation::DeleteDatastore { id, authkey } => {
            let authkey = authkey.map(|authkey| authkey.0);
            let network = desk.network();
            desk.ask(DeleteDatastore { id, authkey, network }).await.map(done)
        }
        Operation::CreateSecrets(new) => sharing::create_secrets(desk, new).await,
        Operation::GetSecret { id } => sharing::get_secret(desk, id).await,
        Operation::UpdateSecret { id, data, previous } => {
            let (data, callback) = (Some(unboxed(data)), Callback::default());
            desk.ask(UpdateSecret { id, data, callback, previous }).await.map(sharing::written)
        }
        Operation::SecretHistory { id } => sharing::history(desk, id).await,
        Operation::GetSecretVersion { version } => sharing::version(desk, version).await,
        Operation::MoveSecret { link, parent } => {
            desk.ask(MoveSecretLink { link, parent: parent_of(parent) }).await.map(done)
        }
        Operation::UnlinkSecret { link } => desk.ask(DeleteSecretLink { link }).await.map(done),

        Operation::ListShares { cursor, limit } => shares::list(desk, cursor, limit).await,
        Operation::CreateShare(new) => shares::create(desk, *new).await,
        Operation::GetShare { id } => shares::get(desk, id).await,
        Operation::UpdateShare { id, data, previous } => {
            desk.ask(SaveShare { id, data: unboxed(data), previous }).await.map(sharing::written)
        }
        Operation::OfferShare(offer) => shares::offer(desk, *offer).await,
        Operation::AcceptShare { right, key, key_kind } => shares::accept(desk, right, key, key_kind).await,
        Operation::DeclineShare { right } => desk.ask(DeclineShare { right }).await.map(done),
        Operation::ListShareRights { share } => shares::members(desk, share).await,
        Operation::ChangeShareRight { share, taker, rights } => {
            desk.ask(ChangeShareRight { share, taker, rights: rights_of(rights) }).await.map(shares::right)
        }
        Operation::RevokeShareRight { right } => desk.ask(RevokeShareRight { right }).await.map(done),
        Operation::PlaceShare { share, link, parent } => {
            desk.ask(PlaceShareLink { link, share, parent: parent_of(parent) }).await.map(done)
        }
        Operation::MoveShare { link, parent } => {
            desk.ask(MoveShareLink { link, parent: parent_of(parent) }).await.map(done)
        }
        Operation::UnlinkShare { link } => desk.ask(DeleteShareLink { link }).await.map(done),

        Operation::SetKek(new) => keys::kek(desk.ask(SetKek { wrapped: new.wrapped.0.into() }).await?),
        Operation::GetKek {} => keys::kek(desk.ask(GetKek {}).await?),
        Operation::RestartEnrolment(new) => {
            keys::kek(desk.ask(RestartEnrolment { wrapped: new.wrapped.0.into() }).await?)
        }
        Operation::CreateDek(new) => keys::create_dek(desk, new).await,
        Operation::GetDek { id } => keys::dek(desk, id).await,
        Operation::DeleteDek { id } => desk.ask(DeleteDek { id }).await.map(done),
        Operation::ListDeks { pending, cursor, limit } => keys::deks(desk, pending, cursor, limit).await,
        Operation::CreateKeyPair(new) => keys::create_key_pair(desk, new).await,
        Operation::GetKeyPair { id } => keys::get_key_pair(desk, id).await,
        Operation::FindKeyPair { external_identifier } => {
            keys::key_pair(desk.ask(FindKeyPair { external_identifier }).await?)
        }
        Operation::UpdateKeyPair { id, external_identifiers, metadata } => {
            keys::update_key_pair(desk, id, external_identifiers, metadata).await
        }
        Operation::DeleteKeyPair { id } => desk.ask(DeleteKeyPair { id }).await.map(done),
        Operation::ListKeyPairs { pending, cursor, limit } => {
            keys::key_pairs(desk, pending, cursor, limit).await
        }
        Operation::BeginRotation(new) => keys::begin_rotation(desk, new).await,
        Operation::Rewrap { target, keys } => keys::rewrap(desk, target, keys).await,
        Operation::FinishRotation { target } => keys::kek(desk.ask(FinishRotation { target }).await?),
        Operation::CancelRotation { target } => keys::kek(desk.ask(CancelRotation { target }).await?),

        Operation::IssueToken(wanted) => vault::issue_token(desk, wanted).await,
        Operation::SpendToken(shown) => vault::spend_token(desk, shown).await,
        Operation::CreateVaultUser(enrolment) => vault::enrol(desk, enrolment).await,
        Operation::OpenVaultSession(sign_in) => vault::sign_in(desk, sign_in).await,
        Operation::GetVaultUser {} => vault::user(desk.ask(GetVaultUser {}).await?),
        Operation::UpdateVaultUser(change) => vault::update_user(desk, *change).await,
        Operation::ListTemplates {} => desk.ask(WhoAmI).await.map(|_| vault::template_list()),
        Operation::CreateItem(new) => vault::create_item(desk, new).await,
        Operation::GetItem { id } => vault::item(desk.ask(GetItem { id }).await?),
        Operation::ListItems { templates, cursor, limit } => {
            vault::items(desk, templates, cursor, limit).await
        }
        Operation::UpdateItem { id, label, slots } => vault::update_item(desk, id, label, slots).await,
        Operation::DeleteItem { id } => desk.ask(DeleteItem { id }).await.map(done),
        Operation::DeleteSlot { id } => desk.ask(DeleteSlot { id }).await.map(done),

        Operation::RecoveryKey {} => recovery::key(desk).await,
        Operation::ListEscrows { cursor, limit } => recovery::list(desk, cursor, limit).await,
        Operation::ListHeldEscrows { cursor, limit } => recovery::held(desk, cursor, limit).await,
        Operation::CreateEscrow(new) => recovery::create(desk, *new).await,
        Operation::GetEscrow { id } => recovery::get(desk, id).await,
        Operation::RefreshEscrow(next) => recovery::refresh(desk, *next).await,
        Operation::DeleteEscrow { id } => desk.ask(DeleteEscrow { id }).await.map(done),
        Operation::OpenRecoveryRequest { escrow, public_key, reason } => {
            recovery::open(desk, escrow, public_key, reason).await
        }
        Operation::ListRecoveryRequests { escrow } => recovery::requests(desk, escrow).await,
        Operation::GetRecoveryRequest { escrow, request } => recovery::one(desk, escrow, request).await,
        Operation::ApproveRecovery(approval) => recovery::approve(desk, *approval).await,
        Operation::VetoRecovery { escrow, request } => {
            desk.ask(VetoRequest { escrow, request }).await.map(done)
        }
        Operation::CollectRelease { escrow, request } => recovery::collect(desk, escrow, request).await,

        Operation::PinRecoveryRealms {} => pin_recovery::realms(desk).await,
        Operation::PinRecoveryStatus { realm, tenant } => pin_recovery::status(desk, realm, tenant).await,
        Operation::VetoPinErasure { realm, tenant } => pin_recovery::veto(desk, realm, tenant).await,

        Operation::CreateChain(new) => service_keys::create_chain(desk, new).await,
        Operation::ListChains {} => service_keys::list_chains(desk).await,
        Operation::RotateRoot { chain, root, secret } => {
            service_keys::rotate_root(desk, chain, root, secret).await
        }
        Operation::CreateServiceKey(new) => service_keys::create(desk, *new).await,
        Operation::ListServiceKeys { chain } => service_keys::list(desk, chain).await,
        Operation::GetServiceKey { chain, id } => {
            desk.ask(GetServiceKey { chain, id }).await.map(service_keys::shown)
        }
        Operation::UpdateServiceKey { chain, id, nickname, permissions, expires } => {
            let (permissions, expires) =
                (service_keys::permissions_of(permissions)?, convert::change(expires));
            let update = UpdateServiceKey { chain, id, nickname, permissions, expires };
            desk.ask(update).await.map(service_keys::shown)
        }
        Operation::RotateServiceKey { chain, id, public_key, overlap_s } => {
            service_keys::rotate(desk, chain, id, public_key, Duration::from_secs(overlap_s)).await
        }
        Operation::DeleteServiceKey { chain, id } => desk.ask(DeleteServiceKey { chain, id }).await.map(done),
        Operation::ServiceKeyInUse {} => service_keys::in_use(desk).await,
    }
}

fn cursor_of(cursor: Option<String>) -> Result<Option<Vec<u8>>, Box<Problem>> {
    let Some(text) = cursor else { return Ok(None) };
    match encoding::from_base64url(&text) {
        Ok(bytes) if bytes.len() <= CURSOR_BYTES_MAX => Ok(Some(bytes)),
        _ => Err(bad_request("the cursor is not one that a listing gave; begin again without it")),
    }
}
