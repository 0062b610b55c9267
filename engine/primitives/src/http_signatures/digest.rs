//! `Content-Digest` (RFC 9530) with SHA-256 and SHA-512.

use sfv::{Dictionary, ListEntry};

use super::{Refusal, fields};
use crate::encoding::to_base64;
use crate::hash::{sha256, sha512};

/// A hash function of `Content-Digest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// `sha-256`: 32 bytes.
    Sha256,
    /// `sha-512`: 64 bytes.
    Sha512,
}

impl DigestAlgorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha512].into_iter().find(|algorithm| algorithm.name() == name)
    }

    fn digest(self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha256(body).to_vec(),
            Self::Sha512 => sha512(body).to_vec(),
        }
    }
}

/// The value of the field for a body as it is sent, after any content coding.
#[must_use]
pub fn content_digest(algorithm: DigestAlgorithm, body: &[u8]) -> String {
    format!("{}=:{}:", algorithm.name(), to_base64(&algorithm.digest(body)))
}

/// Checks the fields' `Content-Digest` against the body as it was received, before any content coding is undone.
/// Every digest in it must be known and match.
///
/// # Errors
/// [`Refusal::FieldAbsent`], [`Refusal::FieldLength`], [`Refusal::FieldForm`], [`Refusal::DigestAlgorithm`] or
/// [`Refusal::Digest`].
pub fn check_content_digest(header_fields: &[(&str, &str)], body: &[u8]) -> Result<(), Refusal> {
    Digests::read(header_fields)?.ok_or(Refusal::FieldAbsent)?.check(body)
}

/// What the field says, kept until the body is there.
#[derive(Debug)]
pub(super) struct Digests(Vec<(DigestAlgorithm, Vec<u8>)>);

impl Digests {
    pub(super) fn read(header_fields: &[(&str, &str)]) -> Result<Option<Self>, Refusal> {
        fields::dictionary(header_fields, "content-digest")?.map(Self::of).transpose()
    }

    fn of(dictionary: Dictionary) -> Result<Self, Refusal> {
        let digest = |(name, member): (sfv::Key, ListEntry)| {
            let algorithm = DigestAlgorithm::named(name.as_str()).ok_or(Refusal::DigestAlgorithm)?;
            let ListEntry::Item(item) = member else { return Err(Refusal::FieldForm) };
            let bytes = item.bare_item.as_byte_sequence().filter(|_| item.params.is_empty());
            Ok((algorithm, bytes.ok_or(Refusal::FieldForm)?.to_vec()))
        };
        let digests = dictionary.into_iter().map(digest).collect::<Result<Vec<_>, _>>()?;
        if digests.is_empty() { Err(Refusal::DigestAlgorithm) } else { Ok(Self(digests)) }
    }

    pub(super) fn check(&self, body: &[u8]) -> Result<(), Refusal> {
        let matches = self.0.iter().all(|(algorithm, digest)| algorithm.digest(body) == *digest);
        if matches { Ok(()) } else { Err(Refusal::Digest) }
    }
}
