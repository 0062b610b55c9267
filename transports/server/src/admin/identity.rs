//! `strongroom admin identity`: the keys by which clients know the server, and how they give way to the next.
//!
//! Keys are printed as clients pin them: in hexadecimal, X25519 for what is boxed to the server and Ed25519 for what it
//! signs. Source: dialects/psono.md, section 3.

use std::io::{self, IsTerminal, Write};

use anyhow::ensure;
use clap::Subcommand;

use super::{
    AdminCommand,
    api::{self, OVERLAP_S_MAX},
    caller::Caller,
    typed,
};
use crate::span::span_s;
use crate::table::instant;

#[derive(Debug, Subcommand)]
pub(super) enum IdentityCommand {
    /// Shows the keys that clients pin, and until when the former ones answer
    Show,
    /// Gives the server new keys; the former ones go on answering for a while
    Rotate {
        /// How long the present keys go on answering, as in 90s, 15m, 12h or 30d; 0 for not at all
        #[arg(long, value_name = "SPAN", value_parser = overlap_s, default_value = "30d")]
        overlap: u64,
        /// Does not ask whether that is meant
        #[arg(long)]
        yes: bool,
    },
}

/// Reads an overlap: none, or a span of time of at most a year.
fn overlap_s(text: &str) -> Result<u64, String> {
    let overlap_s = if text == "0" { 0 } else { span_s(text)? };
    if overlap_s > OVERLAP_S_MAX {
        return Err(format!("an overlap has at most {}d: until it is over nothing is rotated", days_max()));
    }
    Ok(overlap_s)
}

/// The longest overlap in days.
pub(super) const fn days_max() -> u64 {
    OVERLAP_S_MAX / 86_400
}

impl AdminCommand {
    pub(super) async fn identity(&self, caller: &Caller, command: &IdentityCommand) -> anyhow::Result<()> {
        let identity = match command {
            IdentityCommand::Show => caller.ask(&api::ShowIdentity {}).await?,
            IdentityCommand::Rotate { overlap, yes } => {
                let meant = *yes || confirmed(&caller.ask(&api::ShowIdentity {}).await?, *overlap)?;
                ensure!(meant, "nothing was rotated");
                caller.ask(&api::RotateIdentity { overlap_s: *overlap }).await?
            }
        };
        self.print(&identity, print)
    }
}

fn print(identity: &api::ServerIdentity) -> io::Result<()> {
    let mut out = io::stdout();
    let api::IdentityKeys { generation, public_key, verify_key } = &identity.keys;
    writeln!(out, "generation  {generation}")?;
    writeln!(out, "public key  {public_key}")?;
    writeln!(out, "verify key  {verify_key}")?;
    if let Some(api::FormerIdentity { keys, until }) = &identity.former {
        writeln!(
            out,
            "\nUntil {} clients are also answered that pin generation {}:",
            instant(*until),
            keys.generation
        )?;
        writeln!(out, "public key  {}", keys.public_key)?;
        writeln!(out, "verify key  {}", keys.verify_key)?;
    }
    Ok(())
}

/// Whether somebody at a terminal wants what a rotation does.
fn confirmed(identity: &api::ServerIdentity, overlap_s: u64) -> anyhow::Result<bool> {
    ensure!(io::stdin().is_terminal(), "a rotation cannot be taken back; say --yes if it is meant");
    let mut out = io::stdout();
    let keys = &identity.keys;
    writeln!(out, "The server gets new keys, generation {}.", keys.generation.saturating_add(1))?;
    match overlap_s {
        0 => {
            writeln!(out, "Clients that pin the present verify key {} are refused at once.", keys.verify_key)?
        }
        overlap_s => {
            let span = span_shown(overlap_s);
            writeln!(
                out,
                "Clients that pin the present verify key {} work for {span} more,",
                keys.verify_key
            )?;
            writeln!(out, "then they are refused. No other rotation is possible until then.")?;
        }
    }
    typed("yes", "yes")
}

/// A span of time in the largest unit that says it exactly.
fn span_shown(span_s: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let exact = units.into_iter().find(|(unit_s, _)| span_s.is_multiple_of(*unit_s));
    exact.map_or_else(String::new, |(unit_s, unit)| format!("{}{unit}", span_s / unit_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_none_or_at_most_a_year() {
        assert_eq!(overlap_s("0"), Ok(0));
        assert_eq!(overlap_s("30d"), Ok(30 * 86_400));
        assert_eq!(overlap_s("366d"), Ok(OVERLAP_S_MAX));
        for bad in ["367d", "3660d", "", "30", "0d", "-1d"] {
            assert!(overlap_s(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_span_is_shown_as_it_would_be_given() {
        for span in ["90s", "15m", "12h", "30d", "86399s"] {
            assert_eq!(span_shown(span_s(span).unwrap()), span);
        }
        assert_eq!(span_shown(86_400), "1d");
    }
}
