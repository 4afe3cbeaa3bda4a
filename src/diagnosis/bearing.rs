//! How a text brings up an error: as a report, in talk about it, or in source code.
//!
//! "What does E0000014 mean?", a switch over error codes and a request to reword a message are not
//! reports, and answering them is noise.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

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
/// A paste of at most so many words, one of which is a code, asks about that code.
const BARE_WORDS: usize = 6;
/// In a message of at most so many bytes, talk on any line is about the error.
const SHORT: usize = 300;
/// How far around a place the text is looked at, in bytes.
const REACH: usize = 240;

macro_rules! pattern {
    ($name:ident, $($part:expr),+ $(,)?) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new(&[$($part),+].join("|")).expect("a constant pattern"));
    };
}

// A line of a program rather than of its output.
pattern!(
    CODE_LINE,
    r"^\s*[+-]?\s*(?:(?:async )?def \w+\(|import [\w.{*]+.*(?:;|from\b)|from [\w.]+ import\b|(?:export |async )*function\b|(?:export )?(?:const|let|var) [\w{\[][^=]{0,60}=|if\s*\(|if .{1,120}:\s*$|else if\b|elif\b|case\s+\S+.*(?::|=>)|default:|return\b.{0,120}[;{(\[]|assert\w{0,14}\(|assert \w|expect\(|(?:it|test|describe)\(|switch\s*\(|switch \w+ \{|for\s*\(|while\s*\(|#include|#define|package \w+|(?:public|private|protected|static|final|sealed|abstract|data)\s+\w+|(?:enum|class|object|interface|struct|trait|impl)\s+\w+.*[{(:]|func \w*\(|fn \w+|sub \w+\s*\{|use \w+::|match \w+|try\s*[{:]|\}?\s*catch\b|except \w+|raise \w+\(|throw new\b|//|/\*|@\w+\(|\[(?:Theory|Fact|Test)\]|INSERT INTO|VALUES\b|msgid |msgstr )",
    r"===|!==|\s==\s*[\x22']|!=\s*[\x22']|\beq\s+'|\)\s*=>|=>\s*[{(]|=>\s*\w+::|\.(?:equals|contains|includes|startsWith|indexOf|toBe|toEqual|toThrow|is_some_and|Contains)\(|\bassert\w*\(|\braise_for|\bwhen\(.*\)\.|;\s*$|\bEnd (?:Sub|If)\b",
);
// Words that stand in tests, mocks, specifications and queries only.
pattern!(
    TEST_CODE,
    r"\bdef test_|\bfunc Test[A-Z]|@Test\b|#\[test\]|\bjest\.|\.mock\w*\(|\bmock\.on|\brequests_mock\b|\bhttptest\.|\bwiremock\b|\bjsonBody\b|\bspyOn\(|\bInlineData\(|\bthenThrow\(|\bconsole\.assert\(|\bexpect_failures\b|\bmsgid\s[\x22']|\bparametrize\b|\bapplication/json:\s|\w_total\{|\bindex=\w+.*\|\s|<FormattedMessage\b|\btest\s+\x22?\$\w+|^\s*\x22{3}\w|/\*\*|\*/",
);
// A line that a running program printed.
pattern!(
    OUTPUT_LINE,
    r"^\s*at \S+\(|^\s*File \x22|Traceback|^\s*Caused by|(?i)^\s*\[?(?:error|fatal|warn)\b|\b\w*(?:Error|Exception)\b\s*:|^\W*[\w.]*(?:Error|Exception)\(|^\W{0,3}\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|HTTP/\d|\bCaught:|^\s*[│|╷╵]",
);
// Directly before a code that is a value in JSON or in a Python dictionary.
pattern!(VALUE_BEFORE, r"[\x22'][\w.]+[\x22']\s{0,3}[:=]\s{0,3}[\x22']$");
// The address of a search for the code.
pattern!(SEARCH_LINK, r"[?&](?:q|query|search)=[^\s&]*$");
pattern!(CODE, r"\bE0000\d{3}\b");
// Directly before a code where it is a value rather than a word of a sentence.
pattern!(
    FIELD_BEFORE,
    r"(?i)(?:error[\s_-]?code|errorlink|\bcode|exception|\berr|\berror|failed|status|returned|\b[45]\d\d|apierror)[\x22']?\s{0,3}[:=(\[>|-]\s{0,3}[\x22'(\[]?$",
    r"(?i)\b[45]\d\d\W{1,4}$|(?:error|exception|error code)\W{1,3}$|error[_-]?code\s{1,2}$|(?:→|->|=>|>)\s{0,2}$",
);
// Talk about a code, whatever verb stands before it.
pattern!(
    CODE_TALK,
    r"(?i)\b(?:what(?:'s| is| does| do)|mean(?:s|ing)?|document(?:s|ed|ation)?|docs?|list of|table of|reference|handl(?:e|es|ing|er)|maps?|mapped|mapping|retry on|retries on [A-Z4]|ignor\w+|treat\w*|if (?:you|we|they|it|i|the \w+|a \w+|an \w+)|whenever|when you|should|fixed|resolved|solved|postmortem|runbook|for reference|fyi|for example|such as|e\.g|unlike|pen-?test\w*|(?:unit |integration )tests?|test (?:case|for)s?|mock\w*|stub\w*|assert\w*|grep\w*|alert(?:s|ing)? (?:on|for|when)|dashboards?|til|difference|instead of|metric\w*|retry logic|back-?off (?:for|on)|PR|pull request|merged|(?:blog|article|kb|wiki|confluence|sheet|spreadsheet|guide)|rather than|versus|vs\.?|explanation|glossary|quiz|favou?rite|expects?|returned both|report says|threshold|on purpose|renam\w+|surface|excludes?|illustration|no E0000\d{3})\b",
);
// Words that make a mere mention likely, unless somebody gets the code.
pattern!(
    CODE_MENTION,
    r"(?i)\b(?:always|usually|typically|generally|when(?:ever)? (?:we|they|it|i|the \w+|a \w+)|would|(?:add|adds|added|adding) (?:a |support|handling|retry|the )|last (?:week|month|year|night)|yesterday|was (?:our|the|a|caused|because)|were (?:our|the|caused|because)|sounds like|could be|might be|maybe|probably|i think|same as|called|tells?|asset|item|order|talk|never|bar)\b",
);
// Signs of trouble in the sentence around a code.
pattern!(
    TROUBLE,
    r"(?i)\b(?:error\w*|fail\w*|exception|reason|outcome|reject\w*|denied|refus\w*|broken|stuck|help|anyone|any ideas?|keeps?|can(?:'|no)t|won't|unable|doesn't|does not|not working|blocked|crash\w*|died|caught|since|after|whenever i|again|responses?|respon\w+|log(?:s|ged)?|status|[45]\d\d|returns?|POST|GET|PUT|PATCH|DELETE|terraform|sdk|api|agent|okta)\b|[?!=→>]|->",
);
// Somebody gets the code: the verb stands directly before it.
pattern!(
    GETS,
    r"(?i)\b(?:get(?:s|ting)?|got|gives?|gave|see(?:s|ing)?|saw|receiv(?:e|es|ed|ing)|throw(?:s|ing|n)?|threw|fail(?:s|ed|ing)? (?:with|on|due to)|return(?:s|ed|ing)?|hit(?:s|ting)?|(?:respond|answer|end|die)(?:s|ed|ing)? (?:in|with)|stuck (?:on|with|at)|keeps?(?: on)?(?: getting| returning| saying)?|errors? (?:out )?with|rejected with)(?:\s+(?:an?|the|only|this|always|constantly|just|error|code|403|400|401|404|429|500|okta)){0,3}\W{0,4}$",
);
// Documents: the first words say that what follows is about errors.
pattern!(
    DOCUMENT,
    r"(?i)^\W*(?:changelog|release notes?|runbook|kb article|kb:|draft|post-?mortem|incident review|backlog|spec(?:ification)? for|decision log|architecture decision|adr\b|quiz|slide|speaker notes|flash ?cards?|known issues|mapping (?:for|table|of)|translation|design doc|feedback on|weekly numbers|top (?:codes|errors|ten)|a/b test|transcript|chapter|reminder for|feature request|for the (?:glossary|record|file|manual)|test alert|here's the table|rfp|helpdesk (?:phone )?script|security awareness|messages_\w+\.properties|retry matrix|dashboard proposal|spec\b)",
);
// The error is over: somebody says what it was.
pattern!(
    RESOLVED,
    r"(?i)\b(?:is|are) gone\b|\bno more (?:[\x22'“E]|errors?\b)|\b(?:was|were|got|been|is) (?:solved|fixed|resolved)\b|\b(?:was|were) (?:caused by|because|due to|my |our )|\bin the end\b|\bturned out\b|\bticket closed\b|^\W*[\w-]+ closed:|\. Closing\b|\ball good now\b|\banswered (?:in|above)\b|\bworks again\b|\bhappy users?\b|✔",
);
pattern!(RESOLVED_FIRST, r"(?i)^\W*(?:thanks|thank you|cheers|appreciate|update:|solved|resolved|fixed)\b");
// Somebody asks for help, so nothing is over.
pattern!(HELP, r"(?i)\?|\bany ideas?\b|\bhelp\b|\bstill\b|\bagain\b|\bplease advise\b");
// Talk about a whole message.
pattern!(
    MESSAGE_TALK,
    r"(?i)\b(?:feature request|would love|customi[sz]e|hook to|wording|i18n (?:key|string|bundle|file)s?|translat\w+|locali[sz]\w+|release notes?|changelog|docs? (?:say|state|mention|describe)s?|(?:should|could|might) (?:say|show|read|display|contain)|we (?:map|show|display|handle|catch|mock|log|ignore)|unit tests?|test cases?|if (?:you|we|they|users?|someone|somebody|anyone|people) (?:ever )?(?:see|get|hit|receive)s?|for anyone who|runbook|postmortem|post-mortem|incident review|just curious|is there any reason|how (?:do|should|can|would) (?:we|i|you) (?:handle|catch|test|mock|translate|customi[sz]e|reword|detect)|reword|rephrase|renam(?:e|ing)|error message for|copy (?:change|review)|proofread|phishing mail|the (?:alert text|wording)|could the text|when you see|don't be surprised|tickets about|the wiki says|(?:is|are) shown as|the docs?\b|saved search|known_errors|tomorrow|synthetic check|chaos test|in (?:the|our) (?:demo|manual|guide)|illustration|tagging exercise)\b",
);

