//! The scripts: everything that must change together is one of them. Owns their texts; what they are given and answer is
//! said at the head of each.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($name:ident = $($file:literal),+;)+) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!(concat!("scripts/", $file, ".lua")), "\n"),+)));)+

        #[cfg(test)]
        static ALL: &[(&str, &LazyLock<Script>)] = &[$((stringify!($name), &$name)),+];
    };
}

scripts! {
    CREATE = "queue", "records", "create";
    APPEND = "queue", "records", "append";
    CLAIM = "queue", "claim";
    RENEW = "queue", "renew";
    RELEASE = "queue", "release";
    REPAIR = "queue", "repair";
    BLOB_TOUCH = "queue", "blob_touch";
    BLOB_PURGE = "queue", "blob_purge";
    RECORD_PUT = "queue", "record_put";
    RECORD_PURGE = "queue", "record_purge";
    BUCKET = "queue", "bucket";
    PURGE = "queue", "purge";
    SWEEP = "queue", "sweep";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_scripts_are_the_same() {
        let hashes: HashSet<&str> = ALL.iter().map(|(_, script)| script.get_hash()).collect();
        assert_eq!(hashes.len(), ALL.len());
    }
}
