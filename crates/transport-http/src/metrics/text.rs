//! The two text forms of the counters: what Prometheus asks for, and the older form that everything reads.

use http::HeaderMap;

/// A text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus text 0.0.4.
    Classic,
}

impl Format {
    /// The newer form for who asks for it.
    pub(crate) fn asked_for(headers: &HeaderMap) -> Self {
        let accept = headers.get(http::header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if accept.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
            Self::OpenMetrics
        } else {
            Self::Classic
        }
    }

    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// This form of an OpenMetrics text.
    pub(super) fn of(self, open: String) -> String {
        match self {
            Self::OpenMetrics => open,
            Self::Classic => classic(&open),
        }
    }
}

/// In the older form a counter's family has the name of its samples, and there is no end mark.
fn classic(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let mut lines = open.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")).peekable();
    while let Some(line) = lines.next() {
        let of_counter = |line: &str| line.starts_with("# TYPE ") && line.ends_with(" counter");
        if of_counter(line) || (line.starts_with("# HELP ") && lines.peek().is_some_and(|next| of_counter(next))) {
            let mut words = line.splitn(4, ' ');
            for (place, word) in words.by_ref().enumerate() {
                text.push_str(if place == 0 { "" } else { " " });
                text.push_str(word);
                text.push_str(if place == 2 { "_total" } else { "" });
            }
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}
