//! External identifiers: what clients call a key pair. Any text, kept as it was given, and unique within an account.
//!
//! Each has a row of its own under a hash of its text. Whoever takes an identifier has looked at that row, so of two
//! who take the same one at once, one is refused. Source: dialects/meeco.md, sections 5 and 9.

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::{AccountId, ExternalIdentifierId};
use strongroom_storage::Key;

use super::super::rows::{StoredExternalIdentifier, StoredKeyPair};
use crate::{
    command::{Decision, Moment, Reads, View},
    error::EngineError,
    keyspace::Keyspace,
};

/// The most external identifiers of one key pair.
pub const EXTERNAL_IDENTIFIERS_MAX: usize = 16;

/// The most characters (Unicode scalar values) of an external identifier; at least 1.
pub const EXTERNAL_IDENTIFIER_CHARS_MAX: usize = 255;

/// What a client calls a key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalIdentifier {
    /// Which: of this text for this key pair. A text that is taken away and given again has another.
    pub id: ExternalIdentifierId,
    /// The text, exactly as it was given.
    pub text: String,
}

/// The rows that say whose these texts are.
pub(super) fn reads_of(account: AccountId, texts: &[String], space: &Keyspace) -> Reads {
    let texts = texts.iter().take(EXTERNAL_IDENTIFIERS_MAX);
    texts.fold(Reads::none(), |reads, text| reads.row(space.external_identifier(account, text)))
}

/// Refuses too many texts, and texts of another length than they may have.
pub(super) fn check(texts: &[String]) -> Result<(), EngineError> {
    if texts.len() > EXTERNAL_IDENTIFIERS_MAX {
        return Err(EngineError::TooManyExternalIdentifiers { max: EXTERNAL_IDENTIFIERS_MAX });
    }
    let fits = |text: &String| (1..=EXTERNAL_IDENTIFIER_CHARS_MAX).contains(&text.chars().count());
    match texts.iter().position(|text| !fits(text)) {
        Some(at) => Err(EngineError::ExternalIdentifierSize { at, max: EXTERNAL_IDENTIFIER_CHARS_MAX }),
        None => Ok(()),
    }
}

/// The rows of texts that change hands.
#[derive(Default)]
pub(super) struct Renamed {
    given: Vec<(Key, StoredExternalIdentifier)>,
    freed: Vec<Key>,
}

impl Renamed {
    pub(super) fn write<R>(&self, decision: Decision<R>) -> Decision<R> {
        let decision = self.freed.iter().cloned().fold(decision, Decision::delete);
        self.given.iter().fold(decision, |decision, (key, row)| decision.put(key.clone(), row))
    }
}

/// Gives the key pair these names and no other. Those that it has already keep their ids.
pub(super) fn rename(
    pair: &mut StoredKeyPair,
    texts: &[String],
    view: &View<'_>,
    account: AccountId,
    moment: &Moment<'_>,
) -> Result<Renamed, EngineError> {
    let before = std::mem::take(&mut pair.external_identifiers);
    let mut given = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let key = moment.space.external_identifier(account, text);
        let holder: Option<StoredExternalIdentifier> = view.row(&key)?;
        let is_others = holder.is_some_and(|holder| holder.key_pair != pair.id);
        if is_others || texts[..at].contains(text) {
            return Err(EngineError::ExternalIdentifierTaken { at });
        }
        let name = before.iter().find(|name| name.text == *text).cloned().unwrap_or_else(|| {
            given.push((key, StoredExternalIdentifier { key_pair: pair.id }));
            ExternalIdentifier {
                id: ExternalIdentifierId::from_bytes(moment.entropy.array()),
                text: text.clone(),
            }
        });
        pair.external_identifiers.push(name);
    }
    let freed = before.iter().filter(|name| !texts.contains(&name.text));
    let freed = freed.map(|name| moment.space.external_identifier(account, &name.text)).collect();
    Ok(Renamed { given, freed })
}
