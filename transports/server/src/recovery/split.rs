//! Sharing a secret, and sharing it anew.

use std::io::{self, Write};

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use serde_json::json;
use strongroom_client::{
    recovery::{NewHolder, Split as Dealt, SplitPlan},
    wire::ReleasePolicy,
};
use strongroom_primitives::id::EscrowId;
use zeroize::Zeroizing;

use super::{
    Open, confirm,
    holders::{Holders, SecretSource, name},
    shown::span,
};
use crate::{output, span::span_s, user::Auth};

/// A span of time that may be none.
fn span_or_none(text: &str) -> Result<u64, String> {
    if text == "0" { Ok(0) } else { span_s(text) }
}

#[derive(Debug, Args)]
struct Policy {
    /// How many holders have to approve a request [default: as many as the threshold lacks without paper and server]
    #[arg(long, value_name = "COUNT")]
    quorum: Option<u8>,
    /// From the last needed approval to the release, in which the owner may veto; 0 for none
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = span_or_none)]
    delay: u64,
    /// How long a request gathers approvals
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = span_s)]
    window: u64,
    /// How long what is released waits to be collected
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = span_s)]
    collect: u64,
    /// From one request of a requester's to their next; 0 for none
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = span_or_none)]
    cooldown: u64,
    /// How many requests may be under way at a time
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    open_requests: u8,
    /// Any use of another session of the owner's vetoes
    #[arg(long)]
    activity_vetoes: bool,
}

impl Policy {
    fn of(&self, threshold: u8, holders: &Holders) -> ReleasePolicy {
        let approvers = u8::try_from(holders.approvers()).unwrap_or(u8::MAX);
        let others = u8::try_from(holders.count()).unwrap_or(u8::MAX) - approvers;
        let lacking = threshold.saturating_sub(others).max(1).min(approvers);
        ReleasePolicy {
            quorum: self.quorum.unwrap_or(lacking),
            delay_s: self.delay,
            window_s: self.window,
            collect_s: self.collect,
            cooldown_s: self.cooldown,
            open_requests_max: self.open_requests,
            activity_vetoes: self.activity_vetoes,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom recovery split --label 'root key' --kek --threshold 2 \\
    --holder account:M9znjHbD5Xi=bob.pub --holder device:phone.pub --holder paper:safe.txt
  strongroom recovery split --label backup --secret backup.key --threshold 3 --delay 3d \\
    --holder account:M9znjHbD5Xi=bob.pub --holder account:Qx2mTn81LpA=cyd.pub --holder paper --holder server

Compare the fingerprints with the holders by voice. The policy of an escrow never changes.")]
pub(super) struct Split {
    /// What people know it by; the server and the holders can read it
    #[arg(long)]
    label: String,
    /// How many shares make the secret
    #[arg(long, value_name = "COUNT")]
    threshold: u8,
    #[command(flatten)]
    holders: Holders,
    #[command(flatten)]
    secret: SecretSource,
    #[command(flatten)]
    policy: Policy,
    #[command(flatten)]
    auth: Auth,
}

/// Refuses a threshold that cannot be kept, before anybody is asked.
fn check_threshold(threshold: u8, holders: &Holders) -> anyhow::Result<()> {
    ensure!(
        (2..=holders.count()).contains(&usize::from(threshold)),
        "a threshold is 2 to the number of holders, {}: name more holders, or a threshold between",
        holders.count()
    );
    Ok(())
}

impl Split {
    /// Shares the secret.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        check_threshold(self.threshold, &self.holders)?;
        self.holders.check()?;
        let open = Open::of(&self.auth)?;
        let secret = self.secret.read(&self.auth)?;
        let (holders, fingerprints) = self.holders.resolve(&open).await?;
        let policy = self.policy.of(self.threshold, &self.holders);
        let (label, threshold) = (self.label.clone(), self.threshold);
        let plan = SplitPlan { label, threshold, holders: holders.clone(), policy };
        let dealt = open.recovery.split(plan, secret.expose()).await;
        let dealt = dealt.map_err(|error| open.explain(error))?;
        let id = dealt.escrow.id;
        let papers = match self.holders.write_papers(&dealt, as_json) {
            Ok(papers) => papers,
            Err(error) => return Err(take_back(&open, id, error).await),
        };
        if as_json {
            return document(&dealt, &fingerprints, papers);
        }
        tell(&dealt, &holders, &fingerprints)?;
        let delay = if policy.delay_s == 0 {
            "at once".to_owned()
        } else {
            format!("{} later", span(policy.delay_s))
        };
        writeln!(
            io::stdout(),
            "Whoever asks needs {} of the holders who approve; shares are given out {delay}. You can refuse a request with \
             `strongroom recovery veto`.",
            policy.quorum
        )?;
        Ok(())
    }
}

/// Deletes an escrow whose papers could not be written.
async fn take_back(open: &Open, id: EscrowId, error: anyhow::Error) -> anyhow::Error {
    match open.recovery.delete(id).await {
        Ok(()) => error.context("nothing was shared"),
        Err(_) => {
            anyhow!("{error:#}. The escrow was made all the same: `strongroom recovery delete {id}` ends it")
        }
    }
}

fn document(
    dealt: &Dealt,
    fingerprints: &[(u8, String)],
    papers: Vec<(u8, Zeroizing<String>)>,
) -> anyhow::Result<()> {
    /// Not a map of `serde_json`, which would keep copies of the words.
    #[derive(serde::Serialize)]
    struct Paper<'p> {
        index: u8,
        paper: &'p str,
    }
    #[derive(serde::Serialize)]
    struct Document<'d> {
        escrow: EscrowId,
        epoch: u32,
        fingerprints: serde_json::Value,
        papers: Vec<Paper<'d>>,
    }
    let fingerprints =
        fingerprints.iter().map(|(index, text)| json!({ "index": index, "fingerprint": text }));
    output::json(&Document {
        escrow: dealt.escrow.id,
        epoch: dealt.escrow.epoch,
        fingerprints: fingerprints.collect(),
        papers: papers.iter().map(|(index, text)| Paper { index: *index, paper: text.as_str() }).collect(),
    })
}

