//! A mailer and a queue that keep what they are given.

use std::sync::Mutex;

use jiff::Timestamp;

use taskbell_domain::{
    ports::{Mail, MailError, Mailer, PortError, TimerQueue},
    timer::{Timer, TimerTarget},
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
pub struct QueueFake {
    timers: Mutex<Vec<Timer>>,
    refused: Mutex<Option<TimerTarget>>,
}

impl QueueFake {
    /// Takes all timers that are in the queue, in the order they were put there.
    pub fn take(&self) -> Vec<Timer> {
        std::mem::take(&mut self.timers.lock().expect("not poisoned"))
    }

    /// From now on refuses the timers of one subject, or of none, as SQS may with single messages of a batch.
    pub fn refuse(&self, subject: Option<TimerTarget>) {
        *self.refused.lock().expect("not poisoned") = subject;
    }
}

impl TimerQueue for QueueFake {
    async fn enqueue(&self, timers: &[Timer], _now: Timestamp) -> Result<Vec<Timer>, PortError> {
        let refused = *self.refused.lock().expect("not poisoned");
        let taken: Vec<_> =
            timers.iter().copied().filter(|timer| Some(timer.subject) != refused).collect();
        self.timers.lock().expect("not poisoned").extend_from_slice(&taken);
        Ok(taken)
    }
}
