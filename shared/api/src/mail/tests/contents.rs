//! What mails say, and in which of them there are links.

use taskbell_domain::{task::Status, text::Title};

use super::*;

#[test]
fn every_kind_of_mail_says_the_same_in_text_and_in_html() {
    for (name, mail) in every_kind() {
        let (text, html) = (text(&mail), html(&mail));
        if let Some(folder) = env::var_os("MAIL_PREVIEW") {
            let file = Path::new(&folder).join(format!("{name}.html"));
            fs::write(file, &html).expect("the folder is there");
        }
        assert!(!html.contains("{{") && !html.contains("{%") && !text.contains("{{"), "{name}");
        assert_eq!(links(&text), links(&html), "{name}: the same links");
        let task = [
            "Wind the tower clock",
            "Two full turns",
            "is with the verger.",
            "29 March 2026, 09:00 (Europe/Berlin)",
            "Priority",
            "High",
            "Bell tower",
            "2 of 5 checklist items done",
        ];
        let says: &[&str] = match name {
            "reminder" | "assignment" => &task,
            "reminder-late" => &[
                "Wind the tower clock",
                "This reminder is late: it was scheduled for Sunday, 29 March 2026, 08:30 (Europe/Berlin).",
            ],
            "invitation" => {
                &["Grace invited you to join Bell tower", "member", "8 March 2026, 08:00 UTC"]
            }
            "message" => &["Maintenance on Sunday", "from eight to nine.", "come after it."],
            "digest" => &[
                "Sunday, 29 March 2026",
                "Overdue",
                "Wed, 24 December 2025",
                "Today, 09:00, in Bell tower",
                "Today, 16:30",
                "Wed, 1 April, 14:00",
                "Times are in the Europe/Berlin time zone.",
                "In the next seven days",
                "and more",
            ],
            "operator-code" => &["an operator of this Taskbell installation", "expires in 24 hours"],
            "password-code" => &["set a new password", "expires in 1 hour."],
            "address-code" => &["make this address the one of your Taskbell account", "24 hours"],
            "address-changed" => &["has a new email address", "restore this address", "72 hours"],
            "password-changed" => &["was changed", "reset your password now"],
            "factor-code" => &["without a second factor", "24 hours after the request"],
            "factor-added" => &["A second factor was added", "authenticator app"],
            "factor-removed" => &["second factor", "was removed", "only the password"],
            "factor-removal" => &["has asked to remove the second factor", "cancels the request"],
            "token-created" => &["An API token was created", "Program 1", "tasks:read"],
            "token-expires" => &["expires soon", "Program 1", "8 March 2026"],
            "registration" => &["Grace invited you to Taskbell", "user2@example.com", "5 April 2026"],
            "registered-again" => &["already has an account", "also confirms the address"],
            _ => &["Confirm your email address", "48 hours", ".verify."],
        };
        for said in says {
            assert!(text.contains(said), "{name}: {said:?} is not in {text}");
            assert!(html.contains(said), "{name}: {said:?} is not in {html}");
        }
        for name in ["Subject", "Message-ID", "Date"] {
            assert!(header(&mail, name).is_some(), "{name}");
        }
        assert_eq!(header(&mail, "Auto-Submitted").as_deref(), Some("auto-generated"), "{name}");
    }
}

#[test]
fn the_subjects_are_plain_english() {
    let subjects = every_kind().into_iter().map(|(_, mail)| header(&mail, "Subject").expect("one"));
    let week = "20+ in the next seven days";
    let expected = [
        &*format!("Sunday, 29 March: 1 overdue, 2 due today, {week}"),
        "Reminder: Wind the tower clock",
        "Reminder: Wind the tower clock",
        "Assigned to you: Wind the tower clock",
        "Grace invited you to join Bell tower",
        "Grace invited you to Taskbell",
        "You already have a Taskbell account",
        "Maintenance on Sunday",
        "Your Taskbell operator code",
        "Reset your Taskbell password",
        "Confirm your new email address",
        "The address of your Taskbell account was changed",
        "Your Taskbell password was changed",
        "Remove the second factor of your Taskbell account",
        "A second factor was added to your Taskbell account",
        "The second factor of your Taskbell account was removed",
        "The removal of your second factor was requested",
        "An API token was created for your account",
        "An API token of your account expires soon",
        "Confirm your email address",
    ];
    assert_eq!(subjects.collect::<Vec<_>>(), expected);
}

#[test]
fn no_mail_spells_email_with_a_hyphen_or_calls_it_a_mail() {
    for (name, mail) in every_kind() {
        let text = text(&mail).to_lowercase();
        assert!(!text.contains("e-mail"), "{name}: {text}");
        assert!(
            !text.split(|c: char| !c.is_alphanumeric()).any(|w| matches!(w, "mail" | "mails")),
            "{text}"
        );
    }
}

#[test]
fn the_unsubscribe_link_of_the_header_is_in_the_text_and_in_the_html() {
    for (name, mail) in every_kind() {
        let account_mail = ["message", "verification"].contains(&name)
            || ["operator-", "password-", "address-", "factor-", "token-", "registered-"]
                .iter()
                .any(|kind| name.starts_with(kind));
        let Some(link) = header(&mail, "List-Unsubscribe") else {
            assert!(account_mail, "{name} has no List-Unsubscribe header");
            assert!(!text(&mail).contains("/v1/unsubscribe/"), "{name}");
            continue;
        };
        assert!(!account_mail, "{name} cannot be turned off");
        let post = header(&mail, "List-Unsubscribe-Post");
        assert_eq!(post.as_deref(), Some("List-Unsubscribe=One-Click"), "{name}");
        let link = link.trim_matches(['<', '>']);
        let kind = match name {
            "digest" => "daily digest emails",
            "assignment" => "assignment emails",
            "invitation" | "registration" => "invitation emails",
            _ => "reminder emails",
        };
        let line = format!("Unsubscribe from {kind}: {link}");
        assert!(text(&mail).lines().any(|found| found == line), "{name}: {}", text(&mail));
        let html = html(&mail);
        let anchor = html.split("<a ").find(|tag| tag.contains(&format!("href=\"{link}\"")));
        let anchor = anchor.unwrap_or_else(|| panic!("{name}: no link to {link} in {html}"));
        assert!(anchor.contains(&format!(">Unsubscribe from {kind}</a>")), "{name}: {anchor}");
    }
}

