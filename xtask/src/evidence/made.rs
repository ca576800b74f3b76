//! A corpus made from a seed: chronicles of places that do not exist, dense with numbers, dates, names and units. Owns the
//! grammar of its sentences only.

use super::{
    corpus::{Corpus, Document},
    dice::Dice,
    slots::{MONTHS, grouped},
};

const DOCUMENTS: usize = 30;
const PARAGRAPHS: usize = 4;
const SENTENCES: usize = 4;

const STARTS: &[&str] =
    &["Var", "Osk", "Mel", "Tar", "Kel", "Bran", "Dor", "Fen", "Gal", "Hol", "Jor", "Lun", "Nim", "Pel", "Ruv", "Sol"];
const MIDDLES: &[&str] = &["an", "em", "ib", "or", "ul", "ev", "ag", "ith"];
const ENDS: &[&str] = &["ko", "mar", "dis", "wen", "tor", "ssa", "lin", "gard"];
const THINGS: &[&str] = &["bridge", "mill", "observatory", "library", "harbour", "tunnel", "reservoir", "archive"];
const GOODS: &[&str] = &["copper", "barley", "timber", "salt", "wool", "glass"];
const COUNTED: &[&str] = &["workers", "vessels", "houses", "pumps", "visitors", "records"];
const UNITS: &[&str] = &["km", "metres", "tonnes", "litres", "kg", "MB", "hours", "days", "knots"];

/// The corpus of a seed.
pub(super) fn corpus(seed: u64) -> Corpus {
    let mut dice = Dice::new(seed ^ 0x5EED);
    let documents = (0..DOCUMENTS).map(|number| document(number, &mut dice)).collect();
    Corpus::of("made", documents)
}

fn document(number: usize, dice: &mut Dice) -> Document {
    let place = name(dice);
    let title = format!("Chronicle of {place}");
    let mut text = format!("# {title}\n\n");
    for _ in 0..PARAGRAPHS {
        for _ in 0..SENTENCES {
            text.push_str(&sentence(&place, dice));
            text.push(if dice.flip() { ' ' } else { '\n' });
        }
        text.push_str("\n\n");
    }
    Document { name: format!("chronicle-{number}.md"), title, text }
}

fn name(dice: &mut Dice) -> String {
    let part = |of: &[&'static str], dice: &mut Dice| dice.pick(of).copied().unwrap_or_default();
    let (start, middle, end) = (part(STARTS, dice), part(MIDDLES, dice), part(ENDS, dice));
    format!("{start}{middle}{end}")
}

fn day(dice: &mut Dice) -> String {
    let month = dice.pick(MONTHS).copied().unwrap_or_default();
    format!("{} {month} {}", dice.between(1, 28), dice.between(1800, 2024))
}

fn large(dice: &mut Dice) -> String {
    let value = dice.between(1_001, 99_999);
    let value = if dice.flip() { value / 100 * 100 } else { value };
    if dice.flip() { grouped(value, ',') } else { value.to_string() }
}

fn sentence(place: &str, dice: &mut Dice) -> String {
    let (person, other, third) = (name(dice), name(dice), name(dice));
    let pick = |of: &[&'static str], dice: &mut Dice| dice.pick(of).copied().unwrap_or_default();
    let (thing, goods, counted, unit) = (pick(THINGS, dice), pick(GOODS, dice), pick(COUNTED, dice), pick(UNITS, dice));
    let (small, hundred) = (dice.between(3, 98), dice.between(101, 990));
    match dice.below(10) {
        0 => format!("The {thing} of {place} was opened by {person} on {}.", day(dice)),
        1 => format!("In the north of {place}, {} {counted} belong to the {thing} of {other}.", large(dice)),
        2 => format!(
            "The {thing} holds {hundred} {unit} of {goods}, and the council of {other} has {small} {counted} there."
        ),
        3 => format!("Its {goods} is carried {hundred} km to {other} within {small} days."),
        4 => format!("The council pays at least {} euros to {person} for the {thing}.", large(dice)),
        5 => format!("About {small} percent of the {goods} is sold to {other} and the rest to {third}."),
        6 => format!("When the {thing} was repaired by {person}, {hundred} {counted} were counted in {other}."),
        7 => format!("On {} the {thing} was sold to {other} for {} crowns.", day(dice), large(dice)),
        8 => format!("The {goods} of {other} is not stored in the {thing}."),
        _ => format!("The {thing} is guarded by {small} {counted} (mostly from {other}) during the winter."),
    }
}
