//! The Markdown body of a rule: what a person reads.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd, TextMergeWithOffset};
use std::ops::Range;

use super::template::is_name;

/// The sections of a rule, ready to be filled with captures and rendered anywhere.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Why it happens.
    pub cause: Text,
    /// How to confirm it.
    pub checks: Vec<Text>,
    /// What the person who hit it can do now, when somebody else must fix it.
    pub for_user: Vec<Text>,
    /// What fixes it, in order.
    pub steps: Vec<Text>,
}

/// A paragraph or a list item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The content in reading order.
    pub inlines: Vec<Inline>,
    /// Byte offset in the Markdown, for messages to the author.
    pub offset: usize,
}

/// A run of text with one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    /// Plain words.
    Plain(Vec<Piece>),
    /// Text to be typed or compared literally.
    Code(Vec<Piece>),
    /// Bold: console paths and names of buttons.
    Strong(Vec<Inline>),
    /// Emphasised words.
    Emphasis(Vec<Inline>),
    /// A link to a page.
    Link {
        /// What is shown.
        content: Vec<Inline>,
        /// Where it leads; always `https://`.
        url: String,
    },
}

/// Words of the rule, or a place for what was captured from the paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The rule's own words.
    Literal(String),
    /// `{name|fallback}`.
    Capture {
        /// Which capture or fact.
        name: String,
        /// What to say when there is none.
        fallback: Option<String>,
    },
}

impl Page {
    /// Every paragraph and item of the page.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        std::iter::once(&self.cause).chain(&self.checks).chain(&self.for_user).chain(&self.steps)
    }
}

impl Text {
    /// Every piece in reading order.
    pub fn pieces(&self) -> Vec<&Piece> {
        fn walk<'a>(inlines: &'a [Inline], pieces: &mut Vec<&'a Piece>) {
            for inline in inlines {
                match inline {
                    Inline::Plain(inner) | Inline::Code(inner) => pieces.extend(inner),
                    Inline::Strong(inner) | Inline::Emphasis(inner) | Inline::Link { content: inner, .. } => {
                        walk(inner, pieces);
                    }
                }
            }
        }
        let mut pieces = Vec::new();
        walk(&self.inlines, &mut pieces);
        pieces
    }
}

/// A part of a page that does not fit the format: byte offset in the Markdown, message, help.
pub(super) type PageProblem = (usize, String, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Cause,
    Check,
    ForUser,
    Solution,
}

impl Section {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Cause, "Cause"), (Self::Check, "Check"), (Self::ForUser, "For the user"), (Self::Solution, "Solution")];

    fn heading(self) -> &'static str {
        Self::ALL.iter().find(|(section, _)| *section == self).map_or("", |(_, heading)| heading)
    }
}

/// Reads the Markdown below the front matter.
pub(super) fn parse(markdown: &str, problems: &mut Vec<PageProblem>) -> Page {
    Reader { problems, page: Page::default(), section: None, seen: Vec::new() }.read(markdown)
}

struct Reader<'p> {
    problems: &'p mut Vec<PageProblem>,
    page: Page,
    section: Option<Section>,
    seen: Vec<Section>,
}

