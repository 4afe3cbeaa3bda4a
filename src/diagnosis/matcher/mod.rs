//! Finds every pattern of the rule set in a paste.
//!
//! One Aho-Corasick automaton over an anchor of each pattern (its longest literal) passes over the
//! squeezed text once; only where an anchor stands are its patterns verified, within bounded windows.
//! The same automaton knows the first letters of each message, by which those are found whose end is cut
//! off, and the last ones, by which those are found whose beginning is missing.
//! Patterns that differ in their conditions only are placed once for all (a `Template`).
//!
//! The work is linear in the text, with small constants, for any text and any rule set: `plan` says
//! which occurrences are looked at where a text repeats the words of many rules, `near` reads
//! the text around them once, and attempts, cuts and judged places are counted.

mod around;
mod found;
mod near;
mod plan;

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::Finder;

use super::bearing::Bearing;
use super::facts::Facts;
use super::pattern::{Hole, Pattern, Segment};
use super::squeeze::Squeezed;
use crate::rules::{FactName, RuleSet};
use around::ellipses;
use found::{Found, Placed};
use plan::{Cost, Plan};

/// The longest text that a hole stands for, in squeezed bytes.
const HOLE_MAX: usize = 300;
/// How far further conditions may stand from the match, in bytes of decoded text.
const NEAR: usize = 2_000;
/// Occurrences of one pattern that are looked at; a log may repeat an error for ever.
const OCCURRENCES_MAX: usize = 8;
/// Squeezed bytes by which the start of a cut-off message is found.
const HEAD: usize = 12;
/// Cuts that are looked at in one paste.
const CUTS_MAX: usize = 64;
/// An expression that is looked for in a text outside ASCII costs so many times more.
const SLOW: usize = 32;
/// Starts of a message before one cut that are tried, nearest first.
const STARTS_MAX: usize = 2;
/// Ends of one message in a text whose beginning is looked for.
const ENDS_MAX: usize = 4;

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
    /// What is missing of the message is its beginning.
    pub headless: bool,
    /// How the text brings it up.
    pub bearing: Bearing,
}

/// The compiled rule set.
pub struct Matcher {
    patterns: Vec<Pattern>,
    /// What must be near each pattern.
    conditions: Vec<Conditions>,
    /// Literals of conditions, each once: squeezed texts, and behind them lower-case codes.
    needles: Vec<Finder<'static>>,
    /// The different expressions of the conditions: whether each is written in ASCII.
    expressions: Vec<bool>,
    templates: Vec<Template>,
    /// One automaton for all literals, so that the text is passed over once.
    anchors: AhoCorasick,
    /// For each literal, and behind them for each code, what it leads to.
    sources: Vec<Source>,
    /// The source of each code that stands for itself.
    by_code: HashMap<String, usize>,
    costs: Vec<Cost>,
    by_fact: Vec<(FactName, usize)>,
    /// How far the start of a message can be from its end, in squeezed bytes.
    reach: usize,
}

/// The same words with the same holes.
struct Template {
    /// The first pattern that has them.
    like: usize,
    patterns: Vec<usize>,
}

/// Conditions by their numbers.
#[derive(Default)]
struct Conditions {
    contains: Vec<usize>,
    absent: Vec<usize>,
    codes: Vec<usize>,
    expression: Option<usize>,
}

/// What a literal or a code leads to, where it stands.
#[derive(Default)]
struct Source {
    /// Templates with the index of the segment that it is.
    segments: Vec<(usize, usize)>,
    /// Patterns without a message, one of whose further texts it is, or whose code.
    texts: Vec<usize>,
    /// Templates that begin with it.
    heads: Vec<usize>,
    /// Templates with the index of a segment that ends with it: the last that is long enough.
    tails: Vec<(usize, usize)>,
}

/// Where a source stands.
#[derive(Debug, Clone, Copy)]
struct Occurrence {
    source: usize,
    /// In squeezed bytes for a literal, in bytes of the text for a code.
    start: usize,
    end: usize,
}

