//! The values everything else is made of: secrets, identifiers, instants, hashes, seals and signatures.
//!
//! Nothing here waits, reads a clock, draws a random number or touches a file: whoever needs chance hands it in, so
//! a simulation owns it ([`rsa`] is the exception, and says why). Cryptographic primitives come from libraries; what
//! lives here is how they are put together and the exact bytes that go in and come out.
//!
//! Believe this: every decoder accepts exactly one spelling of a value. Base64 with stray bits, upper-case
//! hexadecimal, a DER length in a longer form or a second member of the same name is an error, never a guess. Only
//! [`cryppo`], [`psono`] and [`pin_recovery`] read several spellings, because clients write them; they never compare by
//! the text.

pub mod cryppo;
pub mod dc1;
pub mod encoding;
pub mod hash;
pub mod hpke;
pub mod http_signatures;
pub mod id;
pub mod json;
pub mod key_login;
pub mod misakey;
pub mod nacl;
pub mod noise;
pub mod pin_recovery;
pub mod psono;
pub mod recovery;
pub mod rsa;
pub mod seal;
pub mod secret;
pub mod secret_key;
pub mod sharing;
pub mod sign;
pub mod slip39;
pub mod srp;
pub mod time;
pub mod two_skd;
pub mod virgil_token;
