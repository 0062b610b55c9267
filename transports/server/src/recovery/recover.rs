//! Asking for shares, waiting for them, and making the secret of them.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, anyhow, bail, ensure};
use clap::{ArgGroup, Args};
use strongroom_client::{
    keyknox::ports::Ports,
    recovery::{RecoveryError, make_secret, own_share},
    wire::{Escrow, RecoveryRequest, RecoveryState, Release},
};
use strongroom_primitives::{
    id::{EscrowId, RecoveryRequestId},
    sharing::{Commitments, Share, SharingError},
};

use super::{Open, holders::name, key::HolderKey, shown, state::State, words};
use crate::{
    output,
    place::Place,
    span::span_s,
    table::{facts, instant},
    user::{Auth, tell},
};

/// The longest pause between two looks at a request.
const PAUSE: Duration = Duration::from_secs(5);

/// The shortest: when a release is due, the server may need some more seconds.
const PAUSE_MIN: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("where").required(true).multiple(true).args(["output", "print", "ask_only"]),
    after_help = "Examples:
  strongroom recovery recover 5f0c... --reason 'phone lost' --words safe.txt -o root.key
  strongroom recovery recover 5f0c... --ask-only
  strongroom recovery recover 5f0c... --wait 10m --print

Tell each holder the fingerprint by voice. A command that was ended goes on where it was when it is run again with the
same state file. Words come from paper: a line `index: N` and the 33 words; - takes them from standard input."
)]
pub(super) struct Recover {
    /// Which escrow
    escrow: EscrowId,
    /// What the holders and the owner are told
    #[arg(long, default_value = "")]
    reason: String,
    /// The file with the state of this recovery; whoever has it can read what is released
    #[arg(long, value_name = "FILE", default_value = "recovery.state")]
    state: PathBuf,
    /// A share on paper; - takes it from standard input
    #[arg(long, value_name = "FILE")]
    words: Vec<PathBuf>,
    /// The requester's own holder's key, if they hold a share
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Leaves out the share of this holder, which was found to be bad
    #[arg(long, value_name = "INDEX")]
    without: Vec<u8>,
    /// Asks, says what to tell the holders, and does not wait
    #[arg(long, conflicts_with_all = ["output", "print"])]
    ask_only: bool,
    /// How long to wait for holders and delay [default: as long as it takes]
    #[arg(long, value_name = "SPAN", value_parser = span_s)]
    wait: Option<u64>,
    /// Prints the secret
    #[arg(long, conflicts_with = "output")]
    print: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    auth: Auth,
}