impl Matcher {
    /// Compiles a rule set.
    pub fn new(rules: &RuleSet) -> Self {
        let mut patterns = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            patterns
                .extend(rule.matches.iter().enumerate().map(|(number, spec)| Pattern::new(index, rule, number, spec)));
        }
        let templates = templates(&patterns);
        let mut anchors = Index::default();
        for (number, template) in templates.iter().enumerate() {
            let segments = &patterns[template.like].segments;
            let longest = segments.iter().enumerate().max_by_key(|(_, segment)| segment.bytes.len());
            if let Some((segment, Segment { bytes, .. })) = longest {
                anchors.at(bytes).segments.push((number, segment));
            }
            if let Some(head) = segments.first().and_then(|first| first.bytes.get(..HEAD)) {
                anchors.at(head).heads.push(number);
            }
            let ends = |(at, segment): (usize, &Segment)| Some((at, segment.bytes.len().checked_sub(HEAD)?));
            if template.patterns.iter().any(|pattern| !patterns[*pattern].standalone)
                && let Some((segment, from)) = segments.iter().enumerate().rev().find_map(ends)
            {
                anchors.at(&segments[segment].bytes[from..]).tails.push((number, segment));
            }
        }
        let mut codes: Vec<(String, Vec<usize>)> = Vec::new();
        let mut by_code = HashMap::new();
        let mut by_fact = Vec::new();
        for (index, pattern) in patterns.iter().enumerate().filter(|(_, pattern)| pattern.segments.is_empty()) {
            if !pattern.codes.is_empty() {
                for code in &pattern.codes {
                    let number = *by_code.entry(code.clone()).or_insert_with(|| {
                        codes.push((code.clone(), Vec::new()));
                        codes.len() - 1
                    });
                    codes[number].1.push(index);
                }
            } else if let Some((fact, _)) = pattern.facts.first() {
                by_fact.push((*fact, index));
            } else if let Some(text) = pattern.contains.iter().max_by_key(|text| text.len()) {
                anchors.at(text).texts.push(index);
            }
        }
        let (anchors, mut sources) = anchors.build();
        by_code.values_mut().for_each(|number| *number += sources.len());
        sources.extend(codes.into_iter().map(|(_, texts)| Source { texts, ..Source::default() }));
        let (conditions, needles, expressions) = conditions(&patterns);
        let costs = sources.iter().map(|source| cost(source, &templates, &patterns, &conditions)).collect();
        let reach = patterns.iter().map(reach).max().unwrap_or(0);
        Self { patterns, conditions, needles, expressions, templates, anchors, sources, by_code, costs, by_fact, reach }
    }

    /// The patterns, by the index that a [`Hit`] names.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Every pattern that holds in the paste, with each place where it does.
    pub fn hits(&self, subject: &Subject<'_>) -> Vec<Hit> {
        self.counted(subject).0
    }

    /// The hits, and what finding them cost, in checks.
    fn counted(&self, subject: &Subject<'_>) -> (Vec<Hit>, usize) {
        let mut occurrences: Vec<Occurrence> = self
            .anchors
            .find_overlapping_iter(subject.squeezed.bytes())
            .map(|at| Occurrence { source: at.pattern().as_usize(), start: at.start(), end: at.end() })
            .collect();
        let literals = occurrences.len();
        self.codes(subject.text, &mut occurrences);
        let mut found = Found::new(self, subject);
        let sources = occurrences.iter().map(|occurrence| occurrence.source);
        let mut plan = Plan::new(sources, &self.costs, subject.text.len(), || self.weights(subject.text));
        for (number, occurrence) in occurrences.iter().enumerate() {
            if !plan.takes(occurrence.source) {
                continue;
            }
            let source = &self.sources[occurrence.source];
            let at = occurrence.start..occurrence.end;
            for &(template, segment) in &source.segments {
                found.message(&self.templates[template], segment, at.clone());
            }
            let amid = number < literals
                && is_short(&subject.squeezed.bytes()[at.clone()])
                && !subject.squeezed.boundary(at.start);
            if !source.texts.is_empty() && !amid {
                let text = if number < literals { subject.squeezed.text_span(subject.text, &at) } else { at };
                for &pattern in &source.texts {
                    found.place(pattern, &Placed::at(text.clone()));
                }
            }
        }
        for &(fact, pattern) in &self.by_fact {
            let wildcards = self.patterns[pattern].facts.first().map(|(_, wildcards)| wildcards.as_slice());
            for fact in subject.facts.all(fact).take(OCCURRENCES_MAX) {
                if wildcards.unwrap_or_default().iter().any(|wildcard| wildcard.fits(&fact.value)) {
                    found.place(pattern, &Placed::at(fact.span.clone()));
                }
            }
        }
        self.cut_off(&mut found, &occurrences[..literals]);
        self.headless(&mut found, &occurrences[..literals]);
        found.finish()
    }

    /// How much more than usual each expression costs in a text.
    fn weights(&self, text: &str) -> Vec<usize> {
        let plain = text.is_ascii();
        self.expressions.iter().map(|ascii| if plain || *ascii { 1 } else { SLOW }).collect()
    }

    /// Adds where codes stand that some pattern knows.
    fn codes(&self, text: &str, occurrences: &mut Vec<Occurrence>) {
        let is_code_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let len = bytes[at..].iter().take_while(|&&byte| is_code_byte(byte)).count();
            let plausible = len > 4 && len <= 64 && is_coded(&bytes[at..at + len]);
            if plausible && let Some(&source) = self.by_code.get(&text[at..at + len].to_ascii_lowercase()) {
                occurrences.push(Occurrence { source, start: at, end: at + len });
            }
            at += len.max(1);
        }
    }

    /// Messages that an ellipsis or the end of the paste cuts off.
    fn cut_off(&self, found: &mut Found<'_>, occurrences: &[Occurrence]) {
        let begins = |occurrence: &&Occurrence| !self.sources[occurrence.source].heads.is_empty();
        let mut heads: Vec<Occurrence> = occurrences.iter().filter(begins).copied().collect();
        if heads.is_empty() {
            return;
        }
        // The automaton tells of what ends first.
        heads.sort_by_key(|head| head.start);
        let (text, squeezed) = (found.subject.text, found.subject.squeezed);
        let end = squeezed.bytes().len();
        let mut cuts: Vec<usize> = ellipses(text).take(CUTS_MAX).map(|at| squeezed.index_at(at)).collect();
        // A paste that simply ends says less than one that ends in an ellipsis.
        let simply_ends = cuts.last() != Some(&end);
        if simply_ends {
            cuts.push(end);
        }
        for cut in cuts {
            let before = heads.partition_point(|head| head.start < cut);
            let mut tried: Vec<(usize, usize)> = Vec::new();
            for head in heads[..before].iter().rev().take_while(|head| head.start + self.reach >= cut) {
                match tried.iter_mut().find(|(source, _)| *source == head.source) {
                    Some((_, times)) if *times == STARTS_MAX => continue,
                    Some((_, times)) => *times += 1,
                    None => tried.push((head.source, 1)),
                }
                for &template in &self.sources[head.source].heads {
                    let template = &self.templates[template];
                    // A message spans its letters and its holes; a cut further away is not its own.
                    if cut > head.start + reach(&self.patterns[template.like]) {
                        continue;
                    }
                    if let Some(placed) = found.cut_message(template.like, head.start, cut, simply_ends && cut == end) {
                        for &pattern in &template.patterns {
                            found.place(pattern, &placed);
                        }
                    }
                }
            }
        }
    }

    /// Messages whose beginning is missing: what is left of a line or a quotation starts in the middle.
    fn headless(&self, found: &mut Found<'_>, occurrences: &[Occurrence]) {
        let mut tried: HashMap<usize, usize> = HashMap::new();
        for occurrence in occurrences {
            let tails = &self.sources[occurrence.source].tails;
            if tails.is_empty() {
                continue;
            }
            let times = tried.entry(occurrence.source).or_default();
            *times += 1;
            if *times > ENDS_MAX {
                continue;
            }
            for &(template, segment) in tails {
                let template = &self.templates[template];
                if let Some(placed) = found.rest_of_message(template.like, segment, occurrence.end) {
                    for &pattern in template.patterns.iter().filter(|pattern| !self.patterns[**pattern].standalone) {
                        found.place(pattern, &placed);
                    }
                }
            }
        }
    }
}

