//! The targets that are not Strongroom: etcd, PostgreSQL, and two servers that do nothing at all.
//!
//! Each is started with its shipped settings except where a setting would stop the run or make the work unlike ours;
//! every such exception is named at its place. Durability is never relaxed.

pub(crate) mod bare;
pub(crate) mod etcd;
pub(crate) mod postgres;
