//! A mailer and a queue that keep what they are given.

use std::sync::Mutex;

use jiff::Timestamp;

use taskbell_domain::{
    ports::{Mail, MailError, Mailer, PortError, TimerQueue},
    timer::Timer,
};

/// A mailer that keeps mails, or answers what it was told to.
#[derive(Default)]
pub struct Outbox {
    sent: Mutex<Vec<Mail>>,
    script: Mutex<Vec<MailError>>,
}

impl Outbox {
    /// Lets the next mail end with this error. [`MailError::Unknown`] loses the answer only: the mail is
    /// accepted.
    pub fn fail_next(&self, error: MailError) {
        self.script.lock().expect("not poisoned").push(error);
    }

    /// The mails accepted so far.
    pub fn sent(&self) -> Vec<Mail> {
        self.sent.lock().expect("not poisoned").clone()
    }
}

impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<String, MailError> {
        let error = self.script.lock().expect("not poisoned").pop();
        if let Some(refusal @ (MailError::Refused(_) | MailError::Deferred(_))) = error {
            return Err(refusal);
        }
        let mut sent = self.sent.lock().expect("not poisoned");
        sent.push(mail.clone());
        error.map_or_else(|| Ok(format!("message-{}", sent.len())), Err)
    }
}

/// A queue that keeps timers until they are taken.
#[derive(Default)]
pub struct QueueFake(Mutex<Vec<Timer>>);

impl QueueFake {
    /// Takes all timers that are in the queue, in the order they were put there.
    pub fn take(&self) -> Vec<Timer> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }
}

impl TimerQueue for QueueFake {
    async fn enqueue(&self, timers: &[Timer], _now: Timestamp) -> Result<Vec<Timer>, PortError> {
        self.0.lock().expect("not poisoned").extend_from_slice(timers);
        Ok(timers.to_vec())
    }
}
