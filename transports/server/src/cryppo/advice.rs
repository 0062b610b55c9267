//! Errors as one line each, with what to do about them. None repeats any of what was read.

use std::path::Path;

use anyhow::anyhow;
use strongroom_primitives::{
    cryppo::CryppoError,
    rsa::{RsaError, RsaKeyError},
};

/// A printed key that is none; `from` says where it came from.
pub(super) fn explain_key(error: CryppoError, from: &str) -> anyhow::Error {
    match error {
        CryppoError::UnexpectedKeyLength { bytes } => {
            anyhow!("{from}: a key has 32 bytes, this has {bytes}; `strongroom cryppo genkey` makes one")
        }
        _ => anyhow!(
            "{from}: {error}; a key is 44 characters of URL-safe base64, `=` at the end included, and nothing else"
        ),
    }
}

/// A file that is not the RSA key it should be.
pub(super) fn explain_rsa_key(error: RsaKeyError, path: &Path) -> anyhow::Error {
    let shown = path.display();
    match error {
        RsaKeyError::Private => {
            anyhow!(
                "{shown} holds a private key where a public one is expected; -P takes the public key's file"
            )
        }
        RsaKeyError::Label => anyhow!(
            "{shown} holds another kind of key; a public key is PEM of `PUBLIC KEY`, a private one of `RSA PRIVATE KEY`, \
             which `openssl rsa -traditional` writes"
        ),
        error => anyhow!("{shown}: {error}"),
    }
}

/// What a string is read or written with.
#[derive(Debug, Clone, Copy)]
pub(super) enum With {
    Key,
    PrivateKey,
    PublicKey,
}

/// A string that is refused, or an operation on it that fails.
pub(super) fn explain(error: CryppoError, with: With) -> anyhow::Error {
    match (error, with) {
        (CryppoError::Parts, With::PublicKey) => {
            anyhow!("{error}: a signed string is Sign.Rsa4096.SIGNATURE.DATA")
        }
        (CryppoError::Parts, _) => anyhow!(
            "{error}: an encrypted string is STRATEGY.DATA.ARTEFACTS; one of five parts is of a passphrase and is not \
             opened here"
        ),
        (CryppoError::Strategy, With::Key) => {
            anyhow!(
                "{error}: a key opens Aes256Gcm strings only; for an Rsa string say -p with the private key's file"
            )
        }
        (CryppoError::Strategy, With::PrivateKey | With::PublicKey) => anyhow!(
            "{error}: the string is not of an RSA key of this size; for an Aes256Gcm string say -k or --key-file"
        ),
        (CryppoError::Base64(part), _) => {
            anyhow!("the {part} of the string are not canonical base64: is it whole, with every `=` in it?")
        }
        (CryppoError::DoesNotOpen, _) => {
            anyhow!("{error}: it was encrypted with another one, or something in it was changed")
        }
        (CryppoError::UnexpectedKeyLength { bytes: 44 }, _) => anyhow!(
            "unexpected_key_length: the string holds 44 bytes where a wrapped key has 32; if it holds a key as text, \
             decrypt without --as-key"
        ),
        (CryppoError::UnexpectedKeyLength { bytes }, _) => anyhow!(
            "unexpected_key_length: the string holds {bytes} bytes where a wrapped key has 32; decrypt without --as-key"
        ),
        (CryppoError::Rsa(RsaError::PlainTooLong), _) => anyhow!(
            "the value is too long for an RSA key, which takes 214 bytes (2048 bits) or 470 (4096 bits): encrypt it \
             under a key, and the key for the RSA key"
        ),
        (CryppoError::Rsa(RsaError::Signature), _) => {
            anyhow!("the signature does not verify: another key made it, or something in it was changed")
        }
        (error, _) => anyhow!("{error}"),
    }
}

/// Something too long to be signed.
pub(super) fn explain_signing(error: CryppoError) -> anyhow::Error {
    match error {
        CryppoError::TooLong => {
            anyhow!(
                "no more than 512 bytes can be signed, because the string carries them: sign a digest instead"
            )
        }
        error => explain(error, With::PrivateKey),
    }
}
