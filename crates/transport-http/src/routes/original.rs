//! Original.

/// Whether a path is one of the original server's.
pub(crate) fn owns(path: &str) -> bool {
    ["/tools", "/resources", "/stream/", "/webhook/", "/stats"].iter().any(|route| path.starts_with(route))
}
