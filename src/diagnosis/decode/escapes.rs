//! Backslash escapes (JSON, JavaScript, Python, Markdown), percent-encoding, HTML and XML entities.

use super::{Decoded, Output};

/// The longest entity, `&CounterClockwiseContourIntegral;`, has 33 characters; those that occur in pastes have 8.
const ENTITY_MAX: usize = 12;

/// Undoes one level of escapes; `None` when there is nothing to undo.
pub(super) fn pass(input: &Decoded) -> Option<Decoded> {
    memchr::memchr3(b'\\', b'%', b'&', input.text.as_bytes())?;
    let mut scanner =
        Scanner { input, out: Output::with_capacity(input.text.len()), at: 0, in_path: false, changed: false };
    scanner.run();
    scanner.changed.then(|| scanner.out.finish())
}

struct Scanner<'i> {
    input: &'i Decoded,
    out: Output,
    at: usize,
    /// Inside a Windows path, where a backslash before `n` or `t` is a separator.
    in_path: bool,
    changed: bool,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while self.at < self.input.text.len() {
            let rest = &self.input.text.as_bytes()[self.at..];
            match rest[0] {
                b'\\' => self.backslash(),
                b'%' => self.percent(),
                b'&' => self.entity(),
                byte => {
                    if matches!(byte, b'"' | b'\'' | b'\n' | b'<' | b'>' | b'|' | b',' | b';') {
                        self.in_path = false;
                    }
                    let next = memchr::memchr3(b'\\', b'%', b'&', &rest[1..]).map_or(rest.len(), |at| at + 1);
                    let plain_end = if self.in_path { 1.max(utf8_len(byte)) } else { next };
                    self.keep(plain_end);
                }
            }
        }
    }

    /// Copies `len` bytes unchanged.
    fn keep(&mut self, len: usize) {
        self.out.copy(self.input, self.at..self.at + len);
        self.at += len;
    }

    /// Replaces `len` bytes by `char`.
    fn replace(&mut self, len: usize, char: char) {
        let source = self.input.source_of(self.at, len);
        self.out.push(char, source);
        self.at += len;
        self.changed = true;
    }

    fn backslash(&mut self) {
        let rest = &self.input.text.as_bytes()[self.at..];
        let run = rest.iter().take_while(|&&byte| byte == b'\\').count();
        let Some(&next) = rest.get(run) else { return self.keep(run) };
        if !self.in_path && self.after_drive_letter() {
            self.in_path = true;
        }
        if self.in_path && (next.is_ascii_alphanumeric() || next == b' ') {
            if run > 1 {
                self.replace(run, '\\')
            } else {
                self.keep(run)
            }
            return;
        }
        match next {
            b'n' | b'r' => self.replace(run + 1, '\n'),
            b't' => self.replace(run + 1, ' '),
            b'u' => match unicode_escape(&rest[run + 1..], run) {
                Some((char, len)) => self.replace(run + 1 + len, char),
                None => self.keep(run + 1),
            },
            b'x' => match hex(&rest[run + 1..], 2).and_then(char::from_u32) {
                Some(char) => self.replace(run + 3, char),
                None => self.keep(run + 1),
            },
            b'0' if rest[run..].starts_with(b"033") => self.replace(run + 3, '\u{1b}'),
            b'e' if rest[run + 1..].starts_with(b"[") => self.replace(run + 1, '\u{1b}'),
            byte if byte.is_ascii_punctuation() || byte == b'\n' => self.replace(run + 1, char::from(byte)),
            _ => self.keep(run),
        }
    }

    fn after_drive_letter(&self) -> bool {
        match self.input.text.as_bytes()[..self.at] {
            [.., before, letter, b':'] => letter.is_ascii_alphabetic() && !before.is_ascii_alphanumeric(),
            [letter, b':'] => letter.is_ascii_alphabetic(),
            _ => false,
        }
    }

    /// Decodes a run of `%XX` as UTF-8; a run that is no text stays as it is.
    fn percent(&mut self) {
        /// A longer run is decoded in parts; it ends at a character boundary because invalid runs are shortened.
        const RUN_MAX: usize = 64;
        let rest = &self.input.text.as_bytes()[self.at..];
        let mut bytes = Vec::new();
        while bytes.len() < RUN_MAX
            && let Some(tail) = rest.get(bytes.len() * 3..)
            && tail.first() == Some(&b'%')
            && let Some(byte) = hex(&tail[1..], 2)
        {
            bytes.push(byte as u8);
        }
        let valid = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        if valid.is_empty() {
            return self.keep(1);
        }
        for char in valid.chars() {
            self.replace(char.len_utf8() * 3, if char.is_control() && char != '\n' { ' ' } else { char });
        }
    }

    fn entity(&mut self) {
        let rest = &self.input.text[self.at..];
        let end = rest.as_bytes().iter().take(ENTITY_MAX).position(|&byte| byte == b';');
        let decoded = end.map(|end| (end + 1, html_escape::decode_html_entities(&rest[..=end])));
        match decoded {
            Some((len, text)) if text.chars().count() == 1 => {
                let char = text.chars().next().unwrap_or(' ');
                self.replace(len, char);
            }
            _ => self.keep(1),
        }
    }
}

fn utf8_len(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// The number written in the first `digits` bytes.
fn hex(bytes: &[u8], digits: usize) -> Option<u32> {
    let text = std::str::from_utf8(bytes.get(..digits)?).ok()?;
    text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, 16).ok())?
}

/// Reads the four digits behind `\u`, or a surrogate pair of them; the backslashes between the halves
/// are as many as before the first. Returns the character and the bytes read.
fn unicode_escape(bytes: &[u8], backslashes: usize) -> Option<(char, usize)> {
    let first = hex(bytes, 4)?;
    if let Some(char) = char::from_u32(first) {
        return Some((char, 4));
    }
    let rest = &bytes[4..];
    let low = rest
        .get(..backslashes)
        .filter(|run| run.iter().all(|&b| b == b'\\'))
        .and_then(|_| (rest.get(backslashes) == Some(&b'u')).then(|| hex(&rest[backslashes + 1..], 4))?)?;
    let code = 0x10000 + ((first.checked_sub(0xd800)? & 0x3ff) << 10) + (low.checked_sub(0xdc00)? & 0x3ff);
    Some((char::from_u32(code)?, 4 + backslashes + 1 + 4))
}
