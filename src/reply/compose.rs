//! From diagnoses to what is said about them.

use std::collections::BTreeMap;

use super::{Answer, Look, Offer, Reply, RichText, Span, words};
use crate::diagnosis::{Diagnosis, Engine, Outcome};
use crate::redact::SecretKind;
use crate::rules::{FactName, Inline, Piece, Rule, RuleId, Status, Text};

/// A captured value is shown with at most this many characters.
pub const CAPTURE_SHOWN_MAX: usize = 80;

/// Builds replies from the rules of an engine.
#[derive(Clone, Copy)]
pub struct Composer<'e> {
    engine: &'e Engine,
}

impl<'e> Composer<'e> {
    /// A composer over the rules of `engine`.
    pub fn new(engine: &'e Engine) -> Self {
        Self { engine }
    }

    /// What the bot posts by itself; `None` when it has nothing to say.
    pub fn unasked(&self, outcome: &Outcome) -> Option<Reply> {
        let postable = |diagnosis: &&Diagnosis| {
            self.engine.rule(&diagnosis.rule).is_some_and(|rule| rule.status == Status::Stable)
        };
        let answers: Vec<Answer> = if outcome.answered {
            outcome.diagnoses.iter().filter(postable).filter_map(|diagnosis| self.answer(diagnosis)).collect()
        } else {
            Vec::new()
        };
        let reply = Reply { secrets: secret_words(outcome), answers, ids: ids(outcome), ..Reply::default() };
        (!reply.answers.is_empty() || !reply.secrets.is_empty()).then_some(reply)
    }

    /// What the bot says to somebody who asked: always something.
    pub fn asked(&self, outcome: &Outcome) -> Reply {
        let answers: Vec<Answer> = outcome.diagnoses.iter().filter_map(|diagnosis| self.answer(diagnosis)).collect();
        let offers = self.offers(&outcome.near);
        let note = match (answers.is_empty(), offers.is_empty()) {
            (false, _) => None,
            (true, false) => Some(words::NOTHING_SURE.to_owned()),
            (true, true) => Some(words::NOTHING_KNOWN.to_owned()),
        };
        Reply { secrets: secret_words(outcome), answers, offers, note, ids: ids(outcome) }
    }

    /// The page of one rule with the rules that come near, for a look-up.
    pub fn looked_up(&self, found: &[RuleId]) -> Reply {
        let Some((first, others)) = found.split_first() else {
            return Reply { note: Some(words::NOTHING_KNOWN.to_owned()), ..Reply::default() };
        };
        let answers = self.engine.rule(first).map(|rule| page(rule, &BTreeMap::new())).into_iter().collect();
        Reply { answers, offers: self.offers(others), ..Reply::default() }
    }

    /// A diagnosis as a page; `None` only when the rule is not of this engine.
    fn answer(&self, diagnosis: &Diagnosis) -> Option<Answer> {
        let mut answer = page(self.engine.rule(&diagnosis.rule)?, &diagnosis.captures);
        answer.confidence = Some(diagnosis.confidence.to_string());
        answer.quote = Some(diagnosis.quote.clone());
        answer.count = diagnosis.count;
        answer.evidence = diagnosis.evidence.iter().map(words::evidence).collect();
        Some(answer)
    }

    /// Rules by their titles.
    pub fn offers(&self, rules: &[RuleId]) -> Vec<Offer> {
        rules
            .iter()
            .filter_map(|id| Some(Offer { rule: id.to_string(), title: self.engine.rule(id)?.title.clone() }))
            .collect()
    }
}

/// Ids in a reply; a long log has many, and the first ones are those of the error.
const IDS_MAX: usize = 4;

fn ids(outcome: &Outcome) -> Vec<String> {
    let ids = [FactName::ErrorId, FactName::RequestId].into_iter().flat_map(|name| outcome.facts.all(name));
    let mut ids: Vec<String> = ids.map(|fact| fact.value.clone()).collect();
    ids.dedup();
    ids.truncate(IDS_MAX);
    ids
}

fn secret_words(outcome: &Outcome) -> Vec<String> {
    let mut kinds: Vec<SecretKind> = outcome.secrets.iter().map(|secret| secret.kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds.into_iter().map(|kind| words::secret(kind).to_owned()).collect()
}

/// A rule's page with captures filled in.
pub fn fill(text: &Text, captures: &BTreeMap<String, String>) -> RichText {
    let mut spans = Vec::new();
    fill_inlines(&text.inlines, Look::Plain, None, captures, &mut spans);
    spans
}

fn page(rule: &Rule, captures: &BTreeMap<String, String>) -> Answer {
    let all = |texts: &[Text]| texts.iter().map(|text| fill(text, captures)).collect();
    Answer {
        rule: rule.id.to_string(),
        title: rule.title.clone(),
        confidence: None,
        quote: None,
        evidence: Vec::new(),
        count: 1,
        cause: fill(&rule.page.cause, captures),
        checks: all(&rule.page.checks),
        for_user: all(&rule.page.for_user),
        steps: all(&rule.page.steps),
        fixed_by: rule.fixed_by.to_string(),
        engines: rule.engines.iter().map(|engine| engine.to_string()).collect(),
        sources: rule.sources.clone(),
        reviewed: rule.reviewed.clone(),
        preview: rule.status == Status::Preview,
    }
}

fn fill_inlines(
    inlines: &[Inline],
    look: Look,
    link: Option<&str>,
    captures: &BTreeMap<String, String>,
    spans: &mut RichText,
) {
    for inline in inlines {
        match inline {
            Inline::Plain(pieces) => fill_pieces(pieces, look, link, captures, spans),
            Inline::Code(pieces) => fill_pieces(pieces, Look::Code, link, captures, spans),
            Inline::Strong(inner) => fill_inlines(inner, Look::Strong, link, captures, spans),
            Inline::Emphasis(inner) => fill_inlines(inner, Look::Emphasis, link, captures, spans),
            Inline::Link { content, url } => fill_inlines(content, look, Some(url), captures, spans),
        }
    }
}

fn fill_pieces(
    pieces: &[Piece],
    look: Look,
    link: Option<&str>,
    captures: &BTreeMap<String, String>,
    spans: &mut RichText,
) {
    for piece in pieces {
        let (text, captured) = match piece {
            Piece::Literal(text) => (text.clone(), false),
            Piece::Capture { name, fallback } => match captures.get(name) {
                Some(value) => (shown(value), true),
                None => (fallback.clone().unwrap_or_else(|| format!("<{name}>")), false),
            },
        };
        match spans.last_mut() {
            Some(last) if !captured && !last.captured && last.look == look && last.link.as_deref() == link => {
                last.text.push_str(&text)
            }
            _ => spans.push(Span { text, look, link: link.map(str::to_owned), captured }),
        }
    }
}

/// A captured value as it is shown: one line, at most [`CAPTURE_SHOWN_MAX`] characters.
fn shown(value: &str) -> String {
    let mut chars = value.chars().map(|char| if char.is_control() { ' ' } else { char });
    let mut shown: String = chars.by_ref().take(CAPTURE_SHOWN_MAX - 1).collect();
    let rest: String = chars.take(2).collect();
    match rest.chars().count() {
        0 | 1 => shown.push_str(&rest),
        _ => shown.push('…'),
    }
    shown
}
