//! Operations as HTTP requests: method, path, query, headers and body together. `docs/native-api.md` has the table.

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use serde::Serialize;
use serde_json::{Value, json};
use strongroom_wire::{Operation, Previous};

use crate::ClientError;

/// An operation as HTTP spells it.
#[derive(Debug)]
pub(super) struct Spelled {
    pub(super) method: Method,
    /// Path below the native interface and query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

/// Spells an operation.
pub(super) fn spell(operation: &Operation) -> Result<Spelled, ClientError> {
    Ok(match operation {
        Operation::Whoami {} => at("/session").get(),
        Operation::ListSessions {} => at("/sessions").get(),
        Operation::RevokeSession { session } => {
            let session = session.map(|session| session.to_string());
            at("/session").name(session.as_slice())?.delete()
        }
        Operation::RevokeSessions { keep_current } => {
            at("/sessions").query("keep_current", Some(keep_current)).delete()
        }
        Operation::OpenChild { .. } => at("/session/child").post(&arguments(operation, &[])),
        Operation::GetRecord { owner, name } => at("/records").name(name)?.query("owner", owner).get(),
        Operation::PutRecord { name, meta, value, previous, recipients } => {
            let body = json!({ "meta": meta, "value": value, "recipients": recipients });
            at("/records").name(name)?.with(Method::PUT, &body).on(previous.as_ref())
        }
        Operation::DeleteRecord { name, previous } => {
            at("/records").name(name)?.delete().on(previous.as_ref())
        }
        Operation::ListRecords { owner, prefix, cursor, limit } => {
            at("/records").query("owner", owner).query("prefix", prefix).page(cursor, limit).get()
        }
        Operation::ResetRecords { prefix, recipient } => {
            at("/reset").post(&json!({ "prefix": prefix, "recipient": recipient }))
        }
        Operation::History { name, after } => at("/history").name(name)?.query("after", after).get(),
        Operation::GetVersion { name, sequence } => {
            at("/version").name(name)?.query("sequence", [sequence]).get()
        }
        Operation::UndoRecord { name, sequence, previous } => {
            at("/undo").name(name)?.post(&json!({ "sequence": sequence })).on(previous.as_ref())
        }
        Operation::ShareRecord { name, add, remove } => {
            at("/share").name(name)?.post(&json!({ "add": add, "remove": remove }))
        }
        Operation::ListGrants { cursor, limit } => at("/grants").page(cursor, limit).get(),
        Operation::Receipt { owner, name } => at("/receipt").name(name)?.query("owner", owner).get(),
        Operation::FeedPage { owner, record, after, wait_s, limit } => {
            let target = at("/feed").query("owner", owner).query("record", record.iter().flatten());
            target.query("after", after).query("wait_s", wait_s).query("limit", limit).get()
        }
        Operation::EraseAccount { confirm } => {
            at("/account").with(Method::DELETE, &json!({ "confirm": confirm }))
        }

        Operation::ServiceInfo {} => at("/service").get(),
        Operation::ReserveUsername {} => at("/users/names").bare(Method::POST),
        Operation::RegisterUser(new) => at("/users").post(new),
        Operation::BeginSrp(start) => at("/users/challenge").post(start),
        Operation::FinishSrp(proof) => at("/users/session").post(proof),
        Operation::ChangePassphrase(change) => at("/user/passphrase").with(Method::PUT, change),
        Operation::SignInAttempts {} => at("/user/attempts").get(),

        Operation::ChallengeApiKey {} => at("/api-keys/challenge").bare(Method::POST),
        Operation::SignInWithApiKey(sign_in) => at("/api-keys/session").post(sign_in),
        Operation::CreateApiKey(new) => at("/api-keys").post(new),
        Operation::ListApiKeys {} => at("/api-keys").get(),
        Operation::UpdateApiKey { id, .. } => {
            at("/api-keys").and(id).with(Method::PATCH, &arguments(operation, &["id"]))
        }
        Operation::RevokeApiKey { id } => at("/api-keys").and(id).delete(),
        Operation::AttachSecret { id, .. } => {
            at("/api-keys").and(id).and("attachments").post(&arguments(operation, &["id"]))
        }
        Operation::ListAttached { id } => at("/api-keys").and(id).and("attachments").get(),
        Operation::DetachSecret { attachment } => at("/api-keys/attachments").and(attachment).delete(),

        Operation::ListDatastores {} => at("/datastores").get(),
        Operation::GetDatastore { id } => at("/datastores").and(id).get(),
        Operation::CreateDatastore(new) => at("/datastores").post(new),
        Operation::UpdateDatastore { id, .. } => {
            at("/datastores").and(id).with(Method::PATCH, &arguments(operation, &["id"]))
        }
        Operation::DeleteDatastore { id, authkey: None } => at("/datastores").and(id).delete(),
        Operation::DeleteDatastore { id, .. } => {
            at("/datastores").and(id).with(Method::DELETE, &arguments(operation, &["id"]))
        }
        Operation::CreateSecrets(new) => at("/secrets").post(new),
        Operation::GetSecret { id } => at("/secrets").and(id).get(),
        Operation::UpdateSecret { id, .. } => {
            at("/secrets").and(id).with(Method::PUT, &arguments(operation, &["id"]))
        }
        Operation::SecretHistory { id } => at("/secrets").and(id).and("versions").get(),
        Operation::GetSecretVersion { version } => at("/secrets/versions").and(version).get(),
        Operation::MoveSecret { link, .. } => {
            at("/secrets/links").and(link).with(Method::PUT, &arguments(operation, &["link"]))
        }
        Operation::UnlinkSecret { link } => at("/secrets/links").and(link).delete(),

        Operation::ListShares { cursor, limit } => at("/shares").page(cursor, limit).get(),
        Operation::CreateShare(new) => at("/shares").post(new),
        Operation::GetShare { id } => at("/shares").and(id).get(),
        Operation::UpdateShare { id, .. } => {
            at("/shares").and(id).with(Method::PUT, &arguments(operation, &["id"]))
        }
        Operation::OfferShare(offer) => {
            at("/shares").and(offer.share).and("rights").post(&arguments(operation, &["share"]))
        }
        Operation::AcceptShare { right, .. } => {
            at("/shares/rights").and(right).and("accept").post(&arguments(operation, &["right"]))
        }
        Operation::DeclineShare { right } => {
            at("/shares/rights").and(right).and("decline").bare(Method::POST)
        }
        Operation::ListShareRights { share } => at("/shares").and(share).and("rights").get(),
        Operation::ChangeShareRight { share, taker, .. } => {
            let body = arguments(operation, &["share", "taker"]);
            at("/shares").and(share).and("rights").and(taker).with(Method::PUT, &body)
        }
        Operation::RevokeShareRight { right } => at("/shares/rights").and(right).delete(),
        Operation::PlaceShare { share, .. } => {
            at("/shares").and(share).and("links").post(&arguments(operation, &["share"]))
        }
        Operation::MoveShare { link, .. } => {
            at("/shares/links").and(link).with(Method::PUT, &arguments(operation, &["link"]))
        }
        Operation::UnlinkShare { link } => at("/shares/links").and(link).delete(),

        Operation::GetKek {} => at("/kek").get(),
        Operation::SetKek(kek) => at("/kek").with(Method::PUT, kek),
        Operation::RestartEnrolment(kek) => at("/kek/restart").post(kek),
        Operation::CreateDek(dek) => at("/deks").post(dek),
        Operation::GetDek { id } => at("/deks").and(id).get(),
        Operation::DeleteDek { id } => at("/deks").and(id).delete(),
        Operation::ListDeks { pending, cursor, limit } => {
            at("/deks").query("pending", pending.then_some(true)).page(cursor, limit).get()
        }
        Operation::CreateKeyPair(pair) => at("/keypairs").post(pair),
        Operation::GetKeyPair { id } => at("/keypairs").and(id).get(),
        Operation::FindKeyPair { external_identifier } => {
            at("/keypairs/named").name(std::slice::from_ref(external_identifier))?.get()
        }
        Operation::UpdateKeyPair { id, .. } => {
            at("/keypairs").and(id).with(Method::PATCH, &arguments(operation, &["id"]))
        }
        Operation::DeleteKeyPair { id } => at("/keypairs").and(id).delete(),
        Operation::ListKeyPairs { pending, cursor, limit } => {
            at("/keypairs").query("pending", pending.then_some(true)).page(cursor, limit).get()
        }
        Operation::BeginRotation(rotation) => at("/kek/rotation").post(rotation),
        Operation::Rewrap { target, .. } => {
            let body = arguments(operation, &["target"]);
            at("/kek/rotation").and(target).and("keys").with(Method::PUT, &body)
        }
        Operation::FinishRotation { target } => {
            at("/kek/rotation").and(target).and("finish").bare(Method::POST)
        }
        Operation::CancelRotation { target } => at("/kek/rotation").and(target).delete(),

        Operation::IssueToken(wanted) => at("/admission/tokens").post(wanted),
        Operation::SpendToken(shown) => at("/admission/spend").post(shown),
        Operation::CreateVaultUser(enrolment) => at("/vault/users").post(enrolment),
        Operation::OpenVaultSession(sign_in) => at("/vault/session").post(sign_in),
        Operation::GetVaultUser {} => at("/vault/user").get(),
        Operation::UpdateVaultUser(change) => at("/vault/user").with(Method::PATCH, change),
        Operation::ListTemplates {} => at("/vault/templates").get(),
        Operation::CreateItem(item) => at("/vault/items").post(item),
        Operation::GetItem { id } => at("/vault/items").and(id).get(),
        Operation::ListItems { templates, cursor, limit } => {
            at("/vault/items").query("template", templates).page(cursor, limit).get()
        }
        Operation::UpdateItem { id, .. } => {
            at("/vault/items").and(id).with(Method::PATCH, &arguments(operation, &["id"]))
        }
        Operation::DeleteItem { id } => at("/vault/items").and(id).delete(),
        Operation::DeleteSlot { id } => at("/vault/slots").and(id).delete(),

        Operation::CreateChain(new) => at("/chains").post(new),
        Operation::ListChains {} => at("/chains").get(),
        Operation::RotateRoot { chain, .. } => {
            at("/chains").and(chain).and("root-key").post(&arguments(operation, &["chain"]))
        }
        Operation::CreateServiceKey(new) => at("/service-keys").post(new),
        Operation::ListServiceKeys { chain } => at("/service-keys").query("chain", chain).get(),
        Operation::GetServiceKey { chain, id } => at("/service-keys").and(id).query("chain", chain).get(),
        Operation::UpdateServiceKey { id, .. } => {
            at("/service-keys").and(id).with(Method::PATCH, &arguments(operation, &["id"]))
        }
        Operation::RotateServiceKey { id, .. } => {
            at("/service-keys").and(id).and("rotate").post(&arguments(operation, &["id"]))
        }
        Operation::DeleteServiceKey { chain, id } => {
            at("/service-keys").and(id).query("chain", chain).delete()
        }
        Operation::PinRecoveryRealms {} => at("/realms").get(),
        Operation::PinRecoveryStatus { realm, tenant } => {
            at("/recovery").and(realm).and("status").query("tenant", tenant).get()
        }
        Operation::VetoPinErasure { realm, tenant } => {
            at("/recovery").and(realm).and("veto").query("tenant", tenant).bare(Method::POST)
        }
        Operation::RecoveryKey {} => at("/escrows/key").get(),
        Operation::ListEscrows { cursor, limit } => {
            at("/escrows").query("cursor", cursor).query("limit", limit).get()
        }
        Operation::ListHeldEscrows { cursor, limit } => {
            at("/escrows/held").query("cursor", cursor).query("limit", limit).get()
        }
        Operation::CreateEscrow(new) => at("/escrows").post(new),
        Operation::GetEscrow { id } => at("/escrows").and(id).get(),
        Operation::RefreshEscrow(next) => {
            at("/escrows").and(next.id).and("epochs").post(&arguments(operation, &["id"]))
        }
        Operation::DeleteEscrow { id } => at("/escrows").and(id).delete(),
        Operation::OpenRecoveryRequest { escrow, .. } => {
            at("/escrows").and(escrow).and("requests").post(&arguments(operation, &["escrow"]))
        }
        Operation::ListRecoveryRequests { escrow } => at("/escrows").and(escrow).and("requests").get(),
        Operation::GetRecoveryRequest { escrow, request } => {
            at("/escrows").and(escrow).and("requests").and(request).get()
        }
        Operation::ApproveRecovery(approval) => {
            let (escrow, request) = (approval.escrow, approval.request);
            let body = arguments(operation, &["escrow", "request"]);
            at("/escrows").and(escrow).and("requests").and(request).and("approve").post(&body)
        }
        Operation::VetoRecovery { escrow, request } => {
            at("/escrows").and(escrow).and("requests").and(request).and("veto").bare(Method::POST)
        }
        Operation::CollectRelease { escrow, request } => {
            at("/escrows").and(escrow).and("requests").and(request).and("collect").bare(Method::POST)
        }
        Operation::ServiceKeyInUse {} => at("/service-keys/self").get(),
    })
}

/// What an operation takes, but for what the path names.
fn arguments(operation: &Operation, named: &[&str]) -> Value {
    let mut spelled = json!(operation);
    let arguments = spelled.as_object_mut().and_then(|all| all.values_mut().next()).map(Value::take);
    let mut arguments = arguments.expect("an operation is an object of one member, which has its arguments");
    for name in named {
        arguments.as_object_mut().and_then(|all| all.remove(*name)).expect("the path names one of them");
    }
    arguments
}

impl Spelled {
    /// With what the writer believes the present state to be.
    fn on(mut self, previous: Option<&Previous>) -> Self {
        match previous {
            None => {}
            Some(Previous::Absent) => drop(self.headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"))),
            Some(Previous::Tag(tag)) => {
                let etag = HeaderValue::from_str(&format!("\"{}\"", tag.to_base64()));
                drop(self.headers.insert(IF_MATCH, etag.expect("base64 in quotes makes a header")));
            }
        }
        self
    }
}

/// A path and a query being written.
struct Target(String);

fn at(path: &str) -> Target {
    Target(path.to_owned())
}

impl Target {
    fn get(self) -> Spelled {
        self.bare(Method::GET)
    }

