//! Sessions: who they belong to, which there are, and their end.

use std::io::{self, Write};

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};
use strongroom_client::{
    Client, ClientError,
    wire::{SessionInfo, Whoami},
};
use strongroom_primitives::id::SessionId;

use super::{Auth, server::Server};
use crate::{
    output,
    table::{self, instant, shown},
};

#[derive(Debug, Args)]
pub(super) struct Get {
    #[command(flatten)]
    auth: Auth,
}

impl Get {
    /// Shows the user.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let (file, server) = self.auth.open()?;
        let (keystore, vault) = (server.keystore(&file)?, server.vault(&file)?);
        let me = keystore.client().whoami().await.map_err(|error| server.explain(error))?;
        let failures = keystore.sign_in_failures().await.map_err(|error| server.explain(error))?;
        let user = vault.user().await.map_err(|error| server.explain(error))?;
        if as_json {
            return output::json(&json!({
                "username": file.secret.username(),
                "server": server.url,
                "keystore_account": me.account,
                "vault_account": user.account,
                "joined_ms": user.joined,
                "private_dek": user.profile.private_dek,
                "items": user.items,
                "bytes": user.bytes,
                "failed_sign_ins": failures.count,
                "last_failed_sign_in_ms": failures.last,
            }));
        }
        let rows = [
            ("user name", file.secret.username().to_owned()),
            ("server", server.url.clone()),
            ("keystore account", me.account.to_string()),
            ("vault account", user.account.to_string()),
            ("joined", instant(user.joined)),
            ("private DEK", user.profile.private_dek.unwrap_or_default()),
            ("items", format!("{} of {} bytes", user.items, user.bytes)),
            ("failed sign-ins", failures.count.to_string()),
        ];
        let mut out = io::stdout().lock();
        for (name, value) in rows {
            writeln!(out, "{name:<18}{}", shown(&value))?;
        }
        Ok(out.flush()?)
    }
}

#[derive(Debug, Args)]
pub(super) struct Logout {
    #[command(flatten)]
    auth: Auth,
    /// Ends all sessions of the user, those of other devices too
    #[arg(long)]
    everywhere: bool,
}

impl Logout {
    /// Signs out. The file stays: its Secret Key signs in again.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let (file, server) = self.auth.open()?;
        let mut ended = 0;
        // The vault first: whoever is cut off in between can still end the other one.
        for client in [server.vault(&file)?.client(), server.keystore(&file)?.client()] {
            ended += match end(client, self.everywhere).await {
                // It ended before, which is what was asked for.
                Err(error) if is_ended(&error) => 0,
                ended => ended.map_err(|error| server.explain(error))?,
            };
        }
        if as_json { output::json(&json!({ "sessions_ended": ended })) } else { Ok(()) }
    }
}

async fn end(client: &Client, everywhere: bool) -> Result<u64, ClientError> {
    if everywhere {
        return client.revoke_sessions(false).await;
    }
    client.revoke_session(None).await.map(|()| 1)
}

/// Whether what was asked was refused because its session has ended.
pub(crate) fn is_ended(error: &ClientError) -> bool {
    error.is_problem("credential-invalid") || error.is_problem("credential-expired")
}

#[derive(Debug, Args)]
pub(super) struct Sessions {
    #[command(flatten)]
    auth: Auth,
    /// Ends this session instead
    #[arg(long, value_name = "SESSION")]
    end: Option<SessionId>,
}

/// A session and where it is one.
struct Row {
    service: &'static str,
    session: SessionInfo,
    is_own: bool,
}

impl Sessions {
    /// Lists sessions, or ends one.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let (file, server) = self.auth.open()?;
        let (keystore, vault) = (server.keystore(&file)?, server.vault(&file)?);
        let services = [("keystore", keystore.client()), ("vault", vault.client())];
        let mut rows = Vec::new();
        for (service, client) in services {
            rows.extend(sessions_of(service, client, &server).await?);
        }
        if let Some(end) = self.end {
            let Some(row) = rows.iter().find(|row| row.session.session == end) else {
                bail!("there is no session {end}; `strongroom user sessions` lists them");
            };
            let client = if row.service == "vault" { vault.client() } else { keystore.client() };
            client.revoke_session(Some(end)).await.map_err(|error| server.explain(error))?;
            return if as_json { output::json(&json!({ "ended": end })) } else { Ok(()) };
        }
        if as_json {
            return output::json(&rows.iter().map(described).collect::<Vec<_>>());
        }
        let rows: Vec<_> = rows.iter().map(cells).collect();
        Ok(table::print(["SERVICE", "SESSION", "LABEL", "OPENED", "EXPIRES", ""], &rows)?)
    }
}

async fn sessions_of(service: &'static str, client: &Client, server: &Server) -> anyhow::Result<Vec<Row>> {
    let Whoami { session: own, .. } = client.whoami().await.map_err(|error| server.explain(error))?;
    let sessions = client.sessions().await.map_err(|error| server.explain(error))?;
    let row = |session: SessionInfo| Row { service, is_own: Some(session.session) == own, session };
    Ok(sessions.into_iter().map(row).collect())
}

fn described(row: &Row) -> Value {
    let SessionInfo { session, label, opened, expires, .. } = &row.session;
    json!({
        "service": row.service,
        "session": session,
        "label": label,
        "opened_ms": opened,
        "expires_ms": expires,
        "own": row.is_own,
    })
}

fn cells(row: &Row) -> [String; 6] {
    let SessionInfo { session, label, opened, expires, .. } = &row.session;
    let own = if row.is_own { "this one" } else { "" };
    let expires = expires.map(instant).unwrap_or_default();
    [row.service.to_owned(), session.to_string(), shown(label), instant(*opened), expires, own.to_owned()]
}
