//! Undoes what chat clients, terminals and tools do to a text, remembering where every byte came from.
//!
//! The passes run in a fixed order, each over the output of the one before: chat tokens, then
//! escapes (repeatedly, because they nest), then what screens leave behind, then SAML messages
//! in base64, which are opened and appended. Every pass is linear in its input and can make it
//! longer only by a bounded amount, so that the whole is linear and bounded whatever is pasted.
//!
//! Each pass says `None` where it has nothing to do, which a search for a few marker bytes tells.
//! Most messages pass through verbatim, and then no map back to the paste is kept.

mod chat;
mod escapes;
mod saml;
mod screen;

use std::ops::Range;

/// Escapes are undone at most this often: the deepest paste seen in the wild is escaped three times.
const ESCAPE_ROUNDS: usize = 4;

/// A text as the person saw it, with the way back to the text as pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    text: String,
    /// For each byte of `text`, the bytes of the paste that it stands for; `None` where the text is
    /// the paste itself.
    sources: Option<Vec<(u32, u32)>>,
}

impl Decoded {
    /// Decodes a paste of at most `u32::MAX` bytes.
    pub fn new(paste: &str) -> Self {
        let mut decoded = Self { text: paste.to_owned(), sources: None };
        if let Some(readable) = chat::pass(&decoded) {
            decoded = readable;
        }
        for _ in 0..ESCAPE_ROUNDS {
            match escapes::pass(&decoded) {
                Some(unescaped) => decoded = unescaped,
                None => break,
            }
        }
        if let Some(folded) = screen::pass(&decoded) {
            decoded = folded;
        }
        saml::pass(decoded)
    }

    /// Whether the text is the paste itself.
    pub fn is_verbatim(&self) -> bool {
        self.sources.is_none()
    }

    /// The decoded text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the paste that the decoded bytes `span` stand for.
    pub fn source(&self, span: &Range<usize>) -> Range<usize> {
        if span.is_empty() || span.end > self.text.len() {
            return 0..0;
        }
        let Some(sources) = &self.sources else {
            let (first, last) = (self.char_at(span.start), self.char_at(span.end - 1));
            return first.start..last.end;
        };
        let covered = &sources[span.clone()];
        let start = covered.iter().map(|(start, _)| *start).min().unwrap_or_default();
        let end = covered.iter().map(|(_, end)| *end).max().unwrap_or_default();
        start as usize..end as usize
    }

    /// The decoded bytes that stand for parts of the paste, which must be sorted and apart, as runs.
    /// One pass over the text for all parts.
    pub fn decoded_spans(&self, parts: &[Range<usize>]) -> Vec<Range<usize>> {
        let Some(sources) = &self.sources else { return parts.to_vec() };
        let mut runs: Vec<Range<usize>> = Vec::new();
        if parts.is_empty() {
            return runs;
        }
        for (index, (start, end)) in sources.iter().enumerate() {
            let next = parts.partition_point(|part| part.end <= *start as usize);
            if parts.get(next).is_some_and(|part| part.start < *end as usize) {
                match runs.last_mut() {
                    Some(run) if run.end == index => run.end = index + 1,
                    _ => runs.push(index..index + 1),
                }
            }
        }
        runs
    }

    /// What the `len` bytes from `index` stand for, as a whole. Appended text may come from before.
    fn source_of(&self, index: usize, len: usize) -> (u32, u32) {
        let (first, last) = (self.source_at(index), self.source_at(index + len - 1));
        (first.0.min(last.0), first.1.max(last.1))
    }

    /// The source of the single byte at `index`; the end of the text has that of the last byte.
    fn source_at(&self, index: usize) -> (u32, u32) {
        match &self.sources {
            Some(sources) => sources.get(index).or(sources.last()).copied().unwrap_or_default(),
            None if self.text.is_empty() => (0, 0),
            None => {
                let char = self.char_at(index.min(self.text.len() - 1));
                (char.start as u32, char.end as u32)
            }
        }
    }

    /// The character that the byte at `index` belongs to.
    fn char_at(&self, index: usize) -> Range<usize> {
        let mut range = index..index + 1;
        while !self.text.is_char_boundary(range.start) {
            range.start -= 1;
        }
        while !self.text.is_char_boundary(range.end) {
            range.end += 1;
        }
        range
    }
}

/// Text under construction.
struct Output {
    text: String,
    sources: Vec<(u32, u32)>,
}

