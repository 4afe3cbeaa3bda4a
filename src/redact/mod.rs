//! Finds secrets in text, before anything else looks at it.
//!
//! Recall matters more than precision here: what is wrongly taken for a secret is only left out of
//! a quotation, what is missed is published.

pub(crate) mod ascii;
pub(crate) mod gate;

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use ascii::{ascii, whole};
use gate::{Gate, Open};

/// What is written in place of a secret.
pub const MASK: &str = "[secret removed]";

/// A kind of secret that turns up in pastes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretKind {
    /// An Okta API token (`SSWS`).
    OktaApiToken,
    /// A JSON Web Token: access token, ID token, client assertion.
    Jwt,
    /// An opaque OAuth access or refresh token, or any bearer token.
    OauthToken,
    /// An OAuth client secret.
    ClientSecret,
    /// A private key in PEM form or as a JWK.
    PrivateKey,
    /// A session cookie or a session token.
    Session,
    /// A state, activation or recovery token, which continues or takes over a sign-in.
    OneTimeToken,
    /// A SAML response with its assertion.
    SamlAssertion,
    /// A password, such as one in a connection string.
    Password,
    /// A key of another service.
    ApiKey,
}

impl SecretKind {
    /// The name in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OktaApiToken => "okta-api-token",
            Self::Jwt => "jwt",
            Self::OauthToken => "oauth-token",
            Self::ClientSecret => "client-secret",
            Self::PrivateKey => "private-key",
            Self::Session => "session",
            Self::OneTimeToken => "one-time-token",
            Self::SamlAssertion => "saml-assertion",
            Self::Password => "password",
            Self::ApiKey => "api-key",
        }
    }
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret and where it stands in the text that was searched. The secret itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What it is.
    pub kind: SecretKind,
    /// The bytes to leave out.
    pub span: Range<usize>,
}

struct Detector {
    kind: SecretKind,
    /// One of these stands in every match.
    anchors: &'static [&'static str],
    pattern: Regex,
}

