//! E-mail addresses: which are accepted, and when two of them are the same.

use std::str::FromStr;

use crate::{credential::sha256_hex, violation::Violation};

/// A checked address.
///
/// The local part is ASCII, because SES does not send to others (SMTPUTF8, RFC 6531). The domain can be
/// international; it is kept in its ASCII form (IDNA, UTS 46).
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Checks an address. The domain comes out in lower case and ASCII, the local part as typed.
    ///
    /// # Errors
    /// A [`Violation`] with code `invalid_email`.
    pub fn parse(value: &str) -> Result<Self, Violation> {
        let invalid = |why: &str| Violation::new("invalid_email", why.to_owned());
        let (local, domain) = value
            .trim()
            .rsplit_once('@')
            .ok_or_else(|| invalid("It has no @: give an address like name@example.com."))?;
        if !local.is_ascii() {
            return Err(invalid("The part before the @ must be ASCII: mail to others cannot be sent."));
        }
        let domain = idna::domain_to_ascii_strict(domain)
            .map_err(|_| invalid("The part after the @ is not a domain name."))?;
        let address = format!("{local}@{domain}");
        if !domain.contains('.')
            || local.starts_with('"')
            || email_address::EmailAddress::from_str(&address).is_err()
        {
            return Err(invalid("Give an address like name@example.com."));
        }
        Ok(Self(address))
    }

    /// The address as mail is sent to it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two addresses are compared: all lower case. Mail systems may tell `A@` from
    /// `a@` (RFC 5321 §2.4); people do not, and none that matters does.
    pub fn canonical(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Hash of the canonical form, for places where the address itself should not stand.
    pub fn hash(&self) -> String {
        sha256_hex(self.canonical().as_bytes())
    }
}

/// Addresses must not reach the logs, so their debug form hides them.
impl std::fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_differ_in_case_or_in_idn_spelling_are_one() {
        let canonical = |text| EmailAddress::parse(text).unwrap().canonical();
        assert_eq!(canonical("Ada@Example.COM"), canonical("ada@example.com"));
        assert_eq!(canonical("ada@bücher.example"), canonical("ada@XN--bcher-kva.example"));
    }

    #[test]
    fn what_cannot_receive_mail_is_refused() {
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a b@example.com",
            "ada@exa mple.com",
            "ada@example..com",
            "ädä@example.com",
            "ada@example.com\r\nBcc: eve@example.com",
            "\"a\\\r\n b\"@example.com",
            "ada@[127.0.0.1]",
            "a@b@example.com",
        ] {
            let refused = EmailAddress::parse(bad).expect_err(bad);
            assert_eq!(refused.code, "invalid_email", "{bad:?}");
        }
        assert!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(65))).is_err());
    }

    #[test]
    fn the_debug_form_hides_the_address() {
        assert!(!format!("{:?}", EmailAddress::parse("ada@example.com").unwrap()).contains("ada"));
    }
}