    fn delete(self) -> Spelled {
        self.bare(Method::DELETE)
    }

    fn post(self, body: &impl Serialize) -> Spelled {
        self.with(Method::POST, body)
    }

    fn bare(self, method: Method) -> Spelled {
        Spelled { method, target: self.0, headers: HeaderMap::new(), body: None }
    }

    fn with(self, method: Method, body: &impl Serialize) -> Spelled {
        // By way of a value, so that members come in one order whatever they are written from.
        let body = json!(body).to_string().into_bytes();
        Spelled { body: Some(body), ..self.bare(method) }
    }

    /// One more segment, of digits and letters.
    fn and(mut self, segment: impl ToString) -> Self {
        self.0.push('/');
        self.encode(&segment.to_string());
        self
    }

    /// One more segment for every part, percent-encoded whole.
    fn name(mut self, parts: &[String]) -> Result<Self, ClientError> {
        for part in parts {
            // Whoever reads a URL on the way takes these for steps in a tree, however they are encoded.
            if part == "." || part == ".." || part.chars().any(char::is_control) {
                return Err(ClientError::Invalid(format!(
                    "the name part {part:?} cannot be spelled in a URL; use a WebSocket for it"
                )));
            }
            self.0.push('/');
            self.encode(part);
        }
        Ok(self)
    }

    /// A parameter for every value.
    fn query<T: ToString>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        for value in values {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(name);
            self.0.push('=');
            self.encode(&value.to_string());
        }
        self
    }

    /// The parameters of a listing.
    fn page(self, cursor: &Option<String>, limit: &Option<usize>) -> Self {
        self.query("cursor", cursor).query("limit", limit)
    }

    fn encode(&mut self, text: &str) {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.0.push(char::from(byte));
            } else {
                self.0.push_str(&format!("%{byte:02X}"));
            }
        }
    }
}
