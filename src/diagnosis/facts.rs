//! Reads from a paste what can be known without any rule: codes, ids, statuses, hosts.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::redact::ascii::{ascii, whole};
use crate::redact::gate::{Gate, Open};
use crate::rules::FactName;

/// At most this many facts are kept of each pattern, so that a log full of errors stays cheap.
const PER_PATTERN_MAX: usize = 32;

/// One value and where the decoded text has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: FactName,
    /// The value, trimmed and without quotes.
    pub value: String,
    /// The bytes of the decoded text.
    pub span: Range<usize>,
}

/// Everything that was read from a paste, in text order within each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    facts: Vec<Fact>,
}

struct Reader {
    name: FactName,
    /// One of these stands in every match.
    anchors: &'static [&'static str],
    pattern: Regex,
}

/// Tools that print Okta's errors.
const TOOLS: &[&str] = &[
    "terraform",
    "okta-aws-cli",
    "gimme-aws-creds",
    "saml2aws",
    "aws-okta",
    "okta-awscli",
    "oktaws",
    "postman",
    "okta-sdk-",
    "okta-signin-widget",
    "okta-auth-js",
    "okta-react",
    "okta-angular",
    "okta-vue",
    "okta-spring-boot",
    "next-auth",
    "passport",
    "oauth2-proxy",
    "pulumi",
    "okta-pam",
    "scaleft",
    "sft",
];

/// How facts are written. The group `v` is the value.
static READERS: LazyLock<Vec<Reader>> = LazyLock::new(|| {
    use FactName as Name;
    // A key as JSON, Python or YAML write it, up to the start of its value.
    let key = |keys: &str| format!(r#"(?i)\b(?:{keys})["']?\s{{0,4}}(?::|=>?)\s{{0,4}}["']?"#);
    let text = r#"(?P<v>[^"\n]{1,500})"#;
    let status_words = "Bad Request|Unauthorized|Forbidden|Not Found|Method Not Allowed|Conflict|Payload Too Large|Unprocessable|Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time";
    let tools = TOOLS.join("|");
    let table: [(FactName, &'static [&'static str], String); 19] = [
        (Name::ErrorCode, &["E0000"], r"\b(?P<v>E0000\d{3})\b".to_owned()),
        (Name::ErrorId, &["errorid", "error_id", "error id"], format!("{}{}", key("errorId|error[_ ]id"), r"(?P<v>[A-Za-z0-9_-]{10,40})")),
        (Name::ErrorId, &["oae"], r"\b(?P<v>oae[A-Za-z0-9_-]{18,26})\b".to_owned()),
        (Name::ErrorSummary, &["errorsummary"], format!("{}{text}", key("errorSummary"))),
        (Name::OauthError, &["error\"", "error'"], r#"["']error["']\s{0,4}:\s{0,4}["'](?P<v>[A-Za-z0-9_.-]{3,60})["']"#.to_owned()),
        (Name::OauthError, &["error="], r#"(?:[?&#\s,"';]|^)error=["']?(?P<v>[A-Za-z0-9_.-]{3,60})"#.to_owned()),
        (Name::OauthError, &["error:"], r"(?i)\berror:\s{0,4}(?P<v>[a-z]{2,30}(?:_[a-z]{2,30}){1,5})\b".to_owned()),
        (Name::OauthErrorDescription, &["error_description", "errordescription"], format!("{}{text}", key("error_?description"))),
        (Name::HttpStatus, &["http/"], r"\bHTTP/\d(?:\.\d)?\s{1,4}(?P<v>[45]\d\d)\b".to_owned()),
        (Name::HttpStatus, &["bad request", "unauthorized", "forbidden", "not found", "not allowed", "conflict", "too large", "unprocessable", "too many requests", "server error", "bad gateway", "unavailable", "gateway time"], format!(r"(?i)\b(?P<v>[45]\d\d)\b[\s:,-]{{1,4}}(?:{status_words})")),
        (Name::HttpStatus, &["status", "http_code", "httpcode", "response_code", "response code"], format!("{}{}", key("status_?code|http_?status|http_?code|status|response[_ ]code|status code"), r"(?P<v>[45]\d\d)\b")),
        (Name::HttpStatus, &["http", "status", "error", "got", "return", "response"], r"(?i)\b(?:HTTP(?: error| status| response)?(?: code)?|status(?: code)?(?: of)?|error(?: code)?|got(?: an?)?|returned(?: an?)?|returns(?: an?)?|response)[\s:=]{1,3}(?P<v>[45]\d\d)\b".to_owned()),
        (Name::ScimType, &["scimtype"], format!("{}{}", key("scimType"), r"(?P<v>[A-Za-z]{3,40})")),
        (Name::SamlStatus, &["urn:oasis:names:tc:saml"], r"urn:oasis:names:tc:SAML:[12]\.[01]:status:(?P<v>[A-Za-z]{3,60})".to_owned()),
        (Name::EventType, &["eventtype"], format!("{}{}", key("eventType"), r"(?P<v>[a-z][a-z0-9_.]{4,120})")),
        (Name::OktaHost, &[".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".trexcloud.com", ".okta.mil"], r"(?i)\b(?P<v>[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,30}){0,2}\.(?:okta|oktapreview|okta-emea|okta-gov|trexcloud)\.com|[a-z0-9-]{1,63}\.okta\.mil)\b".to_owned()),
        (Name::RequestId, &["x-okta-request-id", "requestid"], format!("{}{}", key("x-okta-request-id|requestId"), r"(?P<v>[A-Za-z0-9@_.-]{10,64})")),
        (Name::Tool, TOOLS, format!(r"(?i)\b(?P<v>{tools})\b").replace("okta-sdk-", "okta-sdk-[a-z]+")),
        (Name::VendorCode, &["AADSTS", "AADB2C", "ORA-", "ERROR_"], r"\b(?P<v>AADSTS\d{4,8}|AADB2C\d{4,8}|ORA-\d{5}|ERROR_[A-Z][A-Z_]{4,60})\b".to_owned()),
    ];
    table
        .into_iter()
        .map(|(name, anchors, pattern)| Reader {
            name,
            anchors,
            pattern: Regex::new(&pattern).expect("a constant pattern"),
        })
        .collect()
});

/// The outcome of a System Log event, as its JSON or a flattened export has it.
static OUTCOME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)"?outcome"?\s{0,4}:\s{0,4}\{(?P<nested>[^{}]{0,600})|outcome[._](?P<part>result|reason)["']?\s{0,4}[:=]\s{0,4}["']?(?P<v>[^"\n]{1,300})"#)
        .expect("a constant pattern")
});
static OUTCOME_PART: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)"?(?P<part>result|reason)"?\s{0,4}:\s{0,4}"(?P<v>[^"]{1,300})""#).expect("a constant pattern")
});
/// `detail` means something only in a SCIM error.
static SCIM_DETAIL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?i)"detail"\s{0,4}:\s{0,4}"(?P<v>[^"\n]{1,500})"#).expect("a constant pattern"));

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let others: [&[&str]; 1] = [&["outcome"]];
    Gate::new(READERS.iter().map(|reader| reader.anchors).chain(others))
});

