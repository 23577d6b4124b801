//! Codes that are mailed to an account, and work once.

use http::StatusCode;
use jiff::Timestamp;
use taskbell_domain::{
    clock::{Clock, Random},
    id::{NoticeId, UserId},
    notice::{Code, Content, Notice, Purpose},
    ports::{Notices, TimerQueue},
};

use crate::{http::Problem, ring_soon::ring_soon};

/// Mails a code to an account.
///
/// # Errors
/// 503 if that cannot be stored.
pub(crate) async fn send(
    store: &impl Notices,
    queue: &impl TimerQueue,
    to: UserId,
    purpose: Purpose,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<(), Problem> {
    let now = clock.now();
    let content = Content::Code { to, purpose, secret_hash: None };
    let notice = Notice::new(NoticeId::generate(clock, random), content, now);
    store.add_notice(&notice, None).await?;
    ring_soon(queue, [notice.timer()], now).await;
    Ok(())
}

/// The answer to a code that does not work.
pub(crate) fn invalid() -> Problem {
    let detail = "The code is unknown, used or expired: ask for a new one.";
    Problem::new(StatusCode::NOT_FOUND, "invalid_code", detail)
}

/// A code that is right, and not used up yet.
pub(crate) struct Opened {
    /// Whose it is.
    pub(crate) user: UserId,
    /// The mail that carried it.
    pub(crate) notice: Notice,
}

/// Finds out whether a code is right.
///
/// # Errors
/// 404 `invalid_code`.
pub(crate) async fn open(
    store: &impl Notices,
    code: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Opened, Problem> {
    let code = Code::parse(code).ok_or_else(invalid)?;
    let notice = store.notice(code.notice).await?.ok_or_else(invalid)?;
    let Content::Code { to, .. } = notice.content else { return Err(invalid()) };
    let right = Content::Code { to, purpose, secret_hash: Some(code.hash()) };
    if notice.content != right || notice.created_at + purpose.lifetime() <= now {
        return Err(invalid());
    }
    Ok(Opened { user: to, notice })
}

impl Opened {
    /// The mail with the code used up, to be stored together with what the code does.
    pub(crate) fn used_up(self) -> Notice {
        let mut notice = self.notice;
        if let Content::Code { secret_hash, .. } = &mut notice.content {
            *secret_hash = None;
        }
        notice.version += 1;
        notice
    }
}
