//! `strongroom session`: where a user is signed in, at the keystore and at the vault, and an end of that.

use std::collections::BTreeMap;

use anyhow::Context;
use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};
use strongroom_client::{
    Client, ClientError,
    wire::{SessionInfo, Whoami},
};
use strongroom_primitives::id::{ApiKeyId, SessionId};

use crate::{
    api_key, output,
    table::{self, instant, instant_or, shown},
    user::{Auth, Server, wait},
};

#[derive(Debug, Args)]
pub(crate) struct SessionCommand {
    /// Answers as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: SessionAction,
}

#[derive(Debug, Subcommand)]
enum SessionAction {
    /// Lists the user's sessions, those of their API keys included
    List(List),
    /// Ends sessions at once
    Revoke(Revoke),
}

impl SessionCommand {
    /// Does it.
    ///
    /// # Errors
    /// One line that says what is the matter and, where there is something to do about it, what.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            SessionAction::List(command) => wait(command.run(self.json)),
            SessionAction::Revoke(command) => wait(command.run(self.json)),
        }
    }
}

/// Which sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Those that a user file holds.
    Own,
    /// All but those.
    Others,
    /// All.
    All,
}

/// Where a user file has sessions. The vault comes first: whoever is cut off after it can still end the other.
pub(crate) struct Services {
    server: Server,
    clients: [(&'static str, Client); 2],
}

impl Services {
    /// Those of a user file. Asks nobody.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) fn of(auth: &Auth) -> anyhow::Result<Self> {
        let (file, server) = auth.open()?;
        let vault = server.vault(&file)?.client().clone();
        let keystore = server.keystore(&file)?.client().clone();
        Ok(Self { server, clients: [("vault", vault), ("keystore", keystore)] })
    }

    /// Ends sessions at both, and says how many.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) async fn end(&self, which: Ending) -> anyhow::Result<u64> {
        let mut count = 0;
        for (_, client) in &self.clients {
            let ended = match which {
                Ending::Own => client.revoke_session(None).await.map(|()| 1),
                Ending::Others => client.revoke_sessions(true).await,
                Ending::All => client.revoke_sessions(false).await,
            };
            count += match ended {
                // It ended before, which is what was asked for. Without it nothing is known of the others.
                Err(error) if is_ended(&error) && which != Ending::Others => 0,
                ended => ended.map_err(|error| self.server.explain(error))?,
            };
        }
        Ok(count)
    }

    async fn rows(&self) -> anyhow::Result<Vec<Row<'_>>> {
        let mut rows = Vec::new();
        for (service, client) in &self.clients {
            let mut of_service =
                rows_of(service, client).await.map_err(|error| self.server.explain(error))?;
            rows.append(&mut of_service);
        }
        Ok(rows)
    }
}

/// Whether what was asked was refused because its session has ended.
pub(crate) fn is_ended(error: &ClientError) -> bool {
    error.is_problem("credential-invalid") || error.is_problem("credential-expired")
}

/// A session and where it is one.
struct Row<'s> {
    service: &'static str,
    client: &'s Client,
    session: SessionInfo,
    /// Whether the user file holds it.
    is_own: bool,
    /// What its API key is called, if it was opened with one.
    api_key: Option<String>,
}

async fn rows_of<'s>(service: &'static str, client: &'s Client) -> Result<Vec<Row<'s>>, ClientError> {
    let Whoami { session: own, .. } = client.whoami().await?;
    let sessions = client.sessions().await?;
    let mut titles: BTreeMap<ApiKeyId, String> = BTreeMap::new();
    if sessions.iter().any(|session| session.api_key.is_some()) {
        titles = api_key::titles(client).await?;
    }
    let row = |session: SessionInfo| {
        let is_own = Some(session.session) == own;
        let api_key = session.api_key.and_then(|id| titles.get(&id).cloned());
        Row { service, client, session, is_own, api_key }
    };
    Ok(sessions.into_iter().map(row).collect())
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    auth: Auth,
}

impl List {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let services = Services::of(&self.auth)?;
        let rows = services.rows().await?;
        if as_json {
            return output::json(&rows.iter().map(described).collect::<Vec<_>>());
        }
        let headings = ["SERVICE", "SESSION", "LABEL", "OPENED", "LAST USED", "EXPIRES", "API KEY", ""];
        Ok(table::print(headings, &rows.iter().map(cells).collect::<Vec<_>>())?)
    }
}

fn described(row: &Row<'_>) -> Value {
    let SessionInfo { session, label, opened, expires, last_used, parent, api_key, .. } = &row.session;
    json!({
        "service": row.service,
        "session": session,
        "label": label,
        "opened_ms": opened,
        "last_used_ms": last_used,
        "expires_ms": expires,
        "parent": parent,
        "api_key": api_key,
        "api_key_title": row.api_key,
        "own": row.is_own,
    })
}

fn cells(row: &Row<'_>) -> [String; 8] {
    let SessionInfo { session, label, opened, expires, last_used, .. } = &row.session;
    let own = if row.is_own { "this one" } else { "" };
    [
        row.service.to_owned(),
        session.to_string(),
        shown(label),
        instant(*opened),
        instant_or(*last_used, ""),
        instant_or(*expires, ""),
        row.api_key.as_deref().map(shown).unwrap_or_default(),
        own.to_owned(),
    ]
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["sessions", "others", "all"]))]
struct Revoke {
    /// Which, as listed
    #[arg(value_name = "SESSION")]
    sessions: Vec<SessionId>,
    /// All but those of this user file; API keys sign in again, unless they are revoked
    #[arg(long)]
    others: bool,
    /// All, those of this user file included
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    auth: Auth,
}

impl Revoke {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let services = Services::of(&self.auth)?;
        let ended = match (self.others, self.all) {
            (true, _) => services.end(Ending::Others).await?,
            (_, true) => services.end(Ending::All).await?,
            _ => revoke(&services, &self.sessions).await?,
        };
        if as_json { output::json(&json!({ "sessions_ended": ended })) } else { Ok(()) }
    }
}

/// Ends these sessions, if all of them are there; those of the user file after the others.
async fn revoke(services: &Services, sessions: &[SessionId]) -> anyhow::Result<u64> {
    let rows = services.rows().await?;
    let find = |id: &SessionId| {
        let row = rows.iter().find(|row| row.session.session == *id);
        row.with_context(|| format!("there is no session {id}; `strongroom session list` lists them"))
    };
    let mut ending = sessions.iter().map(find).collect::<anyhow::Result<Vec<_>>>()?;
    ending.sort_by_key(|row| (row.is_own, row.session.session));
    ending.dedup_by_key(|row| row.session.session);
    for row in &ending {
        match row.client.revoke_session(Some(row.session.session)).await {
            // It ended meanwhile, or with the one that it was opened from.
            Err(error) if error.is_problem("unknown-session") => {}
            ended => ended.map_err(|error| services.server.explain(error))?,
        }
    }
    Ok(ending.len() as u64)
}
