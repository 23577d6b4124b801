//! Groups of characters that are equal at primary strength in the root collation of ICU4X: the reference for search.

use std::collections::BTreeMap;

use icu_collator::{
    Collator, CollatorBorrowed,
    options::{AlternateHandling, CollatorOptions, Strength},
};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Characters with the same primary weights.
#[derive(Debug)]
pub struct Group {
    /// Their representation: one character per letter that they consist of, none for ignorable characters.
    pub letters: String,
    /// The characters, in order of their code points.
    pub characters: Vec<char>,
}

/// All characters of texts in NFC, grouped by primary weights. Without the planes that are unassigned or contain only
/// ideographs or private-use characters: each of these is a separate letter.
pub fn primary_groups() -> Vec<Group> {
    let collation = Collation::new();
    let group = |(weights, characters): (&Vec<u8>, &Vec<char>)| {
        let letters = match collation.is_letter(weights) {
            _ if weights.is_empty() => Some(String::new()),
            true => Some(collation.representative(weights).to_string()),
            false => collation.letters(weights, weights, None, ""),
        };
        Group { letters: letters.expect("it consists of letters"), characters: characters.clone() }
    };
    collation.by_weights.iter().map(group).collect()
}

struct Collation {
    collator: CollatorBorrowed<'static>,
    by_weights: BTreeMap<Vec<u8>, Vec<char>>,
}

/// The primary weights of a text: its sort key.
fn weights(collator: &CollatorBorrowed<'_>, text: &str) -> Vec<u8> {
    let mut key = Vec::new();
    collator.write_sort_key_to(text, &mut key).expect("writing to memory does not fail");
    key
}

/// Hangul syllables count as letters, although they have the weights of several.
fn is_hangul_syllable(c: &char) -> bool {
    ('\u{ac00}'..='\u{d7a3}').contains(c)
}

impl Collation {
    fn new() -> Self {
        let mut options = CollatorOptions::default();
        options.strength = Some(Strength::Primary);
        options.alternate_handling = Some(AlternateHandling::NonIgnorable);
        let collator =
            Collator::try_new(Default::default(), options).expect("the root collation is compiled in");
        let mut by_weights = BTreeMap::<_, Vec<char>>::new();
        for c in ('\0'..='\u{2ffff}').chain('\u{e0000}'..='\u{effff}') {
            let mut bytes = [0; 4];
            let text = c.encode_utf8(&mut bytes);
            if is_nfc(text) {
                by_weights.entry(weights(&collator, text)).or_default().push(c);
            }
        }
        Self { collator, by_weights }
    }

    /// Whether the weights are those of one letter: no other letter's weights are a prefix of them.
    fn is_letter(&self, weights: &[u8]) -> bool {
        let is_prefix = |length| self.by_weights.contains_key(&weights[..length]);
        self.by_weights[weights].iter().any(is_hangul_syllable) || !(1..weights.len()).any(is_prefix)
    }

    /// The representative of a letter: its first plain character in lower case.
    fn representative(&self, weights: &[u8]) -> char {
        let is_plain = |c: &char| c.to_lowercase().eq([*c]) && [*c].into_iter().nfkd().eq([*c]);
        let order = |c: &char| (!is_hangul_syllable(c), !is_plain(c), *c);
        *self.by_weights[weights].iter().min_by_key(|c| order(c)).expect("no group is empty")
    }

    /// The letters that together have the weights `all`, of which `rest` is not matched yet. A sort key omits the lead byte of a
    /// letter that has the same lead byte as the one before, and ends such a run with a terminator byte.
    fn letters(&self, all: &[u8], rest: &[u8], lead: Option<u8>, found: &str) -> Option<String> {
        if rest.is_empty() {
            return (weights(&self.collator, found) == all).then(|| found.to_owned());
        }
        for (marks, end) in
            [0, 1].into_iter().flat_map(|n| (n + 1..=rest.len()).map(move |end| (n, end)))
        {
            let whole = rest[marks..end].to_vec();
            let shortened = lead.map(|lead| [&[lead], whole.as_slice()].concat());
            for letter in [Some(whole), shortened].into_iter().flatten() {
                if self.by_weights.contains_key(&letter) && self.is_letter(&letter) {
                    let next = format!("{found}{}", self.representative(&letter));
                    let letters = self.letters(all, &rest[end..], letter.first().copied(), &next);
                    if letters.is_some() {
                        return letters;
                    }
                }
            }
        }
        None
    }
}
