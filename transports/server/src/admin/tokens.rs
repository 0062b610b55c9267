//! `strongroom admin token issue`: tokens of both kinds, which nobody can show again.

use std::io::{self, Write};

use anyhow::ensure;
use clap::{ArgGroup, Args};
use strongroom_engine::{Identity, Right};
use strongroom_primitives::id::{BoxId, RealmId, Subject};

use super::{AdminCommand, api, caller::Caller, right};
use crate::{config::RightsList, span::span_s, table::instant_or};

/// Options of one kind of token, which the other kind does not take.
const ASSURED: [&str; 6] = ["account", "acr", "ttl", "client", "kind", "login_challenge"];

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whose").required(true).args(["app", "assured_identity"])))]
pub(super) struct NewToken {
    /// The application's id
    #[arg(requires = "identity", conflicts_with_all = ASSURED)]
    app: Option<RealmId>,
    /// The identity
    identity: Option<Subject>,
    /// What it may do: create, get, reset
    #[arg(long, value_delimiter = ',', value_parser = right, default_value = "create,get,reset")]
    rights: Vec<Right>,
    /// How long it is good, as in 90s, 15m, 12h or 30d [default: until revoked]
    #[arg(long, value_parser = span_s, requires = "app")]
    life: Option<u64>,
    /// What its holder calls it
    #[arg(long, default_value = "")]
    label: String,
    /// Misakey: who has signed in; a UUID of version 4
    #[arg(long = "identity", value_name = "UUID", id = "assured_identity", value_parser = uuid4)]
    assured_identity: Option<Subject>,
    /// Misakey: the account that they have signed in to; a UUID of version 4 [default: none]
    #[arg(long, value_name = "UUID", value_parser = uuid4)]
    account: Option<Subject>,
    /// Misakey: how far the sign-in went: 1 a code from an e-mail, 2 the password, 3 a one-time code, 4 a security key
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=4), default_value = "2")]
    acr: u8,
    /// Misakey: how long it is good, as in 90s, 15m, 12h or 30d [default: 1h for a sign-in, else 24h]
    #[arg(long, value_parser = span_s)]
    ttl: Option<u64>,
    /// Misakey: the client that it is given to [default: that of the server's configuration]
    #[arg(long)]
    client: Option<String>,
    /// Misakey: what it is for
    #[arg(long, value_enum, default_value = "access")]
    kind: api::AssuredKind,
    /// Misakey: the sign-in that a token of the kind process is for
    #[arg(long, required_if_eq("kind", "process"))]
    login_challenge: Option<String>,
}

fn uuid4(text: &str) -> Result<Subject, String> {
    let what = || "a UUID of version 4 is needed, as in b2dc8b7e-44e6-4510-b222-c914876fad1c".to_owned();
    let id = BoxId::from_uuid(text).map_err(|_| what())?;
    let bytes = id.as_bytes();
    let good = bytes[6] >> 4 == 4 && bytes[8] >> 6 == 2;
    if good { Subject::new(id.to_uuid()).map_err(|_| what()) } else { Err(what()) }
}

impl NewToken {
    /// The question, if it is for a token that says how far a sign-in went.
    fn assured(&self) -> Option<api::IssueAssured> {
        let default_s = if self.kind == api::AssuredKind::Process { 3_600 } else { 86_400 };
        Some(api::IssueAssured {
            identity: self.assured_identity.clone()?,
            account: self.account.clone(),
            acr: self.acr,
            ttl_s: self.ttl.unwrap_or(default_s),
            client: self.client.clone(),
            kind: self.kind,
            login_challenge: self.login_challenge.clone(),
        })
    }

    fn plain(&self) -> Option<api::IssueToken> {
        let (realm, subject) = self.app.clone().zip(self.identity.clone())?;
        Some(api::IssueToken {
            identity: Identity { realm, subject },
            rights: RightsList(self.rights.iter().copied().collect()),
            life_s: self.life,
            label: self.label.clone(),
        })
    }
}

impl AdminCommand {
    pub(super) async fn issue(&self, caller: &Caller, new: &NewToken) -> anyhow::Result<()> {
        if let Some(ask) = new.assured() {
            let process = ask.kind == api::AssuredKind::Process;
            ensure!(process || ask.login_challenge.is_none(), "--login-challenge is for --kind process");
            let issued = caller.ask(&ask).await?;
            return self.print(&issued, |issued| {
                let mut out = io::stdout();
                writeln!(out, "session  {}", issued.session)?;
                writeln!(out, "expires  {}", instant_or(issued.expires, "when revoked"))?;
                // The last line is the token and nothing else, for scripts.
                writeln!(out, "{}", issued.token)
            });
        }
        let Some(ask) = new.plain() else {
            anyhow::bail!("name the application and the identity, or --identity")
        };
        let issued = caller.ask(&ask).await?;
        self.print(&issued, |issued| {
            let mut out = io::stdout();
            writeln!(out, "token    {}", issued.token)?;
            writeln!(out, "session  {}", issued.session)?;
            writeln!(out, "expires  {}", instant_or(issued.expires, "when revoked"))
        })
    }
}
