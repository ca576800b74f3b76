//! Health.

/// Whether a path is never limited.
pub(crate) fn is_exempt(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/health" | "/metrics")
}