#[test]
fn absent_fields_of_a_task_are_not_shown() {
    let ada = ada();
    let plain = task(1, &ada, due_draft("Ring", "2026-03-29", &["PT0S"]));
    let mail = reminder(&plain, TaskReader { user: &ada, role: Role::Owner, space: None }, sent_at());
    for part in [text(&mail), html(&mail)] {
        assert!(part.contains("Priority") && part.contains("Medium"), "{part}");
        assert!(!part.contains("Space") && !part.contains("Progress"), "{part}");
    }
}

/// The links to actions in a mail, in both of its parts.
fn actions(mail: &Mail) -> usize {
    let of = |part: String| links(&part).iter().filter(|link| link.contains("/v1/actions/")).count();
    let (text, html) = (of(text(mail)), of(html(mail)));
    assert_eq!(text, html);
    text
}

#[test]
fn reminders_assignments_and_digests_have_links_for_readers_who_may_change_the_task() {
    let (ada, tower, task) = (ada(), tower(), full_task());
    let due = DueTasks { today: vec![task.clone()], ..DueTasks::default() };
    for (role, each, in_digest) in [(Role::Owner, 3, 2), (Role::Member, 3, 2), (Role::Viewer, 0, 0)] {
        let reader = TaskReader { user: &ada, role, space: Some(&tower.name) };
        let assigned =
            assignment_mail(&context(), notification_and_fence(), &task, reader, "Grace", sent_at());
        assert_eq!(actions(&assigned.expect("a mail")), each, "{role:?}");
        assert_eq!(actions(&reminder(&task, reader, sent_at())), each, "{role:?}");
        assert_eq!(actions(&digest(&due, role)), in_digest, "{role:?}");
    }
    let reader = TaskReader { user: &ada, role: Role::Owner, space: Some(&tower.name) };
    let done = Task { status: Status::Completed, ..task };
    let assigned =
        assignment_mail(&context(), notification_and_fence(), &done, reader, "Grace", sent_at());
    assert_eq!(actions(&assigned.expect("a mail")), 0, "nothing is left to do");
}

#[test]
fn the_links_of_a_digest_are_for_its_reader_and_for_each_task() {
    let (ada, task) = (ada(), full_task());
    let due = DueTasks { today: vec![task.clone()], ..DueTasks::default() };
    let actions = links(&text(&digest(&due, Role::Member))).into_iter().filter_map(|link| {
        let link = crate::links::Link::parse(link.split_once("/v1/actions/")?.1)?;
        assert!(context().link_keys.have_signed(&link, &ada) && !link.is_expired(sent_at()));
        Some(link.link_action)
    });
    let day = taskbell_domain::reminder::LeadTime::days(1);
    assert_eq!(
        actions.collect::<Vec<_>>(),
        [LinkAction::Complete(task.id), LinkAction::Snooze(task.id, day)]
    );
}

/// The size beyond which Gmail shows the beginning of a mail only.
const GMAIL_CLIPS_AT: usize = 102 * 1024;

#[test]
fn a_digest_with_as_many_and_as_long_entries_as_there_can_be_is_not_clipped() {
    let (ada, mut tower) = (ada(), tower());
    tower.name = SpaceName::parse(&"x".repeat(100)).expect("a name");
    let long = |number| {
        let mut task = task(number, &ada, due_draft("t", "2025-12-24T09:00[Europe/Berlin]", &[]));
        task.title = Title::parse(&"&".repeat(500)).expect("a title");
        Task { space: tower.id, ..task }
    };
    let tasks: Vec<_> = (0..60).map(long).collect();
    let due = DueTasks { overdue: tasks.clone(), today: tasks.clone(), week: tasks };
    let url = "https://abcdefghij.execute-api.ap-northeast-1.amazonaws.com";
    let context = MailContext { api_url: url.to_owned(), ..context() };
    let spaces = [(tower, Role::Member)];
    let mail = digest_mail(&context, notification_and_fence(), &due, (&ada, &spaces), sent_at())
        .expect("a mail");
    let html = html(&mail);
    assert_eq!(html.matches("/v1/actions/").count(), 2 * 3 * usize::from(DueTasks::MAX_PER_SECTION));
    assert!(html.len() < GMAIL_CLIPS_AT, "{} bytes", html.len());
}

#[test]
fn an_invitation_names_the_recipient_s_time_zone_where_it_is_known_and_else_utc() {
    let with_account = invitation(Some(&ada()));
    let without_account = invitation(None);
    for (mail, until) in [
        (with_account, "Sunday, 8 March 2026, 09:00 (Europe/Berlin)"),
        (without_account, "Sunday, 8 March 2026, 08:00 UTC"),
    ] {
        assert!(text(&mail).contains(&format!("Expires: {until}")), "{}", text(&mail));
        assert!(html(&mail).contains(until), "{until}");
    }
}
