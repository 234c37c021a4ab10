//! Aligned columns with a head. Knows nothing of what stands in them.

use console::measure_text_width;

use super::look::{Look, Tone, pad, pad_left, wrap};

/// Spaces between columns.
const GAP: usize = 2;

/// A table.
#[derive(Debug, Default)]
pub(in crate::report) struct Grid {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

/// How a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Align {
    Left,
    Right,
}

/// A cell.
#[derive(Debug, Clone)]
pub(in crate::report) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A text in a tone.
    pub(in crate::report) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

impl Grid {
    /// Adds a column. Its head is broken at spaces, so that narrow columns stay narrow.
    pub(in crate::report) fn column(&mut self, head: &str, align: Align) {
        self.columns.push((head.to_owned(), align));
    }

    /// Adds a row; the last cell is wrapped where it is too long.
    pub(in crate::report) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table in lines.
    pub(in crate::report) fn lines(&self, look: Look) -> Vec<String> {
        let widths = self.widths(look);
        let mut lines = self.head(&widths, look);
        lines.extend(self.rows.iter().flat_map(|row| self.set(row, &widths, look)));
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    /// As wide as the widest cell; the last column takes no more than what is left.
    fn widths(&self, look: Look) -> Vec<usize> {
        let head = |head: &str| head.split(' ').map(measure_text_width).max().unwrap_or_default();
        let mut widths: Vec<usize> = self.columns.iter().map(|(text, _)| head(text)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = measure_text_width(&cell.text).max(*width);
            }
        }
        if let Some((last, others)) = widths.split_last_mut() {
            let used: usize = others.iter().map(|width| width + GAP).sum();
            *last = (*last).min(look.width.saturating_sub(used).max(20));
        }
        widths
    }

    fn head(&self, widths: &[usize], look: Look) -> Vec<String> {
        let heads: Vec<Vec<&str>> = self.columns.iter().map(|(head, _)| head.split(' ').collect()).collect();
        let height = heads.iter().map(Vec::len).max().unwrap_or_default();
        let line = |index: usize| {
            let cell = |(place, words): (usize, &Vec<&str>)| {
                // Heads stand at the bottom.
                let word = (index + words.len()).checked_sub(height).and_then(|index| words.get(index));
                align(word.copied().unwrap_or_default(), widths[place], self.columns[place].1)
            };
            look.paint(Tone::Dim, heads.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end())
        };
        (0..height).map(line).collect()
    }

    fn set(&self, row: &[Cell], widths: &[usize], look: Look) -> Vec<String> {
        let Some((last, others)) = row.split_last() else { return Vec::new() };
        let painted = |(place, cell): (usize, &Cell)| {
            let text = align(&cell.text, widths[place], self.columns[place].1);
            look.paint(cell.tone, &text)
        };
        let start: Vec<String> = others.iter().enumerate().map(painted).collect();
        let indent: usize = widths[..others.len()].iter().map(|width| width + GAP).sum();
        let (width, side) = (widths[others.len()], self.columns[others.len()].1);
        let wrapped = wrap(&last.text, width);
        let mut lines = vec![start.join("  ")];
        for (index, text) in wrapped.iter().enumerate() {
            let text = look.paint(last.tone, align(text, width, side).trim_end());
            if index > 0 {
                lines.push(format!("{}{text}", " ".repeat(indent)));
            } else if others.is_empty() {
                lines[0] = text;
            } else {
                lines[0] = format!("{}  {text}", lines[0]);
            }
        }
        lines
    }
}

fn align(text: &str, width: usize, align: Align) -> String {
    match align {
        Align::Left => pad(text, width),
        Align::Right => pad_left(text, width),
    }
}
