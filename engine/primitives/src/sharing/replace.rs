//! A share for a newcomer, made by holders without the secret being anywhere.
//!
//! ```text
//! each helper     help(helpers, newcomer) -> a HelpPart for every helper, itself included
//! each helper     gather(parts received)  -> a Help for the newcomer
//! the newcomer    Share::from_help(all helps, commitments)
//! ```
//!
//! The newcomer's share is a sum over the helpers' shares, each with a public weight. Every summand is first cut into
//! random parts, one for each helper, so that neither a helper nor the newcomer sees another's share. To replace a
//! holder, give the newcomer an index of its own this way and refresh without the one who leaves: only then is the old
//! share worth nothing. Source: `RECOVERY.md`, sections 5.3 and 5.5.

use zeroize::Zeroizing;

use super::polynomial::interpolate;
use super::scalar::uniform;
use super::{Commitments, Help, HelpPart, Share, SharingError, enough};

impl Share {
    /// One helper's parts, for the helpers in their order; `helpers` are the same for all, this holder among them.
    /// `draw` is asked for 64 bytes for every helper but one.
    ///
    /// # Errors
    /// [`SharingError::ZeroIndex`] and [`SharingError::RepeatedIndex`], for the newcomer too;
    /// [`SharingError::TooFew`]; [`SharingError::OtherHolder`] when this holder is no helper.
    pub fn help(
        &self,
        helpers: &[u8],
        newcomer: u8,
        threshold: u8,
        mut draw: impl FnMut(&mut [u8]),
    ) -> Result<Vec<HelpPart>, SharingError> {
        enough(helpers, threshold)?;
        if newcomer == 0 {
            return Err(SharingError::ZeroIndex);
        }
        if helpers.contains(&newcomer) {
            return Err(SharingError::RepeatedIndex { index: newcomer });
        }
        let own = helpers
            .iter()
            .position(|helper| *helper == self.index())
            .ok_or(SharingError::OtherHolder { index: self.index() })?;
        let mut rest = Zeroizing::new(self.value() * interpolate(helpers, newcomer)[own]);
        let (last, others) = helpers.split_last().ok_or(SharingError::TooFew { given: 0, threshold })?;
        let mut parts = Vec::with_capacity(helpers.len());
        for helper in others {
            let part = uniform(&mut draw);
            *rest -= *part;
            parts.push(HelpPart::new(*helper, part)?);
        }
        parts.push(HelpPart::new(*last, rest)?);
        Ok(parts)
    }

    /// The newcomer's share, from what every helper gave.
    ///
    /// # Errors
    /// [`SharingError::OtherHolder`] when a help is for somebody else; [`SharingError::TooFew`] when there is none;
    /// [`SharingError::BadShare`] when the sum is not the share that was committed to: a help is missing or false.
    pub fn from_help(helps: &[Help], commitments: &Commitments) -> Result<Self, SharingError> {
        let threshold = commitments.threshold();
        let first = helps.first().ok_or(SharingError::TooFew { given: 0, threshold })?;
        let mut sum = Zeroizing::default();
        for help in helps {
            if help.index() != first.index() {
                return Err(SharingError::OtherHolder { index: help.index() });
            }
            *sum += help.value();
        }
        let share = Self::new(first.index(), sum)?;
        commitments.check(&share)?;
        Ok(share)
    }
}

/// What one helper gives to the newcomer: the sum of the parts that it received, one from every helper.
///
/// # Errors
/// [`SharingError::ZeroIndex`] for the newcomer; [`SharingError::OtherHolder`] when a part is for another helper.
pub fn gather(parts: &[HelpPart], newcomer: u8) -> Result<Help, SharingError> {
    let mut sum = Zeroizing::default();
    for part in parts {
        if part.index() != parts[0].index() {
            return Err(SharingError::OtherHolder { index: part.index() });
        }
        *sum += part.value();
    }
    Help::new(newcomer, sum)
}
