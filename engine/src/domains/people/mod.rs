//! People: accounts with a password that only derived keys of reach the server, as Psono's clients have them.
//!
//! A person is known by a username that has the form of an e-mail address. What a client derives from the password to
//! show is kept as a keyed hash; private and secret key are kept as the client sealed them. A session that somebody
//! signs in for is good for nothing until they have shown that they hold the private key.
//!
//! Source: dialects/psono.md, sections 2.1 and 6.

mod find;
mod hashing;
mod login;
mod name;
mod password;
mod register;
mod rows;
#[cfg(test)]
mod tests;

pub use find::{FindBy, FindPerson};
pub use hashing::Hashing;
pub use login::{LoginPerson, PersonLoggedIn, Prelogin};
pub(crate) use password::PasswordAgain;
pub use register::{ActivatePerson, RegisterPerson, Registered};
pub use rows::{PersonCard, PersonInfo, PersonKeys};
pub(crate) use rows::{StoredActivation, StoredAddress, StoredPerson};

use crate::command::Domain;

/// The domain of people.
#[derive(Debug)]
pub struct People;

impl Domain for People {
    const NAME: &'static str = "people";
}