impl Reader<'_> {
    fn read(mut self, markdown: &str) -> Page {
        let events: Vec<_> = TextMergeWithOffset::new(Parser::new(markdown).into_offset_iter()).collect();
        let mut events = events.as_slice();
        while let Some(((event, span), rest)) = events.split_first() {
            events = rest;
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    let heading = take_block(&mut events, TagEnd::Heading(*level));
                    self.heading(*level, &plain(heading), span.start);
                }
                Event::Start(Tag::Paragraph) => {
                    let content = take_block(&mut events, TagEnd::Paragraph);
                    self.paragraph(content, span.start);
                }
                Event::Start(Tag::List(start)) => {
                    let content = take_block(&mut events, TagEnd::List(start.is_some()));
                    self.list(start.is_some(), content, span.start);
                }
                other => self.refuse(span.start, &describe(other)),
            }
        }
        for (section, heading, how) in [
            (Section::Cause, "Cause", "one short paragraph that says why the error happens"),
            (Section::Solution, "Solution", "numbered steps that fix it"),
        ] {
            if !self.seen.contains(&section) {
                self.problem(
                    markdown.len(),
                    format!("no `## {heading}` section"),
                    format!("add `## {heading}` with {how}"),
                );
            }
        }
        self.page
    }

    fn problem(&mut self, offset: usize, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push((offset, message.into(), help.into()));
    }

    fn refuse(&mut self, offset: usize, what: &str) {
        self.problem(
            offset,
            format!("{what} is not part of a rule page"),
            "use paragraphs, flat lists, `code`, **bold**, *emphasis* and [links](https://example.com)",
        );
    }

    fn heading(&mut self, level: HeadingLevel, text: &str, offset: usize) {
        let section = Section::ALL.into_iter().find(|(_, heading)| *heading == text).map(|(section, _)| section);
        match section {
            Some(section) if level == HeadingLevel::H2 => {
                if self.seen.contains(&section) {
                    self.problem(offset, format!("a second `## {text}`"), "put everything under the first one");
                }
                self.seen.push(section);
                self.section = Some(section);
            }
            _ => self.problem(
                offset,
                format!("unknown section `{text}`"),
                "the sections are `## Cause`, `## Check`, `## For the user` and `## Solution`",
            ),
        }
    }

    fn paragraph(&mut self, content: &[(Event<'_>, Range<usize>)], offset: usize) {
        match self.section {
            Some(Section::Cause) if self.page.cause.inlines.is_empty() => {
                self.page.cause = self.text(content, offset);
            }
            Some(Section::Cause) => {
                self.problem(
                    offset,
                    "a second paragraph of the cause",
                    "keep the cause to one paragraph; the rest belongs under `## Check`",
                );
            }
            Some(section) => self.problem(
                offset,
                format!("a paragraph under `## {}`", section.heading()),
                if section == Section::Solution { "write numbered steps: `1. …`" } else { "write a list: `- …`" },
            ),
            None => self.problem(offset, "text before the first section", "start the page with `## Cause`"),
        }
    }

    fn list(&mut self, numbered: bool, mut content: &[(Event<'_>, Range<usize>)], offset: usize) {
        let Some(section) = self.section.filter(|section| *section != Section::Cause) else {
            self.problem(offset, "a list outside of check, user and solution", "write the cause as one paragraph");
            return;
        };
        if numbered != (section == Section::Solution) {
            self.problem(
                offset,
                format!("the wrong kind of list under `## {}`", section.heading()),
                "number the steps of the solution (`1. …`); start other items with `- `",
            );
        }
        while let Some(((event, span), rest)) = content.split_first() {
            content = rest;
            if !matches!(event, Event::Start(Tag::Item)) {
                continue;
            }
            let item = take_block(&mut content, TagEnd::Item);
            let text = self.text(item, span.start);
            match section {
                Section::Check => self.page.checks.push(text),
                Section::ForUser => self.page.for_user.push(text),
                Section::Solution | Section::Cause => self.page.steps.push(text),
            }
        }
    }

    fn text(&mut self, mut events: &[(Event<'_>, Range<usize>)], offset: usize) -> Text {
        let inlines = self.inlines(&mut events);
        if inlines.is_empty() {
            self.problem(offset, "an empty paragraph or item", "write its text or remove it");
        }
        Text { inlines, offset }
    }

    fn inlines(&mut self, events: &mut &[(Event<'_>, Range<usize>)]) -> Vec<Inline> {
        let mut inlines: Vec<Inline> = Vec::new();
        while let Some(((event, span), rest)) = events.split_first() {
            *events = rest;
            match event {
                Event::Text(text) => push_plain(&mut inlines, pieces(text)),
                Event::SoftBreak => push_plain(&mut inlines, vec![Piece::Literal(" ".to_owned())]),
                Event::Code(text) => inlines.push(Inline::Code(pieces(text))),
                Event::Start(Tag::Strong) => {
                    inlines.push(Inline::Strong(self.inlines(&mut take_block(events, TagEnd::Strong))));
                }
                Event::Start(Tag::Emphasis) => {
                    inlines.push(Inline::Emphasis(self.inlines(&mut take_block(events, TagEnd::Emphasis))));
                }
                Event::Start(Tag::Link { dest_url, .. }) => {
                    if !dest_url.starts_with("https://") {
                        self.problem(span.start, format!("a link to `{dest_url}`"), "link to an https:// address");
                    }
                    let content = self.inlines(&mut take_block(events, TagEnd::Link));
                    inlines.push(Inline::Link { content, url: dest_url.to_string() });
                }
                // Items of a list with blank lines between them hold their text in a paragraph.
                Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {
                    if !inlines.is_empty() && matches!(event, Event::Start(_)) {
                        self.refuse(span.start, "a second paragraph in an item");
                    }
                }
                Event::Start(tag) => {
                    self.refuse(span.start, &describe(&Event::Start(tag.clone())));
                    take_block(events, tag.to_end());
                }
                other => self.refuse(span.start, &describe(other)),
            }
        }
        inlines
    }
}

/// Adds words, joining them with the words before.
fn push_plain(inlines: &mut Vec<Inline>, added: Vec<Piece>) {
    let Some(Inline::Plain(pieces)) = inlines.last_mut() else {
        inlines.push(Inline::Plain(added));
        return;
    };
    for piece in added {
        match (pieces.last_mut(), piece) {
            (Some(Piece::Literal(before)), Piece::Literal(more)) => before.push_str(&more),
            (_, piece) => pieces.push(piece),
        }
    }
}

/// Splits off the events up to the end of the block that was just opened.
fn take_block<'a, 'e>(events: &mut &'a [(Event<'e>, Range<usize>)], end: TagEnd) -> &'a [(Event<'e>, Range<usize>)] {
    let mut depth = 0usize;
    for (index, (event, _)) in events.iter().enumerate() {
        match event {
            Event::Start(tag) if tag.to_end() == end => depth += 1,
            Event::End(found) if *found == end => {
                if depth == 0 {
                    let (block, rest) = events.split_at(index);
                    *events = &rest[1..];
                    return block;
                }
                depth -= 1;
            }
            _ => {}
        }
    }
    std::mem::take(events)
}

fn plain(events: &[(Event<'_>, Range<usize>)]) -> String {
    events.iter().filter_map(|(event, _)| if let Event::Text(text) = event { Some(&**text) } else { None }).collect()
}

fn describe(event: &Event<'_>) -> String {
    match event {
        Event::Start(Tag::CodeBlock(_)) => "a code block",
        Event::Start(Tag::BlockQuote(_)) => "a quotation",
        Event::Start(Tag::List(_)) => "a list inside an item",
        Event::Start(Tag::Image { .. }) => "an image",
        Event::Start(Tag::HtmlBlock) | Event::Html(_) | Event::InlineHtml(_) => "HTML",
        Event::Rule => "a horizontal line",
        Event::HardBreak => "a forced line break",
        _ => "this",
    }
    .to_owned()
}

/// Splits text at `{name}` and `{name|fallback}`; other single braces stay as they are.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            literal.push_str(&rest[..1]);
            rest = &rest[2..];
            continue;
        }
        let inner = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let capture = inner.and_then(|(inner, after)| {
            let (name, fallback) = match inner.split_once('|') {
                Some((name, fallback)) => (name, Some(fallback.to_owned())),
                None => (inner, None),
            };
            is_name(name).then(|| (Piece::Capture { name: name.to_owned(), fallback }, after))
        });
        if let Some((capture, after)) = capture {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(capture);
            rest = after;
        } else {
            literal.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    pieces
}
