//! The report as a tree whose leaf is a sentence with its evidence. Owns the shape; Markdown and files are elsewhere.

use serde::{Deserialize, Serialize};

use crate::EvidenceId;

/// What an agent answers, and nothing else, when the sources hold nothing about its sub-task. A report that only says
/// this is [`Outcome::NothingFound`].
pub const NOTHING_FOUND: &str = "Nothing was found in the sources.";

/// A report: what the last writer wrote, sentence by sentence, and what became of each at the gate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "parsers build it, writers read it whole")]
pub struct Report {
    /// The title.
    pub title: String,
    /// What kind of answer it is.
    pub outcome: Outcome,
    /// The body in reading order.
    pub blocks: Vec<Block>,
}

/// What kind of answer a report is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Sources were asked and the report cites them.
    #[default]
    Answered,
    /// Sources were asked and held nothing: there is no prose.
    NothingFound,
    /// No source could be asked: every sentence is marked unverified.
    Unverified,
}

/// A block of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "every writer must render each")]
pub enum Block {
    /// A heading: level 1 is a section of the report.
    Heading {
        /// 1 to 6.
        level: u8,
        /// Inline Markdown without citations.
        text: String,
    },
    /// A paragraph.
    Paragraph(Vec<Sentence>),
    /// A quotation.
    Quote(Vec<Sentence>),
    /// A list.
    List {
        /// Whether its items are numbered.
        ordered: bool,
        /// Its items.
        items: Vec<Item>,
    },
    /// Code, shown as it is.
    Code {
        /// The language named on the fence, or empty.
        language: String,
        /// The text.
        text: String,
    },
    /// A table.
    Table {
        /// The header row.
        head: Vec<Vec<Sentence>>,
        /// The other rows.
        rows: Vec<Vec<Vec<Sentence>>>,
    },
    /// A thematic break.
    Rule,
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "parsers build it")]
pub struct Item {
    /// 0 for the outermost list.
    pub depth: u8,
    /// What it says.
    pub sentences: Vec<Sentence>,
}

/// A sentence: the smallest thing that is cited, proved, marked or dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "parsers build it")]
pub struct Sentence {
    /// Inline Markdown without the citations.
    pub text: String,
    /// The spans it cites, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
    /// What the gate found.
    #[serde(default)]
    pub mark: Mark,
}

/// What the gate found about a sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mark {
    /// The gate has not looked, or was switched off.
    #[default]
    Unchecked,
    /// Every citation was proved.
    Proved,
    /// It claims something without a citation that proves it.
    Unverified,
}

impl Block {
    /// Its sentences in reading order.
    pub fn sentences(&self) -> impl Iterator<Item = &Sentence> {
        let sentences: Box<dyn Iterator<Item = &Sentence>> = match self {
            Self::Paragraph(sentences) | Self::Quote(sentences) => Box::new(sentences.iter()),
            Self::List { items, .. } => Box::new(items.iter().flat_map(|item| &item.sentences)),
            Self::Table { head, rows } => Box::new(head.iter().chain(rows.iter().flatten()).flatten()),
            Self::Heading { .. } | Self::Code { .. } | Self::Rule => Box::new(std::iter::empty()),
        };
        sentences
    }
}

impl Report {
    /// Every sentence in reading order. The position is the sentence's number in findings.
    pub fn sentences(&self) -> impl Iterator<Item = &Sentence> {
        self.blocks.iter().flat_map(Block::sentences)
    }

    /// The ids cited anywhere, each once, in the order of their first citation.
    #[must_use]
    pub fn cited(&self) -> Vec<EvidenceId> {
        let mut ids: Vec<EvidenceId> = Vec::new();
        for id in self.sentences().flat_map(|sentence| &sentence.evidence) {
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        ids
    }
}
