use proptest::prelude::*;

use super::*;

fn secret_of(mnemonics: &[Mnemonic], text: &str) -> Vec<u8> {
    combine(mnemonics).unwrap().decrypt(&passphrase(text)).unwrap().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Any groups and any members that are just enough, in any order, over the words that they write.
    #[test]
    fn enough_members_of_enough_groups_make_the_secret(
        seed in any::<u64>(),
        half in SECRET_BYTES_MIN / 2..=SECRET_BYTES_MAX / 2,
        extendable in any::<bool>(),
        groups in prop::collection::vec((1_u8..=4, 0_u8..=3), 1..=4),
        needed in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
    ) {
        let mut draw = chance(seed);
        let mut secret = vec![0; 2 * half];
        draw(&mut secret);
        let count = |threshold: u8, more: u8| if threshold == 1 { 1 } else { threshold + more };
        let groups = groups.into_iter().map(|(threshold, more)| Group { threshold, count: count(threshold, more) });
        let groups = groups.collect::<Vec<_>>();
        let group_threshold = u8::try_from(needed.index(groups.len()) + 1).unwrap();
        let plan = Plan { group_threshold, groups: &groups, exponent: 0, extendable };
        let mut set = split(&secret, &passphrase("open sesame"), &plan, draw).unwrap();
        let turn = from.index(set.len());
        set.rotate_left(turn);
        let mut chosen = Vec::new();
        for members in set.iter().take(usize::from(group_threshold)) {
            let threshold = usize::from(members[0].head().member_threshold);
            let ring = members.iter().cycle().skip(from.index(members.len())).take(threshold);
            chosen.extend(ring.map(|mnemonic| Mnemonic::from_text(&mnemonic.expose()).unwrap()));
        }
        let turn = from.index(chosen.len());
        chosen.rotate_left(turn);
        prop_assert_eq!(secret_of(&chosen, "open sesame"), secret.clone());
        prop_assert!(secret_of(&chosen, "open sesamE") != secret);
    }
}

#[test]
fn too_few_too_many_and_repeated_mnemonics_are_refused() {
    let set = two_of_three(32);
    let refused = |mnemonics: &[Mnemonic]| combine(mnemonics).unwrap_err();
    assert_eq!(refused(&[]), Slip39Error::Groups { given: 0, threshold: 1 });
    assert_eq!(refused(&set[..1]), Slip39Error::Members { group: 0, given: 1, threshold: 2 });
    assert_eq!(refused(&set), Slip39Error::Members { group: 0, given: 3, threshold: 2 });
    let twice = [set[1].clone(), set[1].clone()];
    assert_eq!(refused(&twice), Slip39Error::RepeatedMember { group: 0, member: 1 });
    let groups = [Group { threshold: 1, count: 1 }; 3];
    let set = split(&[7; 16], &passphrase(""), &plan(2, &groups), chance(3)).unwrap().concat();
    assert_eq!(refused(&set), Slip39Error::Groups { given: 3, threshold: 2 });
    assert!(combine(&set[1..]).is_ok());
}

/// A-SHR-09: sets that look alike but are of other secrets, other lengths, other plans.
#[test]
fn mnemonics_of_different_sets_do_not_combine() {
    let one = two_of_three(16);
    let mixed = |other: &Mnemonic| combine(&[one[0].clone(), other.clone()]).unwrap_err();
    assert_eq!(mixed(&two_of_three(18)[1]), Slip39Error::Mixed);
    for change in [
        |head: &mut Head| head.identifier ^= 1,
        |head: &mut Head| head.extendable = false,
        |head: &mut Head| head.exponent += 1,
        |head: &mut Head| head.group_threshold += 1,
        |head: &mut Head| head.group_count += 1,
    ] {
        let mut other = one[1].clone();
        change(&mut other.head);
        assert_eq!(mixed(&other), Slip39Error::Mixed);
    }
    let mut other = one[1].clone();
    other.head.member_threshold = 3;
    assert_eq!(mixed(&other), Slip39Error::MixedGroup { group: 0 });
    // The same identifier, another secret.
    let groups = [Group { threshold: 2, count: 3 }];
    let other = split(&[8; 16], &passphrase(""), &plan(1, &groups), chance(1)).unwrap().concat();
    assert_eq!(mixed(&other[1]), Slip39Error::Digest);
}

#[test]
fn plans_and_secrets_out_of_bounds_are_refused() {
    let of = |threshold, count| Group { threshold, count };
    let refused = |secret: usize, plan: &Plan<'_>| {
        split(&vec![7; secret], &passphrase(""), plan, chance(4)).unwrap_err()
    };
    for groups in [
        &[][..],
        &[of(0, 1)],
        &[of(0, 0)],
        &[of(1, 2)],
        &[of(3, 2)],
        &[of(2, 17)],
        &[of(1, 1); 17],
        &[of(1, 1); 257],
    ] {
        assert_eq!(refused(16, &plan(1, groups)), Slip39Error::Plan, "{groups:?}");
    }
    for group_threshold in [0, 2] {
        assert_eq!(refused(16, &plan(group_threshold, &[of(1, 1)])), Slip39Error::Plan);
    }
    assert_eq!(refused(16, &Plan { exponent: 16, ..plan(1, &[of(1, 1)]) }), Slip39Error::Exponent);
    for length in [0, 14, 15, 17, 31, 33, 34] {
        assert_eq!(refused(length, &plan(1, &[of(1, 1)])), Slip39Error::SecretLength);
    }
}

#[test]
fn passphrases_are_printable_ascii_both_ways() {
    let groups = [Group { threshold: 1, count: 1 }];
    let made = |text: &str| split(&[7; 16], &passphrase(text), &plan(1, &groups), chance(5));
    let set = made(" ~").unwrap().concat();
    assert_eq!(secret_of(&set, " ~"), [7; 16]);
    for bad in ["\u{1f}", "\u{7f}", "na\u{ef}ve", "\n"] {
        assert_eq!(made(bad).unwrap_err(), Slip39Error::Passphrase);
        let refused = combine(&set).unwrap().decrypt(&passphrase(bad)).unwrap_err();
        assert_eq!(refused, Slip39Error::Passphrase);
    }
}

#[test]
fn the_exponent_doubles_the_work_and_the_form_decides_whether_the_identifier_counts() {
    let groups = [Group { threshold: 1, count: 1 }];
    for (extendable, same) in [(true, true), (false, false)] {
        let plan = Plan { group_threshold: 1, groups: &groups, exponent: 2, extendable };
        let [one, other] = [6, 7].map(|seed| {
            let set = split(&[7; 16], &passphrase("p"), &plan, chance(seed)).unwrap().concat();
            combine(&set).unwrap()
        });
        assert_eq!(one.iterations(), 40_000);
        assert!(one.identifier != other.identifier);
        assert_eq!(one.bytes == other.bytes, same);
        assert_eq!(*other.decrypt(&passphrase("p")).unwrap(), [7; 16]);
    }
    let slowest = EncryptedSecret { exponent: EXPONENT_MAX, ..combine(&two_of_three(16)[..2]).unwrap() };
    assert_eq!(slowest.iterations(), 327_680_000);
}
