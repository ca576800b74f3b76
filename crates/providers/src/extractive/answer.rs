//! Whether a unit has the shape of the answer a question wants. Owns the patterns; knows no ranking.

use super::{
    passage::{Form, Unit},
    question::{Question, Wants},
    words::words,
};

/// How well the unit's shape fits, 0 to 1.
pub(super) fn fits(question: &Question, unit: &Unit) -> f64 {
    let text = unit.text.as_str();
    match question.wants {
        Wants::Who => who(question, text),
        Wants::When => when(question, text),
        Wants::Where => where_(text),
        Wants::Quantity => quantity(question, text),
        Wants::Reason => reason(text),
        Wants::Definition => definition(question, unit),
        Wants::Outcome => outcome(text),
        Wants::Method => method(unit),
        Wants::Statement => 0.3,
    }
}

fn new_words<'a>(question: &'a Question, text: &'a str) -> impl Iterator<Item = &'a str> {
    words(text).filter(move |word| {
        let stem = super::words::stem(word);
        !question.terms.iter().any(|term| term.stem == stem)
    })
}

/// Names the question did not give, or a word for an office.
fn who(question: &Question, text: &str) -> f64 {
    const OFFICES: &[&str] = &[
        "agent",
        "authority",
        "board",
        "captain",
        "chair",
        "chief",
        "clerk",
        "commission",
        "committee",
        "council",
        "department",
        "director",
        "engineer",
        "governor",
        "inspector",
        "maintainer",
        "manager",
        "master",
        "mate",
        "minister",
        "ministry",
        "office",
        "officer",
        "operator",
        "owner",
        "pilot",
        "president",
        "secretary",
        "superintendent",
        "team",
        "treasurer",
        "warden",
    ];
    let names =
        new_words(question, text).skip(1).filter(|word| word.chars().next().is_some_and(char::is_uppercase)).count();
    let is_office = new_words(question, text).any(|word| OFFICES.contains(&word.to_lowercase().as_str()));
    let by = if text.contains(" by ") { 0.2 } else { 0.0 };
    let named: f64 = match names {
        0 => 0.0,
        1 => 0.6,
        _ => 0.8,
    };
    (named.max(if is_office { 0.6 } else { 0.0 }) + by).min(1.0)
}

const MONTHS: &[&str] = &[
    "april",
    "august",
    "december",
    "february",
    "january",
    "july",
    "june",
    "march",
    "may",
    "november",
    "october",
    "september",
];
const TIMES: &[&str] = &[
    "annually",
    "autumn",
    "daily",
    "dawn",
    "day",
    "days",
    "dusk",
    "friday",
    "hour",
    "hours",
    "midnight",
    "minutes",
    "monday",
    "month",
    "monthly",
    "months",
    "morning",
    "night",
    "noon",
    "quarterly",
    "saturday",
    "spring",
    "summer",
    "sunday",
    "sunrise",
    "sunset",
    "thursday",
    "tuesday",
    "wednesday",
    "week",
    "weekly",
    "weeks",
    "winter",
    "year",
    "years",
];

fn when(question: &Question, text: &str) -> f64 {
    let mut best = 0.0_f64;
    for word in new_words(question, text) {
        let lower = word.to_lowercase();
        let is_year = lower.len() == 4 && matches!(lower.parse::<u16>(), Ok(1000..=2199));
        let is_month = MONTHS.contains(&lower.as_str()) && (lower != "may" || word == "May");
        let value = if is_year || is_month {
            1.0
        } else if TIMES.contains(&lower.as_str()) {
            0.7
        } else if lower.bytes().any(|b| b.is_ascii_digit()) {
            0.5
        } else if matches!(
            lower.as_str(),
            "when" | "before" | "after" | "until" | "once" | "whenever" | "if" | "during"
        ) {
            0.3
        } else {
            0.0
        };
        best = best.max(value);
    }
    best
}

fn where_(text: &str) -> f64 {
    let mut before_is_preposition = false;
    let mut best = 0.0_f64;
    for word in words(text).filter(|word| !matches!(*word, "the" | "a" | "an")) {
        if before_is_preposition {
            best = best.max(if word.chars().next().is_some_and(char::is_uppercase) { 1.0 } else { 0.5 });
        }
        before_is_preposition = matches!(
            word,
            "in" | "at"
                | "on"
                | "near"
                | "inside"
                | "under"
                | "beside"
                | "behind"
                | "from"
                | "to"
                | "below"
                | "above"
                | "opposite"
                | "between"
        );
    }
    if text.contains('`') || text.contains('/') { best.max(0.7) } else { best }
}

