//! Finds every pattern of the rule set in a paste.
//!
//! One Aho-Corasick automaton over an anchor of each pattern (its longest literal) passes over the
//! squeezed text once; only where an anchor stands is its pattern verified, within bounded windows.
//! The work is therefore linear in the text for any rule set.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

use super::bearing::{Bearing, Bearings};
use super::facts::Facts;
use super::pattern::{Hole, Pattern, Segment};
use super::squeeze::{Squeezed, one_line};
use crate::redact::MASK;
use crate::rules::{FactName, RuleSet};

/// The longest text that a hole stands for, in squeezed bytes.
const HOLE_MAX: usize = 300;
/// How far further conditions may stand from the match, in bytes of decoded text.
const NEAR: usize = 2_000;
/// Occurrences of one pattern that are looked at; a log may repeat an error for ever.
const OCCURRENCES_MAX: usize = 8;
/// Attempts to place the segments of one message around one anchor.
const ATTEMPTS_MAX: usize = 64;
/// So many judged places are remembered.
const JUDGED_MAX: usize = 64;
/// Squeezed bytes by which the start of a cut-off message is found.
const HEAD: usize = 12;
/// Cuts that are looked at in one paste.
const CUTS_MAX: usize = 64;
/// Where a paste simply ends behind a hole, so many letters of what follows show that it was cut off.
const BEGUN_MIN: usize = 4;
/// A cut-off message counts from this many letters …
const CUT_LITERAL_MIN: usize = 20;
/// … and this share of its letters where an ellipsis shows the cut …
const CUT_SHARE_MIN: f64 = 0.4;
/// … or this one where the paste simply ends.
const END_SHARE_MIN: f64 = 0.7;

/// A paste, prepared for matching.
pub struct Subject<'s> {
    /// The decoded text.
    pub text: &'s str,
    /// Its letters and digits, secrets left out.
    pub squeezed: &'s Squeezed,
    /// What was read from it.
    pub facts: &'s Facts,
    /// Secrets in the decoded text, sorted and apart.
    pub secrets: &'s [Range<usize>],
}

/// A pattern found in a paste.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Index of the pattern.
    pub pattern: usize,
    /// From the first to the last thing that matched, in the decoded text.
    pub hull: Range<usize>,
    /// Where captured and uncaptured holes were, in the decoded text.
    pub holes: Vec<Range<usize>>,
    /// The captured values.
    pub captures: Vec<(String, String)>,
    /// The share of the message's letters that is there: 1 unless it was cut off.
    pub coverage: f64,
    /// How the text brings it up.
    pub bearing: Bearing,
}

/// The compiled rule set.
pub struct Matcher {
    patterns: Vec<Pattern>,
    /// One automaton for all literals, so that the text is passed over once.
    anchors: AhoCorasick,
    /// For each literal, what it leads to.
    anchored: Vec<Anchor>,
    by_code: HashMap<String, Vec<usize>>,
    by_fact: Vec<(FactName, usize)>,
}

/// What a literal leads to, where it stands.
#[derive(Default)]
struct Anchor {
    /// Patterns with the index of the segment that it is.
    segments: Vec<(usize, usize)>,
    /// Patterns without a message, one of whose further texts it is.
    texts: Vec<usize>,
    /// Patterns whose message begins with it.
    heads: Vec<usize>,
}

