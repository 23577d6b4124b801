//! The daily digest: what is due for a user.

use jiff::{Timestamp, civil::Date, fmt::strtime};
use taskbell_domain::{
    due::Due,
    id::NotificationId,
    policy::known_role,
    ports::Mail,
    space::{Role, Space},
    task::Task,
    user::{MailKind, User},
};

use super::{
    Envelope, Footer, MailContext, WriteError,
    contents::{TaskLinks, content, notification_to},
    day_text, shortened,
};

content!(Digest, "digest.txt", "digest.html", {
    today: String,
    sections: &'a [Section],
    zone: String,
    app: String,
});

/// The tasks of a digest by period, each sorted by due time.
#[derive(Debug, Default)]
pub(crate) struct DueTasks {
    /// Due before now; all-day tasks, before today.
    pub overdue: Vec<Task>,
    /// Due in the rest of today.
    pub today: Vec<Task>,
    /// Due in the days after.
    pub week: Vec<Task>,
}

impl DueTasks {
    /// The maximum number of tasks shown per section.
    pub(crate) const MAX_PER_SECTION: u8 = 20;

    /// The number of days after today.
    pub(crate) const DAYS: i64 = 7;

    /// Sorts tasks that are due. A day is a day wherever the reader is, although its task keeps the instants of the zone
    /// in which it was saved.
    pub(crate) fn of(mut tasks: Vec<Task>, user: &User, now: Timestamp) -> Self {
        tasks.sort_by_key(|task| (task.due_at, task.id));
        tasks.dedup_by_key(|task| task.id);
        let today = user.local_date(now);
        let mut due = Self::default();
        for task in tasks {
            let at = task.due_at.unwrap_or(Timestamp::MAX);
            let (day, over) = match task.due {
                Some(Due::Date(day)) => (day, day < today),
                _ => (user.local_date(at), at < now),
            };
            match day {
                _ if over => due.overdue.push(task),
                day if day == today => due.today.push(task),
                _ => due.week.push(task),
            }
        }
        due
    }

    /// Whether nothing is due.
    pub(crate) fn is_empty(&self) -> bool {
        self.overdue.is_empty() && self.today.is_empty() && self.week.is_empty()
    }
}

/// A digest in the making.
struct Writing<'a> {
    context: &'a MailContext,
    user: &'a User,
    /// The shared spaces of the user.
    spaces: &'a [(Space, Role)],
    now: Timestamp,
}

/// The tasks of a digest that are due in one period.
struct Section {
    heading: &'static str,
    entries: Vec<Entry>,
    /// Whether there are more than are shown.
    more: bool,
}

/// One task of a digest.
struct Entry {
    title: String,
    /// When it is due, and in which shared space it is.
    note: String,
    links: Option<TaskLinks>,
}

impl Section {
    /// How many there are, as far as is known.
    fn count(&self) -> String {
        format!("{}{}", self.entries.len(), if self.more { "+" } else { "" })
    }
}

impl Writing<'_> {
    fn section(&self, heading: &'static str, tasks: &[Task]) -> Result<Section, WriteError> {
        let max = usize::from(DueTasks::MAX_PER_SECTION);
        let entries = tasks.iter().take(max).map(|task| self.entry(task)).collect::<Result<_, _>>()?;
        Ok(Section { heading, entries, more: tasks.len() > max })
    }

    /// A task, with links if its reader may change it. Titles are shortened, because some mail programs show only the
    /// first 100 kB of a mail.
    fn entry(&self, task: &Task) -> Result<Entry, WriteError> {
        let today = self.user.local_date(self.now);
        let due = task.due.as_ref().map(|due| day_text(due, self.user, today)).transpose()?;
        let due = due.unwrap_or_default();
        let shared = self.spaces.iter().find(|(space, _)| space.id == task.space);
        let role = known_role(self.user.id, task.space).or(shared.map(|(_, role)| *role));
        Ok(Entry {
            title: shortened(task.title.as_str()),
            note: match shared {
                Some((space, _)) => format!("{due}, in {}", space.name.as_str()),
                None => due,
            },
            links: role.and_then(|role| TaskLinks::new(self.context, task, self.user, role, self.now)),
        })
    }
}

/// The mail that lists what is due for a user, who has these shared spaces.
pub(crate) fn digest_mail(
    context: &MailContext,
    (notification, fence): (NotificationId, u64),
    due: &DueTasks,
    (user, spaces): (&User, &[(Space, Role)]),
    now: Timestamp,
) -> Result<Mail, WriteError> {
    let today: Date = user.local_date(now);
    let writing = Writing { context, user, spaces, now };
    let sections = [
        writing.section("Overdue", &due.overdue)?,
        writing.section("Due today", &due.today)?,
        writing.section("In the next seven days", &due.week)?,
    ];
    let counts = sections.each_ref().map(Section::count);
    let periods = ["overdue", "due today", "in the next seven days"].iter().zip(&counts);
    let summary: Vec<_> =
        periods.filter(|(_, count)| *count != "0").map(|(what, n)| format!("{n} {what}")).collect();
    let sections: Vec<_> = sections.into_iter().filter(|section| !section.entries.is_empty()).collect();
    let footer = Footer {
        reason: "You received this email because the daily digest is on in your Taskbell profile. It is sent only on \
                 days when something is due."
            .to_owned(),
        unsubscribe: Some(context.unsubscribe(user, MailKind::Digest, now)),
    };
    let content = Digest {
        today: strtime::format("%A, %-d %B %Y", today)?,
        sections: &sections,
        zone: user.time_zone.to_string(),
        app: context.page("today", ""),
    };
    let (text, html) = content.render(&footer)?;
    let day = strtime::format("%A, %-d %B", today)?;
    let envelope = Envelope {
        tags: notification_to(notification, Some(user)),
        to: (&user.email, Some(user.name.as_str())),
        subject: format!("{day}: {}", summary.join(", ")),
        id: format!("{notification}.{fence}"),
        task: None,
        footer,
    };
    context.compose(envelope, &text, html, now)
}
