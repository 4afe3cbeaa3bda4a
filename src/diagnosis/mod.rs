//! The engine: from a paste to diagnoses. Pure and total: no I/O, no clock, no platform.
//!
//! The stages, in order: [`decode`] undoes what chat and tools did to the text, [`crate::redact`]
//! finds secrets, [`facts`] reads codes and ids, [`squeeze`] reduces the text to what is compared,
//! [`matcher`] finds the patterns of the rules, [`bearing`] and [`context`] say whether a hit is
//! meant, [`rank`] decides which rule explains which error. Each stage is a function of its own,
//! linear in the paste.
//!
//! Nearly all messages need no answer, so the common path is short: decoding leaves a text without
//! markers as it is, a gate tells which kinds of secrets and facts can be there at all (see
//! `redact::gate`), one automaton looks for the anchors of all patterns, and where none of
//! them is found, bearing, context and ranking are not asked. Skipping is valid because each skipped
//! step could only have worked on what was not found; property tests beside each gate hold it.

pub mod bearing;
pub mod context;
pub mod decode;
pub mod facts;
pub mod file;
pub mod matcher;
pub mod pattern;
pub mod rank;
pub mod squeeze;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use context::Context;
use decode::Decoded;
pub use facts::{Fact, Facts};
use matcher::{Hit, Matcher, Subject};
use rank::{Ranked, Ranking};
use squeeze::Squeezed;

use crate::redact::{self, MASK, Secret};
use crate::rules::{Confidence, ContextNeed, FactName, Problem, Rule, RuleId, RuleSet, Scope, Source, Status};

/// The most that is read of one paste, in bytes. Chat messages are far smaller; a longer file is
/// read up to here and the outcome says so.
pub const PASTE_MAX: usize = 512 * 1024;
/// A quotation of what was recognised is shortened to this many characters.
const QUOTE_MAX: usize = 300;
/// Rules that are offered beside the diagnoses.
const NEAR_MAX: usize = 5;

/// The facts that any rule's page may use, whether or not a match captured them.
pub const FACT_CAPTURES: [FactName; 5] =
    [FactName::ErrorId, FactName::OktaHost, FactName::RequestId, FactName::HttpStatus, FactName::ErrorCode];

/// A rule that explains an error of a paste.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// The rule.
    pub rule: RuleId,
    /// How sure that is.
    pub confidence: Confidence,
    /// Values taken from the paste, secrets masked.
    pub captures: BTreeMap<String, String>,
    /// Where the paste has what was recognised, in bytes of the paste.
    pub spans: Vec<Range<usize>>,
    /// What was recognised, decoded, secrets masked, shortened.
    pub quote: String,
    /// How often the paste has it.
    pub count: usize,
    /// What it was recognised by.
    pub evidence: Vec<Evidence>,
}

/// Something in a paste by which a rule was recognised.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// The words of the message.
    Message,
    /// The words of the message, of which this share is there: its end is cut off, or its beginning is missing.
    CutMessage(f64),
    /// An error code.
    Code(String),
    /// A value read from the structure of the paste.
    Fact(FactName, String),
    /// A text near the rest, as the rule has it.
    Nearby(String),
    /// Okta is not named; the channel implies it.
    ImpliedByChannel,
}

/// What the engine says about one paste.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// One diagnosis for each error, best first.
    pub diagnoses: Vec<Diagnosis>,
    /// Whether the bot would answer by itself in a channel of the scope.
    pub answered: bool,
    /// What was read from the paste whatever the rules say.
    pub facts: Facts,
    /// Secrets in the paste, in bytes of the paste.
    pub secrets: Vec<Secret>,
    /// Rules worth offering when somebody asked, never posted unasked.
    pub near: Vec<RuleId>,
    /// The paste was longer than [`PASTE_MAX`] and its end was not read.
    pub cut: bool,
}

/// Rule files that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRules(pub Vec<Problem>);

impl fmt::Display for BrokenRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rules have problems (`oktriage rules check` finds more):")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

impl std::error::Error for BrokenRules {}

