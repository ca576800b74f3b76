//! Quotes cut into units that can be quoted alone: a sentence, a list item, a table row, a line of code. Owns the cut
//! and the cleaning of markup; every unit is a verbatim piece of its quote apart from line breaks and inline marks.

use std::sync::Arc;

use mcp_orchestrator_domain::Span;

use super::{
    inline,
    lines::{
        Layout, atx_heading, is_labelled, is_link_definition, is_underline, list_item, reads_like_code, sets_value,
        starts_in_fence, strip_quote_marks,
    },
    sentence,
    words::Bag,
};

/// The most units of one quote that are looked at.
const UNITS_MAX: usize = 400;
/// The longest unit that is quoted, in bytes; a longer one is cut at a word.
const UNIT_BYTES_MAX: usize = 700;

/// What may be quoted.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// The span it is from: its position in the input.
    pub(super) span: usize,
    /// The text, on one line.
    pub(super) text: String,
    /// How it stood in the source.
    pub(super) form: Form,
    /// Counts blocks in the span: sentences of one paragraph, items of one list share it.
    pub(super) block: usize,
    /// How much it is meant for readers, 0 to 1: less for comments inside programs and for sentences that are cut.
    pub(super) standing: f64,
    /// Whether it is the end of a comment and the next unit is the line of code it explains.
    pub(super) explains_next: bool,
    /// Its words.
    pub(super) bag: Bag,
    /// The words of the headings above it in the span, and of a table's header row.
    pub(super) above: Arc<Bag>,
}

/// How a unit stood in its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A heading; never quoted alone.
    Heading,
    /// A sentence of a paragraph.
    Sentence,
    /// A list item or a sentence of one.
    Item,
    /// A row of a table or of a CSV file.
    Row,
    /// A line of code or data.
    Code,
}

/// Cuts a span's quote into units.
pub(super) fn units(span_number: usize, span: &Span) -> Vec<Unit> {
    let mut cutter = Cutter {
        span: span_number,
        units: Vec::new(),
        block: 0,
        paragraph: String::new(),
        paragraph_form: Form::Sentence,
        headings: Vec::new(),
        above: Arc::default(),
        fence: None,
        table_rows: 0,
        header: None,
        standing: 1.0,
    };
    let layout = Layout::of(&span.source.uri);
    if starts_in_fence(&span.quote) {
        cutter.fence = Some(('`', 3));
    }
    for line in span.quote.lines() {
        if cutter.units.len() >= UNITS_MAX {
            break;
        }
        match layout {
            Layout::Prose => cutter.prose_line(line),
            Layout::Rows => cutter.row_line(line),
            Layout::Lines => cutter.code_line(line),
            Layout::Program(markers) => cutter.program_line(line, markers),
        }
    }
    cutter.end_paragraph();
    mark_cut(&mut cutter.units);
    cutter.units
}

/// A passage may begin and end inside a sentence.
fn mark_cut(units: &mut [Unit]) {
    const CUT: f64 = 0.85;
    if let Some(first) = units.first_mut()
        && first.form == Form::Sentence
        && first.text.starts_with(char::is_lowercase)
    {
        first.standing *= CUT;
    }
    if let Some(last) = units.last_mut()
        && last.form == Form::Sentence
        && !last.text.ends_with(|c: char| c.is_ascii_punctuation() || !c.is_ascii())
    {
        last.standing *= CUT;
    }
}

struct Cutter {
    span: usize,
    units: Vec<Unit>,
    block: usize,
    paragraph: String,
    paragraph_form: Form,
    headings: Vec<(usize, String)>,
    above: Arc<Bag>,
    fence: Option<(char, usize)>,
    table_rows: usize,
    header: Option<Arc<Bag>>,
    standing: f64,
}

impl Cutter {
    fn prose_line(&mut self, line: &str) {
        let trimmed = line.trim();
        if self.in_fence(trimmed) {
            return;
        }
        let trimmed = strip_quote_marks(trimmed);
        if trimmed.is_empty() {
            self.end_block();
            return;
        }
        if let Some((level, heading)) = atx_heading(trimmed) {
            self.heading(level, heading);
        } else if is_underline(trimmed) {
            self.underline(trimmed);
        } else if trimmed.starts_with('|') && trimmed.len() > 1 {
            self.table_line(trimmed);
        } else if is_link_definition(trimmed) {
            self.end_paragraph();
        } else if let Some(item) = list_item(trimmed) {
            self.end_paragraph();
            self.paragraph_form = Form::Item;
            self.paragraph.push_str(item);
        } else {
            self.table_rows = 0;
            if is_labelled(trimmed) {
                self.end_paragraph();
            }
            self.continue_paragraph(trimmed);
        }
    }

