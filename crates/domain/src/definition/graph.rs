//! Steps with needs as a graph without a cycle. Owns the check and how a cycle is told.

use std::collections::{BTreeMap, BTreeSet};

/// A cycle among needs, written `a needs b needs a`; `None` when there is none. Needs that name no step are ignored.
pub(super) fn cycle(steps: &[(&str, Vec<&str>)]) -> Option<String> {
    let mut left: BTreeMap<&str, Vec<&str>> = steps.iter().map(|(id, needs)| (*id, needs.clone())).collect();
    let known: BTreeSet<&str> = left.keys().copied().collect();
    for needs in left.values_mut() {
        needs.retain(|need| known.contains(need));
    }
    // Steps without needs can run; without them others can; what is left over waits for itself.
    loop {
        let ready: Vec<&str> = left.iter().filter(|(_, needs)| needs.is_empty()).map(|(id, _)| *id).collect();
        if ready.is_empty() {
            break;
        }
        for id in ready {
            left.remove(id);
        }
        let rest: BTreeSet<&str> = left.keys().copied().collect();
        for needs in left.values_mut() {
            needs.retain(|need| rest.contains(need));
        }
    }
    let mut path = vec![*left.keys().next()?];
    loop {
        // Every step that is left needs another one that is left.
        let next = *left.get(path.last()?)?.first()?;
        if let Some(start) = path.iter().position(|id| *id == next) {
            path.push(next);
            return Some(path[start..].join(" needs "));
        }
        path.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::cycle;

    #[test]
    fn a_cycle_is_printed_and_what_only_leads_to_it_is_not() {
        let steps =
            [("a", vec!["c"]), ("b", vec!["a"]), ("c", vec!["b", "d"]), ("d", vec![]), ("e", vec!["c", "no_step"])];
        assert_eq!(cycle(&steps).unwrap(), "a needs c needs b needs a");
        assert_eq!(cycle(&[("a", vec![]), ("b", vec!["a"]), ("c", vec!["a", "b"])]), None);
        assert_eq!(cycle(&[("z", vec!["y"]), ("y", vec!["x"]), ("x", vec!["y"])]).unwrap(), "x needs y needs x");
    }
}
