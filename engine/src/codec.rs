//! Rows as bytes: one format byte, then postcard. The format byte is what lets a later release read what an earlier
//! one wrote; changing a row's shape means a new byte and a reader for the old one.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::EngineError;

/// A type that is kept in storage.
pub trait Stored: Serialize + DeserializeOwned {
    /// The format byte that is written.
    const FORMAT: u8 = 1;
}

/// The bytes of a row.
pub(crate) fn encode<T: Stored>(row: &T) -> Bytes {
    let bytes =
        postcard::to_extend(row, vec![T::FORMAT]).expect("rows are made of types that postcard can write");
    bytes.into()
}

/// The bytes of a part of a row, for what is authenticated beside it.
pub(crate) fn encode_part(part: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(part, Vec::new()).expect("rows are made of types that postcard can write")
}

/// The row in `bytes`.
///
/// # Errors
/// [`EngineError::Corrupt`] for bytes that this release did not write.
pub(crate) fn decode<T: Stored>(bytes: &[u8]) -> Result<T, EngineError> {
    let row = match bytes.split_first() {
        Some((format, rest)) if *format == T::FORMAT => postcard::take_from_bytes(rest).ok(),
        _ => None,
    };
    match row {
        Some((row, [])) => Ok(row),
        _ => {
            tracing::error!(row = std::any::type_name::<T>(), "a row does not decode");
            Err(EngineError::Corrupt)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const EXPECTED_ROWS: [&str; 6] = [
        "01010361707005616c696365000780909282e733",
        "0101ac020205",
        "0103617070026b310101010101010101010101010101010101010101010101010101010101010101070080909282\
         e733",
        "01020202020202020202020202020202020202020202020202020202020202020210030303030303030303030303\
         030303030361707005616c6963650080909282e7330180909282e733066c6170746f70011004040404040404040404\
         0404040404040100000000",
        "0180909282e733000204726f6f740470617468090201400707070707070707070707070707070707070707070707\
         0707070707070707070707070707070707070707070707070707070707070707070707070707070707",
        "010204726f6f74047061746800090201400707070707070707070707070707070707070707070707070707070707\
         07070707070707070707070707070707070707070707070707070707070707070707070808080808080808080808\
         08080808080808080808080808080808080808080880909282e73304040404040404040404040404040404050505\
         05050505050505050505050505800802\
         0100",
    ];

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Probe(u32);

    impl Stored for Probe {}

    /// Changing a format on disk should hurt a little: a new shape takes a new format byte and a reader for the old.
    #[test]
    fn rows_on_disk_are_what_released_versions_read() {
        use strongroom_primitives::{
            hash::RecordTag,
            id::{AccountId, RealmId, SessionId, Subject},
            time::Timestamp,
        };

        use crate::{
            credential::{Identity, Rights},
            domains::{
                accounts::StoredAccount,
                realms::{Source, StoredRealmKey},
                records::{RecordName, StoredHead, Version},
                sessions::{StoredSession, TokenForm},
            },
            feed::{Event, Ledger, StoredEvent},
        };

        let identity =
            Identity { realm: RealmId::new("app").unwrap(), subject: Subject::new("alice").unwrap() };
        let at = Timestamp::from_ms(1_780_000_000_000);
        let name = RecordName::new(["root", "path"]).unwrap();
        let tag = RecordTag::from_bytes([7; 64]);
        let version = Version { major: 2, minor: 1 };
        let key = StoredRealmKey {
            realm: identity.realm.clone(),
            key_id: "k1".into(),
            public_key: [1; 32],
            rights: Rights::ALL,
            source: Source::Config,
            since: at,
        };
        let session = StoredSession {
            digest: [2; 32],
            account: AccountId::from_bytes([3; 16]),
            identity: identity.clone(),
            rights: Rights::NONE,
            opened: at,
            expires: Some(at),
            label: "laptop".into(),
            parent: Some(SessionId::from_bytes([4; 16])),
            form: TokenForm::Pair,
            prove_by: None,
            api_key: None,
            seal: None,
            assurance: None,
        };
        let put = Event::RecordPut { name: name.clone(), sequence: 9, version, tag };
        let rows = [
            encode(&StoredAccount::new(identity, at)),
            encode(&Ledger { records: 1, bytes: 300, sessions: 2, feed: 5 }),
            encode(&key),
            encode(&session),
            encode(&StoredEvent { at, event: put }),
            encode(&StoredHead::sample(name, version, tag, at)),
        ];
        let hex: Vec<String> = rows.iter().map(|row| strongroom_primitives::encoding::to_hex(row)).collect();
        assert_eq!(hex, EXPECTED_ROWS);
    }

    #[test]
    fn what_was_not_written_by_this_release_is_corrupt() {
        let bytes = encode(&Probe(7));
        assert_eq!(decode::<Probe>(&bytes), Ok(Probe(7)));
        let mut other_format = bytes.to_vec();
        other_format[0] = 2;
        let mut longer = bytes.to_vec();
        longer.push(0);
        for bad in [&other_format[..], &longer, &bytes[..1], &[]] {
            assert_eq!(decode::<Probe>(bad), Err(EngineError::Corrupt));
        }
    }
}
