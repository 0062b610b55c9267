//! Recovery words for paper (SLIP-0039): a secret of 16 to 32 bytes as sets of English words, of which enough make it
//! again.
//!
//! ```text
//! split     secret, passphrase -> encrypted -> a share for each group -> a Mnemonic for each member
//! combine   mnemonics -> EncryptedSecret -> decrypt(passphrase) -> secret
//! ```
//!
//! A mnemonic of 20 to 33 words, 10 bits each, says what it belongs to (an identifier, a group, a place in it and the
//! thresholds), holds a share and ends with a checksum of three words that finds any three that are wrong. Secrets have
//! an even number of bytes; the standard also has longer ones, which nothing here needs. Sharing is over GF(2^8), with a
//! digest of the secret shared beside it. For one group give one [`Group`] and a group threshold of 1.
//! Source: the standard, and `RECOVERY.md`, sections 2 and 5.1.
//!
//! Written here because no library fits: the one that carries the standard's name has a licence that we cannot take, the
//! other was left at 0.0.3. AES, hashes and the rest are libraries'; what is here is the format, and a field of 256
//! elements that computes without tables, so that memory is touched in the same places whatever the secret is. For the
//! same reason words are looked up by looking at all of them.
//!
//! Believe this: a wrong passphrase is no error. It gives another secret, and nothing tells; the standard wants it so.
//! Whoever uses the secret must have a way to know it.

mod checksum;
mod cipher;
mod field;
mod mnemonic;
mod sets;
mod shares;
mod words;

pub use self::cipher::EncryptedSecret;
pub use self::mnemonic::{Head, Mnemonic};
pub use self::sets::{Group, Plan, combine, split};

/// Shortest secret, in bytes.
pub const SECRET_BYTES_MIN: usize = 16;
/// Longest secret, in bytes.
pub const SECRET_BYTES_MAX: usize = 32;
/// Most groups, and most members of a group.
pub const COUNT_MAX: u8 = 16;
/// Highest iteration exponent.
pub const EXPONENT_MAX: u8 = 15;

/// Why words are not taken, or not made. None repeats a word: positions are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Slip39Error {
    /// The number of words is none of 20, 22, 23, 25, 27, 28, 30, 31 and 33.
    #[error("no mnemonic has this many words")]
    Length,
    /// Not a word of the list. Words are in lower case, with one space between them and nothing around them.
    #[error("word {position} is not in the list")]
    Word {
        /// Which, from 1.
        position: usize,
    },
    /// Words are wrong, missing or in another order.
    #[error("the checksum does not match")]
    Checksum,
    /// The bits that fill up the first word of the share are not zero.
    #[error("the padding is not zero")]
    Padding,
    /// More groups are needed than there are.
    #[error("the group threshold is above the number of groups")]
    GroupThreshold,
    /// The mnemonics are not of one set: another identifier, exponent, form, threshold or length.
    #[error("the mnemonics are not of one set")]
    Mixed,
    /// Two mnemonics of one group have other thresholds.
    #[error("the mnemonics of group {group} do not agree")]
    MixedGroup {
        /// Which, from 0.
        group: u8,
    },
    /// Two mnemonics are of the same member.
    #[error("member {member} of group {group} is there twice")]
    RepeatedMember {
        /// Which, from 0.
        group: u8,
        /// Which, from 0.
        member: u8,
    },
    /// Not exactly as many groups as needed.
    #[error("{given} groups are there, {threshold} make the secret")]
    Groups {
        /// How many there are.
        given: usize,
        /// How many there must be.
        threshold: u8,
    },
    /// Not exactly as many members of a group as needed.
    #[error("{given} mnemonics of group {group} are there, {threshold} make its share")]
    Members {
        /// Which, from 0.
        group: u8,
        /// How many there are.
        given: usize,
        /// How many there must be.
        threshold: u8,
    },
    /// The shares fit the format and each other, but do not belong together.
    #[error("the shares do not belong together")]
    Digest,
    /// The secret is not 16 to 32 bytes, an even number.
    #[error("a secret has 16 to 32 bytes, an even number")]
    SecretLength,
    /// The passphrase has a character that is not printable ASCII.
    #[error("a passphrase is printable ASCII")]
    Passphrase,
    /// The plan has no group or more than 16, a threshold of 0 or above the number of shares, more than 16 members, or
    /// several members of whom one is enough.
    #[error("the plan's groups or thresholds are out of bounds")]
    Plan,
    /// The iteration exponent is above 15.
    #[error("the iteration exponent is above 15")]
    Exponent,
}

#[cfg(test)]
mod tests;
