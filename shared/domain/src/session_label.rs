//! Names of sessions, by which their owner recognizes them in a list.

/// The maximum length of a label.
const MAX_LENGTH: usize = 60;

/// How many bytes of a `User-Agent` header are read. Those of browsers are shorter.
const MAX_READ: usize = 512;

/// Browsers, by the product in their `User-Agent` header. Most claim to be others too, so the first match counts.
///
/// Source: "Browser detection using the user agent string", MDN.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
];

/// Systems, by a part of the comment in the header of a browser. The first match counts: Android is also a Linux.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// What a session was opened with, such as "Firefox on Linux": 1 to 60 letters, digits, spaces and `+ - . / _`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct SessionLabel(String);

impl SessionLabel {
    /// The label of a client that sent this `User-Agent` header (RFC 9110 §10.1.5): browser and system, otherwise the first
    /// product. `None` if it is neither. Nothing else of the header is kept.
    pub fn of_user_agent(header: &str) -> Option<Self> {
        let read = header.get(..MAX_READ).unwrap_or(header);
        if read.len() > MAX_READ {
            // Byte 512 is inside a character, so this is no header of a client.
            return None;
        }
        let first = |known: &[(&str, &'static str)]| {
            known.iter().find(|(part, _)| read.contains(part)).map(|(_, name)| *name)
        };
        if read.starts_with("Mozilla/")
            && let Some((browser, system)) = first(&BROWSERS).zip(first(&SYSTEMS))
        {
            return Some(Self(format!("{browser} on {system}")));
        }
        let product = read.split([' ', '\t']).find(|word| !word.is_empty())?;
        Self::parse(product.get(..MAX_LENGTH).unwrap_or(product))
    }

    /// Reads a label that was stored. `None` for what is no label.
    pub fn parse(text: &str) -> Option<Self> {
        let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b" +-./_".contains(&byte);
        let is_valid = (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(is_kept);
        is_valid.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(header: &str) -> Option<String> {
        SessionLabel::of_user_agent(header).map(|label| label.as_str().to_owned())
    }

    #[test]
    fn browsers_are_named_with_their_system() {
        for (header, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 \
                 Safari/537.36 Edg/126.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile \
                 Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.4 Safari/605.1.15",
                "Safari on macOS",
            ),
        ] {
            assert_eq!(label(header).as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn other_clients_are_named_by_their_first_product() {
        assert_eq!(label("curl/8.5.0").as_deref(), Some("curl/8.5.0"));
        assert_eq!(label("  Bell-App/1.2 (private words) okhttp/4").as_deref(), Some("Bell-App/1.2"));
        assert_eq!(label("Mozilla/5.0 (unknown)").as_deref(), Some("Mozilla/5.0"));
    }

    #[test]
    fn nothing_hostile_becomes_a_label() {
        for header in
            ["", " ", "\t", "<script>alert(1)</script>", "a\u{202e}b", "\"x\"", "a\r\nb", "é/1"]
        {
            assert_eq!(label(header), None, "{header:?}");
        }
        let long = label(&format!("{}/1", "a".repeat(100_000))).expect("a label");
        assert_eq!(long, "a".repeat(MAX_LENGTH));
        assert_eq!(label(&format!("{}é", "é ".repeat(1_000))), None);
        assert_eq!(SessionLabel::parse(&"a".repeat(MAX_LENGTH + 1)), None);
    }
}
