//! English word lists: what says nothing, what says little, what means nearly the same. Data only; a word belongs here
//! when it holds for any folder, never because one question needs it.

use std::{collections::BTreeMap, sync::LazyLock};

use super::words::stem;

/// Words that carry no subject.
const STOP: &[&str] = &[
    "a", "about", "above", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "being", "below", "between", "both", "but", "by", "can", "cannot", "could", "d",
    "did", "do", "does", "doing", "don", "done", "down", "during", "each", "either", "else", "ever", "few", "for",
    "from", "further", "had", "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how", "i", "if",
    "in", "into", "is", "it", "its", "itself", "just", "ll", "m", "may", "me", "might", "more", "most", "much", "must",
    "my", "no", "nor", "not", "now", "of", "off", "on", "once", "one", "only", "onto", "or", "other", "our", "out",
    "over", "own", "per", "please", "re", "s", "same", "shall", "she", "should", "so", "some", "such", "t", "than",
    "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "through", "to", "too", "under",
    "until", "up", "upon", "us", "ve", "very", "was", "we", "were", "what", "when", "where", "whether", "which",
    "while", "who", "whom", "whose", "why", "will", "with", "within", "without", "would", "you", "your", "yours",
];

/// Words that say little: they may be missing from an answer.
const WEAK: &str = "
    able according across actually against allow along among amount another anybody anyone anything anywhere apply
    around ask available back become belong best big bring call called case certain change choose come common
    concern condition consider contain contradict correct current currently date day deal decide deep definition
    describe detail difference different doc document documentation earlier early entire every exact exactly
    example exception exist explain far fast find first follow general get give go good handle happen happens hard
    heavy help high include info information instead introduction involve keep kind know large last late later let
    like list little live long longest look lot low main make many mean mention name near need new nobody none
    normal nothing number often old order overall overview part particular people person place point possible
    previous problem procedure provide purpose put question quickly reason recommend recommended refer regard
    relate replace report require responsible result right role rule say see set several show somebody someone
    something somewhere soon sort source specific stand start state step still stop support supported supposed
    take talk tall tell thing three time today total toward true try two type use used usual usually value various
    want way well whole wide word work wrong year
";

