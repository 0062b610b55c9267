//! Whether an answer is the answer to its question: of the right kind, about the right record, within bounds, and
//! with a tag that belongs to its contents.
//!
//! A server, or whoever sits in between, can replay an answer to another question or make one up. What arithmetic can
//! tell is told here; what only memory can tell (an old state shown again) is [`crate::SeenHeads`]'s.

use strongroom_primitives::dc1::KeyId;
use strongroom_primitives::hash::RecordTag;
use strongroom_primitives::id::Subject;
use strongroom_wire::{FeedPage, NewChain, Operation, RecordDocument, RecordHead, Reply, RootKey, TokenText};

use crate::ClientError;
use crate::name::RecordName;

/// Most rows in one page of whatever kind, where the question names no smaller number.
const PAGE_ROWS_MAX: usize = 10_000;

/// Checks an answer against its question.
pub(crate) fn check(question: &Operation, reply: &Reply) -> Result<(), ClientError> {
    match (question, reply) {
        (Operation::GetRecord { owner, name }, Reply::Record(record)) => {
            named(&record.head, owner.as_ref(), name)?;
            contents(record)
        }
        (Operation::GetVersion { name, sequence }, Reply::Record(record)) => {
            named(&record.head, None, name)?;
            if record.head.sequence != *sequence {
                return Err(ClientError::protocol("it is about another version"));
            }
            contents(record)
        }
        (Operation::PutRecord { name, meta, value, .. }, Reply::Head(head)) => {
            named(head, None, name)?;
            tagged(head, &meta.0, &value.0)
        }
        (Operation::UndoRecord { name, .. }, Reply::Head(head)) => named(head, None, name),
        (Operation::Receipt { owner, name }, Reply::Receipt(receipt)) => {
            named(&receipt.head, owner.as_ref(), name)
        }
        (Operation::ListRecords { prefix, limit, .. }, Reply::Names(page)) => {
            rows(page.records.len(), *limit)?;
            let within = page.records.iter().all(|record| record.name.starts_with(prefix));
            if within {
                Ok(())
            } else {
                Err(ClientError::protocol("it lists records that were not asked for"))
            }
        }
        (Operation::ListGrants { limit, .. }, Reply::Grants(page)) => rows(page.grants.len(), *limit),
        (Operation::History { after, .. }, Reply::History(page)) => {
            rows(page.versions.len(), None)?;
            let mut before = *after;
            for version in &page.versions {
                if before.is_some_and(|before| version.sequence <= before) {
                    return Err(ClientError::protocol("its versions are not in order"));
                }
                before = Some(version.sequence);
            }
            Ok(())
        }
        (Operation::FeedPage { after, limit, .. }, Reply::Feed(page)) => {
            rows(page.events.len(), *limit)?;
            ordered(*after, page)
        }
        (Operation::GetDek { id }, Reply::Dek(dek)) => same(dek.id == *id),
        (Operation::ListDeks { limit, .. }, Reply::Deks(page)) => rows(page.deks.len(), *limit),
        (Operation::GetKeyPair { id } | Operation::UpdateKeyPair { id, .. }, Reply::KeyPair(pair)) => {
            same(pair.id == *id)
        }
        (Operation::FindKeyPair { external_identifier }, Reply::KeyPair(pair)) => {
            same(pair.external_identifiers.contains(external_identifier))
        }
        (Operation::CreateKeyPair(new), Reply::KeyPair(pair)) => same(pair.public_key == new.public_key),
        (Operation::ListKeyPairs { limit, .. }, Reply::KeyPairs(page)) => rows(page.keypairs.len(), *limit),
        (Operation::Rewrap { target, .. }, Reply::Rotation(rotation)) => same(rotation.target == *target),
        (Operation::FinishRotation { target }, Reply::Kek(kek)) => same(kek.generation == *target),
        (Operation::GetItem { id } | Operation::UpdateItem { id, .. }, Reply::Item(item)) => {
            same(item.id == *id)
        }
        (Operation::CreateItem(new), Reply::Item(item)) => same(item.template == new.template),
        (Operation::ListItems { limit, .. }, Reply::Items(page)) => rows(page.items.len(), *limit),
        (Operation::CreateApiKey(new), Reply::ApiKey(key)) => same(key.public_key == new.public_key),
        (Operation::UpdateApiKey { id, .. }, Reply::ApiKey(key)) => same(key.id == *id),
        (Operation::GetDatastore { id }, Reply::Datastore(datastore)) => same(datastore.info.id == *id),
        (Operation::CreateSecrets(new), Reply::SecretsCreated(created)) => {
            let made = created.secrets.iter().map(|one| one.link);
            same(made.eq(new.secrets.iter().map(|one| one.link)))
        }
        (Operation::GetSecret { id }, Reply::Secret(secret)) => same(secret.id == *id),
        (Operation::GetSecretVersion { version }, Reply::SecretVersion(earlier)) => {
            same(earlier.version == *version)
        }
        (Operation::ListShares { limit, .. }, Reply::Shares(page)) => rows(page.rights.len(), *limit),
        (Operation::GetShare { id }, Reply::Share(share)) => same(share.id == *id),
        (
            Operation::ListEscrows { limit, .. } | Operation::ListHeldEscrows { limit, .. },
            Reply::Escrows(page),
        ) => rows(page.escrows.len(), *limit),
        (Operation::GetEscrow { id }, Reply::Escrow(escrow)) => same(escrow.summary.id == *id),
        (Operation::CreateEscrow(new), Reply::EscrowDealt(dealt)) => {
            same(dealt.id == new.id && dealt.epoch == 1)
        }
        (Operation::RefreshEscrow(next), Reply::EscrowDealt(dealt)) => {
            same(dealt.id == next.id && dealt.epoch == next.epoch.saturating_add(1))
        }
        (Operation::OpenRecoveryRequest { public_key, .. }, Reply::RecoveryRequest(request)) => {
            same(request.public_key == *public_key)
        }
        (Operation::GetRecoveryRequest { request: id, .. }, Reply::RecoveryRequest(request)) => {
            same(request.id == *id)
        }
        (Operation::ApproveRecovery(approval), Reply::RecoveryRequest(request)) => {
            same(request.id == approval.request)
        }
        (Operation::CreateChain(NewChain { id, root, secret }), Reply::RootKey(key)) => {
            let wanted = id.as_ref().is_none_or(|id| *id == key.chain);
            same(wanted && is_root(key, root.as_ref(), secret.as_ref()))
        }
        (Operation::RotateRoot { chain, root, secret }, Reply::RootKey(key)) => {
            same(key.chain == *chain && is_root(key, root.as_ref(), secret.as_ref()))
        }
        (Operation::CreateServiceKey(new), Reply::ServiceKeyMade(made)) => {
            same(made.key.nickname == new.nickname && made.key.expires == new.expires && !made.key.root)
        }
        (Operation::RotateServiceKey { id, .. }, Reply::ServiceKeyMade(made)) => same(made.key.id == *id),
        (
            Operation::GetServiceKey { id, .. } | Operation::UpdateServiceKey { id, .. },
            Reply::ServiceKey(key),
        ) => same(key.id == *id),
        (Operation::Whoami {}, Reply::Whoami(_))
        | (Operation::ListChains {}, Reply::Chains(_))
        | (Operation::RecoveryKey {}, Reply::RecoveryKey(_))
        | (Operation::PinRecoveryRealms {}, Reply::PinRecoveryRealms(_))
        | (Operation::PinRecoveryStatus { .. }, Reply::PinRecoveryStatus(_))
        | (Operation::ListRecoveryRequests { .. }, Reply::RecoveryRequests(_))
        | (Operation::CollectRelease { .. }, Reply::Release(_))
        | (Operation::ListServiceKeys { .. }, Reply::ServiceKeys(_))
        | (Operation::ServiceKeyInUse {}, Reply::ServiceKeyInUse(_))
        | (Operation::ListSessions {}, Reply::Sessions { .. })
        | (Operation::RevokeSession { .. }, Reply::Done {})
        | (Operation::RevokeSessions { .. }, Reply::Revoked { .. })
        | (Operation::OpenChild { .. }, Reply::Opened(_))
        | (Operation::DeleteRecord { .. }, Reply::Done {})
        | (Operation::EraseAccount { .. }, Reply::Done {})
        | (Operation::ResetRecords { .. }, Reply::Reset(_))
        | (Operation::ShareRecord { .. }, Reply::Shared(_))
        | (Operation::ServiceInfo {}, Reply::Service(_))
        | (Operation::ReserveUsername {}, Reply::Reserved(_))
        | (Operation::RegisterUser(_), Reply::Registered(_))
        | (Operation::BeginSrp(_), Reply::Challenge(_))
        | (Operation::FinishSrp(_), Reply::SignedIn(_))
        | (Operation::ChangePassphrase(_), Reply::PassphraseChanged(_))
        | (Operation::SignInAttempts {}, Reply::Attempts(_))
        | (Operation::ChallengeApiKey {}, Reply::ApiKeyChallenge(_))
        | (Operation::SignInWithApiKey(_), Reply::ApiKeySignedIn(_))
        | (Operation::ListApiKeys {}, Reply::ApiKeys(_))
        | (Operation::AttachSecret { .. }, Reply::Attached(_))
        | (Operation::ListAttached { .. }, Reply::Attachments(_))
        | (Operation::ListDatastores {}, Reply::Datastores(_))
        | (Operation::CreateDatastore(_), Reply::DatastoreCreated(_))
        | (
            Operation::UpdateDatastore { .. }
            | Operation::UpdateSecret { .. }
            | Operation::UpdateShare { .. },
            Reply::Written(_),
        )
        | (Operation::SecretHistory { .. }, Reply::SecretHistory(_))
        | (Operation::CreateShare(_), Reply::ShareCreated(_))
        | (Operation::OfferShare(_) | Operation::ChangeShareRight { .. }, Reply::ShareRight(_))
        | (Operation::AcceptShare { .. }, Reply::ShareAccepted(_))
        | (Operation::ListShareRights { .. }, Reply::Members(_))
        | (
            Operation::SetKek(_)
            | Operation::GetKek {}
            | Operation::RestartEnrolment(_)
            | Operation::CancelRotation { .. },
            Reply::Kek(_),
        )
        | (Operation::BeginRotation(_), Reply::Rotation(_))
        | (Operation::CreateDek(_), Reply::Dek(_))
        | (Operation::IssueToken(_), Reply::AdmissionToken(_))
        | (Operation::SpendToken(_), Reply::Admitted(_))
        | (Operation::CreateVaultUser(_), Reply::VaultEnrolled(_))
        | (Operation::OpenVaultSession(_), Reply::VaultSession(_))
        | (Operation::GetVaultUser {} | Operation::UpdateVaultUser(_), Reply::VaultUser(_))
        | (Operation::ListTemplates {}, Reply::Templates(_))
        | (
            Operation::RevokeApiKey { .. }
            | Operation::DetachSecret { .. }
            | Operation::DeleteDatastore { .. }
            | Operation::MoveSecret { .. }
            | Operation::UnlinkSecret { .. }
            | Operation::DeclineShare { .. }
            | Operation::RevokeShareRight { .. }
            | Operation::PlaceShare { .. }
            | Operation::MoveShare { .. }
            | Operation::UnlinkShare { .. }
            | Operation::DeleteDek { .. }
            | Operation::DeleteEscrow { .. }
            | Operation::VetoRecovery { .. }
            | Operation::VetoPinErasure { .. }
            | Operation::DeleteKeyPair { .. }
            | Operation::DeleteItem { .. }
            | Operation::DeleteSlot { .. }
            | Operation::DeleteServiceKey { .. },
            Reply::Done {},
        ) => Ok(()),
        _ => Err(wrong_kind()),
    }
}

