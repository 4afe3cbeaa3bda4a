//! Replies on a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::diagnosis::Outcome;
use crate::reply::{Answer, Look, Reply, RichText, words};
use crate::rules::{FixedBy, Keyword};

/// Text is wrapped at this width at most, in columns: longer lines are hard to read.
const WIDTH_MAX: usize = 100;

const HEADING: Style = AnsiColor::Cyan.on_default().bold();
const TITLE: Style = Style::new().bold();
const STRONG: Style = Style::new().bold();
const CODE: Style = AnsiColor::Green.on_default();
const FAINT: Style = Style::new().dimmed();
const WARNING: Style = AnsiColor::Red.on_default().bold();

/// Writes a diagnosed paste: the reply as it would look, and what it was recognised by.
pub fn outcome(out: &mut impl Write, said: &Reply, outcome: &Outcome) -> io::Result<()> {
    reply(out, said)?;
    if !outcome.answered && !said.answers.is_empty() {
        writeln!(out, "{FAINT}The bot would not post this by itself.{FAINT:#}")?;
    }
    if outcome.cut {
        writeln!(out, "{FAINT}The paste is too long; only its start was read.{FAINT:#}")?;
    }
    Ok(())
}

/// Writes a reply.
pub fn reply(out: &mut impl Write, reply: &Reply) -> io::Result<()> {
    let width = textwrap::termwidth().min(WIDTH_MAX);
    if !reply.secrets.is_empty() {
        let warning = words::secret_warning(&reply.secrets);
        for line in textwrap::wrap(&warning, width) {
            writeln!(out, "{WARNING}{line}{WARNING:#}")?;
        }
        writeln!(out)?;
    }
    for (index, answer) in reply.answers.iter().enumerate() {
        if index > 0 {
            writeln!(out, "{FAINT}{}{FAINT:#}\n", "─".repeat(width.min(40)))?;
        }
        write_answer(out, answer, width)?;
    }
    if let Some(note) = &reply.note {
        for line in textwrap::wrap(note, width) {
            writeln!(out, "{line}")?;
        }
    }
    if !reply.offers.is_empty() {
        if reply.note.is_none() {
            writeln!(out, "{HEADING}{}{HEADING:#}", words::NEAR)?;
        }
        for offer in &reply.offers {
            writeln!(out, "  {} {FAINT}{}{FAINT:#}", printable(&offer.title), offer.rule)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_answer(out: &mut impl Write, answer: &Answer, width: usize) -> io::Result<()> {
    writeln!(out, "{TITLE}{}{TITLE:#}", printable(&answer.title))?;
    if answer.preview {
        writeln!(out, "{FAINT}{}{FAINT:#}", words::PREVIEW)?;
    }
    if let Some(quote) = &answer.quote {
        let again = if answer.count > 1 { format!(" ({})", words::seen(answer.count)) } else { String::new() };
        writeln!(out, "\n{HEADING}{}{HEADING:#}{again}", words::RECOGNISED)?;
        for line in textwrap::wrap(&printable(quote), width - 2) {
            writeln!(out, "{FAINT}│ {line}{FAINT:#}")?;
        }
        if !answer.evidence.is_empty() {
            let by = format!("by {}", answer.evidence.join(", "));
            for line in textwrap::wrap(&printable(&by), width) {
                writeln!(out, "{FAINT}{line}{FAINT:#}")?;
            }
        }
    }
    writeln!(out, "\n{HEADING}{}{HEADING:#}", words::CAUSE)?;
    paragraph(out, &answer.cause, "", "", width)?;
    for (heading, items, numbered) in [
        (words::FOR_USER, &answer.for_user, false),
        (words::SOLUTION, &answer.steps, true),
        (words::CHECK, &answer.checks, false),
    ] {
        if items.is_empty() {
            continue;
        }
        writeln!(out, "\n{HEADING}{heading}{HEADING:#}")?;
        for (index, item) in items.iter().enumerate() {
            let mark = if numbered { format!("{}. ", index + 1) } else { "• ".to_owned() };
            let indent = " ".repeat(mark.chars().count());
            paragraph(out, item, &mark, &indent, width)?;
        }
    }
    let who = FixedBy::from_word(&answer.fixed_by).map_or("", words::fixed_by);
    let confidence =
        answer.confidence.as_deref().map(|confidence| format!(" · confidence {confidence}")).unwrap_or_default();
    writeln!(out, "\n{FAINT}{who} · {} · reviewed {}{confidence}{FAINT:#}", answer.rule, answer.reviewed)?;
    for source in &answer.sources {
        writeln!(out, "{FAINT}{source}{FAINT:#}")?;
    }
    writeln!(out)
}

/// Writes a paragraph with its looks, wrapped between words.
fn paragraph(out: &mut impl Write, text: &RichText, first: &str, rest: &str, width: usize) -> io::Result<()> {
    let mut styled = String::new();
    for span in text {
        let style = match span.look {
            Look::Plain => Style::new(),
            Look::Strong => STRONG,
            Look::Emphasis => Style::new().italic(),
            Look::Code => CODE,
        };
        // Each word carries its own style, so that a wrap cannot leave one open.
        for (index, word) in printable(&span.text).split(' ').enumerate() {
            if index > 0 {
                styled.push(' ');
            }
            if !word.is_empty() {
                styled.push_str(&format!("{style}{word}{style:#}"));
            }
        }
        if let Some(link) = &span.link {
            styled.push_str(&format!(" {FAINT}<{link}>{FAINT:#}"));
        }
    }
    let options = textwrap::Options::new(width).initial_indent(first).subsequent_indent(rest);
    for line in textwrap::wrap(&styled, options) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Text without control characters: nothing from a paste can steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
