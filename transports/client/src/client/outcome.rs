//! What a lost answer leaves open, and what settles it.

use strongroom_wire::Operation;

use crate::error::{ClientError, ErrorKind};

/// Whether an operation changes something, so that doing it twice may differ from doing it once.
pub(super) fn is_write(operation: &Operation) -> bool {
    match operation {
        Operation::PutRecord { .. }
        | Operation::DeleteRecord { .. }
        | Operation::ResetRecords { .. }
        | Operation::UndoRecord { .. }
        | Operation::ShareRecord { .. }
        | Operation::RevokeSession { .. }
        | Operation::RevokeSessions { .. }
        | Operation::OpenChild { .. }
        | Operation::EraseAccount { .. }
        | Operation::ReserveUsername {}
        | Operation::RegisterUser(_)
        | Operation::BeginSrp(_)
        | Operation::FinishSrp(_)
        | Operation::ChangePassphrase(_)
        | Operation::SignInWithApiKey(_)
        | Operation::CreateApiKey(_)
        | Operation::UpdateApiKey { .. }
        | Operation::RevokeApiKey { .. }
        | Operation::AttachSecret { .. }
        | Operation::DetachSecret { .. }
        | Operation::CreateDatastore(_)
        | Operation::UpdateDatastore { .. }
        | Operation::DeleteDatastore { .. }
        | Operation::CreateSecrets(_)
        | Operation::UpdateSecret { .. }
        | Operation::MoveSecret { .. }
        | Operation::UnlinkSecret { .. }
        | Operation::CreateShare(_)
        | Operation::UpdateShare { .. }
        | Operation::OfferShare(_)
        | Operation::AcceptShare { .. }
        | Operation::DeclineShare { .. }
        | Operation::ChangeShareRight { .. }
        | Operation::RevokeShareRight { .. }
        | Operation::PlaceShare { .. }
        | Operation::MoveShare { .. }
        | Operation::UnlinkShare { .. }
        | Operation::SetKek(_)
        | Operation::RestartEnrolment(_)
        | Operation::CreateDek(_)
        | Operation::DeleteDek { .. }
        | Operation::CreateKeyPair(_)
        | Operation::UpdateKeyPair { .. }
        | Operation::DeleteKeyPair { .. }
        | Operation::BeginRotation(_)
        | Operation::Rewrap { .. }
        | Operation::FinishRotation { .. }
        | Operation::CancelRotation { .. }
        | Operation::IssueToken(_)
        | Operation::SpendToken(_)
        | Operation::CreateVaultUser(_)
        | Operation::OpenVaultSession(_)
        | Operation::UpdateVaultUser(_)
        | Operation::CreateItem(_)
        | Operation::UpdateItem { .. }
        | Operation::DeleteItem { .. }
        | Operation::DeleteSlot { .. }
        | Operation::CreateEscrow(_)
        | Operation::RefreshEscrow(_)
        | Operation::DeleteEscrow { .. }
        | Operation::OpenRecoveryRequest { .. }
        | Operation::ApproveRecovery(_)
        | Operation::VetoRecovery { .. }
        | Operation::VetoPinErasure { .. }
        | Operation::CollectRelease { .. }
        | Operation::CreateChain(_)
        | Operation::RotateRoot { .. }
        | Operation::CreateServiceKey(_)
        | Operation::UpdateServiceKey { .. }
        | Operation::RotateServiceKey { .. }
        | Operation::DeleteServiceKey { .. } => true,
        Operation::Whoami {}
        | Operation::ListSessions {}
        | Operation::GetRecord { .. }
        | Operation::ListRecords { .. }
        | Operation::History { .. }
        | Operation::GetVersion { .. }
        | Operation::ListGrants { .. }
        | Operation::Receipt { .. }
        | Operation::FeedPage { .. }
        | Operation::ServiceInfo {}
        | Operation::SignInAttempts {}
        | Operation::ChallengeApiKey {}
        | Operation::ListApiKeys {}
        | Operation::ListAttached { .. }
        | Operation::ListDatastores {}
        | Operation::GetDatastore { .. }
        // A read is counted, and one that is asked again is a read again: not worth an answer kept under a key.
        | Operation::GetSecret { .. }
        | Operation::SecretHistory { .. }
        | Operation::GetSecretVersion { .. }
        | Operation::ListShares { .. }
        | Operation::GetShare { .. }
        | Operation::ListShareRights { .. }
        | Operation::GetKek {}
        | Operation::GetDek { .. }
        | Operation::ListDeks { .. }
        | Operation::GetKeyPair { .. }
        | Operation::FindKeyPair { .. }
        | Operation::ListKeyPairs { .. }
        | Operation::GetVaultUser {}
        | Operation::ListTemplates {}
        | Operation::GetItem { .. }
        | Operation::ListItems { .. }
        | Operation::RecoveryKey {}
        | Operation::PinRecoveryRealms {}
        | Operation::PinRecoveryStatus { .. }
        | Operation::ListEscrows { .. }
        | Operation::ListHeldEscrows { .. }
        | Operation::GetEscrow { .. }
        | Operation::ListRecoveryRequests { .. }
        | Operation::GetRecoveryRequest { .. }
        | Operation::ListChains {}
        | Operation::ListServiceKeys { .. }
        | Operation::GetServiceKey { .. }
        | Operation::ServiceKeyInUse {} => false,
    }
}

/// Whether a refusal under the key settles what the tries before it left open: had one of them been done, its answer
/// would have come instead. Who the caller is gets judged before that, so a refusal of the caller settles nothing, and
/// neither does a proxy's.
pub(super) fn settles(error: &ClientError) -> bool {
    let ours = error.problem().filter(|problem| !problem.code.as_str().starts_with("http-"));
    ours.is_some_and(|problem| match error.kind() {
        ErrorKind::Conflict | ErrorKind::NotFound => true,
        ErrorKind::Refused => !matches!(problem.status, 401 | 403),
        _ => false,
    })
}

/// Whether the refusal says that a try before it ended what the caller came with.
pub(super) fn has_ended(operation: &Operation, error: &ClientError) -> bool {
    match operation {
        Operation::EraseAccount { .. } => error.is_problem("account-erased"),
        Operation::RevokeSession { session: None } => error.is_problem("credential-invalid"),
        _ => false,
    }
}
