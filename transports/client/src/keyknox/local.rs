//! A user's keys on this machine: one encrypted file per profile, replaced whole or not at all.
//!
//! The key of the file comes from a passphrase by Argon2id, or from the user's private key by HKDF. The header says
//! which, is authenticated, and may not ask for less work than the floor nor for more than the ceiling. The profile's
//! own name is authenticated too but not written, so a file does not open as somebody else's.
//!
//! Several processes may share the file: a change is made under a lock, on what the file holds at that moment. Reading
//! answers from memory, as of the last opening or change.
//!
//! Everything here blocks: disk syncs take milliseconds, a passphrase takes a good part of a second.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params};
use hkdf::Hkdf;
use sha2::Sha512;
use strongroom_primitives::seal::{NONCE_BYTES, Place, SealKey};
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::sign::SigningKey;
use zeroize::Zeroizing;

use super::entries::{self, Entries, Entry};
use super::ports::{Entropy, NoEntropy, draw};
use super::record::Seen;
use crate::files;

/// Largest file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

const MAGIC: [u8; 16] = *b"strongroom keys\n";
/// The one form that is written; readers refuse larger numbers rather than guess.
const FORM: u8 = 1;
const SALT_BYTES: usize = 32;
const HEADER_BYTES: usize = MAGIC.len() + 2 + 3 * 4 + SALT_BYTES;
const BY_PASSPHRASE: u8 = 1;
const BY_USER_KEY: u8 = 2;

/// Why the local store cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The file system refused.
    #[error("cannot {action} the local keys at {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else, or its head was damaged.
    #[error("not a file of local keys")]
    NotOurs,
    /// Written by a later release.
    #[error("local keys are of form {found}, this release reads up to {FORM}")]
    Newer {
        /// The form that the file says.
        found: u8,
    },
    /// The file is to be unlocked in the other way: by passphrase, or by the user's private key.
    #[error("local keys are locked in another way")]
    OtherUnlock,
    /// Wrong passphrase or key, another profile's file, or a damaged one.
    #[error("local keys do not open: wrong passphrase or key, another profile, or damage")]
    DoesNotOpen,
    /// Work factors below the floor or above the ceiling: no file that was written here.
    #[error("local keys ask for work factors outside the allowed range")]
    BadWork,
    /// An empty passphrase locks nothing.
    #[error("passphrase is empty")]
    EmptyPassphrase,
    /// Larger than [`FILE_BYTES_MAX`].
    #[error("local keys are too large")]
    TooLarge,
    /// The file was removed, or made anew under another lock, while this process had it open.
    #[error("local keys were replaced by another file")]
    Replaced,
    /// No random bytes; nothing was written.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// What opens the file.
#[derive(Debug, Clone)]
pub enum Unlock {
    /// A passphrase, stretched by Argon2id.
    Passphrase(SecretText),
    /// The user's private key, which is strong already.
    UserKey(SigningKey),
}

/// What becomes of the rollback evidence.
#[derive(Debug, Clone, Copy, Default)]
pub enum Evidence {
    /// It stays.
    #[default]
    Keep,
    /// It moves on to this state; an older one than is kept changes nothing.
    Raise(Seen),
    /// It is dropped, because the user said so.
    Forget,
}

/// One change of the local store, made whole or not at all.
#[derive(Debug, Default)]
pub struct Changes {
    /// Keys to put, in place of any of the same name.
    pub put: Vec<Entry>,
    /// Names to remove; missing ones are no error.
    pub remove: Vec<String>,
    /// What becomes of the evidence.
    pub evidence: Evidence,
}

/// Where keys are mirrored on this machine, with the evidence against a server that goes back.
pub trait LocalStore {
    /// All keys, by name.
    fn entries(&self) -> &Entries;

    /// The newest cloud state that was ever seen.
    fn seen(&self) -> Option<Seen>;

    /// Makes the change, durably when this returns.
    ///
    /// # Errors
    /// [`LocalError`]; then nothing has changed, as far as the next opening can tell.
    fn apply(&mut self, changes: Changes) -> Result<(), LocalError>;
}

/// The encrypted file.
pub struct LocalFile {
    path: PathBuf,
    place: Place,
    header: Header,
    key: SealKey,
    entropy: Arc<dyn Entropy>,
    contents: Contents,
}

#[derive(Default)]
struct Contents {
    seen: Option<Seen>,
    entries: Entries,
}

