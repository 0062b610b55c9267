//! `strongroom admin session`: the open sessions of an account, whatever interface they were opened over.

use std::io::{self, Write};

use anyhow::Context;
use clap::{ArgGroup, Args, Subcommand};
use strongroom_engine::{Identity, domains::accounts::Whose};
use strongroom_primitives::id::{AccountId, RealmId, SessionId, Subject};

use super::{AdminCommand, api, caller::Caller};
use crate::table::{self, instant, instant_or, shown};

/// An account, by who it is or by its id.
#[derive(Debug, Args)]
pub(super) struct Account {
    /// The application's id
    #[arg(requires = "identity", required_unless_present = "account")]
    app: Option<RealmId>,
    /// The identity
    identity: Option<Subject>,
    /// The account's id, as `account list` shows it, instead of application and identity
    #[arg(long, value_name = "ID", conflicts_with_all = ["app", "identity"])]
    account: Option<AccountId>,
}

impl Account {
    fn whose(&self) -> anyhow::Result<Whose> {
        let named = self.app.clone().zip(self.identity.clone());
        let named = named.map(|(realm, subject)| Whose::Identity(Identity { realm, subject }));
        named.or(self.account.map(Whose::Account)).context("name the account")
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// Lists the open sessions of an account, and the devices that they are of
    List {
        #[command(flatten)]
        account: Account,
    },
    /// Revokes sessions at once, on every node; their sockets close
    #[command(group(ArgGroup::new("which").required(true)))]
    Revoke {
        #[command(flatten)]
        account: Account,
        /// Which one, as listed
        #[arg(long, value_name = "SESSION", group = "which")]
        session: Option<SessionId>,
        /// All of them
        #[arg(long, group = "which")]
        all: bool,
    },
}

impl AdminCommand {
    pub(super) async fn session(&self, caller: &Caller, command: &SessionCommand) -> anyhow::Result<()> {
        match command {
            SessionCommand::List { account } => {
                let sessions = caller.ask(&api::ListSessions { whose: account.whose()? }).await?;
                self.print(&sessions, |sessions| print(sessions))
            }
            SessionCommand::Revoke { account, session, .. } => {
                let ask = api::RevokeSessions { whose: account.whose()?, session: *session };
                let revoked = caller.ask(&ask).await?;
                self.print(&revoked, |revoked| writeln!(io::stdout(), "revoked: {}", revoked.sessions))
            }
        }
    }
}

fn print(sessions: &[api::Session]) -> io::Result<()> {
    let row = |session: &api::Session| {
        [
            session.session.to_string(),
            shown(&session.device),
            opened_by(session),
            instant(session.opened),
            instant_or(session.last_used, "-"),
            instant_or(session.expires, "-"),
        ]
    };
    let rows: Vec<_> = sessions.iter().map(row).collect();
    table::print(["SESSION", "DEVICE", "OPENED BY", "SINCE", "LAST USED", "EXPIRES"], &rows)
}

/// What a session hangs on, or that nobody has shown yet that it is theirs.
fn opened_by(session: &api::Session) -> String {
    match (&session.api_key, &session.parent) {
        (Some(api_key), _) => format!("API key {api_key}"),
        (None, Some(parent)) => format!("session {parent}"),
        (None, None) if session.unproved => "nobody yet".to_owned(),
        (None, None) => "its holder".to_owned(),
    }
}
