//! SES: sends mail, each once.

use aws_sdk_ses::{
    Client,
    error::SdkError,
    primitives::Blob,
    types::{MessageTag, RawMessage},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use taskbell_domain::ports::{About, Mail, MailError, Mailer};

use crate::{mail_events, sent::Sent};

/// Codes that speak of the account and not of the mail: too many a second or a day, sending paused, or a
/// role or clock that is being mended. ("Handling errors", Amazon SES API reference.)
const NO_ROOM: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "LimitExceededException",
    "AccountSendingPausedException",
    "ConfigurationSetSendingPausedException",
    "ConfigurationSetDoesNotExist",
    "ConfigurationSetDoesNotExistException",
    "MailFromDomainNotVerified",
    "MailFromDomainNotVerifiedException",
    "AccessDenied",
    "AccessDeniedException",
    "RequestExpired",
    "ExpiredToken",
];

/// Sends through SES from one verified address. The client must not retry ([`Connection::ses`]).
///
/// [`Connection::ses`]: crate::Connection::ses
#[derive(Clone)]
pub struct SesMailer {
    client: Client,
    sender: String,
    configuration_set: String,
}

impl SesMailer {
    /// Sends from this address; what becomes of a mail is told by this configuration set.
    pub fn new(client: Client, sender: String, configuration_set: String) -> Self {
        Self { client, sender, configuration_set }
    }
}

impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<String, MailError> {
        let message = RawMessage::builder()
            .data(Blob::new(mail.message.clone()))
            .build()
            .map_err(|e| MailError::Refused(e.to_string()))?;
        let result = self
            .client
            .send_raw_email()
            .configuration_set_name(&self.configuration_set)
            .set_tags(Some(tags(&mail.about)?))
            .source(&self.sender)
            .destinations(mail.to.as_str())
            .raw_message(message)
            .sent()
            .await;
        result.map(|answer| answer.message_id).map_err(|error| match &error {
            SdkError::ConstructionFailure(_) => MailError::Refused("not built".to_owned()),
            SdkError::ServiceError(answer) if answer.raw().status().is_client_error() => {
                let code = answer.err().code().unwrap_or("refused");
                let of_the_mail = !NO_ROOM.contains(&code);
                if of_the_mail {
                    MailError::Refused(code.to_owned())
                } else {
                    MailError::NotNow(code.to_owned())
                }
            }
            SdkError::ServiceError(_) => MailError::Unknown("server error".to_owned()),
            SdkError::TimeoutError(_) => MailError::Unknown("timeout".to_owned()),
            _ => MailError::Unknown("connection lost".to_owned()),
        })
    }
}

/// What SES is to repeat when it tells what became of a mail.
fn tags(about: &About) -> Result<Vec<MessageTag>, MailError> {
    let reminder = about.reminder.map(|id| (mail_events::REMINDER, id.to_string()));
    let user = about.user.map(|id| (mail_events::USER, id.to_string()));
    let tags =
        [(mail_events::SUBJECT, about.subject.to_string())].into_iter().chain(reminder).chain(user);
    let built = tags.map(|(name, value)| MessageTag::builder().name(name).value(value).build());
    built.collect::<Result<_, _>>().map_err(|e| MailError::Refused(e.to_string()))
}