/// Okta's own sites are no orgs.
const NO_ORG: [&str; 8] = ["developer.", "support.", "help.", "www.", "status.", "trust.", "login.", "devforum."];

impl Facts {
    /// Reads the facts of a decoded text.
    pub fn read(text: &str) -> Self {
        Self::read_among(text, GATE.open(text))
    }

    fn read_among(text: &str, open: Open) -> Self {
        let mut facts = Vec::new();
        let scim = memchr::memmem::find(text.as_bytes(), b"urn:ietf:params:scim").is_some();
        if open == Open::NONE && !scim {
            return Self { facts };
        }
        let searched = ascii(text);
        let outcome = open.has(READERS.len());
        let has_status = open == Open::ALL || has_status(text);
        for (number, Reader { name, pattern, .. }) in READERS.iter().enumerate() {
            if !open.has(number) || (*name == FactName::HttpStatus && !has_status) {
                continue;
            }
            for found in pattern.captures_iter(&searched).take(PER_PATTERN_MAX) {
                if let Some(value) = found.name("v") {
                    let span = whole(text, value.range());
                    push(&mut facts, *name, &text[span.clone()], span);
                }
            }
        }
        for found in OUTCOME.captures_iter(&searched).take(if outcome { PER_PATTERN_MAX } else { 0 }) {
            if let Some(nested) = found.name("nested") {
                for part in OUTCOME_PART.captures_iter(nested.as_str()) {
                    let (Some(key), Some(value)) = (part.name("part"), part.name("v")) else { continue };
                    let range = nested.start() + value.start()..nested.start() + value.end();
                    let span = whole(text, range);
                    push(&mut facts, outcome_part(key.as_str()), &text[span.clone()], span);
                }
            } else if let (Some(key), Some(value)) = (found.name("part"), found.name("v")) {
                let span = whole(text, value.range());
                push(&mut facts, outcome_part(key.as_str()), &text[span.clone()], span);
            }
        }
        if scim {
            for found in SCIM_DETAIL.captures_iter(&searched).take(PER_PATTERN_MAX) {
                if let Some(value) = found.name("v") {
                    let span = whole(text, value.range());
                    push(&mut facts, FactName::ScimDetail, &text[span.clone()], span);
                }
            }
        }
        Self { facts }
    }

