//! The process that is killed.

use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

/// Set for the process that is to be killed: how far it may go, and where its store is.
const ROLE: &str = "STRONGROOM_KILLED";

/// How long a process may take until it says something.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the process that is to be killed has to do.
pub(crate) struct Role {
    /// How far it may go; there it waits.
    pub(crate) limit: u64,
    /// The store to work on.
    pub(crate) store: PathBuf,
}

/// This process's role, if it is the one that is to be killed.
pub(crate) fn role() -> Option<Role> {
    let role = env::var(ROLE).ok()?;
    let (limit, store) = role.split_once(' ').expect("a role has two parts");
    Some(Role { limit: limit.parse().expect("a limit is a number"), store: store.into() })
}

/// Tells the process that started this one of a number.
pub(crate) fn tell(word: &str, number: u64) {
    println!("told {word} {number}");
}

/// Waits to be killed.
///
/// # Panics
/// If nobody does.
pub(crate) fn wait_for_the_end() -> ! {
    thread::sleep(PATIENCE);
    panic!("nobody has killed this process");
}

/// Another run of this program.
pub(crate) struct Process {
    child: Child,
    told: Receiver<(String, u64)>,
}

impl Process {
    /// Starts it as another run of the test `test`.
    pub(crate) fn start(test: &str, limit: u64, store: &Path) -> Self {
        let mut child = Command::new(env::current_exe().expect("a test knows its program"))
            .args([test, "--exact", "--nocapture"])
            .env(ROLE, format!("{limit} {}", store.display()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let output = BufReader::new(child.stdout.take().expect("piped above"));
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // A line that the kill cut off tells nothing.
                let Some((word, number)) = line.strip_prefix("told ").and_then(|rest| rest.split_once(' '))
                else {
                    continue;
                };
                let Ok(number) = number.parse() else { continue };
                if tell.send((word.to_owned(), number)).is_err() {
                    return;
                }
            }
        });
        Self { child, told }
    }

    /// What it tells next; `None` once it has ended.
    pub(crate) fn next(&self) -> Option<(String, u64)> {
        match self.told.recv_timeout(PATIENCE) {
            Ok(told) => Some(told),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("the process is stuck"),
        }
    }

    /// Kills it with SIGKILL and gives what it told that has not been taken yet.
    pub(crate) fn kill(mut self) -> Vec<(String, u64)> {
        self.end();
        // Ends when everything that was in the pipe has been read.
        self.told.iter().collect()
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
