//! The fields of the index. Owns their names, analyzers and the format's version; writes and reads nothing.

use tantivy::{
    Index,
    schema::{Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions},
};

use super::words;

/// Changes whenever an index made by an older version must not be used: fields, words, passages or extraction.
pub(super) const FORMAT: &str = "corpus-v1";

const STEMMED: &str = "orchestrator_stemmed";
const EXACT: &str = "orchestrator_exact";

/// A passage has all fields but `text`; a document has `name`, `digest_key` and `text`.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    /// The document's name: what is deleted together.
    pub(super) name: Field,
    /// The snapshot a passage is in, stored only.
    pub(super) digest: Field,
    /// The snapshot a document is, to look it up.
    pub(super) digest_key: Field,
    /// The evidence id of a passage, to look it up.
    pub(super) evidence: Field,
    /// First byte and the byte after the last.
    pub(super) start: Field,
    pub(super) end: Field,
    /// The words of a passage, by stem; stored: the quote.
    pub(super) body: Field,
    /// The words of a passage as written.
    pub(super) exact: Field,
    /// The headings above a passage.
    pub(super) heading: Field,
    /// The document's title and name.
    pub(super) place: Field,
    /// The document's title, stored only.
    pub(super) title: Field,
    /// The whole text of a document, stored only.
    pub(super) text: Field,
}

/// The schema and its fields.
pub(super) fn schema() -> (Schema, Fields) {
    let words = |analyzer: &str| {
        let indexing =
            TextFieldIndexing::default().set_tokenizer(analyzer).set_index_option(IndexRecordOption::WithFreqs);
        TextOptions::default().set_indexing_options(indexing)
    };
    let mut builder = Schema::builder();
    let fields = Fields {
        name: builder.add_text_field("name", STRING | STORED),
        digest: builder.add_bytes_field("digest", STORED),
        digest_key: builder.add_text_field("digest_key", STRING),
        evidence: builder.add_text_field("evidence", STRING),
        start: builder.add_u64_field("start", STORED),
        end: builder.add_u64_field("end", STORED),
        body: builder.add_text_field("body", words(STEMMED).set_stored()),
        exact: builder.add_text_field("exact", words(EXACT)),
        heading: builder.add_text_field("heading", words(STEMMED).set_stored()),
        place: builder.add_text_field("place", words(STEMMED)),
        title: builder.add_text_field("title", STORED),
        text: builder.add_text_field("text", STORED),
    };
    (builder.build(), fields)
}

/// Makes the analyzers known to an index that was just opened.
pub(super) fn register_analyzers(index: &Index) {
    index.tokenizers().register(STEMMED, words::stemmed());
    index.tokenizers().register(EXACT, words::exact());
}
