//! Rules compiled for matching: every `[[match]]` as squeezed literals, holes and conditions.

use super::squeeze::{Squeezed, squeeze};
use crate::rules::{ContextNeed, FactName, MatchSpec, Part, Rule, RuleRegex, Wildcard};

/// What one code is worth in letters of matched text: it says as much as a short sentence.
pub const CODE_WEIGHT: usize = 20;
/// What a code of another form is worth at least; long ones are worth their letters.
const OTHER_CODE_WEIGHT: usize = 12;
/// What a fact is worth that other systems print, too.
pub const FACT_WEIGHT: usize = 8;
/// What a regex beside other conditions is worth.
const REGEX_WEIGHT: usize = 8;
/// What a condition on a capture is worth.
const CAPTURE_WEIGHT: usize = 4;

/// A `[[match]]`, ready to be looked for.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Index of the rule in its set.
    pub rule: usize,
    /// Index of the `[[match]]` in the rule.
    pub spec: usize,
    /// The literal parts of the message, in order.
    pub segments: Vec<Segment>,
    /// The holes: `holes[i]` stands before `segments[i]`, the last one behind all.
    pub holes: Vec<Option<Hole>>,
    /// Lower-case codes, any of which must be there.
    pub codes: Vec<String>,
    /// Facts that must hold.
    pub facts: Vec<(FactName, Vec<Wildcard>)>,
    /// Squeezed texts that must be near.
    pub contains: Vec<Vec<u8>>,
    /// Squeezed texts that must not be near.
    pub absent: Vec<Vec<u8>>,
    /// A regex over the decoded text near the match.
    pub regex: Option<RuleRegex>,
    /// What captures must look like.
    pub captures_like: Vec<(String, Vec<Wildcard>)>,
    /// The message must stand by itself.
    pub standalone: bool,
    /// What else must show that Okta is involved.
    pub needs_context: ContextNeed,
    /// The rule is a catch-all of its family.
    pub generic: bool,
    /// Letters and digits of the message.
    pub literal: usize,
    /// How much must hold for this pattern, in letters: more is more specific.
    pub weight: usize,
}

/// A literal part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Segment {
    /// The squeezed literal.
    pub bytes: Vec<u8>,
    /// Must start where a word starts.
    pub starts_word: bool,
    /// Must end where a word ends.
    pub ends_word: bool,
    /// Which bytes a capital letter stands for.
    pub capitals: Vec<u32>,
    /// Before which bytes a sentence, a field or what follows a colon begins.
    pub clauses: Vec<u32>,
}

/// A gap in a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hole {
    /// Under which name its text is captured.
    pub name: Option<String>,
}

impl Pattern {
    /// Compiles one `[[match]]` of a rule.
    pub fn new(rule_index: usize, rule: &Rule, spec_index: usize, spec: &MatchSpec) -> Self {
        let (segments, holes) = segments(spec);
        let literal = segments.iter().map(|segment| segment.bytes.len()).sum();
        let squeezed = |texts: &[String]| -> Vec<Vec<u8>> {
            texts.iter().map(|text| squeeze(text)).filter(|text| !text.is_empty()).collect()
        };
        let contains = squeezed(&spec.contains);
        let codes: Vec<String> = spec.codes.iter().map(|code| code.to_lowercase()).collect();
        let weight = literal
            + codes.iter().map(|code| code_weight(code)).min().unwrap_or(0)
            + contains.iter().map(Vec::len).sum::<usize>()
            + spec.facts.iter().map(|(name, _)| fact_weight(*name)).sum::<usize>()
            + REGEX_WEIGHT * usize::from(spec.regex.is_some())
            + CAPTURE_WEIGHT * spec.captures_like.len();
        Self {
            rule: rule_index,
            spec: spec_index,
            segments,
            holes,
            codes,
            facts: spec.facts.clone(),
            contains,
            absent: squeezed(&spec.absent),
            regex: spec.regex.clone(),
            captures_like: spec.captures_like.clone(),
            standalone: spec.standalone,
            needs_context: spec.needs_context,
            generic: rule.generic,
            literal,
            weight,
        }
    }

    /// Whether a hole of the message has this name.
    pub fn captures_name(&self, name: &str) -> bool {
        self.holes.iter().flatten().any(|hole| hole.name.as_deref() == Some(name))
    }
}

/// What a code is worth: the longer, the less likely it means something else elsewhere.
fn code_weight(code: &str) -> usize {
    if code.len() == 8 && code.starts_with("e0000") {
        CODE_WEIGHT
    } else {
        code.len().clamp(OTHER_CODE_WEIGHT, CODE_WEIGHT)
    }
}

/// What a fact is worth: those that only Okta prints say as much as a code.
fn fact_weight(name: FactName) -> usize {
    match name {
        FactName::ErrorCode | FactName::ErrorId | FactName::EventType | FactName::OktaHost => CODE_WEIGHT,
        _ => FACT_WEIGHT,
    }
}

fn segments(spec: &MatchSpec) -> (Vec<Segment>, Vec<Option<Hole>>) {
    let Some(template) = &spec.message else { return (Vec::new(), vec![None]) };
    let mut segments: Vec<Segment> = Vec::new();
    let mut holes = vec![None];
    let mut after_hole = false;
    let parts = &template.parts;
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Hole(name) => {
                // Two holes in a row, or with only punctuation between them, are one.
                if let Some(last) = holes.last_mut() {
                    last.get_or_insert(Hole { name: name.clone() });
                }
                after_hole = true;
            }
            Part::Literal(text) => {
                let bytes = squeeze(text);
                if bytes.is_empty() {
                    continue;
                }
                let touches_next =
                    matches!(parts.get(index + 1), Some(Part::Hole(_))) && ends_in_word(text.chars().next_back());
                let touches_before = after_hole && ends_in_word(text.chars().next());
                let (capitals, clauses) = shape(text);
                segments.push(Segment {
                    bytes,
                    starts_word: !touches_before,
                    ends_word: !touches_next,
                    capitals,
                    clauses,
                });
                holes.push(None);
                after_hole = false;
            }
        }
    }
    (segments, holes)
}

/// Where a literal has capital letters and where its clauses start, in squeezed bytes.
fn shape(literal: &str) -> (Vec<u32>, Vec<u32>) {
    let (mut capitals, mut clauses) = (Vec::new(), Vec::new());
    let squeezed = Squeezed::new(literal, &[]);
    let mut end = 0;
    for index in 0..squeezed.bytes().len() {
        let start = squeezed.text_start(index);
        let Some(char) = literal[start..].chars().next().filter(|_| start >= end) else { continue };
        if char.is_uppercase() {
            capitals.push(index as u32);
        }
        if literal[end..start].contains([':', '.', '!', '?', '\n', '"', '{', '[', '<']) {
            clauses.push(index as u32);
        }
        end = start + char.len_utf8();
    }
    (capitals, clauses)
}

fn ends_in_word(char: Option<char>) -> bool {
    char.is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn a_literal_has_a_shape() {
        // Squeezed: failedtheuserisinanotherstate
        assert_eq!(shape(" failed: The user is in 'another' state"), (vec![6], vec![6]));
        assert_eq!(shape("É {\"a\": B}"), (vec![0, 3], vec![2, 3]));
    }
}
