//! Refreshing shares, and making one for a newcomer.

use super::*;

/// The next epoch, by one refresh.
fn refreshed(old: &Sharing, by: &Refresh) -> Sharing {
    let to = by.commitments();
    let piece = |share: &Share| share.refreshed(&by.piece(share.index()).unwrap(), &to).unwrap();
    Sharing {
        shares: old.shares.iter().map(piece).collect(),
        commitments: old.commitments.refreshed(&to).unwrap(),
    }
}

#[test]
fn a_refresh_keeps_the_secret_and_old_and_new_shares_do_not_combine() {
    for (threshold, count) in [(2, 3), (3, 5), (5, 5)] {
        let mut draw = chance(40);
        let secret = SharedScalar::draw(&mut draw);
        let old = split(&secret, threshold, count, &mut draw).unwrap();
        // Two parties add their parts, one after the other.
        let half = refreshed(&old, &Refresh::draw(threshold, &mut draw).unwrap());
        let new = refreshed(&half, &Refresh::draw(threshold, &mut draw).unwrap());
        assert_eq!(new.commitments.public(), old.commitments.public());
        assert!(new.commitments != old.commitments);
        let needed = usize::from(threshold);
        for (at, chosen) in subsets(&new.shares).enumerate().filter(|(_, chosen)| chosen.len() == needed) {
            assert!(same(&combine(&chosen, &new.commitments).unwrap(), &secret), "set {at}");
            // Any one of them from the last epoch spoils it, and is named.
            for stale in 0..needed {
                let mut mixed = chosen.clone();
                let index = mixed[stale].index();
                mixed[stale] = old.shares[usize::from(index) - 1].clone();
                assert!(!same(&combine_unchecked(&mixed, threshold).unwrap(), &secret));
                let refused = combine(&mixed, &new.commitments).unwrap_err();
                assert_eq!(refused, SharingError::BadShare { index });
            }
        }
    }
}

#[test]
fn a_piece_of_another_or_one_that_was_not_committed_to_is_refused() {
    let sharing = split(&number(9), 2, 3, chance(41)).unwrap();
    let refresh = Refresh::draw(2, chance(42)).unwrap();
    let (share, to) = (&sharing.shares[0], refresh.commitments());
    let others = share.refreshed(&refresh.piece(2).unwrap(), &to).unwrap_err();
    assert_eq!(others, SharingError::OtherHolder { index: 2 });
    let false_piece = Refresh::draw(2, chance(43)).unwrap().piece(1).unwrap();
    assert_eq!(share.refreshed(&false_piece, &to).unwrap_err(), SharingError::BadShare { index: 1 });
    // A polynomial whose constant is not zero would change the secret: its commitments cannot be written.
    let shifted = split(&number(1), 2, 3, chance(44)).unwrap();
    let piece = RefreshPiece::from_bytes(&*shifted.shares[0].expose()).unwrap();
    let slope = RefreshCommitments::from_bytes(&shifted.commitments.to_bytes()[POINT_BYTES..]).unwrap();
    assert_eq!(share.refreshed(&piece, &slope).unwrap_err(), SharingError::BadShare { index: 1 });
}

#[test]
fn a_refresh_fits_its_threshold_and_none_is_for_a_threshold_of_one() {
    let sharing = split(&number(9), 3, 3, chance(45)).unwrap();
    let other = Refresh::draw(2, chance(46)).unwrap().commitments();
    let refused = sharing.commitments.refreshed(&other).unwrap_err();
    assert_eq!(refused, SharingError::OtherThreshold { ours: 3, theirs: 2 });
    for threshold in [0, 1] {
        let refused = Refresh::draw(threshold, chance(47)).unwrap_err();
        assert_eq!(refused, SharingError::Threshold { threshold, count: 255 });
    }
    let read = RefreshCommitments::from_bytes(&other.to_bytes()).unwrap();
    assert_eq!((read.threshold(), read == other), (2, true));
}

/// The helps that `helpers` give to `newcomer`.
fn helps(sharing: &Sharing, helpers: &[u8], newcomer: u8) -> Vec<Help> {
    let threshold = sharing.commitments.threshold();
    let parts = helpers.iter().enumerate().map(|(at, helper)| {
        let share = &sharing.shares[usize::from(*helper) - 1];
        share.help(helpers, newcomer, threshold, chance(50 + at as u64)).unwrap()
    });
    let parts = parts.collect::<Vec<_>>();
    let received = |at: usize| parts.iter().map(|parts| parts[at].clone()).collect::<Vec<_>>();
    (0..helpers.len()).map(|at| gather(&received(at), newcomer).unwrap()).collect()
}

