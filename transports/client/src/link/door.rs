//! A server behind HTTP, whatever is said to it: one request, one answer.
//!
//! No redirect is followed, no answer is read beyond its limit, and nothing is sent in the clear to another machine.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};

use super::address::Address;
use super::tls;
use crate::ClientError;
use crate::client::ClientOptions;

/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A server over HTTP. Clones share connections.
#[derive(Clone)]
pub(crate) struct Door {
    http: reqwest::Client,
    address: Address,
    answer_bytes_max: usize,
}

/// What came back, whatever it says.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Whether the server did what it was asked.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Door {
    /// The server at `url`; where that has no path of its own, requests are below `default_path`. Asks nobody yet.
    pub(crate) fn new(url: &str, default_path: &str, options: &ClientOptions) -> Result<Self, ClientError> {
        let address = Address::read(url, default_path, options.allow_plaintext)?;
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_WITHIN)
            .user_agent(concat!("strongroom-client/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls::config(address.secure, options.roots_pem.as_deref())?);
        if !address.secure {
            // A proxy would read along.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| ClientError::Invalid(chain(&error)))?;
        Ok(Self { http, address, answer_bytes_max: options.answer_bytes_max })
    }

    /// Where requests go.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// A request to `target`, a path and perhaps a query.
    pub(crate) fn request(&self, method: Method, target: &str) -> RequestBuilder {
        let Address { secure, path, .. } = &self.address;
        let scheme = if *secure { "https" } else { "http" };
        self.http.request(method, format!("{scheme}://{}{path}{target}", self.address.authority()))
    }

    /// Sends a request, and reads the answer within its limit.
    pub(crate) async fn send(
        &self,
        request: RequestBuilder,
        within: Duration,
    ) -> Result<Answer, ClientError> {
        let failed = |error: reqwest::Error| failed(error, within);
        let mut response = request.timeout(within).send().await.map_err(failed)?;
        if response.status().is_redirection() {
            return Err(ClientError::protocol(
                "it points elsewhere; give the URL of where the server really is",
            ));
        }
        let (status, retry_after_s) = (response.status().as_u16(), whole_seconds(response.headers()));
        let max = self.answer_bytes_max;
        if response.content_length().is_some_and(|length| length > max as u64) {
            return Err(ClientError::TooLarge { max });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > max {
                return Err(ClientError::TooLarge { max });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after_s, body })
    }
}

fn whole_seconds(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

fn failed(error: reqwest::Error, within: Duration) -> ClientError {
    if error.is_connect() {
        ClientError::Unreachable { reason: chain(&error.without_url()) }
    } else if error.is_timeout() {
        ClientError::TimedOut { within }
    } else if error.is_builder() {
        ClientError::Invalid(chain(&error.without_url()))
    } else {
        ClientError::lost(chain(&error.without_url()))
    }
}

/// An error with its causes: the outermost of them says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
