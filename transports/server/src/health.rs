//! `strongroom health`: whether a running server is ready, as an exit code for whoever supervises it.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::{
    admin::{admin_url, client, explain},
    config::Config,
};

/// Asks the server, says what it said, and turns it into an exit code: 0 if it is ready, 1 if not.
///
/// # Errors
/// One line if there is no answer.
pub(crate) fn run(server: Option<&str>, config: &Config) -> anyhow::Result<ExitCode> {
    let base = server.map_or_else(|| admin_url(config), |url| url.trim_end_matches('/').to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        client()?.get(format!("{base}/readyz")).send().await.map_err(|error| explain(&base, &error))
    })?;
    let ready = answer.status().is_success();
    writeln!(io::stdout(), "{}", if ready { "ready" } else { "not ready" })?;
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
