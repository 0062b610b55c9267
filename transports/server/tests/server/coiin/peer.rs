//! A machine on which `coiin` runs, and a peer that checks signatures.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use strongroom_engine::ports::{Clock, SystemClock};
use strongroom_primitives::{
    dc1::{self, Authorization, Parts, Paths},
    secret::SecretText,
};
use tempfile::TempDir;

use crate::kit::{BINARY, folder, one_line};

pub(super) const CHAIN: &str = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr";
pub(super) const KEY: &str = "6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj";

/// A machine on which nobody has used the tool yet.
pub(super) struct Machine {
    home: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    pub(super) fn new() -> Self {
        let home = folder();
        symlink(BINARY, home.path().join("coiin")).unwrap();
        Self { home, variables: Vec::new() }
    }

    /// One whose file has a key for a chain at a peer.
    pub(super) fn of(peer: &Peer) -> Self {
        let machine = Self::new();
        machine.succeed(&["creds", "local", "add", CHAIN], &format!("{}\nEAYRMSXDOSWY\n{KEY}\n", peer.url));
        machine
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub(super) fn file(&self) -> PathBuf {
        self.home.path().join(".coiin/credentials")
    }

    pub(super) fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    pub(super) fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(super) fn run_as(&self, binary: &Path, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(binary);
        command.current_dir(self.home.path()).env_clear().env("HOME", self.home.path()).args(arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // A command that asks nothing hangs up.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    pub(super) fn run(&self, arguments: &[&str], input: &str) -> Output {
        self.run_as(&self.home.path().join("coiin"), arguments, input)
    }

    /// Expects success in silence on standard error, and gives back what was printed.
    pub(super) fn succeed(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Expects one line and exit code 1, with nothing of the keys in it.
    pub(super) fn refuse(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(output.stdout.is_empty(), "{output:?}");
        let line = one_line(&output);
        assert!(!line.contains(KEY) && !line.contains("canary"), "A-LEAK-01: {line}");
        line
    }
}

/// Takes signed requests, one on each connection, and answers what it was told to.
pub(super) struct Peer {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Requests have to be signed by [`KEY`], under a path of the peer's own. An answer of no text hangs up.
    pub(super) fn answering(answers: Vec<(u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/dragonchain", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        std::thread::spawn(move || {
            for (status, body) in answers {
                let (mut socket, _) = listener.accept().unwrap();
                let said = hear(&socket);
                let refused = said.starts_with("badly signed");
                heard.lock().unwrap().push(said);
                let (status, body) = if refused { (401, json!("badly signed")) } else { (status, body) };
                if !body.is_null() {
                    let body = body.to_string();
                    let head = format!(
                        "HTTP/1.1 {status} So\r\nContent-Length: {}\r\nConnection: close",
                        body.len()
                    );
                    let _ = socket.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
                }
            }
        });
        Self { url, asked }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Reads a request and checks its signature. What was asked: verb, path and body, and by which key for which chain if
/// that is not the usual one.
fn hear(socket: &TcpStream) -> String {
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = BufReader::new(socket);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        let found = lines[1..].iter().filter_map(|line| line.split_once(": "));
        let mut found = found.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        found.next().unwrap_or_default()
    };
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let words: Vec<&str> = lines[0].split(' ').collect();
    let path = words[1].strip_prefix("/dragonchain").unwrap();
    let timestamp = header("timestamp");
    let now = SystemClock::new().wall();
    let read = Authorization::read(Some(header("authorization")), timestamp, now, Duration::from_secs(60));
    let Ok(read) = read else { return format!("badly signed: {lines:?}") };
    let (chain, content_type) = (header("dragonchain"), header("content-type"));
    let parts = Parts { verb: words[0], chain, timestamp, content_type, body: &body };
    let key = SecretText::new(KEY.to_owned());
    if dc1::verify(read.algorithm, Some(&key), &parts, &Paths::of(path, ""), &read.mac).is_err() {
        return format!("badly signed: {lines:?}");
    }
    let by = format!("{} {}", read.key_id.unwrap(), chain);
    let by = if by == format!("EAYRMSXDOSWY {CHAIN}") { String::new() } else { format!(" by {by}") };
    format!("{} {path} {content_type} {}{by}", words[0], String::from_utf8(body).unwrap())
}