impl Matcher {
    /// Compiles a rule set.
    pub fn new(rules: &RuleSet) -> Self {
        let mut patterns = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            patterns
                .extend(rule.matches.iter().enumerate().map(|(number, spec)| Pattern::new(index, rule, number, spec)));
        }
        let mut anchors = Index::default();
        let mut by_code: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_fact = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            let longest = pattern.segments.iter().enumerate().max_by_key(|(_, segment)| segment.bytes.len());
            if let Some((segment, Segment { bytes, .. })) = longest {
                anchors.at(bytes).segments.push((index, segment));
                if let Some(head) = pattern.segments.first().and_then(|first| first.bytes.get(..HEAD)) {
                    anchors.at(head).heads.push(index);
                }
            } else if !pattern.codes.is_empty() {
                for code in &pattern.codes {
                    by_code.entry(code.clone()).or_default().push(index);
                }
            } else if let Some((fact, _)) = pattern.facts.first() {
                by_fact.push((*fact, index));
            } else if let Some(text) = pattern.contains.iter().max_by_key(|text| text.len()) {
                anchors.at(text).texts.push(index);
            }
        }
        let (anchors, anchored) = anchors.build();
        Self { patterns, anchors, anchored, by_code, by_fact }
    }

    /// The patterns, by the index that a [`Hit`] names.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Every pattern that holds in the paste, with each place where it does.
    pub fn hits(&self, subject: &Subject<'_>) -> Vec<Hit> {
        let mut found = Found {
            patterns: &self.patterns,
            subject,
            hits: Vec::new(),
            seen: HashMap::new(),
            bearings: OnceCell::new(),
            judged: Vec::new(),
        };
        let mut heads = Vec::new();
        for at in self.anchors.find_overlapping_iter(subject.squeezed.bytes()) {
            let anchor = &self.anchored[at.pattern().as_usize()];
            for &(pattern, segment) in &anchor.segments {
                if let Some(placed) = found.message(pattern, segment, at.range()) {
                    found.place(pattern, placed);
                }
            }
            for &pattern in &anchor.texts {
                found.place(pattern, Placed::at(subject.squeezed.text_span(subject.text, &at.range())));
            }
            if !anchor.heads.is_empty() {
                heads.push((at.start(), anchor));
            }
        }
        self.codes(&mut found);
        for &(fact, pattern) in &self.by_fact {
            let wildcards = self.patterns[pattern].facts.first().map(|(_, wildcards)| wildcards.as_slice());
            for fact in subject.facts.all(fact).take(OCCURRENCES_MAX) {
                if wildcards.unwrap_or_default().iter().any(|wildcard| wildcard.fits(&fact.value)) {
                    found.place(pattern, Placed::at(fact.span.clone()));
                }
            }
        }
        self.cut_off(&mut found, &heads);
        found.hits
    }

    fn codes(&self, found: &mut Found<'_>) {
        let is_code_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let bytes = found.subject.text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let len = bytes[at..].iter().take_while(|&&byte| is_code_byte(byte)).count();
            let plausible = len > 4 && len <= 64 && is_coded(&bytes[at..at + len]);
            if plausible {
                let word = found.subject.text[at..at + len].to_ascii_lowercase();
                for &pattern in self.by_code.get(&word).into_iter().flatten() {
                    found.place(pattern, Placed::at(at..at + len));
                }
            }
            at += len.max(1);
        }
    }

    /// Messages that an ellipsis or the end of the paste cuts off.
    fn cut_off(&self, found: &mut Found<'_>, heads: &[(usize, &Anchor)]) {
        if heads.is_empty() {
            return;
        }
        let subject = found.subject;
        let end = subject.squeezed.bytes().len();
        let mut cuts: Vec<usize> =
            ellipses(subject.text).take(CUTS_MAX).map(|at| subject.squeezed.index_at(at)).collect();
        // A paste that simply ends says less than one that ends in an ellipsis.
        let simply_ends = cuts.last() != Some(&end);
        if simply_ends {
            cuts.push(end);
        }
        for &(start, head) in heads {
            let near = cuts.partition_point(|cut| *cut < start);
            for &pattern in &head.heads {
                // A message spans its letters and its holes; a cut further away is not its own.
                let reach =
                    self.patterns[pattern].literal + HOLE_MAX * self.patterns[pattern].holes.iter().flatten().count();
                for &cut in cuts[near..].iter().take_while(|cut| **cut <= start + reach).take(3) {
                    if let Some(placed) = found.cut_message(pattern, start, cut, simply_ends && cut == end) {
                        found.place(pattern, placed);
                        break;
                    }
                }
            }
        }
    }
}

/// Literals with what each leads to, on the way to an automaton.
#[derive(Default)]
struct Index {
    ids: HashMap<Vec<u8>, usize>,
    literals: Vec<Vec<u8>>,
    anchors: Vec<Anchor>,
}

