//! How a text brings something up can be told of any place in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oktriage::diagnosis::bearing;

fuzz_target!(|input: (usize, usize, &str)| {
    let (start, len, text) = input;
    let at = |mut index: usize| {
        index = index.min(text.len());
        while !text.is_char_boundary(index) {
            index -= 1;
        }
        index
    };
    let span = at(start)..at(start.saturating_add(len)).max(at(start));
    bearing::of_code(text, &span);
    bearing::of_message(text, &span);
});
