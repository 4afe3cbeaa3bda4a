//! The command line, one file per subcommand.

mod config;
mod db;
mod diagnose;
mod doctor;
mod eval;
mod input;
mod lookup;
mod output;
mod rules;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::diagnosis::Engine;
use crate::rules::Source;

/// Something was answered, or everything is fine.
const EXIT_OK: u8 = 0;
/// Nothing to say.
const EXIT_NOTHING: u8 = 1;
/// Bad input or configuration.
const EXIT_BAD: u8 = 2;

/// Recognises pasted Okta errors and answers with the cause and the steps that fix it.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    rules: RuleArgs,
    /// Without a subcommand the bot is run, with these settings.
    #[command(flatten)]
    serve: serve::Args,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where the rules come from.
#[derive(Debug, Clone, Args)]
struct RuleArgs {
    /// Also read the rules of this directory: they add to, replace (same id) or disable earlier ones
    #[arg(long = "rules", value_name = "DIR", global = true)]
    dirs: Vec<PathBuf>,
    /// Leave out the rules that are compiled in
    #[arg(long, global = true)]
    no_built_in_rules: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bot; with nothing configured, the local workspace on http://127.0.0.1:8080
    Serve(serve::Args),
    /// Diagnose files or standard input
    Diagnose(diagnose::Args),
    /// Look a rule up by code, id or words; typos are forgiven
    Lookup(lookup::Args),
    /// Measure recall and precision on labelled pastes
    Eval(eval::Args),
    /// Check, list, show, start and export rules
    Rules(rules::Args),
    /// Check settings, rules, database and platforms: what is wrong and how to fix it
    Doctor(doctor::Args),
    /// Print the example settings or their schema, or check settings
    Config(config::Args),
    /// Back up, restore and move the database; see and retry what could not be delivered
    Db(db::Args),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

impl RuleArgs {
    fn sources(&self) -> Vec<Source> {
        let built_in = (!self.no_built_in_rules).then_some(Source::BuiltIn);
        built_in.into_iter().chain(self.dirs.iter().cloned().map(Source::Dir)).collect()
    }

    /// The engine over these rules; says what is wrong with them otherwise.
    fn engine(&self) -> anyhow::Result<Engine> {
        Ok(Engine::load(&self.sources())?)
    }
}

/// Runs the command line and returns the exit status.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => serve::run(&cli.serve, &cli.rules),
        Some(Command::Serve(args)) => serve::run(&args, &cli.rules),
        Some(Command::Diagnose(args)) => diagnose::run(&args, &cli.rules),
        Some(Command::Lookup(args)) => lookup::run(&args, &cli.rules),
        Some(Command::Eval(args)) => eval::run(&args, &cli.rules),
        Some(Command::Rules(args)) => rules::run(&args, &cli.rules),
        Some(Command::Doctor(args)) => doctor::run(&args, &cli.rules),
        Some(Command::Config(args)) => config::run(&args),
        Some(Command::Db(args)) => db::run(&args),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "oktriage", &mut output::stdout());
            Ok(EXIT_OK)
        }
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if output::is_closed_pipe(&error) {
                return ExitCode::from(EXIT_OK);
            }
            output::error(&error);
            ExitCode::from(EXIT_BAD)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
