//! Sentences of one paragraph. Owns where a sentence ends; knows no Markdown.

/// Words with a full stop that end no sentence.
const ABBREVIATIONS: &[&str] = &[
    "al", "ca", "capt", "cf", "cpt", "dr", "e.g", "gen", "gov", "hon", "i.e", "jr", "lt", "mr", "mrs", "ms", "mt",
    "prof", "rev", "sgt", "sr", "st", "viz", "vs",
];

/// Words with a full stop that end no sentence when a number follows.
const BEFORE_NUMBERS: &[&str] =
    &["approx", "art", "ch", "eq", "fig", "max", "min", "no", "nos", "nr", "p", "para", "pp", "sec", "tel", "vol"];

/// The sentences of a paragraph, in order, without the spaces between them.
pub(super) fn split(paragraph: &str) -> impl Iterator<Item = &str> {
    let mut rest = paragraph.trim();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = first_end(rest).unwrap_or(rest.len());
        let (sentence, after) = rest.split_at(end);
        rest = after.trim_start();
        Some(sentence.trim_end())
    })
}

fn first_end(text: &str) -> Option<usize> {
    let mut in_code = false;
    for (at, c) in text.char_indices() {
        match c {
            '`' => in_code = !in_code,
            '.' | '!' | '?' | '。' | '！' | '？' if !in_code || !text[at..].contains('`') => {
                let end = at + c.len_utf8();
                if !c.is_ascii() {
                    return Some(end);
                }
                let closers: usize = text[end..]
                    .chars()
                    .take_while(|c| matches!(c, '"' | '\'' | ')' | ']' | '”' | '’' | '*' | '_'))
                    .map(char::len_utf8)
                    .sum();
                let after = &text[end + closers..];
                if after.starts_with(char::is_whitespace)
                    && starts_sentence(after.trim_start())
                    && !(c == '.' && is_abbreviated(&text[..at], after.trim_start()))
                {
                    return Some(end + closers);
                }
            }
            _ => {}
        }
    }
    None
}

fn starts_sentence(text: &str) -> bool {
    text.chars().next().is_some_and(|c| !c.is_lowercase() && !matches!(c, ',' | ';' | ')' | '.' | '–' | '—' | '-'))
}

fn is_abbreviated(before: &str, after: &str) -> bool {
    let word = before.rsplit([' ', '(', '[', '"', '“']).next().unwrap_or(before);
    if word.chars().count() == 1 && word.chars().all(char::is_uppercase) {
        return true;
    }
    let word = word.to_lowercase();
    ABBREVIATIONS.binary_search(&word.as_str()).is_ok()
        || after.starts_with(|c: char| c.is_ascii_digit()) && BEFORE_NUMBERS.binary_search(&word.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_marks_and_not_in_abbreviations_or_numbers() {
        let text =
            "Berth No. 4 is 9.5 m deep. It closed (e.g. for repairs). \"Why?\" asked J. Marr. See `a.b. C` there! done";
        assert_eq!(
            split(text).collect::<Vec<_>>(),
            [
                "Berth No. 4 is 9.5 m deep.",
                "It closed (e.g. for repairs).",
                "\"Why?\" asked J. Marr.",
                "See `a.b. C` there! done",
            ]
        );
    }

    #[test]
    fn abbreviations_are_sorted_for_the_search() {
        assert!(ABBREVIATIONS.is_sorted() && BEFORE_NUMBERS.is_sorted());
    }
}