impl Index {
    fn at(&mut self, literal: &[u8]) -> &mut Anchor {
        let id = *self.ids.entry(literal.to_vec()).or_insert_with(|| {
            self.literals.push(literal.to_vec());
            self.anchors.push(Anchor::default());
            self.literals.len() - 1
        });
        &mut self.anchors[id]
    }

    fn build(self) -> (AhoCorasick, Vec<Anchor>) {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&self.literals)
            .expect("literals of rule files are far below the automaton's limits");
        (automaton, self.anchors)
    }
}

/// Where a pattern's message, code, fact or text stands, before its other conditions are looked at.
struct Placed {
    hull: Range<usize>,
    holes: Vec<Range<usize>>,
    captures: Vec<(String, String)>,
    coverage: f64,
}

impl Placed {
    fn at(hull: Range<usize>) -> Self {
        Self { hull, holes: Vec::new(), captures: Vec::new(), coverage: 1.0 }
    }
}

struct Found<'f> {
    patterns: &'f [Pattern],
    subject: &'f Subject<'f>,
    hits: Vec<Hit>,
    /// How often each pattern was placed.
    seen: HashMap<usize, usize>,
    /// How the text brings things up; read when something was found.
    bearings: OnceCell<Bearings<'f>>,
    /// Places whose bearing is known, by whether a code stands there.
    judged: Vec<(Range<usize>, bool, Bearing)>,
}

