//! `oktriage rules`: check, list, show, start and export rules.

mod draft;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use serde_json::{Value, json};

use super::{EXIT_BAD, EXIT_OK, RuleArgs, output};
use crate::diagnosis::Engine;
use crate::lint;
use crate::render::terminal;
use crate::reply::{Composer, plain};
use crate::rules::{Keyword, MatchSpec, Part, Rule, RuleId, RuleRegex, RuleSet, Status, nearest};

/// Check, list, show, start and export rules
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Report every problem of every rule; exit status 2 when there is any
    Check {
        /// Also remove every condition in turn and report those that no example tests
        #[arg(long)]
        mutate: bool,
    },
    /// List the rules
    List {
        /// Only this family
        #[arg(long)]
        family: Option<String>,
        /// Only rules about this product (part of its name)
        #[arg(long)]
        product: Option<String>,
        /// Only rules of this status: preview, stable or deprecated
        #[arg(long, value_parser = status)]
        status: Option<Status>,
        /// For people or for scripts
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Show one rule as people read it
    Show {
        /// family/slug
        id: String,
    },
    /// Start a rule: writes a draft with blanks to fill
    New {
        /// family/slug
        id: String,
        /// Take the example and a proposed pattern from this paste; `-` is standard input
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// The rule directory to write to
        #[arg(long, value_name = "DIR", default_value = "responses")]
        into: PathBuf,
    },
    /// Write all rules as one self-contained document
    Export {
        /// The document's format
        #[arg(long, value_enum, default_value = "json")]
        format: ExportFormat,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ExportFormat {
    Json,
}

fn status(word: &str) -> Result<Status, String> {
    Status::from_word(word).ok_or_else(|| "write preview, stable or deprecated".to_owned())
}

pub(super) fn run(args: &Args, rules: &RuleArgs) -> anyhow::Result<u8> {
    match &args.command {
        Command::Check { mutate } => check(rules, *mutate),
        Command::List { family, product, status, format } => {
            let set = load(rules)?;
            let listed = set.iter().filter(|rule| {
                family.as_deref().is_none_or(|family| rule.id.family() == family)
                    && product.as_deref().is_none_or(|product| about(rule, product))
                    && status.is_none_or(|status| rule.status == status)
            });
            list(listed, *format)
        }
        Command::Show { id } => show(&load(rules)?, id),
        Command::New { id, from, into } => draft::write(id, from.as_deref(), into),
        Command::Export { format: ExportFormat::Json } => export(&load(rules)?),
    }
}

fn load(rules: &RuleArgs) -> anyhow::Result<Arc<RuleSet>> {
    let (set, problems) = RuleSet::load(&rules.sources());
    if let Some(problem) = problems.first() {
        bail!("{} problems in the rules, see `oktriage rules check`; the first:\n{problem}", problems.len());
    }
    Ok(Arc::new(set))
}

fn about(rule: &Rule, product: &str) -> bool {
    let product = product.to_lowercase();
    rule.products.iter().any(|known| known.to_lowercase().contains(&product))
}

fn check(rules: &RuleArgs, mutate: bool) -> anyhow::Result<u8> {
    let (set, mut problems) = lint::check(&rules.sources());
    if mutate {
        problems.extend(lint::mutate(&set));
    }
    let mut out = output::stdout();
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    if problems.is_empty() {
        writeln!(out, "{} rules, no problems", set.len())?;
        return Ok(EXIT_OK);
    }
    writeln!(out, "{} rules, {} problems", set.len(), problems.len())?;
    Ok(EXIT_BAD)
}

fn list<'r>(rules: impl Iterator<Item = &'r Rule>, format: Format) -> anyhow::Result<u8> {
    let mut out = output::stdout();
    match format {
        Format::Text => {
            for rule in rules {
                let mark = if rule.status == Status::Stable { String::new() } else { format!(" ({})", rule.status) };
                writeln!(out, "{:<52} {}{mark}", rule.id.as_str(), rule.title)?;
            }
        }
        Format::Json => {
            let rules: Vec<Value> = rules
                .map(|rule| json!({"id": rule.id.as_str(), "title": rule.title, "family": rule.id.family(), "products": rule.products, "status": rule.status.as_str(), "reviewed": rule.reviewed}))
                .collect();
            serde_json::to_writer_pretty(&mut out, &rules)?;
            writeln!(out)?;
        }
    }
    Ok(EXIT_OK)
}

fn show(set: &Arc<RuleSet>, id: &str) -> anyhow::Result<u8> {
    let Some(rule) = RuleId::parse(id).and_then(|id| set.get(&id).cloned()) else {
        let near = nearest(id, set.iter().map(|rule| rule.id.as_str()));
        let hint = near
            .map_or_else(|| "`oktriage lookup` searches by words".to_owned(), |near| format!("did you mean {near}?"));
        bail!("no rule `{id}`; {hint}");
    };
    let engine = Engine::new(Arc::clone(set));
    let mut out = output::stdout();
    terminal::reply(&mut out, &Composer::new(&engine).looked_up(&[rule.id]))?;
    Ok(EXIT_OK)
}

/// One document with everything that another tool needs to recognise and to answer.
fn export(set: &Arc<RuleSet>) -> anyhow::Result<u8> {
    let engine = Engine::new(Arc::clone(set));
    let composer = Composer::new(&engine);
    let rules: Vec<Value> =
        set.iter()
            .flat_map(|rule| {
                let reply = composer.looked_up(std::slice::from_ref(&rule.id));
                reply.answers.into_iter().map(|answer| {
                let all = |texts: &[crate::reply::RichText]| texts.iter().map(|text| plain(text)).collect::<Vec<_>>();
                json!({
                    "id": answer.rule,
                    "title": answer.title,
                    "products": rule.products,
                    "engines": answer.engines,
                    "fixed_by": answer.fixed_by,
                    "reviewed": answer.reviewed,
                    "status": rule.status.as_str(),
                    "generic": rule.generic,
                    "sources": answer.sources,
                    "related": rule.related.iter().map(RuleId::as_str).collect::<Vec<_>>(),
                    "match": rule.matches.iter().map(match_json).collect::<Vec<_>>(),
                    "examples": rule.examples.iter().map(|example| &example.text).collect::<Vec<_>>(),
                    "counterexamples": rule.counterexamples.iter().map(|example| &example.text).collect::<Vec<_>>(),
                    "cause": plain(&answer.cause),
                    "checks": all(&answer.checks),
                    "for_user": all(&answer.for_user),
                    "steps": all(&answer.steps),
                })
            }).collect::<Vec<_>>()
            })
            .collect();
    let mut out = output::stdout();
    let document = json!({"format": "oktriage-rules", "format_version": 1, "generator": concat!("oktriage ", env!("CARGO_PKG_VERSION")), "rules": rules});
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)?;
    Ok(EXIT_OK)
}

