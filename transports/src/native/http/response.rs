//! Answers as HTTP.

use http::{HeaderName, StatusCode, header};
use serde::Serialize;
use strongroom_primitives::hash::RecordTag;
use strongroom_wire::Reply;

use crate::{exchange::Response, native::input};

/// An answer as HTTP: the document alone, its kind being fixed by the request.
pub(super) fn response(reply: Reply, known: Option<RecordTag>) -> Response {
    match reply {
        Reply::Record(record) if known == Some(record.head.tag) => {
            tagged(Response::empty(StatusCode::NOT_MODIFIED), &record.head.tag)
        }
        Reply::Record(record) => tagged(document(&record), &record.head.tag),
        Reply::Head(head) => tagged(document(&head), &head.tag),
        Reply::Done {} => Response::empty(StatusCode::NO_CONTENT),
        Reply::Sessions { sessions } => {
            #[derive(Serialize)]
            struct Sessions {
                sessions: Vec<strongroom_wire::SessionInfo>,
            }
            document(&Sessions { sessions })
        }
        Reply::Revoked { count } => {
            #[derive(Serialize)]
            struct Revoked {
                count: u64,
            }
            document(&Revoked { count })
        }
        Reply::Opened(body) => document(&body),
        Reply::Whoami(body) => document(&body),
        Reply::Names(body) => document(&body),
        Reply::Reset(body) => document(&body),
        Reply::History(body) => document(&body),
        Reply::Shared(body) => document(&body),
        Reply::Grants(body) => document(&body),
        Reply::Receipt(body) => document(&body),
        Reply::Feed(body) => document(&body),
        Reply::Service(body) => document(&body),
        Reply::Reserved(body) => document(&body),
        Reply::Registered(body) => document(&body),
        Reply::Challenge(body) => document(&body),
        Reply::SignedIn(body) => document(&body),
        Reply::PassphraseChanged(body) => document(&body),
        Reply::Attempts(body) => document(&body),
        Reply::ApiKeyChallenge(body) => document(&body),
        Reply::ApiKeySignedIn(body) => document(&body),
        Reply::ApiKey(body) => document(&body),
        Reply::ApiKeys(body) => document(&body),
        Reply::Attached(body) => document(&body),
        Reply::Attachments(body) => document(&body),
        Reply::Datastores(body) => document(&body),
        Reply::Datastore(body) => document(&body),
        Reply::DatastoreCreated(body) => document(&body),
        Reply::SecretsCreated(body) => document(&body),
        Reply::Secret(body) => document(&body),
        Reply::SecretHistory(body) => document(&body),
        Reply::SecretVersion(body) => document(&body),
        Reply::Shares(body) => document(&body),
        Reply::ShareCreated(body) => document(&body),
        Reply::Share(body) => document(&body),
        Reply::ShareRight(body) => document(&body),
        Reply::ShareAccepted(body) => document(&body),
        Reply::Members(body) => document(&body),
        Reply::Written(body) => document(&body),
        Reply::Kek(body) => document(&body),
        Reply::Rotation(body) => document(&body),
        Reply::Dek(body) => document(&body),
        Reply::Deks(body) => document(&body),
        Reply::KeyPair(body) => document(&body),
        Reply::KeyPairs(body) => document(&body),
        Reply::AdmissionToken(body) => document(&body),
        Reply::Admitted(body) => document(&body),
        Reply::VaultEnrolled(body) => document(&body),
        Reply::VaultSession(body) => document(&body),
        Reply::VaultUser(body) => document(&body),
        Reply::Templates(body) => document(&body),
        Reply::Item(body) => document(&body),
        Reply::Items(body) => document(&body),
        Reply::RootKey(body) => document(&body),
        Reply::Chains(body) => document(&body),
        Reply::ServiceKeyMade(body) => document(&body),
        Reply::ServiceKey(body) => document(&body),
        Reply::ServiceKeys(body) => document(&body),
        Reply::ServiceKeyInUse(body) => document(&body),
        Reply::PinRecoveryRealms(body) => document(&body),
        Reply::PinRecoveryStatus(body) => document(&body),
        Reply::RecoveryKey(body) => document(&body),
        Reply::Escrows(body) => document(&body),
        Reply::Escrow(body) => document(&body),
        Reply::EscrowDealt(body) => document(&body),
        Reply::RecoveryRequest(body) => document(&body),
        Reply::RecoveryRequests(body) => document(&body),
        Reply::Release(body) => document(&body),
    }
}

fn tagged(response: Response, tag: &RecordTag) -> Response {
    const ETAG: HeaderName = header::ETAG;
    response.with(ETAG, &input::etag_of(tag))
}

fn document(body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("answers are made of types that JSON can write");
    Response::json(StatusCode::OK, body)
}