/// How the code at `span` is brought up.
pub fn of_code(text: &str, span: &Range<usize>) -> Bearing {
    let before = &text[floor(text, span.start.saturating_sub(48))..span.start];
    let after = &text[span.end..ceil(text, span.end + 8)];
    if in_source_code(text, span) || is_literal(before, after) {
        return Bearing::SourceCode;
    }
    if is_structured(before) {
        return if over(text, span) { Bearing::Talk } else { Bearing::Reported };
    }
    let sentence = sentence(text, span);
    let in_passing = !GETS.is_match(before)
        && (CODE_MENTION.is_match(sentence) || !TROUBLE.is_match(sentence))
        && text.split_whitespace().take(BARE_WORDS + 1).count() > BARE_WORDS;
    let mentioned = CODE_TALK.is_match(sentence) || talked_about(text, span) || in_passing;
    if over(text, span) || DOCUMENT.is_match(text) || lists_codes(text) || mentioned {
        let printed = OUTPUT_LINE.is_match(line(text, span)) && !lists_codes(text) && !DOCUMENT.is_match(text);
        return if printed { Bearing::Reported } else { Bearing::Talk };
    }
    Bearing::Reported
}

/// Whether a code is the value of a field: that reports it, whatever is said around it.
fn is_structured(before: &str) -> bool {
    VALUE_BEFORE.is_match(before)
        || (FIELD_BEFORE.is_match(before)
            && (before.trim_end().ends_with(['"', '\'', '=']) || before.to_ascii_lowercase().contains("errorcode")))
}

