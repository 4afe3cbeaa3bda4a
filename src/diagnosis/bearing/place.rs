//! Where in a text a recognised error stands: its line, the lines around it, and what people wrote
//! about it. Every part is bounded, so that looking at one place costs the same in any text.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::signs::compile;

/// How far around a place the text is looked at, in bytes to either side.
const REACH: usize = 700;
/// How far around a place other words are counted, in bytes to either side.
const FAR: usize = 2_000;
/// How far the line of a place reaches to either side, in bytes.
const LINE_REACH: usize = 300;
/// Lines before and behind that say what kind of text surrounds a place.
const NEIGHBOURS: usize = 4;
/// What stands directly before and behind, in bytes.
const BEFORE: usize = 48;
const AFTER: usize = 8;
/// What stands for the error among the words; decoding leaves no control characters in a text.
const HERE: &str = " \x01 ";
/// The first words of a text, in bytes.
const OPENING: usize = 160;

/// A line that a program printed or that is data, so none of its words are somebody's own.
static PRINTED_OR_DATA: LazyLock<Regex> = LazyLock::new(|| compile(&[PRINTED, STACK, DATA_LINE].join("|")));
/// A line of an object, or of nothing.
static DATA: LazyLock<Regex> = LazyLock::new(|| compile(DATA_LINE));
/// The status and the headers of a response, between what says where it is from and its body.
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)^\W{0,4}(?:HTTP/\d|[45]\d\d [a-z][a-z ]{1,30}\W*$|(?:content-\w+|date|server|cache-control|www-authenticate|x-[\w-]+)\s?:)",
    )
});
const DATA_LINE: &str = r#"^\W*[\x22'][\w.-]+[\x22']\s*:|^\s*[{}\[\]](?:\s*[\x22'{\[]|\s*,?\s*$)|^\s*\w+:\s*['\x22{\[]|^\s*<\w|^\W*$|^\s*>?\s*(?:`{3}|~{3})|^\s*\d{1,3},$|^\s*error\w*:"#;

/// How a line begins that a running program printed: a time, a level, the name of an error, a status.
pub(super) const PRINTED: &str = r"^(?:\[[\w.:/ -]{1,40}\]\s*)*\W{0,7}(?:\d{4}[-/]\d\d[-/]\d\d|\d\d?:\d\d:\d\d|HTTP/\d|(?i:error|fatal|warn(?:ing)?|debug|info)\b\W|Caught:|[\w.$/-]{0,80}(?:Error|Exception|Errno)\b(?:\s?[:\[]|\(['\x22{\[]))|\d\d:\d\d:\d\d[.,\dZ]";
/// Frames of a stack trace.
pub(super) const STACK: &str =
    r"^\s*at [\w.$<>/@:\\-]+ ?\(|^\s*File \x22|Traceback \(most|^\s*Caused by:|^\s+\.{3} \d+ more|^goroutine \d";

/// A recognised error in its surroundings.
pub(super) struct Place<'t> {
    /// The text directly before.
    pub(super) before: &'t str,
    /// The text directly behind.
    pub(super) after: &'t str,
    /// The line, the error with it.
    pub(super) line: &'t str,
    /// The lines before and behind, data left out.
    pub(super) neighbours: Vec<&'t str>,
    /// The nearest line above that is no data, where the line is data.
    pub(super) opener: Option<&'t str>,
    /// Everything around it, the line with it.
    pub(super) window: &'t str,
    /// What people wrote around it: the error itself, printed lines and data are left out.
    pub(super) prose: String,
    /// The sentence around it, the error with it.
    pub(super) sentence: &'t str,
    /// The first words of the text.
    pub(super) opening: &'t str,
    /// Words of the text outside the error, up to some number.
    pub(super) other_words: usize,
}

impl<'t> Place<'t> {
    pub(super) fn new(text: &'t str, span: &Range<usize>) -> Self {
        let line = line(text, span);
        let window = floor(text, span.start.saturating_sub(REACH))..ceil(text, span.end + REACH);
        let above = &text[window.start..line.start];
        let below = &text[line.end..window.end];
        let tells = |line: &&'t str| !DATA.is_match(line.as_bytes());
        let above = || above.lines().rev().filter(tells);
        let neighbours = above().take(NEIGHBOURS).chain(below.lines().skip(1).filter(tells).take(NEIGHBOURS));
        let own = &text[line.clone()];
        let far = floor(text, span.start.saturating_sub(FAR))..ceil(text, span.end + FAR);
        let outside = [&text[far.start..span.start], &text[span.end..far.end]];
        Self {
            before: &text[floor(text, span.start.saturating_sub(BEFORE)).max(line.start)..span.start],
            after: &text[span.end..ceil(text, span.end + AFTER)],
            neighbours: neighbours.collect(),
            opener: if DATA.is_match(own.as_bytes()) {
                above().find(|line| !HEADER.is_match(line.as_bytes()))
            } else {
                None
            },
            window: &text[window.clone()],
            prose: prose(text, &window, &line, span),
            sentence: sentence(text, &line, span),
            opening: &text[..ceil(text, OPENING)],
            other_words: outside.iter().map(|part| words(part)).sum(),
            line: &text[line],
        }
    }
}

/// Words of a text, counted as far as it matters.
fn words(text: &str) -> usize {
    const ENOUGH: usize = 40;
    text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).take(ENOUGH).count()
}

fn prose(text: &str, window: &Range<usize>, line: &Range<usize>, span: &Range<usize>) -> String {
    let mut prose = String::new();
    let whole_lines = |part: &str, prose: &mut String| {
        for line in part.lines().filter(|line| !PRINTED_OR_DATA.is_match(line.as_bytes())) {
            prose.push_str(line);
            prose.push('\n');
        }
    };
    whole_lines(&text[window.start..line.start], &mut prose);
    // Of its own line, only what stands outside the object or the string that the error is in.
    let before = &text[line.start..span.start];
    prose.push_str(before.split('{').next().unwrap_or_default());
    prose.push_str(HERE);
    let after = &text[span.end..line.end];
    prose.push_str(after.rsplit('}').next().unwrap_or_default());
    prose.push('\n');
    whole_lines(&text[line.end..window.end], &mut prose);
    prose
}

/// The line of a place, bounded to either side.
fn line(text: &str, span: &Range<usize>) -> Range<usize> {
    let from = floor(text, span.start.saturating_sub(LINE_REACH));
    let to = ceil(text, span.end + LINE_REACH);
    let start = text[from..span.start].rfind('\n').map_or(from, |newline| from + newline + 1);
    let end = text[span.end..to].find('\n').map_or(to, |newline| span.end + newline);
    start..end
}

/// The sentence of a place: from the end of the one before to its own.
fn sentence<'t>(text: &'t str, line: &Range<usize>, span: &Range<usize>) -> &'t str {
    let start = text[line.start..span.start].rfind(". ").map_or(line.start, |stop| line.start + stop + 2);
    let end = text[span.end..line.end].find(". ").map_or(line.end, |stop| span.end + stop + 1);
    &text[start..end]
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}
