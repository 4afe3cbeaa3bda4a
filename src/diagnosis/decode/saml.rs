//! SAML messages in base64 (HTTP-POST binding) or deflated and base64 (HTTP-Redirect binding).
//!
//! Encodings: <https://docs.oasis-open.org/security/saml/v2.0/saml-bindings-2.0-os.pdf>, sections 3.4.4 and 3.5.4.

use std::io::Read;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::DeflateDecoder;
use regex::Regex;

use super::{Decoded, Output};

/// An opened message is read up to this size, in bytes.
const MESSAGE_MAX: u64 = 128 * 1024;
/// At most this many messages of one paste are opened.
const MESSAGES_MAX: usize = 4;

static PARAMETER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"SAML(?:Response|Request)["']?\s{0,8}[:=]\s{0,8}["']?(?P<named>[A-Za-z0-9+/_=\s-]{40,})|(?P<bare>(?:PHNhbWw|PD94bWwg)[A-Za-z0-9+/_=-]{60,})"#)
        .expect("a constant pattern")
});

/// Parts of a message that say nothing about an error: signatures, keys, encrypted assertions.
static BALLAST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"<(?:\w+:)?(?:SignatureValue|DigestValue|X509Certificate|CipherValue)[^>]*>[^<]*")
        .expect("a constant pattern")
});

static LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Appends the XML of every SAML message, standing as a whole for its encoded form.
pub(super) fn pass(input: Decoded) -> Decoded {
    if memchr::memmem::find(input.text.as_bytes(), b"SAML").is_none()
        && memchr::memmem::find(input.text.as_bytes(), b"PHNhbWw").is_none()
        && memchr::memmem::find(input.text.as_bytes(), b"PD94bWwg").is_none()
    {
        return input;
    }
    let messages: Vec<_> = PARAMETER
        .captures_iter(&input.text)
        .filter_map(|found| found.name("named").or_else(|| found.name("bare")))
        .take(MESSAGES_MAX)
        .filter_map(|encoded| Some((open(encoded.as_str())?, encoded.range())))
        .collect();
    if messages.is_empty() {
        return input;
    }
    let messages: Vec<_> =
        messages.into_iter().map(|(xml, span)| (xml, input.source_of(span.start, span.len()))).collect();
    let mut out = Output::with_capacity(input.text.len());
    out.copy(&input, 0..input.text.len());
    for (xml, source) in messages {
        out.push('\n', source);
        out.push_str(&BALLAST.replace_all(&xml, ""), source);
    }
    out.finish()
}

/// The XML of an encoded message, if it is one.
fn open(encoded: &str) -> Option<String> {
    let mut base64: String = encoded
        .chars()
        .filter(|char| !char.is_whitespace() && *char != '=')
        .map(|char| match char {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    // A message that was cut off is read as far as it goes.
    base64.truncate(base64.len() - usize::from(base64.len() % 4 == 1));
    let bytes = LENIENT.decode(base64).ok()?;
    let xml = if bytes.first() == Some(&b'<') {
        bytes
    } else {
        let mut inflated = Vec::new();
        // A cut-off stream ends in an error after the part that could be read.
        let _ = DeflateDecoder::new(bytes.as_slice()).take(MESSAGE_MAX).read_to_end(&mut inflated);
        inflated
    };
    let xml = &xml[..xml.len().min(MESSAGE_MAX as usize)];
    let xml = String::from_utf8_lossy(xml);
    (xml.starts_with('<') && (xml.contains("SAML") || xml.contains("saml"))).then(|| xml.into_owned())
}
