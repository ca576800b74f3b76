//! What is written where: stdout, stderr, colour, and text made harmless. The only place that writes to the two.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

use crate::args::{Common, When};

/// Stdout and stderr under the flags `--json`, `--quiet` and `--color`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// JSON on stdout, JSON errors on stderr.
    pub(crate) json: bool,
    /// No progress.
    pub(crate) quiet: bool,
    /// Whether a person reads stdout as it is written.
    pub(crate) is_read: bool,
    /// Whether stderr shows progress bars.
    pub(crate) bars: bool,
    color_out: bool,
    color_err: bool,
}

/// Our output goes nowhere any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Closed {
    /// Whoever read it has gone. Everything ends quietly.
    #[error("the output was closed")]
    Pipe,
    /// It cannot be written: a full disk behind a redirection.
    #[error("cannot write the output: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for Closed {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Pipe } else { Self::Failed(error) }
    }
}

/// How a word stands out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

impl Terminal {
    /// The terminal of this process. `NO_COLOR` and `TERM=dumb` switch colour off unless `--color always` is given.
    pub(crate) fn of_this_process(common: &Common) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let plain = dumb || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = |is_terminal: bool| match common.color {
            When::Always => true,
            When::Never => false,
            When::Auto => is_terminal && !plain,
        };
        Self {
            json: common.json,
            quiet: common.quiet,
            is_read: io::stdout().is_terminal(),
            bars: io::stderr().is_terminal() && !dumb && !common.json && !common.quiet,
            color_out: color(io::stdout().is_terminal()),
            color_err: color(io::stderr().is_terminal()),
        }
    }

    /// A terminal of which nothing is known: no colour, no bars.
    pub(crate) const fn plain() -> Self {
        Self { json: true, quiet: true, is_read: false, bars: false, color_out: false, color_err: false }
    }

    /// Writes a line to stdout, harmless.
    ///
    /// # Errors
    /// [`Closed`] when nobody reads it any more.
    pub(crate) fn out(&self, line: impl Into<Line>) -> Result<(), Closed> {
        let mut stdout = io::stdout().lock();
        let written = writeln!(stdout, "{}", line.into().render(self.color_out));
        written.and_then(|()| stdout.flush()).map_err(Closed::from)
    }

    /// Writes one JSON value as a line to stdout.
    ///
    /// # Errors
    /// [`Closed`] when nobody reads it any more.
    pub(crate) fn out_json(&self, value: &impl serde::Serialize) -> Result<(), Closed> {
        let mut line = serde_json::to_vec(value).unwrap_or_default();
        line.push(b'\n');
        let mut stdout = io::stdout().lock();
        stdout.write_all(&line).and_then(|()| stdout.flush()).map_err(Closed::from)
    }

    /// Writes a JSON text that is one line already to stdout.
    ///
    /// # Errors
    /// [`Closed`] when nobody reads it any more.
    pub(crate) fn out_line(&self, json: &str) -> Result<(), Closed> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{json}").and_then(|()| stdout.flush()).map_err(Closed::from)
    }

    /// Writes bytes to stdout as they are: completion scripts, the manual page.
    ///
    /// # Errors
    /// [`Closed`] when nobody reads it any more.
    pub(crate) fn out_bytes(&self, bytes: &[u8]) -> Result<(), Closed> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Closed::from)
    }

    /// Writes a line to stderr, harmless. Whether somebody reads it does not matter.
    pub(crate) fn err(&self, line: impl Into<Line>) {
        let mut stderr = io::stderr().lock();
        let _unread = writeln!(stderr, "{}", self.rendered(line));
    }

    /// A line for the person at the terminal: nothing under `--quiet` and `--json`.
    pub(crate) fn note(&self, line: impl Into<Line>) {
        if !self.quiet && !self.json {
            self.err(line);
        }
    }

    /// A line as stderr shows it, for what draws there itself.
    pub(crate) fn rendered(&self, line: impl Into<Line>) -> String {
        line.into().render(self.color_err)
    }
}

/// A line whose pieces may have a style. Every piece is made harmless: no text can bring a style of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Vec<(Option<Style>, String)>);

impl Line {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn plain(mut self, text: impl Display) -> Self {
        self.0.push((None, text.to_string()));
        self
    }

    pub(crate) fn styled(mut self, style: Style, text: impl Display) -> Self {
        self.0.push((Some(style), text.to_string()));
        self
    }

    /// The pieces of this line, then those of the other.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn render(&self, color: bool) -> String {
        let pieces = self.0.iter().map(|(style, text)| match style {
            Some(style) if color => format!("\u{1b}[{}m{}\u{1b}[0m", style.code(), harmless(text)),
            _ => harmless(text),
        });
        pieces.collect()
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().plain(text)
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new().plain(text)
    }
}

impl Style {
    const fn code(self) -> u8 {
        match self {
            Self::Bold => 1,
            Self::Dim => 2,
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
        }
    }
}

/// Text without what moves the cursor, changes colours or reorders letters.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_hostile(*c)).collect()
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{Line, Style, harmless};

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{7}c\r\u{202e}d\ne\tf"), "a[2Jbcd\ne\tf");
        let line = Line::new().plain("a\u{1b}[31m").styled(Style::Bold, "b\u{1b}[0m");
        assert_eq!(line.render(true), "a[31m\u{1b}[1mb[0m\u{1b}[0m");
        assert_eq!(line.render(false), "a[31mb[0m");
    }
}
