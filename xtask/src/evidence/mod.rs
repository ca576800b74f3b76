//! `cargo xtask evidence`: how often the citation gate finds a planted fault, and how often it lets an honest sentence
//! pass; and how often a search finds the passage that answers. Owns the bars, the counting and the tables.

mod corpus;
mod dice;
mod judge;
mod made;
mod plant;
mod retrieval;
mod reword;
mod slots;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};

use crate::flags::Flags;
use corpus::{Corpus, Place};
use dice::Dice;
use judge::{Verdict, judge};
use plant::{Cites, FAULTS, disguised, plant};
use reword::{WAYS, reword};

pub(crate) const ABOUT: &str =
    "planted faults and honest sentences at the citation gate, judged searches [--seed N] [--corpus DIR] [--show N]";

/// What must be reached over all corpora.
const RECALL_MIN: f64 = 0.98;
const PRECISION_MIN: f64 = 0.95;
/// Reports of each sort that a corpus must be able to make.
const REPORTS_MIN: usize = 200;

/// Reports of one kind over one corpus at most, and how often a place is tried for each.
const REPORTS_OF_A_KIND: usize = 40;
const TRIES: usize = 4_000;

/// Runs the task: exit 1 when a bar is missed.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let flags = Flags::read(arguments, &["seed", "corpus", "show"])?;
    let seed: u64 = flags.value("seed", 1)?;
    let mut shown: usize = flags.value("show", 0)?;
    let folder: PathBuf = flags.value("corpus", PathBuf::new())?;
    let mut out = io::stdout().lock();
    let corpora = corpora(&folder, seed)?;
    let mut total = Sum::default();
    for corpus in &corpora {
        let mut dice = Dice::new(seed);
        let sum = evaluate(corpus, &mut dice, &mut out, &mut shown)?;
        ensure!(
            sum.faults >= REPORTS_MIN && sum.honest >= REPORTS_MIN,
            "{} gives only {} faults and {} honest sentences, {REPORTS_MIN} of each are wanted",
            corpus.name,
            sum.faults,
            sum.honest
        );
        total.add(sum);
    }
    writeln!(
        out,
        "all, seed {seed}: recall {:.4} ({} of {} faults found), precision {:.4} ({} of {} honest sentences lost, and {} of {} \
         word for word beside them)",
        total.recall(),
        total.found,
        total.faults,
        total.precision(),
        total.lost,
        total.honest,
        total.beside_lost,
        total.beside
    )?;
    let mut passed = total.recall() >= RECALL_MIN && total.precision() >= PRECISION_MIN;
    writeln!(out, "{}: recall ≥ {RECALL_MIN}, precision ≥ {PRECISION_MIN}", if passed { "reached" } else { "missed" })?;
    if folder.as_os_str().is_empty() {
        passed &= retrieval::run(&mut out)?;
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The named folder, else the project's own texts, the papers of an invented harbour, and texts made from the seed.
fn corpora(folder: &Path, seed: u64) -> anyhow::Result<Vec<Corpus>> {
    if !folder.as_os_str().is_empty() {
        return Ok(vec![Corpus::read("given", folder)?]);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    Ok(vec![
        Corpus::read("docs", &root.join("docs"))?,
        Corpus::read("corpora", &root.join("tests/corpora"))?,
        made::corpus(seed),
    ])
}

/// Counts over some reports. Undecidable faults are in none of them.
#[derive(Clone, Copy, Default)]
struct Sum {
    faults: usize,
    found: usize,
    honest: usize,
    lost: usize,
    /// Sentences word for word that stood beside the ones in question.
    beside: usize,
    beside_lost: usize,
}

impl Sum {
    const fn add(&mut self, other: Self) {
        self.faults += other.faults;
        self.found += other.found;
        self.honest += other.honest;
        self.lost += other.lost;
        self.beside += other.beside;
        self.beside_lost += other.beside_lost;
    }

    const fn add_beside(&mut self, verdict: &Verdict) {
        self.beside += verdict.beside;
        self.beside_lost += verdict.beside_lost;
    }

    fn recall(self) -> f64 {
        share(self.found, self.faults)
    }

    /// Of what was found, how much was a fault. There are about as many faults as reworded sentences; those beside, which
    /// are many more, count only when they are lost.
    fn precision(self) -> f64 {
        share(self.found, self.found + self.lost + self.beside_lost)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn evaluate(corpus: &Corpus, dice: &mut Dice, out: &mut impl Write, shown: &mut usize) -> anyhow::Result<Sum> {
    let mut sum = Sum::default();
    writeln!(out, "{}: {} documents, {} sentences", corpus.name, corpus.documents.len(), corpus.places.len())?;
    let mut undecided = Vec::new();
    for &(fault, name, decidable) in FAULTS {
        let (mut made, mut found) = (0, 0);
        for _ in 0..TRIES {
            if made == REPORTS_OF_A_KIND {
                break;
            }
            let Some(place) = dice.pick(&corpus.places) else { break };
            let Some(mut planted) = plant(fault, corpus, place, dice) else { continue };
            if dice.flip() {
                planted = disguised(fault, planted, corpus, place, dice);
            }
            let verdict = report(corpus, &planted.text, &[place], &planted.cites, dice)?;
            made += 1;
            found += usize::from(!verdict.proved);
            sum.add_beside(&verdict);
            if decidable && verdict.proved && *shown > 0 {
                *shown -= 1;
                writeln!(
                    out,
                    "    not found, {name}: {}\n        of: {}",
                    planted.text,
                    corpus::one_line(corpus.paragraph(place))
                )?;
            }
        }
        if decidable {
            sum.faults += made;
            sum.found += found;
            writeln!(out, "  {name:<28} {found:>4} of {made:>4} found")?;
        } else {
            undecided.push((name, found, made));
        }
    }
    for &(way, name) in WAYS {
        let (mut made, mut lost) = (0, 0);
        for _ in 0..TRIES {
            if made == REPORTS_OF_A_KIND {
                break;
            }
            let Some(place) = dice.pick(&corpus.places) else { break };
            let Some((text, second)) = reword(way, corpus, place, dice) else { continue };
            let places: Vec<&Place> = std::iter::once(place).chain(second.as_ref()).collect();
            let verdict = report(corpus, &text, &places, &Cites::Itself, dice)?;
            made += 1;
            lost += usize::from(!verdict.proved);
            sum.add_beside(&verdict);
            if !verdict.proved && *shown > 0 {
                *shown -= 1;
                writeln!(
                    out,
                    "    lost, {name}: {}\n        {:?}\n        of: {}",
                    text,
                    verdict.problems,
                    corpus::one_line(corpus.paragraph(place))
                )?;
            }
        }
        sum.honest += made;
        sum.lost += lost;
        writeln!(out, "  {name:<28} {:>4} of {made:>4} pass", made - lost)?;
    }
    for (name, found, made) in undecided {
        writeln!(out, "  {name:<28} {found:>4} of {made:>4} found, not counted: no machine can be sure of these")?;
    }
    writeln!(out, "  recall {:.4}, precision {:.4}\n", sum.recall(), sum.precision())?;
    Ok(sum)
}

/// A report around the sentence in question, with two others word for word.
fn report(corpus: &Corpus, text: &str, places: &[&Place], cites: &Cites, dice: &mut Dice) -> anyhow::Result<Verdict> {
    let beside = [dice.pick(&corpus.places), dice.pick(&corpus.places)];
    let beside: Vec<&Place> = beside.into_iter().flatten().collect();
    judge(corpus, text, places, cites, &beside)
}
