//! Starting the real binary, speaking to it over plain sockets, and reading what it printed.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Read, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use strongroom_client::keyknox::token::ApplicationKey;
use strongroom_engine::ports::{Clock, SystemClock};
use strongroom_primitives::{
    id::{RealmId, Subject},
    sign::SigningKey,
};
use tempfile::TempDir;

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_strongroom");

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Monotonic time, for patience and for measuring.
#[expect(clippy::disallowed_methods, reason = "a process of its own can only be waited for in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A `strongroom` that hears nothing of this machine's own settings, in `folder`.
pub(crate) fn strongroom(folder: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("STRONGROOM") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs to the end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    strongroom(folder).args(arguments).output().unwrap()
}

/// Runs to the end, expects success, and gives back what was printed.
pub(crate) fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs to the end, expects a refusal of one line and exit code 1, and gives back the line.
pub(crate) fn refuse(folder: &Path, arguments: &[&str]) -> String {
    one_line(&run(folder, arguments))
}

/// The one line that a refusal consists of.
pub(crate) fn one_line(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(!said.contains("panicked"), "{said}");
    lines[0].strip_prefix("error: ").expect("a refusal begins with `error: `").to_owned()
}

/// A place for a server's files.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Flips a bit wherever the label of the first session lies among the rows of the store in `folder`, also in what
/// sled's log still holds of the past. How often that was.
pub(crate) fn damage_rows(folder: &Path) -> usize {
    const LABEL: &[u8] = b"made at the first start";
    let file = folder.join("strongroom-data/store/sled/db");
    let mut bytes = fs::read(&file).unwrap();
    let found: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(LABEL)).collect();
    for at in &found {
        bytes[*at] ^= 1;
    }
    fs::write(&file, bytes).unwrap();
    found.len()
}

/// A running server, on ports of its own, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    /// The base URL's host and port of the public listener.
    pub(crate) public: String,
    /// The same of the operator's listener.
    pub(crate) admin: String,
    /// From starting the process until it was ready.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts `serve` in `folder` and waits until it is ready.
    pub(crate) fn serve(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = strongroom(folder);
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).args(arguments);
        Self::start(folder, command)
    }

    /// Starts a server and waits until it is ready. Its output goes into files in `folder`.
    pub(crate) fn start(folder: &Path, command: Command) -> Self {
        let stderr = fs::File::create(folder.join("stderr")).unwrap();
        Self::start_logging_to(folder, command, stderr.into())
    }

    /// Starts a server whose log goes elsewhere.
    pub(crate) fn start_logging_to(folder: &Path, mut command: Command, log: Stdio) -> Self {
        let stdout = fs::File::create(folder.join("stdout")).unwrap();
        let before = now();
        let mut child = command.stdout(stdout).stderr(log).spawn().unwrap();
        let (public, admin) = loop {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("it ended with {status}: {}", fs::read_to_string(folder.join("stderr")).unwrap());
            }
            // The line that says it is ready is the last of what is printed.
            let printed = fs::read_to_string(folder.join("stdout")).unwrap();
            if printed.lines().any(|line| line.starts_with("Ready.")) {
                let host = |name: &str| {
                    let line = printed.lines().find(|line| line.trim_start().starts_with(name));
                    let url = line.and_then(|line| line.split_whitespace().nth(1)).unwrap();
                    url.split("//").nth(1).unwrap().split('/').next().unwrap().to_owned()
                };
                break (host("native"), host("operator"));
            }
            assert!(before.elapsed() < PATIENCE, "not ready in time: {printed}");
            std::thread::sleep(Duration::from_millis(2));
        };
        let ready_after = before.elapsed();
        Self { child, folder: folder.to_owned(), public, admin, ready_after }
    }

    /// What was printed on standard output.
    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.folder.join("stdout")).unwrap()
    }

    /// What was logged.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap()
    }

    /// The operating system's name for the process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let before = now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(before.elapsed() < PATIENCE, "it does not end: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Asks it to stop, and expects that it does so well.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.wait().code(), Some(0), "{}", self.stderr());
    }

    /// Runs `strongroom admin` against it and gives back what was printed.
    pub(crate) fn admin(&self, arguments: &[&str]) -> String {
        succeed(&self.folder, &[&["admin"], arguments].concat())
    }

    /// The same, read as JSON.
    pub(crate) fn admin_json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.admin(&[&["--json"], arguments].concat())).unwrap()
    }

    /// The first bearer token.
    pub(crate) fn first_token(&self) -> String {
        let file = self.folder.join("strongroom-data/first/bearer.token");
        fs::read_to_string(file).unwrap().trim().to_owned()
    }

    /// Asks the public listener.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        ask(&self.public, method, path, headers, body).unwrap()
    }

    /// Asks the public listener as the holder of a bearer token.
    pub(crate) fn ask_as(&self, token: &str, method: &str, path: &str, body: &str) -> Answer {
        self.ask(method, path, &[("Authorization", &format!("Bearer {token}"))], body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// One request on a connection of its own.
pub(crate) fn ask(
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    ask_by_name(host, host, method, path, headers, body)
}

/// The same with the name in `Host` that a proxy would leave there.
pub(crate) fn ask_by_name(
    address: &str,
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    if !body.is_empty() {
        let _ = write!(request, "Content-Type: application/json\r\n");
    }
    let _ = write!(request, "Content-Length: {}\r\n\r\n{body}", body.len());
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    Ok(Answer { status, head: head.to_owned(), body: unchunked(head, body) })
}

fn unchunked(head: &str, body: &str) -> String {
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let mut whole = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        whole.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
    whole
}

/// A token of the application `app` for the identity "ann", as an `Authorization` header has it.
pub(crate) fn virgil_token(app: &str, key_id: &str, key: &SigningKey) -> String {
    let application = ApplicationKey::new(RealmId::new(app).unwrap(), key_id, key.clone()).unwrap();
    let now = SystemClock::new().wall();
    let token = application.token(&Subject::new("ann").unwrap(), now, 600, None).unwrap();
    format!("Virgil {}", token.expose())
}
