//! A bounded memory of what was used last. Owns what is forgotten and when; knows not what it keeps.

use std::{borrow::Borrow, collections::HashMap, fmt, hash::Hash, time::Duration};

use tokio::time::Instant;

/// Keeps so many values at most, each for so long after it was put in. A further one takes the place of the one that was
/// not used for longest.
pub(crate) struct Recent<K, V> {
    values: HashMap<K, Kept<V>>,
    most: usize,
    ttl: Duration,
    uses: u64,
}

struct Kept<V> {
    value: V,
    until: Instant,
    used: u64,
}

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    pub(crate) fn new(most: usize, ttl: Duration) -> Self {
        Self { values: HashMap::new(), most: most.max(1), ttl, uses: 0 }
    }

    /// The value, which is used thereby.
    pub(crate) fn find<Q: Eq + Hash + ?Sized>(&mut self, key: &Q, now: Instant) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let kept = self.values.get_mut(key).filter(|kept| kept.until > now)?;
        self.uses += 1;
        kept.used = self.uses;
        Some(kept.value.clone())
    }

    /// Keeps a value.
    pub(crate) fn put(&mut self, key: K, value: V, now: Instant) {
        if self.values.len() >= self.most && !self.values.contains_key(&key) {
            self.values.retain(|_, kept| kept.until > now);
        }
        // Looking at each is cheap beside what is kept here: answers of models, and clients.
        if self.values.len() >= self.most && !self.values.contains_key(&key) {
            let oldest = self.values.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| key.clone());
            oldest.map(|key| self.values.remove(&key));
        }
        self.uses += 1;
        self.values.insert(key, Kept { value, until: now + self.ttl, used: self.uses });
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}

impl<K, V> fmt::Debug for Recent<K, V> {
    /// Without what it keeps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").field("kept", &self.values.len()).field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let (mut recent, now) = (Recent::new(2, HOUR), Instant::now());
        recent.put("a", 1, now);
        recent.put("b", 2, now);
        assert_eq!(recent.find("a", now), Some(1));
        recent.put("c", 3, now);
        assert_eq!((recent.find("a", now), recent.find("b", now), recent.find("c", now)), (Some(1), None, Some(3)));
        assert_eq!(recent.len(), 2);
    }

    #[test]
    fn nothing_is_kept_for_longer_than_told() {
        let (mut recent, now) = (Recent::new(2, HOUR), Instant::now());
        recent.put("a", 1, now);
        assert_eq!(recent.find("a", now + HOUR - Duration::from_millis(1)), Some(1));
        assert_eq!(recent.find("a", now + HOUR), None);
    }
}
