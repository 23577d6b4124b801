//! Email addresses.

use std::str::FromStr;

use crate::{secret::sha256_hex, violation::Violation};

/// The maximum length of an address in octets: the maximum length of a path without its angle brackets (RFC 5321
/// §4.5.3.1.3, RFC 3696 erratum 1690).
pub const MAX_OCTETS: usize = 254;

fn invalid(why: &str) -> Violation {
    Violation::new("invalid_email", why)
}

/// A valid address.
///
/// The local part is ASCII, because the mail service does not support SMTPUTF8 (RFC 6531). An internationalized domain is
/// kept in its ASCII form (IDNA, UTS #46).
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Checks an address. The domain is converted to ASCII in lower case. The local part is unchanged.
    ///
    /// # Errors
    /// A [`Violation`] with code `invalid_email`.
    pub fn parse(value: &str) -> Result<Self, Violation> {
        let Self(address) = Self::parse_trusted(value)?;
        if address.len() > MAX_OCTETS {
            return Err(invalid(&format!("It must not exceed {MAX_OCTETS} characters.")));
        }
        // Programs that decode encoded words (RFC 2047) everywhere would read a different address.
        if address.contains("=?") {
            return Err(invalid("The part before the @ must not contain =?."));
        }
        Ok(Self(address))
    }

    /// Reads an address that is stored or compared with stored ones. It may be older than some checks of [`Self::parse`].
    ///
    /// # Errors
    /// A [`Violation`] with code `invalid_email`.
    pub fn parse_trusted(value: &str) -> Result<Self, Violation> {
        let (local, domain) = value
            .trim()
            .rsplit_once('@')
            .ok_or_else(|| invalid("It has no @: give an address such as name@example.com."))?;
        if !local.is_ascii() {
            return Err(invalid("The part before the @ must be ASCII."));
        }
        let domain = idna::domain_to_ascii_strict(domain)
            .map_err(|_| invalid("The part after the @ is not a domain name."))?;
        let address = format!("{local}@{domain}");
        // The crate also refuses local parts of more than 64 octets (RFC 5321 §4.5.3.1.1).
        if !domain.contains('.')
            || local.starts_with('"')
            || email_address::EmailAddress::from_str(&address).is_err()
        {
            return Err(invalid("Give an address such as name@example.com."));
        }
        Ok(Self(address))
    }

    /// The address that mail is sent to.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which addresses are compared: lower case. Local parts may be case-sensitive (RFC 5321 §2.4), but common
    /// mail systems ignore case.
    pub fn canonical(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Hash of the canonical form, for places that must not contain the address.
    pub fn hash(&self) -> String {
        sha256_hex(self.canonical().as_bytes())
    }
}

/// Hides the address, which must not appear in logs.
impl std::fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_differ_in_case_or_in_idn_form_are_equal() {
        let canonical = |text| EmailAddress::parse(text).unwrap().canonical();
        assert_eq!(canonical("Ada@Example.COM"), canonical("ada@example.com"));
        assert_eq!(canonical("ada@bücher.example"), canonical("ada@XN--bcher-kva.example"));
    }

    #[test]
    fn addresses_that_cannot_receive_mail_are_refused() {
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
    }

    #[test]
    fn a_local_part_has_at_most_64_octets_and_an_address_254() {
        let is_accepted = |address: &str| EmailAddress::parse(address).is_ok();
        let local = |length| format!("{}@example.com", "a".repeat(length));
        assert!(is_accepted(&local(64)) && !is_accepted(&local(65)));
        // Labels have up to 63 octets (RFC 1035 §2.3.4). One of them is longer in ASCII than in Unicode.
        for (label, octets) in [("b", 1), ("bü", "xn--b-xga".len())] {
            let address = |length: usize| {
                let labels = format!("{0}.{0}.{label}.example", "c".repeat(60));
                let rest = length - labels.len() + label.len() - octets - 1 - 64 - 1;
                format!("{}@{}.{labels}", "a".repeat(64), "d".repeat(rest))
            };
            let ascii = |length| EmailAddress::parse(&address(length)).map(|address| address.0.len());
            assert_eq!((ascii(254).ok(), ascii(255).is_ok()), (Some(254), false), "{label}");
            assert!(
                EmailAddress::parse_trusted(&address(255)).is_ok(),
                "stored addresses remain readable"
            );
        }
    }

    #[test]
    fn an_address_with_an_encoded_word_is_refused() {
        for address in ["=?utf-8?q?x?=@example.com", "a=?b@example.com"] {
            assert_eq!(EmailAddress::parse(address).unwrap_err().code, "invalid_email", "{address}");
            assert!(EmailAddress::parse_trusted(address).is_ok(), "stored addresses remain readable");
        }
        assert!(EmailAddress::parse("a=b?c@example.com").is_ok());
    }

    #[test]
    fn the_debug_form_hides_the_address() {
        assert!(!format!("{:?}", EmailAddress::parse("ada@example.com").unwrap()).contains("ada"));
    }
}
