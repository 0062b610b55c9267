//! A chain, asked for its status and for its keys. Every request is signed and sent once: a second sending of the same
//! signature is a replay, and a server refuses it. Source: `dialects/dragonchain.md`, sections 2 and 4.

use std::fmt;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::Value;
use strongroom_primitives::dc1::{self, Algorithm, Authorization, KeyId, Parts};

use super::{Credentials, Outcome};
use crate::keyknox::ports::{Ports, draw};
use crate::link::Door;
use crate::{ClientError, ClientOptions};

const STATUS: &str = "/v1/status";
const KEYS: &str = "/v1/api-key";
const JSON: &str = "application/json";

/// What a key is created with, or what is to change of one. What is `None` is left to the server, or as it is.
#[derive(Debug, Clone, Default, Serialize)]
pub struct KeyChange {
    /// A name for people: at most 256 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// What the key may do: a permissions document of version "1".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_document: Option<Value>,
}

/// A chain at its endpoint.
pub struct DragonchainClient {
    door: Door,
    within: Duration,
    ports: Ports,
    credentials: Credentials,
    algorithm: Algorithm,
}

impl DragonchainClient {
    /// Signs with HMAC-SHA256. Asks nobody yet.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] for an endpoint on plain HTTP on another machine, unless the options allow that: a
    /// created key is in the answer as it is.
    pub fn new(credentials: Credentials, options: &ClientOptions) -> Result<Self, ClientError> {
        let door = Door::new(credentials.endpoint.as_str(), "", options)?;
        let (within, ports) = (options.within, options.ports.clone());
        Ok(Self { door, within, ports, credentials, algorithm: Algorithm::Sha256 })
    }

    /// The same, signing by another function.
    #[must_use]
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// What the server says of itself and the chain.
    ///
    /// # Errors
    /// [`ClientError`] if there is no answer to show. A refusal is an [`Outcome`].
    pub async fn status(&self) -> Result<Outcome, ClientError> {
        self.ask(Method::GET, STATUS, None).await
    }

    /// Creates a key. The answer is the only one that ever holds it.
    ///
    /// # Errors
    /// As [`DragonchainClient::status`].
    pub async fn create_key(&self, key: &KeyChange) -> Result<Outcome, ClientError> {
        self.ask(Method::POST, KEYS, Some(key)).await
    }

    /// Lists the chain's keys, without what they sign by.
    ///
    /// # Errors
    /// As [`DragonchainClient::status`].
    pub async fn list_keys(&self) -> Result<Outcome, ClientError> {
        self.ask(Method::GET, KEYS, None).await
    }

    /// Shows one key, without what it signs by.
    ///
    /// # Errors
    /// As [`DragonchainClient::status`].
    pub async fn get_key(&self, id: &KeyId) -> Result<Outcome, ClientError> {
        self.ask(Method::GET, &format!("{KEYS}/{id}"), None).await
    }

    /// Changes a key's name or permissions.
    ///
    /// # Errors
    /// As [`DragonchainClient::status`].
    pub async fn update_key(&self, id: &KeyId, change: &KeyChange) -> Result<Outcome, ClientError> {
        self.ask(Method::PUT, &format!("{KEYS}/{id}"), Some(change)).await
    }

    /// Deletes a key, for good.
    ///
    /// # Errors
    /// As [`DragonchainClient::status`].
    pub async fn delete_key(&self, id: &KeyId) -> Result<Outcome, ClientError> {
        self.ask(Method::DELETE, &format!("{KEYS}/{id}"), None).await
    }

    /// `path` is what follows the endpoint, and what is signed.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        document: Option<&KeyChange>,
    ) -> Result<Outcome, ClientError> {
        let body =
            document.map(|document| serde_json::to_vec(document).expect("texts and JSON make a document"));
        let content_type = if body.is_some() { JSON } else { "" };
        let body = body.unwrap_or_default();
        let chance = u16::from_be_bytes(draw(&*self.ports.entropy)?) % 1_000;
        let stamp = dc1::write_stamp(self.ports.clock.now(), chance)
            .map_err(|error| ClientError::Invalid(format!("this machine's clock is wrong: {error}")))?;
        let Credentials { chain, key, .. } = &self.credentials;
        let parts = Parts {
            verb: method.as_str(),
            chain: chain.as_str(),
            timestamp: &stamp,
            content_type,
            body: &body,
        };
        let mac = dc1::sign(self.algorithm, key.secret(), &parts, path)
            .expect("neither names nor paths of this client hold control characters");
        let authorization = Authorization::write(self.algorithm, key.id(), &mac);
        let mut authorization = HeaderValue::from_str(&authorization)
            .expect("a key's id holds no characters but those of a value");
        authorization.set_sensitive(true);
        let mut request = self
            .door
            .request(method, path)
            .header("dragonchain", chain.as_str())
            .header("timestamp", &stamp)
            .header(AUTHORIZATION, authorization);
        if document.is_some() {
            request = request.header(CONTENT_TYPE, content_type).body(body);
        }
        let answer = self.door.send(request, self.within).await?;
        Outcome::read(answer.status, answer.body)
    }
}

impl fmt::Debug for DragonchainClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DragonchainClient({:?})", self.credentials)
    }
}

#[cfg(test)]
mod tests;
