//! Sub-questions of a question, for search. Owns how a question is taken apart; ranks nothing.

use super::{
    question::{Question, Wants},
    words::words,
};

/// The most sub-questions that are made.
const PARTS_MAX: usize = 32;
/// The longest sub-question, in characters.
const PART_CHARS_MAX: usize = 300;
/// How many terms name the subject.
const CORE_MAX: usize = 4;

/// Up to `parts` distinct sub-questions, the question itself first. At least one unless the question is blank.
pub(super) fn sub_questions(question: &str, parts: u16) -> Vec<String> {
    let parts = usize::from(parts).clamp(1, PARTS_MAX);
    let read = Question::read(question);
    let mut plan = Plan { made: Vec::new(), keys: Vec::new(), parts };
    plan.add(&shorten(question));
    let core = core(&read);
    let clauses = clauses(question);
    if clauses.len() > 1 {
        for clause in &clauses {
            plan.add(&with_core(clause, &read, &core));
        }
    }
    if core.is_empty() {
        return plan.made;
    }
    let subject = core.join(" ");
    let all: Vec<&str> = read.subject().map(|term| term.word.as_str()).collect();
    if all.len() > 1 {
        plan.add(&all.iter().take(8).copied().collect::<Vec<_>>().join(" "));
    }
    for aspect in aspects(read.wants) {
        plan.add(&format!("{subject}: {aspect}"));
    }
    if core.len() > 2 {
        for pair in core.windows(2) {
            plan.add(&pair.join(" "));
        }
    }
    plan.made
}

struct Plan {
    made: Vec<String>,
    keys: Vec<Vec<String>>,
    parts: usize,
}

impl Plan {
    /// Adds a sub-question unless one with the same words is there or the plan is full.
    fn add(&mut self, text: &str) {
        let mut key: Vec<String> = words(text).map(str::to_lowercase).collect();
        key.sort_unstable();
        key.dedup();
        if !key.is_empty() && self.made.len() < self.parts && !self.keys.contains(&key) {
            self.keys.push(key);
            self.made.push(text.to_owned());
        }
    }
}

