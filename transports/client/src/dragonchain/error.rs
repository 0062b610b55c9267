//! What can be wrong with credentials, in one type.

use std::io;
use std::path::PathBuf;

/// Why there are no credentials, or why they were not written. Never repeats a value.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// How it failed.
        source: io::Error,
    },
    /// The file is larger, or has more sections or options, than is read.
    #[error("a credentials file has at most 256 KiB, 1,024 sections and 64 options in each")]
    TooLarge,
    /// The file is not UTF-8.
    #[error("the credentials file is not text")]
    NotText,
    /// A line that the published SDKs read in two ways, or not at all.
    #[error("line {line} {what}")]
    Line {
        /// Which one, counted from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A value that the published SDKs read in two ways: it is neither used nor written.
    #[error(
        "{name} of {section} is empty, too long, or holds characters other than A-Z a-z 0-9 . _ ~ : / @ + = -"
    )]
    Value {
        /// Whose it is: a section, or where else it came from.
        section: String,
        /// What it is.
        name: String,
    },
    /// An endpoint that is no URL of a server.
    #[error("{0}")]
    Endpoint(String),
    /// The file knows no such chain.
    #[error("the credentials file has no section {chain}")]
    UnknownChain {
        /// Which one.
        chain: String,
    },
    /// The name of a chain is none.
    #[error("{0:?} is not a chain's public id")]
    ChainId(String),
    /// Neither an argument nor the environment nor the file says which chain.
    #[error("no chain is named")]
    NoChain,
    /// No source has both parts of a key.
    #[error("there is no key for {chain}")]
    NoKey {
        /// For which chain.
        chain: String,
    },
    /// No source says where the chain is.
    #[error("there is no endpoint for {chain}")]
    NoEndpoint {
        /// For which chain.
        chain: String,
    },
    /// There is no home folder to look for the file in.
    #[error("there is no home folder to look for a credentials file in")]
    NoHome,
}
