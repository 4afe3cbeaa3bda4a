//! Secrets are found in order, apart from each other, and on character boundaries.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oktriage::redact;

fuzz_target!(|text: &str| {
    let mut end = 0;
    for secret in redact::find(text) {
        assert!(secret.span.start >= end && text.get(secret.span.clone()).is_some());
        end = secret.span.end;
    }
    redact::mask(text);
});
