//! Rotation of the KEK: a new one is drawn, every key is wrapped by it, and it takes the old one's place.
//!
//! The KEK to come lies at the server under the passphrase derived key, and every key that was rewrapped lies there as
//! both KEKs wrap it. So a rotation that was interrupted at whatever step is gone on with by asking for it again, on this
//! device or another, and until its end nothing depends on it (THREATS A-KEY-05, A-KEY-06).

use strongroom_wire::{
    CryppoString, Dek, KeyPair, NewRotation, Operation, Reply, Rewrapped, Rotation, WrappedKeyId,
};

use super::error::Kept;
use super::keys::{DEK_PAGE, KEY_PAIR_PAGE, STALE_MAX, decrypt, encrypt};
use super::keystore::unwrap;
use super::{Keystore, OpenKek, UserError};
use crate::checks::wrong_kind;
use crate::error::ClientError;
use crate::records::Rows;

/// How often the end is tried while other devices add keys.
const PASSES_MAX: u32 = 16;

/// How far a rotation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Keys that are rewrapped.
    pub done: u64,
    /// All keys.
    pub of: u64,
}

impl From<&Rotation> for Progress {
    fn from(rotation: &Rotation) -> Self {
        Self { done: rotation.done, of: rotation.keys }
    }
}

/// The two KEKs of a rotation.
struct Turn {
    old: OpenKek,
    new: OpenKek,
    progress: Progress,
}

/// A key as the old KEK wraps it.
struct Pending {
    id: WrappedKeyId,
    generation: u32,
    wrapped: CryppoString,
    kind: Kept,
}

impl From<Dek> for Pending {
    fn from(dek: Dek) -> Self {
        let Dek { id, generation, wrapped, .. } = dek;
        Self { id: WrappedKeyId::Dek(id), generation, wrapped, kind: Kept::Dek }
    }
}

impl From<KeyPair> for Pending {
    fn from(pair: KeyPair) -> Self {
        let KeyPair { id, generation, wrapped_private_key: wrapped, .. } = pair;
        Self { id: WrappedKeyId::KeyPair(id), generation, wrapped, kind: Kept::PrivateKey }
    }
}