/// An answer of another kind than the question has.
pub(crate) fn wrong_kind() -> ClientError {
    ClientError::protocol("it answers another question")
}

/// Whether it is the root key that was asked for, as far as it was named.
fn is_root(key: &RootKey, id: Option<&KeyId>, secret: Option<&TokenText>) -> bool {
    id.is_none_or(|id| *id == key.id) && secret.is_none_or(|secret| *secret == key.secret)
}

fn same(is_it: bool) -> Result<(), ClientError> {
    if is_it { Ok(()) } else { Err(ClientError::protocol("it is about something else")) }
}

fn named(head: &RecordHead, owner: Option<&Subject>, name: &[String]) -> Result<(), ClientError> {
    if head.name == name && owner.is_none_or(|owner| head.owner == *owner) {
        Ok(())
    } else {
        Err(ClientError::protocol("it is about another record"))
    }
}

fn contents(record: &RecordDocument) -> Result<(), ClientError> {
    tagged(&record.head, &record.meta.0, &record.value.0)
}

fn tagged(head: &RecordHead, meta: &[u8], value: &[u8]) -> Result<(), ClientError> {
    let tag = if RecordName::is_single(&head.name) {
        RecordTag::v1(meta, value, &head.version)
    } else {
        RecordTag::v2(meta, value)
    };
    if tag == head.tag {
        Ok(())
    } else {
        Err(ClientError::protocol("its tag does not belong to its contents"))
    }
}

fn rows(count: usize, limit: Option<usize>) -> Result<(), ClientError> {
    if count <= limit.unwrap_or(PAGE_ROWS_MAX) {
        Ok(())
    } else {
        Err(ClientError::protocol("it has more rows than were asked for"))
    }
}

/// Events in order, after the place that was asked for and up to the one that comes next.
fn ordered(after: Option<u64>, page: &FeedPage) -> Result<(), ClientError> {
    if page.gap {
        return Ok(());
    }
    let mut before = after.unwrap_or(0);
    for event in &page.events {
        if event.sequence <= before {
            return Err(ClientError::protocol("its events are not in order"));
        }
        before = event.sequence;
    }
    if page.next_after >= before { Ok(()) } else { Err(ClientError::protocol("its feed goes back")) }
}
