//! Media types (RFC 9110 §8.3.1) and quoted strings (§5.6.4), which several headers use.

/// A media type and its parameters. Names are in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MediaType {
    pub(super) name: String,
    pub(super) parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Parses the value of `Content-Type`. `None` if it is not a media type, or if it is two headers joined by a comma.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = split(text, ';').into_iter();
        let name = parts.next()?.to_ascii_lowercase();
        let (kind, subtype) = name.split_once('/')?;
        (is_token(kind) && is_token(subtype)).then_some(())?;
        // A trailing semicolon is allowed.
        let parameters = parts.filter(|part| !part.is_empty()).map(parameter).collect::<Option<_>>()?;
        Some(Self { name, parameters })
    }

    /// Whether the text is UTF-8, as required for JSON between systems (RFC 8259 §8.1): no other `charset` is given.
    pub(super) fn is_utf8(&self) -> bool {
        let mut charsets = self.parameters.iter().filter(|(name, _)| name == "charset");
        charsets.all(|(_, charset)| charset.eq_ignore_ascii_case("utf-8"))
    }
}

fn parameter(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let value = match value.strip_prefix('"') {
        Some(quoted) => unquoted(quoted.strip_suffix('"')?)?,
        None => is_token(value).then(|| value.to_owned())?,
    };
    is_token(name).then(|| (name.to_ascii_lowercase(), value))
}

/// The content of a quoted string, with backslash escapes removed.
fn unquoted(text: &str) -> Option<String> {
    let (mut plain, mut letters) = (String::new(), text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return None,
            '\\' => plain.push(letters.next()?),
            letter => plain.push(letter),
        }
    }
    Some(plain)
}

/// Splits at separators outside quoted strings, and trims white space.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|letter| {
        let separates = letter == separator && !quoted;
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && quoted && !escaped;
        separates
    });
    parts.map(|part| part.trim_matches([' ', '\t'])).collect()
}

/// A token (RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_read_with_its_parameters() {
        let json = |parameters: &[(&str, &str)]| MediaType {
            name: "application/json".to_owned(),
            parameters: parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        };
        for (text, parameters) in [
            ("application/json", &[][..]),
            (" Application/JSON ", &[]),
            ("application/json;", &[]),
            ("application/json ; ; charset=UTF-8", &[("charset", "UTF-8")]),
            ("application/json;CHARSET=\"utf-8\"", &[("charset", "utf-8")]),
            (
                "application/json; a=\"x;y\\\"z\"; charset=utf-8",
                &[("a", "x;y\"z"), ("charset", "utf-8")],
            ),
        ] {
            assert_eq!(MediaType::parse(text), Some(json(parameters)), "{text}");
        }
        for bad in [
            "",
            "json",
            "application/",
            "/json",
            "application/json, text/plain",
            "application/json; charset",
            "application/json; charset=",
            "application/json; charset=utf-8,application/json",
            "application/json; charset = utf-8",
            "application/json; charset=\"utf-8",
            "application/json; a=\"\"b\"",
            "application/json; a=\"\\\"",
            "application json",
            "application/json/x",
        ] {
            assert_eq!(MediaType::parse(bad), None, "{bad}");
        }
    }
}
