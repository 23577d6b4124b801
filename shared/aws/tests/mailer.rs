//! Each mail is one call of SES, and each answer of SES becomes the right outcome.

use std::time::Duration;

use aws_sdk_ses::config::timeout::TimeoutConfig;
use taskbell_aws::{Connection, SesMailer};
use taskbell_domain::{
    email::EmailAddress,
    notification::NotificationKind,
    ports::{Mail, MailError, MailTags, Mailer},
    timer::TimerTarget,
};
use taskbell_test::fixtures::{due_draft, notification, task, user};

use taskbell_test_aws::service::{Reply, Service, connection};

const SENDER: &str = "Reminders@example.com";
const RECIPIENT: &str = "ada@example.org";

/// The mailer of a function, with a timeout of half a second.
fn mailer(connection: &Connection) -> SesMailer {
    let client = connection.ses();
    let timeouts = client.config().timeout_config().expect("time limits").to_builder();
    let timeouts: TimeoutConfig = timeouts
        .operation_attempt_timeout(Duration::from_millis(500))
        .operation_timeout(Duration::from_millis(500))
        .build();
    let client =
        aws_sdk_ses::Client::from_conf(client.config().to_builder().timeout_config(timeouts).build());
    SesMailer::new(client, SENDER.to_owned(), "set-1".to_owned())
}

fn mail() -> Mail {
    let ada = user(1);
    let task = task(1, &ada, due_draft("Ring", "2026-03-02T09:00:00Z", &["PT1H"]));
    Mail {
        tags: MailTags {
            target: TimerTarget::Task(task.id),
            reminder: Some(task.reminders[0].id),
            user: Some(ada.id),
        },
        to: EmailAddress::parse(RECIPIENT).expect("an address"),
        message: b"Subject: Ring\r\n\r\nRing.\r\n".to_vec(),
    }
}

fn accepted() -> Reply {
    let result = "<SendRawEmailResult><MessageId>message-1</MessageId></SendRawEmailResult>";
    Reply::Answer(200, format!("<SendRawEmailResponse>{result}</SendRawEmailResponse>"))
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    let error =
        format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    Reply::Answer(status, format!("<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"))
}

/// The outcome of a mail that SES answers in this way. Asserts that SES is called once.
async fn outcome(reply: Reply) -> Result<String, MailError> {
    let service = Service::start([reply, accepted()]).await;
    let outcome = mailer(&service.connection()).send(&mail()).await;
    assert_eq!(service.bodies().len(), 1, "SES is called exactly once");
    outcome
}

fn is_deferred(outcome: &Result<String, MailError>) -> bool {
    matches!(outcome, Err(MailError::Deferred(_)))
}

fn is_refused(outcome: &Result<String, MailError>) -> bool {
    matches!(outcome, Err(MailError::Refused(_)))
}

fn is_unknown(outcome: &Result<String, MailError>) -> bool {
    matches!(outcome, Err(MailError::Unknown(_)))
}

