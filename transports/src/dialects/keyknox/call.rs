//! One request on its way through the dialect: whom it is asked for, and what every operation does alike.

use strongroom_engine::{
    Asking, Command, Credential, EngineError, Identity, Right,
    domains::{
        accounts::{WhoAmI, Whoami},
        records::{RecordHead, Records},
    },
};
use strongroom_primitives::encoding::to_base64url;

use super::problem::{self, Api, Problem};
use crate::{
    Front,
    exchange::{HeaderName, Request, Response},
};

/// Asks for evidence with every record of the answer. Not sent by published clients.
const EVIDENCE: HeaderName = HeaderName::from_static("strongroom-keyknox-evidence");
/// How often the record has changed: a decimal number.
const SEQUENCE: HeaderName = HeaderName::from_static("strongroom-keyknox-sequence");
/// The hash over the record's whole history: 32 bytes in base64url.
const CHAIN: HeaderName = HeaderName::from_static("strongroom-keyknox-chain");
/// The server's Ed25519 signature under the record's head: 64 bytes in base64url.
const RECEIPT: HeaderName = HeaderName::from_static("strongroom-keyknox-receipt");
/// The key that verifies it: 32 bytes in base64url.
const RECEIPT_KEY: HeaderName = HeaderName::from_static("strongroom-keyknox-receipt-key");

/// A request and who makes it.
pub(super) struct Call<'a> {
    pub(super) front: &'a Front,
    pub(super) request: &'a Request,
    pub(super) credential: Credential,
    /// The caller, where a gateway vouches for them.
    pub(super) vouched: Option<Identity>,
    pub(super) api: Api,
    /// Whether private keys without encryption are refused.
    pub(super) refuse_unsafe_keys: bool,
}

impl Call<'_> {
    /// Asks the engine on the caller's behalf.
    pub(super) async fn ask<C: Command<Domain = Records>>(
        &self,
        command: C,
    ) -> Result<C::Reply, EngineError> {
        self.front.engine().ask(self.asking(), command).await
    }

    pub(super) fn asking(&self) -> Asking {
        // A tenth is left for the way back, so that the engine's own word on a late answer arrives.
        let within = Some(self.front.limits().request_within * 9 / 10);
        Asking { credential: self.credential.clone(), within, idempotency: None }
    }

    /// The engine's refusal in the words of this interface.
    pub(super) fn problem(&self, error: &EngineError) -> Problem {
        Problem::of(error, self.api)
    }

    async fn who_am_i(&self) -> Result<Whoami, Problem> {
        self.front.engine().ask(self.asking(), WhoAmI).await.map_err(|error| self.problem(&error))
    }

    /// Who the caller is.
    ///
    /// # Errors
    /// Why the credential is refused.
    pub(super) async fn identity(&self) -> Result<Identity, Problem> {
        match &self.vouched {
            Some(identity) => Ok(identity.clone()),
            None => Ok(self.who_am_i().await?.identity),
        }
    }

    /// What to say to a request that cannot be read: who may not ask at all learns that first, and nothing about what
    /// is wrong with the rest.
    pub(super) async fn refuse_known(&self, right: Right, problem: Problem) -> Problem {
        match self.who_am_i().await {
            Err(refused) => refused,
            Ok(me) if !me.rights.has(right) => problem::PERMISSION,
            Ok(_) => problem,
        }
    }

    /// Adds the evidence that the caller asked for: two devices that compare it notice a server that shows them
    /// different histories, and one device notices a server that goes back.
    pub(super) async fn with_evidence(&self, response: Response, head: &RecordHead) -> Response {
        if self.request.header(EVIDENCE) != Some("1") {
            return response;
        }
        // The answer is true without evidence too, and a write has happened by now.
        let Ok(Identity { realm, .. }) = Box::pin(self.identity()).await else { return response };
        let owner = Identity { realm, subject: head.owner.clone() };
        let receipt = self.front.engine().receipt(&owner, head);
        response
            .with(SEQUENCE, &head.sequence.to_string())
            .with(CHAIN, &to_base64url(&head.chain))
            .with(RECEIPT, &receipt.signature)
            .with(RECEIPT_KEY, &receipt.key)
    }
}