impl Output {
    fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), sources: Vec::with_capacity(bytes) }
    }

    /// Adds one character that stands for `source`.
    fn push(&mut self, char: char, source: (u32, u32)) {
        self.text.push(char);
        self.sources.resize(self.text.len(), source);
    }

    /// Adds text that stands, as a whole, for `source`.
    fn push_str(&mut self, text: &str, source: (u32, u32)) {
        self.text.push_str(text);
        self.sources.resize(self.text.len(), source);
    }

    /// Adds a part of the input unchanged.
    fn copy(&mut self, input: &Decoded, span: Range<usize>) {
        self.text.push_str(&input.text[span.clone()]);
        match &input.sources {
            Some(sources) => self.sources.extend_from_slice(&sources[span]),
            None => {
                for (index, char) in input.text[span.clone()].char_indices() {
                    let start = (span.start + index) as u32;
                    let source = (start, start + char.len_utf8() as u32);
                    self.sources.extend(std::iter::repeat_n(source, char.len_utf8()));
                }
            }
        }
    }

    fn finish(self) -> Decoded {
        Decoded { text: self.text, sources: Some(self.sources) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Decoded;

    /// The decoded text, in which `word` is found, with the part of the paste that it came from.
    fn check(paste: &str, word: &str) -> String {
        let decoded = Decoded::new(paste);
        let at = decoded.text().find(word).unwrap_or_else(|| panic!("{word:?} not in {:?}", decoded.text()));
        let source = decoded.source(&(at..at + word.len()));
        format!("{:?} <- {:?}", decoded.text(), &paste[source])
    }

    #[test]
    fn chat_tokens() {
        insta::assert_snapshot!(check("<@U12AB> see <https://acme.okta.com|acme.okta.com> &lt;now&gt;", "<now>"), @r#""@someone see acme.okta.com <now>" <- "&lt;now&gt;""#);
        insta::assert_snapshot!(check("[log in](https://acme.okta.com/login?error=x) failed", "failed"), @r#""log in failed\nhttps://acme.okta.com/login?error=x" <- "failed""#);
        insta::assert_snapshot!(check("<@123456789012345678> <:sad:123456789012345678> broken", "broken"), @r#""@someone  broken" <- "broken""#);
        insta::assert_snapshot!(check("provisioning of user <username> to", "<username>"), @r#""provisioning of user <username> to" <- "<username>""#);
    }

    #[test]
    fn escapes_of_any_depth() {
        insta::assert_snapshot!(check(r#"{\"a\":\"x\\ny\"}"#, "y"), @r#""{\"a\":\"x\ny\"}" <- "y""#);
        insta::assert_snapshot!(check(r#"\\\"error\\\": \\\"invalid_grant\\\",\\n"#, "\"invalid_grant\""), @r#""\"error\": \"invalid_grant\",\n" <- "\\\\\\\"invalid_grant\\\\\\\"""#);
        insta::assert_snapshot!(check("error_description=The%2520user%20isn%27t", "isn't"), @r#""error_description=The user isn't" <- "isn%27t""#);
        insta::assert_snapshot!(check("caf\\u00e9 \\ud83d\\ude00 &amp;quot;x&amp;quot; &#39;y&#39;", "'y'"), @r#""café 😀 \"x\" 'y'" <- "&#39;y&#39;""#);
        insta::assert_snapshot!(check(r"in C:\temp\new\Okta.log line 3", "line"), @r#""in C:\\temp\\new\\Okta.log line 3" <- "line""#);
        insta::assert_snapshot!(check("100% of 5%, '%ad%'", "'%ad%'"), @r#""100% of 5%, '%ad%'" <- "'%ad%'""#);
    }

    #[test]
    fn what_screens_leave_behind() {
        insta::assert_snapshot!(check("│ \u{1b}[31mError:\u{1b}[0m\u{a0}it’s “bad” – ok", "it's"), @r#""  Error: it's \"bad\" - ok" <- "it’s""#);
        insta::assert_snapshot!(check("Ｅ０００００１４ o\u{200b}k<br/>n<b>ew</b>", "ok"), @r#""E0000014 ok\nnew" <- "o\u{200b}k""#);
    }

    #[test]
    fn saml_messages_are_opened() {
        // <samlp:Response><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"/></samlp:Status></samlp:Response>
        let encoded = "PHNhbWxwOlJlc3BvbnNlPjxzYW1scDpTdGF0dXM+PHNhbWxwOlN0YXR1c0NvZGUgVmFsdWU9InVybjpvYXNpczpuYW1lczp0YzpTQU1MOjIuMDpzdGF0dXM6UmVzcG9uZGVyIi8+PC9zYW1scDpTdGF0dXM+PC9zYW1scDpSZXNwb25zZT4=";
        let decoded = Decoded::new(&format!("SAMLResponse={}", encoded.replace('+', "%2B").replace('=', "%3D")));
        assert!(decoded.text().contains("status:Responder"), "{}", decoded.text());
    }

    proptest! {
        #[test]
        fn any_text_decodes_within_bounds(paste in "(\\PC|[\\\\%&<>|`*\\n\u{1b}]|%[0-9a-f]{2}|\\\\u[0-9a-f]{4}|&#?[a-z0-9]{1,5};){0,200}") {
            let decoded = Decoded::new(&paste);
            prop_assert!(decoded.text().len() <= 3 * paste.len() + 16);
            for (index, _) in decoded.text().char_indices() {
                let source = decoded.source(&(index..index + 1));
                prop_assert!(paste.get(source).is_some());
            }
        }

        #[test]
        fn a_verbatim_text_leads_back_like_any_other(paste in "\\PC{0,80}", at in 0usize..80, len in 0usize..20) {
            let verbatim = Decoded { text: paste.clone(), sources: None };
            let mut out = super::Output::with_capacity(paste.len());
            out.copy(&verbatim, 0..paste.len());
            let mapped = out.finish();
            let span = at.min(paste.len())..(at + len).min(paste.len());
            prop_assert_eq!(verbatim.source(&span), mapped.source(&span));
            prop_assert_eq!(verbatim.source_at(at), mapped.source_at(at));
        }

        #[test]
        fn plain_sentences_stay_as_they_are(paste in "[a-zA-Z0-9 .,:;!?()'\"\\n@_-]{0,200}") {
            let decoded = Decoded::new(&paste);
            prop_assert_eq!(decoded.text(), paste.as_str());
        }
    }
}
