//! Markdown events to blocks. Owns the walk, which keeps its own small stacks and never recurses.

use std::ops::Range;

use mcp_orchestrator_domain::{Block, EvidenceId, Item, Sentence};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::{
    BLOCKS_MAX, DEPTH_MAX, ParseError,
    cite::take_citations,
    inline::{Inline, Style, is_hostile},
    split::split,
};

/// Longer addresses are dropped from their links.
const ADDRESS_MAX: usize = 2048;

pub(super) fn read(markdown: &str) -> Result<Vec<Block>, ParseError> {
    let markdown = markdown.strip_prefix('\u{feff}').unwrap_or(markdown);
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES);
    let mut hidden: Vec<Range<usize>> =
        parser.reference_definitions().iter().map(|(_, def)| def.span.clone()).collect();
    hidden.sort_unstable_by_key(|range| range.start);
    let mut hidden = hidden.into_iter().peekable();
    let mut walk = Walk::default();
    let mut depth = 0_usize;
    // Up to here the source has become blocks. What lies between two blocks is a definition Markdown would hide.
    let mut covered = 0;
    for (event, range) in parser.into_offset_iter() {
        if depth == 0 && range.start >= covered {
            walk.literal(&markdown[covered..range.start])?;
            while hidden.next_if(|hidden| hidden.start < range.start).is_some() {}
            covered = range.end;
        }
        match event {
            Event::Start(tag) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(ParseError::TooDeep);
                }
                walk.start(tag)?;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                walk.end(tag)?;
                while depth == 0
                    && let Some(hidden) = hidden.next_if(|hidden| hidden.start < covered)
                {
                    walk.literal(&markdown[hidden])?;
                }
            }
            Event::Rule => {
                walk.flush()?;
                walk.break_list();
                walk.push(Block::Rule)?;
            }
            Event::Code(text) => walk.text(&text, true),
            Event::SoftBreak | Event::HardBreak => walk.text(" ", false),
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => walk.text(&text, false),
            Event::TaskListMarker(done) => walk.text(if done { "[x] " } else { "[ ] " }, false),
        }
    }
    walk.literal(markdown.get(covered..).unwrap_or_default())?;
    walk.flush()?;
    walk.break_list();
    Ok(walk.blocks)
}

#[derive(Default)]
struct Walk {
    blocks: Vec<Block>,
    /// Blocks, items and cells so far.
    count: usize,
    inline: Inline,
    emphasis: usize,
    strong: usize,
    /// The open link, where its text starts, and the link opened around it.
    link: Option<(Option<usize>, usize)>,
    quotes: usize,
    /// For each open list whether it is numbered.
    lists: Vec<bool>,
    /// For each open item its position in `items`, once it has text.
    open_items: Vec<Option<usize>>,
    items: Vec<Item>,
    ordered: bool,
    heading: Option<u8>,
    code: Option<(String, String)>,
    table: Option<Table>,
    /// Citations that stood alone and wait for a sentence.
    waiting: Vec<EvidenceId>,
}

#[derive(Default)]
struct Table {
    head: Vec<Vec<Sentence>>,
    rows: Vec<Vec<Vec<Sentence>>>,
    row: Vec<Vec<Sentence>>,
    /// Ids of the row's cells that hold nothing else.
    row_evidence: Vec<EvidenceId>,
}

