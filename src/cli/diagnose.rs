//! `oktriage diagnose`: what the bot would say to a paste.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{EXIT_BAD, EXIT_NOTHING, EXIT_OK, RuleArgs, input, output};
use crate::diagnosis::{Engine, Outcome};
use crate::render::terminal;
use crate::reply::{Composer, plain};
use crate::rules::{FactName, Keyword, Scope};

/// Diagnose files or standard input
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files to diagnose, each as one paste; `-` or none is standard input
    files: Vec<PathBuf>,
    /// For people or for scripts
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Read {"id":…,"text":…} lines and print one JSON object a line, in order
    #[arg(long)]
    jsonl: bool,
    /// The kind of channel the paste is posted in: okta or mixed
    #[arg(long, default_value = "okta", value_parser = scope)]
    scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn scope(word: &str) -> Result<Scope, String> {
    Scope::from_word(word).ok_or_else(|| "write okta or mixed".to_owned())
}

pub(super) fn run(args: &Args, rules: &RuleArgs) -> anyhow::Result<u8> {
    let engine = rules.engine()?;
    let files = if args.files.is_empty() { vec![PathBuf::from("-")] } else { args.files.clone() };
    if args.jsonl {
        return lines(args, &engine, &files);
    }
    let mut out = output::stdout();
    let mut answered = false;
    let mut unreadable = false;
    for (index, file) in files.iter().enumerate() {
        let paste = match input::paste(file) {
            Ok(paste) => paste,
            Err(error) => {
                output::error(&error);
                unreadable = true;
                continue;
            }
        };
        let outcome = engine.diagnose(&paste, args.scope);
        answered |= outcome.answered;
        match args.format {
            Format::Json => {
                serde_json::to_writer(&mut out, &to_json(&engine, &outcome))?;
                writeln!(out)?;
            }
            Format::Text => {
                if files.len() > 1 {
                    writeln!(out, "{}{}:", if index > 0 { "\n" } else { "" }, file.display())?;
                }
                terminal::outcome(&mut out, &Composer::new(&engine).asked(&outcome), &outcome)?;
            }
        }
    }
    Ok(if unreadable {
        EXIT_BAD
    } else if answered {
        EXIT_OK
    } else {
        EXIT_NOTHING
    })
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: Value,
    text: String,
}

/// Answers each line; a bad one is reported by its number and the rest still answered.
fn lines(args: &Args, engine: &Engine, files: &[PathBuf]) -> anyhow::Result<u8> {
    let mut out = output::stdout();
    let mut bad = false;
    for file in files {
        for (number, line) in BufReader::new(input::open(file)?).split(b'\n').enumerate() {
            let line = line.with_context(|| format!("cannot read {}", file.display()))?;
            let line = String::from_utf8_lossy(&line);
            if line.trim().is_empty() {
                continue;
            }
            match serde_json::from_str::<Line>(&line) {
                Ok(line) => {
                    let mut object = to_json(engine, &engine.diagnose(&line.text, args.scope));
                    object["id"] = line.id;
                    serde_json::to_writer(&mut out, &object)?;
                    writeln!(out)?;
                }
                Err(error) => {
                    bad = true;
                    let place = format!("{}:{}", file.display(), number + 1);
                    output::error(&anyhow::anyhow!("{place}: not a line {{\"id\":…,\"text\":…}}: {error}"));
                }
            }
        }
    }
    Ok(if bad { EXIT_BAD } else { EXIT_OK })
}

/// The object of DESIGN's command-line contract.
fn to_json(engine: &Engine, outcome: &Outcome) -> Value {
    let reply = Composer::new(engine).asked(outcome);
    let diagnoses: Vec<Value> = reply
        .answers
        .iter()
        .zip(&outcome.diagnoses)
        .map(|(answer, diagnosis)| {
            let all = |texts: &[crate::reply::RichText]| texts.iter().map(|text| plain(text)).collect::<Vec<_>>();
            json!({
                "rule": answer.rule,
                "title": answer.title,
                "confidence": answer.confidence,
                "cause": plain(&answer.cause),
                "checks": all(&answer.checks),
                "for_user": all(&answer.for_user),
                "steps": all(&answer.steps),
                "captures": diagnosis.captures,
                "fixed_by": answer.fixed_by,
                "engines": answer.engines,
                "sources": answer.sources,
                "reviewed": answer.reviewed,
                "preview": answer.preview,
                "count": answer.count,
                "quote": diagnosis.quote,
                "evidence": answer.evidence,
                "spans": diagnosis.spans.iter().map(|span| [span.start, span.end]).collect::<Vec<_>>(),
            })
        })
        .collect();
    let facts = &outcome.facts;
    let status = facts.first(FactName::HttpStatus).and_then(|status| status.parse::<u16>().ok());
    let mut by_name = json!({
        "error_codes": facts.values(FactName::ErrorCode),
        "error_ids": facts.values(FactName::ErrorId),
        "http_status": status,
    });
    for (word, name) in FactName::WORDS {
        let values = facts.values(*name);
        let listed_above = matches!(name, FactName::ErrorCode | FactName::ErrorId | FactName::HttpStatus);
        if !values.is_empty() && !listed_above {
            by_name[*word] = json!(values);
        }
    }
    json!({
        "diagnoses": diagnoses,
        "answered": outcome.answered,
        "facts": by_name,
        "secrets": outcome.secrets.iter().map(|secret| json!({"kind": secret.kind.as_str(), "span": [secret.span.start, secret.span.end]})).collect::<Vec<_>>(),
        "near": outcome.near.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "cut": outcome.cut,
    })
}
