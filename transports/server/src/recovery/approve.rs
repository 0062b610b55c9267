//! A holder's yes and the owner's no.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use anyhow::{anyhow, ensure};
use clap::Args;
use serde_json::json;
use strongroom_client::{
    recovery::own_share,
    wire::{HolderKind, RecoveryRequest},
};
use strongroom_primitives::id::{EscrowId, RecoveryRequestId};

use super::{Open, key::HolderKey, list, shown};
use crate::{
    admin::typed,
    output,
    table::{self, facts},
    user::Auth,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom recovery approve
  strongroom recovery approve 5f0c... 77ab... --key holder.key --fingerprint 1c2d-...

Without an escrow and a request it lists those that are under way. Ask the requester, by voice, for the fingerprint of
their key: whoever else names a key gets your share.")]
pub(super) struct Approve {
    /// Of which escrow
    #[arg(requires = "request")]
    escrow: Option<EscrowId>,
    /// Which request
    request: Option<RecoveryRequestId>,
    /// The holder's key that the share is sealed to
    #[arg(long, value_name = "FILE", default_value = "holder.key")]
    key: PathBuf,
    /// The fingerprint that the requester said; nothing is approved if it is another
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "yes")]
    fingerprint: Option<String>,
    /// Does not ask whether the fingerprint was compared
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    auth: Auth,
}

impl Approve {
    /// Lists, or approves.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        match (self.escrow, self.request) {
            (Some(escrow), Some(request)) => self.approve(&open, escrow, request, as_json).await,
            _ => under_way(&open, as_json).await,
        }
    }

    async fn approve(
        &self,
        open: &Open,
        escrow: EscrowId,
        request: RecoveryRequestId,
        as_json: bool,
    ) -> anyhow::Result<()> {
        let key = HolderKey::read(&self.key)?;
        let asked = open.recovery.request(escrow, request).await.map_err(|error| open.explain(error))?;
        let present = open.recovery.get(escrow).await.map_err(|error| open.explain(error))?;
        // Before anybody is asked to compare anything: a key that opens nothing cannot approve.
        let share = own_share(&present, &key.secret).map_err(|error| open.explain(error))?;
        self.compare(&asked)?;
        let holder = present.holders.iter().find(|holder| holder.index == share.index());
        let is_device = holder.is_some_and(|holder| matches!(holder.kind, HolderKind::Device { .. }));
        let signer = is_device.then_some(&key.signer);
        let named = asked.public_key.0;
        let approved = open.recovery.approve(escrow, request, &key.secret, &named, signer).await;
        let approved = approved.map_err(|error| open.explain(error))?;
        if as_json {
            return output::json(&shown::described(escrow, &approved));
        }
        Ok(writeln!(io::stdout(), "Approved: {}.", shown::state(&approved))?)
    }

    /// Refuses a requester's key that is not the one that its owner named by voice.
    fn compare(&self, asked: &RecoveryRequest) -> anyhow::Result<()> {
        let fingerprint = shown::requester_fingerprint(asked);
        if let Some(said) = &self.fingerprint {
            let same = said.trim().eq_ignore_ascii_case(&fingerprint);
            ensure!(
                same,
                "the server shows a key with the fingerprint {fingerprint}: if the requester names another, somebody else \
                 asks for your share. Nothing was approved"
            );
            return Ok(());
        }
        if self.yes {
            return Ok(());
        }
        ensure!(
            io::stdin().is_terminal(),
            "nobody is here to compare the requester's key; say --fingerprint with what they name, or --yes if it was \
             compared"
        );
        facts(&[
            ("requester", asked.requester.to_string()),
            ("reason", asked.reason.clone()),
            ("fingerprint", fingerprint),
            ("state", shown::state(asked)),
        ])?;
        let question = "Does the requester, asked by voice, name this fingerprint? Type yes";
        ensure!(typed(question, "yes")?, "nothing was approved");
        Ok(())
    }
}

/// All requests that are under way, of all escrows that the user has to do with.
async fn under_way(open: &Open, as_json: bool) -> anyhow::Result<()> {
    let escrows = list::all(open).await.map_err(|error| open.explain(error))?;
    let mut found = Vec::new();
    for (escrow, _) in escrows {
        match open.recovery.requests(escrow.id).await {
            Ok(requests) => found
                .extend(requests.into_iter().filter(shown::is_under_way).map(|one| (escrow.clone(), one))),
            // It was deleted since.
            Err(error) if error.is_problem("unknown-escrow") => {}
            Err(error) => return Err(open.explain(error)),
        }
    }
    if as_json {
        let documents = found.iter().map(|(escrow, request)| shown::described(escrow.id, request));
        return output::json(&documents.collect::<Vec<_>>());
    }
    let row = |(escrow, request): &(strongroom_client::wire::EscrowSummary, RecoveryRequest)| {
        let [id, requester, fingerprint, state, reason] = shown::cells(request);
        [escrow.id.to_string(), table::shown(&escrow.label), id, requester, fingerprint, state, reason]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let headings = ["ESCROW", "LABEL", "REQUEST", "REQUESTER", "FINGERPRINT", "STATE", "REASON"];
    Ok(table::print(headings, &rows)?)
}

#[derive(Debug, Args)]
pub(super) struct Veto {
    /// Of which escrow
    escrow: EscrowId,
    /// Which requests [default: all that are under way]
    requests: Vec<RecoveryRequestId>,
    #[command(flatten)]
    auth: Auth,
}

impl Veto {
    /// Refuses them.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        let mut ids = self.requests.clone();
        if ids.is_empty() {
            let requests = open.recovery.requests(self.escrow).await.map_err(|error| open.explain(error))?;
            ids = requests.iter().filter(|one| shown::is_under_way(one)).map(|one| one.id).collect();
        }
        for id in &ids {
            open.recovery.veto(self.escrow, *id).await.map_err(|error| {
                let problem = error.is_problem("unknown-escrow");
                let explained = open.explain(error);
                if problem { anyhow!("{explained:#}; only the owner vetoes") } else { explained }
            })?;
        }
        if as_json { output::json(&json!({ "vetoed": ids })) } else { Ok(()) }
    }
}
