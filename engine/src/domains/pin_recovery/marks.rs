//! What shows that a store was restored: the mark of each realm, kept in the store and outside of it.
//!
//! Every change of a record raises the realm's mark in the same commit, and no change is told of before a mark at
//! least as high lies outside. A store whose mark is lower than the one outside is therefore an older copy, whatever
//! was done to it since; so is one whose mark outside is gone or of another store. Its records then begin at their last
//! guess (RECOVERY.md, section 4.3).

use strongroom_primitives::pin_recovery::RecoveryRealmId;
use strongroom_storage::{Batch, Guard, Storage, StorageError, Write};

use super::rows::StoredPinRealm;
use crate::{
    codec,
    engine::StartError,
    keyspace::Keyspace,
    ports::{Anchor, AnchorMark, Anchored, Entropy},
};

/// Whether a store with this row is older than what lies outside says.
fn is_restored(stored: &StoredPinRealm, outside: &Anchored) -> bool {
    match outside {
        Anchored::Untold => false,
        // A realm in which nothing has happened has nothing to lose.
        Anchored::Nothing => stored.mark > 0,
        Anchored::Mark(mark) => mark.epoch != stored.epoch || mark.mark > stored.mark,
    }
}

/// The row of a realm as it begins, after the row that was there.
fn begun(stored: Option<StoredPinRealm>, outside: &Anchored, epoch: [u8; 16]) -> StoredPinRealm {
    let last = match outside {
        Anchored::Mark(mark) => mark.mark,
        Anchored::Untold | Anchored::Nothing => 0,
    };
    match stored {
        None => StoredPinRealm { epoch, generation: 0, mark: last, untold: None },
        Some(stored) if is_restored(&stored, outside) => StoredPinRealm {
            generation: stored.generation.saturating_add(1),
            mark: stored.mark.max(last).saturating_add(1),
            untold: Some([0; 16]),
            ..stored
        },
        Some(stored) => stored,
    }
}

/// Begins a realm in a store: looks whether the store was restored, and writes down that it was.
///
/// # Errors
/// [`StartError::Storage`], [`StartError::Damaged`], [`StartError::Anchor`].
pub(crate) async fn begin(
    storage: &dyn Storage,
    anchor: &dyn Anchor,
    space: &Keyspace,
    entropy: &dyn Entropy,
    realm: RecoveryRealmId,
) -> Result<(), StartError> {
    let key = space.pin_realm(&realm);
    let outside = anchor.load(&realm)?;
    for _ in 0..8 {
        let found = storage.get(std::slice::from_ref(&key)).await?.pop().flatten();
        let revision = found.as_ref().map(|row| row.revision);
        let stored: Option<StoredPinRealm> =
            found.map(|row| codec::decode(&row.value)).transpose().map_err(|_| StartError::Damaged)?;
        let row = begun(stored.clone(), &outside, entropy.array());
        if stored.as_ref() != Some(&row) {
            if stored.is_some() {
                tracing::warn!(%realm, "the store was restored: every record has one guess left at most");
            }
            let guard = revision
                .map_or_else(|| Guard::Absent(key.clone()), |revision| Guard::At(key.clone(), revision));
            let writes = vec![Write::Put(key.clone(), codec::encode(&row))];
            match storage.commit(Batch { guards: vec![guard], writes, ..Batch::default() }).await {
                Ok(_) => {}
                Err(StorageError::Conflict | StorageError::Unavailable { .. }) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        anchor.raise(realm, AnchorMark { epoch: row.epoch, mark: row.mark }).await?;
        return Ok(());
    }
    Err(StartError::Storage(StorageError::unavailable("a realm of recovery could not begin")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(mark: u64) -> StoredPinRealm {
        StoredPinRealm { epoch: [1; 16], generation: 4, mark, untold: None }
    }

    fn outside(epoch: u8, mark: u64) -> Anchored {
        Anchored::Mark(AnchorMark { epoch: [epoch; 16], mark })
    }

    /// A-SHR-11.
    #[test]
    fn a_store_is_taken_for_restored_when_what_lies_outside_knows_more() {
        for (mark, outside, restored) in [
            (7, outside(1, 7), false),
            // A crash between the commit and the mark outside.
            (8, outside(1, 7), false),
            (7, outside(1, 8), true),
            (7, outside(2, 1), true),
            (7, Anchored::Nothing, true),
            (0, Anchored::Nothing, false),
            (7, Anchored::Untold, false),
        ] {
            let row = begun(Some(stored(mark)), &outside, [9; 16]);
            assert_eq!(row.generation, if restored { 5 } else { 4 }, "{mark} {outside:?}");
            assert_eq!(row.epoch, [1; 16]);
            assert_eq!(row.untold.is_some(), restored, "owners are to be told");
            assert!(!is_restored(&row, &Anchored::Mark(AnchorMark { epoch: row.epoch, mark: row.mark })));
            if restored && let Anchored::Mark(AnchorMark { mark, .. }) = outside {
                assert!(row.mark > mark, "the store as it was before is told from the restored one");
            }
        }
    }

    #[test]
    fn a_realm_that_is_new_in_its_store_goes_on_from_the_mark_outside() {
        assert_eq!(
            begun(None, &outside(2, 5), [9; 16]),
            StoredPinRealm { epoch: [9; 16], generation: 0, mark: 5, untold: None }
        );
        assert_eq!(begun(None, &Anchored::Nothing, [9; 16]).mark, 0);
    }
}
