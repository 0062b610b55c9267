//! TLS: what is spoken, what is not, and that a new certificate costs nobody a connection.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName},
    version,
};
use strongroom_transports::{
    http::{HttpLimits, HttpOptions},
    sockets::{Tls, TlsFiles},
};

use super::support::{Server, Setup, request};

struct Issuer {
    folder: tempfile::TempDir,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    /// Whom clients trust.
    root: CertificateDer<'static>,
}

impl Issuer {
    /// An issuer and a first certificate.
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::new([]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let key = rcgen::KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        let issuer = rcgen::Issuer::new(params, key);
        let issuer = Self { folder: tempfile::tempdir().unwrap(), issuer, root };
        issuer.issue();
        issuer
    }

    fn files(&self) -> TlsFiles {
        let at = |name| self.folder.path().join(name);
        TlsFiles { certificate: at("certificate.pem"), key: at("key.pem") }
    }

    /// Puts a new certificate in the place of the last one, and returns it.
    fn issue(&self) -> CertificateDer<'static> {
        let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.files().certificate, certificate.pem()).unwrap();
        fs::write(self.files().key, key.serialize_pem()).unwrap();
        certificate.der().clone()
    }
}

fn start(issuer: &Issuer, limits: HttpLimits) -> (Server, Tls) {
    let tls = Tls::open(issuer.files()).unwrap();
    let setup = Setup::limits(limits);
    let http = HttpOptions { tls: Some(tls.clone()), ..setup.http };
    (Setup { http, ..Setup::default() }.start(), tls)
}

type Client = StreamOwned<ClientConnection, TcpStream>;

/// Connects, trusting the issuer, with these versions, and with a server's name or without.
fn connect(
    server: &Server,
    issuer: &Issuer,
    versions: &[&'static rustls::SupportedProtocolVersion],
    named: bool,
) -> std::io::Result<Client> {
    let mut roots = RootCertStore::empty();
    roots.add(issuer.root.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.enable_sni = named;
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(server.address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(connection, socket))
}

fn ask(client: &mut Client) -> std::io::Result<String> {
    client.write_all(request("GET", "/probe/good", &[], "").as_bytes())?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut buffer = [0; 4096];
        match client.read(&mut buffer)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            length => answer.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(String::from_utf8(answer).unwrap())
}

#[test]
fn a_http_12_tls_1_2_and_1_3_are_spoken_with_a_name_or_without() {
    let issuer = Issuer::new();
    let (server, _) = start(&issuer, HttpLimits::default());
    for version in [&version::TLS12, &version::TLS13] {
        for named in [true, false] {
            let mut client = connect(&server, &issuer, &[version], named).unwrap();
            assert_eq!(client.conn.protocol_version(), Some(version.version));
            let answer = ask(&mut client).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""secure":true"#), "{answer}");
        }
    }
}

/// A ClientHello that offers nothing newer than `version`, written out because no library of ours speaks it.
fn old_hello(version: [u8; 2]) -> Vec<u8> {
    let suites: &[u8] = &[0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f, 0x00, 0x35];
    let mut hello = version.to_vec();
    hello.extend([7; 32]);
    hello.push(0);
    hello.extend((suites.len() as u16).to_be_bytes());
    hello.extend(suites);
    hello.extend([1, 0]);
    let mut message = vec![1, 0];
    message.extend((hello.len() as u16).to_be_bytes());
    message.extend(hello);
    let mut record = vec![22, 3, 1];
    record.extend((message.len() as u16).to_be_bytes());
    record.extend(message);
    record
}

#[test]
fn a_http_12_tls_1_0_and_1_1_are_refused() {
    let issuer = Issuer::new();
    let (server, _) = start(&issuer, HttpLimits::default());
    for version in [[3, 1], [3, 2]] {
        let mut peer = server.peer();
        peer.send(old_hello(version)).unwrap();
        let (_, told) = peer.until_closed();
        // A fatal alert, and no handshake.
        assert_eq!(told[..told.len() - 1], [21, 3, 3, 0, 2, 2], "{version:?}");
    }
}

#[test]
fn a_http_12_a_new_certificate_costs_nobody_a_connection() {
    let issuer = Issuer::new();
    let (server, tls) = start(&issuer, HttpLimits { connections_per_source_max: 0, ..HttpLimits::default() });
    let shown = |client: &Client| client.conn.peer_certificates().unwrap()[0].clone();
    let mut old = connect(&server, &issuer, rustls::ALL_VERSIONS, true).unwrap();
    ask(&mut old).unwrap();
    let ended = AtomicBool::new(false);
    let last = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut served = 0;
                    while !ended.load(Ordering::SeqCst) {
                        let mut client = connect(&server, &issuer, rustls::ALL_VERSIONS, true).unwrap();
                        ask(&mut client).unwrap();
                        served += 1;
                    }
                    served
                })
            })
            .collect();
        let mut last = None;
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(30));
            last = Some(issuer.issue());
            tls.reload().unwrap();
        }
        ended.store(true, Ordering::SeqCst);
        for client in clients {
            assert!(client.join().unwrap() > 0);
        }
        last.unwrap()
    });
    ask(&mut old).expect("a connection outlives its certificate");
    assert_ne!(shown(&old), last);
    assert_eq!(shown(&connect(&server, &issuer, rustls::ALL_VERSIONS, true).unwrap()), last);
}

/// A-HTTP-03: a handshake that does not come.
#[test]
fn a_http_03_a_silent_handshake_is_closed_and_holds_up_nobody() {
    let issuer = Issuer::new();
    let limits = HttpLimits {
        handshake_within: Duration::from_secs(1),
        connections_per_source_max: 0,
        ..HttpLimits::default()
    };
    let (server, _) = start(&issuer, limits);
    let mut silent: Vec<_> = (0..300).map(|_| server.peer()).collect();
    let mut client = connect(&server, &issuer, rustls::ALL_VERSIONS, true).unwrap();
    ask(&mut client).unwrap();
    let (took, _) = silent[0].until_closed();
    assert!(took < Duration::from_secs(3), "{took:?}");
}

/// Whoever speaks without encryption where it is asked for learns that, and nothing else.
#[test]
fn plain_http_gets_no_answer_from_a_tls_listener() {
    let issuer = Issuer::new();
    let (server, _) = start(&issuer, HttpLimits::default());
    let mut peer = server.peer();
    peer.send(request("GET", "/probe/good", &[], "")).unwrap();
    let (_, told) = peer.until_closed();
    assert!(!told.starts_with(b"HTTP"));
    assert_eq!(server.reached(), 0);
}
