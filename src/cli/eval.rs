//! `oktriage eval`: recall and precision on labelled pastes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::{EXIT_NOTHING, EXIT_OK, RuleArgs, output};
use crate::diagnosis::{Diagnosis, Engine};
use crate::reply::{Composer, RichText};
use crate::rules::Scope;

/// Measure recall and precision on labelled pastes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// JSON lines {"id","text","expect":{"any_of":[…],"cause":[…],"fix":[…]}}; "expect":null must stay silent
    #[arg(required = true)]
    corpus: Vec<PathBuf>,
    /// The kind of channel the pastes are posted in
    #[arg(long, default_value = "okta", value_parser = super::diagnose::scope)]
    scope: Scope,
    /// Print every paste that is not as expected
    #[arg(long)]
    misses: bool,
}

#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    text: String,
    #[serde(default)]
    family: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    expect: Option<Expect>,
}

#[derive(Debug, Deserialize)]
struct Expect {
    #[serde(default)]
    any_of: Vec<String>,
    #[serde(default)]
    cause: Vec<String>,
    #[serde(default)]
    fix: Vec<String>,
}

#[derive(Debug, Default)]
struct Tally {
    pastes: usize,
    answered: usize,
    right: usize,
}

enum Verdict {
    Right,
    Wrong(String),
    Silent,
}

pub(super) fn run(args: &Args, rules: &RuleArgs) -> anyhow::Result<u8> {
    let engine = rules.engine()?;
    let mut asked: BTreeMap<String, Tally> = BTreeMap::new();
    let mut silent: BTreeMap<String, Tally> = BTreeMap::new();
    let mut misses = Vec::new();
    for path in &args.corpus {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = format!("{}:{}", path.display(), number + 1);
            let line: Line = serde_json::from_str(line).with_context(|| format!("{place}: not a corpus line"))?;
            let verdict = judge(&engine, &line, args.scope).with_context(|| place)?;
            let group = line.family.or(line.kind).unwrap_or_else(|| "pastes".to_owned());
            let table = if line.expect.is_some() { &mut asked } else { &mut silent };
            let tally = table.entry(group).or_default();
            tally.pastes += 1;
            tally.answered += usize::from(!matches!(verdict, Verdict::Silent));
            tally.right += usize::from(matches!(verdict, Verdict::Right));
            match (line.expect.is_some(), verdict) {
                (true, Verdict::Silent) => misses.push(format!("{}: silent", line.id)),
                (_, Verdict::Wrong(why)) => misses.push(format!("{}: {why}", line.id)),
                _ => {}
            }
        }
    }

    let mut out = output::stdout();
    let total = |table: &BTreeMap<String, Tally>, of: fn(&Tally) -> usize| table.values().map(of).sum::<usize>();
    if !asked.is_empty() {
        writeln!(
            out,
            "{:<16} {:>7} {:>9} {:>7} {:>8} {:>10}",
            "family", "pastes", "answered", "right", "recall", "precision"
        )?;
        for (family, tally) in &asked {
            row(&mut out, family, tally.pastes, tally.answered, tally.right)?;
        }
        row(&mut out, "all", total(&asked, |t| t.pastes), total(&asked, |t| t.answered), total(&asked, |t| t.right))?;
    }
    let false_answers = total(&silent, |tally| tally.answered);
    if !silent.is_empty() {
        writeln!(out, "\n{:<16} {:>7} {:>9}", "silence", "pastes", "answered")?;
        for (kind, tally) in &silent {
            writeln!(out, "{kind:<16} {:>7} {:>9}", tally.pastes, tally.answered)?;
        }
        writeln!(out, "{:<16} {:>7} {false_answers:>9}", "all", total(&silent, |tally| tally.pastes))?;
    }
    if args.misses {
        writeln!(out)?;
        for miss in &misses {
            writeln!(out, "{miss}")?;
        }
    }
    Ok(if misses.is_empty() { EXIT_OK } else { EXIT_NOTHING })
}

/// Recall is right answers among all pastes, precision right answers among all answers.
fn row(out: &mut impl Write, name: &str, pastes: usize, answered: usize, right: usize) -> std::io::Result<()> {
    let share = |part: usize, whole: usize| if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 };
    writeln!(
        out,
        "{name:<16} {pastes:>7} {answered:>9} {right:>7} {:>7.1}% {:>9.1}%",
        share(right, pastes),
        share(right, answered)
    )
}

fn judge(engine: &Engine, line: &Line, scope: Scope) -> anyhow::Result<Verdict> {
    let outcome = engine.diagnose(&line.text, scope);
    let Some(first) = outcome.diagnoses.first().filter(|_| outcome.answered) else { return Ok(Verdict::Silent) };
    let Some(expect) = &line.expect else {
        return Ok(Verdict::Wrong(format!("answered by {}", first.rule)));
    };
    let words = own_words(engine, first);
    let found = |pattern: &String| -> anyhow::Result<bool> { Ok(compile(pattern)?.is_match(&words)) };
    for (part, patterns) in [("cause", &expect.cause), ("fix", &expect.fix)] {
        for pattern in patterns {
            if !found(pattern)? {
                return Ok(Verdict::Wrong(format!("{} does not say its {part}: {pattern:.120}", first.rule)));
            }
        }
    }
    let any = expect.any_of.is_empty()
        || expect.any_of.iter().map(found).collect::<anyhow::Result<Vec<_>>>()?.contains(&true);
    Ok(if any { Verdict::Right } else { Verdict::Wrong(format!("{} says none of the expected", first.rule)) })
}

fn compile(pattern: &str) -> anyhow::Result<Regex> {
    RegexBuilder::new(pattern).case_insensitive(true).build().with_context(|| format!("not a regex: {pattern}"))
}

/// What the reply says of its own, without what it quotes from the paste.
fn own_words(engine: &Engine, diagnosis: &Diagnosis) -> String {
    let outcome =
        crate::diagnosis::Outcome { diagnoses: vec![diagnosis.clone()], answered: true, ..Default::default() };
    let reply = Composer::new(engine).asked(&outcome);
    let mut words = String::new();
    for answer in &reply.answers {
        words.push_str(&answer.title);
        let texts: Vec<&RichText> =
            std::iter::once(&answer.cause).chain(&answer.checks).chain(&answer.for_user).chain(&answer.steps).collect();
        for text in texts {
            words.push('\n');
            words.extend(text.iter().filter(|span| !span.captured).map(|span| span.text.as_str()));
        }
    }
    words
}
