//! The credentials file on disk: mode 0600, replaced whole, changed by one process at a time.
//!
//! Everything here blocks: disk syncs take milliseconds.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{CredentialsError, CredentialsFile, FILE_BYTES_MAX};
use crate::files;

/// Where the file is looked for unless somebody says: below the folders of this tool and of the published SDKs, the
/// first that has one; below the former if neither does. Source: `dialects/dragonchain.md`, section 7.
///
/// # Errors
/// [`CredentialsError::NoHome`].
pub fn default_path() -> Result<PathBuf, CredentialsError> {
    let (variable, folders) = if cfg!(windows) {
        ("LOCALAPPDATA", ["coiin", "dragonchain"])
    } else {
        ("HOME", [".coiin", ".dragonchain"])
    };
    let home = std::env::var_os(variable).filter(|home| !home.is_empty()).ok_or(CredentialsError::NoHome)?;
    Ok(first_of(folders.map(|folder| Path::new(&home).join(folder).join("credentials"))))
}

fn first_of([ours, theirs]: [PathBuf; 2]) -> PathBuf {
    if !ours.exists() && theirs.exists() { theirs } else { ours }
}

impl CredentialsFile {
    /// Reads a file. One that is not there is empty.
    ///
    /// # Errors
    /// [`CredentialsError::Io`], and as [`CredentialsFile::parse`].
    pub fn load(path: &Path) -> Result<Self, CredentialsError> {
        let bytes = files::read(path, FILE_BYTES_MAX as u64).map_err(failed("read", path))?;
        Self::parse(&Zeroizing::new(bytes.unwrap_or_default()))
    }
}

/// A file that nobody else changes until this is dropped.
#[derive(Debug)]
pub struct Locked {
    /// What it holds. Nothing is written before [`Locked::save`].
    pub file: CredentialsFile,
    path: PathBuf,
    _lock: File,
}

impl Locked {
    /// Waits for the file, and reads it. Its folder is made with mode 0700 if there is none. Of a symbolic link it is the
    /// file behind it that is read and replaced.
    ///
    /// # Errors
    /// [`CredentialsError::Io`], and as [`CredentialsFile::parse`].
    pub fn open(path: &Path) -> Result<Self, CredentialsError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_folder(folder).map_err(failed("make", folder))?;
        let path = match fs::symlink_metadata(path) {
            Ok(_) => fs::canonicalize(path).map_err(failed("read", path))?,
            Err(_) => path.to_owned(),
        };
        let lock = files::lock(&path).map_err(failed("lock", &path))?;
        Ok(Self { file: CredentialsFile::load(&path)?, path, _lock: lock })
    }

    /// Writes it, whole or not at all, readable by its owner only.
    ///
    /// # Errors
    /// [`CredentialsError::Io`], and as [`CredentialsFile::to_text`].
    pub fn save(&self) -> Result<(), CredentialsError> {
        let text = self.file.to_text()?;
        files::replace(&self.path, &[text.as_bytes()]).map_err(failed("write", &self.path))
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(_) if folder.is_dir() => Ok(()),
        made => made,
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CredentialsError {
    let path = path.to_owned();
    move |source| CredentialsError::Io { action, path, source }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use strongroom_primitives::dc1::ChainId;
    use strongroom_primitives::secret::SecretText;

    use super::*;
    use crate::dragonchain::ServiceKey;

    const CHAIN: &str = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr";

    fn add(path: &Path) -> Result<(), CredentialsError> {
        let mut locked = Locked::open(path)?;
        let key = ServiceKey::new("x", "EAYRMSXDOSWY", &SecretText::new("secret".to_owned()))?;
        locked.file.put(&ChainId::new(CHAIN).unwrap(), &key, None)?;
        locked.save()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// A-DEV: the file and a folder made for it are their owner's, also where the vendor's tool left the file open.
    #[test]
    fn a_file_is_its_owners_whatever_it_was_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".coiin/credentials");
        add(&path).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        add(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(add(&folder.path().join("none/none/credentials")).is_err());
    }

    #[test]
    fn a_file_behind_a_link_is_replaced_and_the_link_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("kept"), folder.path().join("credentials"));
        fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        add(&link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&file).unwrap().contains(CHAIN));
        fs::remove_file(&file).unwrap();
        assert!(matches!(add(&link), Err(CredentialsError::Io { .. })));
    }

    #[test]
    fn what_cannot_be_written_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let before = "[sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4]\nauth_key=a\nnickname=My New Key\n";
        fs::write(&path, before).unwrap();
        assert!(matches!(add(&path), Err(CredentialsError::Value { name, .. }) if name == "nickname"));
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    }

    #[test]
    fn the_sdks_file_is_taken_where_this_tool_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = ["ours", "theirs"].map(|name| folder.path().join(name));
        let first = || first_of([ours.clone(), theirs.clone()]);
        assert_eq!(first(), ours);
        fs::write(&theirs, "").unwrap();
        assert_eq!(first(), theirs);
        fs::write(&ours, "").unwrap();
        assert_eq!(first(), ours);
    }
}
