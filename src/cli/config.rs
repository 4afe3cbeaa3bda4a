//! `oktriage config`: the example file, its schema, and a check.

use std::io::Write;
use std::path::PathBuf;

use super::{EXIT_OK, output};
use crate::config::{EXAMPLE, Settings};

/// Print the example settings or their schema, or check settings
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print a complete settings file with every key and its default
    Example,
    /// Print the JSON Schema of the settings file, for editors
    Schema,
    /// Check a settings file and the environment variables
    Check {
        /// The settings file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut out = output::stdout();
    match &args.command {
        Command::Example => out.write_all(EXAMPLE.as_bytes())?,
        Command::Schema => out.write_all(Settings::schema().as_bytes())?,
        Command::Check { config } => {
            let settings = Settings::load(config.as_deref())?;
            writeln!(out, "The settings are fine: the local workspace listens on {}.", settings.local.listen)?;
        }
    }
    Ok(EXIT_OK)
}
