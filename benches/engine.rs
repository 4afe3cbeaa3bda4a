//! The engine beside what one would otherwise pick, over the built-in rules.
//!
//! `cargo bench --bench engine` prints one table; compare rows of the same run only. The yardsticks
//! get an easier job: they only say whether some message of a rule stands in the text, with white
//! space and case folded, and neither decode, redact, read facts, judge the bearing nor rank.

use std::fs;
use std::hint::black_box;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use oktriage::diagnosis::{Engine, PASTE_MAX};
use oktriage::rules::{Part, Scope, Source};
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

fn main() {
    divan::main();
}

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::load(&[Source::BuiltIn]).expect("the built-in rules are sound"));

fn texts(path: &str) -> Vec<String> {
    let corpus = fs::read_to_string(path).expect("readable");
    let text = |line: &str| -> String {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["text"].as_str().expect("a text").to_owned()
    };
    corpus.lines().map(text).collect()
}

/// Messages that get no answer, many of them near misses.
static CHAT: LazyLock<Vec<String>> = LazyLock::new(|| texts("tests/corpus/silence/written.jsonl"));
/// Those among them in which no pattern of a rule holds at all: the common case.
static PLAIN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let plain = |text: &&String| ENGINE.diagnose(text, Scope::Okta).near.is_empty();
    CHAT.iter().filter(plain).cloned().collect()
});
/// Pastes that are answered.
static PASTES: LazyLock<Vec<String>> = LazyLock::new(|| texts("tests/corpus/pastes/made-up.jsonl"));
/// A log of 100 KB without an error of Okta's.
static LOG: LazyLock<Vec<String>> = LazyLock::new(|| {
    let line = |number: usize| {
        let (minute, worker) = (number % 60, number % 8);
        format!("2026-11-27T09:{minute:02}:13.{number:03}Z INFO worker-{worker} GET /orders/{number} 200 12ms\n")
    };
    vec![(0..1_600).map(line).collect()]
});

const KINDS: [&str; 4] = ["chat", "plain chat", "log", "pastes"];

fn of_kind(kind: &str) -> &'static [String] {
    match kind {
        "chat" => &CHAT,
        "plain chat" => &PLAIN,
        "log" => &LOG,
        _ => &PASTES,
    }
}

/// Runs `each` over all texts of a kind and counts messages and bytes.
fn over(bencher: Bencher<'_, '_>, texts: &'static [String], each: impl Fn(&str) -> bool + Sync) {
    let bytes: usize = texts.iter().map(String::len).sum();
    bencher
        .counter(ItemsCount::new(texts.len()))
        .counter(BytesCount::new(bytes))
        .bench(|| texts.iter().filter(|text| each(black_box(text))).count());
}

#[divan::bench(args = KINDS)]
fn engine(bencher: Bencher<'_, '_>, kind: &str) {
    LazyLock::force(&ENGINE);
    over(bencher, of_kind(kind), |text| ENGINE.diagnose(text, Scope::Okta).answered);
}

/// Inputs of the greatest size that is read, made to cost as much as possible.
const HOSTILE: [&str; 13] = [
    "Automatic provisioning of user ",
    "Automatic provisioning of user dana to app X failed: ",
    "Errors reported by remote server: ",
    "Errors reported by remote server: é … ",
    "Error while creating user dana@example.com: ",
    "{\"errorCode\":\"E0000014\",\"errorSummary\":\"",
    "&amp;amp;",
    "\\\\\\\"",
    "client_secret=Ab3dEf6hIj9l ",
    "cl\\u0069ent_secret=Ab3dEf6hIj9l ",
    "invalid_grant ",
    "SAMLResponse=",
    "<b>[x](https://a.example/",
];

#[divan::bench(args = HOSTILE, sample_count = 3)]
fn engine_hostile(bencher: Bencher<'_, '_>, piece: &str) {
    LazyLock::force(&ENGINE);
    let text = piece.repeat(PASTE_MAX / piece.len());
    bencher.counter(BytesCount::new(text.len())).bench(|| ENGINE.diagnose(black_box(&text), Scope::Okta).answered);
}