impl Found<'_> {
    /// Checks the conditions around a placed pattern and keeps it when they hold.
    fn place(&mut self, index: usize, placed: Placed) {
        let pattern = &self.patterns[index];
        let text = self.subject.text;
        let seen = self.seen.entry(index).or_default();
        if *seen >= OCCURRENCES_MAX || self.hits.iter().any(|hit| hit.pattern == index && hit.hull == placed.hull) {
            return;
        }
        let Placed { mut hull, holes, mut captures, coverage } = placed;
        if pattern.standalone && !stands_alone(text, &hull) {
            return;
        }
        for (name, wildcards) in &pattern.captures_like {
            let value = captures.iter().find(|(captured, _)| captured == name).map(|(_, value)| value.as_str());
            // A capture of the regex is looked at once the regex has matched.
            if let Some(value) = value
                && !wildcards.iter().any(|wildcard| wildcard.fits(value))
            {
                return;
            }
        }
        let window = floor(text, hull.start.saturating_sub(NEAR))..floor(text, (hull.end + NEAR).min(text.len()));
        let squeezed_window = self.subject.squeezed.index_at(window.start)..self.subject.squeezed.index_at(window.end);
        let near = &self.subject.squeezed.bytes()[squeezed_window];
        if pattern.contains.iter().any(|literal| memmem::find(near, literal).is_none())
            || pattern.absent.iter().any(|literal| memmem::find(near, literal).is_some())
        {
            return;
        }
        let mut coded = pattern.segments.is_empty() && !pattern.codes.is_empty();
        if !coded && !pattern.codes.is_empty() {
            let Some(code) = find_code(text, &window, &pattern.codes) else { return };
            hull = hull.start.min(code.start)..hull.end.max(code.end);
            coded = true;
        }
        for (name, wildcards) in &pattern.facts {
            let holds = self.subject.facts.all(*name).find(|fact| {
                window.contains(&fact.span.start) && wildcards.iter().any(|wildcard| wildcard.fits(&fact.value))
            });
            let Some(fact) = holds else { return };
            if pattern.segments.is_empty() {
                hull = hull.start.min(fact.span.start)..hull.end.max(fact.span.end);
            }
        }
        if let Some(regex) = &pattern.regex {
            let Some(found) = regex.captures(&text[window]) else { return };
            for name in regex.names() {
                if let Some(value) = found.name(name) {
                    captures.push((name.clone(), clean(value.as_str())));
                }
            }
        }
        let coded_fact = pattern.facts.iter().any(|(name, _)| *name == FactName::ErrorCode);
        let by_code = pattern.segments.is_empty() && (coded || coded_fact);
        let bearings = self.bearings.get_or_init(|| Bearings::new(text));
        // Several patterns often stand at the same place.
        let judged = self.judged.iter().find(|(span, code, _)| *span == hull && *code == by_code);
        let bearing = judged.map(|(.., bearing)| *bearing).unwrap_or_else(|| {
            let bearing = if by_code { bearings.of_code(&hull) } else { bearings.of_message(&hull) };
            if self.judged.len() < JUDGED_MAX {
                self.judged.push((hull.clone(), by_code, bearing));
            }
            bearing
        });
        *seen += 1;
        self.hits.push(Hit { pattern: index, hull, holes, captures, coverage, bearing });
    }

    /// Places the whole message around one of its segments.
    fn message(&self, index: usize, anchor: usize, at: Range<usize>) -> Option<Placed> {
        let pattern = &self.patterns[index];
        let squeezed = self.subject.squeezed;
        if !self.fits_words(&pattern.segments[anchor], &at) {
            return None;
        }
        let mut spans = vec![0..0; pattern.segments.len()];
        spans[anchor] = at;
        let mut attempts = ATTEMPTS_MAX;
        let whole = self.before(pattern, anchor, &mut spans, &mut attempts)
            && self.after(pattern, anchor, &mut spans, &mut attempts);
        if !whole {
            return None;
        }
        let hull = spans.first()?.start..spans.last()?.end;
        let mut placed = Placed::at(squeezed.text_span(self.subject.text, &hull));
        self.fill_holes(&pattern.holes, &spans, &mut placed).then_some(placed)
    }

    fn fits_words(&self, segment: &Segment, at: &Range<usize>) -> bool {
        let squeezed = self.subject.squeezed;
        (!segment.starts_word || squeezed.boundary(at.start)) && (!segment.ends_word || squeezed.boundary(at.end))
    }

    /// Places the segments before `index`, nearest first.
    fn before(&self, pattern: &Pattern, index: usize, spans: &mut [Range<usize>], attempts: &mut usize) -> bool {
        let Some(previous) = index.checked_sub(1) else { return true };
        let segment = &pattern.segments[previous];
        let end = spans[index].start;
        let from = end.saturating_sub(HOLE_MAX + segment.bytes.len());
        let window = &self.subject.squeezed.bytes()[from..end];
        for start in memmem::rfind_iter(window, &segment.bytes) {
            if *attempts == 0 {
                return false;
            }
            *attempts -= 1;
            let span = from + start..from + start + segment.bytes.len();
            if self.fits_words(segment, &span) && hole_fits(pattern, index, span.end, end) {
                spans[previous] = span;
                if self.before(pattern, previous, spans, attempts) {
                    return true;
                }
            }
        }
        false
    }

    /// Places the segments behind `index`, nearest first.
    fn after(&self, pattern: &Pattern, index: usize, spans: &mut [Range<usize>], attempts: &mut usize) -> bool {
        let next = index + 1;
        let Some(segment) = pattern.segments.get(next) else { return true };
        let from = spans[index].end;
        let bytes = self.subject.squeezed.bytes();
        let window = &bytes[from..bytes.len().min(from + HOLE_MAX + segment.bytes.len())];
        for start in memmem::find_iter(window, &segment.bytes) {
            if *attempts == 0 {
                return false;
            }
            *attempts -= 1;
            let span = from + start..from + start + segment.bytes.len();
            if self.fits_words(segment, &span) && hole_fits(pattern, next, from, span.start) {
                spans[next] = span;
                if self.after(pattern, next, spans, attempts) {
                    return true;
                }
            }
        }
        false
    }

    /// Notes what stands in the holes; false where a named hole is empty.
    fn fill_holes(&self, holes: &[Option<Hole>], spans: &[Range<usize>], placed: &mut Placed) -> bool {
        let text = self.subject.text;
        let squeezed = self.subject.squeezed;
        for (index, hole) in holes.iter().take(spans.len() + 1).enumerate() {
            let Some(hole) = hole else { continue };
            let before = index.checked_sub(1).and_then(|index| spans.get(index));
            let start = before.map(|span| squeezed.text_span(text, span).end);
            let end = spans.get(index).map(|span| squeezed.text_start(span.start));
            let range = match (start, end) {
                (Some(start), Some(end)) => start..end,
                (Some(start), None) => start..trailing_end(text, start),
                (None, Some(end)) => leading_start(text, end)..end,
                (None, None) => continue,
            };
            if let Some(name) = &hole.name {
                let value = clean(&self.without_secrets(range.clone()));
                if !value.contains(char::is_alphanumeric) {
                    return false;
                }
                placed.captures.push((name.clone(), value));
            }
            placed.holes.push(range);
        }
        true
    }

    fn without_secrets(&self, range: Range<usize>) -> String {
        let mut shown = String::new();
        let mut at = range.start;
        for secret in self.subject.secrets.iter().filter(|secret| secret.start < range.end && range.start < secret.end)
        {
            shown.push_str(&self.subject.text[at..secret.start.max(at)]);
            shown.push_str(MASK);
            at = secret.end.min(range.end).max(at);
        }
        shown.push_str(&self.subject.text[at..range.end]);
        shown
    }

    /// Places as much of a message as stands between `start` and a cut.
    fn cut_message(&self, index: usize, start: usize, cut: usize, at_end: bool) -> Option<Placed> {
        let pattern = &self.patterns[index];
        let squeezed = self.subject.squeezed;
        let bytes = squeezed.bytes();
        let mut spans: Vec<Range<usize>> = Vec::new();
        let mut literal = 0;
        let mut at = start;
        let mut cut_in_literal = false;
        for (number, segment) in pattern.segments.iter().enumerate() {
            let from = if number == 0 {
                at
            } else {
                // Holes end where their next segment begins, whole or up to the cut.
                let window = &bytes[at..cut.min(at + HOLE_MAX + segment.bytes.len())];
                match memmem::find(window, &segment.bytes) {
                    Some(found) => at + found,
                    None => {
                        let least = if at_end { BEGUN_MIN } else { 1 };
                        let begun =
                            (least..segment.bytes.len()).rev().find(|len| window.ends_with(&segment.bytes[..*len]));
                        match begun {
                            Some(len) if cut - at <= HOLE_MAX + len => cut - len,
                            _ => break,
                        }
                    }
                }
            };
            let matched = bytes[from..cut].iter().zip(&segment.bytes).take_while(|(a, b)| a == b).count();
            let whole = matched == segment.bytes.len();
            if (number == 0 && !squeezed.boundary(from)) || (!whole && from + matched != cut) {
                return None;
            }
            literal += matched;
            spans.push(from..from + matched);
            at = from + matched;
            if !whole {
                cut_in_literal = true;
                break;
            }
        }
        // A paste that ends in a hole may just as well have ended otherwise.
        if at_end && !cut_in_literal {
            return None;
        }
        let share = literal as f64 / pattern.literal as f64;
        let needed = if at_end { END_SHARE_MIN } else { CUT_SHARE_MIN };
        if cut > at + HOLE_MAX || share >= 1.0 || share < needed || literal < CUT_LITERAL_MIN {
            return None;
        }
        let hull = spans.first()?.start..spans.last()?.end;
        let mut placed = Placed::at(squeezed.text_span(self.subject.text, &hull));
        placed.coverage = share;
        // The last segment that is there may be cut off, so what would follow it is no hole's text.
        self.fill_holes(&pattern.holes[..spans.len()], &spans, &mut placed).then_some(placed)
    }
}

