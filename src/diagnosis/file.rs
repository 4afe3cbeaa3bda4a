//! Files that hold pastes: logs come packed, and in whatever encoding the shell that wrote them has.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::read::GzDecoder;

use super::PASTE_MAX;

/// The text of a file: unpacked where it is gzip, read as UTF-16 where a byte order mark says so
/// and zeros confirm it (PowerShell's `>` writes that), and as UTF-8 else, with what is neither replaced. A file that
/// unpacks to more than is read of a paste is unpacked up to there.
pub fn text(bytes: &[u8]) -> String {
    let bytes = unpacked(bytes);
    match bytes.as_ref() {
        bytes if !bytes.contains(&0) => {
            String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).into_owned()
        }
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn unpacked(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Cow::Borrowed(bytes);
    }
    let mut unpacked = Vec::new();
    // A little more than is read tells that there is more.
    let limit = PASTE_MAX as u64 + 4;
    // What was cut off unpacks up to there.
    let _ = GzDecoder::new(bytes).take(limit).read_to_end(&mut unpacked);
    Cow::Owned(unpacked)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::text;
    use crate::diagnosis::PASTE_MAX;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn encodings_and_packing() {
        assert_eq!(text(b"E0000011"), "E0000011");
        assert_eq!(text(b"\xef\xbb\xbfE0000011"), "E0000011");
        assert_eq!(text(b"\xff\xfe E0"), "\u{fffd}\u{fffd} E0");
        assert_eq!(text(b"\xff\xfeE\0\x30\0"), "E0");
        assert_eq!(text(b"\xfe\xff\0E\0\x30\0"), "E0");
        assert_eq!(text(b"caf\xe9"), "caf\u{fffd}");
        assert_eq!(text(&packed(b"E0000011")), "E0000011");
        let whole = packed("E0000011 ".repeat(10_000).as_bytes());
        assert!(text(&whole[..whole.len() / 2]).starts_with("E0000011"));
    }

    #[test]
    fn a_bomb_stays_small() {
        assert_eq!(text(&packed(&vec![b'x'; 8 * PASTE_MAX])).len(), PASTE_MAX + 4);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200), marked in 0..4usize) {
            let mark: &[u8] = [&b"\xff\xfe"[..], b"\xfe\xff", b"\x1f\x8b\x08", b""][marked];
            text(&[mark, &bytes].concat());
        }

        #[test]
        fn utf16_is_read_back(said in "\\PC{0,40}") {
            let said = format!("E{said}");
            let bytes: Vec<u8> = said.encode_utf16().flat_map(u16::to_le_bytes).collect();
            prop_assert_eq!(text(&[b"\xff\xfe", bytes.as_slice()].concat()), said);
        }
    }
}
