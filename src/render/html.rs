//! Replies as HTML for the local workspace. Everything is escaped here; the page inserts it as it is.

use crate::reply::{Answer, Look, Reply, RichText, words};
use crate::rules::{FixedBy, Keyword};

/// A reply as an HTML fragment.
pub fn reply(reply: &Reply) -> String {
    let mut html = String::new();
    if !reply.secrets.is_empty() {
        html.push_str("<p class=\"warning\" role=\"alert\">");
        push_escaped(&mut html, &words::secret_warning(&reply.secrets));
        html.push_str("</p>");
    }
    if let Some(note) = &reply.note {
        html.push_str("<p class=\"note\">");
        push_escaped(&mut html, note);
        html.push_str("</p>");
    }
    for item in &reply.answers {
        answer(&mut html, item);
    }
    if !reply.offers.is_empty() {
        html.push_str("<nav class=\"offers\"><h4>");
        html.push_str(words::NEAR);
        html.push_str("</h4><ul>");
        for offer in &reply.offers {
            html.push_str("<li><button type=\"button\" class=\"offer\" data-rule=\"");
            push_escaped(&mut html, &offer.rule);
            html.push_str("\">");
            push_escaped(&mut html, &offer.title);
            html.push_str("</button></li>");
        }
        html.push_str("</ul></nav>");
    }
    html
}

fn answer(html: &mut String, answer: &Answer) {
    html.push_str("<article class=\"answer\"><h3>");
    push_escaped(html, &answer.title);
    html.push_str("</h3>");
    if answer.preview {
        html.push_str("<p class=\"preview\">");
        html.push_str(words::PREVIEW);
        html.push_str("</p>");
    }
    if let Some(quote) = &answer.quote {
        html.push_str("<blockquote><p>");
        push_escaped(html, quote);
        html.push_str("</p>");
        if answer.count > 1 {
            html.push_str("<footer>");
            push_escaped(html, &words::seen(answer.count));
            html.push_str("</footer>");
        }
        html.push_str("</blockquote>");
    }
    html.push_str("<h4>");
    html.push_str(words::CAUSE);
    html.push_str("</h4><p>");
    rich(html, &answer.cause);
    html.push_str("</p>");
    list(html, words::FOR_USER, "ul", &answer.for_user);
    list(html, words::SOLUTION, "ol", &answer.steps);
    list(html, words::CHECK, "ul", &answer.checks);
    html.push_str("<footer class=\"about\"><span>");
    html.push_str(FixedBy::from_word(&answer.fixed_by).map_or("", words::fixed_by));
    html.push_str("</span><span>");
    push_escaped(html, &answer.rule);
    html.push_str("</span><span>reviewed ");
    push_escaped(html, &answer.reviewed);
    html.push_str("</span>");
    if let Some(confidence) = &answer.confidence {
        html.push_str("<span>confidence ");
        push_escaped(html, confidence);
        html.push_str("</span>");
    }
    html.push_str("<span>");
    html.push_str(words::INDEPENDENT);
    html.push_str("</span>");
    if !answer.sources.is_empty() {
        html.push_str("<details><summary>");
        html.push_str(words::SOURCES);
        html.push_str("</summary><ul>");
        for source in &answer.sources {
            html.push_str("<li>");
            link(html, source, |html| push_escaped(html, source));
            html.push_str("</li>");
        }
        html.push_str("</ul></details>");
    }
    html.push_str("</footer></article>");
}

fn list(html: &mut String, heading: &str, tag: &str, items: &[RichText]) {
    if items.is_empty() {
        return;
    }
    html.push_str(&format!("<h4>{heading}</h4><{tag}>"));
    for item in items {
        html.push_str("<li>");
        rich(html, item);
        html.push_str("</li>");
    }
    html.push_str(&format!("</{tag}>"));
}

fn rich(html: &mut String, text: &RichText) {
    for span in text {
        let content = |html: &mut String| {
            let tag = match span.look {
                Look::Plain => None,
                Look::Strong => Some("strong"),
                Look::Emphasis => Some("em"),
                Look::Code => Some("code"),
            };
            if let Some(tag) = tag {
                html.push_str(&format!("<{tag}>"));
            }
            if span.captured {
                html.push_str("<span class=\"captured\">");
            }
            push_escaped(html, &span.text);
            if span.captured {
                html.push_str("</span>");
            }
            if let Some(tag) = tag {
                html.push_str(&format!("</{tag}>"));
            }
        };
        match &span.link {
            Some(url) => link(html, url, content),
            None => content(html),
        }
    }
}

fn link(html: &mut String, url: &str, content: impl FnOnce(&mut String)) {
    html.push_str("<a rel=\"noopener noreferrer\" target=\"_blank\" href=\"");
    push_escaped(html, url);
    html.push_str("\">");
    content(html);
    html.push_str("</a>");
}

fn push_escaped(html: &mut String, text: &str) {
    html_escape::encode_quoted_attribute_to_string(text, html);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::reply;
    use crate::reply::{Look, Reply, Span};

    fn page_with(captured: &str) -> Reply {
        let span = Span { text: captured.to_owned(), look: Look::Plain, link: None, captured: true };
        let json = serde_json::json!({"secrets": [], "offers": [], "note": null, "answers": [{
            "rule": "a/b", "title": "T", "confidence": "high", "quote": captured, "count": 2, "cause": [span], "checks": [],
            "for_user": [], "steps": [[{"text": "Go to "}, {"text": "Security > API", "look": "strong"}]], "fixed_by": "developer",
            "engines": [], "sources": ["https://example.com/?a=1&b=2"], "reviewed": "2026-11-22", "preview": false}]});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn nothing_captured_breaks_out() {
        let html = reply(&page_with("</p><script>alert(\"x\")</script> & <b>"));
        insta::assert_snapshot!(html, @r#"<article class="answer"><h3>T</h3><blockquote><p>&lt;/p&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &lt;b&gt;</p><footer>2 times in this paste</footer></blockquote><h4>Cause</h4><p><span class="captured">&lt;/p&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &lt;b&gt;</span></p><h4>Solution</h4><ol><li>Go to <strong>Security &gt; API</strong></li></ol><footer class="about"><span>a developer can fix this</span><span>a/b</span><span>reviewed 2026-11-22</span><span>confidence high</span><span>Independent of Okta</span><details><summary>Sources</summary><ul><li><a rel="noopener noreferrer" target="_blank" href="https://example.com/?a=1&amp;b=2">https://example.com/?a=1&amp;b=2</a></li></ul></details></footer></article>"#);
    }

    proptest! {
        #[test]
        fn captures_never_add_markup(captured in "\\PC{0,60}") {
            let tags = |html: &str| html.matches('<').count();
            prop_assert_eq!(tags(&reply(&page_with(&captured))), tags(&reply(&page_with("plain"))));
        }
    }
}