    fn program_line(&mut self, line: &str, markers: &[&str]) {
        const INNER_COMMENT: f64 = 0.8;
        let trimmed = line.trim();
        let Some(marker) = markers.iter().find(|marker| trimmed.starts_with(**marker)) else {
            self.end_paragraph();
            self.fence = None;
            if let Some(last) = self.units.last_mut()
                && sets_value(trimmed)
                && last.form == Form::Sentence
                && last.block == self.block
            {
                last.explains_next = true;
            }
            self.block += 1;
            self.code_line(line);
            return;
        };
        if *marker == "*/" {
            self.end_block();
            return;
        }
        // `//` beside `///` is for those who work on the program.
        let standing = if *marker == "//" { INNER_COMMENT } else { 1.0 };
        if standing < self.standing {
            self.end_paragraph();
        }
        self.standing = standing;
        self.prose_line(trimmed[marker.len()..].trim_end_matches("*/"));
    }

    fn row_line(&mut self, line: &str) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return;
        }
        self.table_rows += 1;
        self.push(trimmed.to_owned(), Form::Row);
    }

    fn code_line(&mut self, line: &str) {
        let trimmed = line.trim().trim_end_matches(',');
        if trimmed.is_empty() {
            self.block += 1;
        } else if trimmed.chars().any(char::is_alphanumeric) {
            self.push(trimmed.to_owned(), Form::Code);
        }
    }

    fn in_fence(&mut self, trimmed: &str) -> bool {
        let mark = trimmed.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = mark.map_or(0, |mark| trimmed.chars().take_while(|c| *c == mark).count());
        match (self.fence, mark) {
            (Some((open, open_length)), Some(mark)) if mark == open && length >= open_length => {
                self.fence = None;
                self.block += 1;
            }
            (Some(_), _) => self.code_line(trimmed),
            (None, Some(mark)) if length >= 3 => {
                self.end_block();
                self.fence = Some((mark, length));
            }
            (None, _) => return false,
        }
        true
    }

    fn heading(&mut self, level: usize, text: &str) {
        self.end_block();
        let text = inline::plain(text);
        self.headings.retain(|(outer, _)| *outer < level);
        self.push(text.clone(), Form::Heading);
        self.headings.push((level, text));
        let mut above = Bag::default();
        for (_, heading) in &self.headings {
            above.add(heading);
        }
        self.above = Arc::new(above);
    }

    fn underline(&mut self, mark: &str) {
        let is_heading = mark.len() >= 2 && !self.paragraph.is_empty() && self.paragraph_form == Form::Sentence;
        if is_heading && self.paragraph.len() <= 120 {
            let text = std::mem::take(&mut self.paragraph);
            self.heading(if mark.starts_with('=') { 1 } else { 2 }, &text);
        } else {
            self.end_block();
        }
    }

    fn table_line(&mut self, line: &str) {
        self.end_paragraph();
        if line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '+')) {
            return;
        }
        if self.table_rows == 0 {
            self.block += 1;
        }
        self.table_rows += 1;
        let row = inline::plain(line.trim_matches('|').trim());
        self.push(row, Form::Row);
    }

    fn continue_paragraph(&mut self, line: &str) {
        if !self.paragraph.is_empty() {
            self.paragraph.push(' ');
        }
        self.paragraph.push_str(line);
    }

    fn end_block(&mut self) {
        self.end_paragraph();
        self.table_rows = 0;
        self.block += 1;
    }

    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        let form = std::mem::replace(&mut self.paragraph_form, Form::Sentence);
        for sentence in sentence::split(&inline::plain(&paragraph)) {
            self.push(sentence.to_owned(), form);
        }
    }

    fn push(&mut self, mut text: String, mut form: Form) {
        // A quote that looks like a citation would be taken for one of ours.
        if !text.chars().any(char::is_alphanumeric) || text.contains("[ev_") || self.units.len() >= UNITS_MAX {
            return;
        }
        if text.contains(char::is_control) {
            text = text.replace(char::is_control, " ");
        }
        cut_at_word(&mut text, UNIT_BYTES_MAX);
        if form == Form::Sentence && reads_like_code(&text) {
            form = Form::Code;
        }
        // Cells that touch would be read as one number.
        let bag = if form == Form::Row { Bag::of(&text.replace([',', ';', '\t'], " ; ")) } else { Bag::of(&text) };
        let above = match &self.header {
            Some(header) if form == Form::Row && self.table_rows > 1 => header.clone(),
            _ => self.above.clone(),
        };
        if form == Form::Row && self.table_rows == 1 {
            let mut header = Bag::clone(&self.above);
            header.add(&text.replace([',', ';', '\t'], " ; "));
            self.header = Some(Arc::new(header));
        }
        let standing = self.standing;
        self.units.push(Unit {
            span: self.span,
            text,
            form,
            block: self.block,
            standing,
            explains_next: false,
            bag,
            above,
        });
    }
}

fn cut_at_word(text: &mut String, bytes_max: usize) {
    if text.len() <= bytes_max {
        return;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let end = text[..end].rfind(char::is_whitespace).unwrap_or(end);
    text.truncate(end);
}
