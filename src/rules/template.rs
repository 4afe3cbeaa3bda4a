//! Texts with holes: `Automatic provisioning of user {user} to app {app} failed`.

/// The longest name of a hole or of a capture.
const NAME_MAX: usize = 40;

/// A message to recognise: literal text with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The parts in order; never two literals in a row.
    pub parts: Vec<Part>,
}

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that must be there.
    Literal(String),
    /// A gap: `{name}` is captured, `{_}` (`None`) is not.
    Hole(Option<String>),
}

/// Why a text is not a template, with the byte offset of the offending brace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    pub offset: usize,
    pub message: String,
}

impl Template {
    /// Reads `literal {hole} literal`; `{{` and `}}` are braces.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find(['{', '}']) {
            let brace = at + found;
            literal.push_str(&text[at..brace]);
            let rest = &text[brace..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                literal.push_str(&rest[..1]);
                at = brace + 2;
                continue;
            }
            let hole = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')).map(|(name, _)| name);
            let Some(name) = hole.filter(|name| *name == "_" || is_name(name)) else {
                return Err(TemplateError {
                    offset: brace,
                    message: "a brace that neither opens nor closes a hole".to_owned(),
                });
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Hole((name != "_").then(|| name.to_owned())));
            at = brace + name.len() + 2;
        }
        literal.push_str(&text[at..]);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// The names of the holes that are captured.
    pub fn captures(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(Some(name)) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// Whether `text` may name a hole: `user`, `app_name2`.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= NAME_MAX
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::{Part, Template};

    fn show(text: &str) -> String {
        match Template::parse(text) {
            Ok(template) => template
                .parts
                .iter()
                .map(|part| match part {
                    Part::Literal(text) => format!("'{text}'"),
                    Part::Hole(Some(name)) => format!("<{name}>"),
                    Part::Hole(None) => "<>".to_owned(),
                })
                .collect(),
            Err(error) => format!("{}: {}", error.offset, error.message),
        }
    }

    #[test]
    fn holes_and_braces() {
        insta::assert_snapshot!(show("user {user} to {_}"), @"'user '<user>' to '<>");
        insta::assert_snapshot!(show("{a}{b_2} {{x}}"), @"<a><b_2>' {x}'");
        insta::assert_snapshot!(show("no {Name} here"), @"3: a brace that neither opens nor closes a hole");
        insta::assert_snapshot!(show("open {user"), @"5: a brace that neither opens nor closes a hole");
        insta::assert_snapshot!(show("shut } it"), @"5: a brace that neither opens nor closes a hole");
        insta::assert_snapshot!(show("ünï {x} ö"), @"'ünï '<x>' ö'");
    }
}
