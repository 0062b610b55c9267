//! Bytes from outside, read whole and up to a limit: a file, or standard input.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, ensure};
use strongroom_primitives::secret::Secret;
use zeroize::Zeroizing;

/// All of a file, byte for byte.
///
/// # Errors
/// If it cannot be read or has more than `bytes_max`.
pub(crate) fn all_of_file(path: &Path, bytes_max: usize) -> anyhow::Result<Secret> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let bytes = all_of(file, bytes_max).with_context(|| format!("cannot read {shown}"))?;
    ensure!(bytes.len() <= bytes_max, "{shown} is larger than {bytes_max} bytes");
    Ok(bytes)
}

/// All of standard input, byte for byte.
///
/// # Errors
/// If it cannot be read or has more than `bytes_max`.
pub(crate) fn all_of_stdin(bytes_max: usize) -> anyhow::Result<Secret> {
    let bytes = all_of(io::stdin().lock(), bytes_max).context("cannot read standard input")?;
    ensure!(bytes.len() <= bytes_max, "standard input is larger than {bytes_max} bytes");
    Ok(bytes)
}

/// Up to one byte more than `bytes_max`.
fn all_of(source: impl Read, bytes_max: usize) -> io::Result<Secret> {
    // Room for the largest at once: a buffer that grows leaves pieces of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(bytes_max + 1));
    source.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Secret::from(&bytes[..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_byte_for_byte_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"\0key\n").unwrap();
        assert!(all_of_file(&path, 5).unwrap().matches(b"\0key\n"));
        let error = all_of_file(&path, 4).unwrap_err().to_string();
        assert!(error.ends_with("is larger than 4 bytes"), "{error}");
        let error = all_of_file(&folder.path().join("none"), 4).unwrap_err().to_string();
        assert!(error.starts_with("cannot read "), "{error}");
    }
}
