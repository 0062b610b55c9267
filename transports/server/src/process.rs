//! The process itself: its limits, its signals, and the word to whoever supervises it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Raises the limit of open files as far as allowed, and keeps memory out of core dumps and debuggers.
pub(crate) fn prepare() {
    // Neither may keep a server from starting: the first sheds load later, the second is best effort by nature.
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => tracing::debug!(files, "limit of open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
    if let Err(error) = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0) {
        tracing::warn!(%error, "core dumps could not be switched off");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "the process could not be made undumpable");
    }
}

/// The signals that a server listens to.
pub(crate) struct Signals {
    term: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To end: SIGTERM or SIGINT, with the exit code of a process that the signal killed.
    Stop {
        /// 128 and the signal's number.
        code: i32,
    },
    /// To read TLS files again: SIGHUP.
    Reload,
}

impl Signals {
    /// Begins to listen. From here on the signals no longer end the process by themselves.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            biased;
            _ = self.term.recv() => Asked::Stop { code: 128 + 15 },
            _ = self.interrupt.recv() => Asked::Stop { code: 128 + 2 },
            _ = self.hangup.recv() => Asked::Reload,
        }
    }
}

/// Tells the service manager, if there is one.
pub(crate) fn tell_supervisor(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