/// Groups patterns by their messages.
fn templates(patterns: &[Pattern]) -> Vec<Template> {
    let mut templates: Vec<Template> = Vec::new();
    let mut known: HashMap<(&[Segment], &[Option<Hole>]), usize> = HashMap::new();
    for (index, pattern) in patterns.iter().enumerate().filter(|(_, pattern)| !pattern.segments.is_empty()) {
        let number = *known.entry((&pattern.segments, &pattern.holes)).or_insert_with(|| {
            templates.push(Template { like: index, patterns: Vec::new() });
            templates.len() - 1
        });
        templates[number].patterns.push(index);
    }
    templates
}

/// Numbers the conditions of all patterns.
fn conditions(patterns: &[Pattern]) -> (Vec<Conditions>, Vec<Finder<'static>>, Vec<bool>) {
    let mut numbers: HashMap<(bool, &[u8]), usize> = HashMap::new();
    let mut needles = Vec::new();
    // A rule often has the same expression in several of its matches.
    let mut expressions: HashMap<&str, usize> = HashMap::new();
    let mut all = Vec::new();
    for pattern in patterns {
        // A code is looked for in another text than a literal, so it has a number of its own.
        let mut number = |code: bool, literal| {
            *numbers.entry((code, literal)).or_insert_with(|| {
                needles.push(Finder::new(literal).into_owned());
                needles.len() - 1
            })
        };
        let next = expressions.len();
        all.push(Conditions {
            contains: pattern.contains.iter().map(|text| number(false, text)).collect(),
            absent: pattern.absent.iter().map(|text| number(false, text)).collect(),
            codes: pattern.codes.iter().map(|code| number(true, code.as_bytes())).collect(),
            expression: pattern.regex.as_ref().map(|regex| *expressions.entry(regex.as_str()).or_insert(next)),
        });
    }
    let mut ascii = vec![true; expressions.len()];
    expressions.iter().for_each(|(regex, number)| ascii[*number] = regex.is_ascii());
    (all, needles, ascii)
}