/// One line of at most [`PART_CHARS_MAX`] characters, cut at a word.
fn shorten(text: &str) -> String {
    let mut line = String::new();
    let mut chars = 0;
    for word in text.split_whitespace() {
        chars += word.chars().count() + 1;
        if chars > PART_CHARS_MAX + 1 {
            if line.is_empty() {
                line.extend(word.chars().take(PART_CHARS_MAX));
            }
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The words that name the subject as they are written: the most specific terms, in reading order.
fn core(question: &Question) -> Vec<String> {
    let mut numbered: Vec<(usize, f64)> = question.subject().enumerate().map(|(at, term)| (at, term.prior)).collect();
    numbered.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    numbered.truncate(CORE_MAX);
    numbered.sort_unstable_by_key(|(at, _)| *at);
    let terms: Vec<&str> = question.subject().map(|term| term.word.as_str()).collect();
    numbered.into_iter().filter_map(|(at, _)| terms.get(at).map(|word| (*word).to_owned())).collect()
}

/// The question cut at sentence ends, semicolons and where a conjunction starts another question.
fn clauses(question: &str) -> Vec<String> {
    const JOINTS: &[&str] = &["and", "or", "but"];
    const OPENERS: &[&str] = &[
        "how", "what", "when", "where", "which", "who", "whom", "whose", "why", "is", "are", "does", "do", "can",
        "may", "must", "should", "under", "by", "in", "for", "to",
    ];
    let mut clauses: Vec<String> = Vec::new();
    let mut clause: Vec<&str> = Vec::new();
    let all: Vec<&str> = question.split_whitespace().collect();
    for (at, word) in all.iter().enumerate() {
        let next = all.get(at + 1).map(|next| next.to_lowercase()).unwrap_or_default();
        let is_joint =
            JOINTS.contains(&word.to_lowercase().as_str()) && OPENERS.contains(&next.as_str()) && clause.len() >= 3;
        if is_joint {
            end_clause(&mut clause, &mut clauses);
            continue;
        }
        clause.push(word);
        if word.ends_with(['?', ';', '!']) || word.ends_with('.') && clause.len() >= 3 {
            end_clause(&mut clause, &mut clauses);
        }
    }
    end_clause(&mut clause, &mut clauses);
    clauses
}

fn end_clause(clause: &mut Vec<&str>, clauses: &mut Vec<String>) {
    let text = clause.join(" ");
    clause.clear();
    let text = text.trim_end_matches([',', ';', '?', '.', '!', ' ']);
    if Question::read(text).terms.is_empty() {
        return;
    }
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    clauses.push(shorten(&format!("{first}{}", chars.as_str())));
}

/// The clause as a question of its own: what it leaves unsaid of the subject is added in brackets.
fn with_core(clause: &str, question: &Question, core: &[String]) -> String {
    let own = Question::read(clause);
    let is_question = question.wants != Wants::Statement || own.wants != Wants::Statement;
    let mark = if is_question { "?" } else { "" };
    let subject_words = own.subject().filter(|term| question.terms.iter().any(|known| known.stem == term.stem)).count();
    let refers_back = words(clause).any(|word| {
        matches!(
            word.to_lowercase().as_str(),
            "it" | "its" | "they" | "them" | "their" | "this" | "that" | "these" | "those"
        )
    });
    let missing: Vec<&str> = core
        .iter()
        .map(String::as_str)
        .filter(|word| !words(clause).any(|own| own.eq_ignore_ascii_case(word)))
        .take(2)
        .collect();
    if missing.is_empty() || (subject_words >= 2 && !refers_back) {
        format!("{clause}{mark}")
    } else {
        format!("{clause} ({}){mark}", missing.join(" "))
    }
}

/// Sides of a subject worth a search of their own, the likeliest for the kind of question first.
fn aspects(wants: Wants) -> Vec<&'static str> {
    const LIMITS: &str = "conditions and exceptions";
    const NUMBERS: &str = "numbers, dates and amounts";
    const REASONS: &str = "reasons and purpose";
    const STEPS: &str = "steps and procedure";
    const EXAMPLES: &str = "examples";
    const MEANING: &str = "definition and overview";
    const CHANGES: &str = "what contradicts or replaces it";
    const DUTY: &str = "who is responsible";
    match wants {
        Wants::Quantity | Wants::When => vec![LIMITS, NUMBERS, CHANGES, EXAMPLES, REASONS],
        Wants::Reason => vec![REASONS, LIMITS, CHANGES, MEANING, EXAMPLES],
        Wants::Method => vec![STEPS, EXAMPLES, LIMITS, REASONS, CHANGES],
        Wants::Definition => vec![MEANING, EXAMPLES, LIMITS, REASONS, CHANGES],
        Wants::Who => vec![DUTY, LIMITS, CHANGES, NUMBERS, EXAMPLES],
        Wants::Where | Wants::Outcome | Wants::Statement => vec![LIMITS, EXAMPLES, CHANGES, NUMBERS, REASONS, STEPS],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_comes_first_and_nothing_comes_twice() {
        let parts = sub_questions("Who inspects a quarry lift and when is it greased?", 8);
        assert_eq!(parts[0], "Who inspects a quarry lift and when is it greased?");
        assert_eq!(parts[1], "Who inspects a quarry lift?");
        assert_eq!(parts[2], "When is it greased (inspects quarry)?");
        let mut distinct = parts.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), parts.len());
    }

    #[test]
    fn no_more_parts_than_asked_for_and_a_blank_question_has_none() {
        assert_eq!(sub_questions("How is the boom towed?", 2).len(), 2);
        assert!(sub_questions("?!", 5).is_empty());
    }
}
