//! Finds rules for people who ask: by code, id, title and text, forgiving typos.

use std::sync::Arc;

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, FuzzyTermQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions, Value};
use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer,
};
use tantivy::{Index, IndexReader, TantivyDocument, Term};

use crate::diagnosis::Engine;
use crate::reply::fill;
use crate::reply::plain;
use crate::rules::{Part, Rule, RuleId, RuleSet, Scope, Status};

/// The name under which the index knows its analyzer.
const ANALYZER: &str = "rules";
/// Memory of the index writer, in bytes; the smallest that the library accepts.
const WRITER_MEMORY: usize = 15_000_000;
/// Words of a question that are looked at; a longer one is a paste and goes to the engine as well.
const TERMS_MAX: usize = 24;
/// A word from this many letters may have one typo …
const ONE_TYPO_FROM: usize = 4;
/// … and from this many two.
const TWO_TYPOS_FROM: usize = 8;

/// Why the index could not be built or searched; never because of a question.
pub type LookupError = tantivy::TantivyError;

/// A searchable rule set.
pub struct Lookup {
    engine: Arc<Engine>,
    reader: IndexReader,
    analyzer: TextAnalyzer,
    number: Field,
    /// Text fields with how much a word in them counts.
    fields: [(Field, f32); 4],
}

impl Lookup {
    /// Indexes the rules of an engine.
    pub fn new(engine: Arc<Engine>) -> Result<Self, LookupError> {
        let mut schema = Schema::builder();
        let text = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(IndexRecordOption::WithFreqs),
        );
        let number = schema.add_u64_field("number", tantivy::schema::STORED);
        let names = schema.add_text_field("names", text.clone());
        let title = schema.add_text_field("title", text.clone());
        let messages = schema.add_text_field("messages", text.clone());
        let page = schema.add_text_field("page", text);
        let index = Index::create_in_ram(schema.build());
        let analyzer = TextAnalyzer::builder(SimpleTokenizer::default())
            .filter(RemoveLongFilter::limit(60))
            .filter(LowerCaser)
            .filter(
                StopWordFilter::new(Language::English)
                    .ok_or_else(|| LookupError::SystemError("no English stop words".into()))?,
            )
            .filter(Stemmer::new(Language::English))
            .build();
        index.tokenizers().register(ANALYZER, analyzer.clone());
        let mut writer = index.writer_with_num_threads(1, WRITER_MEMORY)?;
        for (at, rule) in engine.rules().iter().enumerate() {
            let mut document = TantivyDocument::default();
            document.add_u64(number, at as u64);
            document.add_text(names, names_of(rule));
            document.add_text(title, &rule.title);
            document.add_text(messages, messages_of(rule));
            document.add_text(page, page_of(rule));
            writer.add_document(document)?;
        }
        writer.commit()?;
        let reader = index.reader()?;
        Ok(Self {
            engine,
            reader,
            analyzer,
            number,
            fields: [(names, 3.0), (title, 3.0), (messages, 1.5), (page, 0.6)],
        })
    }

    /// The rules that answer a question best, best first. What the question is recognised as, an
    /// id, or a code in it leads; then come rules that share its words.
    pub fn search(&self, question: &str, limit: usize) -> Result<Vec<RuleId>, LookupError> {
        let rules = self.engine.rules();
        let mut found: Vec<RuleId> =
            RuleId::parse(question.trim()).filter(|id| rules.get(id).is_some()).into_iter().collect();
        let outcome = self.engine.diagnose(question, Scope::Okta);
        let diagnosed = outcome.diagnoses.into_iter().map(|diagnosis| diagnosis.rule);
        let ranked = self.by_words(rules, question, limit)?;
        for id in diagnosed.chain(outcome.near).chain(ranked) {
            if !found.contains(&id) {
                found.push(id);
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    fn by_words(&self, rules: &RuleSet, question: &str, limit: usize) -> Result<Vec<RuleId>, LookupError> {
        let mut terms = Vec::new();
        let mut analyzer = self.analyzer.clone();
        let mut stream = analyzer.token_stream(question);
        while let Some(token) = stream.next() {
            if terms.len() < TERMS_MAX && !terms.contains(&token.text) {
                terms.push(token.text.clone());
            }
        }
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let clauses: Vec<(Occur, Box<dyn Query>)> = terms.iter().map(|term| (Occur::Should, self.word(term))).collect();
        // One stray word may be missing from a short question, half the words from a long one.
        let required = terms.len().div_ceil(2).max(terms.len().min(2) - usize::from(terms.len() == 2));
        let query = BooleanQuery::with_minimum_required_clauses(clauses, required);
        let searcher = self.reader.searcher();
        let mut found = Vec::new();
        for (_, address) in searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())? {
            let document: TantivyDocument = searcher.doc(address)?;
            let number = document.get_first(self.number).and_then(|value| value.as_u64());
            if let Some(rule) =
                number.and_then(|number| rules.at(number as usize)).filter(|rule| rule.status != Status::Deprecated)
            {
                found.push(rule.id.clone());
            }
        }
        Ok(found)
    }

    /// A word in any field, exact or with typos.
    fn word(&self, word: &str) -> Box<dyn Query> {
        let letters = word.chars().count();
        // Codes are either right or another code.
        let typos = match letters {
            _ if word.chars().any(|char| char.is_ascii_digit()) => 0,
            TWO_TYPOS_FROM.. => 2,
            ONE_TYPO_FROM.. => 1,
            _ => 0,
        };
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for (field, boost) in self.fields {
            let term = Term::from_field_text(field, word);
            let exact = TermQuery::new(term.clone(), IndexRecordOption::WithFreqs);
            clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(exact), boost))));
            if typos > 0 {
                let fuzzy = FuzzyTermQuery::new(term.clone(), typos, true);
                clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(fuzzy), boost * 0.4))));
            }
            if letters >= ONE_TYPO_FROM {
                let begun = FuzzyTermQuery::new_prefix(term, 0, true);
                clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(begun), boost * 0.3))));
            }
        }
        Box::new(BooleanQuery::new(clauses))
    }
}

fn names_of(rule: &Rule) -> String {
    let codes = rule.matches.iter().flat_map(|spec| &spec.codes);
    let words = rule.products.iter().chain(codes).cloned();
    words.chain([rule.id.as_str().replace(['/', '-'], " ")]).collect::<Vec<_>>().join(" ")
}

fn messages_of(rule: &Rule) -> String {
    let parts = rule.matches.iter().filter_map(|spec| spec.message.as_ref()).flat_map(|template| &template.parts);
    let literals = parts.filter_map(|part| if let Part::Literal(text) = part { Some(text.as_str()) } else { None });
    literals.collect::<Vec<_>>().join(" ")
}

fn page_of(rule: &Rule) -> String {
    rule.page.texts().map(|text| plain(&fill(text, &Default::default()))).collect::<Vec<_>>().join("\n")
}
