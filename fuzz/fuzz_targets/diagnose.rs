//! The whole engine over the built-in rules: total, and every span lies in the paste.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oktriage::diagnosis::Engine;
use oktriage::rules::{Scope, Source};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::load(&[Source::BuiltIn]).expect("the built-in rules are sound"));

fuzz_target!(|paste: &str| {
    for scope in [Scope::Okta, Scope::Mixed] {
        let outcome = ENGINE.diagnose(paste, scope);
        let spans = outcome.diagnoses.iter().flat_map(|diagnosis| &diagnosis.spans);
        assert!(spans.chain(outcome.secrets.iter().map(|secret| &secret.span)).all(|span| paste.get(span.clone()).is_some()));
    }
});
