//! Answers as JSON, for programs: keys in base64, instants in milliseconds since 1970.

use serde::Serialize;
use serde_json::Value;
use strongroom_client::keyknox::{
    entries::{Entries, Entry},
    sync::SyncReport,
};
use strongroom_primitives::encoding;
use zeroize::Zeroizing;

use crate::output::json;

/// Prints a key with the key itself.
///
/// # Errors
/// If standard output is gone.
pub(super) fn entry(entry: &Entry) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Shown<'e> {
        #[serde(flatten)]
        entry: Value,
        data: &'e str,
    }
    let data = Zeroizing::new(encoding::to_base64(entry.data.expose()));
    json(&Shown { entry: described(entry), data: &data })
}

/// Prints all keys without the keys themselves.
///
/// # Errors
/// If standard output is gone.
pub(super) fn entries(entries: &Entries) -> anyhow::Result<()> {
    json(&entries.values().map(described).collect::<Vec<_>>())
}

/// Prints what a synchronisation did; `sequence` is that of the event that caused it.
///
/// # Errors
/// If standard output is gone.
pub(super) fn report(report: &SyncReport, sequence: Option<u64>) -> anyhow::Result<()> {
    let SyncReport { saved, updated, deleted } = report;
    let mut document = serde_json::json!({ "saved": saved, "updated": updated, "deleted": deleted });
    if let Some(sequence) = sequence {
        document["event"] = sequence.into();
    }
    json(&document)
}

fn described(entry: &Entry) -> Value {
    serde_json::json!({
        "name": entry.name,
        "bytes": entry.data.len(),
        "created_ms": entry.created_at,
        "modified_ms": entry.modified_at,
        "notes": entry.meta.clone().unwrap_or_default(),
    })
}
