//! Counting what passed, by sections, and saying what did not.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    process::ExitCode,
};

/// Checks of one suite.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sections: BTreeMap<String, (usize, usize)>,
    problems: Vec<String>,
    remarks: Vec<String>,
}

impl Tally {
    /// Counts one check of a section; a problem is kept with its name.
    pub(super) fn check(&mut self, section: &str, name: &str, outcome: Result<(), String>) {
        let (passed, total) = self.sections.entry(section.to_owned()).or_default();
        *total += 1;
        match outcome {
            Ok(()) => *passed += 1,
            Err(problem) => self.problems.push(format!("{section}: {name}: {problem}")),
        }
    }

    /// Keeps something worth saying that is no failure.
    pub(super) fn remark(&mut self, remark: String) {
        self.remarks.push(remark);
    }

    /// Prints the table and what failed. Fails when something did, or when nothing was checked.
    pub(super) fn print(&self, suite: &str) -> io::Result<ExitCode> {
        let mut out = io::stdout().lock();
        let width = self.sections.keys().map(String::len).max().unwrap_or_default().max(suite.len());
        for (section, (passed, total)) in &self.sections {
            writeln!(out, "{section:<width$}  {passed}/{total}")?;
        }
        for remark in &self.remarks {
            writeln!(out, "note: {remark}")?;
        }
        for problem in &self.problems {
            writeln!(out, "failed: {problem}")?;
        }
        let (passed, total) = self.counts();
        writeln!(out, "{suite:<width$}  {passed}/{total} passed")?;
        Ok(if passed == total && total > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn counts(&self) -> (usize, usize) {
        self.sections.values().fold((0, 0), |(passed, total), section| (passed + section.0, total + section.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_fails_with_its_first_failed_check_and_without_any() {
        let mut tally = Tally::default();
        assert_eq!(tally.print("none").unwrap(), ExitCode::FAILURE);
        tally.check("one", "a", Ok(()));
        assert_eq!(tally.print("one").unwrap(), ExitCode::SUCCESS);
        tally.check("two", "b", Err("it broke".to_owned()));
        assert_eq!(tally.print("both").unwrap(), ExitCode::FAILURE);
        assert_eq!((tally.counts(), tally.problems.as_slice()), ((1, 2), ["two: b: it broke".to_owned()].as_slice()));
    }
}
