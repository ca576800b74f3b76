//! What the gate can find. Owns the closed list of problems and how strict the gate is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Digest, EvidenceId, InvalidName};

/// How strict the gate is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a setting with three values")]
pub enum GateMode {
    /// A failing sentence is repaired once, then dropped; other uncited sentences are marked.
    #[default]
    Strict,
    /// A failing sentence stays and is marked.
    Mark,
    /// Nothing is checked; every sentence stays unchecked.
    Off,
}

impl FromStr for GateMode {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text {
            "strict" => Ok(Self::Strict),
            "mark" => Ok(Self::Mark),
            "off" => Ok(Self::Off),
            _ => Err(InvalidName {
                kind: "gate mode",
                value: text.chars().filter(|c| !c.is_control()).take(80).collect(),
                expected: "strict, mark or off",
            }),
        }
    }
}

/// A problem of one sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "readers show it whole")]
pub struct Finding {
    /// The sentence's position in [`crate::Report::sentences`].
    pub sentence: usize,
    /// Its text.
    pub text: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// It cites an id that names no evidence.
    UnknownEvidence(EvidenceId),
    /// The snapshot behind a cited id is missing.
    MissingSnapshot(EvidenceId, Digest),
    /// A cited span's quote is not what its snapshot says there.
    QuoteNotInSnapshot(EvidenceId),
    /// A number of the sentence is in none of its spans.
    Number(String),
    /// A date of the sentence is in none of its spans.
    Date(String),
    /// A name of the sentence is in none of its spans.
    Name(String),
    /// A quotation of the sentence is in none of its spans.
    Quotation(String),
    /// The sentence denies what its spans affirm, or the reverse.
    Negation,
    /// Too few of the sentence's words are in its spans for them to be what it says.
    Unrelated,
    /// It refers to something that is not evidence: `[1]`, a URL, a DOI.
    ForeignReference(String),
    /// It states a number without citing anything.
    UncitedNumber(String),
    /// It states a date without citing anything.
    UncitedDate(String),
    /// It quotes without citing anything.
    UncitedQuotation(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownEvidence(id) => write!(f, "cites {id}, which is no evidence of this report"),
            Self::MissingSnapshot(id, digest) => write!(f, "cites {id}, whose snapshot {digest} is missing"),
            Self::QuoteNotInSnapshot(id) => write!(f, "cites {id}, whose quote is not what its snapshot says there"),
            Self::Number(number) => write!(f, "states the number {number}, which is in none of its quotes"),
            Self::Date(date) => write!(f, "states the date {date}, which is in none of its quotes"),
            Self::Name(name) => write!(f, "names {name}, which is in none of its quotes"),
            Self::Quotation(text) => write!(f, "quotes {text:?}, which is in none of its quotes"),
            Self::Negation => f.write_str("denies what its quotes affirm, or the reverse"),
            Self::Unrelated => f.write_str("says something its quotes do not speak of"),
            Self::ForeignReference(text) => write!(f, "refers to {text}, which is no evidence"),
            Self::UncitedNumber(number) => write!(f, "states the number {number} without citing anything"),
            Self::UncitedDate(date) => write!(f, "states the date {date} without citing anything"),
            Self::UncitedQuotation(text) => write!(f, "quotes {text:?} without citing anything"),
        }
    }
}
