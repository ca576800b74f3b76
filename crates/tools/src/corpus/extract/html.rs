//! Text of web pages: headings as Markdown's, paragraphs apart, menus and scripts left out. Owns the walk over the
//! tree; parsing is a library's.

use dom_smoothie::Readability;
use mcp_orchestrator_domain::clean_line;

use super::{Extracted, SkipReason};

/// Parsers take quadratic time on deep nesting: beyond this a page is not parsed.
const DEPTH_MAX: usize = 256;

/// The text of a page.
pub(super) fn text(source: &str) -> Result<Extracted, SkipReason> {
    if depth(source) > DEPTH_MAX {
        return Err(SkipReason::TooDeep);
    }
    let page = Readability::new(source, None, None).map_err(|_bad_page| SkipReason::Malformed)?;
    let title = clean_line(&page.doc.select("head > title").text(), 200);
    let main = page.doc.select("main, [role=main]");
    let start = main.nodes().first().copied().or_else(|| page.doc.body()).unwrap_or_else(|| page.doc.root());
    let mut writer = Writer::default();
    let mut node = Some(start);
    // Depth first without recursion: a node is entered, its children follow, then it is left.
    while let Some(current) = node {
        let name = current.node_name().map(|name| name.to_string()).unwrap_or_default();
        let skipped = current.is_element() && SKIPPED.contains(&name.as_str());
        if current.is_text() {
            writer.text(&current.text());
        } else if !skipped {
            writer.enter(&name);
        }
        node = current.first_child().filter(|_| !skipped && !current.is_text());
        if node.is_some() {
            continue;
        }
        let mut leaving = current;
        loop {
            if leaving.is_element() {
                writer.leave(&leaving.node_name().map(|name| name.to_string()).unwrap_or_default());
            }
            if leaving.id == start.id {
                break;
            }
            node = leaving.next_sibling();
            if node.is_some() {
                break;
            }
            let Some(parent) = leaving.parent() else { break };
            leaving = parent;
        }
    }
    Ok(Extracted { text: writer.finish(), title: Some(title).filter(|title| !title.is_empty()) })
}

const SKIPPED: &[&str] = &[
    "script", "style", "noscript", "template", "svg", "nav", "footer", "iframe", "object", "button", "select", "head",
    "dialog", "canvas", "audio", "video",
];

/// How deeply elements are open at most. Elements whose end tag may be left out do not count, so that old pages pass.
fn depth(source: &str) -> usize {
    let bytes = source.as_bytes();
    let (mut open, mut deepest) = (0_usize, 0_usize);
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'<') {
        at += found + 1;
        let closes = bytes.get(at) == Some(&b'/');
        let start = at + usize::from(closes);
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = source[start..start + length].to_ascii_lowercase();
        if length == 0 || OPEN_ENDED.contains(&name.as_str()) {
            continue;
        }
        if closes {
            open = open.saturating_sub(1);
        } else {
            open += 1;
            deepest = deepest.max(open);
        }
    }
    deepest
}

const OPEN_ENDED: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "param", "p",
    "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "option", "path", "rect", "circle", "line",
];

#[derive(Default)]
struct Writer {
    out: String,
    /// White space was seen since the last word.
    space: bool,
    /// Newlines owed before the next word.
    newlines: usize,
    /// Marks owed before the next word: of a heading or a list item.
    prefix: &'static str,
    /// `pre` elements open.
    verbatim: usize,
}

impl Writer {
    fn enter(&mut self, name: &str) {
        match name {
            "br" => self.break_lines(1),
            "pre" => {
                self.break_lines(2);
                self.verbatim += 1;
            }
            "td" | "th" => self.space = true,
            _ => self.break_lines(lines_around(name)),
        }
        match name {
            "h1" => self.prefix = "# ",
            "h2" => self.prefix = "## ",
            "h3" => self.prefix = "### ",
            "h4" => self.prefix = "#### ",
            "h5" => self.prefix = "##### ",
            "h6" => self.prefix = "###### ",
            "li" => self.prefix = "- ",
            _ => {}
        }
    }

    fn leave(&mut self, name: &str) {
        if name == "pre" {
            self.verbatim = self.verbatim.saturating_sub(1);
            self.break_lines(2);
        }
        if lines_around(name) > 0 {
            // A heading or item without words leaves no mark behind.
            self.prefix = "";
        }
        self.break_lines(lines_around(name));
    }

    fn text(&mut self, text: &str) {
        if self.verbatim > 0 {
            if !text.trim().is_empty() {
                self.owed();
                self.out.push_str(text);
                self.space = false;
            }
            return;
        }
        self.space |= text.starts_with(char::is_whitespace);
        for word in text.split_whitespace() {
            self.owed();
            self.out.push_str(word);
            self.space = true;
        }
        self.space = text.ends_with(char::is_whitespace) || (self.space && text.trim().is_empty());
    }

    fn owed(&mut self) {
        if self.out.is_empty() {
            self.out.push_str(self.prefix);
        } else if self.newlines > 0 {
            self.out.extend(std::iter::repeat_n('\n', self.newlines));
            self.out.push_str(self.prefix);
        } else if self.space {
            self.out.push(' ');
        }
        self.newlines = 0;
        self.space = false;
        self.prefix = "";
    }

    fn break_lines(&mut self, count: usize) {
        if count > 0 {
            self.newlines = self.newlines.max(count);
            self.space = false;
        }
    }

    fn finish(self) -> String {
        self.out
    }
}

fn lines_around(name: &str) -> usize {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "ul" | "ol" | "dl" | "table" | "figure"
        | "section" | "article" | "main" | "body" | "details" => 2,
        "div" | "li" | "tr" | "dt" | "dd" | "header" | "aside" | "form" | "summary" | "hr" | "figcaption"
        | "address" => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{SkipReason, text};

    #[test]
    fn pages_become_headings_and_paragraphs() {
        let page = text(
            "<html><head><title> The  store </title><style>p{}</style></head><body><nav>Home</nav>\
             <h1>Store</h1><p>One &amp; <b>two</b>,\n three.</p><ul><li>a</li><li><p>b</p></li></ul>\
             <pre>x = 1\n  y</pre><script>evil()</script><table><tr><td>k</td><td>v</td></tr></table></body></html>",
        )
        .unwrap();
        assert_eq!(page.title.as_deref(), Some("The store"));
        assert_eq!(page.text, "# Store\n\nOne & two, three.\n\n- a\n\n- b\n\nx = 1\n  y\n\nk v");
    }

    #[test]
    fn broken_pages_are_read_and_bottomless_ones_refused() {
        assert_eq!(text("no tags <p>at all <b>here").unwrap().text, "no tags\n\nat all here");
        let deep = format!("{}x{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
        assert_eq!(text(&deep).map(|page| page.text), Err(SkipReason::TooDeep));
        let flat = "<p>one<p>two".repeat(10_000);
        assert!(text(&flat).is_ok());
    }
}
