//! The driver against the server itself, in this process.

use std::sync::Arc;

use super::super::in_process::{application, server};
use super::*;

#[tokio::test]
async fn a_client_makes_its_record_and_replaces_and_reads_it() {
    let connector: Arc<dyn Connector> = Arc::new(NativeConnector::new(server(), &application()));
    let mut driver = connector.connect(0, 1024).await.unwrap();
    for _ in 0..5 {
        assert_eq!(driver.put().await.unwrap(), Outcome::Done);
        assert_eq!(driver.get().await.unwrap(), Outcome::Done);
    }
}

#[tokio::test]
async fn a_subscriber_is_welcomed_and_subscribed() {
    let mut link = Link::open(server(), &application(), "subscriber-0").await.unwrap();
    link.subscribe().await.unwrap();
}

#[test]
fn a_stale_write_gives_the_present_tag_and_a_missing_record_its_absence() {
    let stale =
        r#"{"problem":{"id":3,"problem":{"status":412,"code":"stale-record","head":{"tag":"abc="}}}}"#;
    assert_eq!(read_reply(stale).unwrap(), Reply::Stale("abc=".to_owned()));
    let absent = r#"{"problem":{"id":3,"problem":{"status":404,"code":"unknown-record"}}}"#;
    assert_eq!(read_reply(absent).unwrap(), Reply::Absent);
}

#[test]
fn any_other_problem_is_an_error_with_its_text() {
    let busy = r#"{"problem":{"id":3,"problem":{"status":503,"code":"overloaded"}}}"#;
    assert!(read_reply(busy).unwrap_err().to_string().contains("overloaded"));
    assert!(read_reply("no frame").is_err());
}
