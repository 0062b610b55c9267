//! Receipts: what a server signed about a record's head, so that two devices can prove to each other, and to anybody,
//! that they were shown different histories.

use strongroom_primitives::encoding::from_base64url;
use strongroom_primitives::sign::VerifyingKey;
use strongroom_wire::{ReceiptDocument, RecordHead};

use crate::ClientError;
use crate::keyknox::record::Version;

/// Verifies a receipt under the server's key, which the caller knows from before: a key that only the receipt itself
/// names proves nothing. `realm` is the caller's, as [`crate::Client::whoami`] tells it.
///
/// # Errors
/// [`ClientError::Protocol`].
pub fn check_receipt(
    receipt: &ReceiptDocument,
    realm: &str,
    server: &VerifyingKey,
) -> Result<(), ClientError> {
    let signature = from_base64url(&receipt.signature).unwrap_or_default();
    let statement =
        statement(realm, &receipt.head).ok_or_else(|| ClientError::protocol("its head is malformed"))?;
    server.verify(&statement, &signature).map_err(|_| ClientError::protocol("its signature does not verify"))
}

/// The key that a receipt names, to be compared with the one known, or kept at first sight.
///
/// # Errors
/// [`ClientError::Protocol`].
pub fn receipt_key(receipt: &ReceiptDocument) -> Result<VerifyingKey, ClientError> {
    let key = from_base64url(&receipt.key).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let key = key.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    key.ok_or_else(|| ClientError::protocol("its key is not one"))
}

/// The signed bytes: a title and a zero byte; realm, owner, the number of the name's parts and each of them, every one
/// behind its length (32-bit big endian); sequence, major and minor version (64-bit big endian); tag and chain.
fn statement(realm: &str, head: &RecordHead) -> Option<Vec<u8>> {
    let version: Version = head.version.parse().ok()?;
    let mut bytes = b"strongroom receipt v1\0".to_vec();
    let mut field = |text: &[u8]| {
        bytes.extend_from_slice(&u32::try_from(text.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(text);
        Some(())
    };
    field(realm.as_bytes())?;
    field(head.owner.as_str().as_bytes())?;
    field(&[u8::try_from(head.name.len()).ok()?])?;
    for part in &head.name {
        field(part.as_bytes())?;
    }
    for number in [head.sequence, version.major, version.minor] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(head.tag.as_bytes());
    bytes.extend_from_slice(&head.chain.0);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::encoding::to_base64url;
    use strongroom_primitives::hash::RecordTag;
    use strongroom_primitives::sign::SigningKey;
    use strongroom_primitives::time::Timestamp;
    use strongroom_wire::Base64Bytes;

    use super::*;

    /// A-SRV-05: a receipt holds for exactly the head that it was made for, under exactly the key that is known.
    #[test]
    fn a_receipt_holds_for_its_head_only() {
        let server = SigningKey::from_seed(&[7; 32]);
        let head = RecordHead {
            name: vec!["a".to_owned(), "b".to_owned()],
            owner: "alice".parse().unwrap(),
            sequence: 3,
            version: "2.1".to_owned(),
            tag: RecordTag::v2(b"m", b"v"),
            chain: Base64Bytes(vec![5; 32].into()),
            written: Timestamp::from_ms(1),
            recipients: Vec::new(),
        };
        let signature = to_base64url(&server.sign(&statement("realm", &head).unwrap()));
        let key = to_base64url(server.verifying_key().as_bytes());
        let receipt = ReceiptDocument { head, signature, key };
        let known = server.verifying_key();
        check_receipt(&receipt, "realm", &known).unwrap();
        assert_eq!(receipt_key(&receipt).unwrap(), known);

        assert!(check_receipt(&receipt, "other", &known).is_err());
        assert!(check_receipt(&receipt, "realm", &SigningKey::from_seed(&[8; 32]).verifying_key()).is_err());
        let altered = |alter: fn(&mut RecordHead)| {
            let mut receipt = receipt.clone();
            alter(&mut receipt.head);
            check_receipt(&receipt, "realm", &known).is_err()
        };
        assert!(altered(|head| head.sequence = 2));
        assert!(altered(|head| head.version = "2.0".to_owned()));
        assert!(altered(|head| head.version = "x".to_owned()));
        assert!(altered(|head| head.name = vec!["ab".to_owned()]));
        assert!(altered(|head| head.tag = RecordTag::v2(b"m", b"w")));
        assert!(altered(|head| head.chain = Base64Bytes(vec![6; 32].into())));
    }
}