#[tokio::test]
async fn a_mail_is_sent_once_with_sender_recipient_and_tags() {
    let service = Service::start([accepted()]).await;
    let mail = mail();
    assert_eq!(mailer(&service.connection()).send(&mail).await, Ok("message-1".to_owned()));
    let bodies = service.bodies();
    let [body] = bodies.as_slice() else { panic!("{bodies:?}") };
    let MailTags { target, reminder, user } = mail.tags;
    for (index, (name, value)) in [
        ("taskbell-subject", target.to_string()),
        ("taskbell-reminder", reminder.expect("a reminder").to_string()),
        ("taskbell-user", user.expect("a user").to_string()),
    ]
    .iter()
    .enumerate()
    {
        let tag = format!("Tags.member.{0}.Name={name}&Tags.member.{0}.Value={value}", index + 1);
        assert!(body.contains(&tag), "{tag}: {body}");
    }
    for part in [
        "Action=SendRawEmail",
        "Source=Reminders%40example.com",
        "Destinations.member.1=ada%40example.org",
        "ConfigurationSetName=set-1",
        "RawMessage.Data=",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(!body.contains("Destinations.member.2"), "{body}");
}

#[tokio::test]
async fn a_mail_to_an_address_without_an_account_has_no_user_tag() {
    let service = Service::start([accepted()]).await;
    let kind = NotificationKind::Verification { to: user(1).id };
    let tags = MailTags {
        target: TimerTarget::Notification(notification(1, kind).id),
        reminder: None,
        user: None,
    };
    mailer(&service.connection()).send(&Mail { tags, ..mail() }).await.expect("it is accepted");
    assert!(!service.bodies()[0].contains("Tags.member.2"), "{:?}", service.bodies());
}

#[tokio::test]
async fn an_error_of_the_account_defers_the_mail() {
    // "Common errors" and "SendRawEmail", Amazon SES API reference.
    for (status, code) in [
        (400, "Throttling"),
        (400, "ThrottlingException"),
        (400, "LimitExceededException"),
        (400, "AccountSendingPausedException"),
        (400, "ConfigurationSetSendingPausedException"),
        (400, "ConfigurationSetDoesNotExist"),
        (400, "MailFromDomainNotVerifiedException"),
        (400, "AccessDeniedException"),
        (403, "AccessDenied"),
        (400, "RequestExpired"),
        (403, "ExpiredToken"),
        (403, "InvalidClientTokenId"),
        (403, "SignatureDoesNotMatch"),
        (400, "IncompleteSignature"),
        (403, "OptInRequired"),
        (403, "MissingAuthenticationToken"),
        (400, "SomethingNew"),
    ] {
        let outcome = outcome(error(status, code, "No.")).await;
        assert_eq!(outcome, Err(MailError::Deferred(code.to_owned())), "{code}");
    }
}

#[tokio::test]
async fn a_rejection_because_of_the_account_or_the_sender_defers_the_mail() {
    let failed =
        "Email address is not verified. The following identities failed the check in region US-EAST-1:";
    for message in [
        "Sending paused for this account. For more information, please check the inbox of the email address associated \
         with your AWS account.",
        "Sending suspended for this account. For more information, see your AWS account.",
        "Email sending is disabled for this account.",
        "Email sending for the configuration set is paused.",
        "Maximum sending rate exceeded.",
        "Daily message quota exceeded.",
        &format!("{failed} reminders@example.com"),
        &format!("{failed} REMINDERS@EXAMPLE.COM, ada@example.org"),
        &format!("{failed} Taskbell &lt;reminders@example.com&gt;"),
        &format!("{failed} arn:aws:ses:us-east-1:1:identity/example.com"),
        "Email address is not verified.",
    ] {
        let outcome = outcome(error(400, "MessageRejected", message)).await;
        assert!(is_deferred(&outcome), "{message}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_rejection_because_of_the_mail_refuses_it() {
    let failed =
        "Email address is not verified. The following identities failed the check in region US-EAST-1:";
    for (code, message) in [
        ("MessageRejected", &*format!("{failed} ada@example.org")),
        ("MessageRejected", &format!("{failed} ADA@EXAMPLE.ORG")),
        ("MessageRejected", &format!("{failed} ada@example.org.")),
        ("MessageRejected", "Address quota@paused.example is on the suppression list."),
        ("MessageRejected", "Address blacklisted."),
        ("MessageRejected", "Message length is more than 10485760 bytes long."),
        ("InvalidParameterValue", "Missing final '@domain'"),
        ("InvalidParameterValue", "Duplicate header 'To'."),
        ("ValidationError", "1 validation error detected"),
    ] {
        let outcome = outcome(error(400, code, message)).await;
        assert!(is_refused(&outcome), "{code} {message}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_or_a_server_error_is_uncertain() {
    for reply in [
        Reply::Close,
        Reply::Hang,
        Reply::Garbage,
        error(500, "InternalFailure", "No."),
        error(503, "ServiceUnavailable", "No."),
        Reply::Answer(500, String::new()),
        Reply::Answer(200, "no XML".to_owned()),
    ] {
        let outcome = outcome(reply.clone()).await;
        assert!(is_unknown(&outcome), "{reply:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_opened_defers_the_mail() {
    let closed = Service::start([]).await.address();
    // Names under .invalid never resolve (RFC 2606).
    for endpoint in
        [format!("http://{closed}"), format!("https://{closed}"), "https://ses.invalid".to_owned()]
    {
        let outcome = mailer(&connection(endpoint.clone())).send(&mail()).await;
        assert!(is_deferred(&outcome), "{endpoint}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_failed_tls_handshake_defers_the_mail() {
    // A server that does not speak TLS, and one that never answers (until the timeout of 1 s).
    for reply in [Reply::Garbage, Reply::Hang] {
        let service = Service::start([]).await;
        service.greet(reply);
        let client = connection(format!("https://{}", service.address())).ses();
        let mailer = SesMailer::new(client, SENDER.to_owned(), "set-1".to_owned());
        let outcome = mailer.send(&mail()).await;
        assert!(is_deferred(&outcome), "{outcome:?}");
    }
}

#[tokio::test]
async fn each_mail_opens_a_new_connection() {
    // While a function is frozen, SES may close an idle connection, which looks open until the function writes to it.
    let service = Service::start([accepted(), accepted(), accepted()]).await;
    let mailer = mailer(&service.connection());
    for _ in 0..3 {
        mailer.send(&mail()).await.expect("it is accepted");
    }
    assert_eq!((service.bodies().len(), service.connections()), (3, 3));
}
