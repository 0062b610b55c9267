use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.0.path().join("certificate.pem"), key: self.0.path().join("key.pem") }
    }

    /// Writes a certificate for `name` and its key.
    fn certify(&self, name: &str) {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        fs::write(self.files().certificate, cert.pem()).unwrap();
        fs::write(self.files().key, signing_key.serialize_pem()).unwrap();
    }
}

fn certificate(tls: &Tls) -> Vec<u8> {
    tls.current.0.read().unwrap().cert[0].to_vec()
}

#[test]
fn a_reload_takes_new_files_and_keeps_the_old_ones_if_they_do_not_fit() {
    let folder = Folder::new();
    folder.certify("one.example");
    let tls = Tls::open(folder.files()).unwrap();
    let first = certificate(&tls);
    folder.certify("two.example");
    tls.reload().unwrap();
    let second = certificate(&tls);
    assert_ne!(first, second);
    let other = Folder::new();
    other.certify("three.example");
    fs::copy(other.files().key, folder.files().key).unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::Mismatch(_))));
    fs::write(folder.files().certificate, "").unwrap();
    assert!(tls.reload().is_err());
    assert_eq!(certificate(&tls), second);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = Folder::new();
    let said = |folder: &Folder| Tls::open(folder.files()).unwrap_err().to_string();
    assert!(said(&folder).contains("certificate.pem"));
    folder.certify("one.example");
    fs::write(folder.files().key, "-----BEGIN NONSENSE-----\n-----END NONSENSE-----\n").unwrap();
    assert!(said(&folder).contains("key.pem"));
    fs::write(folder.files().certificate, "no certificate").unwrap();
    assert!(said(&folder).contains("certificate.pem"));
}

/// A-LEAK-01: what is printed of a listener's TLS says where the certificate lies and nothing more.
#[test]
fn tls_prints_without_its_key() {
    let folder = Folder::new();
    folder.certify("one.example");
    let printed = format!("{:?}", Tls::open(folder.files()).unwrap());
    assert!(
        printed.contains("certificate.pem") && !printed.contains("key") && printed.len() < 200,
        "{printed}"
    );
}
