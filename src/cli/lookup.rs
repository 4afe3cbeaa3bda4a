//! `oktriage lookup`: the slash command's answer on the command line.

use std::sync::Arc;

use super::{EXIT_NOTHING, EXIT_OK, RuleArgs, output};
use crate::bot::commands::LOOKUP_RESULTS;
use crate::lookup::Lookup;
use crate::render::terminal;
use crate::reply::Composer;

/// Look a rule up by code, id or words; typos are forgiven
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to look for
    #[arg(required = true)]
    query: Vec<String>,
}

pub(super) fn run(args: &Args, rules: &RuleArgs) -> anyhow::Result<u8> {
    let engine = Arc::new(rules.engine()?);
    let found = Lookup::new(Arc::clone(&engine))?.search(&args.query.join(" "), LOOKUP_RESULTS)?;
    terminal::reply(&mut output::stdout(), &Composer::new(&engine).looked_up(&found))?;
    Ok(if found.is_empty() { EXIT_NOTHING } else { EXIT_OK })
}
