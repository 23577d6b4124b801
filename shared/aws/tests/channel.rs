//! Each message to a live connection is one call of the management API, without retries.

use taskbell_aws::ApiGatewayChannel;
use taskbell_domain::ports::{LiveChannel, PortError, Reached};
use taskbell_test_aws::service::{Reply, Service};

const MESSAGE: &str = r#"{"type":"heartbeat"}"#;

fn channel(service: &Service) -> ApiGatewayChannel {
    let endpoint = format!("http://{}/live", service.address());
    ApiGatewayChannel::new(service.connection().live(endpoint))
}

/// The result of a message that the management API answers in this way. Asserts that there is one call.
async fn sent(reply: Reply) -> Result<Reached, PortError> {
    let service = Service::start([reply, Reply::Answer(200, String::new())]).await;
    let sent = channel(&service).send("L0SM9cOFvHcCIhw=", MESSAGE).await;
    assert_eq!(service.bodies(), [MESSAGE]);
    sent
}

#[tokio::test]
async fn a_message_is_sent_once_whatever_the_answer() {
    assert_eq!(sent(Reply::Answer(200, String::new())).await.expect("an answer"), Reached::Yes);
    assert_eq!(sent(Reply::Answer(410, "{}".to_owned())).await.expect("an answer"), Reached::Gone);
    for status in [403, 413, 429, 500, 503] {
        sent(Reply::Answer(status, "{}".to_owned())).await.expect_err("a failure");
    }
    for reply in [Reply::Close, Reply::Garbage] {
        sent(reply).await.expect_err("a failure");
    }
}

#[tokio::test]
async fn a_message_without_an_answer_fails_after_a_second() {
    let start = std::time::Instant::now();
    let error = sent(Reply::Hang).await.expect_err("a failure");
    assert!(error.transient, "{error}");
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "the limit is one second");
}

#[tokio::test]
async fn closing_a_connection_that_has_ended_is_no_error() {
    for (status, is_closed) in [(204, true), (410, true), (403, false), (500, false)] {
        let service = Service::start([Reply::Answer(status, String::new())]).await;
        let closed = channel(&service).close("L0SM9cOFvHcCIhw=").await;
        assert_eq!(closed.is_ok(), is_closed, "{status}");
    }
}
