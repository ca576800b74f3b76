//! The scripts: everything that must change together is one of them. Owns their texts; what they are given and answer is
//! said at the head of each.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($name:ident = $([$flags:literal])? $($file:literal),+;)+) => {
        $(pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!($($flags, "\n",)? $(include_str!(concat!("scripts/", $file, ".lua")), "\n"),+))
        });)+

        #[cfg(test)]
        static ALL: &[(&str, &LazyLock<Script>)] = &[$((stringify!($name), &$name)),+];
    };
}

// A full server still renews and releases leases, so that running work ends well, and deletes, so that there is room again.
scripts! {
    CREATE = "queue", "records", "create";
    APPEND = "queue", "records", "append";
    CLAIM = "queue", "claim";
    RENEW = ["#!lua flags=allow-oom"] "queue", "renew";
    RELEASE = ["#!lua flags=allow-oom"] "queue", "release";
    REPAIR = "queue", "repair";
    BLOB_TOUCH = "queue", "blob_touch";
    BLOB_PURGE = ["#!lua flags=allow-oom"] "queue", "blob_purge";
    RECORD_PUT = "queue", "record_put";
    RECORD_PURGE = ["#!lua flags=allow-oom"] "queue", "record_purge";
    BUCKET = "queue", "bucket";
    PURGE = ["#!lua flags=allow-oom"] "queue", "purge";
    SWEEP = ["#!lua flags=allow-oom"] "queue", "sweep";
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
