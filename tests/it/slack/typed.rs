//! What Slack's own client makes of what a person types or pastes: escapes, links, rich text.

use serde_json::{Value, json};

/// Endings that make a bare word an address.
const ENDINGS: [&str; 8] = [".com", ".org", ".net", ".io", ".dev", ".gov", ".eu", ".de"];

enum Piece {
    Text(String),
    Link { url: String, shown: String },
    User(String),
    Group(String),
    Broadcast(String),
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub(crate) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// An address at the start of a word, as (address without what only closes a sentence, link to it).
fn address(word: &str) -> Option<(&str, String)> {
    let kept = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'', '"', '*', '_', '`']);
    if kept.starts_with("http://") || kept.starts_with("https://") {
        return (kept.len() > 8).then(|| (kept, kept.to_owned()));
    }
    let fine = |text: &str, extra: &str| {
        !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || extra.contains(char))
    };
    let is_host = |host: &str| {
        fine(host, "-.") && ENDINGS.iter().any(|ending| host.len() > ending.len() && host.ends_with(ending))
    };
    if let Some((name, host)) = kept.split_once('@') {
        return (fine(name, "-._+") && is_host(host)).then(|| (kept, format!("mailto:{kept}")));
    }
    let host = kept.split('/').next().unwrap_or_default();
    is_host(host).then(|| (kept, format!("http://{kept}")))
}

/// Mentions are written as `<@U…>`, `<!subteam^S…>` and `<!here>`; everything else is what it looks like.
fn pieces(text: &str, mentions: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    let mut fresh = true;
    while let Some(char) = rest.chars().next() {
        let mention = rest.strip_prefix('<').filter(|_| mentions).and_then(|inside| inside.split_once('>'));
        let mention = mention.and_then(|(inside, after)| {
            let group = inside.strip_prefix("!subteam^").map(|id| Piece::Group(id.to_owned()));
            let user = inside.strip_prefix('@').map(|id| Piece::User(id.to_owned()));
            let all = inside.strip_prefix('!').map(|range| Piece::Broadcast(range.to_owned()));
            Some((user.or(group).or(all)?, after))
        });
        if let Some((mention, after)) = mention {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(mention);
            rest = after;
            fresh = true;
            continue;
        }
        if fresh {
            let word = rest.split(|char: char| char.is_whitespace() || "<>|".contains(char)).next().unwrap_or_default();
            if let Some((kept, url)) = address(word) {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(Piece::Link { url, shown: kept.to_owned() });
                rest = &rest[kept.len()..];
                fresh = false;
                continue;
            }
        }
        // A link begins after what cannot be part of one.
        fresh = !(char.is_alphanumeric() || "@._-+/=&%:".contains(char));
        plain.push(char);
        rest = &rest[char.len_utf8()..];
    }
    pieces.push(Piece::Text(plain));
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    pieces
}

fn written(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => escape(text),
        Piece::Link { url, shown } if url == shown => format!("<{}>", escape(url)),
        Piece::Link { url, shown } => format!("<{}|{}>", escape(url), escape(shown)),
        Piece::User(id) => format!("<@{id}>"),
        Piece::Group(id) => format!("<!subteam^{id}>"),
        Piece::Broadcast(range) => format!("<!{range}>"),
    }
}

fn element(piece: &Piece) -> Value {
    match piece {
        Piece::Text(text) => json!({"type": "text", "text": text}),
        Piece::Link { url, shown } if url == shown => json!({"type": "link", "url": url}),
        Piece::Link { url, shown } => json!({"type": "link", "url": url, "text": shown}),
        Piece::User(id) => json!({"type": "user", "user_id": id}),
        Piece::Group(id) => json!({"type": "usergroup", "usergroup_id": id}),
        Piece::Broadcast(range) => json!({"type": "broadcast", "range": range}),
    }
}

/// The `text` and the rich text of a message that a person wrote. Code fences become blocks of code, in
/// which links are links as well. `mentions` says whether `<@U…>` stands for a person who was chosen from
/// the list, or for these characters.
pub(crate) fn typed(text: &str, mentions: bool) -> (String, Vec<Value>) {
    let whole: String = pieces(text, mentions).iter().map(written).collect();
    let mut elements = Vec::new();
    let parts: Vec<&str> = text.split("```").collect();
    let closed = parts.len() % 2 == 1;
    for (index, part) in parts.iter().enumerate() {
        let code = index % 2 == 1 && (closed || index + 1 < parts.len());
        let part = if code { part.trim_matches('\n') } else { *part };
        let inside: Vec<Value> = pieces(part, mentions).iter().map(element).collect();
        if !inside.is_empty() {
            let kind = if code { "rich_text_preformatted" } else { "rich_text_section" };
            elements.push(json!({"type": kind, "elements": inside}));
        }
    }
    if elements.is_empty() {
        return (whole, Vec::new());
    }
    (whole, vec![json!({"type": "rich_text", "block_id": "rich", "elements": elements})])
}

#[test]
fn slack_writes_what_a_person_types_in_its_own_way() {
    for (typed_text, text) in [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("see https://acme.okta.com/app?x=1&y=2.", "see <https://acme.okta.com/app?x=1&amp;y=2>."),
        ("acme.okta.com says no", "<http://acme.okta.com|acme.okta.com> says no"),
        ("dana@example.com failed", "<mailto:dana@example.com|dana@example.com> failed"),
        (r#"{"u":"https://acme.okta.com/api"}"#, r#"{"u":"<https://acme.okta.com/api>"}"#),
        ("<@U1> hello", "&lt;@U1&gt; hello"),
        ("com.okta.sdk.Resource: a.b", "com.okta.sdk.Resource: a.b"),
        ("```\nhttps://example.com\n```", "```\n<https://example.com>\n```"),
    ] {
        assert_eq!(typed(typed_text, false).0, text);
    }
    assert_eq!(typed("<@U1> hello", true).0, "<@U1> hello");
    let (_, blocks) = typed("it says\n```{\"a\": 1}```", false);
    assert_eq!(
        blocks[0]["elements"],
        json!([
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "it says\n"}]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "{\"a\": 1}"}]},
        ])
    );
}
