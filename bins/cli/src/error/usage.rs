//! A command line that cannot be read. Owns how that is told; knows no command.

use std::{ffi::OsString, process::ExitCode};

use crate::terminal::Terminal;

/// Tells what cannot be read of a command line, or prints help. Who asked for JSON gets a usage error as JSON too.
pub(crate) fn usage(error: &clap::Error, mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    if error.use_stderr() && arguments.any(|argument| argument == "--json") {
        let message = error.render().to_string();
        let message = message.trim().trim_start_matches("error:").trim();
        Terminal::plain().err(
            serde_json::json!({ "error": { "code": "usage", "message": message, "exit_code": code } }).to_string(),
        );
    } else {
        // Whether somebody reads it does not matter.
        let _unread = error.print();
    }
    ExitCode::from(code)
}
