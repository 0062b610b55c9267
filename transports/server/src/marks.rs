//! The file of marks: how far each realm of recovery has come, outside the store and its backups.
//!
//! The one thing to believe: [`Anchor::raise`] returns after the file and its name were synced. Who waits meanwhile
//! shares the next writing, so that many guesses cost few.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use strongroom_engine::ports::{Anchor, AnchorError, AnchorMark, Anchored, Raising};
use strongroom_primitives::{
    encoding::{array_from_hex, to_hex},
    pin_recovery::RecoveryRealmId,
};

use crate::data;

type Marks = BTreeMap<RecoveryRealmId, AnchorMark>;

/// A file of marks.
#[derive(Clone)]
pub(crate) struct MarkFile(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// What is to lie in the file.
    wanted: Mutex<Marks>,
    /// What does.
    written: Mutex<Marks>,
}

/// The mark of a realm as the file has it: the epoch in hexadecimal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    epoch: String,
    mark: u64,
}

impl MarkFile {
    /// Reads a file of marks. One that is not there has none.
    ///
    /// # Errors
    /// If it cannot be read, or is no file of marks.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let marks = match fs::read(path) {
            Ok(bytes) => read(&bytes).with_context(|| format!("{} is no file of marks", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Marks::new(),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let (wanted, written) = (Mutex::new(marks.clone()), Mutex::new(marks));
        Ok(Self(Arc::new(Inner { path: path.to_owned(), wanted, written })))
    }
}

fn read(bytes: &[u8]) -> anyhow::Result<Marks> {
    let lines: BTreeMap<String, Line> = serde_json::from_slice(bytes)?;
    let mark = |(realm, line): (String, Line)| -> anyhow::Result<(RecoveryRealmId, AnchorMark)> {
        let epoch = array_from_hex(&line.epoch)?;
        Ok((RecoveryRealmId::from_hex(&realm)?, AnchorMark { epoch, mark: line.mark }))
    };
    lines.into_iter().map(mark).collect()
}

fn write(marks: &Marks) -> Vec<u8> {
    let line = |mark: &AnchorMark| Line { epoch: to_hex(&mark.epoch), mark: mark.mark };
    let lines: BTreeMap<String, Line> =
        marks.iter().map(|(realm, mark)| (realm.to_string(), line(mark))).collect();
    let mut bytes = serde_json::to_vec_pretty(&lines).expect("texts and numbers are written to memory");
    bytes.push(b'\n');
    bytes
}

/// Whether what is known covers a mark.
fn covers(known: Option<&AnchorMark>, mark: &AnchorMark) -> bool {
    known.is_some_and(|known| known.epoch == mark.epoch && known.mark >= mark.mark)
}

impl Inner {
    fn want(&self, realm: RecoveryRealmId, mark: AnchorMark) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if !covers(wanted.get(&realm), &mark) {
            wanted.insert(realm, mark);
        }
    }

    /// Writes what is wanted, unless somebody else has.
    fn settle(&self, realm: RecoveryRealmId, mark: AnchorMark) -> Result<(), AnchorError> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if covers(written.get(&realm), &mark) {
            return Ok(());
        }
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        data::write_private(&self.path, &write(&wanted))
            .map_err(|error| AnchorError(format!("{error:#}")))?;
        *written = wanted;
        Ok(())
    }
}

impl Anchor for MarkFile {
    fn load(&self, realm: &RecoveryRealmId) -> Result<Anchored, AnchorError> {
        let written = self.0.written.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(written.get(realm).map_or(Anchored::Nothing, |mark| Anchored::Mark(*mark)))
    }

    fn raise(&self, realm: RecoveryRealmId, mark: AnchorMark) -> Raising<'_> {
        let inner = self.0.clone();
        Box::pin(async move {
            inner.want(realm, mark);
            // Syncing takes milliseconds, which belong to nobody else's request.
            let settled = tokio::task::spawn_blocking(move || inner.settle(realm, mark)).await;
            settled.map_err(|error| AnchorError(error.to_string()))?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REALM: RecoveryRealmId = RecoveryRealmId::from_bytes([7; 16]);

    fn mark(epoch: u8, mark: u64) -> AnchorMark {
        AnchorMark { epoch: [epoch; 16], mark }
    }

    #[actix_rt::test]
    async fn marks_are_there_when_the_file_is_opened_again_and_only_rise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        let file = MarkFile::open(&path).unwrap();
        assert_eq!(file.load(&REALM).unwrap(), Anchored::Nothing);
        let other = RecoveryRealmId::from_bytes([8; 16]);
        for (realm, told) in [(REALM, mark(1, 5)), (REALM, mark(1, 4)), (other, mark(3, 1))] {
            file.raise(realm, told).await.unwrap();
        }
        let again = MarkFile::open(&path).unwrap();
        assert_eq!(again.load(&REALM).unwrap(), Anchored::Mark(mark(1, 5)));
        assert_eq!(again.load(&other).unwrap(), Anchored::Mark(mark(3, 1)));
        // The realm of another store.
        again.raise(REALM, mark(2, 1)).await.unwrap();
        assert_eq!(MarkFile::open(&path).unwrap().load(&REALM).unwrap(), Anchored::Mark(mark(2, 1)));
    }

    #[actix_rt::test]
    async fn many_marks_at_once_are_all_covered() {
        let folder = tempfile::tempdir().unwrap();
        let file = MarkFile::open(&folder.path().join("marks")).unwrap();
        let raised = (1..=64).map(|n| file.raise(REALM, mark(1, n)));
        for settled in futures_util::future::join_all(raised).await {
            settled.unwrap();
        }
        let again = MarkFile::open(&folder.path().join("marks")).unwrap();
        assert_eq!(again.load(&REALM).unwrap(), Anchored::Mark(mark(1, 64)));
    }

    /// A mark that cannot be kept is an error, every time, and not a promise that is broken.
    #[actix_rt::test]
    async fn what_cannot_be_written_is_not_covered() {
        let folder = tempfile::tempdir().unwrap();
        let file = MarkFile::open(&folder.path().join("none").join("marks")).unwrap();
        for _ in 0..2 {
            assert!(file.raise(REALM, mark(1, 1)).await.is_err());
        }
        assert_eq!(file.load(&REALM).unwrap(), Anchored::Nothing);
    }

    #[test]
    fn what_is_no_file_of_marks_is_said_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        for bad in ["", "[]", "{\"07\":{\"epoch\":\"\",\"mark\":1}}", "{\"x\":1}"] {
            fs::write(&path, bad).unwrap();
            let said = MarkFile::open(&path).err().unwrap().to_string();
            assert!(said.contains("is no file of marks"), "{said}");
            assert_eq!(fs::read_to_string(&path).unwrap(), bad);
        }
    }
}