/// Patterns in order of precision: where two overlap, the first names the kind. The group
/// `secret` is what is left out, or the whole match where there is none.
static DETECTORS: LazyLock<Vec<Detector>> = LazyLock::new(|| {
    use SecretKind as Kind;
    // A value behind its key: `"key": "value"`, `key=value`, `key: value`.
    let value = |keys: &str, value: &str| {
        format!(r#"(?i)\b(?:{keys})\b\\{{0,8}}["']?\s{{0,8}}(?::|=>?)\s{{0,8}}\\{{0,8}}["']?(?P<secret>{value})"#)
    };
    let table: [(Kind, &'static [&'static str], String); 21] = [
        (Kind::PrivateKey, &["PRIVATE KEY-----"], r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[A-Za-z0-9+/=\s\\:,.-]*?-----END [A-Z ]{0,20}PRIVATE KEY-----".to_owned()),
        (Kind::PrivateKey, &["PRIVATE KEY-----"], r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*".to_owned()),
        (Kind::PrivateKey, &["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\""], r#""(?:d|p|q|dp|dq|qi)"\s{0,8}:\s{0,8}"(?P<secret>[A-Za-z0-9_-]{40,})""#.to_owned()),
        (Kind::OktaApiToken, &["ssws"], r"(?i)\bSSWS[\s:]{1,4}(?P<secret>[A-Za-z0-9_-]{20,})".to_owned()),
        (Kind::OktaApiToken, &["00"], r"\b00[A-Za-z0-9_-]{40}\b".to_owned()),
        (Kind::OktaApiToken, &["api_token", "apitoken", "client_token"], value("okta_api_token|okta_client_token|api_?token", r"[A-Za-z0-9_-]{20,}")),
        (Kind::Jwt, &["eyJ"], r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{4,}){1,4}".to_owned()),
        (Kind::SamlAssertion, &["PHNhbWw", "PD94bWwg"], r"(?P<secret>(?:PHNhbWw|PD94bWwg)[A-Za-z0-9+/_=\s-]{60,})".to_owned()),
        (Kind::SamlAssertion, &["SAMLResponse"], value("SAMLResponse", r"[A-Za-z0-9+/_=\s%-]{60,}")),
        (Kind::ClientSecret, &["client_secret", "clientsecret", "consumer_secret", "consumersecret", "app_secret", "appsecret"], value("client_?secret|consumer_?secret|app_?secret", r#"[^\s"'&,;<>{}\[\]]{12,}"#)),
        (Kind::OauthToken, &["access_token", "accesstoken", "refresh_token", "refreshtoken", "id_token", "idtoken", "device_secret", "devicesecret"], value("access_?token|refresh_?token|id_?token|device_?secret", r"[A-Za-z0-9_.~+/-]{16,}={0,2}")),
        (Kind::OauthToken, &["bearer"], r"(?i)\bbearer\s{1,4}(?P<secret>[A-Za-z0-9_.~+/-]{20,}={0,2})".to_owned()),
        (Kind::Session, &["sid", "idx", "jsessionid", "sessiontoken", "session_token", "cookietoken"], value("sid|idx|JSESSIONID|sessionToken|session_?token|cookieToken", r"[A-Za-z0-9_.%-]{16,}")),
        (Kind::OneTimeToken, &["statetoken", "state_token", "statehandle", "recovery_token", "recoverytoken", "activation_token", "activationtoken", "interaction_handle", "interactionhandle"], value("stateToken|stateHandle|state_?token|recovery_?token|activation_?token|interaction_?handle", r"[A-Za-z0-9_.~%-]{16,}")),
        (Kind::OneTimeToken, &["/signin/", "/reset_password/", "/welcome/", "/activate/"], r"(?i)/(?:signin/reset-password|reset_password|welcome|activate|signin/unlock)/(?P<secret>[A-Za-z0-9_-]{16,})".to_owned()),
        (Kind::Password, &["://"], r#"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@"']+:(?P<secret>[^\s:/@"']{3,})@"#.to_owned()),
        (Kind::Password, &["password", "passwd", "pwd", "passphrase"], r#"(?i)\b(?:password|passwd|pwd|passphrase)\b\\{0,8}["']?\s?(?:=|["']\s{0,4}:)\s{0,4}\\{0,8}["']?(?P<secret>[^\s"'&,;<>{}\[\]()\\]{4,})"#.to_owned()),
        (Kind::ApiKey, &["AKIA"], r"\bAKIA[0-9A-Z]{16}\b".to_owned()),
        (Kind::ApiKey, &["ghp", "gho", "ghs", "github_pat", "xox", "xapp", "sk_live", "glpat"], r"\b(?:ghp|gho|ghs|github_pat|xox[abprs]|xapp|sk_live|glpat)[-_][A-Za-z0-9_-]{16,}".to_owned()),
        (Kind::ApiKey, &["AIza"], r"\bAIza[0-9A-Za-z_-]{35}\b".to_owned()),
        (Kind::ApiKey, &["api-key", "api_key", "apikey", "secret_access_key", "shared_secret", "sharedsecret", "scim_token", "scimtoken"], value("x-api-key|api_?key|aws_secret_access_key|shared_?secret|scim_?token", r"[A-Za-z0-9_+/=.-]{16,}")),
    ];
    table
        .into_iter()
        .map(|(kind, anchors, pattern)| Detector {
            kind,
            anchors,
            pattern: Regex::new(&pattern).expect("a constant pattern"),
        })
        .collect()
});

static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::new(DETECTORS.iter().map(|detector| detector.anchors)));

/// Finds the secrets of a text, in order and apart from each other. Linear in the text.
pub fn find(text: &str) -> Vec<Secret> {
    find_among(text, GATE.open(text))
}

fn find_among(text: &str, open: Open) -> Vec<Secret> {
    // Nothing shorter than a token can be one, and every kind needs a run of this many bytes.
    const SHORTEST: usize = 12;
    let mut secrets: Vec<Secret> = Vec::new();
    if text.len() < SHORTEST {
        return secrets;
    }
    if open == Open::NONE {
        return secrets;
    }
    let searched = ascii(text);
    for (_, Detector { kind, pattern, .. }) in DETECTORS.iter().enumerate().filter(|(number, _)| open.has(*number)) {
        let found = pattern.captures_iter(&searched).filter_map(|found| {
            let span = whole(text, found.name("secret").or_else(|| found.get(0))?.range());
            (!is_placeholder(&text[span.clone()])).then(|| Secret { kind: *kind, span: trimmed(text, span) })
        });
        merge_apart(&mut secrets, found.collect());
    }
    secrets
}

/// Adds secrets to those that are known, both sorted and apart. What overlaps a known one is left
/// out; the spans of the others are returned. One pass, however many there are.
pub(crate) fn merge_apart(known: &mut Vec<Secret>, more: Vec<Secret>) -> Vec<Range<usize>> {
    if more.is_empty() {
        return Vec::new();
    }
    let mut added = Vec::with_capacity(more.len());
    let mut merged = Vec::with_capacity(known.len() + more.len());
    let mut rest = known.drain(..).peekable();
    for secret in more {
        while let Some(before) = rest.next_if(|known| known.span.end <= secret.span.start) {
            merged.push(before);
        }
        if rest.peek().is_none_or(|next| secret.span.end <= next.span.start) {
            added.push(secret.span.clone());
            merged.push(secret);
        }
    }
    merged.extend(rest);
    *known = merged;
    added
}

/// Keeps secrets sorted and apart; what overlaps an earlier find is left out.
pub(crate) fn insert_apart(secrets: &mut Vec<Secret>, secret: Secret) -> bool {
    let at = secrets.partition_point(|known| known.span.end <= secret.span.start);
    let apart = secrets.get(at).is_none_or(|next| secret.span.end <= next.span.start);
    if apart {
        secrets.insert(at, secret);
    }
    apart
}

/// The text with every secret replaced by [`MASK`].
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut copied = 0;
    for secret in find(text) {
        masked.push_str(&text[copied..secret.span.start]);
        masked.push_str(MASK);
        copied = secret.span.end;
    }
    masked.push_str(&text[copied..]);
    masked
}

/// `********`, `xxxxxxxx`, `your_client_secret`, `REDACTED`: somebody was careful already.
fn is_placeholder(text: &str) -> bool {
    let mut bytes = text.bytes().filter(|byte| !matches!(byte, b'-' | b'_' | b'.'));
    let Some(first) = bytes.next() else { return true };
    if bytes.all(|byte| byte == first) {
        return true;
    }
    let has = |word: &str| text.contains(word) || text.contains(&word.to_ascii_uppercase());
    // A random token has a short word in it by chance, but hardly at the start of a part, in one case.
    let yours = text
        .split(|char: char| !char.is_ascii_alphanumeric())
        .any(|part| ["your", "Your", "YOUR"].iter().any(|word| part.starts_with(word)));
    let words = ["redacted", "example", "placeholder", "removed", "hidden", "masked", "changeme", "***", "xxxx", "..."];
    yours || words.iter().any(|word| has(word)) || has("Redacted")
}

fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let kept = text[span.clone()].trim_end();
    span.start..span.start + kept.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::gate::Open;
    use super::{find, find_among, mask};

    fn check(text: &str) -> String {
        let kinds: Vec<_> = find(text).iter().map(|secret| secret.kind.as_str()).collect();
        format!("{} {}", kinds.join(" "), mask(text))
    }

    #[test]
    fn live_secrets_are_found() {
        insta::assert_snapshot!(check("curl -H 'Authorization: SSWS 00QCjAl4MlV-WPXM-ABCDEFGHIJKLMN012345678ab' https://acme.okta.com"), @"okta-api-token curl -H 'Authorization: SSWS [secret removed]' https://acme.okta.com");
        insta::assert_snapshot!(check("my token is 00QCjAl4MlV-WPXM-ABCDEFGHIJKLMN012345678ab, why?"), @"okta-api-token my token is [secret removed], why?");
        insta::assert_snapshot!(check("Authorization: Bearer eyJraWQiOiJfSDJr.eyJzdWIiOiIwMHUx.c2lnbmF0dXJl"), @"jwt Authorization: Bearer [secret removed]");
        insta::assert_snapshot!(check(r#"{"client_id":"0oa1","client_secret":"Ab3dEf6hIj9lMn2pQr5tUv8x"}"#), @r#"client-secret {"client_id":"0oa1","client_secret":"[secret removed]"}"#);
        insta::assert_snapshot!(check("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIB\n-----END RSA PRIVATE KEY-----\nbye"), @"
        private-key [secret removed]
        bye
        ");
        insta::assert_snapshot!(check("Cookie: sid=102abcdefGHIJKLMNOPqrstu; DT=x"), @"session Cookie: sid=[secret removed]; DT=x");
        insta::assert_snapshot!(check("https://acme.okta.com/signin/reset-password/XYZabcdefghijklm1234"), @"one-time-token https://acme.okta.com/signin/reset-password/[secret removed]");
        insta::assert_snapshot!(check("ldap://admin:hunter22@ldap.example.com/"), @"password ldap://admin:[secret removed]@ldap.example.com/");
        insta::assert_snapshot!(check("stateToken=00abcdefGHIJKLMN0123456789&x=1"), @"one-time-token stateToken=[secret removed]&x=1");
    }

    #[test]
    fn a_token_may_have_a_word_in_it_by_chance() {
        for token in ["yOur0A00AA0A0aAAAAaAaAAa", "00abyourXdefGHIJKLMN0123456789abcdefghij12"] {
            assert_eq!(find(&format!("SSWS {token}")).len(), 1, "{token}");
        }
    }

    #[test]
    fn placeholders_and_ids_are_none() {
        for text in [
            "client_secret=********************",
            "Authorization: SSWS your_api_token_goes_here",
            "Authorization: SSWS my-YOURTOKENGOESHERE1234",
            r#""client_secret": "<YOUR_CLIENT_SECRET>""#,
            "errorId: oaeW3UXjbPpSuuX4dMaWgwJ0w",
            "user 00u1abcd2EFGHIJKL345 and app 0oa1gjh63g214q0Hq0g4",
            "Password requirements were not met. Password: must have 8 characters",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_gate_hides_nothing(text in "(SSWS |ssw\u{17f} |\"d\":\"|Bearer |client_secret=|pwd=|\\PC|eyJ|sid[=:]|://a:|@|/welcome/|[A-Za-z0-9_-]{12,44}| ){0,12}") {
            prop_assert_eq!(find(&text), find_among(&text, Open::ALL));
        }

        #[test]
        fn planted_tokens_never_come_out(
            before in "\\PC{0,40}",
            key in "SSWS |Bearer |client_secret=|\"refresh_token\": \"|Cookie: sid=",
            token in "[A-Za-z0-9]{24,44}",
            after in "[ \"',;&\n]\\PC{0,40}",
        ) {
            let masked = mask(&format!("{before} {key}{token}{after}"));
            prop_assert!(!masked.contains(&token), "{}", masked);
        }
    }
}
