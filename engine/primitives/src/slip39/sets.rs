//! Whole sets: groups of members, made and put together.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::cipher::EncryptedSecret;
use super::mnemonic::{Head, Mnemonic};
use super::{COUNT_MAX, EXPONENT_MAX, SECRET_BYTES_MAX, SECRET_BYTES_MIN, Slip39Error, shares};
use crate::secret::SecretText;

/// A group: `threshold` of its `count` members make its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// 1 to `count`, and not 1 of several: those would all keep the same.
    pub threshold: u8,
    /// 1 to 16.
    pub count: u8,
}

/// What set is made of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan<'a> {
    /// How many groups make the secret.
    pub group_threshold: u8,
    /// 1 to 16 groups.
    pub groups: &'a [Group],
    /// How slow the passphrase is to try: 0 to 15, each twice the one before ([`EncryptedSecret::iterations`]).
    pub exponent: u8,
    /// The extendable form, which is the one for new sets: another set of the same secret and passphrase, made later,
    /// is another set of the same encrypted secret. The older form is for what others have made.
    pub extendable: bool,
}

impl Plan<'_> {
    /// The number of groups, if everything is within bounds.
    fn checked(&self) -> Result<u8, Slip39Error> {
        let groups = u8::try_from(self.groups.len()).map_err(|_| Slip39Error::Plan)?;
        let fits = |threshold: u8, count: u8| (1..=count).contains(&threshold) && count <= COUNT_MAX;
        let member =
            |group: &Group| fits(group.threshold, group.count) && (group.threshold > 1 || group.count == 1);
        if !fits(self.group_threshold, groups) || !self.groups.iter().all(member) {
            return Err(Slip39Error::Plan);
        }
        if self.exponent > EXPONENT_MAX { Err(Slip39Error::Exponent) } else { Ok(groups) }
    }
}

/// Makes mnemonics of a secret: for each group those of its members.
///
/// `secret`: 16 to 32 bytes, an even number, of full strength; `passphrase`: printable ASCII, or empty. `draw` fills what
/// it is given with unpredictable bytes.
///
/// # Errors
/// [`Slip39Error::SecretLength`], [`Slip39Error::Passphrase`], [`Slip39Error::Plan`], [`Slip39Error::Exponent`].
pub fn split(
    secret: &[u8],
    passphrase: &SecretText,
    plan: &Plan<'_>,
    mut draw: impl FnMut(&mut [u8]),
) -> Result<Vec<Vec<Mnemonic>>, Slip39Error> {
    let group_count = plan.checked()?;
    if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&secret.len()) || !secret.len().is_multiple_of(2) {
        return Err(Slip39Error::SecretLength);
    }
    let mut identifier = [0; 2];
    draw(&mut identifier);
    let identifier = u16::from_be_bytes(identifier) & 0x7fff;
    let Plan { group_threshold, groups, exponent, extendable } = *plan;
    let bytes = Zeroizing::new(secret.to_vec());
    let encrypted = EncryptedSecret { identifier, extendable, exponent, bytes }.encrypt(passphrase)?;

    let of_groups = shares::split(group_threshold, group_count, &encrypted.bytes, &mut draw);
    let set = (0..).zip(groups).zip(&of_groups).map(|((group, plan), of_group)| {
        let members = shares::split(plan.threshold, plan.count, of_group, &mut draw);
        let mnemonic = |(member, share)| {
            let member_threshold = plan.threshold;
            let head = Head {
                identifier,
                extendable,
                exponent,
                group,
                group_threshold,
                group_count,
                member,
                member_threshold,
            };
            Mnemonic { head, share }
        };
        (0..).zip(members).map(mnemonic).collect()
    });
    Ok(set.collect())
}

/// Makes the encrypted secret again, from exactly as many groups as needed and exactly as many members of each, in any
/// order. One too many is refused, as the standard wants: it would go unchecked.
///
/// # Errors
/// [`Slip39Error::Mixed`], [`Slip39Error::MixedGroup`], [`Slip39Error::RepeatedMember`], [`Slip39Error::Groups`],
/// [`Slip39Error::Members`], and [`Slip39Error::Digest`] for shares that only look as if they belonged together.
pub fn combine(mnemonics: &[Mnemonic]) -> Result<EncryptedSecret, Slip39Error> {
    let first = mnemonics.first().ok_or(Slip39Error::Groups { given: 0, threshold: 1 })?;
    let mut groups = BTreeMap::<u8, Vec<&Mnemonic>>::new();
    for mnemonic in mnemonics {
        let Head { group, member, member_threshold, .. } = mnemonic.head;
        // All but the member's own place.
        let of_set = Head { group, member, member_threshold, ..first.head };
        if mnemonic.head != of_set || mnemonic.share.len() != first.share.len() {
            return Err(Slip39Error::Mixed);
        }
        let members = groups.entry(group).or_default();
        if members.iter().any(|other| other.head.member_threshold != member_threshold) {
            return Err(Slip39Error::MixedGroup { group });
        }
        if members.iter().any(|other| other.head.member == member) {
            return Err(Slip39Error::RepeatedMember { group, member });
        }
        members.push(mnemonic);
    }
    let Head { identifier, extendable, exponent, group_threshold, .. } = first.head;
    if groups.len() != usize::from(group_threshold) {
        return Err(Slip39Error::Groups { given: groups.len(), threshold: group_threshold });
    }
    let mut of_groups = Vec::with_capacity(groups.len());
    for (group, members) in groups {
        let (given, threshold) = (members.len(), members[0].head.member_threshold);
        if given != usize::from(threshold) {
            return Err(Slip39Error::Members { group, given, threshold });
        }
        let points = members.iter().map(|member| (member.head.member, &member.share[..])).collect::<Vec<_>>();
        of_groups.push((group, shares::combine(&points)?));
    }
    let points = of_groups.iter().map(|(group, share)| (*group, &share[..])).collect::<Vec<_>>();
    Ok(EncryptedSecret { identifier, extendable, exponent, bytes: shares::combine(&points)? })
}
