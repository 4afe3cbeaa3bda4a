//! What the tests of the renderers say.

use crate::reply::{Answer, By, Look, RichText, Span};

pub(super) fn by(person: &str) -> By {
    By { person: person.to_owned(), at: 1_795_000_000 }
}

pub(super) fn captured(text: &str) -> Span {
    Span { text: text.to_owned(), look: Look::Plain, link: None, captured: true }
}

/// A small page with the same text everywhere.
pub(super) fn page_with(text: &Span) -> Answer {
    let item: RichText = vec![text.clone()];
    Answer {
        rule: "a/b".to_owned(),
        title: "T".to_owned(),
        confidence: None,
        quote: Some(text.text.clone()),
        evidence: vec![text.text.clone()],
        count: 2,
        cause: item.clone(),
        checks: vec![item.clone()],
        for_user: vec![item.clone()],
        steps: vec![item],
        fixed_by: "okta-admin".to_owned(),
        engines: Vec::new(),
        sources: vec!["https://example.com/a_(b)?c=1&d".to_owned()],
        reviewed: "2026-11-22".to_owned(),
        preview: true,
    }
}
