//! What the tests of the renderers say.

use proptest::prelude::*;

use crate::reply::{Answer, By, Look, Offer, Reply, RichText, Span};

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

/// What means something to one of the platforms, or might.
const HOSTILE: &[&str] = &[
    "@everyone",
    "@here",
    "<@42>",
    "<@&77>",
    "<#1>",
    "<:a:1>",
    "<t:1:R>",
    "</x:1>",
    ":smile:",
    "*",
    "**",
    "_",
    "__",
    "~~",
    "`",
    "``",
    "```",
    "||",
    ">",
    ">>> ",
    "#",
    "-# ",
    "- ",
    "1. ",
    "[a](http://evil.example)",
    "http://evil.example",
    "https://evil.example/a)b",
    "discord.gg/evil",
    "\\",
    "\n",
    "\r\n",
    " ",
    "\u{202e}",
    "\u{200d}",
    "\u{7}",
    "]",
    "[",
    "(",
    "😀",
    "é",
    "word",
    "Security",
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<@U042>",
    "<!subteam^S077>",
    "<#C1>",
    "<!date^1^{date}|x>",
    "<http://evil.example|bank>",
    "@channel",
    "#general",
    "~",
    "&",
    "&lt;",
    "<",
    "|",
    "evil.example",
    "a@evil.example",
    "\"",
    "\u{200b}",
    ",",
    ":",
    "漢",
    "שלום",
];

/// Text as somebody may paste who wants to be heard.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    let pieces = |count: std::ops::Range<usize>| {
        prop::collection::vec(prop::sample::select(HOSTILE), count).prop_map(|pieces| pieces.concat())
    };
    prop_oneof![
        6 => pieces(0..12),
        2 => "\\PC{0,40}",
        1 => (pieces(1..6), 1usize..9000).prop_map(|(text, length)| text.chars().cycle().take(length).collect()),
    ]
}

fn rich() -> impl Strategy<Value = RichText> {
    let look = prop::sample::select(vec![Look::Plain, Look::Strong, Look::Emphasis, Look::Code]);
    let link = prop::option::weighted(
        0.2,
        prop::sample::select(vec!["https://example.com/a_(b)", "javascript:x", "https://example.com/"]),
    );
    let span = (hostile(), look, link, any::<bool>()).prop_map(|(text, look, link, captured)| Span {
        text,
        look,
        link: link.map(str::to_owned),
        captured,
    });
    prop::collection::vec(span, 0..4)
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let items = || prop::collection::vec(rich(), 0..7);
    let names = (hostile(), hostile(), prop::option::of(hostile()), prop::collection::vec(hostile(), 0..3));
    (names, rich(), items(), items(), items(), 0usize..40).prop_map(
        |((rule, title, quote, evidence), cause, checks, for_user, steps, sources)| Answer {
            confidence: quote.clone(),
            rule,
            title,
            quote,
            evidence,
            cause,
            checks,
            for_user,
            steps,
            sources: (0..sources).map(|at| format!("https://example.com/{}{at}", "p(|>&".repeat(at * 3))).collect(),
            ..page_with(&captured(""))
        },
    )
}

pub(super) fn any_reply() -> impl Strategy<Value = Reply> {
    let offer =
        (prop_oneof![Just("api/x".to_owned()), hostile()], hostile()).prop_map(|(rule, title)| Offer { rule, title });
    let answers =
        prop_oneof![4 => prop::collection::vec(any_answer(), 0..4), 1 => prop::collection::vec(any_answer(), 4..14)];
    (prop::collection::vec(hostile(), 0..4), answers, prop::collection::vec(offer, 0..12), prop::option::of(hostile()))
        .prop_map(|(secrets, answers, offers, note)| Reply { secrets, answers, offers, note, ..Reply::default() })
}
