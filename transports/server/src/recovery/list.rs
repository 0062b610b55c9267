//! Which escrows there are, and what is in them.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Value, json};
use strongroom_client::{
    ClientError,
    wire::{Escrow, EscrowSummary, RecoveryRequest},
};
use strongroom_primitives::id::EscrowId;

use super::{Open, confirm, holders::name, shown};
use crate::{
    output,
    table::{self, instant},
    user::Auth,
};

/// All escrows that the user owns, then all that they hold a share of; whether it is their own.
///
/// # Errors
/// [`ClientError`].
pub(super) async fn all(open: &Open) -> Result<Vec<(EscrowSummary, bool)>, ClientError> {
    let mut found = Vec::new();
    for is_own in [true, false] {
        let mut cursor = None;
        loop {
            let page = match is_own {
                true => open.recovery.page(cursor, None).await?,
                false => open.recovery.held(cursor, None).await?,
            };
            found.extend(page.escrows.into_iter().map(|escrow| (escrow, is_own)));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    auth: Auth,
}

impl List {
    /// Lists them.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        let escrows = all(&open).await.map_err(|error| open.explain(error))?;
        if as_json {
            let documents = escrows.iter().map(|(escrow, is_own)| described(escrow, *is_own));
            return output::json(&documents.collect::<Vec<_>>());
        }
        let row = |(escrow, is_own): &(EscrowSummary, bool)| {
            [
                escrow.id.to_string(),
                table::shown(&escrow.label),
                if *is_own { "you".to_owned() } else { table::shown(escrow.owner.as_str()) },
                format!("{} of {}", escrow.threshold, escrow.holders),
                escrow.epoch.to_string(),
                instant(escrow.written),
            ]
        };
        let rows: Vec<_> = escrows.iter().map(row).collect();
        Ok(table::print(["ESCROW", "LABEL", "OWNER", "SHARES", "EPOCH", "DEALT"], &rows)?)
    }
}

fn described(escrow: &EscrowSummary, is_own: bool) -> Value {
    json!({
        "escrow": escrow.id,
        "label": escrow.label,
        "owner": escrow.owner,
        "own": is_own,
        "threshold": escrow.threshold,
        "holders": escrow.holders,
        "epoch": escrow.epoch,
        "created_ms": escrow.created,
        "written_ms": escrow.written,
    })
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Which
    escrow: EscrowId,
    #[command(flatten)]
    auth: Auth,
}

impl Show {
    /// Shows it.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        let escrow = open.recovery.get(self.escrow).await.map_err(|error| open.explain(error))?;
        let requests = open.recovery.requests(self.escrow).await.map_err(|error| open.explain(error))?;
        if as_json { document(&escrow, &requests) } else { tell(&escrow, &requests) }
    }
}

fn document(escrow: &Escrow, requests: &[RecoveryRequest]) -> anyhow::Result<()> {
    let mut document = described(&escrow.summary, escrow.payload.is_some());
    let holders = escrow.holders.iter().map(|holder| json!({ "index": holder.index, "kind": holder.kind }));
    document["holders"] = holders.collect();
    document["policy"] = serde_json::to_value(escrow.policy)?;
    let requests = requests.iter().map(|request| shown::described(escrow.summary.id, request));
    document["requests"] = requests.collect();
    output::json(&document)
}

fn tell(escrow: &Escrow, requests: &[RecoveryRequest]) -> anyhow::Result<()> {
    let Escrow { summary, policy, .. } = escrow;
    let span = shown::span;
    let mut facts = vec![
        ("label", summary.label.clone()),
        ("owner", summary.owner.to_string()),
        ("shares", format!("{} of {}", summary.threshold, summary.holders)),
        ("epoch", format!("{}, dealt at {}", summary.epoch, instant(summary.written))),
        ("approvals", policy.quorum.to_string()),
        ("delay", span(policy.delay_s)),
        ("window", span(policy.window_s)),
        ("collect", span(policy.collect_s)),
        ("cooldown", span(policy.cooldown_s)),
    ];
    if policy.activity_vetoes {
        facts.push(("veto", "by any use of another session of the owner's".to_owned()));
    }
    for holder in &escrow.holders {
        facts.push(("holder", format!("{} {}", holder.index, name(&holder.kind))));
    }
    table::facts(&facts)?;
    if requests.is_empty() {
        return Ok(());
    }
    writeln!(io::stdout())?;
    let rows: Vec<_> = requests.iter().map(shown::cells).collect();
    Ok(table::print(["REQUEST", "REQUESTER", "FINGERPRINT", "STATE", "REASON"], &rows)?)
}

#[derive(Debug, Args)]
pub(super) struct Delete {
    /// Which
    #[arg(required = true, value_name = "ESCROW")]
    escrows: Vec<EscrowId>,
    /// Does not ask whether it is meant
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    auth: Auth,
}

impl Delete {
    /// Deletes them.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        confirm(self.yes, "no share that the server keeps can be had again after this", "yes")?;
        for escrow in &self.escrows {
            open.recovery.delete(*escrow).await.map_err(|error| open.explain(error))?;
        }
        if as_json { output::json(&json!({ "deleted": self.escrows })) } else { Ok(()) }
    }
}
