//! How text is set: width, colour, wrapping. Knows nothing of results.

use console::{Style, Term, measure_text_width};

/// Lines are no shorter than this, however narrow the terminal is.
const NARROWEST: usize = 60;
/// Lines are no longer than this, however wide the terminal is: longer ones are hard to follow.
const WIDEST: usize = 120;
/// What is assumed where there is no terminal.
const USUAL: usize = 100;

/// How text is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns that a line may have.
    pub width: usize,
    /// Whether colours are used.
    pub colour: bool,
}

/// What a text says by its colour. Every tone is also said in words: colour is never alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// Headings and names.
    Strong,
    /// What can be passed over.
    Dim,
    /// It is as it should be.
    Good,
    /// The subject is wrong.
    Bad,
    /// A deviation, something left open, a fault.
    Odd,
    /// Not the subject's doing: the adapter, the machine, Sparring itself.
    Ours,
}

impl Look {
    /// For a file or a pipe.
    pub fn plain() -> Self {
        Self { width: USUAL, colour: false }
    }

    /// For standard output as it is: the terminal's width, and colours unless it is no terminal or `NO_COLOR` is set.
    pub fn stdout() -> Self {
        Self { width: width(&Term::stdout()), colour: console::colors_enabled() }
    }

    /// The same for standard error.
    pub fn stderr() -> Self {
        Self { width: width(&Term::stderr()), colour: console::colors_enabled_stderr() }
    }

    /// The text in this tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        style(tone).force_styling(self.colour).apply_to(text).to_string()
    }
}

fn width(term: &Term) -> usize {
    term.size_checked().map_or(USUAL, |(_, columns)| usize::from(columns).clamp(NARROWEST, WIDEST))
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Strong => Style::new().bold(),
        Tone::Dim => Style::new().dim(),
        Tone::Good => Style::new().green(),
        Tone::Bad => Style::new().red().bold(),
        Tone::Odd => Style::new().yellow(),
        Tone::Ours => Style::new().magenta().bold(),
    }
}

/// The text in lines of at most this width, broken at spaces where that is possible. Line feeds stay.
pub(in crate::report) fn wrap(text: &str, width: usize) -> Vec<String> {
    text.lines().flat_map(|line| wrap_line(line, width.max(1))).collect()
}

fn wrap_line(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace().flat_map(|word| pieces(word, width)) {
        let length = measure_text_width(word);
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        // There is a line from the start, and lines are only added.
        let line = lines.last_mut().expect("there is always a line");
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    lines
}

/// A word cut into pieces that fit.
fn pieces(word: &str, width: usize) -> Vec<&str> {
    let (mut pieces, mut from, mut used) = (Vec::new(), 0, 0);
    for (place, letter) in word.char_indices() {
        let length = measure_text_width(letter.encode_utf8(&mut [0; 4]));
        if used + length > width && place > from {
            pieces.push(&word[from..place]);
            (from, used) = (place, 0);
        }
        used += length;
    }
    pieces.push(&word[from..]);
    pieces
}

/// Fills up with spaces on the right.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}

/// Fills up with spaces on the left.
pub(super) fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("one two three", 7, &["one two", "three"])]
    #[case("one", 7, &["one"])]
    #[case("", 7, &[])]
    #[case("a\nb", 7, &["a", "b"])]
    #[case("abcdefghij kl", 4, &["abcd", "efgh", "ij", "kl"])]
    #[case("日本語", 4, &["日本", "語"])]
    fn wrapping(#[case] text: &str, #[case] width: usize, #[case] expected: &[&str]) {
        assert_eq!(wrap(text, width), expected);
    }

    #[test]
    fn colour_only_where_it_is_wanted() {
        let look = Look { width: 80, colour: true };
        assert_eq!(look.paint(Tone::Good, "pass"), "\u{1b}[32mpass\u{1b}[0m");
        assert_eq!(Look::plain().paint(Tone::Good, "pass"), "pass");
    }
}
