//! Words that compare or multiply: "doubled", "rose", "faster". Owns which of them oppose each other and which factor they
//! state; errs towards agreement.

use super::{
    decimal::size,
    facts::Facts,
    numbers::Number,
    text::{Plain, fold, stem, tokens},
    words::is_negation,
};

/// Words on two sides. Who says the one where every quote says only the other has turned it round.
const OPPOSITES: &[(&[&str], &[&str])] = &[
    (
        &[
            "rise",
            "rises",
            "rose",
            "risen",
            "rising",
            "increase",
            "increases",
            "increased",
            "increasing",
            "grow",
            "grows",
            "grew",
            "grown",
        ],
        &[
            "fall",
            "falls",
            "fell",
            "fallen",
            "falling",
            "decrease",
            "decreases",
            "decreased",
            "decreasing",
            "decline",
            "declines",
            "declined",
            "shrink",
            "shrinks",
            "shrank",
            "drop",
            "drops",
            "dropped",
        ],
    ),
    (&["higher", "highest"], &["lower", "lowest"]),
    (&["faster", "fastest"], &["slower", "slowest"]),
    (&["larger", "largest", "bigger", "biggest"], &["smaller", "smallest"]),
    (&["longer", "longest"], &["shorter", "shortest"]),
    (&["older", "oldest"], &["younger", "youngest", "newer", "newest"]),
    (&["better", "best"], &["worse", "worst"]),
    (&["before"], &["after"]),
    (&["morning"], &["afternoon", "evening", "night"]),
    (&["maximum"], &["minimum"]),
    (&["allowed", "permitted"], &["forbidden", "prohibited"]),
    (&["enabled", "enables"], &["disabled", "disables"]),
    (&["opens", "opened"], &["closes", "closed"]),
    (&["gained", "gains"], &["lost", "loses"]),
    (&["north", "northern"], &["south", "southern"]),
    (&["east", "eastern"], &["west", "western"]),
];

/// Whether the sentence says of the same thing the opposite of what its quotes say. Where one of them has both sides,
/// or denies anything, it is not sure and says no.
pub(super) fn is_turned(text: &Plain, facts: &[&Facts]) -> bool {
    let ours: Vec<String> = tokens(&text.text).iter().map(|token| fold(token.text)).collect();
    if ours.iter().any(|word| is_negation(word)) || facts.iter().any(|facts| facts.denies) {
        return false;
    }
    let has = |side: &[&str]| ours.iter().any(|word| side.contains(&word.as_str()));
    let quoted = |side: &[&str]| facts.iter().any(|facts| side.iter().any(|word| facts.has_exact_word(word)));
    OPPOSITES.iter().any(|(one, other)| {
        let turned =
            |said: &[&str], opposite: &[&str]| has(said) && !has(opposite) && !quoted(said) && quoted(opposite);
        turned(one, other) || turned(other, one)
    })
}

/// The words of a sentence that state a factor its quotes do not: "doubled" where nothing doubles.
pub(super) fn unproved_factors(text: &Plain, facts: &[&Facts]) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens(&text.text) {
        if let Some((factor, true)) = factor(&fold(token.text))
            && !facts.iter().any(|facts| states(facts, factor))
        {
            found.push(token.text.to_owned());
        }
    }
    found
}

/// The factors a quote's words state.
pub(super) fn factors(text: &str) -> Vec<Factor> {
    tokens(text).iter().filter_map(|token| factor(&fold(token.text))).map(|(factor, _)| factor).collect()
}

/// How many times as much: 2 is `(2, 1)`, a half `(1, 2)`.
pub(super) type Factor = (u32, u32);

/// The factor of a word, and whether it states a change or a comparison, which has to be proved.
fn factor(folded: &str) -> Option<(Factor, bool)> {
    if let Some(rest) = folded.strip_suffix("fold").filter(|rest| !rest.is_empty()) {
        let times = match rest {
            "two" => 2,
            "three" => 3,
            "four" => 4,
            "five" => 5,
            "ten" => 10,
            "hundred" => 100,
            digits => digits.parse().ok()?,
        };
        return Some(((times, 1), true));
    }
    Some(match folded {
        "doubled" | "doubling" | "doubles" => ((2, 1), true),
        "tripled" | "tripling" | "triples" | "trebled" => ((3, 1), true),
        "quadrupled" | "quadrupling" | "quadruples" => ((4, 1), true),
        "halved" | "halving" | "halves" => ((1, 2), true),
        "double" | "twice" => ((2, 1), false),
        "triple" | "treble" | "thrice" => ((3, 1), false),
        "quadruple" => ((4, 1), false),
        "half" | "halve" => ((1, 2), false),
        _ => return None,
    })
}

/// Whether a quote states this factor: by a word, as "2 times" or "a factor of 2", or as two numbers in this order.
fn states(facts: &Facts, factor: Factor) -> bool {
    if facts.factors.contains(&factor) {
        return true;
    }
    let times = factor.0.to_string();
    let is_multiple = factor.1 == 1
        && facts.numbers.iter().any(|number| {
            number.values.contains(&times) && (number.measure.unit == Some("times") || facts.has_exact_word("factor"))
        });
    let ratio = f64::from(factor.0) / f64::from(factor.1);
    let is_ratio = |from: &Number, to: &Number| {
        let sizes =
            from.values.first().and_then(|value| size(value)).zip(to.values.first().and_then(|value| size(value)));
        from.measure.unit == to.measure.unit
            && sizes.is_some_and(|(from, to)| from > 0.0 && (to / from - ratio).abs() < f64::EPSILON * 8.0)
    };
    // The years of the two may stand between them.
    let pairs = |at: usize| facts.numbers[at + 1..].iter().take(NEAR).map(move |to| (at, to));
    is_multiple || (0..facts.numbers.len()).flat_map(pairs).any(|(at, to)| is_ratio(&facts.numbers[at], to))
}

/// How many numbers of a quote further on one may stand in proportion to another.
const NEAR: usize = 3;

/// Whether the sentence says that something became or is less, in a word.
pub(super) fn speaks_of_less(text: &Plain) -> bool {
    tokens(&text.text).iter().any(|token| {
        let folded = fold(token.text);
        matches!(
            stem(&folded),
            "fel"
                | "fal"
                | "fallen"
                | "drop"
                | "decreas"
                | "declin"
                | "reduc"
                | "reduction"
                | "los"
                | "lost"
                | "lower"
                | "below"
                | "les"
                | "minu"
                | "negativ"
                | "deficit"
                | "down"
                | "shrank"
                | "shrink"
                | "cut"
        )
    })
}
