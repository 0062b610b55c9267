//! Arithmetic modulo an odd number, over the big numbers of aws-lc. The only `unsafe` of this crate is here.
//!
//! Every number that the library gives out has one owner, which wipes and frees it. No pointer leaves this module, and
//! no call gets the same number to read and to write. Secrets go only into functions whose time depends on the widths
//! of their operands; widths are those of the modulus, or of the 32 bytes that an exponent is read from.
#![expect(
    unsafe_code,
    reason = "aws-lc's big numbers have no safe interface; every call is wrapped here, once"
)]

use std::ffi::c_int;
use std::ptr::NonNull;

use aws_lc_sys as lc;
use zeroize::Zeroizing;

/// The library could not do its work: no memory, or numbers that do not belong to the modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("big-number arithmetic failed")]
pub(super) struct ArithmeticError;

type Result<T> = std::result::Result<T, ArithmeticError>;

/// What the library's functions answer: 1 for success.
fn succeeded(code: c_int) -> Result<()> {
    if code == 1 { Ok(()) } else { Err(ArithmeticError) }
}

/// A number of the library, at least zero.
struct Number(NonNull<lc::BIGNUM>);

// SAFETY: a BIGNUM is plain memory from the process's allocator, bound to no thread.
unsafe impl Send for Number {}
// SAFETY: through a shared reference only functions that take `*const BIGNUM` are called, and those do not write.
unsafe impl Sync for Number {}

impl Number {
    fn new() -> Result<Self> {
        // SAFETY: takes nothing; the answer is null or a number that is ours to free.
        NonNull::new(unsafe { lc::BN_new() }).map(Self).ok_or(ArithmeticError)
    }

    /// Big endian. Its width is that of `bytes`, whatever the leading ones are.
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut number = Self::new()?;
        // SAFETY: `bytes` is readable for its length, and the number is ours.
        let done = unsafe { lc::BN_bin2bn(bytes.as_ptr(), bytes.len(), number.as_mut()) };
        if done.is_null() { Err(ArithmeticError) } else { Ok(number) }
    }

    fn write_bytes(&self, out: &mut [u8]) -> Result<()> {
        // SAFETY: `out` is writable for its length; the function refuses a number that does not fit.
        succeeded(unsafe { lc::BN_bn2bin_padded(out.as_mut_ptr(), out.len(), self.as_ptr()) })
    }

    fn as_ptr(&self) -> *const lc::BIGNUM {
        self.0.as_ptr()
    }

    fn as_mut(&mut self) -> *mut lc::BIGNUM {
        self.0.as_ptr()
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: made by `BN_new`, freed nowhere else.
        unsafe { lc::BN_clear_free(self.0.as_ptr()) }
    }
}

/// Room for the library's intermediate values. The library wipes what it frees.
pub(super) struct Scratch(NonNull<lc::BN_CTX>);

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        // SAFETY: takes nothing; the answer is null or a context that is ours to free.
        NonNull::new(unsafe { lc::BN_CTX_new() }).map(Self).ok_or(ArithmeticError)
    }

    fn as_mut(&mut self) -> *mut lc::BN_CTX {
        self.0.as_ptr()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: made by `BN_CTX_new`, freed nowhere else.
        unsafe { lc::BN_CTX_free(self.0.as_ptr()) }
    }
}

/// The constants of Montgomery multiplication for one modulus.
struct Montgomery(NonNull<lc::BN_MONT_CTX>);

// SAFETY: plain memory, bound to no thread.
unsafe impl Send for Montgomery {}
// SAFETY: after it was made, it is only ever handed out as `*const BN_MONT_CTX`, which is not written through.
unsafe impl Sync for Montgomery {}

impl Drop for Montgomery {
    fn drop(&mut self) {
        // SAFETY: made by `BN_MONT_CTX_new_for_modulus`, freed nowhere else.
        unsafe { lc::BN_MONT_CTX_free(self.0.as_ptr()) }
    }
}

/// A secret exponent of 256 bits, or the client's `a + u * x` of 512.
pub(super) struct Exponent(Number);

impl Exponent {
    /// 32 bytes, big endian.
    pub(super) fn new(bytes: &[u8; 32]) -> Result<Self> {
        Number::from_bytes(bytes).map(Self)
    }

