//! What values of the configuration are made of: how each is written, and what is refused where it stands.

use std::net::SocketAddr;

use serde::{Deserialize, Deserializer, Serialize, de};
use strongroom_engine::{Right, Rights, domains::realms::SignUp};
use strongroom_primitives::{encoding, sign};
use strongroom_transports::{PublicUrl, sockets::Network};

use super::section::{Field, Kind};

/// One address or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Addresses(pub(crate) Vec<SocketAddr>);

impl Field for Addresses {
    const KIND: Kind = Kind::List;
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> de::Visitor<'de> for OneOrMany {
            type Value = Vec<SocketAddr>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an address and port such as \"127.0.0.1:8470\", or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let address = text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
                Ok(vec![address])
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut addresses = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    addresses.extend(Self.visit_str::<A::Error>(&text)?);
                }
                Ok(addresses)
            }
        }

        deserializer.deserialize_any(OneOrMany).map(Self)
    }
}

/// A network, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkText(pub(crate) Network);

impl Field for NetworkText {
    const KIND: Kind = Kind::Text;
}

impl Serialize for NetworkText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NetworkText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

/// A URL of the server, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrlText(pub(crate) PublicUrl);

impl Field for PublicUrlText {
    const KIND: Kind = Kind::Text;
}

impl Serialize for PublicUrlText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PublicUrlText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

/// Which backend keeps the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StorageKind {
    /// sled: the default.
    Sled,
    /// redb.
    Redb,
    /// Memory, which forgets.
    Memory,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// The public half of an application's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey(pub(crate) sign::VerifyingKey);

impl std::str::FromStr for PublicKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let der = encoding::from_base64(text).map_err(|_| "not base64")?;
        let key = sign::VerifyingKey::from_spki(&der)
            .map_err(|_| "not an Ed25519 key in SubjectPublicKeyInfo form (44 bytes in base64)")?;
        Ok(Self(key))
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encoding::to_base64(&self.0.to_spki()))
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What stands here by mistake may be a private key, so it is not repeated.
        let text = String::deserialize(deserializer).map_err(|_| de::Error::custom("not text"))?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Rights, spelled as a list of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RightsList(pub(crate) Rights);

impl Serialize for RightsList {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

impl<'de> Deserialize<'de> for RightsList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Vec::<Right>::deserialize(deserializer)?.into_iter().collect()))
    }
}

impl Field for StorageKind {
    const KIND: Kind = Kind::Text;
}

impl Field for SignUp {
    const KIND: Kind = Kind::Text;
}

impl Field for LogFormat {
    const KIND: Kind = Kind::Text;
}

impl Field for PublicKey {
    const KIND: Kind = Kind::Text;
}

impl Field for RightsList {
    const KIND: Kind = Kind::List;
}
