//! Places messages around their anchors and checks what else must hold.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use memchr::memmem;

use super::around::{Abrupt, abruptness, clean, goes_on, leading_start, stands_alone, trailing_end};
use super::near::{Expression, Literal, Search};
use super::{HOLE_MAX, Hit, Matcher, NEAR, OCCURRENCES_MAX, Subject, Template, floor, is_short};
use crate::diagnosis::bearing::{Bearing, Bearings};
use crate::diagnosis::pattern::{Hole, Pattern, Segment};
use crate::redact::MASK;
use crate::redact::ascii::ascii;
use crate::rules::FactName;

/// Attempts to place the segments of one message around one anchor …
const ATTEMPTS_MAX: usize = 64;
/// … until a text has cost so many; from then on so few.
const ATTEMPTS_ALL: usize = 200_000;
const ATTEMPTS_FEW: usize = 6;
/// Places that are judged in one text, those of the most specific patterns first.
const JUDGED_MAX: usize = 128;
/// Bytes that a search reads in the time of one check.
const BYTES_PER_CHECK: usize = 16;
/// A cut shows itself by so many letters of the words behind a hole where an ellipsis marks it …
const MARKED_MIN: usize = 3;
/// … and by so many where the paste simply ends.
const BEGUN_MIN: usize = 4;
/// A cut-off message counts from this many letters …
const CUT_LITERAL_MIN: usize = 20;
/// … and this share of its letters where an ellipsis shows the cut …
const CUT_SHARE_MIN: f64 = 0.4;
/// … or this one where the paste simply ends.
const END_SHARE_MIN: f64 = 0.7;
/// A message without its beginning counts from this many letters …
const REST_LITERAL_MIN: usize = 26;
/// … and this share of its letters.
const REST_SHARE_MIN: f64 = 0.5;
/// So many letters are no accident, even where the sentence goes on behind them.
const REST_SURE: usize = 60;
/// What is left of words before a hole starts at most so many letters before the hole's end.
const LEFT_MAX: usize = 100;
/// Letters before the place where the rest of a message starts that may happen to be those of the message.
const HAPPEN_MAX: usize = 3;

/// Where a pattern's message, code, fact or text stands, before its other conditions are looked at.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    hull: Range<usize>,
    holes: Vec<Range<usize>>,
    captures: Vec<(String, String)>,
    coverage: f64,
    headless: bool,
}

impl Placed {
    pub(super) fn at(hull: Range<usize>) -> Self {
        Self { hull, holes: Vec::new(), captures: Vec::new(), coverage: 1.0, headless: false }
    }
}

/// What was found in a paste so far.
pub(super) struct Found<'f> {
    matcher: &'f Matcher,
    pub(super) subject: &'f Subject<'f>,
    /// Hits, and whether a code stands there rather than a message. None is judged yet.
    hits: Vec<(Hit, bool)>,
    /// The patterns of the hits and where they were placed.
    kept: HashSet<(usize, usize, usize)>,
    /// How often each pattern holds; filled when one is placed.
    seen: Vec<u8>,
    /// Searches for the literals and the expressions of conditions; filled when one is needed.
    literals: Vec<Search>,
    expressions: Vec<Search>,
    /// The text in lower case.
    lower: OnceCell<String>,
    /// The text in ASCII.
    ascii: OnceCell<Cow<'f, str>>,
    /// Attempts to place segments.
    attempts: usize,
    /// Checks of patterns.
    checks: usize,
    /// Bytes that were read for conditions.
    read: usize,
}

impl<'f> Found<'f> {
    pub(super) fn new(matcher: &'f Matcher, subject: &'f Subject<'f>) -> Self {
        Self {
            matcher,
            subject,
            hits: Vec::new(),
            kept: HashSet::new(),
            seen: Vec::new(),
            literals: Vec::new(),
            expressions: Vec::new(),
            lower: OnceCell::new(),
            ascii: OnceCell::new(),
            attempts: 0,
            checks: 0,
            read: 0,
        }
    }

