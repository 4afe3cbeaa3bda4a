//! Squeezed text leads back into the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oktriage::diagnosis::squeeze::Squeezed;

fuzz_target!(|text: &str| {
    let squeezed = Squeezed::new(text, &[]);
    let len = squeezed.bytes().len();
    for index in 0..len {
        assert!(text.get(squeezed.text_span(text, &(index..len))).is_some());
    }
});
