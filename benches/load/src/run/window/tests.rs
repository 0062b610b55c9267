//! Windows over targets made up for the purpose: one that stalls, one that fails, one that cannot be reached.

use std::sync::atomic::{AtomicBool, AtomicUsize};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::*;

/// What the made-up target does with one operation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Habit {
    /// Answers at once, but keeps the very first operation waiting.
    StallsOnce(Duration),
    /// Fails every operation.
    Fails,
    /// Refuses every compare-and-set.
    Refuses,
    /// Takes no connection.
    Unreachable,
}

struct Target {
    habit: Habit,
    connections: AtomicUsize,
    has_stalled: Arc<AtomicBool>,
}

struct Client {
    habit: Habit,
    has_stalled: Arc<AtomicBool>,
}

impl Connector for Target {
    fn connect(
        &self,
        _client: usize,
        _value_bytes: usize,
    ) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            if self.habit == Habit::Unreachable {
                bail!("nobody listens");
            }
            self.connections.fetch_add(1, Ordering::Relaxed);
            let client = Client { habit: self.habit, has_stalled: Arc::clone(&self.has_stalled) };
            Ok(Box::new(client) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

impl Driver for Client {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            match self.habit {
                Habit::StallsOnce(pause) => {
                    let first = !self.has_stalled.swap(true, Ordering::Relaxed);
                    tokio::time::sleep(if first { pause } else { Duration::ZERO }).await;
                    Ok(Outcome::Done)
                }
                Habit::Refuses => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    Ok(Outcome::Refused)
                }
                Habit::Fails | Habit::Unreachable => bail!("no"),
            }
        }
        .boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        self.put()
    }
}

fn target(habit: Habit) -> Arc<Target> {
    Arc::new(Target { habit, connections: AtomicUsize::new(0), has_stalled: Arc::default() })
}

fn window(clients: usize, pace: Pace) -> Window {
    Window {
        operation: Operation::Put,
        value_bytes: 64,
        clients,
        threads: 2,
        core: None,
        warm_up: Duration::ZERO,
        length: Duration::from_millis(300),
        pace,
    }
}

fn run(target: &Arc<Target>, window: Window) -> anyhow::Result<Sample> {
    let connector: Arc<dyn Connector> = Arc::clone(target) as Arc<dyn Connector>;
    measure(&connector, &window, &Arc::new(Halt::default()), || ()).map(|(sample, (), ())| sample)
}

#[test]
fn in_an_open_loop_a_stall_is_charged_to_everyone_who_was_due_meanwhile() {
    let target = target(Habit::StallsOnce(Duration::from_millis(200)));
    let sample = run(&target, window(1, Pace::Open { per_second: 500 })).unwrap();
    // A hundred came due during the stall; half of them waited at least half of it.
    let late = sample.latency.len() - sample.latency.count_between(0, nanos(Duration::from_millis(99)));
    assert!(late >= 45, "only {late} of {} were late", sample.latency.len());
}

#[test]
fn failures_are_counted_named_and_followed_by_a_new_connection() {
    let target = target(Habit::Fails);
    let sample = run(&target, window(2, Pace::Closed)).unwrap();
    assert!(sample.failed >= 2 && sample.latency.is_empty());
    assert_eq!(sample.first_error.as_deref(), Some("no"));
    assert!(target.connections.load(Ordering::Relaxed) > 2);
}

#[test]
fn a_refusal_is_no_operation_done_and_no_failure() {
    let sample = run(&target(Habit::Refuses), window(2, Pace::Closed)).unwrap();
    assert!(sample.refused > 0);
    assert_eq!((sample.latency.len(), sample.failed), (0, 0));
}

#[test]
fn a_target_that_takes_no_client_ends_the_window_at_once() {
    let error = run(&target(Habit::Unreachable), window(2, Pace::Closed)).unwrap_err();
    assert!(error.to_string().contains("nobody listens"));
}

#[test]
fn a_wish_to_end_is_heard_within_the_window() {
    let connector: Arc<dyn Connector> = target(Habit::Refuses);
    let halt = Arc::new(Halt::default());
    let long = Window { length: Duration::from_secs(3600), ..window(2, Pace::Closed) };
    let asked = Arc::clone(&halt);
    let asking = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        asked.ask();
    });
    assert!(measure(&connector, &long, &halt, || ()).is_err());
    asking.join().unwrap();
}