    /// `a + u * x`, as an integer.
    pub(super) fn sum_of_product(a: &Self, u: &Self, x: &Self) -> Result<Self> {
        let (mut product, mut sum, mut scratch) = (Number::new()?, Number::new()?, Scratch::new()?);
        // SAFETY: four distinct live numbers or contexts, the first of them ours to write.
        succeeded(unsafe { lc::BN_mul(product.as_mut(), u.0.as_ptr(), x.0.as_ptr(), scratch.as_mut()) })?;
        // SAFETY: three distinct live numbers, the first of them ours to write.
        succeeded(unsafe { lc::BN_add(sum.as_mut(), a.0.as_ptr(), product.as_ptr()) })?;
        Ok(Self(sum))
    }
}

/// A number below the modulus that made it.
pub(super) struct Residue(Number);

impl Residue {
    /// Zero, which is one of every modulus.
    pub(super) fn zero() -> Result<Self> {
        Number::new().map(Self)
    }

    pub(super) fn is_zero(&self) -> bool {
        // SAFETY: a live number, only read.
        unsafe { lc::BN_is_zero(self.0.as_ptr()) == 1 }
    }

    pub(super) fn is_one(&self) -> bool {
        // SAFETY: a live number, only read.
        unsafe { lc::BN_is_one(self.0.as_ptr()) == 1 }
    }
}

/// A public odd modulus, with what multiplication needs to know of it. Shared by all threads.
///
/// A residue of another modulus is refused by the library or gives a wrong number; it is never a matter of memory.
pub(super) struct Modulus {
    number: Number,
    montgomery: Montgomery,
    bytes: usize,
}

impl Modulus {
    /// Big endian, odd, without leading zero bytes.
    pub(super) fn new(bytes: &[u8]) -> Result<Self> {
        let number = Number::from_bytes(bytes)?;
        let mut scratch = Scratch::new()?;
        // SAFETY: a live number and a live context; the answer is null or ours to free.
        let made = unsafe { lc::BN_MONT_CTX_new_for_modulus(number.as_ptr(), scratch.as_mut()) };
        let montgomery = NonNull::new(made).map(Montgomery).ok_or(ArithmeticError)?;
        Ok(Self { number, montgomery, bytes: bytes.len() })
    }

    /// Length of the modulus, and of every padded value, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads a big-endian number; nothing when it is not below the modulus.
    pub(super) fn residue(&self, padded: &[u8]) -> Result<Option<Residue>> {
        let number = Number::from_bytes(padded)?;
        // SAFETY: two live numbers, only read.
        let order = unsafe { lc::BN_cmp(number.as_ptr(), self.number.as_ptr()) };
        Ok((order < 0).then_some(Residue(number)))
    }

    /// Reads a big-endian number of any length and reduces it. The time of the division depends on the number.
    pub(super) fn reduce(&self, bytes: &[u8]) -> Result<Residue> {
        let (number, mut rest, mut scratch) = (Number::from_bytes(bytes)?, Number::new()?, Scratch::new()?);
        // SAFETY: distinct live numbers and a live context, the first number ours to write.
        succeeded(unsafe {
            lc::BN_nnmod(rest.as_mut(), number.as_ptr(), self.number.as_ptr(), scratch.as_mut())
        })?;
        Ok(Residue(rest))
    }

    /// Big endian, padded with zeros to the length of the modulus.
    pub(super) fn to_padded(&self, residue: &Residue) -> Result<Zeroizing<Vec<u8>>> {
        let mut padded = Zeroizing::new(vec![0; self.bytes]);
        residue.0.write_bytes(&mut padded)?;
        Ok(padded)
    }

    pub(super) fn add(&self, a: &Residue, b: &Residue) -> Result<Residue> {
        let mut sum = Number::new()?;
        // SAFETY: live numbers, the first ours to write and no other; both terms are below the modulus.
        succeeded(unsafe {
            lc::BN_mod_add_quick(sum.as_mut(), a.0.as_ptr(), b.0.as_ptr(), self.number.as_ptr())
        })?;
        Ok(Residue(sum))
    }

