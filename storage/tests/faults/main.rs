//! F-04 to F-08: torn and reordered writes, a sync that fails, a device that fills up, reads that fail or lie.
//!
//! redb writes to a device made here, which keeps what was not synced apart and loses it as a seed says. sled writes
//! to files of its own, so its torn device is put together from the file as of the last sync and the file at the end.

mod device;
mod full;
mod reads;
mod store;
mod syncs;
mod torn;
