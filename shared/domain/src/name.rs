//! Checks of the names of users and spaces. Names appear in mails to people who know neither, so they must not contain
//! hidden characters, change the direction of text, or look like a link.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::violation::Violation;

/// Checks a name, which must be a single line.
///
/// # Errors
/// A [`Violation`] with code `too_short` if nothing in it is visible, `invalid_characters` for invisible characters and
/// characters that change the direction of text, or `contains_url`.
pub(crate) fn check(name: &str) -> Result<(), Violation> {
    if name.chars().all(|c| c.is_whitespace() || is_invisible(c) || is_joiner(c) || is_selector(c)) {
        return Err(Violation::new("too_short", "It must not be empty."));
    }
    if has_hidden(name) {
        let why = "Remove invisible characters and characters that change the direction of text.";
        return Err(Violation::new("invalid_characters", why));
    }
    if has_url(name) {
        let why = "Remove web addresses, and put a space after each full stop.";
        return Err(Violation::new("contains_url", why));
    }
    Ok(())
}

/// Invisible characters, characters that change the direction of text, and line separators: the default ignorable code
/// points of Unicode (DerivedCoreProperties.txt) without joiners and variation selectors, and a few other blank
/// characters.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether joiners change the shape of a character: letters of scripts such as Arabic and Devanagari, and symbols such as
/// emoji.
fn is_joined(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{1dff}' | '\u{2190}'..) && !is_joiner(c)
}

/// Whether a variation selector can follow. ASCII letters take none, but `1` with a selector is an emoji.
fn is_selectable(c: char) -> bool {
    (!c.is_ascii() || c.is_ascii_digit() || matches!(c, '#' | '*')) && !is_joiner(c) && !is_selector(c)
}

/// Whether the name has a character without a visible effect. Joiners have one between characters that they join, and
/// variation selectors after a character.
fn has_hidden(name: &str) -> bool {
    let before = std::iter::once(None).chain(name.chars().map(Some));
    let after = name.chars().skip(1).map(Some).chain([None]);
    before.zip(name.chars()).zip(after).any(|((before, c), after)| match c {
        _ if is_joiner(c) => !(before.is_some_and(is_joined) && after.is_some_and(is_joined)),
        _ if is_selector(c) => !before.is_some_and(is_selectable),
        _ => is_invisible(c),
    })
}

/// Whether mail programs may turn a part of the name into a link: a scheme with `://`, `www.`, or a full stop between a
/// letter or digit and two letters, as in `example.com` and `name@example.com`. There is no list of top-level domains, which
/// would change, so `Dr.Who` is refused too.
fn has_url(name: &str) -> bool {
    // As in the comparison of domain names (UTS #46): full-width forms are mapped, and marks and selectors are ignored.
    let plain = name.nfkc().filter(|c| !is_combining_mark(*c) && !is_selector(*c));
    let characters: Vec<char> = plain.collect();
    let is_domain = |window: &[char]| match window {
        [label, dot, tail @ ..] => {
            label.is_alphanumeric() && is_dot(*dot) && tail.iter().all(|c| c.is_alphabetic())
        }
        _ => false,
    };
    let lower = name.to_lowercase();
    lower.contains("://") || lower.contains("www.") || characters.windows(4).any(is_domain)
}

/// The full stops of domain names (UTS #46), and U+2024, which looks like one.
fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{fe52}' | '\u{2024}' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &str) -> &'static str {
        check(name).err().map_or("ok", |violation| violation.code)
    }

    #[test]
    fn names_of_people_and_spaces_are_accepted_in_all_scripts() {
        for name in [
            "Ada Lovelace",
            "Dr. Smith",
            "J.R.R. Tolkien",
            "St. John",
            "Version 2.0",
            "Bell tower, e.V.",
            "O'Brien-Nuñez & Co. <the bells>",
            "Nguyễn Thị Ánh",
            "محمد علی\u{200c}پور",
            "ක්\u{200d}රිෂ්ණ",
            "রাকিব র\u{200d}্যাব",
            "葛\u{e0100}城",
            "王小明",
            "한국 사람",
            "Family 👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}",
            "Healer 🧑🏽\u{200d}⚕\u{fe0f}",
            "🏳\u{fe0f}\u{200d}🌈",
            "1\u{fe0f}\u{20e3}",
            "ᠮᠣᠩ\u{180b}ᠭᠣᠯ",
        ] {
            assert_eq!(code(name), "ok", "{name:?}");
        }
    }

    #[test]
    fn invisible_characters_and_changes_of_text_direction_are_refused() {
        for hidden in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b5}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202b}',
            '\u{202c}',
            '\u{202d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2067}',
            '\u{2068}',
            '\u{2069}',
            '\u{206f}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{e0fff}',
        ] {
            assert_eq!(
                code(&format!("Ad{hidden}a")),
                "invalid_characters",
                "U+{:X}",
                u32::from(hidden)
            );
            assert_eq!(code(&format!(" {hidden}")), "too_short", "U+{:X}", u32::from(hidden));
        }
        for name in
            ["\u{200d}👩", "👩\u{200d}", "👩\u{200d}\u{200d}👧", "م\u{200c} ع", "❤\u{fe0f}\u{fe0f}"]
        {
            assert_eq!(code(name), "invalid_characters", "{name:?}");
        }
    }

    #[test]
    fn names_that_mail_programs_turn_into_links_are_refused() {
        for name in [
            "http://evil",
            "HTTPS://evil.example",
            "evil1\u{fe0f}.com",
            "evil。\u{fe0f}com",
            "xà\u{fe0f}.com/login",
            "evil﹒com",
            "evil\u{334}.com",
            "evil.c\u{334}om",
            "ftp://1.2.3.4",
            "www.x",
            "WWW.Evil",
            "evil.com",
            "Visit EVIL.COM/x now",
            "you won: evil.com.",
            "name@example.com",
            "пример.рф",
            "उदाहरण.भारत",
            "例え.テスト",
            "例え。テスト",
            "evil\u{ff0e}com",
            "evil\u{2024}com",
            "xn--e1afmkfd.xn--p1ai",
            "a1.co",
        ] {
            assert_eq!(code(name), "contains_url", "{name:?}");
        }
    }
}
