//! Characters are equal in a search if ICU4X says so at primary strength.
//!
//! After an update of ICU4X, this command writes the table again:
//! `UPDATE_EQUIVALENTS=1 cargo test --manifest-path shared/domain/Cargo.toml --test collation`

use std::{collections::BTreeMap, env, fs, sync::LazyLock};

use taskbell_domain::search::{MAX_EXPANSION, search_key};
use taskbell_test::collation::{Group, primary_groups};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/search/equivalents.txt");

const HEADER: &str = "\
# Characters that are equal in a search: those with the same primary weights in the root collation order of CLDR, from
# ICU4X. Each line has a search key, a colon, and ranges of characters, all as hexadecimal numbers. The key of ignorable
# characters is empty. Characters that are not listed are their own key. Written by tests/collation.rs. Derived from data
# files of Unicode, Inc., under the Unicode License V3 (https://www.unicode.org/license.txt).
";

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(primary_groups);

/// The line of a group in the table: its characters that are not their own key.
fn row(Group { letters, characters }: &Group) -> Option<String> {
    let mut ranges = Vec::<(u32, u32)>::new();
    for c in characters.iter().filter(|c| !letters.chars().eq([**c])) {
        let number = u32::from(*c);
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let key: Vec<_> = letters.chars().map(|c| format!("{:X}", u32::from(c))).collect();
    let range = |(first, last): &(u32, u32)| match first == last {
        true => format!(" {first:X}"),
        false => format!(" {first:X}-{last:X}"),
    };
    let ranges: String = ranges.iter().map(range).collect();
    (!ranges.is_empty()).then(|| format!("{}:{ranges}\n", key.join(" ")))
}

#[test]
fn the_table_of_equal_characters_matches_the_root_collation_order() {
    let short = GROUPS.iter().filter(|group| group.letters.chars().count() <= MAX_EXPANSION);
    let table: String = [HEADER.to_owned()].into_iter().chain(short.filter_map(row)).collect();
    if env::var_os("UPDATE_EQUIVALENTS").is_some() {
        fs::write(TABLE, &table).expect("the file can be written");
    }
    assert!(fs::read_to_string(TABLE).expect("a table") == table, "the table does not match ICU4X");
}

#[test]
fn characters_have_equal_keys_if_and_only_if_their_primary_weights_are_equal() {
    let mut groups_of_keys = BTreeMap::new();
    for (index, Group { letters, characters }) in GROUPS.iter().enumerate() {
        for c in characters {
            let key = search_key(&c.to_string());
            let is_short = letters.chars().count() <= MAX_EXPANSION;
            let expected = if is_short { letters.clone() } else { c.to_string() };
            assert_eq!(key, expected, "{c:?} (U+{:X})", u32::from(*c));
            assert_eq!(*groups_of_keys.entry(key).or_insert(index), index, "{c:?}");
        }
    }
}
