use super::*;

fn finds(term: &str, text: &str) -> bool {
    use unicode_normalization::UnicodeNormalization;
    let text: String = text.nfc().collect();
    SearchTerm::parse(term).expect(term).is_in(&text)
}

fn code(term: &str) -> &'static str {
    SearchTerm::parse(term).err().map_or("ok", |violation| violation.code)
}

#[test]
fn base_letters_are_found_regardless_of_case_width_and_accents() {
    for (term, text) in [
        ("CAFÉ", "Zwei Cafe\u{301}s"),
        ("cafe", "CAFÉ"),
        ("strasse", "Hauptstraße"),
        ("STRASSE", "STRAẞE"),
        ("ﬁn", "Finish"),
        ("fin", "ﬁnish"),
        ("  bell ", "The BELL"),
        ("Åse", "ase"),
        ("duong", "đường"),
        ("Đường", "duong"),
        ("o", "ø"),
        ("oe", "œuvre"),
        ("aether", "Æther"),
        ("lodz", "Łódź"),
        ("istanbul", "İstanbul"),
        ("tick", "\u{ff34}\u{ff29}\u{ff23}\u{ff2b}"),
        ("athina", "A\u{307}thi\u{308}na"),
        ("αθηνα", "Αθήνα"),
        ("σ", "ς"),
        ("елка", "Ёлка"),
        ("かたかな", "カタカナ"),
        ("か", "が"),
        ("हदी", "हंदी"),
        ("क", "क़"),
        ("ガ", "ｶﾞ"),
        ("kg", "5 ㎏"),
        ("10", "⑩"),
        ("3", "٣"),
        ("x2", "x²"),
        ("شكرا", "شُكْرًا"),
        ("שלום", "שָׁלוֹם"),
        ("กิน", "กินข้าว"),
        ("bell tower", "bell\u{a0}tower"),
        ("co-op", "co\u{ad}-op"),
        ("❤", "❤\u{fe0f}"),
        ("한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"),
    ] {
        assert!(finds(term, text), "{term} in {text}");
    }
}

#[test]
fn different_letters_and_symbols_are_not_found() {
    for (term, text) in [
        ("bell tower", "bell, tower"),
        ("கட", "கோட"),
        ("कम", "किम"),
        ("कम", "काम"),
        ("কল", "কাল"),
        ("గడ", "గూడ"),
        ("กน", "กิน"),
        ("มา", "มี"),
        ("ກນ", "ກິນ"),
        ("កន", "កិន"),
        ("ကန", "ကိန"),
        ("и", "й"),
        ("i", "ı"),
        ("th", "þ"),
        ("가", "각"),
        ("ㄱ", "가"),
        ("か", "き"),
        ("は", "ほ"),
        ("ا", "أ"),
        ("中", "国"),
        ("🔔", "🔕"),
        ("c", "C++".strip_prefix('C').unwrap()),
        ("c++", "c--"),
        ("1", "2"),
    ] {
        assert!(!finds(term, text), "{term} in {text}");
    }
}

#[test]
fn a_term_has_1_to_100_characters_that_are_not_all_ignored() {
    for nothing in ["", " ", "\u{301}", "\u{200d}\u{200b}", "\u{ad}", "\u{fe0f}", "ّ"] {
        assert_eq!(code(nothing), "too_short", "{nothing:?}");
    }
    assert_eq!(code("a\0b"), "invalid_characters");
    for longest in ["x".repeat(100), "㌖".repeat(100), "\u{fdfa}".repeat(100)] {
        assert_eq!(code(&longest), "ok");
    }
    assert_eq!(code(&"x".repeat(101)), "too_long");
}

#[test]
fn a_key_has_at_most_six_characters_per_character_of_the_text() {
    for (c, count) in [
        ('\u{fdfa}', 1),
        ('\u{fdfb}', 1),
        ('㌖', 6),
        ('㎯', 6),
        ('ß', 2),
        ('각', 1),
        ('\u{301}', 0),
        ('x', 1),
    ] {
        let key = search_key(&c.to_string().repeat(16_000));
        assert_eq!(key.chars().count(), 16_000 * count, "{c}");
    }
    assert!(finds("\u{fdfa}", "x\u{fdfa}"));
}
