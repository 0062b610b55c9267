//! Taking a signature as a row, where an engine's own memory is not enough.

use serde::Serialize;

use super::{ServiceKeys, SignatureFault, rows::StoredSignature};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Takes the signature of the request that it is asked with, for every node and the next start. The engine asks for it
/// by itself, before the command that the request is for. Answers the signature as it is remembered.
#[derive(Debug, Clone, Serialize)]
pub struct SpendSignature {}

impl Command for SpendSignature {
    type Domain = ServiceKeys;
    type Reply = [u8; 16];
    const NAME: &'static str = "spend_signature";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Signature
    }

    /// The signature's own: requests wait for nobody but their own copies.
    fn lane(&self, who: &Principal, _: &Keyspace) -> Lane {
        who.service.as_ref().map_or_else(|| Lane::of_account(who.account), |service| Lane(service.signature))
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let signature = who.service.as_ref().map(|service| keyspace::signature(&service.signature));
        signature.map_or_else(Reads::none, Reads::one)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<[u8; 16]>, EngineError> {
        let service = who.service.as_ref().ok_or(EngineError::CredentialInvalid)?;
        let key = keyspace::signature(&service.signature);
        if view.row::<StoredSignature>(&key)?.is_some() {
            return Err(SignatureFault::Replayed.refusal());
        }
        let stored = StoredSignature::taken(service.form, service.at, moment);
        Decision::reply(service.signature).put(key, &stored).done()
    }
}
