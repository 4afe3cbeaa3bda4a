//! Tokens of chat platforms: links, mentions, emoji.
//!
//! Formats: <https://docs.slack.dev/messaging/formatting-message-text> and
//! <https://docs.discord.com/developers/reference#message-formatting>.

use std::sync::LazyLock;

use regex::Regex;

use super::{Decoded, Output};

/// One alternative per kind of token; the named groups tell which it was.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let alternatives = [
        r"<(?:mailto:)?(?P<link>(?:https?://)?[^\s<>|]+)\|(?P<label>[^<>\n]+)>", // Slack link with label
        r"<(?P<bare>https?://[^\s<>|]+)>",                                       // link without label
        r"<(?P<mention>[@#!][A-Za-z0-9&!^]{1,40}(?:\|[^<>\n]{0,80})?)>",         // somebody or a channel
        r"<(?P<emoji>a?:\w{1,40}:\d{5,25}|t:\d{1,14}(?::\w)?)>",                 // Discord emoji, time
        r"\[(?P<masked>[^\[\]\n]+)\]\(<?(?P<target>https?://[^\s()<>]+)>?\)",    // Markdown link
    ];
    Regex::new(&alternatives.join("|")).expect("a constant pattern")
});

/// Replaces tokens by what people see. A link's address is kept at the end of the text when its
/// label does not show it, because a redirect URL may carry the error.
pub(super) fn pass(input: &Decoded) -> Option<Decoded> {
    memchr::memchr2(b'<', b'[', input.text.as_bytes())?;
    TOKEN.find(&input.text)?;
    let mut out = Output::with_capacity(input.text.len());
    let mut hidden = Vec::new();
    let mut copied = 0;
    for token in TOKEN.captures_iter(&input.text) {
        let Some(whole) = token.get(0) else { continue };
        out.copy(input, copied..whole.start());
        copied = whole.end();
        let address = token.name("link").or_else(|| token.name("target"));
        if let Some(label) = token.name("label").or_else(|| token.name("masked")) {
            out.copy(input, label.range());
            if let Some(address) = address.filter(|address| !shows(label.as_str(), address.as_str())) {
                hidden.push(address.range());
            }
        } else if let Some(bare) = token.name("bare") {
            out.copy(input, bare.range());
        } else if token.name("mention").is_some() {
            out.push_str("@someone", input.source_of(whole.start(), whole.len()));
        }
    }
    out.copy(input, copied..input.text.len());
    for address in hidden {
        out.push('\n', input.source_at(address.start));
        out.copy(input, address);
    }
    Some(out.finish())
}

/// Whether the label tells everything that the address could.
fn shows(label: &str, address: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_start_matches("https://").trim_start_matches("http://");
        text.trim_end_matches('/').to_lowercase()
    };
    bare(label) == bare(address)
}