/// A rule set, compiled.
pub struct Engine {
    rules: Arc<RuleSet>,
    matcher: Matcher,
}

impl Engine {
    /// Compiles a rule set.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let matcher = Matcher::new(&rules);
        Self { rules, matcher }
    }

    /// Reads and compiles the rules of all sources; the error lists every problem of their files.
    pub fn load(sources: &[Source]) -> Result<Self, BrokenRules> {
        let (rules, problems) = RuleSet::load(sources);
        if problems.is_empty() { Ok(Self::new(Arc::new(rules))) } else { Err(BrokenRules(problems)) }
    }

    /// The rules of this engine.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The rule of a diagnosis of this engine.
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.get(id)
    }

    /// Diagnoses a paste as if posted in a channel of `scope`.
    pub fn diagnose(&self, paste: &str, scope: Scope) -> Outcome {
        let (paste, cut) = bounded(paste);
        let decoded = Decoded::new(paste);
        let secrets = secrets(paste, &decoded);
        let text = masked(decoded.text(), &secrets.decoded);
        let facts = Facts::read(&text);
        let squeezed = Squeezed::new(&text, &secrets.decoded);
        let subject = Subject { text: &text, squeezed: &squeezed, facts: &facts, secrets: &secrets.decoded };
        let hits = self.matcher.hits(&subject);
        if hits.is_empty() {
            // Both diagnoses and offers are made of hits.
            return Outcome { facts, secrets: secrets.source, cut, ..Outcome::default() };
        }
        let context = Context::read(&text);
        let rank = |eligible: &dyn Fn(Status) -> bool| -> Ranking {
            let eligible = |rule: usize| self.rules.at(rule).is_some_and(|rule| eligible(rule.status));
            rank::rank(&hits, self.matcher.patterns(), context, scope, eligible, &text)
        };

        let mut ranking = rank(&|status| status != Status::Deprecated);
        let postable = |ranked: &Ranked| self.rules.at(ranked.rule).is_some_and(|rule| rule.status == Status::Stable);
        if !ranking.best.first().is_none_or(postable) {
            // What may be posted leads, so that everybody sees the same answer; the preview follows.
            let stable = rank(&|status| status == Status::Stable).best;
            let others: Vec<_> = ranking.best.into_iter().filter(|ranked| !postable(ranked)).collect();
            ranking.best = stable.into_iter().chain(others).collect();
        }
        let answered = ranking.best.first().is_some_and(postable);
        let diagnoses =
            ranking.best.into_iter().filter_map(|ranked| self.diagnosis(ranked, &subject, &decoded, context)).collect();
        let near =
            ranking.near.iter().take(NEAR_MAX).filter_map(|rule| Some(self.rules.at(*rule)?.id.clone())).collect();
        Outcome { diagnoses, answered, facts, secrets: secrets.source, near, cut }
    }

    fn diagnosis(
        &self,
        ranked: Ranked,
        subject: &Subject<'_>,
        decoded: &Decoded,
        context: Context,
    ) -> Option<Diagnosis> {
        let evidence = self.evidence(&ranked.hit, subject, context);
        let mut captures: BTreeMap<String, String> = FACT_CAPTURES
            .into_iter()
            .filter_map(|name| {
                let near =
                    subject.facts.all(name).min_by_key(|fact| fact.span.start.abs_diff(ranked.hit.hull.start))?;
                Some((name.as_str().to_owned(), near.value.clone()))
            })
            .collect();
        captures.extend(ranked.hit.captures);
        let hull = ranked.hit.hull;
        Some(Diagnosis {
            rule: self.rules.at(ranked.rule)?.id.clone(),
            confidence: ranked.confidence,
            captures,
            spans: vec![decoded.source(&hull)],
            quote: quote(&subject.text[hull]),
            count: ranked.count,
            evidence,
        })
    }

    /// What a hit rests on, the strongest first.
    fn evidence(&self, hit: &Hit, subject: &Subject<'_>, context: Context) -> Vec<Evidence> {
        let pattern = &self.matcher.patterns()[hit.pattern];
        let mut evidence = Vec::new();
        if !pattern.segments.is_empty() {
            evidence.push(if hit.coverage < 1.0 { Evidence::CutMessage(hit.coverage) } else { Evidence::Message });
        }
        let hull = subject.text[hit.hull.clone()].to_lowercase();
        evidence.extend(
            pattern.codes.iter().find(|code| hull.contains(*code)).map(|code| Evidence::Code(code.to_uppercase())),
        );
        for (name, wildcards) in &pattern.facts {
            let fact =
                subject.facts.all(*name).find(|fact| wildcards.iter().any(|wildcard| wildcard.fits(&fact.value)));
            evidence.extend(fact.map(|fact| Evidence::Fact(*name, fact.value.clone())));
        }
        let spec = self.rules.at(pattern.rule).and_then(|rule| rule.matches.get(pattern.spec));
        evidence.extend(spec.into_iter().flat_map(|spec| &spec.contains).map(|text| Evidence::Nearby(text.clone())));
        if pattern.needs_context == ContextNeed::Implied && !context.okta_evident {
            evidence.push(Evidence::ImpliedByChannel);
        }
        evidence
    }
}

