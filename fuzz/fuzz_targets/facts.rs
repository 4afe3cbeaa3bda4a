//! Facts can be read from any text and name places in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oktriage::diagnosis::Facts;
use oktriage::rules::{FactName, Keyword};

fuzz_target!(|text: &str| {
    let facts = Facts::read(text);
    for (_, name) in FactName::WORDS {
        assert!(facts.all(*name).all(|fact| text.get(fact.span.clone()).is_some()));
    }
});
