//! Counting what passed, by sections, and saying what did not.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    process::ExitCode,
};

/// Checks of one suite.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sections: BTreeMap<String, Section>,
    problems: Vec<String>,
    remarks: Vec<String>,
}

#[derive(Debug, Default)]
struct Section {
    passed: usize,
    total: usize,
    is_shown_only: bool,
}

impl Tally {
    /// Counts one check of a section; a problem is kept with its name.
    pub(super) fn check(&mut self, section: &str, name: &str, outcome: Result<(), String>) {
        if let Err(problem) = self.count(section, name, outcome) {
            self.problems.push(problem);
        }
    }

    /// Shows one check of a section of which none counts for the outcome.
    pub(super) fn show(&mut self, section: &str, name: &str, outcome: Result<(), String>) {
        let counted = self.count(section, name, outcome);
        self.sections.entry(section.to_owned()).or_default().is_shown_only = true;
        if let Err(problem) = counted {
            self.remark(format!("failed: {problem}"));
        }
    }

    fn count(&mut self, section: &str, name: &str, outcome: Result<(), String>) -> Result<(), String> {
        let counts = self.sections.entry(section.to_owned()).or_default();
        counts.total += 1;
        counts.passed += usize::from(outcome.is_ok());
        outcome.map_err(|problem| format!("{section}: {name}: {problem}"))
    }

    /// Keeps something worth saying that is no failure.
    pub(super) fn remark(&mut self, remark: String) {
        self.remarks.push(remark);
    }

    /// Prints the table and what failed. Fails when something did, or when nothing was checked.
    pub(super) fn print(&self, suite: &str) -> io::Result<ExitCode> {
        let mut out = io::stdout().lock();
        let width = self.sections.keys().map(String::len).max().unwrap_or_default().max(suite.len());
        for (name, section) in &self.sections {
            writeln!(out, "{name:<width$}  {}/{}", section.passed, section.total)?;
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
        let counted = self.sections.values().filter(|section| !section.is_shown_only);
        counted.fold((0, 0), |(passed, total), section| (passed + section.passed, total + section.total))
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
        tally.show("other", "c", Err("nobody minds".to_owned()));
        assert_eq!(tally.print("one").unwrap(), ExitCode::SUCCESS);
        tally.check("two", "b", Err("it broke".to_owned()));
        assert_eq!(tally.print("both").unwrap(), ExitCode::FAILURE);
        assert_eq!((tally.counts(), tally.problems.as_slice()), ((1, 2), ["two: b: it broke".to_owned()].as_slice()));
    }
}