/// Everything before the sealed part, in its order.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Header {
    lock: u8,
    work: Work,
    salt: [u8; SALT_BYTES],
}

/// Argon2id's work factors; all zero where no passphrase is stretched.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Work {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Work {
    /// What new files get, and the least that a file may ask for: RFC 9106's choice for machines without much memory.
    const FLOOR: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
    /// The most that a file may ask for, so that opening one cannot stall the machine.
    const CEILING: Self = Self { memory_kib: 1024 * 1024, passes: 16, lanes: 16 };

    fn is_allowed(self) -> bool {
        (Self::FLOOR.memory_kib..=Self::CEILING.memory_kib).contains(&self.memory_kib)
            && (Self::FLOOR.passes..=Self::CEILING.passes).contains(&self.passes)
            && (1..=Self::CEILING.lanes).contains(&self.lanes)
    }
}

impl Header {
    fn new(unlock: &Unlock, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let (lock, work) = match unlock {
            Unlock::Passphrase(_) => (BY_PASSPHRASE, Work::FLOOR),
            Unlock::UserKey(_) => (BY_USER_KEY, Work::default()),
        };
        Ok(Self { lock, work, salt: draw(entropy)? })
    }

    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[FORM, self.lock]);
        for number in [self.work.memory_kib, self.work.passes, self.work.lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.salt);
        bytes.try_into().expect("the parts add up to the header")
    }

    fn read(bytes: &[u8; HEADER_BYTES]) -> Result<Self, LocalError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(LocalError::NotOurs)?;
        let (&[form, lock], rest) = rest.split_first_chunk().ok_or(LocalError::NotOurs)?;
        if form > FORM {
            return Err(LocalError::Newer { found: form });
        }
        let (numbers, salt) = rest.split_at(3 * 4);
        let mut numbers = numbers
            .chunks_exact(4)
            .map(|number| number.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
        let mut next = || numbers.next().expect("three numbers were split off");
        let work = Work { memory_kib: next(), passes: next(), lanes: next() };
        let known = form == FORM && (lock == BY_PASSPHRASE || lock == BY_USER_KEY);
        match (known, salt.try_into()) {
            (true, Ok(salt)) => Ok(Self { lock, work, salt }),
            _ => Err(LocalError::NotOurs),
        }
    }

    fn key(&self, unlock: &Unlock) -> Result<SealKey, LocalError> {
        let mut key = Zeroizing::new([0; 32]);
        match (self.lock, unlock) {
            (BY_PASSPHRASE, Unlock::Passphrase(passphrase)) => {
                if passphrase.expose().is_empty() {
                    return Err(LocalError::EmptyPassphrase);
                }
                if !self.work.is_allowed() {
                    return Err(LocalError::BadWork);
                }
                let Work { memory_kib, passes, lanes } = self.work;
                let params =
                    Params::new(memory_kib, passes, lanes, Some(32)).map_err(|_| LocalError::BadWork)?;
                Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params)
                    .hash_password_into(passphrase.expose().as_bytes(), &self.salt, &mut *key)
                    .map_err(|_| LocalError::BadWork)?;
            }
            (BY_USER_KEY, Unlock::UserKey(user_key)) => {
                if self.work != Work::default() {
                    return Err(LocalError::BadWork);
                }
                Hkdf::<Sha512>::new(Some(&self.salt), user_key.expose_seed())
                    .expand(b"strongroom local keys", &mut *key)
                    .expect("32 bytes are fewer than HKDF can give");
            }
            _ => return Err(LocalError::OtherUnlock),
        }
        Ok(SealKey::from_key(&key))
    }

    /// Where the sealed part belongs: in this profile's file, behind exactly this header.
    fn place(&self, profile: &str) -> Place {
        Place::new("local keys", &[profile.as_bytes(), &self.to_bytes()])
    }
}

