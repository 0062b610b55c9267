//! A signed request on its way to the engine.

use std::sync::Arc;

use http::{HeaderName, header};
use strongroom_engine::{
    Asking, Command, Credential, EngineError, Routed,
    domains::service_keys::{CheckServiceKey, Dc1Facts, KeyInUse, SignedRequest},
};
use strongroom_primitives::dc1::permissions::Endpoint;

use super::{
    problem::{self, Problem},
    rates::Allowances,
};
use crate::{Front, exchange::Request};

static CHAIN: HeaderName = HeaderName::from_static("dragonchain");
static TIMESTAMP: HeaderName = HeaderName::from_static("timestamp");

/// What the Python client's asynchronous half sends of no body, by way of aiohttp.
const UNTYPED: &str = "application/octet-stream";

/// A request, and the one value that takes its signature.
pub(super) struct Call<'a> {
    front: &'a Front,
    allowances: &'a Allowances,
    pub(super) request: &'a Request,
    signed: Arc<SignedRequest>,
    /// The chain and the key that it names, in its own words.
    signer: String,
}

impl<'a> Call<'a> {
    /// Takes down what was signed. `path` is what follows the mount in the request's own path.
    ///
    /// # Errors
    /// 401 for a header that came twice or is not UTF-8: it could be read in two ways.
    pub(super) fn receive(
        front: &'a Front,
        path: &str,
        request: &'a Request,
        allowances: &'a Allowances,
    ) -> Result<Self, Problem> {
        let chain = once(request, &CHAIN)?;
        let authorization = once(request, &header::AUTHORIZATION)?;
        let signer = signer(chain.as_deref(), authorization.as_deref());
        let target = match &request.query {
            Some(query) => format!("{}?{query}", request.path),
            None => request.path.to_string(),
        };
        let signed = SignedRequest::dc1(Dc1Facts {
            chain,
            timestamp: once(request, &TIMESTAMP)?,
            authorization,
            verb: request.method.as_str().to_owned(),
            target,
            mount: request.path.strip_suffix(path).unwrap_or_default().to_owned(),
            content_type: content_type(request)?,
            body: request.body.clone(),
        });
        Ok(Self { front, allowances, request, signed, signer })
    }

    /// Steps 1 to 10: who has signed, that nobody did before with this signature, and that the key may. From here on the
    /// signature is spent.
    ///
    /// # Errors
    /// 401, 403, and 429 where the key has used up its allowance.
    pub(super) async fn check(&self, endpoint: Endpoint) -> Result<KeyInUse, Problem> {
        let checked = self.ask(CheckServiceKey { endpoint }).await;
        if matches!(checked, Ok(_) | Err(EngineError::EndpointRefused { .. })) {
            self.allowances.spend_request(&self.signer)?;
        }
        Ok(checked?)
    }

    /// The same where a key has an allowance, and nothing where it has none: for a command that begins with these steps by
    /// itself, before which no body is looked at. It is asked once then, not twice.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub(super) async fn count(&self, endpoint: Endpoint) -> Result<(), Problem> {
        if self.allowances.limit_keys() {
            self.check(endpoint).await?;
        }
        Ok(())
    }

    /// Asks with the request's signature.
    pub(super) async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        let credential = Credential::Signed(self.signed.clone());
        // A tenth is left for the way back, so that the engine's own word on a late answer arrives.
        let within = Some(self.front.limits().request_within * 9 / 10);
        self.front.engine().ask(Asking { credential, within, idempotency: None }, command).await
    }
}

/// The type of the body. A client's library may say [`UNTYPED`] of the body that there is not, after the client has signed
/// that there is no type.
fn content_type(request: &Request) -> Result<String, Problem> {
    let content_type = once(request, &header::CONTENT_TYPE)?.unwrap_or_default();
    let untyped = request.body.is_empty() && content_type == UNTYPED;
    Ok(if untyped { String::new() } else { content_type })
}

/// The text of a header that may be there once.
fn once(request: &Request, name: &HeaderName) -> Result<Option<String>, Problem> {
    let mut values = request.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            String::from_utf8(value.as_bytes().to_vec()).map(Some).map_err(|_| problem::MALFORMED)
        }
        _ => Err(problem::MALFORMED),
    }
}

/// Who a request says has signed it: worth something only once the signature was found good.
fn signer(chain: Option<&str>, authorization: Option<&str>) -> String {
    let credentials = authorization.and_then(|text| text.split_once(' '));
    let key = credentials.and_then(|(_, credentials)| credentials.rsplit_once(':'));
    format!("{} {}", chain.unwrap_or_default(), key.map_or("", |(key, _)| key))
}