/// Groups of words that mean nearly the same wherever the subject is shared.
const MEANINGS: &[&[&str]] = &[
    &["async", "asynchronous", "asynchronously"],
    &["sync", "synchronous", "synchronise", "synchronize", "synchronisation"],
    &["environment", "env"],
    &["repository", "repo"],
    &["authentication", "auth", "login"],
    &["database", "db"],
    &["message", "msg"],
    &["application", "app", "program"],
    &["temporary", "temp", "tmp"],
    &["identifier", "id"],
    &["argument", "arg"],
    &["panic", "crash"],
    &["previous", "last"],
    &["reach", "range", "distance", "far"],
    &["answer", "respond", "reply", "response"],
    &["earlier", "previous", "former", "prior", "old"],
    &["back", "return", "revert", "rollback", "undo"],
    &["difference", "differ", "unlike", "except", "whereas", "contrast", "compare", "similar"],
    &["see", "show", "print", "view", "inspect"],
    &["execute", "run"],
    &["missing", "absent", "lack", "left"],
    &["cost", "price", "fee", "charge", "tariff", "toll", "pay", "expense"],
    &["begin", "start", "commence", "launch"],
    &["end", "finish", "terminate", "expire", "expiry"],
    &["stop", "halt", "cease", "abort", "cancel"],
    &["create", "make", "build", "construct", "produce", "generate"],
    &["found", "founded", "establish", "establishment"],
    &["delete", "remove", "erase", "purge", "clear", "clean"],
    &["change", "modify", "alter", "amend", "update", "edit"],
    &["maximum", "max", "limit", "cap", "most", "highest", "largest", "exceed", "upper"],
    &["minimum", "min", "least", "lowest", "smallest"],
    &["show", "display", "print", "list", "output"],
    &["big", "large", "size", "huge"],
    &["fast", "speed", "quick", "rapid", "knots"],
    &["ship", "vessel", "boat", "craft"],
    &["error", "failure", "fail", "fault", "failed"],
    &["allow", "permit", "permission", "allowed", "may"],
    &["forbid", "prohibit", "ban", "disallow", "forbidden", "banned", "prohibited"],
    &["require", "must", "mandatory", "obligatory", "need", "compulsory", "necessary", "required"],
    &["boss", "head", "chief", "director", "leader", "lead", "chair"],
    &["staff", "employee", "crew", "personnel", "worker"],
    &["buy", "purchase", "acquire", "bought"],
    &["help", "assist", "aid", "support"],
    &["fix", "repair", "mend", "solve", "resolve"],
    &["wait", "delay", "pause"],
    &["choose", "select", "pick", "decide"],
    &["folder", "directory"],
    &["setting", "option", "configuration", "config", "configure", "parameter", "flag", "preference"],
    &["disable", "suppress", "silence", "quiet", "deactivate"],
    &["enable", "activate"],
    &["store", "save", "retain", "stay", "remain", "persist", "stored", "kept", "keep"],
    &["fine", "penalty", "sanction"],
    &["injury", "injure", "hurt", "wound"],
    &["die", "death", "kill", "fatal"],
    &["annual", "yearly", "year"],
    &["daily", "day"],
    &["monthly", "month"],
    &["weekly", "week"],
    &["happen", "occur"],
    &["call", "invoke"],
    &["argument", "parameter"],
    &["check", "verify", "inspect", "test", "examine", "inspection", "validate"],
    &["phone", "telephone"],
    &["depth", "deep", "draught", "draft"],
    &["length", "long", "duration", "last"],
    &["height", "high", "tall"],
    &["width", "wide", "beam", "broad"],
    &["weight", "heavy", "weigh", "tonnes", "tons", "kilograms"],
    &["old", "age"],
    &["often", "frequency", "frequent", "interval", "every"],
    &["replace", "supersede", "substitute", "swap"],
    &["remote", "network"],
    &["parallel", "concurrent", "simultaneous", "concurrency"],
    &["method", "function", "routine"],
    &["reject", "refuse", "deny", "decline"],
    &["accident", "collision", "incident", "crash"],
    &["own", "owner", "possess"],
    &["send", "submit", "transmit", "deliver"],
    &["receive", "obtain", "get"],
    &["leave", "depart", "departure"],
    &["arrive", "arrival", "reach"],
    &["near", "close", "nearby", "adjacent"],
    &["combine", "merge", "join"],
    &["split", "divide", "separate"],
    &["hide", "conceal", "omit"],
    &["increase", "raise", "rise", "grow"],
    &["decrease", "reduce", "lower", "fall", "drop"],
    &["wrap", "enclose", "surround"],
    &["default", "unless", "otherwise"],
    &["share", "shared", "common"],
    &["custom", "own"],
    &["reason", "because", "purpose", "cause"],
    &["responsible", "charge", "accountable", "duty"],
    &["appoint", "nominate", "elect", "named"],
    &["rule", "regulation", "law", "bylaw"],
    &["licence", "license", "permit", "certificate"],
    &["sink", "founder", "wreck"],
    &["ignore", "skip", "exclude"],
    &["upload", "publish", "push"],
    &["download", "fetch", "pull"],
    &["install", "installation", "setup"],
    &["emergency", "distress"],
];

/// Words that make the number before them a measure.
const UNITS: &[&str] = &[
    "bytes",
    "cm",
    "crowns",
    "day",
    "days",
    "degrees",
    "dollars",
    "euros",
    "feet",
    "gb",
    "hours",
    "kb",
    "kg",
    "kilobytes",
    "kilometres",
    "km",
    "knots",
    "kw",
    "litres",
    "m",
    "mb",
    "megabytes",
    "meters",
    "metre",
    "metres",
    "miles",
    "minutes",
    "mm",
    "months",
    "ms",
    "percent",
    "pixels",
    "seconds",
    "tonnes",
    "tons",
    "volts",
    "weeks",
    "years",
];

