//! Disk use of a data folder: allocated blocks, not file lengths.
//!
//! Lengths lie both ways: one store keeps a sparse file much longer than its blocks, another preallocates its log.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The kernel counts blocks in units of 512 bytes, whatever the file system's own block size is.
const BLOCK_BYTES: u64 = 512;

/// The file-system type number of tmpfs, as `statfs` reports it.
const TMPFS_MAGIC: u64 = 0x0102_1994;

/// Bytes allocated for everything below `folder`. Files that vanish while walking (a store cleaning up) count nothing.
pub(crate) fn allocated_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let mut bytes = 0;
    for entry in entries.flatten() {
        let Ok(facts) = entry.path().symlink_metadata() else { continue };
        bytes += facts.blocks() * BLOCK_BYTES;
        if facts.is_dir() {
            bytes += allocated_bytes(&entry.path());
        }
    }
    bytes
}

/// Whether `folder` lies in memory, where a sync costs nothing and durable figures mean nothing.
pub(crate) fn is_in_memory(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|facts| facts.f_type as u64 == TMPFS_MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_counted_and_holes_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("nested");
        fs::create_dir(&nested).unwrap();
        fs::write(nested.join("full"), vec![7_u8; 256 * 1024]).unwrap();
        fs::File::create(folder.path().join("hole")).unwrap().set_len(64 << 20).unwrap();
        // Delayed allocation: the blocks exist once the file has been synced.
        fs::File::open(nested.join("full")).unwrap().sync_all().unwrap();

        let bytes = allocated_bytes(folder.path());
        assert!((256 * 1024..1 << 20).contains(&bytes), "{bytes} bytes");
    }

    #[test]
    fn a_missing_folder_holds_nothing() {
        assert_eq!(allocated_bytes(Path::new("no/such/folder")), 0);
    }
}