/// At most [`PASTE_MAX`] bytes of a paste, and whether that is less than all.
fn bounded(paste: &str) -> (&str, bool) {
    if paste.len() <= PASTE_MAX {
        return (paste, false);
    }
    let mut end = PASTE_MAX;
    while !paste.is_char_boundary(end) {
        end -= 1;
    }
    (&paste[..end], true)
}

struct Secrets {
    /// Spans in the decoded text.
    decoded: Vec<Range<usize>>,
    /// Spans in the paste, with their kinds.
    source: Vec<Secret>,
}

/// Looks for secrets both in the paste and in what it decodes to: escapes can hide them, and
/// decoding can take them apart.
fn secrets(paste: &str, decoded: &Decoded) -> Secrets {
    let in_decoded = redact::find(decoded.text());
    if decoded.is_verbatim() {
        return Secrets { decoded: in_decoded.iter().map(|secret| secret.span.clone()).collect(), source: in_decoded };
    }
    let mut source: Vec<Secret> = Vec::new();
    for secret in &in_decoded {
        // What an appended part repeats stands for the same bytes of the paste.
        redact::insert_apart(&mut source, Secret { kind: secret.kind, span: decoded.source(&secret.span) });
    }
    let mut spans: Vec<Range<usize>> = in_decoded.into_iter().map(|secret| secret.span).collect();
    let hidden = redact::merge_apart(&mut source, redact::find(paste));
    spans.extend(decoded.decoded_spans(&hidden));
    spans.sort_by_key(|span| span.start);
    let mut apart: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match apart.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    Secrets { decoded: apart, source }
}

/// The text with each byte of a secret replaced, so that offsets stay.
fn masked<'t>(text: &'t str, secrets: &[Range<usize>]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets {
        masked.push_str(&text[at..secret.start]);
        masked.extend(std::iter::repeat_n('*', secret.len()));
        at = secret.end;
    }
    masked.push_str(&text[at..]);
    Cow::Owned(masked)
}

