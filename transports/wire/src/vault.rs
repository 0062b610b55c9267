//! Admission to the vault, vault users, and what they keep there.

use std::fmt;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, Audience, IssuerName, RealmId, SessionId, Subject},
    time::Timestamp,
};

use crate::{Change, CryppoString, TokenText};

/// Which service a token is to admit to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The service. This server's vault is named by `service.info`.
    pub audience: Audience,
}

/// An admission token, shown at a door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenShown {
    /// The token.
    pub token: TokenText,
    /// The service at whose door it is shown.
    pub audience: Audience,
}

/// A token for its account to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionToken {
    /// At most 2,048 ASCII characters.
    pub token: TokenText,
    /// When it was issued.
    pub issued: Timestamp,
    /// The last instant at which it is good.
    pub expires: Timestamp,
}

/// Who was admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The keystore that vouches for them, by the name that the operator gave it; without it this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<IssuerName>,
    /// Their realm there.
    pub realm: RealmId,
    /// Who they are there.
    pub subject: Subject,
}

/// A new vault user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultEnrolment {
    /// An admission token for this vault. It is spent exactly if the user is made.
    pub admission_token: TokenText,
    /// RSA of 2,048 to 8,192 bits, SubjectPublicKeyInfo in PEM, at most 8 KiB.
    pub public_key: String,
    /// What its holder calls the session; at most 128 bytes are kept. Over HTTP without it, the `User-Agent`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

/// A vault session asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultSignIn {
    /// The user's key. Line ends may differ from those it was enrolled with.
    pub public_key: String,
    /// Seconds for which the session is to be good; at most, and unless said, 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_s: Option<u64>,
    /// As in [`VaultEnrolment`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

/// A vault session, for whoever can open its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultSession {
    /// Which.
    pub session: SessionId,
    /// What to send as `Authorization: Bearer`, encrypted to the user's key: `Rsa` and the number of bits. The session
    /// ends within minutes unless it is used.
    pub sealed_token: CryppoString,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A vault user was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultEnrolled {
    /// Their first session.
    pub session: VaultSession,
    /// They.
    pub user: VaultUser,
}

/// A vault user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultUser {
    /// The account.
    pub account: AccountId,
    /// Their name in the keystore, behind the issuer's name and a slash where that is another server.
    pub subject: Subject,
    /// When they were admitted.
    pub joined: Timestamp,
    /// What they say about themselves.
    pub profile: Profile,
    /// How many items they have.
    pub items: u64,
    /// What these count for, in bytes.
    pub bytes: u64,
}

/// What a vault user says about themselves: plain text, which prints as nothing.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Which of the keys in their keystore opens their items: an id that means something there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_dek: Option<String>,
    /// Their country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Their address for mail. Nobody has checked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// The id of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profile { .. }")
    }
}

/// What a vault user says about themselves from now on: each at most 1 KiB of plain text. Prints as nothing.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileChange {
    /// See [`Profile::private_dek`].
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub private_dek: Change<String>,
    /// See [`Profile::country`].
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub country: Change<String>,
    /// See [`Profile::email`].
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub email: Change<String>,
    /// See [`Profile::full_name`].
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub full_name: Change<String>,
    /// See [`Profile::image`].
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub image: Change<String>,
}

impl fmt::Debug for ProfileChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProfileChange { .. }")
    }
}
