//! What the process ends with: one message on stderr and one exit code.

use std::process::ExitCode;

/// Why the server does not run, by what the operator can do about it.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A setting is missing or broken.
    Setting(anyhow::Error),
    /// An address, the store or documents cannot be had.
    Unavailable(anyhow::Error),
    /// Anything else.
    Failed(anyhow::Error),
}

impl Stop {
    pub(crate) fn setting(error: impl Into<anyhow::Error>) -> Self {
        Self::Setting(error.into())
    }

    pub(crate) fn unavailable(error: impl Into<anyhow::Error>) -> Self {
        Self::Unavailable(error.into())
    }

    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self::Failed(error.into())
    }

    /// Says it and answers with the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        use std::io::Write as _;
        let (code, error) = match self {
            Self::Failed(error) => (1, error),
            Self::Unavailable(error) => (69, error),
            Self::Setting(error) => (78, error),
        };
        let mut said = error.to_string();
        for cause in error.chain().skip(1).map(ToString::to_string) {
            // Many messages end with their cause already.
            if !said.contains(&cause) {
                said = format!("{said}: {cause}");
            }
        }
        // Nobody may be reading.
        let _unread = writeln!(std::io::stderr(), "error: {said}");
        ExitCode::from(code)
    }
}
