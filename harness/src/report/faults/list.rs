//! All faults by layer, a line each.
//!
//! Is given the faults; does not choose them.

use std::io::{self, Write};

use sparring_mock_server::script::FaultInfo;

use crate::report::terminal::{Look, Tone};

/// Columns of the ids: the longest there is, and a little air.
const IDS: usize = 30;

/// Writes the list; sentences are cut where the look's width ends.
pub fn list(faults: &[&FaultInfo], look: Look, writer: &mut dyn Write) -> io::Result<()> {
    let mut layer = "";
    for info in faults {
        if info.family != layer {
            let gap = if layer.is_empty() { "" } else { "\n" };
            writeln!(writer, "{gap}{}", look.paint(Tone::Strong, info.family))?;
            layer = info.family;
        }
        let text = brief(info.summary, look.width.saturating_sub(IDS + 3));
        writeln!(writer, "  {} {text}", look.paint(Tone::Good, &format!("{:<IDS$}", info.id)))?;
    }
    writeln!(writer, "\n{}", look.paint(Tone::Dim, "`sparring faults ID` explains one."))
}

/// The first sentence; where that is too long, as much of it as fits.
fn brief(text: &str, width: usize) -> String {
    let sentence = text.split_inclusive(". ").next().unwrap_or(text).trim_end_matches(['.', ' ']);
    if sentence.chars().count() > width { cut(sentence, width) } else { sentence.to_owned() }
}

/// Up to a colon, behind which stands a consequence, if what is before says enough; else up to the last word that fits.
fn cut(sentence: &str, width: usize) -> String {
    let says_enough = |start: &str| (width / 2..=width).contains(&start.chars().count());
    if let Some((start, _)) = sentence.split_once(": ").filter(|(start, _)| says_enough(start)) {
        return start.to_owned();
    }
    let room: String = sentence.chars().take(width.saturating_sub(1)).collect();
    let words = room.rsplit_once(' ').map_or(room.as_str(), |(words, _)| words);
    format!("{}…", words.trim_end_matches([',', ';']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("One. Two.", usize::MAX, "One")]
    #[case("One. Two.", 3, "One")]
    #[case("A sentence: with a consequence.", 20, "A sentence")]
    #[case("Answers have Connection: close, all of them, ever.", 48, "Answers have Connection: close, all of them…")]
    #[case("A sentence, with a second clause.", 13, "A sentence…")]
    #[case("Straightforwardness", 6, "Strai…")]
    #[case("See {\"code\": 1}. Two.", 40, "See {\"code\": 1}")]
    fn sentences(#[case] text: &str, #[case] width: usize, #[case] expected: &str) {
        assert_eq!(brief(text, width), expected);
    }
}
