//! The markup, by the rules that Outlook's Word engine, screen readers and dark mode set.

use super::*;

/// The tags of a page in their order, also those in conditional comments.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).filter_map(|rest| rest.split('>').next()).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()
}

/// The declarations of a tag's style.
fn style(tag: &str) -> Vec<(&str, &str)> {
    let style = attribute(tag, "style").unwrap_or_default();
    style.split(';').filter_map(|declaration| declaration.split_once(':')).collect()
}

fn declared<'a>(tag: &'a str, property: &str) -> Option<&'a str> {
    style(tag).into_iter().find(|(name, _)| *name == property).map(|(_, value)| value)
}

#[test]
fn every_table_is_for_layout_and_says_so() {
    for (name, mail) in every_kind() {
        let html = html(&mail);
        let tables: Vec<_> = tags(&html).into_iter().filter(|t| t.starts_with("table")).collect();
        assert!(tables.len() > 3, "{name}");
        for table in tables {
            assert_eq!(attribute(table, "role"), Some("presentation"), "{name}: {table}");
            for reset in ["cellpadding", "cellspacing", "border"] {
                assert_eq!(attribute(table, reset), Some("0"), "{name}: {table}");
            }
        }
    }
}

#[test]
fn word_has_a_table_of_the_width_that_max_width_sets_elsewhere() {
    for (name, mail) in every_kind() {
        let html = html(&mail);
        let wide = html.split("<table").find_map(|tag| declared(tag.split('>').next()?, "max-width"));
        assert_eq!(wide, Some("560px"), "{name}");
        let of_word = html.split("<!--[if mso]><table").nth(1).expect("a table for Word");
        assert_eq!(
            attribute(of_word.split('>').next().expect("a tag"), "width"),
            Some("560"),
            "{name}"
        );
        assert_eq!(html.matches("<!--[if mso]>").count(), html.matches("<![endif]-->").count());
        let count = |tag: &str| html.matches(tag).count();
        for (start, end) in [("<table", "</table>"), ("<tr", "</tr>"), ("<td", "</td>")] {
            assert_eq!(count(start), count(end), "{name}: {start}");
        }
    }
}

#[test]
fn a_button_keeps_its_padding_and_its_colour_in_word() {
    let mut buttons = 0;
    for (name, mail) in every_kind() {
        let html = html(&mail);
        let tags = tags(&html);
        for (cell, link) in tags.iter().zip(tags.iter().skip(1)) {
            // A link that is padded is a button.
            let Some(padding) = declared(link, "padding").filter(|_| link.starts_with("a ")) else {
                continue;
            };
            buttons += 1;
            assert!(cell.starts_with("td "), "{name}: {cell}");
            // Word pads cells, not links; elsewhere the whole button is the link.
            assert_eq!(declared(cell, "mso-padding-alt"), Some(padding), "{name}: {cell}");
            assert_eq!(declared(link, "mso-padding-alt"), Some("0"), "{name}: {link}");
            assert_eq!(attribute(cell, "bgcolor"), declared(cell, "background-color"), "{name}");
            assert!(attribute(cell, "bgcolor").is_some(), "{name}: {cell}");
        }
    }
    assert_eq!(
        buttons,
        3 + 3 + 3 + 1 + 1 + 5 + 2,
        "two reminders, an assignment, a digest, a verification, five codes and two invitations"
    );
}

#[test]
fn only_cells_are_padded_because_word_pads_nothing_else() {
    for (name, mail) in every_kind() {
        for tag in tags(&html(&mail)) {
            let element = tag.split(' ').next().unwrap_or_default();
            let padded = style(tag)
                .iter()
                .any(|(property, value)| property.starts_with("padding") && *value != "0");
            let button = element == "a" && declared(tag, "mso-padding-alt") == Some("0");
            assert!(!padded || element == "td" || button, "{name}: {tag}");
            if let Some(colour) = declared(tag, "background-color").filter(|_| element == "td") {
                assert_eq!(attribute(tag, "bgcolor"), Some(colour), "{name}: {tag}");
            }
        }
    }
}

#[test]
fn no_mail_needs_what_mail_programs_do_not_know() {
    for (name, mail) in every_kind() {
        let html = html(&mail);
        for unknown in [
            "display:flex",
            "display:grid",
            "position:",
            "float:",
            "<script",
            "<form",
            "<button",
            "<link",
            "@import",
            "url(",
            "var(",
            "calc(",
            "<img",
            "<svg",
        ] {
            assert!(!html.contains(unknown), "{name}: {unknown}");
        }
        let dark = html.split("@media (prefers-color-scheme: dark) {").nth(1).expect("dark mode");
        let rules = dark.split("</style>").next().expect("its rules");
        // Styles of elements win over rules that are not important.
        for declaration in rules.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            let all = declaration.split(';').map(str::trim).filter(|text| !text.is_empty());
            all.for_each(|one| assert!(one.ends_with("!important"), "{name}: {one}"));
        }
    }
}

#[test]
fn every_page_has_a_language_a_title_a_hidden_preview_and_both_colour_schemes() {
    for (name, mail) in every_kind() {
        let html = html(&mail);
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\""), "{name}");
        let title = html.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
        assert!(title.is_some_and(|title| !title.is_empty()), "{name}: {title:?}");
        assert!(html.contains("<meta name=\"color-scheme\" content=\"light dark\">"), "{name}");
        let preview = html.split("<body").nth(1).and_then(|body| body.split("<div ").nth(1));
        let preview = preview.expect("a preview");
        let (tag, rest) = preview.split_once('>').expect("its text");
        assert!(!rest.starts_with("</div>"), "{name}: the preview says something");
        assert!(tag.contains("display:none") && tag.contains("mso-hide:all"), "{name}: {tag}");
    }
}
