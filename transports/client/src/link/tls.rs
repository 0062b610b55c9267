//! Whose certificates are believed: the machine's roots, or exactly those that the caller names.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::ClientError;

/// TLS 1.2 and newer. With `roots_pem`, the certificates in it are believed and no others; without, the machine's.
/// An address on plain HTTP (`secure` is false) believes nobody, so that nothing is loaded for it.
pub(crate) fn config(secure: bool, roots_pem: Option<&[u8]>) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    if secure && roots_pem.is_none() {
        let verifier = Verifier::new(provider).map_err(|error| failed(&error))?;
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        return Ok(builder.with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    if let Some(pem) = roots_pem {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| bad_roots())?;
            roots.add(certificate).map_err(|_| bad_roots())?;
        }
        if roots.is_empty() {
            return Err(bad_roots());
        }
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn bad_roots() -> ClientError {
    ClientError::Invalid(
        "the trusted certificates are not a PEM file with at least one certificate".to_owned(),
    )
}

fn failed(error: &rustls::Error) -> ClientError {
    ClientError::Invalid(format!("TLS cannot be set up: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_roots_are_certificates_or_refused() {
        for bad in [&b""[..], b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(config(true, Some(bad)), Err(ClientError::Invalid(_))));
        }
        assert!(config(false, None).is_ok());
    }
}
