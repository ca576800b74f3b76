//! Columns of text. Owns their widths; the last column is never padded or cut.

use crate::terminal::{Closed, Line, Style, Terminal, harmless};

/// The widest a column is padded to; longer cells push their row to the right.
const WIDTH_MAX: usize = 48;

/// A table with a head of `N` columns.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    head: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) const fn new(head: [&'static str; N]) -> Self {
        Self { head, rows: Vec::new() }
    }

    pub(crate) fn row<T: Into<String>>(&mut self, cells: [T; N]) {
        self.rows.push(cells.map(|cell| harmless(&cell.into()).replace(['\n', '\t'], " ")));
    }

    /// Writes it to stdout.
    ///
    /// # Errors
    /// [`Closed`] when nobody reads it any more.
    pub(crate) fn print(&self, terminal: Terminal) -> Result<(), Closed> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.head[column].len()]).max().unwrap_or(0).min(WIDTH_MAX)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        let line = |cells: &[&str]| {
            let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        terminal.out(Line::new().styled(Style::Bold, line(&self.head)))?;
        for row in &self.rows {
            terminal.out(line(&row.each_ref().map(String::as_str)))?;
        }
        Ok(())
    }
}