/// A named hole holds something; segments without a hole between them follow each other directly.
fn hole_fits(pattern: &Pattern, before_segment: usize, start: usize, end: usize) -> bool {
    match &pattern.holes[before_segment] {
        Some(Hole { name: Some(_) }) => start < end,
        Some(Hole { name: None }) => true,
        None => start == end,
    }
}

/// Whether a word may be a code: it has a digit or an underscore, or is in capitals.
fn is_coded(word: &[u8]) -> bool {
    word.iter().any(|byte| byte.is_ascii_digit() || *byte == b'_') || word.iter().all(u8::is_ascii_uppercase)
}

fn find_code(text: &str, window: &Range<usize>, codes: &[String]) -> Option<Range<usize>> {
    let lower = text[window.clone()].to_ascii_lowercase();
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    codes.iter().find_map(|code| {
        memmem::find_iter(lower.as_bytes(), code.as_bytes())
            .find(|at| {
                let before = at.checked_sub(1).and_then(|before| lower.as_bytes().get(before));
                !word(before) && !word(lower.as_bytes().get(at + code.len()))
            })
            .map(|at| window.start + at..window.start + at + code.len())
    })
}

/// Where text was left out: `…`, `...`, `[truncated]`.
fn ellipses(text: &str) -> impl Iterator<Item = usize> {
    let marks = [
        memmem::Finder::new("…"),
        memmem::Finder::new("..."),
        memmem::Finder::new("[truncated"),
        memmem::Finder::new("(truncated"),
    ];
    let mut places: Vec<usize> =
        marks.iter().flat_map(|mark| mark.find_iter(text.as_bytes()).take(CUTS_MAX).collect::<Vec<_>>()).collect();
    places.sort_unstable();
    places.into_iter()
}

