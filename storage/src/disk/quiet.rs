//! Turns a backend's panics into errors.
//!
//! Backends panic where they find what they did not expect: sled in any build, on the caller's thread or on its own,
//! redb in debug builds. The caller's are caught here. A panic prints itself before it can be caught, and an operator
//! who meets a damaged file should read one clear line, so a hook keeps the words of caught panics, and of sled's own
//! threads, for the log.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Set for the rest of the process once a thread of sled's own panicked: whoever waits for it then waits for ever.
static SLED_THREAD_LOST: AtomicBool = AtomicBool::new(false);

/// What begins the names of sled's own threads.
const SLED_THREAD: &str = "sled-io-";

/// Whether sled lost one of its threads in this process.
#[cfg(feature = "sled")]
pub(crate) fn lost_a_sled_thread() -> bool {
    SLED_THREAD_LOST.load(Ordering::SeqCst)
}

/// Runs `work` and gives the words of its panic, if it panics.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let on_sled_thread =
                std::thread::current().name().is_some_and(|name| name.starts_with(SLED_THREAD));
            if on_sled_thread {
                SLED_THREAD_LOST.store(true, Ordering::SeqCst);
                tracing::error!(%panic, "a thread of sled's panicked; it cannot write any more");
            } else if CATCHING.get() {
                tracing::debug!(%panic, "a backend panicked");
            } else {
                previous(panic);
            }
        }));
    });
    let outer = CATCHING.replace(true);
    // What a panic leaves half done is the backend's, which is closed before anybody writes to it again.
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(outer);
    outcome.map_err(|words| {
        words
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| words.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without words")
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_words() {
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(catch(|| -> u8 { panic!("number {}", 5) }), Err("number 5".into()));
    }
}
