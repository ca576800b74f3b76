//! A corpus as the evaluation sees it: documents, their paragraphs and sentences. Owns a reading of text that shares
//! nothing with the product's, so that neither can hide the other's faults.

use std::{fs, ops::Range, path::Path};

use anyhow::Context as _;

/// A text with a name.
pub(super) struct Document {
    /// Its path inside the corpus.
    pub(super) name: String,
    /// Its first heading, else its name.
    pub(super) title: String,
    pub(super) text: String,
}

/// A paragraph, which is what a report cites, and one of its sentences.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) document: usize,
    pub(super) paragraph: Range<usize>,
    /// The sentence on one line.
    pub(super) sentence: String,
}

pub(super) struct Corpus {
    pub(super) name: String,
    pub(super) documents: Vec<Document>,
    /// Every sentence that can be worked with.
    pub(super) places: Vec<Place>,
}

/// Endings that are read, files at most, and bytes of one at most.
const ENDINGS: &[&str] = &["md", "txt"];
const FILES_MAX: usize = 2_000;
const FILE_BYTES_MAX: usize = 1 << 20;

/// Sentences that are worked with, in characters, and paragraphs that are cited, in bytes.
const SENTENCE_MIN: usize = 25;
const SENTENCE_MAX: usize = 320;
const PARAGRAPH_MAX: usize = 1_500;

/// Words whose full stop ends no sentence.
const ABBREVIATIONS: &[&str] = &["al", "approx", "ca", "cf", "Dr", "Mr", "Mrs", "Ms", "St", "vs"];

impl Corpus {
    /// Reads a folder.
    pub(super) fn read(name: &str, folder: &Path) -> anyhow::Result<Self> {
        let mut documents = Vec::new();
        collect(folder, folder, &mut documents)?;
        documents.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self::of(name, documents))
    }

    /// A corpus of these documents.
    pub(super) fn of(name: &str, documents: Vec<Document>) -> Self {
        let mut places = Vec::new();
        for (document, Document { text, .. }) in documents.iter().enumerate() {
            for paragraph in paragraphs(text) {
                let sentences =
                    sentences(&text[paragraph.clone()]).into_iter().filter(|sentence| is_workable(sentence));
                places.extend(sentences.map(|sentence| Place { document, paragraph: paragraph.clone(), sentence }));
            }
        }
        Self { name: name.to_owned(), documents, places }
    }

    /// The paragraph a place cites.
    pub(super) fn paragraph(&self, place: &Place) -> &str {
        &self.documents[place.document].text[place.paragraph.clone()]
    }

    /// What a reader of the citation sees: the paragraph on one line, and the title and name of its document.
    pub(super) fn seen(&self, place: &Place) -> String {
        let document = &self.documents[place.document];
        format!("{} {} {}", one_line(self.paragraph(place)), document.title, document.name)
    }
}

fn collect(root: &Path, folder: &Path, documents: &mut Vec<Document>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if documents.len() >= FILES_MAX {
            break;
        }
        if path.is_dir() {
            collect(root, &path, documents)?;
        } else if path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending))
            && let Ok(text) = fs::read_to_string(&path)
            && text.len() <= FILE_BYTES_MAX
        {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let title =
                text.lines().find_map(|line| line.strip_prefix("# ")).map_or_else(|| name.clone(), str::to_owned);
            documents.push(Document { name, title, text });
        }
    }
    Ok(())
}

/// Paragraphs of prose: no headings, tables, lists of links or code.
fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut in_code = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.trim_end().len();
        at += line.len();
        let bare = line.trim();
        if bare.starts_with("```") {
            in_code = !in_code;
        }
        let is_prose = !in_code
            && !bare.is_empty()
            && !line.starts_with("    ")
            && !bare.starts_with(['#', '|', '>', '`', '<', '=', '!', '[']);
        let begins_item =
            bare.starts_with("- ") || bare.starts_with("* ") || bare.starts_with(|c: char| c.is_ascii_digit());
        if !is_prose || begins_item {
            found.extend(open.take());
        }
        if is_prose {
            open = Some(open.map_or_else(|| range.clone(), |open: Range<usize>| open.start..range.end));
        }
    }
    found.extend(open);
    found.retain(|range| range.len() <= PARAGRAPH_MAX);
    found
}

/// The sentences of a paragraph, each on one line.
fn sentences(paragraph: &str) -> Vec<String> {
    let line = one_line(paragraph);
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '*' | '.' | ' '));
    let mut found = Vec::new();
    let mut start = 0;
    for (at, _) in line.match_indices(". ") {
        let next = line[at + 2..].chars().next();
        let last_word = line[start..at].rsplit(' ').next().unwrap_or_default();
        let is_number = last_word.ends_with(|c: char| c.is_ascii_digit());
        let is_initial = last_word.chars().count() < 2 && !is_number;
        let is_dotted = last_word.split('.').all(|part| part.chars().count() == 1) && !is_number;
        let is_abbreviation = is_initial || is_dotted || ABBREVIATIONS.contains(&last_word);
        let is_end = next.is_some_and(|c| c.is_uppercase() || c.is_ascii_digit() || c == '`') && !is_abbreviation;
        if is_end {
            found.push(line[start..=at].to_owned());
            start = at + 2;
        }
    }
    found.push(line[start..].to_owned());
    found
}

/// Whether a sentence is plain enough to be changed without knowing what it says.
fn is_workable(sentence: &str) -> bool {
    let length = sentence.chars().count();
    (SENTENCE_MIN..=SENTENCE_MAX).contains(&length)
        && sentence.ends_with('.')
        && sentence.starts_with(char::is_uppercase)
        && !sentence.contains(['[', ']', '|', '<', '>', '“', '"', '*', '\\', '{'])
        && sentence.matches('`').count().is_multiple_of(2)
        && sentence.matches('(').count() == sentence.matches(')').count()
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
