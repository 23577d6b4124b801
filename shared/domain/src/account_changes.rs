//! Changes of the password and of the address of an account by its owner, and how a change of the address is undone.

use jiff::Timestamp;

use crate::{
    email::EmailAddress,
    id::NotificationId,
    one_time_code::{EMAIL_CHANGE_UNDO, Purpose},
    user::User,
};

impl User {
    /// Records that the owner changed the password. Access tokens, sessions and codes from before become invalid. API tokens
    /// stay valid, unlike after [`Self::reset_password`]: a person who changes the password knows the present one.
    pub fn change_password(&mut self, now: Timestamp) {
        let before = self.clone();
        self.password_set_at = Some(now);
        self.revoke_tokens(now);
        self.touch(&before, now);
    }

    /// Whether a code that was issued then is invalid, because the password or the address was set since: it may have been
    /// requested by someone else, or mailed to another address. Codes that undo a change of the address are exempt: a
    /// person who took over an account could set both to make them invalid.
    pub fn outdates_code(&self, purpose: Purpose, issued_at: Timestamp) -> bool {
        match purpose {
            Purpose::EmailChangeUndo => false,
            Purpose::Operator
            | Purpose::PasswordReset
            | Purpose::EmailChange
            | Purpose::SecondFactorRemoval => {
                let set = self.password_set_at.into_iter().chain(self.email_set_at);
                set.into_iter().any(|at| issued_at <= at)
            }
        }
    }

    /// Records that the address was changed to one that was just verified. Links in mails to the previous one become invalid.
    /// The role stays. `undo` is the notification with the code that undoes the change.
    pub fn change_email(
        &mut self,
        email: EmailAddress,
        undo: Option<NotificationId>,
        link_secret: String,
        now: Timestamp,
    ) {
        let before = self.clone();
        self.email_undos.retain(|code| code.created_at() + EMAIL_CHANGE_UNDO > now);
        self.email_undos.extend(undo);
        self.set_email(email, link_secret, now);
        self.touch(&before, now);
    }

    /// Restores the address that this code was mailed to when it was changed. Returns whether the code is valid for that.
    ///
    /// The change and all later ones are undone: their codes become invalid, or else a person who took over the account could
    /// restore an address of their own. Codes of earlier changes stay valid. Sessions, access tokens, API tokens and links
    /// from before become invalid.
    pub fn undo_email_change(
        &mut self,
        code: NotificationId,
        email: EmailAddress,
        link_secret: String,
        now: Timestamp,
    ) -> bool {
        let Some(position) = self.email_undos.iter().position(|valid| *valid == code) else {
            return false;
        };
        let before = self.clone();
        self.email_undos.truncate(position);
        self.set_email(email, link_secret, now);
        (self.password_set_at, self.api_tokens_valid_from) = (Some(now), Some(now));
        self.revoke_tokens(now);
        self.touch(&before, now)
    }

    fn set_email(&mut self, email: EmailAddress, link_secret: String, now: Timestamp) {
        (self.email, self.link_secret) = (email, link_secret);
        (self.email_set_at, self.email_verified_at) = (Some(now), Some(now));
        self.mail_stopped = None;
    }
}
