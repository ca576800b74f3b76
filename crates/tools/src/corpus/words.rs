//! How text becomes words. Owns the tokenizer that indexing, queries and coverage share, and the list of words a
//! question is asked with; knows no index.

use std::ops::Range;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RawTokenizer, RemoveLongFilter, Stemmer, TextAnalyzer, Token,
    TokenStream, Tokenizer,
};

/// Words longer than this are noise: hashes, base 64.
const WORD_BYTES_MAX: usize = 64;

/// The analyzer of stemmed fields: lower case, accents off, English stems.
pub(super) fn stemmed() -> TextAnalyzer {
    TextAnalyzer::builder(WordTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(Stemmer::new(Language::English))
        .build()
}

/// The analyzer of fields that keep words as written, but for case and accents.
pub(super) fn exact() -> TextAnalyzer {
    TextAnalyzer::builder(WordTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .build()
}

/// One word of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QueryWord {
    /// Lower case, without accents.
    pub(super) exact: String,
    /// Its stem.
    pub(super) stem: String,
    /// Whether a passage has to hold it to answer the query. `httpClient` as a whole does not count, its parts do.
    pub(super) counts: bool,
}

/// The distinct content words of a query, at most `words_max`, in their order. A query of nothing but common words
/// keeps them.
pub(super) fn query_words(query: &str, words_max: usize) -> Vec<QueryWord> {
    let mut exact =
        TextAnalyzer::builder(RawTokenizer::default()).filter(LowerCaser).filter(AsciiFoldingFilter).build();
    let mut stemmer = TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(Language::English)).build();
    let mut words: Vec<QueryWord> = Vec::new();
    let mut common: Vec<QueryWord> = Vec::new();
    for piece in Pieces::new(query) {
        let whole = plain(&query[piece.range]);
        if matches!(piece.role, Role::NumberPart) || whole.len() > WORD_BYTES_MAX {
            continue;
        }
        let exact = only_token(&mut exact, &whole);
        let stem = only_token(&mut stemmer, &exact);
        let word = QueryWord { exact, stem, counts: !matches!(piece.role, Role::Compound) };
        let list = if COMMON.split(' ').any(|common| common == word.exact) { &mut common } else { &mut words };
        if list.len() < words_max && list.iter().all(|known| known.stem != word.stem) {
            list.push(word);
        }
    }
    if words.iter().any(|word| word.counts) { words } else { common }
}

fn only_token(analyzer: &mut TextAnalyzer, text: &str) -> String {
    analyzer.token_stream(text).next().map(|token| token.text.clone()).unwrap_or_default()
}

/// Words questions and requests are made of, which say nothing of what is asked about.
const COMMON: &str = "\
    a about after all also am an and any are as at be because been before being between both but by can could \
    describe did do does doing don during each explain few find for from further give had happen happens has have \
    having he her here hers him his how i if in into is it its just know let list many may me mean means might more \
    most much must my no nor not of off on once only or other our out over own please research s same shall she \
    should show so some such summarise summarize t tell than that the their them then there these they this those \
    through to too under until up us use used uses using very was we were what when where whether which while who \
    whom whose why will with work works would you your";

/// What a piece of text is to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A word.
    Plain,
    /// `httpClient` or `0.27.1` as a whole; its parts follow.
    Compound,
    /// A whole number with points in it.
    Number,
    /// A part of a compound.
    Part,
    /// A part of a number.
    NumberPart,
}

struct Piece {
    range: Range<usize>,
    role: Role,
}

