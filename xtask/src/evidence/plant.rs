//! Planted faults: sentences that say what their source does not. Owns the kinds, how each is made, and whether a machine
//! can decide it: whether the wrong thing is nowhere in what the sentence cites.

use super::{
    corpus::{Corpus, Place},
    dice::Dice,
    reword::{HEDGES, UNITS, Way, reword, unit_of, with},
    slots::{Digits, MONTHS, days, digits, grouped, in_words, is_year, names, states, words},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Number,
    NumberInWords,
    Unit,
    UnitCase,
    Rounding,
    Bound,
    Date,
    Name,
    FirstName,
    Quote,
    Negation,
    OtherDocument,
    DeadId,
    Reference,
    /// What follows is not decidable by comparing words, and is counted apart.
    NumbersExchanged,
    NamesExchanged,
    OtherDocumentAlike,
    BoundDropped,
}

/// Every kind, its name, and whether a machine can decide it.
pub(super) const FAULTS: &[(Fault, &str, bool)] = &[
    (Fault::Number, "wrong number", true),
    (Fault::NumberInWords, "wrong number in words", true),
    (Fault::Unit, "other unit", true),
    (Fault::UnitCase, "unit in another case", true),
    (Fault::Rounding, "false rounding", true),
    (Fault::Bound, "bound added or turned", true),
    (Fault::Date, "other date", true),
    (Fault::Name, "other name", true),
    (Fault::Quote, "altered quotation", true),
    (Fault::Negation, "negation", true),
    (Fault::OtherDocument, "quote of another document", true),
    (Fault::DeadId, "dead id", true),
    (Fault::Reference, "invented reference", true),
    (Fault::FirstName, "other name at the start", false),
    (Fault::NumbersExchanged, "its own numbers exchanged", false),
    (Fault::NamesExchanged, "its own names exchanged", false),
    (Fault::OtherDocumentAlike, "another document alike", false),
    (Fault::BoundDropped, "bound left out", false),
];

/// What a planted sentence cites.
#[derive(Clone, Debug)]
pub(super) enum Cites {
    Itself,
    Other(Place),
    /// An id that names nothing.
    Dead,
}

/// A faulty sentence.
pub(super) struct Planted {
    pub(super) text: String,
    pub(super) cites: Cites,
}

/// Plants one fault of this kind into what a place says.
pub(super) fn plant(fault: Fault, corpus: &Corpus, place: &Place, dice: &mut Dice) -> Option<Planted> {
    let sentence = place.sentence.as_str();
    let seen = corpus.seen(place);
    let own =
        |text: Option<String>| text.filter(|text| text != sentence).map(|text| Planted { text, cites: Cites::Itself });
    match fault {
        Fault::Number => own(number(sentence, &seen, dice, false)),
        Fault::NumberInWords => own(number(sentence, &seen, dice, true)),
        Fault::Unit => own(other_unit(sentence, &seen, dice)),
        Fault::UnitCase => own(other_case(sentence, &seen)),
        Fault::Rounding => own(rounding(sentence, &seen, dice)),
        Fault::Bound => own(bound(sentence, &seen, dice)),
        Fault::Date => own(date(sentence, &seen, dice)),
        Fault::Name => {
            let range = dice.pick(&names(sentence))?.clone();
            own(Some(with(sentence, range, &other_name(corpus, place, &seen, dice)?)))
        }
        Fault::FirstName => {
            let first = sentence.split(' ').next().filter(|word| word.chars().all(char::is_alphabetic))?;
            let is_name = corpus
                .places
                .iter()
                .any(|place| names(&place.sentence).into_iter().any(|r| &place.sentence[r] == first));
            let name = other_name(corpus, place, &seen, dice).filter(|_| is_name)?;
            own(Some(with(sentence, 0..first.len(), &name)))
        }
        Fault::Quote => own(altered_quotation(corpus, sentence, &seen, dice)),
        Fault::Negation => own(negation(sentence, dice)),
        Fault::OtherDocument | Fault::OtherDocumentAlike => {
            let other =
                corpus.places.get(dice.below(corpus.places.len())).filter(|other| other.document != place.document)?;
            let is_decidable = lacks(sentence, &corpus.seen(other));
            (is_decidable == (fault == Fault::OtherDocument))
                .then(|| Planted { text: sentence.to_owned(), cites: Cites::Other(other.clone()) })
        }
        Fault::DeadId => Some(Planted { text: sentence.to_owned(), cites: Cites::Dead }),
        Fault::Reference => own(reference(sentence, dice)),
        Fault::NumbersExchanged => {
            let found: Vec<Digits> = digits(sentence).into_iter().filter(|number| !is_year(number)).collect();
            let pair = found.windows(2).find(|pair| pair[0].value != pair[1].value)?;
            let (a, b) = (&pair[0], &pair[1]);
            let late = with(sentence, b.range.clone(), &sentence[a.range.clone()]);
            own(Some(with(&late, a.range.clone(), &sentence[b.range.clone()])))
        }
        Fault::NamesExchanged => {
            let found = names(sentence);
            let pair = found.windows(2).find(|pair| sentence[pair[0].clone()] != sentence[pair[1].clone()])?;
            let late = with(sentence, pair[1].clone(), &sentence[pair[0].clone()]);
            own(Some(with(&late, pair[0].clone(), &sentence[pair[1].clone()])))
        }
        Fault::BoundDropped => {
            let phrase = ["at least ", "at most ", "more than ", "less than ", "up to "];
            let (at, phrase) = phrase.iter().find_map(|phrase| Some((sentence.find(phrase)?, phrase)))?;
            let is_bound = sentence[at + phrase.len()..].starts_with(|c: char| c.is_ascii_digit());
            own(is_bound.then(|| with(sentence, at..at + phrase.len(), "")))
        }
    }
}

