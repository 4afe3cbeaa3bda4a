//! Texts in which `*` stands for anything.

/// A text to compare values with: `*` stands for any run of characters, case is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    /// Lower-case literal parts between the stars.
    parts: Vec<String>,
    text: String,
}

impl Wildcard {
    /// Reads a wildcard; every text is one.
    pub fn new(text: &str) -> Self {
        Self { parts: text.to_lowercase().split('*').map(str::to_owned).collect(), text: text.to_owned() }
    }

    /// The wildcard as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `value` fits, surrounding white space aside.
    pub fn fits(&self, value: &str) -> bool {
        let value = value.trim().to_lowercase();
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.first().is_some_and(|only| *only == value);
        };
        let Some(mut rest) = value.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Wildcard;

    #[test]
    fn stars_stand_for_anything() {
        for (wildcard, value, fits) in [
            ("ShareFile", "sharefile", true),
            ("ShareFile", "Citrix ShareFile", false),
            ("*ShareFile", "Citrix ShareFile", true),
            ("*ShareFile*", "ShareFile", true),
            ("E0000*", "E0000014", true),
            ("E0000*", "E1", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
        ] {
            assert_eq!(Wildcard::new(wildcard).fits(value), fits, "{wildcard} on {value}");
        }
    }
}
