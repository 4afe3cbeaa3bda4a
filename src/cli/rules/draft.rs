//! `oktriage rules new`: a draft that checks out once its blanks are filled.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context as _, bail};
use regex::Regex;

use super::super::{EXIT_OK, input, output};
use crate::diagnosis::Facts;
use crate::diagnosis::decode::Decoded;
use crate::redact;
use crate::rules::{FactName, RuleId};

/// What an author has to replace.
const BLANK: &str = "TODO";
/// A proposed message is cut to this many characters; a longer one is rarely the same twice.
const MESSAGE_MAX: usize = 240;

/// Variable parts of messages, in order of precision: the name of the hole and what stands in it.
static VARIABLE: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    [
        ("email", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
        ("url", r#"https?://[^\s"'<>)]+"#),
        ("error_ref", r"\boae[A-Za-z0-9_-]{18,26}\b"),
        ("id", r"\b0[0o][a-z0-9][A-Za-z0-9]{17}\b|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
        ("user", r"\b(?:user|User)\s+(?P<hole>\S+(?: [A-Z]\S+)?)\s+(?:to|from|in)\b"),
        ("app", r"\b(?:to|from) app\s+(?P<hole>\S+(?: [A-Z]\S+){0,2})\s+failed\b"),
        ("time", r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?\b"),
        ("address", r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b"),
        ("name", r#"\B['"](?P<hole>[^'"\s]{2,40})['"]"#),
        // Three digits are a status more often than not.
        ("number", r"\b(?:\d{1,2}|\d{4,})\b"),
    ]
    .into_iter()
    .map(|(name, pattern)| (name, Regex::new(pattern).expect("a constant pattern")))
    .collect()
});

/// What another system said, inside what Okta says about it: the value of a JSON field that is meant to be read.
static SAID_INSIDE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)"(?:detail|details|message|msg|title|description|error_?description|error_?message|reason)"\s*:\s*"([^"]+)""#)
        .expect("a constant pattern")
});

/// Writes the draft of a rule and says where.
pub(super) fn write(id: &str, from: Option<&Path>, into: &Path) -> anyhow::Result<u8> {
    let Some(id) = RuleId::parse(id) else {
        bail!("`{id}` is not a rule id: write family/slug with lower-case words joined by hyphens");
    };
    let paste = from.map(input::paste).transpose()?;
    let draft = draft(&id, paste.as_deref());
    let path = into.join(format!("{id}.md"));
    if let Some(family) = path.parent() {
        fs::create_dir_all(family).with_context(|| format!("cannot create {}", family.display()))?;
    }
    let mut file = match File::options().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("{} exists already; edit it, or choose another id", path.display())
        }
        opened => opened.with_context(|| format!("cannot create {}", path.display()))?,
    };
    file.write_all(draft.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    let mut out = output::stdout();
    writeln!(out, "{}\nFill in every {BLANK}, then: oktriage rules check --rules {}", path.display(), into.display())?;
    Ok(EXIT_OK)
}