impl LocalFile {
    /// Opens the file of `profile`, or makes an empty one, readable by its owner only. `profile` names what the keys
    /// belong to (server, application and identity) and must be the same text every time.
    ///
    /// # Errors
    /// [`LocalError`].
    pub fn open(
        path: impl Into<PathBuf>,
        profile: &str,
        unlock: &Unlock,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, LocalError> {
        let path = path.into();
        let _lock = lock(&path)?;
        if let Some(bytes) = read_file(&path)? {
            let (header, sealed) = split(&bytes)?;
            let (key, place) = (header.key(unlock)?, header.place(profile));
            let contents = Contents::open(&key, &place, sealed)?;
            return Ok(Self { path, place, header, key, entropy, contents });
        }
        let header = Header::new(unlock, &*entropy)?;
        let (key, place) = (header.key(unlock)?, header.place(profile));
        let mut file = Self { path, place, header, key, entropy, contents: Contents::default() };
        file.replace(Contents::default())?;
        Ok(file)
    }

    /// Puts new contents in place of the old ones: a cut at any moment leaves the one or the other.
    fn replace(&mut self, contents: Contents) -> Result<(), LocalError> {
        let nonce: [u8; NONCE_BYTES] = draw(&*self.entropy)?;
        let sealed = self.key.seal(nonce, &self.place, &contents.to_plain());
        if (HEADER_BYTES + sealed.len()) as u64 > FILE_BYTES_MAX {
            return Err(LocalError::TooLarge);
        }
        files::replace(&self.path, &[&self.header.to_bytes(), &sealed])
            .map_err(failed("write", &self.path))?;
        self.contents = contents;
        Ok(())
    }
}

impl LocalStore for LocalFile {
    fn entries(&self) -> &Entries {
        &self.contents.entries
    }

    fn seen(&self) -> Option<Seen> {
        self.contents.seen
    }

    fn apply(&mut self, changes: Changes) -> Result<(), LocalError> {
        let _lock = lock(&self.path)?;
        let bytes = read_file(&self.path)?.ok_or(LocalError::Replaced)?;
        let (header, sealed) = split(&bytes)?;
        if header != self.header {
            return Err(LocalError::Replaced);
        }
        let mut contents = Contents::open(&self.key, &self.place, sealed)?;
        contents.make(changes);
        self.replace(contents)
    }
}

impl std::fmt::Debug for LocalFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalFile({}, {} keys)", self.path.display(), self.contents.entries.len())
    }
}

impl Contents {
    fn make(&mut self, changes: Changes) {
        for name in &changes.remove {
            self.entries.remove(name);
        }
        self.entries.extend(changes.put.into_iter().map(|entry| (entry.name.clone(), entry)));
        match changes.evidence {
            Evidence::Keep => {}
            Evidence::Forget => self.seen = None,
            Evidence::Raise(seen) => {
                if self.seen.is_none_or(|kept| kept.is_before(&seen)) {
                    self.seen = Some(seen);
                }
            }
        }
    }

    /// The evidence as JSON behind its length, then the document of keys.
    fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        let seen = serde_json::to_vec(&self.seen).expect("evidence is made of texts");
        let entries = entries::write(&self.entries);
        let mut plain = Zeroizing::new(Vec::with_capacity(4 + seen.len() + entries.len()));
        plain.extend_from_slice(&u32::try_from(seen.len()).expect("evidence is short").to_be_bytes());
        plain.extend_from_slice(&seen);
        plain.extend_from_slice(&entries);
        plain
    }

    fn open(key: &SealKey, place: &Place, sealed: &[u8]) -> Result<Self, LocalError> {
        let plain = key.open(place, sealed).map_err(|_| LocalError::DoesNotOpen)?;
        Self::read(&plain).ok_or(LocalError::NotOurs)
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let (length, rest) = plain.split_first_chunk()?;
        let (seen, entries) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let entries = entries::read(entries, usize::MAX).ok()?;
        Some(Self { seen: serde_json::from_slice(seen).ok()?, entries })
    }
}

fn split(bytes: &[u8]) -> Result<(Header, &[u8]), LocalError> {
    let (header, sealed) = bytes.split_first_chunk().ok_or(LocalError::NotOurs)?;
    Ok((Header::read(header)?, sealed))
}

/// The whole file, or nothing if there is none.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, LocalError> {
    let bytes = files::read(path, FILE_BYTES_MAX).map_err(failed("read", path))?;
    if bytes.as_ref().is_some_and(|bytes| bytes.len() as u64 > FILE_BYTES_MAX) {
        return Err(LocalError::TooLarge);
    }
    Ok(bytes)
}

/// Waits until no other process reads for a change or changes. Released when the answer is dropped.
fn lock(path: &Path) -> Result<File, LocalError> {
    files::lock(path).map_err(failed("lock", path))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LocalError {
    let path = path.to_owned();
    move |source| LocalError::Io { action, path, source }
}

#[cfg(test)]
mod tests;
