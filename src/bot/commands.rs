//! The slash command: `/okta lookup`, `diagnose`, `status`, `help`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::watch;
use tracing::error;

use crate::diagnosis::Engine;
use crate::lookup::Lookup;
use crate::reply::{Composer, Offer, Reply, words};
use crate::rules::{RuleId, Scope, Status};

/// Rules that a look-up offers.
pub const LOOKUP_RESULTS: usize = 6;

/// The rule set, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesInForce {
    /// How many rules there are.
    pub rules: usize,
    /// How many of them are previews.
    pub previews: usize,
    /// The same for the same rules, as far as ids, titles and dates of review tell.
    pub version: String,
}

/// Answers questions; an explicit question always gets an answer.
pub struct Commands {
    rules: watch::Receiver<Arc<Engine>>,
    lookup: watch::Receiver<Arc<Lookup>>,
}

impl Commands {
    /// Commands over the rules in force.
    pub fn new(rules: watch::Receiver<Arc<Engine>>, lookup: watch::Receiver<Arc<Lookup>>) -> Self {
        Self { rules, lookup }
    }

    /// Answers a command such as `/okta lookup E0000014`, as typed; `watching` names the channels.
    pub fn answer(&self, typed: &str, watching: &str) -> Reply {
        let rest = typed.trim().strip_prefix("/okta").unwrap_or(typed).trim_start();
        let (command, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        match command {
            "lookup" => self.look_up(argument),
            "diagnose" => self.diagnose(argument),
            "status" => self.status(watching),
            _ => Reply::note(words::HELP),
        }
    }

    /// The page that answers a question best, with what comes near.
    pub fn look_up(&self, question: &str) -> Reply {
        if question.trim().is_empty() {
            return Reply::note(words::LOOKUP_USAGE);
        }
        let engine = Arc::clone(&self.rules.borrow());
        Composer::new(&engine).looked_up(&self.found(question, LOOKUP_RESULTS))
    }

    /// The page of one rule.
    pub fn page(&self, rule: &str) -> Option<Reply> {
        let engine = Arc::clone(&self.rules.borrow());
        let rule = RuleId::parse(rule).filter(|id| engine.rule(id).is_some())?;
        Some(Composer::new(&engine).looked_up(&[rule]))
    }

    /// Rules that a question may mean while it is still being typed, at most `limit`.
    pub fn completions(&self, begun: &str, limit: usize) -> Vec<Offer> {
        let engine = Arc::clone(&self.rules.borrow());
        if begun.trim().is_empty() {
            return Vec::new();
        }
        Composer::new(&engine).offers(&self.found(begun, limit))
    }

    /// What the rules say to a paste whose poster asked for it.
    pub fn diagnose(&self, paste: &str) -> Reply {
        if paste.trim().is_empty() {
            return Reply::note(words::DIAGNOSE_USAGE);
        }
        let engine = Arc::clone(&self.rules.borrow());
        let outcome = engine.diagnose(paste, Scope::Okta);
        Composer::new(&engine).asked(&outcome)
    }

    /// What is said to a message that is addressed to the bot: a diagnosis, or else what a look-up
    /// of its words finds.
    pub fn asked(&self, text: &str) -> Reply {
        if text.trim().is_empty() {
            return Reply::note(words::HELP);
        }
        let mut reply = self.diagnose(text);
        if reply.answers.is_empty() && reply.offers.is_empty() {
            let engine = Arc::clone(&self.rules.borrow());
            reply.offers = Composer::new(&engine).offers(&self.found(text, LOOKUP_RESULTS));
            if !reply.offers.is_empty() {
                reply.note = Some(words::NOTHING_SURE.to_owned());
            }
        }
        reply
    }

    /// How many rules are in force, and where the bot listens.
    pub fn status(&self, watching: &str) -> Reply {
        let RulesInForce { rules, previews, .. } = self.in_force();
        Reply::note(words::status(rules, previews, env!("CARGO_PKG_VERSION"), watching))
    }

    /// The rule set, in numbers.
    pub fn in_force(&self) -> RulesInForce {
        let engine = Arc::clone(&self.rules.borrow());
        let rules = engine.rules();
        let mut hasher = DefaultHasher::new();
        for rule in rules.iter() {
            (rule.id.to_string(), &rule.title, &rule.reviewed.to_string()).hash(&mut hasher);
        }
        RulesInForce {
            rules: rules.len(),
            previews: rules.iter().filter(|rule| rule.status == Status::Preview).count(),
            version: format!("{:08x}", hasher.finish() & 0xffff_ffff),
        }
    }

    fn found(&self, question: &str, limit: usize) -> Vec<RuleId> {
        let lookup = Arc::clone(&self.lookup.borrow());
        lookup.search(question, limit).unwrap_or_else(|error| {
            error!(error = %error, "look-up failed");
            Vec::new()
        })
    }
}
