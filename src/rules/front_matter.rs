//! The TOML between the `+++` lines, and with it the whole rule file.
//!
//! The table is walked by hand rather than deserialised, because an author wants all problems of a
//! file at once, each with its place, and serde stops at the first.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::load::Entry;
use super::page::{self, Piece};
use super::words::Words;
use super::{
    ContextNeed, Engine, Example, FactName, FixedBy, Keyword, MatchSpec, Place, Problem, Rule, RuleFile, RuleId,
    RuleRegex, Scope, Status, Template, Wildcard, nearest,
};

/// The line before and after the front matter.
const FENCE: &str = "+++";

/// Reads a rule file; `None` when it has problems, which are added to `problems`.
pub(super) fn parse(file: RuleFile, text: &str, words: &Words, problems: &mut Vec<Problem>) -> Option<Entry> {
    let mut reader = Reader { file: &file, text, words, base: 0, problems: Vec::new() };
    let entry = reader.read();
    let found = std::mem::take(&mut reader.problems);
    let clean = found.is_empty();
    problems.extend(found);
    entry.filter(|_| clean)
}

/// A TOML table whose entries are taken out one by one; what remains is unknown.
struct Fields<'t> {
    entries: Vec<(&'t str, Range<usize>, &'t Spanned<DeValue<'t>>)>,
    known: Vec<&'static str>,
    span: Range<usize>,
}

impl<'t> Fields<'t> {
    fn new(table: &'t DeTable<'t>, span: Range<usize>) -> Self {
        let entries = table.iter().map(|(key, value)| (&**key.get_ref(), key.span(), value)).collect();
        Self { entries, known: Vec::new(), span }
    }

    fn take(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(key);
        let index = self.entries.iter().position(|(name, _, _)| *name == key)?;
        Some(self.entries.swap_remove(index).2)
    }
}

