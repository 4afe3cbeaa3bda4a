//! The regular expressions of rules.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex::{Captures, Regex, RegexBuilder};
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{Ast, GroupKind, Visitor, visit};

/// A compiled regex of a rule may not need more memory than this, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// A regular expression of a rule. It is compiled when it is first needed: compiling those of the
/// whole set would take most of the time in which the program starts.
#[derive(Debug, Clone)]
pub struct RuleRegex {
    source: String,
    names: Vec<String>,
    compiled: Arc<OnceLock<Option<Regex>>>,
}

impl RuleRegex {
    /// Reads an expression; the error says what is wrong with its syntax.
    pub fn new(source: &str) -> Result<Self, String> {
        let ast = Parser::new().parse(source).map_err(|error| error.kind().to_string())?;
        // The visitor never fails.
        let names = visit(&ast, Names(Vec::new())).unwrap_or_default();
        Ok(Self { source: source.to_owned(), names, compiled: Arc::default() })
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The names of its groups, which become captures.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Compiles the expression; the error says why it cannot be used.
    pub fn compile(&self) -> Result<Regex, String> {
        let built = RegexBuilder::new(&self.source).case_insensitive(true).size_limit(SIZE_LIMIT).build();
        built.map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned())
    }

    /// The first place at or behind `from` where it matches. One that cannot be compiled matches nowhere.
    pub fn find_at(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let compiled = self.compiled.get_or_init(|| self.compile().ok()).as_ref()?;
        compiled.find_at(text, from).map(|found| found.range())
    }

    /// The first place in `text` where it matches. One that cannot be compiled never does; `rules
    /// check` refuses those.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.compiled.get_or_init(|| self.compile().ok()).as_ref()?.captures(text)
    }
}

/// Collects the names of groups.
struct Names(Vec<String>);

impl Visitor for Names {
    type Output = Vec<String>;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<Self::Output, Self::Err> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        if let Ast::Group(group) = ast
            && let GroupKind::CaptureName { name, .. } = &group.kind
        {
            self.0.push(name.name.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::RuleRegex;

    #[test]
    fn groups_are_known_without_compiling() {
        let regex = RuleRegex::new(r"scope (?P<scope>\S+) of (?<app>[^,]+)").expect("sound");
        assert_eq!(regex.names(), ["scope", "app"]);
        assert_eq!(&regex.captures("no SCOPE x of Box, sorry").expect("a match")["app"], "Box");
    }

    #[test]
    fn mistakes_are_told() {
        insta::assert_snapshot!(RuleRegex::new("(").expect_err("open"), @"unclosed group");
        insta::assert_snapshot!(RuleRegex::new(r"\w{999}{999}").expect("syntax").compile().expect_err("large"), @"Compiled regex exceeds size limit of 1048576 bytes.");
    }
}
