//! Text out of the HTML and XML pieces services put into their fields. Owns tags, entities and white space; it is no
//! parser of pages.

/// The longest name of an entity.
const ENTITY_MAX: usize = 10;

/// The text of a piece of HTML: tags are taken away, those of blocks make a new paragraph, entities become their
/// characters, runs of white space become one space. Plain text stays as it is, a lone `<` included.
pub(super) fn plain(piece: &str) -> String {
    let mut text = String::with_capacity(piece.len());
    let mut rest = piece;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with('<') { tag(rest, &mut text) } else { entity(rest, &mut text) };
        if taken == 0 {
            text.push_str(&rest[..1]);
        }
        rest = &rest[taken.max(1)..];
    }
    text.push_str(rest);
    spaced(&text)
}

/// How many bytes the tag at the start takes; 0 when it is none.
fn tag(rest: &str, text: &mut String) -> usize {
    if rest.starts_with("<!--") {
        return rest.find("-->").map_or(rest.len(), |end| end + 3);
    }
    let name = rest[1..].trim_start_matches('/');
    let name =
        &name[..name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-'))).unwrap_or(name.len())];
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return 0;
    }
    let Some(end) = rest.find('>') else { return 0 };
    let name = name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase();
    if matches!(name.as_str(), "script" | "style") && !rest.starts_with("</") {
        let close = format!("</{name}");
        // Lower case has as many bytes as the text, because only ASCII changes.
        let after = rest.to_ascii_lowercase().find(&close).map(|at| at + rest[at..].find('>').map_or(0, |end| end + 1));
        return after.unwrap_or(rest.len());
    }
    if matches!(
        name.as_str(),
        "p" | "br"
            | "div"
            | "li"
            | "ul"
            | "ol"
            | "pre"
            | "tr"
            | "table"
            | "blockquote"
            | "title"
            | "sec"
            | "hr"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
    ) {
        text.push_str("\n\n");
    }
    end + 1
}

/// How many bytes the entity at the start takes; 0 when it is none.
fn entity(rest: &str, text: &mut String) -> usize {
    let Some(end) = rest.bytes().take(ENTITY_MAX + 2).position(|b| b == b';') else { return 0 };
    let name = &rest[1..end];
    let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    });
    let character = number.and_then(char::from_u32).or(match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "ndash" => Some('–'),
        "mdash" => Some('—'),
        "hellip" => Some('…'),
        "lsquo" => Some('‘'),
        "rsquo" => Some('’'),
        "ldquo" => Some('“'),
        "rdquo" => Some('”'),
        "times" => Some('×'),
        "deg" => Some('°'),
        _ => None,
    });
    match character {
        Some(character) => {
            text.push(character);
            end + 1
        }
        None => 0,
    }
}

/// Paragraphs of single-spaced words, parted by an empty line.
fn spaced(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn pieces_of_html_become_their_text() {
        let cases = [
            (
                "<jats:p>We <jats:italic>show</jats:italic> 5&nbsp;&#37;.</jats:p><jats:p>Then</jats:p>",
                "We show 5 %.\n\nThen",
            ),
            ("a < b && c > d", "a < b && c > d"),
            ("x &lt;script&gt; y", "x <script> y"),
            ("<p>a<script>evil()</script>b", "ab"),
            ("<SCRIPT>no end", ""),
            ("Tom &amp; Jerry &unknown; &#xD800; &", "Tom & Jerry &unknown; &#xD800; &"),
            ("größe<br/>漢字 &#x1F600;", "größe\n\n漢字 😀"),
            ("<!-- hidden -->seen<a href='x'>link</a>", "seenlink"),
            ("unclosed <b", "unclosed <b"),
            ("  many\n spaces\t", "many spaces"),
        ];
        for (piece, text) in cases {
            assert_eq!(plain(piece), text, "{piece}");
        }
    }
}