/// A fault said otherwise than the source says the rest, where that can be done without undoing it.
pub(super) fn disguised(fault: Fault, planted: Planted, corpus: &Corpus, place: &Place, dice: &mut Dice) -> Planted {
    // Whether "not produced" denies "made" is a question of meaning.
    let ways: &[Way] = if fault == Fault::Negation {
        &[Way::Introduced, Way::Contracted]
    } else {
        &[Way::Introduced, Way::Contracted, Way::OtherWords]
    };
    let way = dice.pick(ways).copied().unwrap_or(Way::Introduced);
    let faulty = Place { sentence: planted.text.clone(), ..place.clone() };
    match reword(way, corpus, &faulty, dice) {
        Some((text, None)) if matches!(planted.cites, Cites::Itself) => Planted { text, ..planted },
        _ => planted,
    }
}

/// Another number that stands nowhere in what is cited.
fn another(value: u64, seen: &str, dice: &mut Dice) -> Option<u64> {
    (0..20).find_map(|_| {
        let other = match dice.below(4) {
            0 => value * 10,
            1 => value + dice.between(1, 9),
            2 => value.saturating_sub(dice.between(1, value.clamp(1, 9))),
            // Two digits exchanged, or another first digit.
            _ => value + 10_u64.pow(value.max(1).ilog10()) * dice.between(1, 3),
        };
        (other > 1 && other != value && !states(seen, other)).then_some(other)
    })
}

fn number(sentence: &str, seen: &str, dice: &mut Dice, in_letters: bool) -> Option<String> {
    let found = digits(sentence);
    let number = dice.pick(&found)?;
    let other = another(number.value, seen, dice)?;
    // A small number in words counts only with what it counts.
    let fits = !in_letters || other < 100_000 && !is_year(number) && (other > 12 || unit_of(&number.unit).is_some());
    let text = if in_letters {
        in_words(other)
    } else if is_year(number) {
        other.to_string()
    } else {
        grouped(other, ',')
    };
    fits.then(|| with(sentence, number.range.clone(), &text))
}

fn other_unit(sentence: &str, seen: &str, dice: &mut Dice) -> Option<String> {
    let found: Vec<Digits> = digits(sentence).into_iter().filter(|number| unit_of(&number.unit).is_some()).collect();
    let number = dice.pick(&found)?;
    let there = words(seen);
    let absent = |spellings: &&&[&str]| {
        !spellings.iter().any(|unit| there.contains(&unit.to_lowercase()) || (*unit == "%" && seen.contains('%')))
            && !spellings.contains(&number.unit.as_str())
    };
    // Units whose spelling is part of another number's in the source cannot be told from it.
    let units: Vec<&&[&str]> =
        UNITS.iter().filter(absent).filter(|spellings| !spellings.iter().any(|s| glued(seen, s))).collect();
    let unit = dice.pick(&units)?.first()?;
    let gap = if number.range.end == number.unit_range.start && *unit != "%" { " " } else { "" };
    Some(with(sentence, number.unit_range.clone(), &format!("{gap}{unit}")))
}

/// Bytes for bits, milliwatts for megawatts: another unit by its case alone.
fn other_case(sentence: &str, seen: &str) -> Option<String> {
    const PAIRS: &[(&str, &str)] =
        &[("kB", "Kb"), ("KB", "Kb"), ("MB", "Mb"), ("GB", "Gb"), ("TB", "Tb"), ("mW", "MW"), ("MW", "mW")];
    digits(sentence).iter().find_map(|number| {
        let (_, other) = PAIRS.iter().find(|(unit, other)| number.unit == *unit && !seen.contains(other))?;
        Some(with(sentence, number.unit_range.clone(), other))
    })
}