    pub(super) fn sub(&self, a: &Residue, b: &Residue) -> Result<Residue> {
        let mut difference = Number::new()?;
        // SAFETY: live numbers, the first ours to write and no other; both terms are below the modulus.
        succeeded(unsafe {
            lc::BN_mod_sub_quick(difference.as_mut(), a.0.as_ptr(), b.0.as_ptr(), self.number.as_ptr())
        })?;
        Ok(Residue(difference))
    }

    pub(super) fn mul(&self, a: &Residue, b: &Residue) -> Result<Residue> {
        let (mut scratch, mut product) = (Scratch::new()?, Residue(Number::new()?));
        // One factor in Montgomery form, one outside it: their Montgomery product is the plain one.
        self.montgomery_product(&mut product, &self.enter_montgomery(a, &mut scratch)?, b, &mut scratch)?;
        Ok(product)
    }

    /// `base` to the power of `exponent`, in time that depends on the widths of modulus and exponent only.
    pub(super) fn pow(&self, base: &Residue, exponent: &Exponent) -> Result<Residue> {
        #[cfg(test)]
        count::one();
        let (mut power, mut scratch) = (Number::new()?, Scratch::new()?);
        // SAFETY: distinct live numbers, the first ours to write; a live context; constants of this very modulus.
        succeeded(unsafe {
            lc::BN_mod_exp_mont_consttime(
                power.as_mut(),
                base.0.as_ptr(),
                exponent.0.as_ptr(),
                self.number.as_ptr(),
                scratch.as_mut(),
                self.montgomery.0.as_ptr(),
            )
        })?;
        Ok(Residue(power))
    }

    /// `a * R`, where `R` is the power of two that Montgomery multiplication divides by.
    pub(super) fn enter_montgomery(&self, a: &Residue, scratch: &mut Scratch) -> Result<Residue> {
        let mut form = Number::new()?;
        // SAFETY: distinct live numbers, the first ours to write; a live context; constants of this very modulus.
        succeeded(unsafe {
            lc::BN_to_montgomery(form.as_mut(), a.0.as_ptr(), self.montgomery.0.as_ptr(), scratch.as_mut())
        })?;
        Ok(Residue(form))
    }

    /// Undoes [`Modulus::enter_montgomery`].
    pub(super) fn leave_montgomery(&self, form: &Residue, scratch: &mut Scratch) -> Result<Residue> {
        let mut plain = Number::new()?;
        // SAFETY: distinct live numbers, the first ours to write; a live context; constants of this very modulus.
        succeeded(unsafe {
            lc::BN_from_montgomery(
                plain.as_mut(),
                form.0.as_ptr(),
                self.montgomery.0.as_ptr(),
                scratch.as_mut(),
            )
        })?;
        Ok(Residue(plain))
    }

    /// `out = a * b / R`.
    pub(super) fn montgomery_product(
        &self,
        out: &mut Residue,
        a: &Residue,
        b: &Residue,
        scratch: &mut Scratch,
    ) -> Result<()> {
        // SAFETY: live numbers; `out` is borrowed alone, so it is neither factor; constants of this very modulus.
        succeeded(unsafe {
            lc::BN_mod_mul_montgomery(
                out.0.as_mut(),
                a.0.as_ptr(),
                b.0.as_ptr(),
                self.montgomery.0.as_ptr(),
                scratch.as_mut(),
            )
        })
    }

    /// Overwrites `out` with the number in `padded`, which the caller knows to be below the modulus.
    pub(super) fn load(&self, out: &mut Residue, padded: &[u8]) -> Result<()> {
        // SAFETY: `padded` is readable for its length, and `out` is ours to write.
        let done = unsafe { lc::BN_bin2bn(padded.as_ptr(), padded.len(), out.0.as_mut()) };
        if done.is_null() { Err(ArithmeticError) } else { Ok(()) }
    }
}

/// How many exponentiations the current thread has done.
#[cfg(test)]
pub(super) mod count {
    use std::cell::Cell;

    thread_local! { static DONE: Cell<u32> = const { Cell::new(0) } }

    pub(in super::super) fn one() {
        DONE.set(DONE.get() + 1);
    }

    pub(in super::super) fn during<T>(work: impl FnOnce() -> T) -> (T, u32) {
        let before = DONE.get();
        let result = work();
        (result, DONE.get() - before)
    }
}
