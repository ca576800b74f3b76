//! `config show`: every setting with where it is from. Owns the layout; masking is the settings' own.

use std::process::ExitCode;

use crate::session::Session;
use crate::{
    error::CliError,
    table::Table,
    terminal::{Line, Style},
};

pub(crate) fn show(session: &Session) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    if terminal.json {
        terminal.out_json(&serde_json::json!({ "settings": session.settings.shown() }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
    for setting in session.settings.shown() {
        table.row([setting.key.as_str(), setting.value.as_deref().unwrap_or("-"), setting.origin.as_str()]);
    }
    table.print(terminal)?;
    let file = session.file.display().to_string();
    terminal.note(Line::new().styled(Style::Dim, format!("your own settings: {file}")));
    Ok(ExitCode::SUCCESS)
}