fn glued(text: &str, unit: &str) -> bool {
    text.match_indices(unit).any(|(at, _)| text[..at].ends_with(|c: char| c.is_ascii_digit()))
}

/// A rounding that is too far, to the wrong side, or not said.
fn rounding(sentence: &str, seen: &str, dice: &mut Dice) -> Option<String> {
    let found: Vec<Digits> = digits(sentence)
        .into_iter()
        .filter(|number| number.value > 20 && !is_year(number) && !MONTHS.contains(&number.unit.as_str()))
        .collect();
    let number = dice.pick(&found)?;
    let before = sentence[..number.range.start].trim_end().to_lowercase();
    if HEDGES.iter().any(|word| before.ends_with(word)) {
        return None;
    }
    let value = number.value;
    let step = 10_u64.pow(value.ilog10());
    let (word, near) = match dice.below(3) {
        // Too far.
        0 => ("about", value + value / 8 + step / 5 + 1),
        // Not said.
        1 => ("", (value + step / 20) / (step / 10).max(1) * (step / 10).max(1)),
        // To the wrong side: "nearly" means that the truth is below.
        _ => ("nearly", value - value / 20 - 1),
    };
    let gap = if word.is_empty() { "" } else { " " };
    (near != value && !states(seen, near))
        .then(|| with(sentence, number.range.clone(), &format!("{word}{gap}{}", grouped(near, ','))))
}

/// A bound where the source states none, or the other one.
fn bound(sentence: &str, seen: &str, dice: &mut Dice) -> Option<String> {
    const TURNS: &[(&str, &str)] = &[
        ("at least", "at most"),
        ("at most", "at least"),
        ("more than", "less than"),
        ("less than", "more than"),
        ("fewer than", "more than"),
        ("up to", "at least"),
        ("within", "more than"),
        ("no more than", "at least"),
        ("over", "under"),
        ("under", "over"),
    ];
    let found: Vec<Digits> = digits(sentence)
        .into_iter()
        .filter(|number| !is_year(number) && !MONTHS.contains(&number.unit.as_str()))
        .collect();
    let number = dice.pick(&found)?;
    let before = sentence[..number.range.start].trim_end();
    // The same number twice in the source may be bounded there.
    let once = seen.matches(&sentence[number.range.clone()]).count() == 1;
    if let Some((from, to)) = TURNS.iter().find(|(from, _)| before.to_lowercase().ends_with(from)) {
        let start = before.len() - from.len();
        return (once && !before.to_lowercase().ends_with("no more than"))
            .then(|| with(sentence, start..before.len(), to));
    }
    let is_plain = before.ends_with(|c: char| c.is_lowercase()) && !HEDGES.iter().any(|word| before.ends_with(word));
    let word = dice.pick(&["more than", "fewer than", "less than"])?;
    (once && is_plain).then(|| with(sentence, number.range.start..number.range.start, &format!("{word} ")))
}

fn date(sentence: &str, seen: &str, dice: &mut Dice) -> Option<String> {
    let found = days(sentence);
    let there = days(seen);
    let day = dice.pick(&found)?;
    let mut other = day.clone();
    match dice.below(3) {
        0 => other.day = day.day % 28 + 1,
        1 => other.month = day.month % 12 + 1,
        _ => other.year = Some(day.year? + dice.between(1, 9)),
    }
    let is_stated =
        there.iter().any(|there| (there.day, there.month, there.year) == (other.day, other.month, other.year));
    // A year that stands elsewhere in the source could belong to the day.
    let year_free = other.year == day.year || other.year.is_some_and(|year| !states(seen, year));
    (!is_stated && year_free).then(|| with(sentence, day.range.clone(), &other.written(dice.below(4))))
}

/// A name of another document that is nowhere in what is cited.
fn other_name(corpus: &Corpus, place: &Place, seen: &str, dice: &mut Dice) -> Option<String> {
    let there = seen.to_lowercase();
    (0..50).find_map(|_| {
        let other =
            corpus.places.get(dice.below(corpus.places.len())).filter(|other| other.document != place.document)?;
        let range = dice.pick(&names(&other.sentence))?.clone();
        let name = other.sentence[range].to_owned();
        let start: String = name.to_lowercase().chars().take(4).collect();
        (!there.contains(&start)).then_some(name)
    })
}

