//! The driver against the server itself, in this process.

use std::sync::Arc;

use super::super::in_process::{application, server};
use super::*;

fn connector() -> Arc<dyn Connector> {
    Arc::new(KeyknoxConnector::new(server(), &application()))
}

#[tokio::test]
async fn a_client_makes_its_record_and_replaces_and_reads_it() {
    let connector = connector();
    for value_bytes in [1024, 100 * 1024] {
        let mut driver = connector.connect(0, value_bytes).await.unwrap();
        for _ in 0..5 {
            assert_eq!(driver.put().await.unwrap(), Outcome::Done);
            assert_eq!(driver.get().await.unwrap(), Outcome::Done);
        }
    }
}

#[tokio::test]
async fn a_stale_write_is_refused_once_and_a_foreign_change_is_noticed_when_read() {
    let connector = connector();
    let mut one = connector.connect(0, 1024).await.unwrap();
    let mut other = connector.connect(0, 1024).await.unwrap();
    assert_eq!(one.put().await.unwrap(), Outcome::Done);
    assert!(other.get().await.is_err());
    assert_eq!(other.put().await.unwrap(), Outcome::Refused);
    assert_eq!(other.put().await.unwrap(), Outcome::Done);
    assert_eq!(one.put().await.unwrap(), Outcome::Refused);
}

#[tokio::test]
async fn clients_do_not_share_records() {
    let connector = connector();
    let mut one = connector.connect(0, 1024).await.unwrap();
    let mut other = connector.connect(1, 1024).await.unwrap();
    assert_eq!(one.put().await.unwrap(), Outcome::Done);
    assert_eq!(other.put().await.unwrap(), Outcome::Done);
    assert_eq!(one.get().await.unwrap(), Outcome::Done);
}

#[test]
fn a_window_over_the_server_counts_what_it_did() {
    use crate::run::{Halt, Operation, Pace, Window, measure};
    use std::time::Duration;

    let connector = connector();
    let window = Window {
        operation: Operation::Put,
        value_bytes: 1024,
        clients: 5,
        threads: 2,
        core: None,
        warm_up: Duration::from_millis(50),
        length: Duration::from_millis(300),
        pace: Pace::Closed,
    };
    let halt = Arc::new(Halt::default());
    let mut edges = 0;
    let mut at_edge = || {
        edges += 1;
        edges
    };
    let (sample, first, second) = measure(&connector, &window, &halt, &mut at_edge).unwrap();
    assert_eq!((first, second), (1, 2));
    assert_eq!((sample.failed, sample.refused), (0, 0), "{:?}", sample.first_error);
    assert!(sample.latency.len() > 5);

    let open = Window { pace: Pace::Open { per_second: 200 }, ..window };
    let (sample, _, _) = measure(&connector, &open, &halt, || ()).unwrap();
    let due = 60;
    assert!(sample.latency.len().abs_diff(due) <= 1, "{} of {due} were due", sample.latency.len());
}
