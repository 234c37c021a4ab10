//! Texts that get deep into a reader: made of its words, or made from good ones by a few edits.

use std::ops::Bound::{Excluded, Included};

use bolero::{Driver, ValueGenerator};

/// What stands between words, or where it should not.
const ODD: [&str; 24] = [
    "",
    " ",
    "\n",
    "\t",
    "\0",
    "\"",
    "'",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "-",
    "/",
    "=",
    "#",
    "0",
    "18446744073709551616",
    "1e999",
    "ä",
    "\u{1e}",
    "\u{10ffff}",
];

/// Most words in a text.
const MOST_WORDS: usize = 48;
/// Most edits of a text.
const MOST_EDITS: usize = 6;

/// Texts of these words in any order.
#[derive(Debug, Clone, Copy)]
pub struct Words(pub &'static [&'static str]);

impl ValueGenerator for Words {
    type Output = String;

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<String> {
        let count = below(driver, MOST_WORDS)?;
        (0..count).map(|_| word(driver, self.0)).collect()
    }
}

/// One of these texts, changed in a few places: parts taken out, repeated or overwritten with these words.
#[derive(Debug, Clone)]
pub struct Edited<'a> {
    /// Good texts; there must be one.
    pub texts: &'a [String],
    /// Words to put in.
    pub words: &'static [&'static str],
}

impl ValueGenerator for Edited<'_> {
    type Output = String;

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<String> {
        let mut text = self.texts[below(driver, self.texts.len())?].clone();
        for _ in 0..below(driver, MOST_EDITS)? {
            edit(driver, &mut text, self.words)?;
        }
        Some(text)
    }
}

fn edit<D: Driver>(driver: &mut D, text: &mut String, words: &[&str]) -> Option<()> {
    let start = boundary(text, below(driver, text.len() + 1)?);
    // Most edits are small; some take a line or more.
    let reach = if driver.gen_bool(None)? { 8 } else { 200 };
    let end = boundary(text, (start + below(driver, reach)?).min(text.len()));
    let part = text[start..end].to_owned();
    match below(driver, 4)? {
        0 => text.replace_range(start..end, ""),
        1 => text.replace_range(start..end, &word(driver, words)?),
        2 => text.insert_str(end, &part),
        _ => text.insert_str(start, &word(driver, words)?),
    }
    Some(())
}

fn word<D: Driver>(driver: &mut D, words: &[&str]) -> Option<String> {
    Some(match below(driver, 8)? {
        0 => driver.produce::<char>()?.to_string(),
        1 | 2 => ODD[below(driver, ODD.len())?].to_owned(),
        _ if words.is_empty() => String::new(),
        _ => words[below(driver, words.len())?].to_owned(),
    })
}

/// The sizes of portions in which this many bytes might come.
pub fn portions<D: Driver>(driver: &mut D, bytes: usize) -> Option<Vec<usize>> {
    let mut sizes = Vec::new();
    let mut left = bytes;
    while left > 0 {
        let size = 1 + below(driver, left)?;
        sizes.push(size);
        left -= size;
    }
    Some(sizes)
}

/// A number below `end`, zero if there is none.
pub(crate) fn below<D: Driver>(driver: &mut D, end: usize) -> Option<usize> {
    driver.gen_usize(Included(&0), Excluded(&end.max(1)))
}

fn boundary(text: &str, from: usize) -> usize {
    (from..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len())
}
