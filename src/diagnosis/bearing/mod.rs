//! How a text brings up an error: as a report, in talk about it, or in source code.
//!
//! "What does E0000014 mean?", a switch over error codes, a page of documentation that already says
//! what to do, and a request to reword a message are not reports, and answering them is noise.
//!
//! The judgement is a sum. `place` cuts out what surrounds the error, `signs` has tables of what
//! speaks for a report, for talk and for source code, each with points; an error counts as reported
//! unless more points speak against it than for it. Bounded work for one place; what concerns the
//! whole text is read once ([`Bearings::new`]).

mod place;
mod signs;

use std::ops::Range;

use place::Place;
use signs::Sign;

/// How an error is brought up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearing {
    /// Somebody or something reports it.
    Reported,
    /// It is talked about.
    Talk,
    /// A program mentions it.
    SourceCode,
}

/// So many codes without fields around them are a list rather than a report.
const LISTED_CODES: usize = 3;
/// What a list of codes, a code in passing and a literal of a program count.
const LIST_POINTS: i32 = 6;
const IN_PASSING_POINTS: i32 = 6;
const LITERAL_POINTS: i32 = 9;
/// What a message as the value of a program's own field counts.
const OWN_FIELD_POINTS: i32 = 5;
/// A text of at most so many other words is little else than the error, and reports it.
const BARE_WORDS: usize = 6;
const BARE_POINTS: i32 = 2;
/// Code on so many neighbouring lines counts fully.
const CODE_LINES_MAX: i32 = 3;
const CODE_LINE_POINTS: i32 = 2;

/// A text whose errors are judged.
#[derive(Debug, Clone, Copy)]
pub struct Bearings<'t> {
    text: &'t str,
    lists_codes: bool,
}

impl<'t> Bearings<'t> {
    /// Reads what concerns the whole text.
    pub fn new(text: &'t str) -> Self {
        Self { text, lists_codes: lists_codes(text) }
    }

    /// How the code at `span` is brought up.
    pub fn of_code(&self, span: &Range<usize>) -> Bearing {
        let place = Place::new(self.text, span);
        let mut points = Points::of(&place);
        if is_literal(place.before, place.after) {
            points.source += LITERAL_POINTS;
        }
        let okta_code = signs::CODE_WORD.is_match(&self.text.as_bytes()[span.clone()]);
        // `INVALID_FIELD: No such column` is how programs print a code of their own.
        let sentence_follows = !okta_code && place.after.trim_start_matches(['"', '\'', '`', '*']).starts_with(": ");
        let field = signs::FIELD.is_match(place.before.as_bytes()) || sentence_follows;
        if okta_code
            && let Some(name) = signs::OTHER_FIELD.captures(place.before.as_bytes()).and_then(|field| field.get(1))
            && !signs::ERROR_FIELD.is_match(name.as_bytes())
        {
            points.source += LITERAL_POINTS;
        }
        if self.lists_codes {
            points.talk += LIST_POINTS;
        }
        let gets = signs::GETS.is_match(place.before.as_bytes());
        let alone = !place.sentence.replacen(&self.text[span.clone()], "", 1).contains(char::is_alphanumeric);
        let mentioned =
            signs::MENTION.is_match(place.sentence.as_bytes()) || !signs::TROUBLE.is_match(place.sentence.as_bytes());
        if mentioned && !alone && !gets && !field && place.other_words >= BARE_WORDS {
            points.talk += IN_PASSING_POINTS;
        }
        points.report += i32::from(field) + i32::from(gets) * 2;
        points.verdict()
    }

    /// How the message at `span` is brought up.
    pub fn of_message(&self, span: &Range<usize>) -> Bearing {
        let place = Place::new(self.text, span);
        let mut points = Points::of(&place);
        if let Some(name) = signs::OWN_FIELD.captures(place.before.as_bytes()).and_then(|field| field.get(1))
            && !signs::ERROR_FIELD.is_match(name.as_bytes())
        {
            points.source += OWN_FIELD_POINTS;
        }
        if self.lists_codes {
            points.talk += LIST_POINTS;
        }
        points.verdict()
    }

    /// The signs around `span` with their points, for the message of a failed test.
    #[cfg(test)]
    fn signs(&self, span: &Range<usize>) -> Vec<(&'static str, i32)> {
        let place = Place::new(self.text, span);
        let tables = [&*signs::REPORT, &*signs::TALK, &*signs::SOURCE];
        let shown = tables.into_iter().flatten().filter(|sign| sign.shows(&place));
        shown.map(|sign| (sign.name, sign.points)).collect()
    }
}

