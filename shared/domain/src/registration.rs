//! Who may register an account.

use jiff::{SignedDuration, Timestamp};

use crate::{
    email::EmailAddress,
    id::UserId,
    invitation::{INVITATION_LIFETIME, INVITATION_PAUSE},
    string_enum::string_enum,
};

string_enum!(Registration, "Who may register an account of a stack, besides its operator.",
    Invited = "invited": "Addresses with an open invitation, into a space or by an operator.",
    Open = "open": "Everyone.",
    Closed = "closed": "Nobody.",
);

/// The decision about a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The address may register.
    Allowed,
    /// The address may register if it has an open invitation.
    IfInvited,
    /// The address may not register.
    Refused,
}

/// Who may register an account of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// Who may register besides the operator.
    pub registration: Registration,
    /// The operator address of the stack, which may always register.
    pub operator: Option<EmailAddress>,
}

impl RegistrationPolicy {
    /// The decision about an address. It does not depend on whether the address has an account.
    pub fn admission(&self, email: &EmailAddress) -> Admission {
        let operator = self.operator.as_ref().map(EmailAddress::canonical);
        match self.registration {
            Registration::Open => Admission::Allowed,
            _ if operator == Some(email.canonical()) => Admission::Allowed,
            Registration::Invited => Admission::IfInvited,
            Registration::Closed => Admission::Refused,
        }
    }
}

/// An operator's invitation to register. Each address has at most one: a new one replaces the previous one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationInvitation {
    /// The invited address.
    pub email: EmailAddress,
    /// The operator.
    pub invited_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
}

impl RegistrationInvitation {
    /// From when on the address can no longer register with it.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at + INVITATION_LIFETIME
    }

    /// How long it cannot be replaced yet, so that a repeated request sends no second mail.
    pub fn pause(&self, now: Timestamp) -> Option<SignedDuration> {
        let pause = (self.created_at + INVITATION_PAUSE).duration_since(now);
        pause.is_positive().then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Registration, RegistrationPolicy};
    use crate::email::EmailAddress;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).expect("an address")
    }

    #[test]
    fn the_operator_may_always_register_and_others_as_the_stack_says() {
        let operator = Some(address("Boss@example.com"));
        for (registration, expected) in [
            (Registration::Open, Admission::Allowed),
            (Registration::Invited, Admission::IfInvited),
            (Registration::Closed, Admission::Refused),
        ] {
            let policy = RegistrationPolicy { registration, operator: operator.clone() };
            assert_eq!(policy.admission(&address("boss@EXAMPLE.com")), Admission::Allowed);
            assert_eq!(policy.admission(&address("eve@example.com")), expected, "{registration:?}");
            let policy = RegistrationPolicy { registration, operator: None };
            assert_eq!(policy.admission(&address("boss@example.com")), expected, "{registration:?}");
        }
    }
}