fn cost(source: &Source, templates: &[Template], patterns: &[Pattern], conditions: &[Conditions]) -> Cost {
    let mut cost = Cost { checks: 1, expressions: Vec::new() };
    let mut add = |pattern: usize| {
        let Conditions { contains, absent, codes, expression } = &conditions[pattern];
        cost.checks += 1 + contains.len() + absent.len() + codes.len() + patterns[pattern].facts.len();
        cost.expressions.extend(expression.filter(|number| !cost.expressions.contains(number)));
    };
    source.texts.iter().for_each(|pattern| add(*pattern));
    for (template, _) in &source.segments {
        templates[*template].patterns.iter().for_each(|pattern| add(*pattern));
    }
    for (template, _) in &source.segments {
        cost.checks += patterns[templates[*template].like].segments.len();
    }
    cost
}

/// How far the start of a message can be from its end, in squeezed bytes.
fn reach(pattern: &Pattern) -> usize {
    pattern.literal + HOLE_MAX * pattern.holes.iter().flatten().count()
}

/// Literals with what each leads to, on the way to an automaton.
#[derive(Default)]
struct Index {
    ids: HashMap<Vec<u8>, usize>,
    literals: Vec<Vec<u8>>,
    sources: Vec<Source>,
}

impl Index {
    fn at(&mut self, literal: &[u8]) -> &mut Source {
        let id = *self.ids.entry(literal.to_vec()).or_insert_with(|| {
            self.literals.push(literal.to_vec());
            self.sources.push(Source::default());
            self.literals.len() - 1
        });
        &mut self.sources[id]
    }

    fn build(self) -> (AhoCorasick, Vec<Source>) {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&self.literals)
            .expect("literals of rule files are far below the automaton's limits");
        (automaton, self.sources)
    }
}