/// A match with the keys of the rule format; conditions that are not there are left out.
fn match_json(spec: &MatchSpec) -> Value {
    let mut object = serde_json::Map::new();
    if let Some(template) = &spec.message {
        let text: String = template
            .parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.replace('{', "{{").replace('}', "}}"),
                Part::Hole(name) => format!("{{{}}}", name.as_deref().unwrap_or("_")),
            })
            .collect();
        object.insert("message".to_owned(), json!(text));
    }
    let wildcards = |wildcards: &[crate::rules::Wildcard]| {
        wildcards.iter().map(|wildcard| wildcard.as_str().to_owned()).collect::<Vec<_>>()
    };
    let captures: serde_json::Map<_, _> =
        spec.captures_like.iter().map(|(name, like)| (name.clone(), json!(wildcards(like)))).collect();
    let facts: serde_json::Map<_, _> =
        spec.facts.iter().map(|(name, like)| (name.to_string(), json!(wildcards(like)))).collect();
    for (key, value, given) in [
        ("where", json!(captures), !captures.is_empty()),
        ("code", json!(spec.codes), !spec.codes.is_empty()),
        ("fact", json!(facts), !facts.is_empty()),
        ("contains", json!(spec.contains), !spec.contains.is_empty()),
        ("absent", json!(spec.absent), !spec.absent.is_empty()),
        ("regex", json!(spec.regex.as_ref().map(RuleRegex::as_str)), spec.regex.is_some()),
        ("standalone", json!(true), spec.standalone),
        ("needs_context", json!(spec.needs_context.as_str()), spec.needs_context != crate::rules::ContextNeed::None),
    ] {
        if given {
            object.insert(key.to_owned(), value);
        }
    }
    Value::Object(object)
}