/// Says what there is now, and what is to be done.
fn tell(dealt: &Dealt, holders: &[NewHolder], fingerprints: &[(u8, String)]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let (id, epoch) = (dealt.escrow.id, dealt.escrow.epoch);
    writeln!(
        out,
        "Escrow {id}, epoch {epoch}: any {} of {} shares make the secret.",
        dealt.escrow.threshold,
        holders.len()
    )?;
    for (index, holder) in (1_u8..).zip(holders) {
        let known = fingerprints.iter().find(|(of, _)| *of == index);
        let fingerprint = known.map(|(_, text)| format!("  {text}")).unwrap_or_default();
        writeln!(out, "  {index}  {}{fingerprint}", name(&holder.kind))?;
    }
    if !fingerprints.is_empty() {
        writeln!(out, "Compare the fingerprints with the holders by voice.")?;
    }
    writeln!(
        out,
        "Who recovers it runs `strongroom recovery recover {id}`: write that down with the papers."
    )?;
    Ok(out.flush()?)
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom recovery refresh 5f0c... --kek --holder account:M9znjHbD5Xi=bob.pub --holder paper:new.txt --holder server

A holder who is not named holds nothing any more. Requests that are under way are over. Holders bring their public files
again, because a list of the server's would be the server's word.")]
pub(super) struct Refresh {
    /// Which escrow
    escrow: EscrowId,
    /// How many shares make the secret [default: as many as before]
    #[arg(long, value_name = "COUNT")]
    threshold: Option<u8>,
    #[command(flatten)]
    holders: Holders,
    #[command(flatten)]
    secret: SecretSource,
    /// Does not ask whether it is meant
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    auth: Auth,
}

impl Refresh {
    /// Shares the secret anew.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        self.holders.check()?;
        let open = Open::of(&self.auth)?;
        let secret = self.secret.read(&self.auth)?;
        let present = open.recovery.get(self.escrow).await.map_err(|error| open.explain(error))?.summary;
        let threshold = self.threshold.unwrap_or(present.threshold);
        check_threshold(threshold, &self.holders)?;
        let (holders, fingerprints) = self.holders.resolve(&open).await?;
        let what = "the shares and papers of now will be worth nothing, and requests under way are over";
        confirm(self.yes, what, "yes")?;
        let dealt = open.recovery.refresh(self.escrow, present.epoch, threshold, &holders, secret.expose());
        let dealt = dealt.await.map_err(|error| open.explain(error))?;
        let papers = self.holders.write_papers(&dealt, as_json).with_context(|| {
            format!("epoch {} was dealt; run `strongroom recovery refresh` again", dealt.escrow.epoch)
        })?;
        if as_json {
            return document(&dealt, &fingerprints, papers);
        }
        tell(&dealt, &holders, &fingerprints)
    }
}
