//! From rule directories to a [`RuleSet`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::words::{self, Words};
use super::{Place, Problem, Rule, RuleId, built_in, front_matter, nearest};

/// A rule file larger than this is refused, in bytes; the longest useful page is a tenth of it.
const FILE_MAX: u64 = 64 * 1024;

/// Where rules come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The rules compiled into the binary.
    BuiltIn,
    /// A directory of `family/slug.md` files.
    Dir(PathBuf),
}

/// A rule file as the author knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Path below the rule directory without extension; becomes the rule id.
    pub id: String,
    /// Path as shown in messages.
    pub shown: String,
}

/// What a file says about its rule id.
pub(super) enum Entry {
    Rule(Box<Rule>),
    Disabled(RuleId),
}

/// All rules that are in force, in id order.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    /// A set of given rules, which must have different ids.
    pub fn of(mut rules: Vec<Rule>) -> Self {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        Self { rules }
    }

    /// Reads all sources in order: later ones add rules, replace rules of the same id, or disable
    /// them. Everything that is wrong is returned at once, with the rules that are sound.
    pub fn load(sources: &[Source]) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut rules = BTreeMap::new();
        let mut words = Words::default();
        // What the built-in rules share, rules of a directory may use.
        words.read("built-in:words.toml", built_in::WORDS, &mut problems);
        for source in sources {
            if let Source::Dir(dir) = source {
                read_words(dir, &mut words, &mut problems);
            }
            for (file, text) in files(source, &mut problems) {
                match front_matter::parse(file, &text, &words, &mut problems) {
                    Some(Entry::Rule(rule)) => {
                        rules.insert(rule.id.clone(), *rule);
                    }
                    Some(Entry::Disabled(id)) => {
                        rules.remove(&id);
                    }
                    None => {}
                }
            }
        }
        let set = Self { rules: rules.into_values().collect() };
        (set, problems)
    }

    /// Links to rules that do not exist.
    pub fn dead_links(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for rule in &self.rules {
            for link in rule.related.iter().filter(|link| self.get(link).is_none() || **link == rule.id) {
                let known = self.rules.iter().map(|rule| rule.id.as_str());
                problems.push(Problem {
                    file: rule.file.shown.clone(),
                    place: Place { line: 1, column: 1 },
                    message: format!(
                        "`related` names `{link}`, which is {}",
                        if *link == rule.id { "this rule" } else { "no rule" }
                    ),
                    help: nearest(link.as_str(), known).filter(|near| *near != rule.id.as_str()).map_or_else(
                        || "remove it".to_owned(),
                        |near| format!("did you mean `{near}`? otherwise remove it"),
                    ),
                });
            }
        }
        problems
    }

    /// The rules in id order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule at `index` in id order.
    pub fn at(&self, index: usize) -> Option<&Rule> {
        self.rules.get(index)
    }

    /// The rule with this id.
    pub fn get(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.binary_search_by(|rule| rule.id.cmp(id)).ok().map(|index| &self.rules[index])
    }
}

/// The rule files of a source with their texts; unreadable ones are problems.
fn files(source: &Source, problems: &mut Vec<Problem>) -> Vec<(RuleFile, String)> {
    match source {
        Source::BuiltIn => built_in::FILES
            .iter()
            .map(|(id, text)| {
                (RuleFile { id: (*id).to_owned(), shown: format!("built-in:{id}.md") }, (*text).to_owned())
            })
            .collect(),
        Source::Dir(dir) => {
            let mut files = Vec::new();
            if let Err(error) = walk(dir, dir, &mut files, problems) {
                problems.push(unreadable(dir, &error));
            }
            files
        }
    }
}

/// Reads the words of a rule directory, which may have none.
fn read_words(dir: &Path, words: &mut Words, problems: &mut Vec<Problem>) {
    let path = dir.join(words::FILE);
    match read(&path) {
        Ok(text) => words.read(&path.display().to_string(), &text, problems),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => problems.push(unreadable(&path, &error)),
    }
}

fn walk(root: &Path, dir: &Path, files: &mut Vec<(RuleFile, String)>, problems: &mut Vec<Problem>) -> io::Result<()> {
    let mut paths = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let top_level = dir == root;
        if hidden {
            continue;
        }
        if path.is_dir() {
            if let Err(error) = walk(root, &path, files, problems) {
                problems.push(unreadable(&path, &error));
            }
        } else if !top_level && path.extension().is_some_and(|extension| extension == "md") {
            match read(&path) {
                Ok(text) => {
                    let id = path.strip_prefix(root).unwrap_or(&path).with_extension("");
                    let id =
                        id.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
                    files.push((RuleFile { id, shown: path.display().to_string() }, text));
                }
                Err(error) => problems.push(unreadable(&path, &error)),
            }
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<String> {
    let size = fs::metadata(path)?.len();
    if size > FILE_MAX {
        return Err(io::Error::other(format!("it has {size} bytes, a rule file may have {FILE_MAX}")));
    }
    Ok(fs::read_to_string(path)?.replace("\r\n", "\n"))
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem {
        file: path.display().to_string(),
        place: Place { line: 1, column: 1 },
        message: format!("cannot be read: {error}"),
        help: "rule directories hold readable UTF-8 files family/slug.md".to_owned(),
    }
}
