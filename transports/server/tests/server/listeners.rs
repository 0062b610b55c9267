//! TLS on the public listener, and a gateway's own listener.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::kit::{Server, ask, folder};

/// A new certificate for 127.0.0.1 and its key, written over what was there.
pub(crate) fn certify(folder: &Path) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    fs::write(folder.join("certificate.pem"), cert.pem()).unwrap();
}

fn curl(folder: &Path, url: &str) -> Output {
    let mut command = Command::new("curl");
    command.args(["-sf", "--cacert"]).arg(folder.join("certificate.pem")).arg(url);
    command.output().unwrap()
}

#[test]
fn with_a_certificate_it_speaks_tls_and_takes_a_new_one_without_a_restart() {
    let folder = folder();
    certify(folder.path());
    let file = "[server.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n";
    fs::write(folder.path().join("strongroom.toml"), file).unwrap();
    let server = Server::serve(folder.path(), &[]);
    assert!(server.stdout().contains("https://127.0.0.1:") && server.stdout().contains("wss://"));
    let url = format!("https://{}/readyz", server.public);
    assert!(curl(folder.path(), &url).status.success());
    let plain = ask(&server.public, "GET", "/readyz", &[], "");
    assert!(plain.is_err(), "a plain request was answered: {plain:?}");

    certify(folder.path());
    assert!(!curl(folder.path(), &url).status.success(), "the old certificate is trusted as the new one");
    server.signal("HUP");
    let patient = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        curl(folder.path(), &url).status.success()
    });
    assert!(patient, "the new certificate was not taken: {}", server.stderr());
    server.stop();
}

/// A gateway with a listener of its own is believed there and nowhere else.
#[test]
fn a_gateway_is_believed_on_its_own_listener_only() {
    let folder = folder();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let gateway = format!("keyknox.gateway.listen={free}");
    let server = Server::serve(folder.path(), &["--set", &gateway]);
    let headers =
        [("X-Application-Id", "first"), ("X-Account-Id", "1"), ("X-Virgil-Identity", "somebody@example.com")];
    let inside = ask(&free, "GET", "/keyknox/v1", &headers, "").unwrap();
    assert_eq!(inside.status, 200, "{inside:?}");
    let outside = server.ask("GET", "/keyknox/v1", &headers, "");
    assert_eq!((outside.status, &outside.json()["code"]), (401, &20300.into()), "{outside:?}");
    server.stop();
}

#[test]
fn a_gateway_is_believed_on_the_public_listener_by_its_secret() {
    let folder = folder();
    let secret = "0123456789abcdef0123456789abcdef";
    fs::write(folder.path().join("secret"), format!("{secret}\n")).unwrap();
    let server = Server::serve(folder.path(), &["--set", "keyknox.gateway.secret_file=secret"]);
    let asks = |secret: &str| {
        let headers = [
            ("Strongroom-Gateway-Secret", secret),
            ("X-Application-Id", "first"),
            ("X-Account-Id", "1"),
            ("X-Virgil-Identity", "somebody@example.com"),
        ];
        server.ask("GET", "/keyknox/v1", &headers, "").status
    };
    assert_eq!(asks(secret), 200);
    assert_eq!(asks(&secret[1..]), 401);
    assert_eq!(asks(""), 401);
}
