use proptest::prelude::*;

use super::*;
use crate::encoding::array_from_hex;

/// The order of the group, little endian (RFC 9496, section 4.4).
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

#[test]
fn scalars_have_one_spelling() {
    let order: [u8; 32] = array_from_hex(ORDER).unwrap();
    let mut last = order;
    last[0] -= 1;
    assert!(*SharedScalar::from_bytes(&last).unwrap().expose() == last);
    let mut after = order;
    after[0] += 1;
    for bad in [order, after, [0xff; 32], array_from_hex(&format!("{}80", "00".repeat(31))).unwrap()] {
        assert_eq!(SharedScalar::from_bytes(&bad).unwrap_err(), SharingError::Scalar);
        let share = [&[1][..], &bad].concat();
        assert_eq!(Share::from_bytes(&share).unwrap_err(), SharingError::Scalar);
        assert_eq!(RefreshPiece::from_bytes(&share).unwrap_err(), SharingError::Scalar);
        assert_eq!(HelpPart::from_bytes(&share).unwrap_err(), SharingError::Scalar);
        assert_eq!(Help::from_bytes(&share).unwrap_err(), SharingError::Scalar);
    }
}

#[test]
fn a_share_has_33_bytes_and_stands_nowhere_near_the_secret() {
    let share = &split(&number(9), 2, 200, chance(30)).unwrap().shares[199];
    let bytes = share.expose();
    assert_eq!(bytes[0], 200);
    assert!(*Share::from_bytes(&*bytes).unwrap().expose() == *bytes);
    for length in (0..INDEXED_BYTES).chain([INDEXED_BYTES + 1, 1000]) {
        assert_eq!(Share::from_bytes(&vec![1; length]).unwrap_err(), SharingError::Length);
    }
    let mut zero = bytes;
    zero[0] = 0;
    assert_eq!(Share::from_bytes(&*zero).unwrap_err(), SharingError::ZeroIndex);
    let refused = Refresh::draw(2, chance(31)).unwrap().piece(0).unwrap_err();
    assert_eq!(refused, SharingError::ZeroIndex);
}

/// RFC 9496, appendix A.3: what no decoder may take, one of each kind.
#[test]
fn points_have_one_spelling() {
    let good = split(&number(9), 2, 2, chance(32)).unwrap().commitments;
    let bytes = good.to_bytes();
    assert_eq!(bytes.len(), 2 * POINT_BYTES);
    assert_eq!(good.public(), bytes[..POINT_BYTES]);
    assert_eq!(Commitments::from_bytes(&bytes).unwrap(), good);
    for bad in [
        // Not below the prime.
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        // A negative number of the field.
        "0100000000000000000000000000000000000000000000000000000000000000",
        // No square.
        "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
        // A product that is negative.
        "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
        // y = 0.
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        for at in 0..2 {
            let mut bytes = bytes.clone();
            bytes[at * POINT_BYTES..][..POINT_BYTES].copy_from_slice(&array_from_hex::<32>(bad).unwrap());
            assert_eq!(Commitments::from_bytes(&bytes).unwrap_err(), SharingError::Point, "{bad}");
            assert_eq!(RefreshCommitments::from_bytes(&bytes).unwrap_err(), SharingError::Point);
        }
    }
}

#[test]
fn commitments_have_1_to_255_points_and_never_a_secret_of_zero() {
    let one = split(&number(1), 1, 1, chance(33)).unwrap().commitments.to_bytes();
    assert_eq!(Commitments::from_bytes(&one.repeat(255)).unwrap().threshold(), 255);
    assert_eq!(RefreshCommitments::from_bytes(&one.repeat(254)).unwrap().threshold(), 255);
    assert_eq!(RefreshCommitments::from_bytes(&one.repeat(255)).unwrap_err(), SharingError::Length);
    for bad in [Vec::new(), one.repeat(256), one[..31].to_vec(), one.repeat(2)[..63].to_vec()] {
        assert_eq!(Commitments::from_bytes(&bad).unwrap_err(), SharingError::Length);
        assert_eq!(RefreshCommitments::from_bytes(&bad).unwrap_err(), SharingError::Length);
    }
    let identity = [0; POINT_BYTES];
    assert_eq!(Commitments::from_bytes(&identity).unwrap_err(), SharingError::ZeroSecret);
    let refused = Commitments::from_bytes(&[&identity[..], &one].concat()).unwrap_err();
    assert_eq!(refused, SharingError::ZeroSecret);
    assert!(Commitments::from_bytes(&[&one[..], &identity].concat()).is_ok());
}

proptest! {
    /// Any bytes are read or refused, and what is read is written the same.
    #[test]
    fn no_bytes_are_read_that_would_not_be_written(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(commitments) = Commitments::from_bytes(&bytes) {
            prop_assert_eq!(commitments.to_bytes(), bytes.clone());
        }
        if let Ok(share) = Share::from_bytes(&bytes) {
            prop_assert_eq!(share.expose().to_vec(), bytes);
        }
    }
}