/// How the code at `span` is brought up.
pub fn of_code(text: &str, span: &Range<usize>) -> Bearing {
    Bearings::new(text).of_code(span)
}

/// How the message at `span` is brought up.
pub fn of_message(text: &str, span: &Range<usize>) -> Bearing {
    Bearings::new(text).of_message(span)
}

/// What speaks for each bearing.
#[derive(Debug)]
struct Points {
    report: i32,
    talk: i32,
    source: i32,
}

impl Points {
    fn of(place: &Place<'_>) -> Self {
        let sum = |signs: &[Sign]| signs.iter().filter(|sign| sign.shows(place)).map(|sign| sign.points).sum::<i32>();
        let code_lines = signs::code_lines(place);
        let bare = if place.other_words < BARE_WORDS && code_lines == 0 { BARE_POINTS } else { 0 };
        Self {
            report: signs::BASE + bare + sum(&signs::REPORT),
            talk: sum(&signs::TALK),
            source: sum(&signs::SOURCE) + CODE_LINE_POINTS * code_lines.min(CODE_LINES_MAX),
        }
    }

    fn verdict(&self) -> Bearing {
        if self.report >= self.talk + self.source {
            Bearing::Reported
        } else if self.source > self.talk {
            Bearing::SourceCode
        } else {
            Bearing::Talk
        }
    }
}

/// Whether a code stands as a literal in a program (a key, an argument, an operand, part of a name),
/// in a search or as an example.
fn is_literal(before: &str, after: &str) -> bool {
    let quoted = before.ends_with(['"', '\'']) && after.starts_with(['"', '\'']);
    let opened = before.trim_end_matches(['"', '\'']).trim_end();
    let closed = after.trim_start_matches(['"', '\'']).trim_start();
    let operand = quoted
        && (opened.ends_with(['(', '[', '{', '|', '<'])
            || closed.starts_with(['|', ')', ']'])
            || opened.ends_with("=="));
    let key = quoted && closed.starts_with(':') && !opened.ends_with(':');
    let regex = before.ends_with('/') && after.starts_with('/');
    // `a_b|c_d`, as queries have it; the cells of a table have spaces.
    let word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let choice = before.strip_suffix('|').is_some_and(|rest| word(rest.chars().next_back()))
        || after.strip_prefix('|').is_some_and(|rest| word(rest.chars().next()));
    let name = before.ends_with('.') && before.trim_end_matches('.').ends_with(char::is_alphanumeric);
    let example = before.trim_end().ends_with("e.g.");
    let url = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let address = url.contains("://") && !url.contains(['?', '#', '"']) && before.ends_with(['-', '/']);
    operand || key || regex || choice || name || example || address || signs::SEARCH_LINK.is_match(before.as_bytes())
}