impl Walk {
    fn start(&mut self, tag: Tag<'_>) -> Result<(), ParseError> {
        match tag {
            Tag::Emphasis => self.emphasis += 1,
            Tag::Strong => self.strong += 1,
            Tag::Link { dest_url, .. } => {
                let lower = dest_url.get(..8).unwrap_or(&dest_url).to_ascii_lowercase();
                let is_kept = ["http://", "https://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme))
                    && dest_url.len() <= ADDRESS_MAX;
                let link = is_kept.then(|| self.inline.link(&dest_url));
                self.link = Some((link, self.inline.text.len()));
            }
            Tag::Image { .. } | Tag::Strikethrough | Tag::Superscript | Tag::Subscript => {}
            Tag::Paragraph | Tag::HtmlBlock | Tag::FootnoteDefinition(_) | Tag::MetadataBlock(_) => self.flush()?,
            Tag::Heading { level, .. } => {
                self.flush()?;
                if self.lists.is_empty() && self.quotes == 0 {
                    self.heading = Some(level as u8);
                }
            }
            Tag::BlockQuote(_) => {
                self.flush()?;
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.flush()?;
                let info = if let CodeBlockKind::Fenced(info) = &kind { info.as_ref() } else { "" };
                let language = info.split_whitespace().next().unwrap_or_default();
                let language = language.chars().filter(|c| *c != '`' && !is_hostile(*c)).take(40).collect();
                self.code = Some((language, String::new()));
            }
            Tag::List(first) => {
                self.flush()?;
                if self.lists.is_empty() {
                    self.ordered = first.is_some();
                }
                self.lists.push(first.is_some());
            }
            Tag::Item => {
                self.flush()?;
                self.open_items.push(None);
            }
            Tag::Table(_) => {
                self.flush()?;
                self.break_list();
                self.table = Some(Table::default());
            }
            Tag::TableHead | Tag::TableRow | Tag::TableCell => {}
            Tag::DefinitionList | Tag::DefinitionListTitle | Tag::DefinitionListDefinition => self.flush()?,
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) -> Result<(), ParseError> {
        match tag {
            TagEnd::Emphasis => self.emphasis = self.emphasis.saturating_sub(1),
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            TagEnd::Link => self.end_link(),
            TagEnd::Image | TagEnd::Strikethrough | TagEnd::Superscript | TagEnd::Subscript => {}
            TagEnd::Paragraph
            | TagEnd::HtmlBlock
            | TagEnd::FootnoteDefinition
            | TagEnd::MetadataBlock(_)
            | TagEnd::Heading(_)
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition => self.flush()?,
            TagEnd::BlockQuote(_) => {
                self.flush()?;
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                if let Some((language, mut text)) = self.code.take() {
                    if text.ends_with('\n') {
                        text.pop();
                    }
                    self.break_list();
                    self.push(Block::Code { language, text })?;
                }
            }
            TagEnd::List(_) => {
                self.flush()?;
                self.lists.pop();
                if self.lists.is_empty() {
                    self.break_list();
                }
            }
            TagEnd::Item => {
                self.flush()?;
                self.open_items.pop();
            }
            TagEnd::TableCell => self.end_cell()?,
            TagEnd::TableHead => {
                if let Some(table) = &mut self.table {
                    table.head = table.end_row();
                }
            }
            TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    let row = table.end_row();
                    table.rows.push(row);
                }
            }
            TagEnd::Table => {
                if let Some(Table { head, rows, .. }) = self.table.take() {
                    self.push(Block::Table { head, rows })?;
                }
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str, is_code: bool) {
        if let Some((_, code)) = &mut self.code {
            code.extend(text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_hostile(*c)));
            return;
        }
        let style = match (is_code, self.strong, self.emphasis) {
            (true, ..) => Style::Code,
            (false, 1.., _) => Style::Strong,
            (false, 0, 1..) => Style::Emphasis,
            (false, 0, 0) => Style::Plain,
        };
        self.inline.push(text, style, self.link.and_then(|(link, _)| link));
    }

    /// A link whose text is an evidence id was meant as a citation.
    fn end_link(&mut self) {
        let Some((_, start)) = self.link.take() else { return };
        let id = self.inline.text.get(start..).and_then(|text| EvidenceId::new(text).ok());
        if let Some(id) = id {
            self.inline.truncate(start);
            self.inline.push(&format!("[{id}]"), Style::Plain, None);
        }
    }

    /// Source text that Markdown would hide, as a paragraph.
    fn literal(&mut self, source: &str) -> Result<(), ParseError> {
        if source.trim().is_empty() {
            return Ok(());
        }
        self.flush()?;
        self.inline.push(source.trim(), Style::Plain, None);
        self.flush()
    }

    /// Ends the text collected so far and puts it where it belongs.
    fn flush(&mut self) -> Result<(), ParseError> {
        let inline = std::mem::take(&mut self.inline);
        if let Some(level) = self.heading.take() {
            let cited = take_citations(&inline);
            let text = cited.inline.text.trim();
            let start = cited.inline.text.len() - cited.inline.text.trim_start().len();
            let text = cited.inline.markdown(start..start + text.len());
            return if text.is_empty() { Ok(()) } else { self.push(Block::Heading { level, text }) };
        }
        let (sentences, orphans) = self.sentences(&inline);
        if sentences.is_empty() {
            self.adopt(orphans);
            return Ok(());
        }
        if let Some(depth) = self.lists.len().checked_sub(1) {
            return self.item(depth, sentences);
        }
        self.push(if self.quotes > 0 { Block::Quote(sentences) } else { Block::Paragraph(sentences) })
    }

    /// The sentences of a text, or the citations in it when there are none.
    fn sentences(&mut self, inline: &Inline) -> (Vec<Sentence>, Vec<EvidenceId>) {
        let cited = take_citations(inline);
        let ranges = split(&cited.inline.text, &cited.inline.atoms(), &cited.ends);
        let mut sentences: Vec<Sentence> = ranges
            .iter()
            .map(|range| Sentence { text: cited.inline.markdown(range.clone()), ..Sentence::default() })
            .collect();
        if sentences.is_empty() {
            return (sentences, cited.citations.into_iter().map(|(_, id)| id).collect());
        }
        for id in std::mem::take(&mut self.waiting) {
            cite(&mut sentences[0], id);
        }
        for (at, id) in cited.citations {
            let after = ranges.partition_point(|range| range.start < at);
            cite(&mut sentences[after.saturating_sub(1)], id);
        }
        (sentences, Vec::new())
    }

    /// Gives citations that stood alone to the sentence before them, or else to the one after.
    fn adopt(&mut self, orphans: Vec<EvidenceId>) {
        if orphans.is_empty() {
            return;
        }
        let last = match self.items.last_mut() {
            Some(item) => item.sentences.last_mut(),
            None => match self.blocks.last_mut() {
                Some(Block::Paragraph(sentences) | Block::Quote(sentences)) => sentences.last_mut(),
                Some(Block::List { items, .. }) => items.last_mut().and_then(|item| item.sentences.last_mut()),
                _ => None,
            },
        };
        match last {
            Some(sentence) => orphans.into_iter().for_each(|id| cite(sentence, id)),
            None => self.waiting.extend(orphans),
        }
    }

    fn item(&mut self, depth: usize, sentences: Vec<Sentence>) -> Result<(), ParseError> {
        let last = self.items.len().checked_sub(1);
        if let Some(Some(open)) = self.open_items.last()
            && Some(*open) == last
        {
            self.items[*open].sentences.extend(sentences);
            return Ok(());
        }
        self.counted()?;
        self.items.push(Item { depth: u8::try_from(depth).unwrap_or(u8::MAX), sentences });
        if let Some(open) = self.open_items.last_mut() {
            *open = Some(self.items.len() - 1);
        }
        Ok(())
    }

    /// Ends the list collected so far: nothing else fits into one.
    fn break_list(&mut self) {
        self.open_items.iter_mut().for_each(|open| *open = None);
        if !self.items.is_empty() {
            let items = std::mem::take(&mut self.items);
            self.blocks.push(Block::List { ordered: self.ordered, items });
        }
    }

    fn end_cell(&mut self) -> Result<(), ParseError> {
        self.counted()?;
        let inline = std::mem::take(&mut self.inline);
        let (sentences, orphans) = self.sentences(&inline);
        if let Some(table) = &mut self.table {
            table.row.push(sentences);
            table.row_evidence.extend(orphans);
        }
        Ok(())
    }

    fn push(&mut self, block: Block) -> Result<(), ParseError> {
        self.counted()?;
        self.blocks.push(block);
        Ok(())
    }

    fn counted(&mut self) -> Result<(), ParseError> {
        self.count += 1;
        if self.count > BLOCKS_MAX { Err(ParseError::TooManyBlocks) } else { Ok(()) }
    }
}

impl Table {
    /// Ends a row. A cell of citations alone cites for every cell of its row that cites nothing itself.
    fn end_row(&mut self) -> Vec<Vec<Sentence>> {
        let evidence = std::mem::take(&mut self.row_evidence);
        let mut row = std::mem::take(&mut self.row);
        if !evidence.is_empty() {
            for sentence in row.iter_mut().flatten().filter(|sentence| sentence.evidence.is_empty()) {
                sentence.evidence.clone_from(&evidence);
            }
        }
        row
    }
}

fn cite(sentence: &mut Sentence, id: EvidenceId) {
    if !sentence.evidence.contains(&id) {
        sentence.evidence.push(id);
    }
}
