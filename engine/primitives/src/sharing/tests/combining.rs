use proptest::prelude::*;

use super::*;
use crate::seal::{Place, SealError};

#[test]
fn every_set_of_enough_shares_makes_the_secret_and_no_smaller_one_does() {
    for count in 1..=6 {
        for threshold in 1..=count {
            let mut draw = chance(u64::from(count) << 8 | u64::from(threshold));
            let secret = SharedScalar::draw(&mut draw);
            let sharing = split(&secret, threshold, count, draw).unwrap();
            for mut shares in subsets(&sharing.shares) {
                shares.reverse();
                let given = shares.len();
                match combine(&shares, &sharing.commitments) {
                    Ok(made) => assert!(given >= usize::from(threshold) && same(&made, &secret)),
                    Err(refused) => {
                        assert!(given < usize::from(threshold));
                        assert_eq!(refused, SharingError::TooFew { given, threshold });
                    }
                }
            }
        }
    }
}

/// Numbers of shares neither wrap nor saturate.
#[test]
fn two_hundred_and_fifty_five_holders_have_as_many_indices_and_all_are_needed() {
    let secret = number(7);
    let sharing = split(&secret, 255, 255, chance(1)).unwrap();
    assert!(sharing.shares.iter().map(Share::index).eq(1..=255));
    assert!(same(&combine(&sharing.shares, &sharing.commitments).unwrap(), &secret));
    let refused = combine(&sharing.shares[1..], &sharing.commitments).unwrap_err();
    assert_eq!(refused, SharingError::TooFew { given: 254, threshold: 255 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_secret_comes_back_from_any_enough_shares_in_any_order(
        seed in any::<u64>(),
        (threshold, count) in (1_u8..=40).prop_flat_map(|count| (1..=count, Just(count))),
        order in any::<prop::sample::Index>(),
    ) {
        let mut draw = chance(seed);
        let secret = SharedScalar::draw(&mut draw);
        let mut sharing = split(&secret, threshold, count, draw).unwrap();
        let from = order.index(sharing.shares.len());
        sharing.shares.rotate_left(from);
        let few = &sharing.shares[..usize::from(threshold)];
        prop_assert!(same(&combine(few, &sharing.commitments).unwrap(), &secret));
        prop_assert!(same(&combine_unchecked(&sharing.shares, threshold).unwrap(), &secret));
    }

    /// A-SHR-09: a flipped bit is no scalar any more, or is noticed; the holder is named.
    #[test]
    fn a_flipped_bit_of_a_share_is_refused_by_its_holder(at in 1..INDEXED_BYTES, bit in 0..8) {
        let sharing = split(&number(9), 3, 4, chance(2)).unwrap();
        let mut bytes = sharing.shares[1].expose();
        bytes[at] ^= 1_u8 << bit;
        match Share::from_bytes(&*bytes) {
            Ok(bad) => {
                let bad_share = SharingError::BadShare { index: 2 };
                prop_assert_eq!(sharing.commitments.check(&bad).unwrap_err(), bad_share);
                let mut shares = sharing.shares.clone();
                shares[1] = bad;
                prop_assert_eq!(combine(&shares, &sharing.commitments).unwrap_err(), bad_share);
            }
            Err(refused) => prop_assert_eq!(refused, SharingError::Scalar),
        }
    }
}

/// A-SHR-09: duplicate indices, mixed thresholds, mixed secrets, shares of somebody else.
#[test]
fn shares_that_do_not_belong_together_are_refused() {
    let one = split(&number(9), 2, 3, chance(3)).unwrap();
    let twice = [one.shares[0].clone(), one.shares[1].clone(), one.shares[0].clone()];
    for refused in [combine(&twice, &one.commitments), combine_unchecked(&twice, 2)] {
        assert_eq!(refused.unwrap_err(), SharingError::RepeatedIndex { index: 1 });
    }
    for other in [split(&number(10), 2, 3, chance(4)).unwrap(), split(&number(9), 3, 3, chance(5)).unwrap()] {
        let mixed = [one.shares[0].clone(), other.shares[2].clone()];
        let refused = combine(&mixed, &one.commitments).unwrap_err();
        assert_eq!(refused, SharingError::BadShare { index: 3 });
        assert!(!same(&combine_unchecked(&mixed, 2).unwrap(), &number(9)));
    }
    // More shares than needed: the bad one is named though the others would do.
    let mut all = one.shares.clone();
    all[2] = split(&number(9), 2, 3, chance(6)).unwrap().shares.remove(2);
    assert_eq!(combine(&all, &one.commitments).unwrap_err(), SharingError::BadShare { index: 3 });
    // A good share that says to be another's.
    let mut moved = one.shares[0].expose();
    moved[0] = 3;
    let moved = Share::from_bytes(&*moved).unwrap();
    assert_eq!(one.commitments.check(&moved).unwrap_err(), SharingError::BadShare { index: 3 });
}

#[test]
fn thresholds_out_of_bounds_and_a_secret_of_zero_are_refused() {
    for (threshold, count) in [(0, 0), (0, 3), (4, 3), (255, 254)] {
        let refused = split(&number(9), threshold, count, chance(7)).unwrap_err();
        assert_eq!(refused, SharingError::Threshold { threshold, count });
    }
    assert_eq!(split(&number(0), 2, 3, chance(8)).unwrap_err(), SharingError::ZeroSecret);
    let refused = combine_unchecked(&[], 0).unwrap_err();
    assert_eq!(refused, SharingError::Threshold { threshold: 0, count: 0 });
    let refused = combine_unchecked(&[], 1).unwrap_err();
    assert_eq!(refused, SharingError::TooFew { given: 0, threshold: 1 });
}

#[test]
fn payloads_of_any_size_open_with_enough_shares_and_fail_at_the_tag_with_wrong_ones() {
    let mut draw = chance(9);
    let secret = SharedScalar::draw(&mut draw);
    let sharing = split(&secret, 3, 5, &mut draw).unwrap();
    let other = split(&SharedScalar::draw(&mut draw), 3, 5, &mut draw).unwrap();
    let place = Place::new("payload", &[b"escrow 1"]);
    for length in [0, 1, 31, 4096, 1 << 20] {
        let payload = vec![0x5a; length];
        let sealed = secret.payload_key().seal([1; 12], &place, &payload);
        for chosen in subsets(&sharing.shares).filter(|chosen| chosen.len() == 3) {
            let key = combine(&chosen, &sharing.commitments).unwrap().payload_key();
            assert!(*key.open(&place, &sealed).unwrap() == payload);
        }
        let mut wrong = sharing.shares[..3].to_vec();
        wrong[2] = other.shares[2].clone();
        let fewer = combine_unchecked(&sharing.shares, 2).unwrap();
        for made in [combine_unchecked(&wrong, 3).unwrap(), fewer] {
            assert_eq!(made.payload_key().open(&place, &sealed).unwrap_err(), SealError);
        }
    }
}

/// A-LEAK-01.
#[test]
fn nothing_secret_is_printed() {
    let sharing = split(&number(9), 1, 1, chance(10)).unwrap();
    assert_eq!(format!("{:?}", sharing.shares), "[Share(of 1)]");
    assert_eq!(format!("{:?}", number(9)), "SharedScalar(32 bytes)");
    assert_eq!(format!("{:?}", Refresh::draw(2, chance(11)).unwrap()), "Refresh(..)");
}