impl Keystore {
    /// Rotates the KEK: begins a rotation, or goes on with the one that is under way, rewraps what is pending, and
    /// finishes. Tells `progress` where it begins, after every page, and at the end. Dropped at any point, it can be
    /// called again. Gives the new KEK.
    ///
    /// # Errors
    /// [`UserError::RotationGone`] when another device gave the rotation up; [`UserError::RotationContended`];
    /// [`UserError::DoesNotOpen`]; [`UserError::Client`].
    pub async fn rotate_kek(&self, mut progress: impl FnMut(Progress)) -> Result<OpenKek, UserError> {
        let mut turn = self.begin_or_go_on().await?;
        progress(turn.progress);
        for _ in 0..PASSES_MAX {
            match self.pass(&mut turn, &mut progress).await {
                Ok(Some(kek)) => return Ok(kek),
                Ok(None) => {}
                // Another device deleted a key, added one, or has brought the rotation to its end.
                Err(error) if is_overtaken(&error) => {
                    let kek = self.wrapped_kek().await?;
                    if kek.generation >= turn.new.generation {
                        return self.open_kek(&kek);
                    }
                    match &kek.rotation {
                        Some(rotation) if rotation.target == turn.new.generation => {}
                        _ => return Err(UserError::RotationGone),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(UserError::RotationContended { passes: PASSES_MAX })
    }

    /// Gives a rotation up that is under way. Every key stays as it was. Whether there was one.
    ///
    /// # Errors
    /// [`UserError::Client`].
    pub async fn cancel_rotation(&self) -> Result<bool, UserError> {
        let Some(rotation) = self.wrapped_kek().await?.rotation else { return Ok(false) };
        match self.client.ask(Operation::CancelRotation { target: rotation.target }).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_problem("unknown-rotation") => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn begin_or_go_on(&self) -> Result<Turn, UserError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let kek = self.wrapped_kek().await?;
            let old = self.open_kek(&kek)?;
            let rotation = match kek.rotation {
                Some(rotation) => rotation,
                None => {
                    let wrapped = self.wrap(&self.pdk, &self.fresh_key()?)?;
                    let begin = NewRotation { generation: old.generation, wrapped };
                    match self.client.ask(Operation::BeginRotation(begin)).await {
                        Ok(Reply::Rotation(rotation)) => rotation,
                        Ok(_) => return Err(wrong_kind().into()),
                        Err(error) if is_race(&error) && tries < STALE_MAX => continue,
                        Err(error) => return Err(error.into()),
                    }
                }
            };
            let new = OpenKek {
                key: unwrap(&self.pdk, &rotation.wrapped, Kept::NextKek)?,
                generation: rotation.target,
                since: rotation.began,
                keys: rotation.keys,
                rewrapped: None,
            };
            return Ok(Turn { old, new, progress: Progress::from(&rotation) });
        }
    }

    /// Rewraps everything that is pending, and tries to finish. Nothing if keys were added meanwhile.
    async fn pass(
        &self,
        turn: &mut Turn,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Option<OpenKek>, UserError> {
        for kind in [Kept::Dek, Kept::PrivateKey] {
            let mut pages = Rows::default();
            loop {
                let (page, next) = self.pending(kind, pages.cursor.clone()).await?;
                let more = pages.take(page, next)?;
                let page = std::mem::take(&mut pages.rows);
                if !page.is_empty() {
                    turn.progress = self.rewrap(turn, page).await?;
                    progress(turn.progress);
                }
                if !more {
                    break;
                }
            }
        }
        match self.client.ask(Operation::FinishRotation { target: turn.new.generation }).await {
            Ok(Reply::Kek(kek)) => self.open_kek(&kek).map(Some),
            Ok(_) => Err(wrong_kind().into()),
            Err(error) if error.is_problem("rotation-incomplete") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A page of keys of one kind that have yet to be rewrapped.
    async fn pending(
        &self,
        kind: Kept,
        cursor: Option<String>,
    ) -> Result<(Vec<Pending>, Option<String>), UserError> {
        let pending = true;
        let list = match kind {
            Kept::Dek => Operation::ListDeks { pending, cursor, limit: Some(DEK_PAGE) },
            _ => Operation::ListKeyPairs { pending, cursor, limit: Some(KEY_PAIR_PAGE) },
        };
        match self.client.ask(list).await? {
            Reply::Deks(page) => Ok((page.deks.into_iter().map(Pending::from).collect(), page.next)),
            Reply::KeyPairs(page) => Ok((page.keypairs.into_iter().map(Pending::from).collect(), page.next)),
            _ => Err(wrong_kind().into()),
        }
    }

    async fn rewrap(&self, turn: &Turn, page: Vec<Pending>) -> Result<Progress, UserError> {
        let rewrapped = page.into_iter().map(|pending| {
            if pending.generation != turn.old.generation {
                return Err(ClientError::protocol("its keys are of another generation than its KEK").into());
            }
            let plain = decrypt(&turn.old.key, &pending.wrapped, pending.kind)?;
            let wrapped = encrypt(&self.client, &turn.new.key, plain.expose(), pending.kind)?;
            Ok(Rewrapped { id: pending.id, wrapped })
        });
        let keys = rewrapped.collect::<Result<Vec<_>, UserError>>()?;
        match self.client.ask(Operation::Rewrap { target: turn.new.generation, keys }).await? {
            Reply::Rotation(rotation) => Ok(Progress::from(&rotation)),
            _ => Err(wrong_kind().into()),
        }
    }
}

/// Whether somebody else changed the KEK between reading it and beginning.
fn is_race(error: &ClientError) -> bool {
    error.is_problem("rotation-running") || error.is_problem("stale-kek")
}

/// Whether somebody else changed keys or rotation while this one was at it.
fn is_overtaken(error: &UserError) -> bool {
    let generation = matches!(error.client(), Some(ClientError::Protocol { .. }));
    generation || error.is_problem("unknown-key") || error.is_problem("unknown-rotation")
}
