//! `strongroom admin service-key`: the keys of a chain, which programs sign requests with.

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use strongroom_client::{
    keyknox::ports::Ports,
    service_keys::{ServiceKeyChange, ServiceKeyOptions, ServiceKeys},
    wire::{ServiceKey, ServiceKeyKind, ServiceKeyMade},
};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::PermissionsDocument},
    encoding, json, sign,
    time::Timestamp,
};

use super::{AdminCommand, caller::Caller, typed};
use crate::span::span_s;
use crate::{
    input,
    span::{End, Expiry},
    table::{self, instant, instant_or, shown},
};

/// Largest permissions document, in bytes; servers take less unless configured otherwise.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, Args)]
pub(super) struct Of {
    /// The chain's id
    #[arg(long, value_name = "CHAIN", value_parser = ChainId::new)]
    chain: ChainId,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    #[command(flatten)]
    of: Of,
    /// The key's id
    #[arg(value_parser = KeyId::new)]
    id: KeyId,
}

#[derive(Debug, Subcommand)]
pub(super) enum ServiceKeyCommand {
    /// Makes a key and prints its secret, this once
    Create {
        #[command(flatten)]
        of: Of,
        /// How it signs: dc1-hmac for the clients of chains, hmac-sha256 or ed25519 for HTTP Message Signatures (RFC
        /// 9421)
        #[arg(long, value_name = "KIND", value_parser = kind, default_value = "dc1-hmac")]
        kind: ServiceKeyKind,
        /// The public half of a key of kind ed25519: 32 bytes, or SubjectPublicKeyInfo, in base64
        #[arg(long, value_name = "BASE64", value_parser = public_key)]
        public_key: Option<[u8; 32]>,
        /// A name for people
        #[arg(long, default_value = "")]
        nickname: String,
        /// The file with what it may do, a permissions document [default: everything but making, changing and deleting
        /// keys]
        #[arg(long, value_name = "FILE")]
        permissions: Option<PathBuf>,
        /// When it ends: a span of time (30d), a day or an instant [default: when it is deleted]
        #[arg(long, value_name = "END")]
        expires: Option<End>,
    },
    /// Lists the keys of a chain
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Shows a key and what it may do, without its secret
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Changes a key; what is not named stays
    Update {
        #[command(flatten)]
        which: Which,
        /// A name for people
        #[arg(long)]
        nickname: Option<String>,
        /// The file with what it may do, a permissions document
        #[arg(long, value_name = "FILE")]
        permissions: Option<PathBuf>,
        /// When it ends: a span of time (30d), a day or an instant, or `never`
        #[arg(long, value_name = "END")]
        expires: Option<Expiry>,
    },
    /// Draws a new secret for a key and prints it, this once; or gives one of kind ed25519 a new public half
    Rotate {
        #[command(flatten)]
        which: Which,
        /// The new public half of a key of kind ed25519: 32 bytes, or SubjectPublicKeyInfo, in base64
        #[arg(long, value_name = "BASE64", value_parser = public_key)]
        public_key: Option<[u8; 32]>,
        /// How long the secret or the key before goes on signing, as in 90s, 15m, 12h or 7d, as far as the server allows; 0 for not
        /// at all
        #[arg(long, value_name = "SPAN", value_parser = overlap_s, default_value = "0")]
        overlap: u64,
    },
    /// Deletes a key, for good; it signs nothing any more, on every node
    Delete {
        #[command(flatten)]
        which: Which,
        /// Does not ask whether that is meant where it is the chain's last key but the root key
        #[arg(long)]
        yes: bool,
    },
}

fn kind(text: &str) -> Result<ServiceKeyKind, &'static str> {
    let quoted = serde_json::Value::from(text);
    serde_json::from_value(quoted).map_err(|_| "dc1-hmac, hmac-sha256 or ed25519")
}

fn public_key(text: &str) -> Result<[u8; 32], &'static str> {
    let why = "not an Ed25519 public key: 32 bytes, or SubjectPublicKeyInfo of 44 bytes, in base64";
    let bytes = encoding::from_base64(text.trim()).map_err(|_| why)?;
    let key = match <[u8; 32]>::try_from(&*bytes) {
        Ok(key) => sign::VerifyingKey::from_bytes(&key),
        Err(_) => sign::VerifyingKey::from_spki(&bytes),
    };
    key.map(|key| *key.as_bytes()).map_err(|_| why)
}

fn overlap_s(text: &str) -> Result<u64, String> {
    if text == "0" { Ok(0) } else { span_s(text) }
}

impl ServiceKeyCommand {
    fn chain(&self) -> &ChainId {
        let of = match self {
            Self::Create { of, .. } | Self::List { of } => of,
            Self::Show { which }
            | Self::Update { which, .. }
            | Self::Rotate { which, .. }
            | Self::Delete { which, .. } => &which.of,
        };
        &of.chain
    }
}