/// Whether a code stands as a literal in a program (a key, an argument, an operand, part of a name),
/// in a search or as an example.
fn is_literal(before: &str, after: &str) -> bool {
    let quoted = before.ends_with(['"', '\'']) && after.starts_with(['"', '\'']);
    let opened = before.trim_end_matches(['"', '\'']).trim_end();
    let closed = after.trim_start_matches(['"', '\'']).trim_start();
    let operand =
        quoted && (opened.ends_with(['(', '{', '|', '<']) || closed.starts_with(['|', ')']) || opened.ends_with("=="));
    let key = quoted && closed.starts_with(':') && !opened.ends_with(':');
    let regex = before.ends_with('/') && after.starts_with('/');
    let name = before.ends_with('.') && before.trim_end_matches('.').ends_with(char::is_alphanumeric);
    let example = before.trim_end().ends_with("e.g.");
    operand || key || regex || name || example || SEARCH_LINK.is_match(before)
}

/// Three codes or more without fields around them are a list.
fn lists_codes(text: &str) -> bool {
    let mut codes: Vec<&str> = Vec::new();
    for found in CODE.find_iter(text) {
        let before = &text[floor(text, found.start().saturating_sub(48))..found.start()];
        if !codes.contains(&found.as_str()) && !is_structured(before) && !FIELD_BEFORE.is_match(before) {
            codes.push(found.as_str());
        }
        if codes.len() >= LISTED_CODES {
            return true;
        }
    }
    false
}

/// Whether somebody says that the error is over, and asks nothing.
fn over(text: &str, span: &Range<usize>) -> bool {
    if OUTPUT_LINE.is_match(line(text, span)) {
        return false;
    }
    let around = [
        &text[floor(text, span.start.saturating_sub(REACH))..span.start],
        &text[span.end..ceil(text, span.end + REACH)],
    ];
    (RESOLVED_FIRST.is_match(text) || around.iter().any(|part| RESOLVED.is_match(part)))
        && !around.iter().any(|part| HELP.is_match(part))
}

