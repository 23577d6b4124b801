//! Which characters a search takes for equal is what ICU4X says at primary strength.
//!
//! For another version of ICU4X, this writes the table anew:
//! `UPDATE_EQUIVALENTS=1 cargo test --manifest-path shared/domain/Cargo.toml --test collation`

use std::{collections::BTreeMap, env, fs, sync::LazyLock};

use taskbell_domain::search::{MAX_EXPANSION, search_key};
use taskbell_test::collation::{Group, primary_groups};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/search/equivalents.txt");

const HEADER: &str = "\
# Characters that a search takes for equal: those with the same primary weights in the root collation order of CLDR, as
# ICU4X has it. What stands for them, a colon, and the characters, all in hexadecimal numbers; nothing stands for
# ignorable characters. What is not here is equal to itself only. Written by tests/collation.rs. Derived from data files
# of Unicode, Inc., under the Unicode License V3 (https://www.unicode.org/license.txt).
";

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(primary_groups);

/// The characters of a group that something else stands for, as the table has them.
fn row(Group { letters, characters }: &Group) -> Option<String> {
    let mut ranges = Vec::<(u32, u32)>::new();
    for c in characters.iter().filter(|c| !letters.chars().eq([**c])) {
        let number = u32::from(*c);
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let standing: Vec<_> = letters.chars().map(|c| format!("{:X}", u32::from(c))).collect();
    let range = |(first, last): &(u32, u32)| match first == last {
        true => format!(" {first:X}"),
        false => format!(" {first:X}-{last:X}"),
    };
    let ranges: String = ranges.iter().map(range).collect();
    (!ranges.is_empty()).then(|| format!("{}:{ranges}\n", standing.join(" ")))
}

#[test]
fn the_table_of_equal_characters_is_that_of_the_root_collation_order() {
    let short = GROUPS.iter().filter(|group| group.letters.chars().count() <= MAX_EXPANSION);
    let table: String = [HEADER.to_owned()].into_iter().chain(short.filter_map(row)).collect();
    if env::var_os("UPDATE_EQUIVALENTS").is_some() {
        fs::write(TABLE, &table).expect("the file can be written");
    }
    assert!(fs::read_to_string(TABLE).expect("a table") == table, "the table is not that of ICU4X");
}

#[test]
fn characters_have_equal_keys_exactly_if_their_primary_weights_are_equal() {
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
