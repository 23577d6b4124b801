//! SES: sends each mail at most once.

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

/// Error codes that can concern the mail itself, so that a retry is useless. All others concern the account, the role, the
/// configuration set or the clock: the mail is deferred until that is fixed.
///
/// Source: "SendRawEmail" and "Common errors", Amazon SES API reference.
const MAIL_ERRORS: &[&str] = &[
    "MessageRejected",
    "InvalidParameterValue",
    "InvalidParameterCombination",
    "MissingParameter",
    "ValidationError",
    "ValidationException",
];

/// Phrases in the message of a `MessageRejected` error that does not concern the mail: an account or configuration set that is
/// paused, suspended or disabled, or a quota. The v1 API has no separate codes for them.
///
/// Source: "Amazon SES email sending errors", Amazon SES developer guide.
const ACCOUNT_PHRASES: &[&str] = &["paused", "suspended", "disabled", "quota", "rate exceeded"];

/// Sends mail through SES from one verified address. The client must not retry (see [`Connection::ses`]).
///
/// [`Connection::ses`]: crate::Connection::ses
#[derive(Clone)]
pub struct SesMailer {
    client: Client,
    sender: String,
    configuration_set: String,
}

impl SesMailer {
    /// `configuration_set` publishes the events of each mail (deliveries, bounces, complaints).
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
            .set_tags(Some(message_tags(&mail.tags)?))
            .source(&self.sender)
            .destinations(mail.to.as_str())
            .raw_message(message)
            .send_boxed()
            .await;
        result.map(|answer| answer.message_id).map_err(|error| match &error {
            SdkError::ConstructionFailure(_) => MailError::Refused("invalid request".to_owned()),
            SdkError::ServiceError(answer) if answer.raw().status().is_client_error() => {
                let code = answer.err().code().unwrap_or("UnknownError");
                let message = answer.err().message().unwrap_or_default().to_lowercase();
                if self.is_mail_error(code, &message, mail) {
                    MailError::Refused(code.to_owned())
                } else {
                    MailError::Deferred(code.to_owned())
                }
            }
            SdkError::ServiceError(_) => MailError::Unknown("server error".to_owned()),
            SdkError::DispatchFailure(failure) if is_connect_error(failure) => {
                MailError::Deferred("connection failed".to_owned())
            }
            SdkError::TimeoutError(_) => MailError::Unknown("timeout".to_owned()),
            _ => MailError::Unknown("connection lost".to_owned()),
        })
    }
}

impl SesMailer {
    /// Whether SES refuses this mail in particular, and not any mail at present. `message` must be in lower case.
    fn is_mail_error(&self, code: &str, message: &str, mail: &Mail) -> bool {
        if !MAIL_ERRORS.contains(&code) {
            return false;
        }
        let is_address_char = |c: char| !c.is_whitespace() && !",;:<>()\"'".contains(c);
        let words = || message.split(|c| !is_address_char(c)).map(|word| word.trim_end_matches('.'));
        let names = |address: &str| words().any(|word| word == address.to_lowercase());
        if message.contains("not verified") {
            // The message names the identities that are not verified: the sender or, in the SES sandbox, the recipient.
            return names(mail.to.as_str()) && !names(&self.sender);
        }
        // An address in the message may contain any of the phrases.
        let prose: Vec<_> = words().filter(|word| !word.contains('@')).collect();
        let prose = prose.join(" ");
        !ACCOUNT_PHRASES.iter().any(|phrase| prose.contains(phrase))
    }
}

/// Whether no connection could be opened (DNS, connection refused, TLS), so that no part of the request was sent.
fn is_connect_error(failure: &DispatchFailure) -> bool {
    let mut next = failure.as_connector_error().and_then(|error| error.source());
    while let Some(error) = next {
        if error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|e| e.is_connect()) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Message tags, which SES repeats in the events of the mail.
fn message_tags(tags: &MailTags) -> Result<Vec<MessageTag>, MailError> {
    let reminder = tags.reminder.map(|id| (mail_event::REMINDER, id.to_string()));
    let user = tags.user.map(|id| (mail_event::USER, id.to_string()));
    let named = [(mail_event::TARGET, tags.target.to_string())].into_iter().chain(reminder).chain(user);
    let built = named.map(|(name, value)| MessageTag::builder().name(name).value(value).build());
    built.collect::<Result<_, _>>().map_err(|e| MailError::Refused(e.to_string()))
}