const IRREGULAR: &[(&str, &str)] = &[
    ("began", "begin"),
    ("begun", "begin"),
    ("bought", "buy"),
    ("broke", "break"),
    ("broken", "break"),
    ("built", "build"),
    ("children", "child"),
    ("chose", "choose"),
    ("chosen", "choose"),
    ("drawn", "draw"),
    ("drew", "draw"),
    ("driven", "drive"),
    ("drove", "drive"),
    ("fell", "fall"),
    ("fallen", "fall"),
    ("gave", "give"),
    ("given", "give"),
    ("grew", "grow"),
    ("grown", "grow"),
    ("held", "hold"),
    ("kept", "keep"),
    ("knew", "know"),
    ("known", "know"),
    ("lost", "lose"),
    ("made", "make"),
    ("paid", "pay"),
    ("people", "person"),
    ("ran", "run"),
    ("rebuilt", "rebuild"),
    ("risen", "rise"),
    ("rose", "rise"),
    ("said", "say"),
    ("sank", "sink"),
    ("sent", "send"),
    ("sold", "sell"),
    ("spent", "spend"),
    ("sunk", "sink"),
    ("taken", "take"),
    ("thrown", "throw"),
    ("threw", "throw"),
    ("told", "tell"),
    ("took", "take"),
    ("women", "woman"),
    ("worn", "wear"),
    ("wrote", "write"),
    ("written", "write"),
    ("indices", "index"),
    ("caught", "catch"),
];

/// What may follow a shared beginning in two forms of one word.
const DERIVATIONS: &[&str] = &[
    "", "a", "abl", "ag", "al", "ally", "anc", "ant", "ari", "at", "ation", "ator", "e", "en", "enc", "ent", "er",
    "ers", "es", "esi", "ful", "i", "ibl", "ic", "ical", "ier", "if", "ion", "ional", "is", "isation", "ish", "ism",
    "ist", "ition", "iti", "iv", "iz", "ization", "ment", "o", "or", "ori", "ous", "r", "ship", "t", "ti", "tion",
    "tional", "ur", "y", "s", "less",
];

static STOP_SET: LazyLock<Vec<&str>> = LazyLock::new(|| sorted(STOP));
static WEAK_STEMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut stems: Vec<String> = WEAK.split_whitespace().map(stem).collect();
    stems.sort_unstable();
    stems.dedup();
    stems
});
static IRREGULAR_FORMS: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| IRREGULAR.iter().copied().collect());
static DERIVATION_SET: LazyLock<Vec<&str>> = LazyLock::new(|| sorted(DERIVATIONS));
static MEANING_OF: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let mut groups: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (number, group) in (0_u8..).zip(MEANINGS) {
        for word in *group {
            let numbers = groups.entry(stem(word)).or_default();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
    }
    groups
});

fn sorted(words: &[&'static str]) -> Vec<&'static str> {
    let mut words = words.to_vec();
    words.sort_unstable();
    words
}

/// Whether a lower-case word carries no subject.
pub(super) fn is_stop(word: &str) -> bool {
    STOP_SET.binary_search(&word).is_ok()
}

/// Whether a stem says little.
pub(super) fn is_weak(stem: &str) -> bool {
    WEAK_STEMS.binary_search_by(|weak| weak.as_str().cmp(stem)).is_ok()
}

/// Whether a lower-case word makes the number before it a measure.
pub(super) fn is_unit(word: &str) -> bool {
    UNITS.contains(&word)
}

/// The base form of an irregular lower-case word.
pub(super) fn irregular(word: &str) -> Option<&'static str> {
    IRREGULAR_FORMS.get(word).copied()
}

/// Whether `ending` turns a beginning into a form of the same word.
pub(super) fn is_derivation(ending: &str) -> bool {
    DERIVATION_SET.binary_search(&ending).is_ok()
}

/// The meanings a stem may have, by number; empty when the lists do not know it.
pub(super) fn meanings(stem: &str) -> &'static [u8] {
    MEANING_OF.get(stem).map_or(&[], Vec::as_slice)
}