impl AdminCommand {
    pub(super) async fn service_key(
        &self,
        caller: &Caller,
        command: &ServiceKeyCommand,
    ) -> anyhow::Result<()> {
        let keys = caller.native()?.service_keys(Some(command.chain().clone()));
        let failed = |error| caller.explain(&error);
        match command {
            ServiceKeyCommand::Create { kind, public_key, nickname, permissions, expires, .. } => {
                check_kind(*kind, public_key.is_some())?;
                let now = now();
                let expires = expires.map(|end| end.from(now));
                ensure!(
                    expires.is_none_or(|at| at > now),
                    "--expires lies in the past, so the key would be of no use"
                );
                let permissions = document(permissions.as_deref())?;
                let (kind, public_key, nickname) = (*kind, *public_key, nickname.clone());
                let options = ServiceKeyOptions { kind, public_key, nickname, permissions, expires };
                self.print(&keys.create(options).await.map_err(failed)?, print_made)
            }
            ServiceKeyCommand::List { .. } => {
                self.print(&keys.list().await.map_err(failed)?, |keys| print(keys))
            }
            ServiceKeyCommand::Show { which } => {
                self.print(&keys.get(which.id.clone()).await.map_err(failed)?, print_key)
            }
            ServiceKeyCommand::Update { which, nickname, permissions, expires } => {
                ensure!(
                    nickname.is_some() || permissions.is_some() || expires.is_some(),
                    "nothing to change: say --nickname, --permissions or --expires"
                );
                let permissions = document(permissions.as_deref())?;
                let expires = Expiry::change(*expires, now());
                let change = ServiceKeyChange { nickname: nickname.clone(), permissions, expires };
                self.print(&keys.update(which.id.clone(), change).await.map_err(failed)?, print_key)
            }
            ServiceKeyCommand::Rotate { which, public_key, overlap } => {
                let rotated = keys.rotate(which.id.clone(), *public_key, *overlap).await;
                self.print(&rotated.map_err(failed)?, print_made)
            }
            ServiceKeyCommand::Delete { which, yes } => {
                let meant = *yes || !is_last(&keys, &which.id).await.map_err(failed)? || confirmed(which)?;
                ensure!(meant, "nothing was deleted");
                keys.delete(which.id.clone()).await.map_err(failed)?;
                let deleted = serde_json::json!({ "deleted": which.id });
                self.print(&deleted, |_| writeln!(io::stdout(), "deleted: {}", which.id))
            }
        }
    }
}

/// A public key goes with the one kind that has one.
fn check_kind(kind: ServiceKeyKind, has_public_key: bool) -> anyhow::Result<()> {
    ensure!(
        (kind == ServiceKeyKind::Ed25519) == has_public_key,
        "a key of kind ed25519 is made of its public half, --public-key, and no other kind has one"
    );
    Ok(())
}

fn now() -> Timestamp {
    Ports::system().clock.now()
}

/// Whether a key is the only one of its chain that still signs, the root key aside (THREATS A-MAC-07).
async fn is_last(keys: &ServiceKeys, id: &KeyId) -> Result<bool, strongroom_client::ClientError> {
    let (list, now) = (keys.list().await?, now());
    let mut usable = list.iter().filter(|key| !key.root && key.expires.is_none_or(|expires| now <= expires));
    Ok(usable.next().is_some_and(|key| key.id == *id) && usable.next().is_none())
}

/// Whether somebody at a terminal wants what deleting the last key does.
fn confirmed(which: &Which) -> anyhow::Result<bool> {
    let Which { of: Of { chain }, id } = which;
    ensure!(
        io::stdin().is_terminal(),
        "{id} is the last key of {chain} that signs, the root key aside; say --yes if it is meant"
    );
    writeln!(
        io::stdout(),
        "{id} is the last key of {chain} that signs: only the root key is left without it."
    )?;
    typed("yes", "yes")
}

/// The permissions document in a file.
fn document(file: Option<&Path>) -> anyhow::Result<Option<PermissionsDocument>> {
    let Some(file) = file else { return Ok(None) };
    let bytes = input::all_of_file(file, DOCUMENT_BYTES_MAX)?;
    let why = || format!("{} is no permissions document", file.display());
    let value = json::parse(bytes.expose()).with_context(why)?;
    PermissionsDocument::read(&value).map(Some).with_context(why)
}

fn print(keys: &[ServiceKey]) -> io::Result<()> {
    let row = |key: &ServiceKey| {
        [
            key.id.to_string(),
            kind_of(key),
            shown(&key.nickname),
            if key.root { "root" } else { "" }.to_owned(),
            instant(key.registered),
            instant_or(key.last_used, "-"),
            instant_or(key.expires, "-"),
        ]
    };
    let rows: Vec<_> = keys.iter().map(row).collect();
    table::print(["KEY", "KIND", "NICKNAME", "", "SINCE", "LAST USED", "EXPIRES"], &rows)
}

fn kind_of(key: &ServiceKey) -> String {
    serde_json::to_value(key.kind).ok().and_then(|kind| Some(kind.as_str()?.to_owned())).unwrap_or_default()
}

fn facts(key: &ServiceKey) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("key id", key.id.to_string()),
        ("kind", kind_of(key)),
        ("nickname", key.nickname.clone()),
        ("since", instant(key.registered)),
        ("expires", instant_or(key.expires, if key.root { "when rotated" } else { "when deleted" })),
    ];
    if let Some(until) = key.overlap_until {
        facts.push(("former one", format!("signs until {}", instant(until))));
    }
    facts
}

fn print_key(key: &ServiceKey) -> io::Result<()> {
    let mut facts = facts(key);
    facts.push(("last used", instant_or(key.last_used, "-")));
    facts.push(("permissions", key.permissions.clone()));
    table::facts(&facts)
}

fn print_made(made: &ServiceKeyMade) -> io::Result<()> {
    table::facts(&facts(&made.key))?;
    let Some(secret) = &made.secret else { return Ok(()) };
    let mut out = io::stdout();
    writeln!(out, "\nsecret  {}", secret.0.expose())?;
    writeln!(out, "It is not shown again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_none_or_a_span_of_time() {
        assert_eq!(overlap_s("0"), Ok(0));
        assert_eq!(overlap_s("90s"), Ok(90));
        for bad in ["", "90", "0s", "-1s"] {
            assert!(overlap_s(bad).is_err(), "{bad:?}");
        }
    }
}
