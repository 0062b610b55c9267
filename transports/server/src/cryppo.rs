//! `strongroom cryppo`: keys and strings of Meeco's clients, made and read by hand. Source: seed 000, whose guide has a
//! tool of this name; what the strings are is in `strongroom_primitives::cryppo`.
//!
//! Nothing here asks a server or keeps a profile. Flags are those of that tool where it has one. It takes keys and
//! values from the command line; here that needs to be insisted on, because other users of the machine see it there and
//! shells write it down.

mod advice;
mod decrypt;
mod encrypt;
mod generate;
mod sign;
mod source;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct CryppoCommand {
    /// Answers as JSON, with decrypted and verified bytes in base64
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: CryppoAction,
}

#[derive(Debug, Subcommand)]
enum CryppoAction {
    /// Makes a key of 32 bytes and prints it in URL-safe base64
    Genkey(generate::Genkey),
    /// Makes an RSA key pair and writes it into two files
    Genkeypair(generate::Genkeypair),
    /// Encrypts a value under a key, or for the holder of an RSA private key
    Encrypt(encrypt::Encrypt),
    /// Decrypts a string with its key or its RSA private key
    Decrypt(decrypt::Decrypt),
    /// Signs up to 512 bytes with an RSA private key; the string carries them
    Sign(sign::Sign),
    /// Checks a signed string and prints what was signed
    Verify(sign::Verify),
}

impl CryppoCommand {
    /// Does it.
    ///
    /// # Errors
    /// One line that says what is the matter and, where there is something to do about it, what.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            CryppoAction::Genkey(command) => command.run(self.json),
            CryppoAction::Genkeypair(command) => command.run(self.json),
            CryppoAction::Encrypt(command) => command.run(self.json),
            CryppoAction::Decrypt(command) => command.run(self.json),
            CryppoAction::Sign(command) => command.run(self.json),
            CryppoAction::Verify(command) => command.run(self.json),
        }
    }
}