    /// All facts of one kind.
    pub fn all(&self, name: FactName) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(move |fact| fact.name == name)
    }

    /// The first value of a kind.
    pub fn first(&self, name: FactName) -> Option<&str> {
        self.all(name).next().map(|fact| fact.value.as_str())
    }

    /// The different values of a kind, in order of appearance.
    pub fn values(&self, name: FactName) -> Vec<&str> {
        let mut values = Vec::new();
        for fact in self.all(name) {
            if !values.contains(&fact.value.as_str()) {
                values.push(fact.value.as_str());
            }
        }
        values
    }
}

/// Whether the text has a number that can be the status of an HTTP error.
fn has_status(text: &str) -> bool {
    text.as_bytes()
        .windows(3)
        .any(|bytes| matches!(bytes, [b'4' | b'5', second, third] if second.is_ascii_digit() && third.is_ascii_digit()))
}

fn outcome_part(key: &str) -> FactName {
    if key.eq_ignore_ascii_case("result") { FactName::OutcomeResult } else { FactName::OutcomeReason }
}

fn push(facts: &mut Vec<Fact>, name: FactName, value: &str, span: Range<usize>) {
    let mut value = value.trim();
    if matches!(name, FactName::OauthErrorDescription | FactName::ErrorSummary | FactName::OutcomeReason) {
        // Unquoted values run to the end of the line; stop where the next parameter or field starts.
        value = value.split(['&', '\'']).next().unwrap_or(value).trim_end_matches([',', '}', ' ']);
    }
    let value = match name {
        FactName::OauthErrorDescription => value.replace('+', " "),
        FactName::OktaHost | FactName::Tool => value.to_lowercase(),
        _ => value.to_owned(),
    };
    let no_org = name == FactName::OktaHost && NO_ORG.iter().any(|prefix| value.starts_with(prefix));
    let known = facts.iter().any(|fact| fact.name == name && fact.span.start == span.start);
    if !value.is_empty() && !no_org && !known {
        facts.push(Fact { name, value, span });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Facts;
    use crate::redact::gate::Open;

    fn check(text: &str) -> String {
        let facts = Facts::read(text);
        facts.facts.iter().map(|fact| format!("{}={}", fact.name, fact.value)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn okta_api_errors() {
        insta::assert_snapshot!(check(r#"HTTP/1.1 401 Unauthorized
x-okta-request-id: ZTk1abcDEF0123456789
{"errorCode":"E0000011","errorSummary":"Invalid token provided","errorLink":"E0000011","errorId":"oaeW3UXjbPpSuuX4dMaWgwJ0w","errorCauses":[]}"#), @r"
        error_code=E0000011
        error_code=E0000011
        error_id=oaeW3UXjbPpSuuX4dMaWgwJ0w
        error_summary=Invalid token provided
        http_status=401
        request_id=ZTk1abcDEF0123456789
        ");
    }

    #[test]
    fn oauth_errors() {
        insta::assert_snapshot!(check("https://app.example.com/cb?state=x&error=access_denied&error_description=User+is+not+assigned&x=1"), @r"
        oauth_error=access_denied
        oauth_error_description=User is not assigned
        ");
        insta::assert_snapshot!(check("{'error': 'invalid_grant', 'error_description': \"PKCE verification failed.\"}"), @r"
        oauth_error=invalid_grant
        oauth_error_description=PKCE verification failed.
        ");
        insta::assert_snapshot!(check(r#"WWW-Authenticate: Bearer error="insufficient_scope", error_description="more""#), @r"
        oauth_error=insufficient_scope
        oauth_error_description=more
        ");
    }

    #[test]
    fn scim_saml_and_system_log() {
        insta::assert_snapshot!(check(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"uniqueness","detail":"exists","status":"409"}"#), @r"
        http_status=409
        scim_type=uniqueness
        scim_detail=exists
        ");
        insta::assert_snapshot!(check(r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"/>"#), @"saml_status=Responder");
        insta::assert_snapshot!(check(r#""eventType": "user.session.start", "outcome": {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"}, https://acme.okta.com and https://developer.okta.com"#), @r"
        event_type=user.session.start
        okta_host=acme.okta.com
        outcome_result=FAILURE
        outcome_reason=INVALID_CREDENTIALS
        ");
    }

    proptest! {
        #[test]
        fn the_gate_hides_nothing(text in "(\\PC|\"error\": ?\"invalid_x\"|errorCode=E0000011|\u{17f}tatus: 404|status=500|HTTP/1.1 401|outcome.reason=x|error_id: oaeW3UXjbPpSuuX4dMaWgwJ0w|got 403|acme.okta.com|terraform |okta-sdk-go|\n| ){0,20}") {
            prop_assert_eq!(Facts::read(&text), Facts::read_among(&text, Open::ALL));
        }

        #[test]
        fn any_text_is_read(text in "(\\PC|\"error\":|errorCode=|status: 4|outcome.reason=|\n){0,60}") {
            for fact in Facts::read(&text).facts {
                prop_assert!(text.get(fact.span).is_some());
            }
        }
    }
}
