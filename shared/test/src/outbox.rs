//! A mailer and a queue that record what they receive.

use std::sync::Mutex;

use jiff::Timestamp;

use taskbell_domain::{
    ports::{Mail, MailError, Mailer, PortError, TimerQueue},
    timer::{Timer, TimerTarget},
};

/// A mailer that records mails and can be made to fail.
#[derive(Default)]
pub struct Outbox {
    sent: Mutex<Vec<Mail>>,
    script: Mutex<Vec<MailError>>,
}

impl Outbox {
    /// Makes the next mail fail with this error. With [`MailError::Unknown`] the mail is accepted and only the answer is lost.
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

/// A queue that records timers until they are taken.
#[derive(Default)]
pub struct QueueFake {
    timers: Mutex<Vec<Timer>>,
    refused: Mutex<Option<TimerTarget>>,
}

impl QueueFake {
    /// Removes and returns all timers, in the order in which they were enqueued.
    pub fn take(&self) -> Vec<Timer> {
        std::mem::take(&mut self.timers.lock().expect("not poisoned"))
    }

    /// From now on refuses the timers of one target, or of none, as SQS may refuse single messages of a batch.
    pub fn refuse(&self, target: Option<TimerTarget>) {
        *self.refused.lock().expect("not poisoned") = target;
    }
}

impl TimerQueue for QueueFake {
    async fn enqueue(&self, timers: &[Timer], _now: Timestamp) -> Result<Vec<Timer>, PortError> {
        let refused = *self.refused.lock().expect("not poisoned");
        let accepted: Vec<_> =
            timers.iter().copied().filter(|timer| Some(timer.target) != refused).collect();
        self.timers.lock().expect("not poisoned").extend_from_slice(&accepted);
        Ok(accepted)
    }
}
