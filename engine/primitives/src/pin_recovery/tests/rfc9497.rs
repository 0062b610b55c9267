//! RFC 9497 on the same pieces. Its map to the group, its labels and the framing of its output are written here, so
//! that the test shows what the two functions share: the group, blinding, evaluation and the way back.
//!
//! `voprf` gives the same values, but for an older generation of curve, digests and traits, of which nothing else here
//! has need.

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;

use super::{array, bytes, text, vectors};
use crate::hash::sha512;

/// Of OPRF mode (0) over ristretto255 with SHA-512.
const CONTEXT: &[u8] = b"OPRFV1-\x00-ristretto255-SHA512";

/// `expand_message_xmd` of RFC 9380, section 5.3.1, for 64 bytes from SHA-512: one block.
fn expand(message: &[u8], tag: &[u8]) -> [u8; 64] {
    let tag = [tag, CONTEXT].concat();
    let tag = [&tag[..], &[u8::try_from(tag.len()).unwrap()]].concat();
    let first = sha512(&[&[0; 128], message, &[0, 64, 0], &tag].concat());
    sha512(&[&first[..], &[1], &tag].concat())
}

fn scalar(bytes: [u8; 32]) -> Scalar {
    Scalar::from_canonical_bytes(bytes).unwrap()
}

fn framed(part: &[u8]) -> Vec<u8> {
    [&u16::try_from(part.len()).unwrap().to_be_bytes(), part].concat()
}

#[test]
fn the_published_vectors_of_rfc_9497_hold() {
    let vectors = vectors();
    let group = &vectors["rfc9497_oprf"];
    assert_eq!(group.as_object().unwrap().len(), 2, "source and vectors");
    let all = group["vectors"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    for vector in all {
        assert_eq!((text(vector, "mode"), text(vector, "suite")), ("OPRF", "ristretto255-SHA512"));
        let info = framed(text(vector, "key_info").as_bytes());
        let derived = expand(&[&bytes(vector, "seed_hex")[..], &info, &[0]].concat(), b"DeriveKeyPair");
        let key = Scalar::from_bytes_mod_order_wide(&derived);
        assert_eq!(key, scalar(array(vector, "sk_hex")));

        let (input, blind) = (bytes(vector, "input_hex"), scalar(array(vector, "blind_hex")));
        let point = RistrettoPoint::from_uniform_bytes(&expand(&input, b"HashToGroup-"));
        let blinded = (point * blind).compress();
        assert_eq!(blinded.to_bytes(), array(vector, "blinded_element_hex"));
        // The realm's half is the very one of this module: it is the same multiplication.
        let secret = super::SecretOctets::from_bytes(key.to_bytes());
        let realm = super::super::oprf::PrivateKey::from_bytes(&secret).unwrap();
        let evaluation = realm.evaluate(&blinded.to_bytes(), [1; 64]).unwrap();
        assert_eq!(evaluation.blinded_result, array(vector, "evaluation_element_hex"));
        let evaluated = CompressedRistretto(evaluation.blinded_result).decompress().unwrap();
        let issued = (evaluated * blind.invert()).compress().to_bytes();
        let output = sha512(&[&framed(&input)[..], &framed(&issued), b"Finalize"].concat());
        assert_eq!(output, array(vector, "output_hex"));
    }
}
