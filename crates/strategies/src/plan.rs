//! Sub-tasks out of a planner's answer. Owns which spellings of a list are understood and what stands in for an answer
//! that is none; knows no strategy.

use mcp_orchestrator_domain::{Failure, FailureClass, Step, StepState, clean_line};
use serde_json::Value;

/// The longest sub-task, in characters; the rest is cut.
pub const SUB_TASK_CHARS_MAX: usize = 500;

/// How far planning is.
pub(crate) enum Planned {
    /// No planner was asked yet.
    Unasked,
    /// The planner is at work.
    Open,
    /// At least one sub-task.
    SubTasks(Vec<String>),
    /// It failed for a reason that every further call would meet too.
    Failed(Failure),
}

impl Planned {
    /// How far the planner's step is. An answer that holds no plan gives the task itself and general angles on it.
    pub(crate) fn of(planner: Option<&Step>, task: &str, count_max: usize) -> Self {
        let Some(planner) = planner else { return Self::Unasked };
        match planner.state() {
            StepState::Open => Self::Open,
            StepState::Completed(_) => {
                let parsed = sub_tasks(planner.inline_text().unwrap_or_default(), count_max);
                Self::SubTasks(if parsed.is_empty() { angles(task, count_max) } else { parsed })
            }
            StepState::Failed(failure) if is_unusable_answer(failure.class) => Self::SubTasks(angles(task, count_max)),
            StepState::Failed(failure) => Self::Failed(failure.clone()),
            _ => Self::Open,
        }
    }
}

/// The sub-tasks listed in a text, at most `count_max`, in its order, none twice.
///
/// Understood are numbered lines (`1.`, `1)`, `1:`, `1 -`, `Sub-task 1:`), bullets where nothing is numbered, and JSON:
/// an array or an object with one, of strings or of objects with a `task`. Two are the same when they differ in case,
/// white space and punctuation only. A text that lists nothing gives nothing.
#[must_use]
pub fn sub_tasks(text: &str, count_max: usize) -> Vec<String> {
    let text = text.lines().filter(|line| !line.trim_start().starts_with("```")).collect::<Vec<_>>().join("\n");
    let mut items = if text.trim_start().starts_with(['[', '{']) { json_items(&text) } else { Vec::new() };
    if items.is_empty() {
        items = numbered(&text);
    }
    if items.is_empty() {
        items = text.lines().filter_map(bullet).map(str::to_owned).collect();
    }
    if items.is_empty() {
        items = json_items(&text);
    }
    distinct(items, count_max)
}

/// What is researched without a plan: the task as it is, then general angles, each different from the others.
#[must_use]
pub fn angles(task: &str, count_max: usize) -> Vec<String> {
    const ROOM: usize = 100;
    let task = clean_line(task, SUB_TASK_CHARS_MAX - ROOM);
    let angles = [
        task.clone(),
        format!("Facts, figures and dates about: {task}"),
        format!("Reasons, workings and background of: {task}"),
        format!("Limits, contradictions and open questions of: {task}"),
    ];
    distinct(angles.into(), count_max.max(1))
}

/// The answer is bad, not the service: asking others makes sense.
const fn is_unusable_answer(class: FailureClass) -> bool {
    matches!(class, FailureClass::NoResult | FailureClass::Decode | FailureClass::Truncated | FailureClass::Limit)
}

fn distinct(items: Vec<String>, count_max: usize) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for item in items {
        if kept.len() >= count_max {
            break;
        }
        let item =
            clean_line(item.replace("**", "").trim_matches(['"', '\'', '`', ' ', ',', '“', '”']), SUB_TASK_CHARS_MAX);
        let key = key(&item);
        if key.chars().count() >= LETTERS_MIN && !seen.contains(&key) {
            seen.push(key);
            kept.push(item);
        }
    }
    kept
}

/// Fewer letters and digits are no sub-task but the debris of a list.
const LETTERS_MIN: usize = 3;

/// What is the same in two spellings of one sub-task.
fn key(item: &str) -> String {
    item.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn numbered(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    for line in text.lines() {
        if let Some(item) = numbered_line(line, items.len() + 1) {
            items.push(item.to_owned());
        }
    }
    items
}

/// The text after a line's number. A number and a blank alone count only where this number is due: lines of prose begin
/// with numbers too.
fn numbered_line(line: &str, due: usize) -> Option<&str> {
    let line = line.trim_start_matches(['*', '#', '>', '(', '[', ' ', '\t']);
    let line = after_word(line).unwrap_or(line);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=3).contains(&digits) {
        return None;
    }
    let (number, rest) = line.split_at(digits);
    let marked = rest.trim_start().trim_start_matches('*');
    let item = match marked.chars().next()? {
        '.' | ')' | ':' | ']' => marked[1..].trim_start_matches(['.', ')', ':', '*', ']']),
        mark @ ('-' | '–' | '—') => {
            let item = &marked[mark.len_utf8()..];
            if !item.starts_with(char::is_whitespace) {
                return None;
            }
            item
        }
        _ if rest.starts_with([' ', '\t']) && number.parse() == Ok(due) => rest,
        _ => return None,
    };
    // `1.5 million` and `10:30` are no markers.
    if item.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some(item.trim())
}

/// `Sub-task 1: …` without its word.
fn after_word(line: &str) -> Option<&str> {
    const WORDS: [&str; 6] = ["subtask", "sub-task", "task", "step", "question", "part"];
    let (word, rest) = line.split_once(' ')?;
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)).then(|| rest.trim_start())
}

fn bullet(line: &str) -> Option<&str> {
    let line = line.trim();
    let item = ["- ", "* ", "+ ", "• ", "– ", "— "].iter().find_map(|mark| line.strip_prefix(mark))?;
    Some(item.trim())
}

/// The strings of the first JSON array in a text, or of the array in its first object.
fn json_items(text: &str) -> Vec<String> {
    let Some(start) = text.find(['[', '{']) else { return Vec::new() };
    let Some(end) = text.rfind([']', '}']).filter(|end| *end > start) else { return Vec::new() };
    let value = match serde_json::from_str(&text[start..=end]) {
        Ok(Value::Object(mut fields)) => {
            const KEYS: [&str; 7] = ["subtasks", "sub_tasks", "tasks", "plan", "steps", "questions", "items"];
            let Some(list) = KEYS.iter().find_map(|key| fields.remove(*key)) else { return Vec::new() };
            list
        }
        Ok(other) => other,
        Err(_) => return Vec::new(),
    };
    let Value::Array(items) = value else { return Vec::new() };
    items.into_iter().filter_map(json_item).collect()
}

fn json_item(item: Value) -> Option<String> {
    match item {
        Value::String(text) => Some(text),
        Value::Object(mut fields) => {
            const KEYS: [&str; 6] = ["task", "subtask", "sub_task", "description", "question", "title"];
            match KEYS.iter().find_map(|key| fields.remove(*key))? {
                Value::String(text) => Some(text),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}