impl Recover {
    /// Recovers the secret.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        self.place.check()?;
        let open = Open::of(&self.auth)?;
        let escrow = open.recovery.get(self.escrow).await.map_err(|error| open.explain(error))?;
        let brought = self.brought(&open, &escrow)?;
        let state = State::of(&self.state, self.escrow)?;
        let request = self.request(&open, &state).await?;
        if self.ask_only {
            return self.say(&state, &request, as_json);
        }
        tell(&format!("tell the holders the fingerprint of your key: {}", state.fingerprint()));
        let mut release = self.wait_for(&open, request.id).await?;
        release.shares.retain(|given| !self.without.contains(&given.index));
        let made = make_secret(self.escrow, request.id, &release, &state.key, &brought);
        let secret = made.map_err(|error| what_is_missing(&open, &escrow, &release, error))?;
        self.place.put_bytes("secret", &secret, as_json)
    }

    /// Shares that the requester has from elsewhere, of the present epoch, each checked before anybody is asked.
    fn brought(&self, open: &Open, escrow: &Escrow) -> anyhow::Result<Vec<Share>> {
        let epoch = escrow.summary.epoch;
        let mut shares = Vec::new();
        let commitments = Commitments::from_bytes(&escrow.commitments.0);
        let commitments = commitments.context("the server shows commitments that are none")?;
        for paper in words::read_all(&self.words)? {
            paper.check(self.escrow, epoch)?;
            commitments.check(&paper.share).map_err(|_| {
                anyhow!(
                    "{} is not share {} of epoch {epoch}: it is of an earlier epoch, or the index is another one's",
                    paper.from,
                    paper.share.index()
                )
            })?;
            shares.push(paper.share);
        }
        if let Some(file) = &self.key {
            let own = own_share(escrow, &HolderKey::read(file)?.secret);
            shares.push(own.map_err(|error| open.explain(error))?);
        }
        Ok(shares)
    }

    /// The request of this state, opened if there is none yet.
    async fn request(&self, open: &Open, state: &State) -> anyhow::Result<RecoveryRequest> {
        let requests = open.recovery.requests(self.escrow).await.map_err(|error| open.explain(error))?;
        match state.request(&requests) {
            Some(request) => Ok(request.clone()),
            None => {
                let opened = open.recovery.open(self.escrow, &state.key, &self.reason).await;
                opened.map_err(|error| open.explain(error))
            }
        }
    }

    fn say(&self, state: &State, request: &RecoveryRequest, as_json: bool) -> anyhow::Result<()> {
        // The fingerprint is of our own key, whatever the server shows.
        let fingerprint = state.fingerprint();
        if as_json {
            let mut document = shown::described(self.escrow, request);
            document["fingerprint"] = fingerprint.into();
            return output::json(&document);
        }
        Ok(facts(&[
            ("request", request.id.to_string()),
            ("fingerprint", fingerprint),
            ("state", shown::state(request)),
            ("next", "tell the holders the fingerprint by voice, and run this again with -o FILE".to_owned()),
        ])?)
    }

    /// Waits until it can be collected, and collects it.
    async fn wait_for(&self, open: &Open, id: RecoveryRequestId) -> anyhow::Result<Release> {
        let (clock, mut told) = (Ports::system().clock, String::new());
        let patience = self.wait.map(|wait_s| clock.now().saturating_add(Duration::from_secs(wait_s)));
        loop {
            let request =
                open.recovery.request(self.escrow, id).await.map_err(|error| open.explain(error))?;
            let (state, now) = (shown::state(&request), clock.now());
            if state != told {
                tell(&state);
                told.clone_from(&state);
            }
            let pause = match request.state {
                RecoveryState::Open {} | RecoveryState::Approved {} => PAUSE,
                RecoveryState::Waiting { due } if due > now => due.since(now).clamp(PAUSE_MIN, PAUSE),
                RecoveryState::Waiting { .. } | RecoveryState::Released { .. } => {
                    match open.recovery.collect(self.escrow, id).await {
                        Ok(release) => return Ok(release),
                        Err(error) if error.is_problem("not-released") => PAUSE_MIN,
                        Err(error) => return Err(open.explain(error)),
                    }
                }
                _ => bail!("the request is {state}; ask anew with another --state"),
            };
            ensure!(
                patience.is_none_or(|patience| now < patience),
                "not released yet: {state}; run this again, it goes on from {}",
                self.state.display()
            );
            tokio::time::sleep(pause).await;
        }
    }
}

/// Why shares make no secret, with the holder who is at fault by name.
fn what_is_missing(open: &Open, escrow: &Escrow, release: &Release, error: RecoveryError) -> anyhow::Error {
    let again = format!("what was released can be collected again until {}", instant(release.until));
    let named = |index: u8| {
        let holder = escrow.holders.iter().find(|holder| holder.index == index);
        holder.map_or_else(
            || format!("holder {index}"),
            |holder| format!("holder {index}, {},", name(&holder.kind)),
        )
    };
    match error {
        RecoveryError::Sharing(SharingError::TooFew { given, threshold }) => {
            anyhow!(
                "{given} of {threshold} shares are there; bring another one with --words or --key: {again}"
            )
        }
        RecoveryError::Sharing(SharingError::RepeatedIndex { index }) => anyhow!(
            "the share of {} is there twice, brought and released; bring it no more: {again}",
            named(index)
        ),
        RecoveryError::Sharing(SharingError::BadShare { index }) | RecoveryError::BadAnswer { index } => {
            anyhow!(
                "what {} gave is no good share; try without it, with --without {index}: {again}",
                named(index)
            )
        }
        error => open.explain(error),
    }
}
