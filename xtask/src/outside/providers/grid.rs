//! The table: a row for a service at a server, a column for a feature, a cell for what was seen in this run. Owns how it is printed
//! and whether all of it is well; an empty cell was not asked.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// What a service is asked for, in the order of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Feature {
    /// Requests as its own client's types have them.
    Types,
    /// Whether it is there and takes the key.
    Probe,
    Text,
    Stream,
    Usage,
    Cost,
    /// What is left of its limits.
    Left,
    Tools,
    Results,
    Schema,
    Arguments,
    Key,
    /// A prompt that does not fit.
    TooLong,
    RateLimit,
    Broken,
    Overload,
    Cut,
    Dropped,
    Garbled,
    Stalled,
    /// Research through the engine, with all of these.
    Engine,
}

impl Feature {
    const ALL: [(Self, &'static str); 21] = [
        (Self::Types, "types"),
        (Self::Probe, "probe"),
        (Self::Text, "text"),
        (Self::Stream, "stream"),
        (Self::Usage, "usage"),
        (Self::Cost, "cost"),
        (Self::Left, "left"),
        (Self::Tools, "tools"),
        (Self::Results, "results"),
        (Self::Schema, "schema"),
        (Self::Arguments, "args"),
        (Self::Key, "401"),
        (Self::TooLong, "long"),
        (Self::RateLimit, "429"),
        (Self::Broken, "500"),
        (Self::Overload, "529"),
        (Self::Cut, "cut"),
        (Self::Dropped, "drop"),
        (Self::Garbled, "garbled"),
        (Self::Stalled, "stall"),
        (Self::Engine, "engine"),
    ];

    pub(super) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(feature, _)| *feature == self).map_or("", |(_, name)| name)
    }
}

/// What was seen.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// What should be, in a word.
    Passed(String),
    /// Something else.
    Failed(String),
    /// Nothing: it is not there to be asked, for this reason.
    Missing(&'static str),
}

impl From<Result<String, String>> for Cell {
    fn from(outcome: Result<String, String>) -> Self {
        match outcome {
            Ok(word) => Self::Passed(word),
            Err(problem) => Self::Failed(problem),
        }
    }
}

/// A service on a wire, at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) vendor: &'static str,
    pub(super) wire: &'static str,
    /// Who answers, and whose words it speaks if they are not the vendor's.
    pub(super) server: &'static str,
}

/// The whole table.
#[derive(Debug, Default)]
pub(super) struct Grid {
    rows: Vec<(Row, Vec<(Feature, Cell)>)>,
    /// What is worth saying, and of whom.
    notes: BTreeMap<String, Vec<String>>,
    /// What was left out on demand.
    left_out: Vec<String>,
}

impl Grid {
    /// Adds cells to a row. A cell that failed stays failed.
    pub(super) fn add(&mut self, row: &Row, cells: Vec<(Feature, Cell)>) {
        let at = self.rows.iter().position(|(known, _)| known == row).unwrap_or_else(|| {
            self.rows.push((row.clone(), Vec::new()));
            self.rows.len() - 1
        });
        let known = &mut self.rows[at].1;
        for (feature, cell) in cells {
            match known.iter_mut().find(|(known, _)| *known == feature) {
                Some((_, Cell::Failed(_))) => {}
                Some((_, kept)) => *kept = cell,
                None => known.push((feature, cell)),
            }
        }
    }

    /// Adds a cell that is no matter of a server to the first row of its vendor and wire.
    pub(super) fn add_once(&mut self, vendor: &'static str, wire: &'static str, cell: (Feature, Cell)) {
        let known = self.rows.iter().find(|(row, _)| row.vendor == vendor && row.wire == wire);
        let row = known.map_or(Row { vendor, wire, server: "" }, |(row, _)| row.clone());
        self.add(&row, vec![cell]);
    }

    /// Keeps something worth saying of somebody.
    pub(super) fn note(&mut self, note: String, of: String) {
        self.notes.entry(note).or_default().push(of);
    }

    /// Says that a part did not run.
    pub(super) fn leave_out(&mut self, part: &str) {
        self.left_out.push(part.to_owned());
    }

    /// Whether nothing failed, and something was asked.
    pub(super) fn is_well(&self) -> bool {
        let mut cells = self.rows.iter().flat_map(|(_, cells)| cells).map(|(_, cell)| cell).peekable();
        cells.peek().is_some() && !cells.any(|cell| matches!(cell, Cell::Failed(_)))
    }

    /// Prints it, then what is missing and why, then what failed.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|(row, _)| (row.vendor, row.wire));
        let lines: Vec<Vec<&str>> = rows.iter().map(|(row, cells)| line(row, cells)).collect();
        let names = ["vendor", "wire", "server"].into_iter().chain(Feature::ALL.iter().map(|(_, name)| *name));
        let head: Vec<&str> = names.collect();
        let width = |column: usize| {
            lines.iter().chain([&head]).map(|line| line[column].chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        for line in [&head].into_iter().chain(&lines) {
            let padded = line.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
            writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        let cells =
            || rows.iter().flat_map(|(row, cells)| cells.iter().map(move |(feature, cell)| (row, *feature, cell)));
        let mut notes = self.notes.clone();
        for (row, feature, cell) in cells() {
            if let Cell::Missing(why) = cell {
                let of = format!("{} of {}", feature.as_str(), row.vendor);
                let known = notes.entry(format!("-: {why}")).or_default();
                if !known.contains(&of) {
                    known.push(of);
                }
            }
        }
        for (note, of) in &notes {
            writeln!(out, "{note}: {}", of.join(", "))?;
        }
        for part in &self.left_out {
            writeln!(out, "left out: {part}")?;
        }
        for (row, feature, cell) in cells() {
            if let Cell::Failed(problem) = cell {
                let Row { vendor, wire, server } = row;
                let at = if server.is_empty() { "" } else { " at " };
                writeln!(out, "failed: {vendor} over {wire}{at}{server}, {}: {problem}", feature.as_str())?;
            }
        }
        Ok(())
    }
}

fn line<'a>(row: &'a Row, cells: &'a [(Feature, Cell)]) -> Vec<&'a str> {
    let shown = |wanted: Feature| {
        let cell = cells.iter().find(|(feature, _)| *feature == wanted).map(|(_, cell)| cell);
        match cell {
            None => "",
            Some(Cell::Passed(word)) => word,
            Some(Cell::Failed(_)) => "FAILED",
            Some(Cell::Missing(_)) => "-",
        }
    };
    [row.vendor, row.wire, row.server]
        .into_iter()
        .chain(Feature::ALL.iter().map(|(feature, _)| shown(*feature)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Row = Row { vendor: "lab", wire: "chat", server: "mock" };

    #[test]
    fn a_table_is_well_when_something_was_asked_and_nothing_failed() {
        let mut grid = Grid::default();
        assert!(!grid.is_well());
        grid.add(
            &ROW,
            vec![(Feature::Text, Ok("ok".to_owned()).into()), (Feature::Schema, Cell::Missing("no schema"))],
        );
        assert!(grid.is_well());
        grid.add(&ROW, vec![(Feature::Text, Err("it broke".to_owned()).into())]);
        grid.add(&ROW, vec![(Feature::Text, Ok("ok".to_owned()).into())]);
        assert!(!grid.is_well());
        let mut printed = Vec::new();
        grid.print(&mut printed).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains("-: no schema: schema of lab\n"), "{printed}");
        assert!(printed.contains("failed: lab over chat at mock, text: it broke\n"), "{printed}");
    }
}
