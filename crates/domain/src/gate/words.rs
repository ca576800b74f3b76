//! Word lists of the gate. Owns the lists only; what follows from a word is decided where it is used.

use std::{collections::HashSet, sync::LazyLock};

use super::text::{fold, stem};

static FUNCTION_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "a about above after again all also although am among an and another any are as at be became because become \
    becomes been before being below between both but by can could das dass der did die do does doing done down \
    during each ein eine either er es even every few for from further had has have having he hence her here his how \
    however i if im in indeed instead into is ist it its itself just may me might mit more moreover most much must \
    my of off often on once one only or other others our out over own per rather same shall she should since so some \
    still such than that the their them then there therefore these they this those though through thus to too und \
    under until up upon us very via von was we well were what when where whereas whether which while who whom whose \
    why will with within would yet you your zu"
        .split_whitespace()
        .collect()
});

static NEGATIONS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "arent cannot cant couldnt didnt doesnt dont hadnt hasnt havent isnt kein keine keinen keiner mustnt neednt \
    neither never nicht nie niemals no nobody none nor not nothing nowhere ohne shouldnt wasnt werent without wont \
    wouldnt"
        .split_whitespace()
        .collect()
});

static HEDGES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "absent avoid barely before disabl except exclud fail few forbid forbidden free hardly impossibl instead lack \
    least less mis most once only prevent prohibit rarely rather refus reject scarcely seldom stop unabl unless \
    unlik until zero 0"
        .split_whitespace()
        .collect()
});

/// Words that say nothing about the subject.
pub(super) fn is_function_word(folded: &str) -> bool {
    FUNCTION_WORDS.contains(folded)
}

/// Words that turn a statement round.
pub(super) fn is_negation(folded: &str) -> bool {
    NEGATIONS.contains(folded)
}

/// Words that limit or turn a statement without being a plain negation. Where they differ, the gate does not judge.
pub(super) fn is_hedge(folded: &str) -> bool {
    HEDGES.contains(folded) || HEDGES.contains(stem(folded))
}

/// Words that make a negation before them no negation: "not only".
pub(super) fn softens_negation(folded: &str) -> bool {
    matches!(folded, "only" | "just" | "merely" | "necessarily" | "yet" | "nur" | "least")
}

/// Capitals that name nothing in particular: a writer may use them where the source does not.
pub(super) fn is_generic_name(folded: &str) -> bool {
    matches!(
        folded,
        "ai" | "api"
            | "apis"
            | "cpu"
            | "cpus"
            | "faq"
            | "i"
            | "id"
            | "ids"
            | "im"
            | "it"
            | "ok"
            | "os"
            | "ui"
            | "url"
            | "urls"
            | "yes"
            | "no"
    )
}

/// The number of a month by its English or German name or its abbreviation, written with a capital.
pub(super) fn month(word: &str) -> Option<u8> {
    if !word.chars().next().is_some_and(char::is_uppercase) {
        return None;
    }
    Some(match fold(word).as_str() {
        "january" | "jan" | "januar" => 1,
        "february" | "feb" | "februar" => 2,
        "march" | "mar" | "märz" => 3,
        "april" | "apr" => 4,
        "may" | "mai" => 5,
        "june" | "jun" | "juni" => 6,
        "july" | "jul" | "juli" => 7,
        "august" | "aug" => 8,
        "september" | "sep" | "sept" => 9,
        "october" | "oct" | "oktober" | "okt" => 10,
        "november" | "nov" => 11,
        "december" | "dec" | "dezember" | "dez" => 12,
        _ => return None,
    })
}
