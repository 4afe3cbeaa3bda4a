//! Decoding any text stays within bounds and leads back into the paste.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oktriage::diagnosis::decode::Decoded;

fuzz_target!(|paste: &str| {
    let decoded = Decoded::new(paste);
    for (index, char) in decoded.text().char_indices() {
        assert!(paste.get(decoded.source(&(index..index + char.len_utf8()))).is_some());
    }
});
