//! SES: sends mail, each once.

use std::error::Error;

use aws_sdk_ses::{
    Client,
    error::SdkError,
    primitives::Blob,
    types::{MessageTag, RawMessage},
};
use aws_smithy_runtime_api::client::result::DispatchFailure;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use taskbell_domain::ports::{Mail, MailError, MailTags, Mailer};

use crate::{events::mail_event, send_boxed::SendBoxed};

/// Codes that can speak of the mail itself, so that offering it again and again is of no use ("SendRawEmail" and
/// "Common errors", Amazon SES API reference). All others speak of the account, the role, the configuration set or the
/// clock: the mail waits until somebody has mended that.
const OF_THE_MAIL: &[&str] = &[
    "MessageRejected",
    "InvalidParameterValue",
    "InvalidParameterCombination",
    "MissingParameter",
    "ValidationError",
    "ValidationException",
];

/// What the v1 API says in the message of a `MessageRejected` that is not about the mail ("Amazon SES email sending
/// errors", Amazon SES developer guide): an account or configuration set that is paused, suspended or disabled, or a
/// quota.
const OF_THE_ACCOUNT: &[&str] = &["paused", "suspended", "disabled", "quota", "rate exceeded"];

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
            .send_boxed()
            .await;
        result.map(|answer| answer.message_id).map_err(|error| match &error {
            SdkError::ConstructionFailure(_) => MailError::Refused("not built".to_owned()),
            SdkError::ServiceError(answer) if answer.raw().status().is_client_error() => {
                let code = answer.err().code().unwrap_or("UnknownError");
                let message = answer.err().message().unwrap_or_default().to_lowercase();
                if self.is_about_the_mail(code, &message, mail) {
                    MailError::Refused(code.to_owned())
                } else {
                    MailError::Deferred(code.to_owned())
                }
            }
            SdkError::ServiceError(_) => MailError::Unknown("server error".to_owned()),
            SdkError::DispatchFailure(failure) if never_connected(failure) => {
                MailError::Deferred("no connection".to_owned())
            }
            SdkError::TimeoutError(_) => MailError::Unknown("timeout".to_owned()),
            _ => MailError::Unknown("connection lost".to_owned()),
        })
    }
}

impl SesMailer {
    /// Whether SES refuses this mail, and not any mail at present. `message` is in lower case.
    fn is_about_the_mail(&self, code: &str, message: &str, mail: &Mail) -> bool {
        if !OF_THE_MAIL.contains(&code) {
            return false;
        }
        let of_address = |c: char| !c.is_whitespace() && !",;:<>()\"'".contains(c);
        let words = || message.split(|c| !of_address(c)).map(|word| word.trim_end_matches('.'));
        let names = |address: &str| words().any(|word| word == address.to_lowercase());
        if message.contains("not verified") {
            // It names the identities that failed: the sender, or, in the sandbox, the recipient.
            return names(mail.to.as_str()) && !names(&self.sender);
        }
        // An address that it quotes may hold any of the words.
        let prose: Vec<_> = words().filter(|word| !word.contains('@')).collect();
        let prose = prose.join(" ");
        !OF_THE_ACCOUNT.iter().any(|words| prose.contains(words))
    }
}

/// Whether no connection could be opened (a name that was not found, a refused connection, TLS), so that nothing of the
/// request was written.
fn never_connected(failure: &DispatchFailure) -> bool {
    let mut next = failure.as_connector_error().and_then(|error| error.source());
    while let Some(error) = next {
        if error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|e| e.is_connect()) {
            return true;
        }
        next = error.source();
    }
    false
}

/// What SES is to repeat when it tells what became of a mail.
fn tags(about: &MailTags) -> Result<Vec<MessageTag>, MailError> {
    let reminder = about.reminder.map(|id| (mail_event::REMINDER, id.to_string()));
    let user = about.user.map(|id| (mail_event::USER, id.to_string()));
    let tags =
        [(mail_event::SUBJECT, about.subject.to_string())].into_iter().chain(reminder).chain(user);
    let built = tags.map(|(name, value)| MessageTag::builder().name(name).value(value).build());
    built.collect::<Result<_, _>>().map_err(|e| MailError::Refused(e.to_string()))
}