#[test]
fn a_holder_is_replaced_and_the_share_that_left_dies_with_the_refresh() {
    let mut draw = chance(48);
    let secret = SharedScalar::draw(&mut draw);
    let mut sharing = split(&secret, 3, 4, &mut draw).unwrap();
    for helpers in [&[1, 2, 4][..], &[4, 2, 1, 3]] {
        let newcomer = Share::from_help(&helps(&sharing, helpers, 9), &sharing.commitments).unwrap();
        assert_eq!(newcomer.index(), 9);
    }
    // Holder 3 leaves, holder 9 comes in its place.
    let newcomer = Share::from_help(&helps(&sharing, &[1, 2, 4], 9), &sharing.commitments).unwrap();
    let left = std::mem::replace(&mut sharing.shares[2], newcomer);
    let new = refreshed(&sharing, &Refresh::draw(3, &mut draw).unwrap());
    for chosen in subsets(&new.shares).filter(|chosen| chosen.len() == 3) {
        assert!(same(&combine(&chosen, &new.commitments).unwrap(), &secret));
        let with_left = [left.clone(), chosen[0].clone(), chosen[1].clone()];
        let refused = combine(&with_left, &new.commitments).unwrap_err();
        assert_eq!(refused, SharingError::BadShare { index: 3 });
        assert!(!same(&combine_unchecked(&with_left, 3).unwrap(), &secret));
    }
}

#[test]
fn a_help_that_is_missing_or_false_or_not_for_this_newcomer_is_noticed() {
    let sharing = split(&number(9), 2, 3, chance(49)).unwrap();
    let good = helps(&sharing, &[1, 2], 7);
    assert!(Share::from_help(&good, &sharing.commitments).is_ok());
    let refused = |helps: &[Help]| Share::from_help(helps, &sharing.commitments).unwrap_err();
    assert_eq!(refused(&[]), SharingError::TooFew { given: 0, threshold: 2 });
    assert_eq!(refused(&good[..1]), SharingError::BadShare { index: 7 });
    let other = helps(&sharing, &[1, 2], 8).remove(0);
    assert_eq!(refused(&[good[0].clone(), other]), SharingError::OtherHolder { index: 8 });
    let again = helps(&sharing, &[1, 3], 7).remove(0);
    assert_eq!(refused(&[good[0].clone(), again]), SharingError::BadShare { index: 7 });
}

#[test]
fn helpers_are_different_holders_enough_of_them_and_not_the_newcomer() {
    let share = &split(&number(9), 2, 3, chance(51)).unwrap().shares[0];
    let refused = |helpers: &[u8], newcomer| share.help(helpers, newcomer, 2, chance(52)).unwrap_err();
    assert_eq!(refused(&[1, 2], 0), SharingError::ZeroIndex);
    assert_eq!(refused(&[1, 0], 9), SharingError::ZeroIndex);
    assert_eq!(refused(&[1, 2], 2), SharingError::RepeatedIndex { index: 2 });
    assert_eq!(refused(&[1, 2, 2], 9), SharingError::RepeatedIndex { index: 2 });
    assert_eq!(refused(&[1], 9), SharingError::TooFew { given: 1, threshold: 2 });
    assert_eq!(refused(&[2, 3], 9), SharingError::OtherHolder { index: 1 });
    let empty = share.help(&[], 9, 0, chance(53)).unwrap_err();
    assert_eq!(empty, SharingError::OtherHolder { index: 1 });
    let parts = share.help(&[1, 2], 9, 2, chance(54)).unwrap();
    assert_eq!(gather(&parts, 9).unwrap_err(), SharingError::OtherHolder { index: 2 });
}

/// Of what a helper gives away, all but the last part is chance alone, and the last is covered by all the others.
#[test]
fn a_helper_covers_its_share_with_fresh_chance_for_every_other_helper() {
    let sharing = split(&number(9), 2, 4, chance(55)).unwrap();
    let helpers = [1, 2, 3];
    let (share, mut lengths, mut source) = (&sharing.shares[0], Vec::new(), chance(56));
    let parts = share.help(&helpers, 9, 2, |bytes: &mut [u8]| {
        lengths.push(bytes.len());
        source(bytes);
    });
    let parts = parts.unwrap();
    assert_eq!(lengths, [64, 64]);
    let mut again = chance(56);
    for part in &parts[..2] {
        assert!(part.expose()[1..] == *SharedScalar::draw(&mut again).expose());
    }
    let uncovered = share.value() * interpolate(&helpers, 9)[0];
    assert!(*parts[2].value() == uncovered - parts[0].value() - parts[1].value());
}