/// Cuts text into words: runs of letters and digits; ideographs and kana one by one; `camelCase` and `3.14` as a whole
/// and in parts; what follows an apostrophe as in `it's` is dropped.
struct Pieces<'a> {
    text: &'a str,
    at: usize,
    /// Parts of the last compound, last first.
    parts: Vec<Piece>,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, parts: Vec::new() }
    }

    fn word_end(&self, start: usize) -> usize {
        let rest = &self.text[start..];
        let mut previous = ' ';
        let mut chars = rest.char_indices().peekable();
        while let Some((offset, c)) = chars.next() {
            let next = chars.peek().map_or(' ', |(_, next)| *next);
            let joins_digits = matches!(c, '.' | ',') && previous.is_ascii_digit() && next.is_ascii_digit();
            if !(joins_digits || is_mark(c) || (c.is_alphanumeric() && !is_single(c))) {
                return start + offset;
            }
            previous = c;
        }
        self.text.len()
    }

    fn split(&mut self, range: &Range<usize>) -> Role {
        let word = &self.text[range.clone()];
        if word.starts_with(|c: char| c.is_ascii_digit()) && word.contains(['.', ',']) {
            let mut start = range.start;
            for part in word.split(['.', ',']) {
                self.parts.push(Piece { range: start..start + part.len(), role: Role::NumberPart });
                start += part.len() + 1;
            }
            self.parts.reverse();
            return Role::Number;
        }
        let bytes = word.as_bytes();
        if !word.is_ascii() || !bytes.iter().any(u8::is_ascii_lowercase) {
            return Role::Plain;
        }
        let mut start = 0;
        for at in 1..bytes.len() {
            let after_lower = bytes[at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase();
            let before_lower = bytes[at].is_ascii_uppercase()
                && bytes[at - 1].is_ascii_uppercase()
                && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            if after_lower || before_lower {
                self.parts.push(Piece { range: range.start + start..range.start + at, role: Role::Part });
                start = at;
            }
        }
        if start == 0 {
            return Role::Plain;
        }
        self.parts.push(Piece { range: range.start + start..range.end, role: Role::Part });
        self.parts.reverse();
        Role::Compound
    }

    fn skip_contraction(&mut self) {
        let rest = &self.text[self.at..];
        let Some(tail) = rest.strip_prefix(['\'', '\u{2019}']) else { return };
        let ending: String = tail.chars().take_while(|c| c.is_alphabetic()).take(3).collect();
        if matches!(ending.to_ascii_lowercase().as_str(), "s" | "t" | "re" | "ve" | "ll" | "d" | "m") {
            self.at += rest.len() - tail.len() + ending.len();
        }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if let Some(part) = self.parts.pop() {
            return Some(part);
        }
        let (offset, first) = self.text[self.at..].char_indices().find(|(_, c)| c.is_alphanumeric())?;
        let start = self.at + offset;
        if is_single(first) {
            self.at = start + first.len_utf8();
            return Some(Piece { range: start..self.at, role: Role::Plain });
        }
        self.at = self.word_end(start);
        let range = start..self.at;
        let role = self.split(&range);
        self.skip_contraction();
        Some(Piece { range, role })
    }
}

/// Scripts written without spaces: each character is a word.
fn is_single(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0E7F | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// Combining accents: part of their letter, and dropped.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn plain(word: &str) -> String {
    word.chars().filter(|c| !is_mark(*c)).collect()
}

/// [`Pieces`] for the index.
#[derive(Clone, Default)]
struct WordTokenizer {
    token: Token,
}

struct WordStream<'a> {
    pieces: Pieces<'a>,
    token: &'a mut Token,
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream { pieces: Pieces::new(text), token: &mut self.token }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(piece) = self.pieces.next() else { return false };
        self.token.text.clear();
        self.token.text.extend(self.pieces.text[piece.range.clone()].chars().filter(|c| !is_mark(*c)));
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = piece.range.start;
        self.token.offset_to = piece.range.end;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::{exact, query_words, stemmed};

    fn tokens(mut analyzer: tantivy::tokenizer::TextAnalyzer, text: &str) -> Vec<String> {
        let mut words = Vec::new();
        analyzer.token_stream(text).process(&mut |token| words.push(token.text.clone()));
        words
    }

    #[test]
    fn text_becomes_words_in_any_script() {
        assert_eq!(tokens(exact(), "The workflow's crash"), ["the", "workflow", "crash"]);
        assert_eq!(tokens(exact(), "HttpClient max_retries"), ["httpclient", "http", "client", "max", "retries"]);
        assert_eq!(tokens(exact(), "parseHTTPBody"), ["parsehttpbody", "parse", "http", "body"]);
        assert_eq!(tokens(exact(), "v1.5, 3.14."), ["v1.5", "3.14", "3", "14"]);
        assert_eq!(tokens(exact(), "Größe cafe\u{301} éa"), ["grosse", "cafe", "ea"]);
        assert_eq!(tokens(exact(), "漢字 キ Привет"), ["漢", "字", "キ", "привет"]);
        assert_eq!(tokens(stemmed(), "survives crashes"), ["surviv", "crash"]);
        assert_eq!(tokens(exact(), ""), Vec::<String>::new());
    }

    #[test]
    fn a_question_keeps_only_what_it_asks_about() {
        let words = |query| query_words(query, 64).into_iter().map(|word| word.exact).collect::<Vec<_>>();
        assert_eq!(words("How does a workflow survive a crash?"), ["workflow", "survive", "crash"]);
        assert_eq!(words("Who is who?"), ["who", "is"]);
        assert_eq!(words("!!! ??? AND ( \" * ~ : ["), ["and"]);
        assert_eq!(words("version 0.27.1 of maxRetries"), ["version", "0.27.1", "maxretries", "max", "retries"]);
    }
}