fn draft(id: &RuleId, paste: Option<&str>) -> String {
    let example = paste.map_or_else(
        || format!("{BLANK}: a real paste, names and ids made up"),
        |paste| redact::mask(paste.trim_end()),
    );
    let pattern =
        paste.map_or_else(|| format!("message = \"{BLANK}: the words of the message, with {{holes}}\""), propose);
    // A literal string cannot hold its own quotes; what people paste hardly ever does.
    let example = example.replace("'''", "\"\"\"");
    format!(
        "+++
title = \"{BLANK}: the problem as the reader sees it\"
products = [\"{BLANK}\"]
fixed_by = \"okta-admin\"  # end-user, okta-admin, app-admin or developer
reviewed = 2026-01-01  # {BLANK}: the date on which you checked the facts
sources = [\"https://{BLANK}\"]
status = \"preview\"  # stable once somebody else has read it

[[match]]
{pattern}

[[example]]
text = '''
{example}'''
+++

## Cause
{BLANK}: why it happens, in one short paragraph.

## Check
- {BLANK}: how to confirm it, or remove this section.

## For the user
- {BLANK}: what the person who hit it can do now, or remove this section.

## Solution
1. {BLANK}: the first step of {slug}, with the full console path in bold.
",
        slug = id.slug()
    )
}

/// A match for the paste: its code, or its message with holes for what varies.
fn propose(paste: &str) -> String {
    let decoded = Decoded::new(paste);
    let text = redact::mask(decoded.text());
    let facts = Facts::read(&text);
    let message = facts
        .first(FactName::ErrorSummary)
        .or_else(|| facts.first(FactName::OauthErrorDescription))
        .map(str::to_owned)
        .or_else(|| said_inside(&text))
        .or_else(|| likeliest_line(&text));
    let mut lines = Vec::new();
    if let Some(code) = facts.first(FactName::ErrorCode) {
        lines.push(format!("code = \"{code}\""));
    } else if let Some(message) = message {
        lines.push(format!("message = '''{}'''", with_holes(&message)));
    } else {
        lines.push(format!("message = \"{BLANK}\""));
    }
    lines.join("\n")
}

/// The longest sentence that a system in the paste meant to be read: what tells one failure from the others.
fn said_inside(text: &str) -> Option<String> {
    let sentences = SAID_INSIDE.captures_iter(text).filter_map(|found| found.get(1)).map(|found| found.as_str());
    let sentence = sentences.filter(|sentence| sentence.split_whitespace().count() > 2).max_by_key(|it| it.len())?;
    Some(shortened(sentence))
}

/// The line that says most: the longest of those that speak of an error, or the longest at all.
fn likeliest_line(text: &str) -> Option<String> {
    let says_error = |line: &str| {
        let lower = line.to_lowercase();
        ["error", "fail", "invalid", "denied", "unable", "not "].iter().any(|word| lower.contains(word))
    };
    // Without the marks of quotations, lists and frames.
    let is_mark = |char: char| !char.is_alphanumeric() && !"[{(\"'".contains(char);
    let lines = || text.lines().map(|line| line.trim().trim_start_matches(is_mark)).filter(|line| !line.is_empty());
    let line = lines()
        .filter(|line| says_error(line))
        .max_by_key(|line| line.len())
        .or_else(|| lines().max_by_key(|line| line.len()))?;
    Some(shortened(line))
}

/// At most [`MESSAGE_MAX`] characters, ending with a whole word.
fn shortened(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_MAX) {
        Some((end, _)) => message[..end].rsplit_once(' ').map_or(&message[..end], |(whole, _)| whole).to_owned(),
        None => message.to_owned(),
    }
}

/// The message with its variable parts turned into holes.
fn with_holes(message: &str) -> String {
    let mut text = message.replace('{', "{{").replace('}', "}}").replace("'''", "\"");
    for (name, pattern) in VARIABLE.iter() {
        let mut count = 0;
        let mut with_holes = String::new();
        let mut copied = 0;
        for found in pattern.captures_iter(&text) {
            let Some(hole) = found.name("hole").or_else(|| found.get(0)) else { continue };
            if hole.as_str().contains('{') {
                continue;
            }
            count += 1;
            with_holes.push_str(&text[copied..hole.start()]);
            with_holes.push_str(&if count == 1 { format!("{{{name}}}") } else { format!("{{{name}_{count}}}") });
            copied = hole.end();
        }
        with_holes.push_str(&text[copied..]);
        text = with_holes;
    }
    text.trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::propose;

    #[test]
    fn variable_parts_become_holes() {
        insta::assert_snapshot!(propose("Automatic provisioning of user dana@example.com to app Box failed: quota"), @"message = '''Automatic provisioning of user {email} to app {app} failed: quota'''");
        insta::assert_snapshot!(propose(r#"{"errorCode":"E0000014","errorSummary":"Update of credentials failed"}"#), @r#"code = "E0000014""#);
        insta::assert_snapshot!(propose("hello\nError 1329 at 2026-01-08 23:38 on 10.0.0.7 for user m.rossi in domain"), @"message = '''Error {number} at {time} on {address} for user {user} in domain'''");
        // What the other system said tells one failure from the others.
        insta::assert_snapshot!(propose("it broke:\n> Automatic provisioning of user kim@example.com to app Panel failed: Bad Request. Errors reported by remote server: {\"detail\":\"Seat quota of plan 'Team-25' exhausted, 25 of 25 in use\",\"status\":\"400\"}"), @"message = '''Seat quota of plan '{name}' exhausted, {number} of {number_2} in use'''");
        insta::assert_snapshot!(propose("seen today\n> │ Widget service refused the request\n> thanks"), @"message = '''Widget service refused the request'''");
    }
}