/// Three codes or more without fields around them are a list.
fn lists_codes(text: &str) -> bool {
    const BEFORE: usize = 48;
    let mut codes: Vec<&[u8]> = Vec::new();
    for found in signs::CODE_WORD.find_iter(text.as_bytes()) {
        let mut from = found.start().saturating_sub(BEFORE);
        while !text.is_char_boundary(from) {
            from -= 1;
        }
        if !codes.contains(&found.as_bytes()) && !signs::FIELD.is_match(&text.as_bytes()[from..found.start()]) {
            codes.push(found.as_bytes());
        }
        if codes.len() >= LISTED_CODES {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Bearing, Bearings, of_code, of_message};

    /// The bearing of the first code, with the signs that led to it.
    fn code(text: &str) -> (Bearing, Vec<(&'static str, i32)>) {
        let at = text.find("E0000").expect("a code");
        (of_code(text, &(at..at + 8)), Bearings::new(text).signs(&(at..at + 8)))
    }

    #[test]
    fn codes_are_reported() {
        for text in [
            r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided"}"#,
            r#""errorCode": "E0000013", "errorSummary": "Invalid client app id""#,
            "LOGIN ERROR: Authentication failed | Error Code: E0000004",
            "okta.errors.OktaAPIError: Okta HTTP 403 E0000095 Recovery not allowed for unknown user.",
            "getting E0000011 on every call since this morning",
            "I get E0000022 when I POST to /api/v1/users",
            "since yesterday the nightly sync fails with E0000006, maybe a role was removed?",
            "users keep getting \"E0000119\" when they try to unlock",
            "E0000011",
            "E0000011 any idea?",
            "Dana  9:41 AM\nhi, okta rate limits since the update\nE0000047",
            "Error: E0000006: You do not have permission",
            "2026-08-14 ERROR sync failed E0000047",
            "just got a new laptop and now `E0000011` when I run the login",
            "{\"error\": Optional(\"E0000153\")}",
            "    raise OktaError(r.json())\nOktaError: {'errorCode': 'E0000082', 'errorSummary': 'Each code'}",
        ] {
            let (bearing, signs) = code(text);
            assert_eq!(bearing, Bearing::Reported, "{text}: {signs:?}");
        }
    }

    #[test]
    fn codes_are_talked_about() {
        for text in [
            "what does E0000014 mean again, is it documented?",
            "What does E0000068 mean?",
            "is E0000006 always a role problem in your experience?",
            "we map E0000047 to a retry with back-off in the client",
            "the docs list E0000001 to E0000269 without any remediation",
            "E0000004 walks into a bar. Bartender: Authentication failed. E0000004: I hear that a lot",
            "E0000006 in that call is because group admins can't create users",
            "Revert \"Retry on E0000047\"",
            "[Bug] Okta: E0000011 is swallowed by the error boundary, user sees a blank page",
            "- [ ] handle `E0000011`",
            "the E0000047 errors last night were our own cron job, all good now",
        ] {
            let (bearing, signs) = code(text);
            assert_eq!(bearing, Bearing::Talk, "{text}: {signs:?}");
        }
    }

    #[test]
    fn codes_stand_in_source() {
        for text in [
            "if (err.errorCode === 'E0000011') { refresh(); }",
            "    case \"E0000047\":\n        backoff();",
            "def json(self):\n    return {\"errorCode\": \"E0000015\", \"errorSummary\": \"You do not have permission.\"}",
            "const RETRY = {\n  'E0000047': true,\n};\nfunction retry(e) {",
            "assert resp.json()['errorCode'] == 'E0000007'",
            "count by (code) (errors{code=~\"E0000004|E0000011\"})",
            "SELECT count(*) FROM logs WHERE code = 'E0000004'",
        ] {
            let (bearing, signs) = code(text);
            assert_eq!(bearing, Bearing::SourceCode, "{text}: {signs:?}");
        }
    }

    #[test]
    fn messages_are_reported_or_talked_about() {
        use Bearing::{Reported, SourceCode, Talk};
        for (text, expected) in [
            ("15Five: \"User is not assigned\" when creating user", Reported),
            ("got *User is not assigned to the app* again, any idea?", Reported),
            (r#"{"message":"User is not assigned to it","i18n":{"key":"idx.x"}}"#, Reported),
            ("hi all, anyone? getting\n> User is not assigned to it.\n> Ensure that it is\nsince 9am", Reported),
            ("    error: 1 error occurred:\n        * failed: User is not assigned to it", Reported),
            ("ERROR: unable to map claims: User is not assigned to it", Reported),
            ("what does \"…User is not assigned to it\" mean?", Talk),
            ("TIP: before you open a ticket for \"User is not assigned to it\", check the group first", Talk),
            ("During that window \"User is not assigned to it\" is expected.", Talk),
            ("Which event type should I search for to find \"User is not assigned to it\"?", Talk),
            ("Q: Why do I get \"User is not assigned to it\"?\nA: Because nobody assigned it.", Talk),
            ("Feature request: hook to handle \"User is not assigned to it\"", Talk),
            ("the page should say \"User is not assigned to it\" instead", Talk),
            ("if you are seeing `Error: User is not assigned to it` then try these", Talk),
            ("## Errors\n**\"User is not assigned\"**\nThey are not in it.\n**\"Session expired\"**", Talk),
            (
                "- alert: Assigned\n  expr: up == 0\n  annotations: {summary: \"User is not assigned to it\"}",
                SourceCode,
            ),
            ("  \"User is not assigned to it\": /help/assignment", SourceCode),
            ("e.error_description # => \"User is not assigned to it\"\ne.status_code # => 400", SourceCode),
            ("messages: {\n  a: {\n    userCheck: 'User is not assigned to it',\n  },\n},", SourceCode),
            ("--- FAIL: TestLogin\n    a_test.go:8: want \"User is not assigned to it\", got nil", SourceCode),
        ] {
            let at = text.find("User is not").expect("the message");
            let span = at..at + 20;
            let signs = Bearings::new(text).signs(&span);
            assert_eq!(of_message(text, &span), expected, "{text}: {signs:?}");
        }
    }
}