/// One line of at most [`QUOTE_MAX`] characters; runs of `*` are secrets that were masked.
fn quote(recognised: &str) -> String {
    let mut quote = String::new();
    for word in squeeze::one_line(recognised).split(' ') {
        if !quote.is_empty() {
            quote.push(' ');
        }
        if quote.chars().count() + word.chars().count() > QUOTE_MAX {
            quote.push('…');
            break;
        }
        let stars = word.find("************");
        match stars {
            Some(start) => {
                let end = word.rfind('*').map_or(word.len(), |last| last + 1);
                quote.push_str(&word[..start]);
                quote.push_str(MASK);
                quote.push_str(&word[end..]);
            }
            None => quote.push_str(word),
        }
    }
    quote
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::bearing;
    use super::context::Context;
    use super::{Engine, Evidence, Outcome};
    use crate::rules::{Scope, Source};

    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::load(&[Source::Dir(PathBuf::from("tests/rules"))]).expect("sound rules"));

    /// The rule that answers, and how much of its message is there.
    fn answer(paste: &str, scope: Scope) -> Option<(String, f64)> {
        let outcome = ENGINE.diagnose(paste, scope);
        let diagnosis = outcome.diagnoses.first().filter(|_| outcome.answered)?;
        let share = match diagnosis.evidence.first() {
            Some(Evidence::CutMessage(share)) => *share,
            _ => 1.0,
        };
        Some((diagnosis.rule.to_string(), share))
    }

    #[test]
    fn a_message_is_known_without_its_beginning() {
        const RULE: &str = "provisioning/sharefile-invalid-credentials";
        for (paste, least) in [
            ("ShareFile: …app ShareFile failed: The credentials used to connect to the API were invalid", 0.7),
            ("we get\nto app ShareFile failed: The credentials used to connect to the API were invalid.", 0.7),
            ("> user dana to app ShareFile failed: The\n> credentials used to connect to the API were invalid", 0.7),
            ("ser dana to app ShareFile failed: The credentials used to connect to the API were invalid", 0.7),
        ] {
            let (rule, share) = answer(paste, Scope::Okta).expect(paste);
            assert!(rule == RULE && share > least && share < 1.0, "{paste}: {rule} {share}");
        }
        for paste in [
            // Too little of it, and which app it is about is not known.
            "…credentials used to connect to the API were invalid",
            "…failed: The credentials used to connect to the API were invalid",
            // The sentence goes on, or does not start here.
            "to app ShareFile failed: The credentials used to connect to the API were invalid said he",
            "some others to app ShareFile failed: The credentials used to connect to the API were invalid",
            "app ShareFile failed: The credentials used to connect to the API were invalid (Keycloak)",
        ] {
            assert_eq!(answer(paste, Scope::Okta), None, "{paste}");
        }
        // What says that it is Okta's may have stood in the beginning.
        let paste = "to app ShareFile failed: The credentials used to connect to the API were invalid";
        assert!(answer(paste, Scope::Okta).is_some() && answer(paste, Scope::Mixed).is_none());
        assert!(answer(&format!("okta …{paste}"), Scope::Mixed).is_some());
    }

    /// Pieces of real pastes in any order: matching, ranking and quoting meet half messages, nested
    /// wrappers and repetitions.
    fn pastes() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("Automatic provisioning of user ".to_owned()),
            Just("dana to app ShareFile failed: Error creating authenticated session to app ".to_owned()),
            Just("The credentials used to connect to the API were invalid".to_owned()),
            Just("Error authenticating: Forbidden. Errors reported by remote server".to_owned()),
            Just("\"errorCode\":\"E0000011\",".to_owned()),
            Just("SSWS 00QCjAl4MlVxWPXMxABCDEFGHIJKLMN012345678ab ".to_owned()),
            Just("…\n\n".to_owned()),
            "\\PC{0,12}",
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_paste_is_diagnosed_within_its_bounds(paste in pastes()) {
            for scope in [Scope::Okta, Scope::Mixed] {
                let outcome: Outcome = ENGINE.diagnose(&paste, scope);
                prop_assert_eq!(&ENGINE.diagnose(&paste, scope), &outcome);
                prop_assert!(!outcome.answered || !outcome.diagnoses.is_empty());
                for diagnosis in &outcome.diagnoses {
                    prop_assert!(diagnosis.spans.iter().all(|span| paste.get(span.clone()).is_some()));
                    let said = format!("{} {:?}", diagnosis.quote, diagnosis.captures);
                    prop_assert!(!said.contains("QCjAl4MlVxWPXMx"), "{}", said);
                }
            }
        }

        #[test]
        fn any_place_has_a_bearing_and_any_text_a_context(text in pastes(), at in 0usize..400, len in 0usize..40) {
            let floor = |mut index: usize| {
                index = index.min(text.len());
                while !text.is_char_boundary(index) {
                    index -= 1;
                }
                index
            };
            let span = floor(at)..floor(at + len);
            bearing::of_code(&text, &span);
            bearing::of_message(&text, &span);
            Context::read(&text);
        }
    }
}
