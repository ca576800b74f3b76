//! `cargo xtask answers`: runs every judged question without a model and counts how often the first section of the
//! report answers it. Owns judging and the table; questions are data in `tests/answers`, the workflow is in `drive`.

mod drive;
pub(crate) mod questions;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use mcp_orchestrator_domain::{Block, Outcome, Report, Sentence};

use drive::{Checked, Library};
use questions::{Expected, Judged};

pub(crate) const ABOUT: &str =
    "judged questions: is the answer in the first section? [--missed tune|all|gate] [--show TEXT]";

/// What must be reached over all questions.
const ANSWERED_MIN: f64 = 0.85;
const FALSE_NOTHING_MAX: f64 = 0.05;
const RIGHT_NOTHING_MIN: f64 = 0.8;

/// Runs the task: exit 1 when a bar is missed.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let options = Options::read(arguments)?;
    let mut out = io::stdout().lock();
    let mut total = Tally::default();
    writeln!(
        out,
        "{:<10} {:<9} {:>9} {:>13} {:>13} {:>13} {:>10}",
        "corpus", "half", "questions", "answered", "false nothing", "right nothing", "proved"
    )?;
    for file in questions::load("tests/answers")? {
        let library = Library::open(&file)?;
        let mut halves = [(false, Tally::default()), (true, Tally::default())];
        for judged in &file.questions {
            let report = library.answer(&judged.ask).with_context(|| format!("failed to answer {:?}", judged.ask))?;
            let verdict = judge(&report.report, &judged.expected);
            let half = &mut halves[usize::from(judged.held_out)].1;
            half.count(&judged.expected, verdict);
            if report.report.outcome == Outcome::Answered {
                half.proved += report.proved;
                half.dropped += report.dropped;
            }
            options.show(&mut out, judged, verdict, &report)?;
        }
        for (held_out, tally) in halves {
            tally.print(&mut out, &file.name, if held_out { "held out" } else { "tuned" })?;
            total.add(tally);
        }
    }
    total.print(&mut out, "all", "")?;
    let passed = total.answered() >= ANSWERED_MIN
        && total.false_nothing() <= FALSE_NOTHING_MAX
        && total.right_nothing() >= RIGHT_NOTHING_MIN;
    writeln!(
        out,
        "{}: answered ≥ {ANSWERED_MIN}, false nothing ≤ {FALSE_NOTHING_MAX}, right nothing ≥ {RIGHT_NOTHING_MIN}",
        if passed { "reached" } else { "missed" }
    )?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of a question.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The first section holds the answer, or nothing was found where there is nothing.
    Right,
    /// It says something else.
    Wrong,
    /// It says nothing was found though there is an answer.
    FalseNothing,
}

fn judge(report: &Report, expected: &Expected) -> Verdict {
    let says_nothing = report.outcome == Outcome::NothingFound;
    match expected {
        Expected::Nothing if says_nothing => Verdict::Right,
        Expected::Nothing => Verdict::Wrong,
        Expected::Answer(_) if says_nothing => Verdict::FalseNothing,
        Expected::Answer(groups) => {
            let section = bare(&first_section(report));
            let holds = |any: &Vec<String>| any.iter().any(|text| section.contains(&bare(text)));
            if groups.iter().all(holds) { Verdict::Right } else { Verdict::Wrong }
        }
    }
}

/// The sentences before the second heading of a report.
fn first_section(report: &Report) -> String {
    let mut headings = 0;
    let mut section = Report::default();
    for block in &report.blocks {
        headings += usize::from(matches!(block, Block::Heading { .. }));
        if headings < 2 {
            section.blocks.push(block.clone());
        }
    }
    section.sentences().map(|Sentence { text, .. }| text.as_str()).collect::<Vec<_>>().join("\n")
}

/// Lower case, without the marks of inline Markdown, with single spaces.
fn bare(text: &str) -> String {
    let text: String = text.chars().filter(|c| !"`*\\_".contains(*c)).collect();
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Counts over some questions.
#[derive(Clone, Copy, Default)]
struct Tally {
    with_answer: usize,
    answered: usize,
    false_nothing: usize,
    without_answer: usize,
    right_nothing: usize,
    /// Sentences the gate proved, and sentences it dropped.
    proved: u32,
    dropped: u32,
}

impl Tally {
    fn count(&mut self, expected: &Expected, verdict: Verdict) {
        match expected {
            Expected::Answer(_) => {
                self.with_answer += 1;
                self.answered += usize::from(verdict == Verdict::Right);
                self.false_nothing += usize::from(verdict == Verdict::FalseNothing);
            }
            Expected::Nothing => {
                self.without_answer += 1;
                self.right_nothing += usize::from(verdict == Verdict::Right);
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.with_answer += other.with_answer;
        self.answered += other.answered;
        self.false_nothing += other.false_nothing;
        self.without_answer += other.without_answer;
        self.right_nothing += other.right_nothing;
        self.proved += other.proved;
        self.dropped += other.dropped;
    }

    fn answered(self) -> f64 {
        share(self.answered, self.with_answer)
    }

    fn false_nothing(self) -> f64 {
        share(self.false_nothing, self.with_answer)
    }

    fn right_nothing(self) -> f64 {
        share(self.right_nothing, self.without_answer)
    }

    fn print(self, out: &mut impl io::Write, corpus: &str, half: &str) -> io::Result<()> {
        writeln!(
            out,
            "{corpus:<10} {half:<9} {:>9} {:>13} {:>13} {:>13} {:>10}",
            self.with_answer + self.without_answer,
            shown(self.answered, self.with_answer),
            shown(self.false_nothing, self.with_answer),
            shown(self.right_nothing, self.without_answer),
            format!("{}/{}", self.proved, self.proved + self.dropped)
        )
    }
}

fn shown(part: usize, whole: usize) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{part}/{whole} {:.2}", share(part, whole)) }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// What to print beside the table.
struct Options {
    missed: Option<String>,
    show: Option<String>,
}

impl Options {
    fn read(arguments: &[String]) -> anyhow::Result<Self> {
        let mut options = Self { missed: None, show: None };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let value = rest.next().with_context(|| format!("{argument} needs a value"))?.clone();
            match argument.as_str() {
                "--missed" if matches!(value.as_str(), "tune" | "all" | "gate") => options.missed = Some(value),
                "--show" => options.show = Some(value),
                _ => anyhow::bail!("unknown argument {argument} {value}"),
            }
        }
        Ok(options)
    }

    fn show(&self, out: &mut impl io::Write, judged: &Judged, verdict: Verdict, report: &Checked) -> io::Result<()> {
        let is_listed = self.missed.as_deref().is_some_and(|half| half == "all" || half == "tune" && !judged.held_out);
        if is_listed && verdict != Verdict::Right {
            let section = first_section(&report.report);
            writeln!(out, "--- {} (expected {:?})\n{section}\n", judged.ask, judged.expected)?;
        }
        if self.show.as_deref().is_some_and(|text| judged.ask.contains(text)) {
            writeln!(out, "=== {}\n{}", judged.ask, report.markdown)?;
        }
        if is_listed || self.missed.as_deref() == Some("gate") {
            for finding in &report.findings {
                writeln!(out, "... {}: {} {:?}", judged.ask, finding.problem, finding.text)?;
            }
        }
        Ok(())
    }
}
