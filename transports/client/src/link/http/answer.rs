//! Answers out of HTTP: which kind of answer a document is, the question says.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use strongroom_wire::{Operation, Reply, SessionInfo};

use crate::ClientError;

/// The answer of an operation: over HTTP the document stands alone, its kind being fixed by the question.
pub(super) fn read_reply(operation: &Operation, body: &[u8]) -> Result<Reply, ClientError> {
    #[derive(Deserialize)]
    struct Sessions {
        sessions: Vec<SessionInfo>,
    }
    #[derive(Deserialize)]
    struct Revoked {
        count: u64,
    }
    fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(body)
            .map_err(|_| ClientError::protocol("it is not the document that was asked for"))
    }
    Ok(match operation {
        Operation::Whoami {} => Reply::Whoami(read(body)?),
        Operation::ListSessions {} => Reply::Sessions { sessions: read::<Sessions>(body)?.sessions },
        Operation::RevokeSessions { .. } => Reply::Revoked { count: read::<Revoked>(body)?.count },
        Operation::OpenChild { .. } => Reply::Opened(read(body)?),
        Operation::GetRecord { .. } | Operation::GetVersion { .. } => Reply::Record(read(body)?),
        Operation::PutRecord { .. } | Operation::UndoRecord { .. } => Reply::Head(read(body)?),
        Operation::ListRecords { .. } => Reply::Names(read(body)?),
        Operation::ResetRecords { .. } => Reply::Reset(read(body)?),
        Operation::History { .. } => Reply::History(read(body)?),
        Operation::ShareRecord { .. } => Reply::Shared(read(body)?),
        Operation::ListGrants { .. } => Reply::Grants(read(body)?),
        Operation::Receipt { .. } => Reply::Receipt(read(body)?),
        Operation::FeedPage { .. } => Reply::Feed(read(body)?),
        Operation::ServiceInfo {} => Reply::Service(read(body)?),
        Operation::ReserveUsername {} => Reply::Reserved(read(body)?),
        Operation::RegisterUser(_) => Reply::Registered(read(body)?),
        Operation::BeginSrp(_) => Reply::Challenge(read(body)?),
        Operation::FinishSrp(_) => Reply::SignedIn(read(body)?),
        Operation::ChangePassphrase(_) => Reply::PassphraseChanged(read(body)?),
        Operation::SignInAttempts {} => Reply::Attempts(read(body)?),
        Operation::ChallengeApiKey {} => Reply::ApiKeyChallenge(read(body)?),
        Operation::SignInWithApiKey(_) => Reply::ApiKeySignedIn(read(body)?),
        Operation::CreateApiKey(_) | Operation::UpdateApiKey { .. } => Reply::ApiKey(read(body)?),
        Operation::ListApiKeys {} => Reply::ApiKeys(read(body)?),
        Operation::AttachSecret { .. } => Reply::Attached(read(body)?),
        Operation::ListAttached { .. } => Reply::Attachments(read(body)?),
        Operation::ListDatastores {} => Reply::Datastores(read(body)?),
        Operation::GetDatastore { .. } => Reply::Datastore(read(body)?),
        Operation::CreateDatastore(_) => Reply::DatastoreCreated(read(body)?),
        Operation::CreateSecrets(_) => Reply::SecretsCreated(read(body)?),
        Operation::GetSecret { .. } => Reply::Secret(read(body)?),
        Operation::SecretHistory { .. } => Reply::SecretHistory(read(body)?),
        Operation::GetSecretVersion { .. } => Reply::SecretVersion(read(body)?),
        Operation::ListShares { .. } => Reply::Shares(read(body)?),
        Operation::CreateShare(_) => Reply::ShareCreated(read(body)?),
        Operation::GetShare { .. } => Reply::Share(read(body)?),
        Operation::OfferShare(_) | Operation::ChangeShareRight { .. } => Reply::ShareRight(read(body)?),
        Operation::AcceptShare { .. } => Reply::ShareAccepted(read(body)?),
        Operation::ListShareRights { .. } => Reply::Members(read(body)?),
        Operation::UpdateDatastore { .. }
        | Operation::UpdateSecret { .. }
        | Operation::UpdateShare { .. } => Reply::Written(read(body)?),
        Operation::SetKek(_)
        | Operation::GetKek {}
        | Operation::RestartEnrolment(_)
        | Operation::FinishRotation { .. }
        | Operation::CancelRotation { .. } => Reply::Kek(read(body)?),
        Operation::BeginRotation(_) | Operation::Rewrap { .. } => Reply::Rotation(read(body)?),
        Operation::CreateDek(_) | Operation::GetDek { .. } => Reply::Dek(read(body)?),
        Operation::ListDeks { .. } => Reply::Deks(read(body)?),
        Operation::CreateKeyPair(_)
        | Operation::GetKeyPair { .. }
        | Operation::FindKeyPair { .. }
        | Operation::UpdateKeyPair { .. } => Reply::KeyPair(read(body)?),
        Operation::ListKeyPairs { .. } => Reply::KeyPairs(read(body)?),
        Operation::IssueToken(_) => Reply::AdmissionToken(read(body)?),
        Operation::SpendToken(_) => Reply::Admitted(read(body)?),
        Operation::CreateVaultUser(_) => Reply::VaultEnrolled(read(body)?),
        Operation::OpenVaultSession(_) => Reply::VaultSession(read(body)?),
        Operation::GetVaultUser {} | Operation::UpdateVaultUser(_) => Reply::VaultUser(read(body)?),
        Operation::ListTemplates {} => Reply::Templates(read(body)?),
        Operation::CreateItem(_) | Operation::GetItem { .. } | Operation::UpdateItem { .. } => {
            Reply::Item(read(body)?)
        }
        Operation::ListItems { .. } => Reply::Items(read(body)?),
        Operation::PinRecoveryRealms {} => Reply::PinRecoveryRealms(read(body)?),
        Operation::PinRecoveryStatus { .. } => Reply::PinRecoveryStatus(read(body)?),
        Operation::RecoveryKey {} => Reply::RecoveryKey(read(body)?),
        Operation::ListEscrows { .. } | Operation::ListHeldEscrows { .. } => Reply::Escrows(read(body)?),
        Operation::GetEscrow { .. } => Reply::Escrow(read(body)?),
        Operation::CreateEscrow(_) | Operation::RefreshEscrow(_) => Reply::EscrowDealt(read(body)?),
        Operation::OpenRecoveryRequest { .. }
        | Operation::GetRecoveryRequest { .. }
        | Operation::ApproveRecovery(_) => Reply::RecoveryRequest(read(body)?),
        Operation::ListRecoveryRequests { .. } => Reply::RecoveryRequests(read(body)?),
        Operation::CollectRelease { .. } => Reply::Release(read(body)?),
        Operation::CreateChain(_) | Operation::RotateRoot { .. } => Reply::RootKey(read(body)?),
        Operation::ListChains {} => Reply::Chains(read(body)?),
        Operation::CreateServiceKey(_) | Operation::RotateServiceKey { .. } => {
            Reply::ServiceKeyMade(read(body)?)
        }
        Operation::ListServiceKeys { .. } => Reply::ServiceKeys(read(body)?),
        Operation::GetServiceKey { .. } | Operation::UpdateServiceKey { .. } => {
            Reply::ServiceKey(read(body)?)
        }
        Operation::ServiceKeyInUse {} => Reply::ServiceKeyInUse(read(body)?),
        Operation::RevokeSession { .. }
        | Operation::DeleteRecord { .. }
        | Operation::EraseAccount { .. }
        | Operation::RevokeApiKey { .. }
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
        | Operation::DeleteServiceKey { .. } => Reply::Done {},
    })
}
