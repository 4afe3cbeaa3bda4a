//! Parts of expressions and lists of words that several rules share, from the file `words.toml` of a rule directory.
//! `(?&name)` stands for one of them; the syntax of expressions has no other use for that.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Place, Problem, nearest};

/// The file beside the families of a rule directory.
pub(super) const FILE: &str = "words.toml";
/// An expression may use others, so deep at most; deeper means that one uses itself.
const DEPTH_MAX: usize = 4;

/// What `words.toml` holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// Parts of expressions, by name.
    #[serde(default)]
    regex: BTreeMap<String, String>,
    /// Lists for `contains` and `absent`, by name.
    #[serde(default)]
    list: BTreeMap<String, Vec<String>>,
}

impl Words {
    /// Adds those of a file; they replace others of the same name.
    pub(super) fn read(&mut self, shown: &str, text: &str, problems: &mut Vec<Problem>) {
        match toml::from_str::<Self>(text) {
            Ok(Self { regex, list }) => {
                self.regex.extend(regex);
                self.list.extend(list);
            }
            Err(error) => problems.push(Problem {
                file: shown.to_owned(),
                place: Place::at(text, error.span().unwrap_or_default().start),
                message: error.message().to_owned(),
                help: "a [regex] table of expressions and a [list] table of lists; see responses/README.md".to_owned(),
            }),
        }
    }

    /// An expression with everything put in that it names; the error says which name is unknown.
    pub(super) fn expand(&self, source: &str) -> Result<String, String> {
        let mut expanded = source.to_owned();
        for _ in 0..DEPTH_MAX {
            let Some(pieces) = split(&expanded) else { return Ok(expanded) };
            let mut next = String::with_capacity(expanded.len());
            for piece in pieces {
                match piece {
                    Piece::Text(text) => next.push_str(text),
                    Piece::Name(name) => {
                        let part = self.regex.get(name).ok_or_else(|| unknown(name, self.regex.keys()))?;
                        next.push_str("(?:");
                        next.push_str(part);
                        next.push(')');
                    }
                }
            }
            expanded = next;
        }
        Err("an expression of `words.toml` uses itself".to_owned())
    }

    /// The texts that an entry of `contains` or `absent` stands for; the error says which name is unknown.
    pub(super) fn texts(&self, entry: String) -> Result<Vec<String>, String> {
        match entry.strip_prefix("(?&").and_then(|rest| rest.strip_suffix(')')) {
            Some(name) => self.list.get(name).cloned().ok_or_else(|| unknown(name, self.list.keys())),
            None => Ok(vec![entry]),
        }
    }
}

enum Piece<'t> {
    Text(&'t str),
    Name(&'t str),
}

/// The text between names, and the names; `None` when there are none.
fn split(source: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = source;
    while let Some((before, behind)) = rest.split_once("(?&")
        && let Some((name, after)) = behind.split_once(')')
    {
        pieces.extend([Piece::Text(before), Piece::Name(name)]);
        rest = after;
    }
    (!pieces.is_empty()).then(|| {
        pieces.push(Piece::Text(rest));
        pieces
    })
}

fn unknown<'n>(name: &str, known: impl Iterator<Item = &'n String>) -> String {
    let near = nearest(name, known.map(String::as_str));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("`{name}` is not in `{FILE}`{hint}")
}

#[cfg(test)]
mod tests {
    use super::Words;

    fn words(text: &str) -> (Words, Vec<String>) {
        let (mut words, mut problems) = (Words::default(), Vec::new());
        words.read("words.toml", text, &mut problems);
        (words, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn names_stand_for_what_the_file_says() {
        let (words, problems) = words(
            "[regex]\nfruit = 'apple|pear'\nbasket = 'a (?&fruit) or (?&fruit)'\nloop = '(?&loop)'\n[list]\ntalk = ['why', 'who']",
        );
        assert!(problems.is_empty());
        assert_eq!(words.expand(r"\d (?&fruit)s?").as_deref(), Ok(r"\d (?:apple|pear)s?"));
        assert_eq!(words.expand("(?&basket)").as_deref(), Ok("(?:a (?:apple|pear) or (?:apple|pear))"));
        assert_eq!(words.expand("(?i)plain").as_deref(), Ok("(?i)plain"));
        assert_eq!(words.texts("(?&talk)".to_owned()), Ok(vec!["why".to_owned(), "who".to_owned()]));
        assert_eq!(words.texts("talk".to_owned()), Ok(vec!["talk".to_owned()]));
        insta::assert_snapshot!(words.expand("(?&fruits)").unwrap_err(), @"`fruits` is not in `words.toml`; did you mean `fruit`?");
        insta::assert_snapshot!(words.expand("(?&loop)").unwrap_err(), @"an expression of `words.toml` uses itself");
        insta::assert_snapshot!(words.texts("(?&x)".to_owned()).unwrap_err(), @"`x` is not in `words.toml`");
    }

    #[test]
    fn mistakes_in_the_file_are_told_with_their_place() {
        insta::assert_snapshot!(words("[regex]\nfruit = 3").1.join("\n"), @r"
        words.toml:2:9: invalid type: integer `3`, expected a string
          help: a [regex] table of expressions and a [list] table of lists; see responses/README.md
        ");
        let problems = words("[words]\nfruit = 'x'").1.join("\n");
        assert!(problems.starts_with("words.toml:1:2: unknown field `words`"), "{problems}");
    }
}