    /// The hits with their bearings, and what they cost.
    pub(super) fn finish(mut self) -> (Vec<Hit>, usize) {
        let cost = self.checks + self.attempts + self.read / BYTES_PER_CHECK;
        if self.hits.is_empty() {
            return (Vec::new(), cost);
        }
        let bearings = Bearings::new(self.subject.text);
        // Several patterns often stand at the same place.
        let mut judged: HashMap<(usize, usize, bool), Bearing> = HashMap::new();
        let patterns = &self.matcher.patterns;
        if self.hits.len() > JUDGED_MAX {
            self.hits.sort_by_key(|(hit, _)| (patterns[hit.pattern].generic, Reverse(patterns[hit.pattern].weight)));
        }
        let mut hits = Vec::with_capacity(self.hits.len().min(JUDGED_MAX));
        for (mut hit, by_code) in self.hits {
            let place = (hit.hull.start, hit.hull.end, by_code);
            hit.bearing = match judged.get(&place) {
                Some(bearing) => *bearing,
                None if judged.len() == JUDGED_MAX => continue,
                None => {
                    let bearing = if by_code { bearings.of_code(&hit.hull) } else { bearings.of_message(&hit.hull) };
                    judged.insert(place, bearing);
                    bearing
                }
            };
            hits.push(hit);
        }
        (hits, cost)
    }

    /// Places a message around one of its segments, for every pattern that has it.
    pub(super) fn message(&mut self, template: &Template, anchor: usize, at: Range<usize>) {
        self.checks += 1;
        let matcher = self.matcher;
        if template.patterns.iter().all(|pattern| self.is_seen_enough(*pattern)) {
            return;
        }
        let pattern = &matcher.patterns[template.like];
        if !self.fits_words(&pattern.segments[anchor], &at) {
            return;
        }
        let mut spans = vec![0..0; pattern.segments.len()];
        spans[anchor] = at;
        let allowed = if self.attempts < ATTEMPTS_ALL { ATTEMPTS_MAX } else { ATTEMPTS_FEW };
        let mut attempts = allowed;
        let whole = self.before(pattern, anchor, &mut spans, &mut attempts)
            && self.after(pattern, anchor, &mut spans, &mut attempts);
        self.attempts += allowed - attempts;
        let (Some(first), Some(last), true) = (spans.first(), spans.last(), whole) else { return };
        let hull = self.subject.squeezed.text_span(self.subject.text, &(first.start..last.end));
        let mut placed: Option<Placed> = None;
        for &index in &template.patterns {
            if self.is_seen_enough(index) {
                continue;
            }
            let Some(code) = self.holds_near(index, &hull) else { continue };
            // Reading the holes costs more than most conditions, so they come later.
            if placed.is_none() {
                let mut read = Placed::at(hull.clone());
                if !self.fill_holes(&pattern.holes, &spans, 0, &mut read) {
                    return;
                }
                placed = Some(read);
            }
            if let Some(placed) = &placed {
                self.keep(index, placed, code);
            }
        }
    }

    /// Checks the conditions around a placed pattern and keeps it when they hold.
    pub(super) fn place(&mut self, index: usize, placed: &Placed) {
        self.checks += 1;
        if !self.is_seen_enough(index)
            && let Some(code) = self.holds_near(index, &placed.hull)
        {
            self.keep(index, placed, code);
        }
    }

    fn is_seen_enough(&self, index: usize) -> bool {
        self.seen.get(index).is_some_and(|seen| usize::from(*seen) >= OCCURRENCES_MAX)
    }

    /// The text in which further conditions of what stands at `hull` must hold.
    fn window(&self, hull: &Range<usize>) -> Range<usize> {
        let text = self.subject.text;
        floor(text, hull.start.saturating_sub(NEAR))..floor(text, (hull.end + NEAR).min(text.len()))
    }

    /// Whether texts, codes and the expression are near, or not near, as the pattern wants it; with
    /// the place of the code that goes with a message.
    fn holds_near(&mut self, index: usize, hull: &Range<usize>) -> Option<Option<Range<usize>>> {
        let matcher = self.matcher;
        let conditions = &matcher.conditions[index];
        let window = self.window(hull);
        if !conditions.contains.is_empty() || !conditions.absent.is_empty() {
            let squeezed = self.subject.squeezed;
            let near = squeezed.index_at(window.start)..squeezed.index_at(window.end);
            let mut has = |number: usize| {
                let text = squeezed.bytes();
                let finder = &matcher.needles[number];
                let word_start = is_short(finder.needle()).then_some(squeezed);
                let sought = Literal { finder, text, whole_word: false, word_start };
                self.checks += 1;
                search(&mut self.literals, matcher.needles.len(), number).within(&sought, &near, &mut self.read)
            };
            if conditions.contains.iter().any(|number| has(*number).is_none())
                || conditions.absent.iter().any(|number| has(*number).is_some())
            {
                return None;
            }
        }
        let mut code = None;
        if !conditions.codes.is_empty() && !matcher.patterns[index].segments.is_empty() {
            let lower = self.lower.get_or_init(|| self.subject.text.to_ascii_lowercase());
            code = conditions.codes.iter().find_map(|&number| {
                let finder = &matcher.needles[number];
                let sought = Literal { finder, text: lower.as_bytes(), whole_word: true, word_start: None };
                self.checks += 1;
                search(&mut self.literals, matcher.needles.len(), number).within(&sought, &window, &mut self.read)
            });
            code.as_ref()?;
        }
        if let (Some(number), Some(regex)) = (conditions.expression, &matcher.patterns[index].regex) {
            let text = self.subject.text;
            // An expression with other letters in it wants them in the text.
            let text = if regex.as_str().is_ascii() { self.ascii.get_or_init(|| ascii(text)) } else { text };
            let sought = Expression { regex, text };
            self.checks += 1;
            search(&mut self.expressions, matcher.expressions.len(), number).within(
                &sought,
                &window,
                &mut self.read,
            )?;
        }
        Some(code)
    }

