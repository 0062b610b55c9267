//! The operator's end: finding the running server and its token, asking, and saying in one line what came of it.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use reqwest::{
    Client,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
    redirect,
};
use strongroom_client::{self as native, ClientError, ClientOptions, Credentials, ErrorKind, Token};
use strongroom_primitives::secret::SecretText;
use strongroom_wire::Problem;

use super::api::{Ask, PREFIX};
use crate::{
    config::{Config, read_secret},
    data::{DataFolder, Running},
    table::shown,
};

/// The variable that holds the operator's token, for servers that keep no file.
pub(crate) const TOKEN_VARIABLE: &str = "STRONGROOM_OPERATOR_TOKEN";

/// How long an answer may take: an erasure may have much to remove.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Somebody who may ask a running server.
pub(crate) struct Caller {
    client: Client,
    base: String,
    token: SecretText,
}

/// A client for servers near by: no proxy gets to see the operator's token, and no redirect takes it elsewhere.
///
/// # Errors
/// If TLS cannot be prepared.
pub(crate) fn client() -> anyhow::Result<Client> {
    let builder = Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(ANSWER_WITHIN);
    builder.build().context("no HTTP client can be made")
}

/// The base URL of the operator's listener of the server that `config` describes.
pub(crate) fn admin_url(config: &Config) -> String {
    let running = DataFolder::at(&config.storage.path).read_running();
    running.map_or_else(|| Running::url(config.admin.listen, false), |running| running.admin)
}

impl Caller {
    /// Finds the server and the token: what the command line says, else what the configuration and its data folder
    /// say.
    ///
    /// # Errors
    /// If there is no token.
    pub(crate) fn find(
        server: Option<&str>,
        token_file: Option<PathBuf>,
        config: &Config,
    ) -> anyhow::Result<Self> {
        let base = server.map_or_else(|| admin_url(config), |url| url.trim_end_matches('/').to_owned());
        let file = token_file.or_else(|| std::env::var_os(format!("{TOKEN_VARIABLE}_FILE")).map(Into::into));
        let token = match (file, std::env::var(TOKEN_VARIABLE)) {
            (Some(file), _) => read(file)?,
            (None, Ok(token)) => token,
            (None, Err(_)) => {
                let usual = DataFolder::at(&config.storage.path).operator_token();
                read(config.admin.token_file.clone().unwrap_or(usual))?
            }
        };
        Ok(Self { client: client()?, base, token: SecretText::new(token) })
    }

    /// A client of the native interface, as far as that is the operator's. Unlike other answers to the operator, those
    /// hold secrets, so it goes to no other machine in the clear.
    ///
    /// # Errors
    /// If the server's URL is none, or of another machine and not `https://`.
    pub(crate) fn native(&self) -> anyhow::Result<native::Client> {
        let token = Token::operator(&self.token).context("the operator's token is not one")?;
        let options = ClientOptions { within: ANSWER_WITHIN, ..ClientOptions::default() };
        native::Client::http(&format!("{}/v1", self.base), Credentials::given(token), options)
            .map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// Says in one line why the native interface did not do it, and what to do about it.
    pub(crate) fn explain(&self, error: &ClientError) -> anyhow::Error {
        let text = shown(&error.to_string());
        match error {
            error if error.is_problem("store-not-encrypted") => anyhow::anyhow!(
                "{text}: secrets of service keys lie in no other. Make a root key with `strongroom store key new -o FILE`, \
                 add `root_key_file = \"FILE\"` under [storage], stop the server and run `strongroom store encrypt`"
            ),
            error if error.is_problem("unknown-chain") => {
                anyhow::anyhow!("{text}; `strongroom admin chain list` shows which there are")
            }
            error if error.is_problem("unknown-service-key") => {
                anyhow::anyhow!("{text}; `strongroom admin service-key list` shows which there are")
            }
            error if error.kind() == ErrorKind::Unreachable => {
                anyhow::anyhow!("no server answers at {}: is it running?", self.base)
            }
            _ => anyhow::anyhow!("{text}"),
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// One line that says what the server said, or that there is none.
    pub(crate) async fn ask<A: Ask>(&self, question: &A) -> anyhow::Result<A::Answer> {
        let mut credential = HeaderValue::from_str(&format!("Bearer {}", self.token.expose()))
            .context("the operator's token is not one")?;
        credential.set_sensitive(true);
        let sent = self
            .client
            .post(format!("{}{PREFIX}{}", self.base, A::PATH))
            .header(AUTHORIZATION, credential)
            .header(CONTENT_TYPE, "application/json")
            .body(serde_json::to_vec(question)?)
            .send()
            .await;
        let answer = sent.map_err(|error| explain(&self.base, &error))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| explain(&self.base, &error))?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .context("the server's answer is not one that this release knows");
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => bail!("{problem}"),
            Err(_) => bail!("the server answered {status}"),
        }
    }
}

fn read(file: PathBuf) -> anyhow::Result<String> {
    read_secret(&file).map_err(|error| {
        anyhow::anyhow!(
            "no operator's token: {}: {error} (name the data folder with --data, or the file with --token-file)",
            file.display()
        )
    })
}

/// Says in one line why there was no answer.
pub(crate) fn explain(base: &str, error: &reqwest::Error) -> anyhow::Error {
    if error.is_connect() {
        return anyhow::anyhow!("no server answers at {base}: is it running?");
    }
    if error.is_timeout() {
        return anyhow::anyhow!("the server at {base} did not answer in time");
    }
    anyhow::anyhow!("{base}: {error}")
}
