//! Who mails come from.

use mail_builder::headers::{HeaderType, address::Address, raw::Raw};
use taskbell_domain::email::EmailAddress;

use super::encoded_word;

/// The longest name of a sender, in characters.
const MAX_NAME: usize = 64;

/// The sender of every mail.
#[derive(Clone)]
pub struct Sender {
    /// The address that SES has verified.
    pub address: EmailAddress,
    /// The name before it.
    pub name: SenderName,
    /// Where replies go; without it, to the address.
    pub reply_to: Option<EmailAddress>,
}

/// The display name of a sender: one line of 1..64 characters without control characters.
#[derive(Debug, Clone)]
pub struct SenderName(String);

impl SenderName {
    /// Checks a name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        // A line separator is no control character, but some programs break lines there.
        if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err("use one line without control characters");
        }
        if !(1..=MAX_NAME).contains(&text.chars().count()) {
            return Err("use 1 to 64 characters");
        }
        Ok(Self(text.to_owned()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A mailbox as the value of a header. The builder quotes the name and encodes what is not ASCII, but leaves a name that
/// looks encoded already as it is.
pub(super) fn mailbox<'a>(name: Option<&'a str>, address: &'a EmailAddress) -> HeaderType<'a> {
    match name.filter(|name| encoded_word::looks_encoded(name)) {
        Some(name) => {
            let value = format!("{} <{}>", encoded_word::encode(name), address.as_str());
            HeaderType::Raw(Raw::new(value))
        }
        None => HeaderType::Address(Address::new_address(name, address.as_str())),
    }
}