/// Whether a word may be a code: it has a digit or an underscore, or is in capitals.
fn is_coded(word: &[u8]) -> bool {
    word.iter().any(|byte| byte.is_ascii_digit() || *byte == b'_') || word.iter().all(u8::is_ascii_uppercase)
}

/// Whether a text near a match is so short that its letters stand inside many words ("is so slow" has "SSO"),
/// so that it must start where a word starts.
fn is_short(text: &[u8]) -> bool {
    const LETTERS: usize = 3;
    text.len() <= LETTERS
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::plan::CHECKS_MAX;
    use super::{Matcher, Subject};
    use crate::diagnosis::{Engine, Facts, Squeezed};
    use crate::rules::{Part, RuleSet, Scope, Source};

    static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::load(&[Source::BuiltIn]).0);
    static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(&RULES));
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::load(&[Source::BuiltIn]).expect("sound rules"));

    /// What matching costs, in checks.
    fn cost(text: &str) -> usize {
        let squeezed = Squeezed::new(text, &[]);
        let facts = Facts::read(text);
        MATCHER.counted(&Subject { text, squeezed: &squeezed, facts: &facts, secrets: &[] }).1
    }

    /// The words that rules look for, and whole messages.
    fn words() -> Vec<String> {
        let specs = || RULES.iter().flat_map(|rule| &rule.matches);
        let messages = specs().filter_map(|spec| spec.message.as_ref()).flat_map(|message| {
            let literals = message.parts.iter().filter_map(|part| match part {
                Part::Literal(text) => Some(text.clone()),
                Part::Hole(_) => None,
            });
            let literals: Vec<String> = literals.collect();
            [literals.join(" x "), literals.into_iter().max_by_key(String::len).unwrap_or_default()]
        });
        messages.chain(specs().flat_map(|spec| spec.contains.iter().chain(&spec.codes).cloned())).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn work_is_linear_and_bounded(
            picked in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
            between in prop_oneof![Just(" "), Just("\n"), Just(" … "), Just(" é 'x': \"")],
            len in 1_000usize..60_000,
        ) {
            static WORDS: LazyLock<Vec<String>> = LazyLock::new(words);
            let piece: String = picked.iter().map(|index| format!("{}{between}", index.get(&WORDS))).collect();
            let text = piece.repeat(len / piece.len() + 1);
            let cost = cost(&text);
            // Few occurrences cost what their windows cost; many of them share those.
            prop_assert!(cost <= 50_000 + 60 * text.len(), "{} for {} bytes", cost, text.len());
            prop_assert!(cost <= 3 * CHECKS_MAX, "{} for {} bytes", cost, text.len());
        }
    }

    #[test]
    fn a_short_text_near_a_match_starts_a_word() {
        assert!(super::is_short(b"sso") && !super::is_short(b"saml"));
        let squeezed = Squeezed::new("it is so slow, SSO", &[]);
        let starts = |at: usize| squeezed.boundary(at);
        let places: Vec<bool> = memchr::memmem::find_iter(squeezed.bytes(), b"sso").map(starts).collect();
        assert_eq!(places, [false, true]);
    }

    #[test]
    fn an_error_is_found_among_thousands_of_near_misses() {
        let error = "Automatic provisioning of user dana@example.com to app ShareFile failed: Error creating authenticated \
            session to app ShareFile. The credentials used to connect to the API were invalid.\n";
        let near = "Automatic provisioning of user x@example.com to app Acme failed: Error while creating user \
            x@example.com: Bad Gateway. Errors reported by remote server: try again later\n";
        for (before, after) in [(0, 2_500), (1_250, 1_250), (2_500, 0)] {
            let text = format!("{}{error}{}", near.repeat(before), near.repeat(after));
            let outcome = ENGINE.diagnose(&text, Scope::Okta);
            let rules: Vec<&str> = outcome.diagnoses.iter().map(|diagnosis| diagnosis.rule.as_str()).collect();
            assert!(rules.contains(&"provisioning/sharefile-invalid-credentials"), "{before} before: {rules:?}");
        }
    }
}