/// How the message at `span` is brought up.
pub fn of_message(text: &str, span: &Range<usize>) -> Bearing {
    if in_source_code(text, span) {
        return Bearing::SourceCode;
    }
    let talk = over(text, span) || DOCUMENT.is_match(text) || talked_about(text, span);
    if talk { Bearing::Talk } else { Bearing::Reported }
}

/// Whether the words around a message are about the message itself.
fn talked_about(text: &str, span: &Range<usize>) -> bool {
    let line = if text.len() <= SHORT { 0..text.len() } else { line_span(text, span) };
    let around = [&text[line.start..span.start.max(line.start)], &text[span.end.min(line.end)..line.end]];
    around.iter().any(|part| MESSAGE_TALK.is_match(part))
}

/// Whether the place is in source code: its line reads like code, or it is a value between lines of
/// code, and nothing around it looks like output.
fn in_source_code(text: &str, span: &Range<usize>) -> bool {
    const NEIGHBOURS: usize = 4;
    let own = line(text, span);
    let around = &text[floor(text, span.start.saturating_sub(REACH * 3))..ceil(text, span.end + REACH * 3)];
    if TEST_CODE.is_match(around) {
        return true;
    }
    if OUTPUT_LINE.is_match(own) && !own.trim_start().starts_with("//") {
        return false;
    }
    if CODE_LINE.is_match(own) && !own.contains("okta.com/") {
        return true;
    }
    let own = line_span(text, span);
    let before = text[floor(text, own.start.saturating_sub(REACH * 3))..own.start].lines().rev().take(NEIGHBOURS);
    let after = text[own.end..ceil(text, own.end + REACH * 3)].lines().skip(1).take(NEIGHBOURS);
    let mut code = 0;
    for neighbour in before.chain(after) {
        if OUTPUT_LINE.is_match(neighbour) {
            return false;
        }
        code += usize::from(CODE_LINE.is_match(neighbour));
    }
    code >= 2
}

/// The line of a place, at most [`REACH`] bytes to either side.
fn line_span(text: &str, span: &Range<usize>) -> Range<usize> {
    let from = floor(text, span.start.saturating_sub(REACH));
    let to = ceil(text, span.end + REACH);
    let start = text[from..span.start].rfind('\n').map_or(from, |newline| from + newline + 1);
    let end = text[span.end..to].find('\n').map_or(to, |newline| span.end + newline);
    start..end
}

fn line<'t>(text: &'t str, span: &Range<usize>) -> &'t str {
    &text[line_span(text, span)]
}

/// The sentence of a place: from the end of the one before to its own.
fn sentence<'t>(text: &'t str, span: &Range<usize>) -> &'t str {
    let line = line_span(text, span);
    let start = text[line.start..span.start].rfind(". ").map_or(line.start, |stop| line.start + stop + 2);
    let end = text[span.end..line.end].find(". ").map_or(line.end, |stop| span.end + stop + 1);
    &text[start..end]
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{Bearing, of_code, of_message};

    fn code(text: &str) -> Bearing {
        let at = text.find("E0000").expect("a code");
        of_code(text, &(at..at + 8))
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
            "Error: E0000006: You do not have permission",
            "2026-08-14 ERROR sync failed E0000047",
            "    raise OktaError(r.json())\nOktaError: {'errorCode': 'E0000082', 'errorSummary': 'Each code'}",
        ] {
            assert_eq!(code(text), Bearing::Reported, "{text}");
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
            "the E0000047 errors last night were our own cron job, all good now",
        ] {
            assert_eq!(code(text), Bearing::Talk, "{text}");
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
        ] {
            assert_eq!(code(text), Bearing::SourceCode, "{text}");
        }
    }

    #[test]
    fn messages_are_reported_or_talked_about() {
        let check = |text: &str| {
            let at = text.find("User is not").expect("the message");
            of_message(text, &(at..at + 20))
        };
        assert_eq!(check("15Five: \"User is not assigned\" when creating user"), Bearing::Reported);
        assert_eq!(check("got *User is not assigned to the app* again, any idea?"), Bearing::Reported);
        assert_eq!(check("Feature request: hook to handle \"User is not assigned to it\""), Bearing::Talk);
        assert_eq!(check(r#"{"message":"User is not assigned to it","i18n":{"key":"idx.x"}}"#), Bearing::Reported);
        assert_eq!(check("the page should say \"User is not assigned to it\" instead"), Bearing::Talk);
    }
}