const NUMBER_WORDS: &[&str] = &[
    "dozen",
    "eight",
    "eighteen",
    "eighty",
    "eleven",
    "fifteen",
    "fifty",
    "five",
    "forty",
    "four",
    "fourteen",
    "half",
    "hundred",
    "nine",
    "nineteen",
    "ninety",
    "none",
    "once",
    "seven",
    "seventeen",
    "seventy",
    "six",
    "sixteen",
    "sixty",
    "ten",
    "thirteen",
    "thirty",
    "thousand",
    "three",
    "twelve",
    "twenty",
    "twice",
    "two",
    "unlimited",
    "zero",
];

/// A number the question did not give.
fn quantity(question: &Question, text: &str) -> f64 {
    let mut best = 0.0_f64;
    for word in new_words(question, text) {
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return 1.0;
        }
        if NUMBER_WORDS.contains(&word.to_lowercase().as_str()) {
            best = 0.85;
        } else if word.bytes().any(|b| b.is_ascii_digit()) {
            best = best.max(0.4);
        }
    }
    best
}

fn reason(text: &str) -> f64 {
    const SIGNS: &[&str] = &[
        "because",
        "so that",
        "since ",
        "therefore",
        "in order to",
        "due to",
        "reason",
        "otherwise",
        "to avoid",
        "to prevent",
        "as a result",
        "caused",
        "to keep",
        "to protect",
        "to ensure",
        "which means",
        "this means",
        "owing to",
        "would ",
        "this lets",
        "this allows",
        "thus ",
    ];
    let lower = text.to_lowercase();
    let signs = SIGNS.iter().filter(|sign| lower.contains(**sign)).count();
    match signs {
        0 => 0.0,
        1 => 0.8,
        _ => 1.0,
    }
}

/// A verb that says what becomes of something.
fn outcome(text: &str) -> f64 {
    const VERBS: &[&str] = &[
        "abort", "block", "cancel", "clos", "continu", "cost", "delet", "discard", "drop", "end", "exit", "fail",
        "fin", "ignor", "kill", "los", "lost", "mov", "overwrit", "panic", "paus", "pay", "refus", "reject", "remov",
        "restart", "return", "stop", "terminat", "wait",
    ];
    let bag = super::words::Bag::of(text);
    let verbs = VERBS.iter().filter(|verb| bag.stems.contains(**verb)).count();
    let will = if words(text).any(|word| matches!(word, "will" | "is" | "are" | "must")) { 0.2 } else { 0.0 };
    match verbs {
        0 => will,
        _ => 0.8 + will,
    }
}

/// The subject first, then a verb or sign that says what it is.
fn definition(question: &Question, unit: &Unit) -> f64 {
    const ARTICLES: &[&str] = &["a", "an", "the", "each", "every"];
    const VERBS: &[&str] = &[
        "is", "are", "was", "were", "mean", "refer", "denot", "describ", "return", "defin", "stand", "let", "allow",
        "control",
    ];
    let is_subject = |stem: &String| question.subject().any(|term| term.stem == *stem || term.parts.contains(stem));
    let sequence = &unit.bag.sequence;
    let start = sequence.iter().take_while(|stem| ARTICLES.contains(&stem.as_str())).count();
    let named = sequence[start..].iter().take_while(|stem| is_subject(stem)).count();
    if named > 0 {
        let says = sequence[start + named..].iter().take(2).any(|stem| VERBS.contains(&stem.as_str()));
        let sign = unit.text.chars().take(60).any(|c| matches!(c, ':' | '—' | '–' | '='));
        return if says {
            1.0
        } else if sign {
            0.8
        } else {
            0.35
        };
    }
    let is_near = sequence.iter().take(6).any(is_subject);
    let says = sequence.iter().take(10).any(|stem| VERBS.contains(&stem.as_str()));
    if is_near && says { 0.35 } else { 0.0 }
}

fn method(unit: &Unit) -> f64 {
    const IMPERATIVES: &[&str] = &[
        "add",
        "apply",
        "ask",
        "build",
        "call",
        "check",
        "choose",
        "configure",
        "create",
        "define",
        "enable",
        "follow",
        "implement",
        "install",
        "make",
        "mark",
        "open",
        "pass",
        "place",
        "press",
        "provide",
        "put",
        "register",
        "replace",
        "report",
        "return",
        "run",
        "select",
        "send",
        "set",
        "start",
        "submit",
        "take",
        "turn",
        "use",
        "using",
        "wrap",
        "write",
    ];
    let first = words(&unit.text).next().unwrap_or_default().to_lowercase();
    if IMPERATIVES.contains(&first.as_str()) {
        return 1.0;
    }
    let lower = unit.text.to_lowercase();
    let says_means = words(&lower).any(|word| IMPERATIVES.contains(&word));
    let by = [" by ", " with ", "you can", "must", "to "].iter().any(|sign| lower.contains(sign));
    match (unit.form == Form::Code, says_means, by) {
        (true, ..) => 0.6,
        (_, true, true) => 0.7,
        (_, true, false) | (_, false, true) => 0.45,
        _ => 0.1,
    }
}