/// Every message of every rule, once.
#[divan::bench(sample_count = 3)]
fn engine_hostile_all_messages(bencher: Bencher<'_, '_>) {
    let text = messages().iter().map(|literals| literals.join(" x ")).collect::<Vec<_>>().join("\n");
    let text = &text[..text.floor_char_boundary(PASTE_MAX)];
    bencher.counter(BytesCount::new(text.len())).bench(|| ENGINE.diagnose(black_box(text), Scope::Okta).answered);
}

#[divan::bench(sample_count = 3)]
fn start(bencher: Bencher<'_, '_>) {
    bencher.bench(|| Engine::load(&[Source::BuiltIn]).is_ok());
}

/// The literal parts of every message of the rules.
fn messages() -> Vec<Vec<&'static str>> {
    let literals = |part: &'static Part| match part {
        Part::Literal(text) if text.chars().any(char::is_alphanumeric) => Some(text.trim()),
        _ => None,
    };
    ENGINE
        .rules()
        .iter()
        .flat_map(|rule| &rule.matches)
        .filter_map(|spec| spec.message.as_ref())
        .map(|message| message.parts.iter().filter_map(literals).collect())
        .collect()
}

/// Messages as one would write them by hand: words with any space between, holes as `.*?`.
fn patterns() -> Vec<String> {
    let words = |literal: &&str| literal.split_whitespace().map(regex::escape).collect::<Vec<_>>().join(r"\s+");
    messages().iter().map(|literals| literals.iter().map(words).collect::<Vec<_>>().join(".*?")).collect()
}

fn compiled(pattern: &str) -> Regex {
    RegexBuilder::new(pattern).case_insensitive(true).dot_matches_new_line(true).unicode(false).build().expect("valid")
}

#[divan::bench(args = KINDS, sample_count = 3, sample_size = 1)]
fn regex_loop(bencher: Bencher<'_, '_>, kind: &str) {
    static LOOP: LazyLock<Vec<Regex>> = LazyLock::new(|| patterns().iter().map(|pattern| compiled(pattern)).collect());
    LazyLock::force(&LOOP);
    over(bencher, of_kind(kind), |text| LOOP.iter().any(|regex| regex.is_match(text.as_bytes())));
}

#[divan::bench(args = KINDS, sample_count = 3, sample_size = 1)]
fn regex_set(bencher: Bencher<'_, '_>, kind: &str) {
    static SET: LazyLock<RegexSet> = LazyLock::new(|| {
        RegexSetBuilder::new(patterns())
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .unicode(false)
            .size_limit(1 << 30)
            .dfa_size_limit(64 << 20)
            .build()
            .expect("valid")
    });
    LazyLock::force(&SET);
    over(bencher, of_kind(kind), |text| SET.is_match(text.as_bytes()));
}

#[divan::bench(args = KINDS, sample_count = 10)]
fn aho_corasick_and_regex(bencher: Bencher<'_, '_>, kind: &str) {
    struct Verified {
        anchors: AhoCorasick,
        regexes: Vec<Regex>,
    }
    static VERIFIED: LazyLock<Verified> = LazyLock::new(|| {
        // The longest word run without white space cannot be wrapped, so it finds the same texts.
        let anchor = |literals: &Vec<&'static str>| {
            literals.iter().flat_map(|literal| literal.split_whitespace()).max_by_key(|word| word.len()).unwrap_or("\0")
        };
        let anchors: Vec<&str> = messages().iter().map(anchor).collect();
        Verified {
            anchors: AhoCorasick::builder().ascii_case_insensitive(true).build(anchors).expect("small"),
            regexes: patterns().iter().map(|pattern| compiled(pattern)).collect(),
        }
    });
    LazyLock::force(&VERIFIED);
    over(bencher, of_kind(kind), |text| {
        VERIFIED
            .anchors
            .find_overlapping_iter(text)
            .any(|anchor| VERIFIED.regexes[anchor.pattern().as_usize()].is_match(text.as_bytes()))
    });
}