/// Whether a text on a screen was pasted by itself: alone on its line, between quotes or emphasis,
/// or behind a colon.
fn stands_alone(text: &str, hull: &Range<usize>) -> bool {
    let (from, to) = (floor(text, hull.start.saturating_sub(NEAR)), floor(text, (hull.end + NEAR).min(text.len())));
    let line_start = text[from..hull.start].rfind('\n').map_or(from, |newline| from + newline + 1);
    let line_end = text[hull.end..to].find('\n').map_or(to, |newline| hull.end + newline);
    let quote = ['"', '\'', '`', '*', '_', '~', '|', '(', '[', '{', '>'];
    let before = text[line_start..hull.start].trim_end();
    let alone_before = before.trim_start_matches(['>', '-', '#', ' ', '\t', '│', '|', '+']).is_empty()
        || before.ends_with(quote)
        || before.ends_with([':', '=', '-', '→'])
        || before.ends_with("=>")
        || ends_with_http_status(before)
        || before.trim_start_matches(|char: char| !char.is_alphabetic()).is_empty();
    let after = text[hull.end..line_end].trim_start();
    let alone_after = after.is_empty()
        || after.starts_with([
            '"', '\'', '`', '*', '_', '~', '|', ')', ']', '}', '<', '.', '!', '?', ';', ':', '…', '(', '[', '-',
        ]);
    alone_before && alone_after
}

/// `… 400`, as in `DELETE /api/v1/realms/1 -> 400 This realm cannot be deleted`.
fn ends_with_http_status(text: &str) -> bool {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    digits == 3 && matches!(text.as_bytes()[text.len() - 3], b'4' | b'5')
}

/// The end of what follows a message: its line, or the string that it stands in.
fn trailing_end(text: &str, start: usize) -> usize {
    let mut end = start;
    for (offset, char) in text[start..].char_indices() {
        if offset > HOLE_MAX {
            break;
        }
        let rest = &text[start + offset + char.len_utf8()..];
        match char {
            '"' | '\'' if offset > 2 && rest.trim_start().starts_with([',', '}', ']', ')']) => break,
            // A wrapped line goes on in lower case or with a quote mark; anything else is a new one.
            '\n' => {
                let next = rest.trim_start_matches(['>', ' ', '\t']).chars().next();
                if offset > 2 && !next.is_some_and(|next| next.is_lowercase()) {
                    break;
                }
            }
            _ => {}
        }
        end = start + offset + char.len_utf8();
    }
    end
}

/// The start of what precedes a message on its line.
fn leading_start(text: &str, end: usize) -> usize {
    let from = floor(text, end.saturating_sub(HOLE_MAX / 2));
    let before = &text[from..end];
    let line = before.rfind(['\n', '"', '\'', '>', ':', '.']).filter(|at| !before[at + 1..].trim().is_empty());
    line.map_or(from, |at| from + at + 1)
}

/// A captured value as a person would write it: one line, without the markup around it.
fn clean(value: &str) -> String {
    let cleaned = one_line(value);
    let trimmed = cleaned.trim_matches(|char: char| char.is_whitespace() || "\"'`*_:,;<>[]{}=|\\".contains(char));
    let trimmed = trimmed.trim_end_matches(['.', '(', '-']).trim_start_matches([')', '-', '.']).trim();
    trimmed.to_owned()
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
