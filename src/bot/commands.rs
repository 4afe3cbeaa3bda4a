//! The slash command: `/okta lookup`, `diagnose`, `status`, `help`.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::error;

use crate::diagnosis::Engine;
use crate::lookup::Lookup;
use crate::reply::{Composer, Reply, words};
use crate::rules::{Scope, Status};

/// Rules that a look-up offers.
pub const LOOKUP_RESULTS: usize = 6;

/// Answers questions; an explicit question always gets an answer.
pub struct Commands {
    rules: watch::Receiver<Arc<Engine>>,
    lookup: watch::Receiver<Arc<Lookup>>,
    watching: String,
}

impl Commands {
    /// Commands over the rules in force; `watching` names the channels for `/okta status`.
    pub fn new(rules: watch::Receiver<Arc<Engine>>, lookup: watch::Receiver<Arc<Lookup>>, watching: String) -> Self {
        Self { rules, lookup, watching }
    }

    /// Answers a command such as `/okta lookup E0000014`, as typed.
    pub fn answer(&self, typed: &str) -> Reply {
        let rest = typed.trim().strip_prefix("/okta").unwrap_or(typed).trim_start();
        let (command, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let argument = argument.trim();
        match command {
            "lookup" if argument.is_empty() => note(words::LOOKUP_USAGE),
            "diagnose" if argument.is_empty() => note(words::DIAGNOSE_USAGE),
            "lookup" => self.look_up(argument),
            "diagnose" => self.diagnose(argument),
            "status" => self.status(),
            _ => note(words::HELP),
        }
    }

    fn look_up(&self, question: &str) -> Reply {
        let engine = Arc::clone(&self.rules.borrow());
        let lookup = Arc::clone(&self.lookup.borrow());
        let found = lookup.search(question, LOOKUP_RESULTS).unwrap_or_else(|error| {
            error!(error = %error, "look-up failed");
            Vec::new()
        });
        Composer::new(&engine).looked_up(&found)
    }

    fn diagnose(&self, paste: &str) -> Reply {
        let engine = Arc::clone(&self.rules.borrow());
        let outcome = engine.diagnose(paste, Scope::Okta);
        Composer::new(&engine).asked(&outcome)
    }

    fn status(&self) -> Reply {
        let engine = Arc::clone(&self.rules.borrow());
        let rules = engine.rules();
        let previews = rules.iter().filter(|rule| rule.status == Status::Preview).count();
        note(&words::status(rules.len(), previews, env!("CARGO_PKG_VERSION"), &self.watching))
    }
}

fn note(text: &str) -> Reply {
    Reply { note: Some(text.to_owned()), ..Reply::default() }
}
