//! How much of what was written a writer reads. Owns the division of a budget; counts characters, not tokens, because
//! every model counts those differently.

use std::borrow::Cow;

use crate::show::cut;

/// The most characters of outputs in one prompt: some 15,000 tokens of English, which leaves room for instructions,
/// quotes and the answer in a context of 32,000.
pub const READ_CHARS_MAX: usize = 60_000;

/// The texts with at most `chars_max` characters of them all together, notes of what is left out not counted.
///
/// Each may have an equal share; what a short one leaves is shared by the others. A text is cut at the end of a
/// paragraph where one is near, else of a sentence or a word, and says how much is left out.
#[must_use]
pub fn within_budget<'a>(texts: &[&'a str], chars_max: usize) -> Vec<Cow<'a, str>> {
    let lengths: Vec<usize> = texts.iter().map(|text| text.chars().count()).collect();
    let share = equal_share(&lengths, chars_max);
    let cut_to_share = |(text, length): (&&'a str, &usize)| {
        if *length <= share { Cow::Borrowed(*text) } else { Cow::Owned(cut(text, share)) }
    };
    texts.iter().zip(&lengths).map(cut_to_share).collect()
}

/// The largest share so that all texts, each cut to it, fit.
fn equal_share(lengths: &[usize], chars_max: usize) -> usize {
    let mut ascending = lengths.to_vec();
    ascending.sort_unstable();
    let mut left = chars_max;
    for (position, length) in ascending.iter().enumerate() {
        let share = left / (ascending.len() - position);
        if *length > share {
            return share;
        }
        left -= length;
    }
    usize::MAX
}