fn altered_quotation(corpus: &Corpus, sentence: &str, seen: &str, dice: &mut Dice) -> Option<String> {
    let all: Vec<&str> = sentence.trim_end_matches('.').split(' ').collect();
    if all.len() < 9 || sentence.contains('`') {
        return None;
    }
    let length = 5 + dice.below(3).min(all.len() - 9);
    let start = dice.below(all.len() - length);
    let mut part: Vec<String> = all[start..start + length].iter().map(|word| (*word).to_owned()).collect();
    let at = 1 + dice.below(length - 2);
    match dice.below(3) {
        0 => {
            let other = corpus.places.get(dice.below(corpus.places.len()))?;
            let other = words(&other.sentence);
            let word = dice.pick(&other).filter(|word| word.len() > 3 && **word != part[at].to_lowercase())?;
            part[at].clone_from(word);
        }
        1 => {
            part.remove(at);
        }
        _ => part.swap(at, at + 1),
    }
    let part = part.join(" ");
    let bare = |text: &str| format!(" {} ", words(text).join(" "));
    (!bare(seen).contains(&bare(&part))).then(|| format!("The source says \"{part}\" of this."))
}

/// Verbs after which "not" denies the sentence.
const VERBS: &[&str] = &["is", "are", "was", "were", "can", "may", "must", "will", "has", "does", "should"];
/// Words that turn a sentence in their own way: what a denial then means, no machine can tell.
const TWISTS: &[&str] = &[
    "not", "no", "never", "none", "nothing", "nobody", "neither", "nor", "without", "only", "unless", "until",
    "except", "cannot", "before", "few", "little", "hardly", "less", "least", "instead", "rather", "but", "whether",
    "if", "where",
];

/// Words that carry no meaning to deny.
const EMPTY: &[&str] = &[
    "there", "been", "have", "that", "this", "then", "than", "from", "with", "what", "which", "when", "into", "also",
    "still", "itself", "very", "more", "most", "both", "other", "others", "such", "much", "once", "about", "again",
];

fn negation(sentence: &str, dice: &mut Dice) -> Option<String> {
    let all: Vec<&str> = sentence.split(' ').collect();
    let denied = |word: &&str| matches!(*word, "not" | "never");
    let twists = all
        .iter()
        .filter(|word| TWISTS.contains(&word.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase().as_str()))
        .count();
    if sentence.contains('`') || sentence.contains("n't") || sentence.contains(';') || sentence.contains(',') {
        return None;
    }
    // The word after "not" must carry the denial: not "it", "there", "at all".
    let carries = |at: usize| {
        let word = all.get(at).map_or("", |word| word.trim_matches(|c: char| !c.is_alphabetic()));
        word.len() > 3 && word.chars().all(char::is_lowercase) && !EMPTY.contains(&word)
    };
    if let Some(at) = all.iter().position(denied).filter(|at| twists == 1 && carries(at + 1)) {
        let mut left = all.clone();
        left.remove(at);
        return Some(left.join(" "));
    }
    let verb = all.iter().position(|word| VERBS.contains(word)).filter(|at| twists == 0 && at + 2 < all.len())?;
    let word = if matches!(all[verb], "is" | "are" | "was" | "were") && dice.flip() { "never" } else { "not" };
    let mut denied = all.clone();
    denied.insert(verb + 1, word);
    carries(verb + 1).then(|| denied.join(" "))
}

/// Whether what another place shows lacks something of the sentence that must be there: a number, a date, a name, or
/// nearly all of its words.
fn lacks(sentence: &str, other: &str) -> bool {
    let there = words(other);
    let starts: Vec<String> = there.iter().map(|word| word.chars().take(4).collect()).collect();
    let long: Vec<String> = words(sentence).into_iter().filter(|word| word.chars().count() > 4).collect();
    let shared = long.iter().filter(|word| starts.contains(&word.chars().take(4).collect())).count();
    digits(sentence).iter().any(|number| !states(other, number.value))
        || days(sentence)
            .iter()
            .any(|day| !days(other).iter().any(|there| (there.day, there.month) == (day.day, day.month)))
        || names(sentence).into_iter().any(|range| {
            let start: String = sentence[range].to_lowercase().chars().take(4).collect();
            !starts.contains(&start)
        })
        || long.len() >= 4 && shared * 10 < long.len()
}

fn reference(sentence: &str, dice: &mut Dice) -> Option<String> {
    let body = sentence.trim_end_matches('.');
    let n = dice.between(10_000, 99_999);
    Some(match dice.below(5) {
        0 => format!("{body} (https://doi.org/10.{}/{n}.{}).", dice.between(1_000, 9_999), dice.between(1, 99)),
        1 => format!("{body} (arXiv:{}.{n}).", dice.between(1_501, 2_512)),
        2 => format!("{body} (https://www.example-{n}.org/paper)."),
        3 => format!("{body} [{}].", dice.between(1, 40)),
        _ => format!("{body} (Marlow et al., {})", dice.between(1990, 2025)) + ".",
    })
}
