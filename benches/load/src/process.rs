//! Server processes as the load program's own children: started, waited for, and surely ended.
//!
//! Every server runs under `setpriv --pdeathsig`, so it ends even if this program is killed without a chance to tidy
//! up; in every other case `Drop` ends it: first the server's own shutdown signal, then, after a patience, a kill.
//! The kernel ties that death signal to the thread that forked, so servers are started from the main thread only.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::measure::clock;

/// How long a server may take to end after its shutdown signal before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(12);

/// How much of a server's log is quoted when it does not start.
const LOG_TAIL_BYTES: usize = 2_000;

/// What to run, as whom and where.
pub(crate) struct Launch<'a> {
    pub(crate) name: &'static str,
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    /// The account to run under, for servers that refuse to be root.
    pub(crate) user: Option<&'static str>,
    /// The one core to run on; all cores when absent.
    pub(crate) core: Option<usize>,
    /// Where standard output and error go.
    pub(crate) log: PathBuf,
    /// The signal that asks for an orderly end.
    pub(crate) stop_with: Signal,
}

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    name: &'static str,
    child: Child,
    log: PathBuf,
    stop_with: Signal,
}

impl Launch<'_> {
    /// Starts the process; it need not be ready yet.
    pub(crate) fn start(self) -> anyhow::Result<ServerProcess> {
        let log = File::create(&self.log).with_context(|| format!("no log file for {}", self.name))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]);
        if let Some(user) = self.user {
            command.args(["--reuid", user, "--regid", user, "--init-groups"]);
        }
        if let Some(core) = self.core {
            command.args(["taskset", "-c", &core.to_string()]);
        }
        command.arg(self.program).args(&self.arguments).envs(self.environment.iter().map(|(k, v)| (k, v)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child =
            command.spawn().with_context(|| format!("cannot start {} (is setpriv there?)", self.name))?;
        Ok(ServerProcess { name: self.name, child, log: self.log, stop_with: self.stop_with })
    }
}

impl ServerProcess {
    /// The id of the process, root of the tree that is measured.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` says so, asking every `every`, and gives the time since the call.
    ///
    /// # Errors
    /// The process ended, or `patience` ran out; both quote the end of its log.
    pub(crate) fn wait_until(
        &mut self,
        patience: Duration,
        every: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> anyhow::Result<Duration> {
        let start = clock::now();
        loop {
            if ready() {
                return Ok(start.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at once ({status}): {}", self.name, self.log_tail());
            }
            if start.elapsed() > patience {
                bail!("{} was not ready after {patience:?}: {}", self.name, self.log_tail());
            }
            thread::sleep(every);
        }
    }

    /// Where standard output and error go.
    pub(crate) fn log_path(&self) -> &Path {
        &self.log
    }

    /// The whole log so far, for servers that announce themselves in it.
    pub(crate) fn log_text(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn log_tail(&self) -> String {
        let text = self.log_text();
        let mut from = text.len().saturating_sub(LOG_TAIL_BYTES);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        text[from..].trim().to_owned()
    }

    fn stop(&mut self) -> io::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            rustix::process::kill_process(pid, self.stop_with)?;
        }
        let start = clock::now();
        while start.elapsed() < STOP_PATIENCE {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("{} (process {}) could not be ended: {error}", self.name, self.child.id());
        }
    }
}

/// Binds the calling thread to one core.
pub(crate) fn bind_thread(core: usize) -> anyhow::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).with_context(|| format!("there is no core {core}"))
}

/// A loopback address whose port was free a moment ago.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free loopback port")?;
    Ok(listener.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path) -> ServerProcess {
        let launch = Launch {
            name: "shell",
            program: Path::new("sh"),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: vec![("GREETING".to_owned(), "hello".to_owned())],
            user: None,
            core: None,
            log: folder.join("log"),
            stop_with: Signal::TERM,
        };
        launch.start().unwrap()
    }

    #[test]
    fn a_process_that_ends_early_is_reported_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("echo \"$GREETING, no luck\"; exit 3", folder.path());
        let error = process
            .wait_until(Duration::from_secs(10), Duration::from_millis(5), || false)
            .unwrap_err()
            .to_string();
        assert!(error.contains("hello, no luck") && error.contains('3'), "{error}");
    }

    #[test]
    fn a_process_that_never_gets_ready_runs_out_of_patience() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("exec sleep 60", folder.path());
        assert!(process.wait_until(Duration::from_millis(30), Duration::from_millis(5), || false).is_err());
    }

    #[test]
    fn dropping_a_server_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell("exec sleep 60", folder.path());
        let entry = PathBuf::from(format!("/proc/{}", process.pid()));
        assert!(entry.exists());
        drop(process);
        assert!(!entry.exists());
    }
}
