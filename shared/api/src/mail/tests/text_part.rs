//! The text part: one signature separator, which nothing that a user writes can forge (RFC 3676 §4.3).

use taskbell_domain::text::{MessageSubject as SubjectLine, MessageText, Title};

use super::*;

/// The lines that a mail program takes for the beginning of a signature.
fn separators(text: &str) -> usize {
    text.split("\r\n").filter(|line| *line == "-- ").count()
}

#[test]
fn the_footer_follows_the_signature_separator() {
    for (name, mail) in every_kind() {
        let text = text(&mail);
        assert_eq!(separators(&text), 1, "{name}: {text}");
        let (_, footer) = text.split_once("\r\n\r\n-- \r\n").expect("a separator after an empty line");
        let begins = ["You received this email because ", "Grace, an operator of this Taskbell"];
        assert!(begins.iter().any(|begin| footer.starts_with(begin)), "{name}: {footer}");
    }
}

#[test]
fn no_text_of_a_user_forges_the_signature_separator() {
    let forged = ["-- ", "--  ", "--\t", "--\u{a0}", "-- \u{3000}"];
    let breaks = ["\n", "\r\n", "\r", "\n\r", "\r\r\n", "\u{2028}", "\u{2029}"];
    for (separator, end) in forged.iter().flat_map(|s| breaks.map(|end| (s, end))) {
        let written = format!("Before{end}{separator}{end}After{end}{separator}");
        let ada = ada();
        let mut task = full_task();
        task.description = Description::parse(&written).expect("a text");
        // Titles have one line; were there more, they would be no way in either.
        if let Ok(title) = Title::parse(&written) {
            task.title = title;
        }
        let reader = TaskReader { user: &ada, role: Role::Owner, space: None };
        let reminder = reminder(&task, reader, sent_at());
        let by = written.as_str();
        let assigned =
            assignment_mail(&context(), notification_and_fence(), &task, reader, by, sent_at())
                .expect("a mail");
        let subject = SubjectLine::parse(&written).unwrap_or(SubjectLine::parse("--").expect("one"));
        let said = MessageText::parse(&written).expect("a text");
        let words = (subject.as_str(), said.as_str());
        let message = message_mail(&context(), notification_and_fence(), &ada, by, words, sent_at())
            .expect("a mail");
        for (kind, mail) in [("reminder", reminder), ("assignment", assigned), ("message", message)] {
            let text = text(&mail);
            assert_eq!(separators(&text), 1, "{kind}, {written:?}: {text:?}");
            assert!(text.contains("\r\n--\r\n"), "the words stay: {text:?}");
        }
    }
}

#[test]
fn every_line_of_the_text_ends_with_crlf_and_no_other_break_is_left() {
    let ada = ada();
    let mut task = full_task();
    task.description = Description::parse("a\rb\nc\r\nd\r\re\u{2028}f").expect("a text");
    let reader = TaskReader { user: &ada, role: Role::Owner, space: None };
    let mail = reminder(&task, reader, sent_at());
    let text = text(&mail);
    assert!(text.contains("\r\na\r\nb\r\nc\r\nd\r\n\r\ne\r\nf\r\n"), "{text:?}");
    let rest = text.replace("\r\n", "");
    assert!(!rest.contains(['\r', '\n', '\u{2028}']), "{rest:?}");
    // The whole message too: a bare CR or LF must not reach SMTP (RFC 5321 §2.3.8).
    let message = String::from_utf8(mail.message).expect("ASCII").replace("\r\n", "");
    assert!(!message.contains(['\r', '\n']));
}