struct Reader<'r> {
    file: &'r RuleFile,
    text: &'r str,
    words: &'r Words,
    /// Where the TOML starts in the file: TOML spans count from there.
    base: usize,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Notes a problem at byte `offset` of the file.
    fn problem_at(&mut self, offset: usize, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem {
            file: self.file.shown.clone(),
            place: Place::at(self.text, offset),
            message: message.into(),
            help: help.into(),
        });
    }

    /// Notes a problem at a TOML span.
    fn problem(&mut self, span: &Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.problem_at(self.base + span.start, message, help);
    }

    fn place(&self, span: &Range<usize>) -> Place {
        Place::at(self.text, self.base + span.start)
    }

    fn read(&mut self) -> Option<Entry> {
        let id = RuleId::parse(&self.file.id);
        if id.is_none() {
            self.problem_at(
                0,
                format!("`{}` is not a rule id", self.file.id),
                "name the file family/slug.md with lower-case words joined by hyphens",
            );
        }
        let split = self.text.strip_prefix(FENCE).and_then(|rest| {
            let start = self.text.len() - rest.len();
            let body = rest.find("\n+++").map(|at| start + at + 1)?;
            Some((start, body))
        });
        let Some((start, end)) = split else {
            self.problem_at(
                0,
                "no front matter",
                "start the file with a line `+++`, the TOML, and another line `+++`; `oktriage rules new` writes one",
            );
            return None;
        };
        self.base = start;
        let text = self.text;
        let (table, errors) = DeTable::parse_recoverable(&text[start..end]);
        for error in errors {
            let span = error.span().unwrap_or_default();
            self.problem(&span, error.message(), "see responses/README.md for the format");
        }
        let mut fields = Fields::new(table.get_ref(), 0..0);
        if let Some(disabled) = fields.take("disabled") {
            return self.disabled(disabled, fields).then_some(Entry::Disabled(id?));
        }
        let body_start = text[end..].find('\n').map_or(text.len(), |newline| end + newline + 1);
        self.rule(id, fields, body_start)
    }

    /// An overlay file that switches a rule off: `disabled = true` and nothing else.
    fn disabled(&mut self, value: &Spanned<DeValue<'_>>, fields: Fields<'_>) -> bool {
        let on = value.get_ref().as_bool();
        if on != Some(true) || !fields.entries.is_empty() {
            self.problem(
                &value.span(),
                "`disabled` switches off the rule of this id from an earlier rule directory",
                "write `disabled = true` and nothing else between the `+++` lines, or remove it",
            );
        }
        on == Some(true)
    }

    fn rule(&mut self, id: Option<RuleId>, mut fields: Fields<'_>, body_start: usize) -> Option<Entry> {
        let title = self.required_string(&mut fields, "title", "a title that names the problem");
        let products = self.strings(&mut fields, "products");
        if products.is_empty() {
            self.problem(&fields.span.clone(), "no `products`", "add products = [\"Provisioning\", …]");
        }
        let mut engines = self.keywords::<Engine>(&mut fields, "engines");
        if engines.is_empty() {
            engines = vec![Engine::Classic, Engine::Identity];
        }
        let fixed_by = fields.take("fixed_by");
        if fixed_by.is_none() {
            self.problem(&fields.span.clone(), "no `fixed_by`", one_of::<FixedBy>());
        }
        let fixed_by = fixed_by.and_then(|value| self.keyword::<FixedBy>(value));
        let reviewed = self.date(&mut fields, "reviewed");
        let sources = self.sources(&mut fields);
        let related = self.related(&mut fields);
        let status = fields.take("status").map_or(Some(Status::Stable), |value| self.keyword(value));
        let generic = self.boolean(&mut fields, "generic");
        let matches = self.tables(&mut fields, "match", Self::match_spec);
        let examples = self.tables(&mut fields, "example", |reader, fields| reader.example(fields, true));
        let counterexamples =
            self.tables(&mut fields, "counterexample", |reader, fields| reader.example(fields, false));
        let top = fields.span.clone();
        self.refuse_unknown(fields, "a rule");

        if matches.is_empty() {
            self.problem(&top, "no `[[match]]`", "say how the error is recognised, e.g. [[match]] message = \"…\"");
        }
        if examples.is_empty() {
            self.problem(&top, "no `[[example]]`", "add a paste that this rule must answer");
        }
        if status == Some(Status::Stable) && sources.is_empty() {
            self.problem(
                &top,
                "a stable rule without `sources`",
                "list the pages that support it, or set status = \"preview\"",
            );
        }

        let body = self.text.get(body_start..).unwrap_or_default();
        let mut body_problems = Vec::new();
        let page = page::parse(body, &mut body_problems);
        for (offset, message, help) in body_problems {
            self.problem_at(body_start + offset, message, help);
        }
        self.check_captures(&matches, &page, body_start);

        Some(Entry::Rule(Box::new(Rule {
            id: id?,
            title: title?,
            products,
            engines,
            fixed_by: fixed_by?,
            reviewed: reviewed?,
            sources,
            related,
            status: status?,
            generic,
            matches,
            examples,
            counterexamples,
            page,
            file: self.file.clone(),
        })))
    }

    fn refuse_unknown(&mut self, fields: Fields<'_>, of: &str) {
        for (key, span, _) in fields.entries {
            let help = match nearest(key, fields.known.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("{of} has: {}", fields.known.join(", ")),
            };
            self.problem(&span, format!("unknown key `{key}` in {of}"), help);
        }
    }

    /// Every capture that the page uses must be captured by each match, or have a fallback.
    fn check_captures(&mut self, matches: &[MatchSpec], page: &page::Page, body_start: usize) {
        let captured = |spec: &MatchSpec| -> Vec<String> {
            let mut names: Vec<String> = spec.message.iter().flat_map(Template::captures).map(str::to_owned).collect();
            names.extend(spec.regex.iter().flat_map(RuleRegex::names).cloned());
            names
        };
        let by_match: Vec<Vec<String>> = matches.iter().map(captured).collect();
        for spec in matches {
            let own = captured(spec);
            for (name, _) in &spec.captures_like {
                if !own.contains(name) {
                    let message = format!("`where.{name}`, but nothing in this match captures `{name}`");
                    self.problems.push(Problem {
                        file: self.file.shown.clone(),
                        place: spec.place,
                        message,
                        help: format!("write `{{{name}}}` in the message, or remove the condition"),
                    });
                }
            }
        }
        for text in page.texts() {
            for piece in text.pieces() {
                let Piece::Capture { name, fallback } = piece else { continue };
                let always = !by_match.is_empty() && by_match.iter().all(|names| names.contains(name));
                let sometimes = by_match.iter().any(|names| names.contains(name));
                let fact = FactName::from_word(name).is_some();
                let offset = body_start + text.offset;
                if !sometimes && !fact {
                    self.problem_at(
                        offset,
                        format!("unknown capture `{{{name}}}`"),
                        format!("no match captures `{name}`; for a literal brace write `{{{{`"),
                    );
                } else if !always && fallback.as_ref().is_none_or(|fallback| fallback.trim().is_empty()) {
                    self.problem_at(
                        offset,
                        format!("`{{{name}}}` is not always captured"),
                        format!("say what to write instead: `{{{name}|the …}}`"),
                    );
                }
            }
        }
    }

    fn match_spec(&mut self, fields: &mut Fields<'_>) -> Option<MatchSpec> {
        let message = self.message(fields);
        let codes = self.strings(fields, "code");
        let contains = self.texts(fields, "contains");
        let absent = self.texts(fields, "absent");
        let captures_like = self.conditions(fields, "where", |_, name, _| Some(name.to_owned()));
        let facts = self.conditions(fields, "fact", |reader, name, span| {
            let fact = FactName::from_word(name);
            if fact.is_none() {
                let words = FactName::WORDS.iter().map(|(word, _)| *word);
                let help = nearest(name, words)
                    .map_or_else(one_of::<FactName>, |known| format!("did you mean `fact.{known}`?"));
                reader.problem(span, format!("unknown fact `{name}`"), help);
            }
            fact
        });
        let regex = fields.take("regex").and_then(|value| {
            let regex = self.string(value)?;
            match self.words.expand(&regex).and_then(|regex| RuleRegex::new(&regex)) {
                Ok(regex) => Some(regex),
                Err(reason) => {
                    self.problem(
                        &value.span(),
                        format!("not a regex: {reason}"),
                        "the syntax is that of https://docs.rs/regex",
                    );
                    None
                }
            }
        });
        let standalone = self.boolean(fields, "standalone");
        let needs_context = match fields.take("needs_context") {
            None => ContextNeed::None,
            Some(value) => match value.get_ref() {
                DeValue::Boolean(true) => ContextNeed::Implied,
                DeValue::Boolean(false) => ContextNeed::None,
                DeValue::String(word) if word == "evident" => ContextNeed::Evident,
                _ => {
                    self.problem(
                        &value.span(),
                        "`needs_context` is true, false or \"evident\"",
                        "see responses/README.md",
                    );
                    ContextNeed::None
                }
            },
        };
        let spec = MatchSpec {
            message,
            captures_like,
            codes,
            facts,
            contains,
            absent,
            regex,
            standalone,
            needs_context,
            place: self.place(&fields.span),
        };
        if spec.message.is_none() && spec.codes.is_empty() && spec.facts.is_empty() && spec.contains.is_empty() {
            self.problem(
                &fields.span.clone(),
                "nothing in this match says where to look",
                "add `message`, `code`, `fact.…` or `contains`; `regex` and `absent` only narrow those",
            );
        }
        Some(spec)
    }

    fn message(&mut self, fields: &mut Fields<'_>) -> Option<Template> {
        let value = fields.take("message")?;
        let text = self.string(value)?;
        match Template::parse(&text) {
            Ok(template) => Some(template),
            Err(error) => {
                // The offset counts from the first character of the text, one quote into the value.
                let at = value.span().start + 1 + error.offset;
                self.problem(&(at..at), error.message, "holes look like {user} or {_}; for a brace write {{ or }}");
                None
            }
        }
    }

    fn example(&mut self, fields: &mut Fields<'_>, positive: bool) -> Option<Example> {
        let text = self.required_string(fields, "text", "the paste");
        let mut captures = Vec::new();
        if positive && let Some(value) = fields.take("captures") {
            for (name, value) in self.entries(value) {
                if let Some(text) = self.string(value) {
                    captures.push((name.to_owned(), text));
                }
            }
        }
        let scope = fields.take("scope").map_or(Some(Scope::Okta), |value| self.keyword(value));
        Some(Example { text: text?, captures, scope: scope?, place: self.place(&fields.span) })
    }

    /// `name.<key> = "wildcard"` or a list of wildcards, for several keys.
    fn conditions<K>(
        &mut self,
        fields: &mut Fields<'_>,
        name: &'static str,
        mut key_of: impl FnMut(&mut Self, &str, &Range<usize>) -> Option<K>,
    ) -> Vec<(K, Vec<Wildcard>)> {
        let Some(value) = fields.take(name) else { return Vec::new() };
        let mut conditions = Vec::new();
        for (key, value) in self.entries(value) {
            let Some(key) = key_of(self, key, &value.span()) else { continue };
            let wildcards = self.scalars(value).iter().map(|text| Wildcard::new(text)).collect();
            conditions.push((key, wildcards));
        }
        conditions
    }

    /// The entries of a table value, with a problem where it is none.
    fn entries<'t>(&mut self, value: &'t Spanned<DeValue<'t>>) -> Vec<(&'t str, &'t Spanned<DeValue<'t>>)> {
        match value.get_ref() {
            DeValue::Table(table) => table.iter().map(|(key, value)| (&**key.get_ref(), value)).collect(),
            other => {
                self.expected(&value.span(), "a table", other);
                Vec::new()
            }
        }
    }

    /// A list of tables `[[name]]`.
    fn tables<T>(
        &mut self,
        fields: &mut Fields<'_>,
        name: &'static str,
        mut read: impl FnMut(&mut Self, &mut Fields<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = fields.take(name) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.problem(
                &value.span(),
                format!("`{name}` is not a list of tables"),
                format!("start each with a line `[[{name}]]`"),
            );
            return Vec::new();
        };
        let mut read_items = Vec::new();
        for item in items.iter() {
            let DeValue::Table(table) = item.get_ref() else {
                self.expected(&item.span(), "a table", item.get_ref());
                continue;
            };
            let mut fields = Fields::new(table, item.span());
            read_items.extend(read(self, &mut fields));
            self.refuse_unknown(fields, &format!("[[{name}]]"));
        }
        read_items
    }

    fn expected(&mut self, span: &Range<usize>, what: &str, found: &DeValue<'_>) {
        self.problem(
            span,
            format!("expected {what}, found {}", found.type_str()),
            "see responses/README.md for the format",
        );
    }

    fn string(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                self.problem(&value.span(), "an empty text", "fill it in or remove the key");
                None
            }
            DeValue::String(text) => Some(text.to_string()),
            other => {
                self.expected(&value.span(), "a text", other);
                None
            }
        }
    }

    fn required_string(&mut self, fields: &mut Fields<'_>, key: &'static str, what: &str) -> Option<String> {
        match fields.take(key) {
            Some(value) => self.string(value),
            None => {
                self.problem(&fields.span.clone(), format!("no `{key}`"), format!("add {key} = \"…\": {what}"));
                None
            }
        }
    }

    /// A text, a number, or a list of those, all as text.
    fn scalars(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().flat_map(|item| self.scalars(item)).collect(),
            DeValue::Integer(number) => vec![number.as_str().to_owned()],
            _ => self.string(value).into_iter().collect(),
        }
    }

    fn strings(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Vec<String> {
        fields.take(key).map(|value| self.scalars(value)).unwrap_or_default()
    }

    /// As `strings`, with the lists that are named put in.
    fn texts(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Vec<String> {
        let Some(value) = fields.take(key) else { return Vec::new() };
        let mut texts = Vec::new();
        for entry in self.scalars(value) {
            match self.words.texts(entry) {
                Ok(found) => texts.extend(found),
                Err(reason) => self.problem(&value.span(), reason, "see responses/README.md for the format"),
            }
        }
        texts
    }

    fn boolean(&mut self, fields: &mut Fields<'_>, key: &'static str) -> bool {
        let Some(value) = fields.take(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.expected(&value.span(), "true or false", value.get_ref());
            false
        })
    }

    fn keyword<K: Keyword>(&mut self, value: &Spanned<DeValue<'_>>) -> Option<K> {
        let word = self.string(value)?;
        let found = K::from_word(&word);
        if found.is_none() {
            self.problem(&value.span(), format!("unknown word `{word}`"), one_of::<K>());
        }
        found
    }

    fn keywords<K: Keyword>(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Vec<K> {
        let Some(value) = fields.take(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| self.keyword(item)).collect(),
            _ => self.keyword(value).into_iter().collect(),
        }
    }

    fn date(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
        let Some(value) = fields.take(key) else {
            self.problem(
                &fields.span.clone(),
                format!("no `{key}`"),
                format!("add {key} = 2026-11-22, the date of the last check"),
            );
            return None;
        };
        match value.get_ref() {
            DeValue::Datetime(toml::value::Datetime { date: Some(date), time: None, offset: None }) => {
                Some(date.to_string())
            }
            other => {
                self.expected(&value.span(), "a date such as 2026-11-22, without quotes", other);
                None
            }
        }
    }

    fn sources(&mut self, fields: &mut Fields<'_>) -> Vec<String> {
        let Some(value) = fields.take("sources") else { return Vec::new() };
        let sources = self.scalars(value);
        for source in
            sources.iter().filter(|source| !source.starts_with("https://") || source.contains(char::is_whitespace))
        {
            self.problem(
                &value.span(),
                format!("`{source}` is not an https:// address"),
                "list pages that a reader can open",
            );
        }
        sources
    }

    fn related(&mut self, fields: &mut Fields<'_>) -> Vec<RuleId> {
        let Some(value) = fields.take("related") else { return Vec::new() };
        let mut related = Vec::new();
        for text in self.scalars(value) {
            match RuleId::parse(&text) {
                Some(id) => related.push(id),
                None => self.problem(&value.span(), format!("`{text}` is not a rule id"), "write family/slug"),
            }
        }
        related
    }
}

fn one_of<K: Keyword>() -> String {
    let words: Vec<_> = K::WORDS.iter().map(|(word, _)| *word).collect();
    format!("one of: {}", words.join(", "))
}