    /// Checks the remaining conditions and keeps the hit.
    fn keep(&mut self, index: usize, placed: &Placed, code: Option<Range<usize>>) {
        let pattern = &self.matcher.patterns[index];
        let text = self.subject.text;
        let place = (index, placed.hull.start, placed.hull.end);
        if self.kept.contains(&place) {
            return;
        }
        if pattern.standalone && !stands_alone(text, &placed.hull) {
            return;
        }
        for (name, wildcards) in &pattern.captures_like {
            let value = placed.captures.iter().find(|(captured, _)| captured == name).map(|(_, value)| value.as_str());
            // A capture of the regex is looked at once the regex has matched.
            // Nothing is known of one that stood in the missing beginning.
            let missing = value.is_none() && placed.headless && pattern.captures_name(name);
            if missing {
                return;
            }
            if let Some(value) = value
                && !wildcards.iter().any(|wildcard| wildcard.fits(value))
            {
                return;
            }
        }
        let window = self.window(&placed.hull);
        let mut hull = placed.hull.clone();
        let mut coded = pattern.segments.is_empty() && !pattern.codes.is_empty();
        if let Some(code) = code {
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
        let mut captures = placed.captures.clone();
        if let Some(regex) = pattern.regex.as_ref().filter(|regex| !regex.names().is_empty()) {
            let Some(found) = regex.captures(&text[window]) else { return };
            for name in regex.names() {
                if let Some(value) = found.name(name) {
                    captures.push((name.clone(), clean(value.as_str())));
                }
            }
        }
        let coded_fact = pattern.facts.iter().any(|(name, _)| *name == FactName::ErrorCode);
        let by_code = pattern.segments.is_empty() && (coded || coded_fact);
        if self.seen.is_empty() {
            self.seen = vec![0; self.matcher.patterns.len()];
        }
        self.seen[index] += 1;
        self.kept.insert(place);
        let hit = Hit {
            pattern: index,
            hull,
            holes: placed.holes.clone(),
            captures,
            coverage: placed.coverage,
            headless: placed.headless,
            bearing: Bearing::Talk,
        };
        self.hits.push((hit, by_code));
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

    /// Notes what stands in the holes from the one of index `first`; false where a named hole is empty.
    fn fill_holes(&self, holes: &[Option<Hole>], spans: &[Range<usize>], first: usize, placed: &mut Placed) -> bool {
        let text = self.subject.text;
        let squeezed = self.subject.squeezed;
        for (index, hole) in holes.iter().enumerate().take(spans.len() + 1).skip(first) {
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
        let secrets = self.subject.secrets;
        let first = secrets.partition_point(|secret| secret.end <= range.start);
        for secret in secrets[first..].iter().take_while(|secret| secret.start < range.end) {
            shown.push_str(&self.subject.text[at..secret.start.max(at)]);
            shown.push_str(MASK);
            at = secret.end.min(range.end).max(at);
        }
        shown.push_str(&self.subject.text[at..range.end]);
        shown
    }

    /// Places as much of a message as stands between `start` and a cut.
    pub(super) fn cut_message(&self, index: usize, start: usize, cut: usize, at_end: bool) -> Option<Placed> {
        let pattern = &self.matcher.patterns[index];
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
                        let least = if at_end { BEGUN_MIN } else { MARKED_MIN };
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
        self.fill_holes(&pattern.holes[..spans.len()], &spans, 0, &mut placed).then_some(placed)
    }

    /// What is left of words whose beginning is missing, before the hole that ends at `to`.
    fn left_of(&self, words: &Segment, from: usize, to: usize) -> Option<Range<usize>> {
        let (text, squeezed) = (self.subject.text, self.subject.squeezed);
        let bytes = squeezed.bytes();
        let mut near = (from.max(to.saturating_sub(LEFT_MAX))..to).rev();
        let start = near.find(|at| squeezed.boundary(*at) && abruptness(text, squeezed.text_start(*at)).is_some())?;
        let longest = words.bytes.len().min(to - start);
        let left = (MARKED_MIN..=longest).rev().find(|len| {
            words.bytes.ends_with(&bytes[start..start + len]) && (!words.ends_word || squeezed.boundary(start + len))
        })?;
        Some(start..start + left)
    }

    /// What says that the text starts at `at` in the middle of a message, which has `segment` from byte `offset`
    /// there.
    fn cut_before(&self, at: usize, segment: &Segment, offset: usize) -> Option<Abrupt> {
        let (text, squeezed) = (self.subject.text, self.subject.squeezed);
        if !squeezed.boundary(at) {
            return None;
        }
        let start = squeezed.text_start(at);
        let abrupt = abruptness(text, start)?;
        let has = |places: &[u32]| places.binary_search(&(offset as u32)).is_ok();
        // A capital that the message does not have, or has behind a hole, begins a sentence of its own, and a
        // clause of the message can stand alone in another.
        let capital = text[start..].starts_with(char::is_uppercase);
        let own = capital && (offset == 0 || !has(&segment.capitals));
        let whole = own || has(&segment.clauses);
        (abrupt == Abrupt::Ellipsis || !whole).then_some(abrupt)
    }

    /// Places as much of a message as stands before `end`, the end of a segment, where its beginning is missing.
    pub(super) fn rest_of_message(&mut self, index: usize, last: usize, end: usize) -> Option<Placed> {
        self.checks += 1;
        let pattern = &self.matcher.patterns[index];
        let squeezed = self.subject.squeezed;
        let bytes = squeezed.bytes();
        if pattern.segments[last].ends_word && !squeezed.boundary(end) {
            return None;
        }
        let mut spans = vec![0..0; pattern.segments.len()];
        let (mut first, mut to) = (last, end);
        loop {
            let segment = &pattern.segments[first].bytes;
            let pairs = bytes[..to].iter().rev().zip(segment.iter().rev());
            let matched = pairs.take_while(|(a, b)| a == b).count();
            spans[first] = to - matched..to;
            if matched < segment.len() {
                break;
            }
            // With its first segment it is whole, or another of its parts is not there.
            let previous = &pattern.segments[first.checked_sub(1)?].bytes;
            let from = spans[first].start.saturating_sub(HOLE_MAX + previous.len());
            self.checks += 1;
            let window = &bytes[from..spans[first].start];
            let Some(at) = memmem::rfind(window, previous) else {
                if let Some(left) = self.left_of(&pattern.segments[first - 1], from, spans[first].start) {
                    first -= 1;
                    spans[first] = left;
                }
                break;
            };
            to = from + at + previous.len();
            if !hole_fits(pattern, first, to, spans[first].start) {
                break;
            }
            first -= 1;
        }
        let Range { start, end } = spans[first];
        let segment = &pattern.segments[first];
        let cut = |at| Some((at, self.cut_before(at, segment, segment.bytes.len() + at - end)?));
        let (start, abrupt) = (start..end.min(start + HAPPEN_MAX + 1)).find_map(cut)?;
        spans[first].start = start;
        let mut attempts = ATTEMPTS_FEW;
        if !self.after(pattern, last, &mut spans, &mut attempts) {
            return None;
        }
        let literal: usize = spans[first..].iter().map(Range::len).sum();
        let share = literal as f64 / pattern.literal as f64;
        if literal < REST_LITERAL_MIN || !(REST_SHARE_MIN..1.0).contains(&share) {
            return None;
        }
        let hull = spans[first].start..spans.last()?.end;
        let mut placed = Placed::at(squeezed.text_span(self.subject.text, &hull));
        let ends = pattern.holes.last().is_some_and(Option::is_none);
        if abrupt == Abrupt::Start && ends && literal < REST_SURE && goes_on(self.subject.text, placed.hull.end) {
            return None;
        }
        placed.coverage = share;
        placed.headless = true;
        self.fill_holes(&pattern.holes, &spans, first + 1, &mut placed).then_some(placed)
    }
}

/// The search of a number, among `count` that are made when the first is needed.
fn search(searches: &mut Vec<Search>, count: usize, number: usize) -> &mut Search {
    if searches.is_empty() {
        searches.resize(count, Search::default());
    }
    &mut searches[number]
}

/// A named hole holds something; segments without a hole between them follow each other directly.
fn hole_fits(pattern: &Pattern, before_segment: usize, start: usize, end: usize) -> bool {
    match &pattern.holes[before_segment] {
        Some(Hole { name: Some(_) }) => start < end,
        Some(Hole { name: None }) => true,
        None => start == end,
    }
}
