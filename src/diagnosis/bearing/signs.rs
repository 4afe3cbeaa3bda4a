//! What speaks for and against a report, in tables: a sentence, where it is looked for, how much it
//! counts, how it is written.
//!
//! A recognised error counts as reported until more speaks against it than for it. The points are
//! rounded by hand and few: 2 for what is common in both, 3 for what decides when nothing else is
//! there, 5 and more for what decides against a printed error.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use super::place::{PRINTED, Place, STACK};

/// Compiles a pattern over ASCII: with Unicode's word boundaries and letters, the automaton would have
/// to give up at every other character. The patterns are English.
pub(super) fn compile(pattern: &str) -> Regex {
    RegexBuilder::new(pattern).unicode(false).build().expect("a constant pattern")
}

/// What speaks for a report before anything else is known.
pub(super) const BASE: i32 = 2;

/// Where a sign is looked for.
#[derive(Clone, Copy)]
enum Where {
    /// Directly before the error.
    Before,
    /// Directly behind it.
    After,
    /// The line of the error.
    Line,
    /// Any of the lines around it, data left out.
    Neighbour,
    /// The nearest line above that is no data: what an object is given to.
    Opener,
    /// Everything around it.
    Window,
    /// What people wrote around it.
    Prose,
    /// The first words of the text.
    Opening,
}

/// One sign.
pub(super) struct Sign {
    /// What it says.
    #[cfg_attr(not(test), expect(dead_code, reason = "names the sign in the table, and when a test fails"))]
    pub(super) name: &'static str,
    place: Where,
    /// How much it counts.
    pub(super) points: i32,
    pattern: Regex,
}

impl Sign {
    /// Whether the place shows it.
    pub(super) fn shows(&self, place: &Place<'_>) -> bool {
        let pattern = &self.pattern;
        match self.place {
            Where::Before => pattern.is_match(place.before.as_bytes()),
            Where::After => pattern.is_match(place.after.as_bytes()),
            Where::Line => pattern.is_match(place.line.as_bytes()),
            Where::Neighbour => place.neighbours.iter().any(|line| pattern.is_match(line.as_bytes())),
            Where::Prose => pattern.is_match(place.prose.as_bytes()),
            Where::Opener => place.opener.is_some_and(|line| pattern.is_match(line.as_bytes())),
            Where::Window => pattern.is_match(place.window.as_bytes()),
            Where::Opening => pattern.is_match(place.opening.as_bytes()),
        }
    }
}

macro_rules! signs {
    ($(#[$doc:meta])* $name:ident: $($sentence:literal, $place:ident, $points:literal, [$($pattern:expr),+ $(,)?];)+) => {
        $(#[$doc])*
        pub(super) static $name: LazyLock<Vec<Sign>> = LazyLock::new(|| vec![$(Sign {
            name: $sentence,
            place: Where::$place,
            points: $points,
            pattern: compile(&[$($pattern),+].join("|")),
        }),+]);
    };
}

signs! {
    /// Somebody or something runs into the error.
    REPORT:
    "a program printed the line", Line, 3, [PRINTED];
    "a row of a log in a table", Line, 6, [r"(?i)\|\s*(?:FAILURE|DENY|error|\d{4}-\d\d-\d\d[^|]*|\d\d?:\d\d[^|]*|error ?code|reason|result|outcome)\s*\|"];
    "the line names an exception", Line, 1, [r"\w(?:Error|Exception)\b\s?[:(]"];
    "a program printed the lines around it", Neighbour, 2, [PRINTED, r"^\W{0,3}\$ \w|^\s*(?:curl|aws|terraform) "];
    "a stack trace surrounds it", Neighbour, 3, [STACK];
    "it is the value of a field", Before, 2, [r#"[\x22'][\w.]+[\x22']\s{0,3}[:=]\s{0,3}[\x22']$"#, r#"(?i)\b(?:error_?(?:code|summary|description)|errors?|message|reason|detail)[\x22']?\s{0,3}[:=]\s{0,3}[\x22']?$"#];
    "a list of errors is announced", Window, 6, [r"(?m)\b\d+ errors? occurred:\s*$|\bwarnings were returned from Vault:"];
    "Swift printed a value that may be missing", Before, 12, [r"\bOptional\(\x22?$"];
    "a page answered with the outcome of a login", Window, 9, [r"\bvar resp(?:Status|Msg) = \x22"];
    "somebody asks for help", Prose, 3, [r"(?i)\b(?:any(?:one|body)?(?: an?| got)? (?:ideas?|clues?|hints?|thoughts|suggestions?|pointers)|any ?(?:one|body) (?:else|know|seen|seeing|run|had|here|has)|(?:please|need|any|some|can (?:you|some\w+|any\w+)|appreciate (?:any|some|the)) help|help (?:me|us|please|needed|wanted|appreciated|with this)|please advise|stuck|what (?:am i|are we|did (?:i|we)|could be|can be|is (?:wrong|going|causing)|might|should i do)|what(?:'s| is) (?:wrong|the (?:problem|issue|cause))|how (?:do|can|should|to) (?:i|we)? ?(?:fix|solve|resolve|get (?:rid|past|around)|debug)|how to (?:fix|solve|resolve)|why (?:is|do|does|am|are|would|can|won)|no idea|where (?:do|should) i|ideas\?)|\bam i missing|\bdo i need"];
    "somebody runs into it", Prose, 3, [r"(?i)\b(?:gets?|getting|got|sees?|seeing|receiv(?:e|es|ed|ing)|hitting|facing)\b[\s:>\x22'`*-]{0,8}\x01", r"(?i)\b(?:i|we|he|she|they|users?|people|customers?|colleagues?|team|someone|everybody|everyone)(?:'m|'re| am| are| is|'ve| have| has| just)? (?:all |now |still |just |always |constantly |keep |keeps |kept |only |been |suddenly |currently |also )*(?:gets?|got|getting|sees?|saw|seeing|receiv(?:e|es|ed|ing)|facing|having|hits?|hitting|encounter(?:ed|ing|s)?|running into|ran into|run into|experienc\w+|unable|can(?:'|no)?t|not able|blocked|trying|tried|try)\b", r"(?i)^\W*(?:still |just |keep |now |also |and |so |again )*(?:getting|got|seeing|receiving|facing|hitting|stuck|unable|trying|tried|we get|i get)\b", r"(?i)\b(?:started (?:failing|getting|seeing|happening|today|this)|keeps? (?:failing|saying|getting|showing|returning|happening|throwing|telling)|stopped working|no longer works?|(?:does|do|did|is|are)(?:n't| not) (?:work|able)\w*|suddenly|since (?:this|today|yesterday|monday|tuesday|wednesday|thursday|friday|last|the (?:update|upgrade|migration))|this morning|(?:fails?|failing|failed|failure|error|issue|problem|trouble|broken|rejected|denied|refused|throws?|returns?|shows?|says?)\W{0,3}(?:again|every|now|since|with|for|on|when|after|for me|for us|today|:)|seeing this|(?:below|following) error(?: message)?\W{0,4}(?:$|\n|\x01)|same error|this error|works for (?:others|everyone|my)|worked (?:last|yesterday|before|until|fine))\b"];
    "an issue template says what happened", Window, 4, [r"(?im)^\W*(?:current|actual|expected) (?:behaviou?r|results?|outcome)|^\W*(?:steps )?to reproduce|^\W*describe the (?:bug|issue|problem)|^\W*what (?:happened|is the actual)|^\W*(?:debug|panic|terminal|relevant log) output|^\W*(?:your )?environment\W*$|^\W*bug description|^\W*relevant logs?|^\W*stack ?trace|^\W*error (?:message|log)s?\W*$"];
}

signs! {
    /// The text speaks about the error, or it is over.
    TALK:
    "a cell of a table", Line, 6, [r"^\s*>?\s*\|(?:[^|\n]*\|){2,}\s*$", r"^\s*\|[^|\n]+\|[^|\n]+\|"];
    "a heading of a document", Line, 3, [r"^\s{0,3}#{1,6} \S"];
    "headings around it", Neighbour, 2, [r"^\s{0,3}#{1,6} \S"];
    "headings of a document around it", Neighbour, 4, [r"(?i)^\s{0,3}#{1,6} (?:.{0,40}\b)?(?:cause|fix|solution|resolution|troubleshooting|error (?:handling|codes?|responses?)|common|responses?|requests?|usage|examples?|prerequisites|known|notes?|faq|api|overview)\b", r"(?i)^\W{0,4}(?:cause|fix|solution|resolution|workaround|remediation|explanation)s?\W{0,4}(?::|$|\s\w)", r"(?i)^\W{0,4}common (?:issues|errors?|problems)"];
    "it says what to do about it", Prose, 4, [r"(?m)^[>\s]{0,8}(?:[-*]|•|\d+\.)?[\s*]{0,3}(?:Ensure|Make sure|Verify (?:that|the|your|client|you)|Check (?:that|the|your|for)|Assign (?:the|your|every|a|users?)|Add (?:the|it|a|them)\b|Update (?:the|your)|Retry|Process the|Confirm the|Grant|Replace|Create a|Set the|Set your|Increase|Re-?assign|Go to the)\b", r"\x01 [\x22'`]+[^\n.]{0,60}\. (?:Ensure|Make sure|Confirm|Verify|Assign|Check that|Add the)\b", r"(?i)\b(?:needs? the user assigned|make this a)\b"];
    "it explains what it means", Prose, 5, [r"(?i)\[!(?:important|note|warning|tip|caution)\]|\bthis (?:means|indicates|happens|occurs|error (?:means|indicates|occurs|is (?:returned|shown|thrown)|commonly))\b|\bmeans that\b|\bit means\b|\bis (?:returned|thrown|raised|shown|displayed) (?:when|if|as|by design)\b|\bthe following (?:example|table)\b|\b(?:example|sample) (?:error|response)|\berror example|\bprovides further information|\bunlike\b|\bas follows:|\bthis (?:article|page|document|guide) (?:explains|describes|provides)|\bcommon (?:issues|errors?|causes)\b|\boverloaded\b|\bby design\b|\bon purpose\b|\bproduces?\s?:?\s\W*(?:\w+\W+){0,3}\x01|\b(?:log|output|response) example\b|\brefers to\b"];
    "it speaks to the reader", Prose, 6, [r"(?i)\byou(?:'ll| will| may| might| could| would| should)(?: also| then| probably| instead)? (?:see|get|receive|encounter|notice|run into)\b|\byou (?:receive|get|see) an? (?:error|response|message) like\b|\byou (?:will )?(?:receive|get) (?:an? )?(?:HTTP )?[45]\d\d\b[^\n]{0,60}\b(?:until|whenever|if)\b|\b(?:an?|the) (?:error|response|message)s? like (?:this|the following|these|one of)\b|\b(?:possible|typical|common) error (?:messages?|responses?|codes?)\b|\b(?:an?|one) (?:possible|typical|common) (?:error|response|message)\b|\bthen try (?:this|these|the)\b|\b(?:users?|people|they|you) [^.?!\n]{0,60}\bwill be (?:shown|told)\b"];
    "the reader's case is quoted", Prose, 4, [r"(?i)\b(?:if|when|in case) you(?:'re| are)?(?: also| still| ever)? (?:see|get|receive|encounter|hit|run into|seeing|getting|receiving|encountering)\b[^.?!\n]{0,40}[\x22'`][^\x22'`\n]{0,40}\x01"];
    "a sentence in bold leads it", Line, 4, [r"^\W{0,6}\*\*[^*\n]{12,160}[.!:]\*\*\s+[A-Z]"];
    "a sentence in bold leads the text", Opening, 4, [r"^\W{0,4}\*\*[^*\n]{12,120}[.!:]\*\* +[A-Z]"];
    "a title in bold", Line, 2, [r"^\W{0,4}\*\*[^*\n]{4,200}\*\*\W*$"];
    "titles in bold around it", Neighbour, 3, [r"^\W{0,4}\*\*[^*\n]{4,200}\*\*\W*$"];
    "an arrow explains it", Neighbour, 6, [r"^\s{4,}(?:->|=>|→)\s\w"];
    "names of errors, each with its meaning", Window, 6, [r"(?m)^[\s*`-]*[a-z]+(?:_[a-z]+)+`?[ \t\r]*$[\s\S]{5,400}?^[\s*`-]*[a-z]+(?:_[a-z]+)+`?[ \t\r]*$", r"(?m)^\s*[-*+] \W{0,4}[a-z]+(?:_[a-z]+)+\W{1,5}\w[^\n]*\n(?:[^\n]*\n)?\s*[-*+] \W{0,4}[a-z]+(?:_[a-z]+)+\W{1,5}\w", r"\*\*[a-z]+(?:_[a-z]+)+\*\*: [^\n]{5,200}\*\*[a-z]+(?:_[a-z]+)+\*\*: ", r"(?m)^\W?[1-5]\d\d\W? \| \w[^\n]*\n\W?[1-5]\d\d\W? \| \w", r"(?m)^\W{0,6}E0000\d{3}: [^\n]+\n\s*HTTP Status: [1-5]\d\d"];
    "statuses, each with its body", Window, 6, [r"(?m)^\W{0,6}[1-5]\d\d [A-Z][A-Za-z ]{1,30}[ \t\r]*$[\s\S]{5,700}?^\W{0,6}[1-5]\d\d [A-Z][A-Za-z ]{1,30}[ \t\r]*$"];
    "a rule about answers", Prose, 5, [r"(?i)\bwill reject\b|\bwithout this (?:assignment|step|setting)\b|\bhow you'll know\b|\bcan be retrieved from\b|\breturns? \d{3} with (?:the )?error code\b|\bdoes not expose\b|\breturns? (?:an? )?HTTP [45]\d\d \x60\x01", r"(?i)\breturns? (?:an? )?[45]\d\d\b[^\n]{0,40}\x01[^\n]{0,20}\bif (?:the|an?|your)\b"];
    "a case that may occur", Prose, 3, [r"(?i)\bif (?:you|we|they|users?|someone|somebody|anyone|people|okta|it|one|the \w+|a \w+|an \w+)\b[^.?!:\n]{0,60}\x01", r"(?i)\b(?:whenever|when|once|until|unless) (?:you|we|they|users?|someone|okta|it|one|the|a)\b[^.?!\n]{0,40}\x01", r"(?i)\x01[^.?!\n]{0,30}\buntil (?:the|a|an|you|it|we)\b", r"(?i)\bfor (?:anyone|those) who\b|\bdon't be surprised\b|\b(?:ever )?(?:see|get|hit|receive)s? \W*\x01[^?]*\bthen\b|\bwill (?:still |then )?(?:fail|return|show|see|get|throw|answer)\b|\bwould (?:return|be|show|give|get|fail|then)\b|\bcan (?:return|fail with|answer)\b"];
    "it is about its words", Prose, 5, [r"(?i)\b(?:feature request|would love|customi[sz](?:e[ds]?|ing|able)\b|can (?:this|the) (?:message|text) be\b|hook to|wording|i18n|translat\w+|locali[sz]\w+|rewording|reword|rephras\w+|renam(?:e|ing) (?:the|this|it|that|our)|(?:should|could|might) (?:say|show|read|display|contain)|(?:change|edit|override|overwrite|set|show|own|friendl(?:y|ier)|different|default|custom) (?:the |our |my |own |these |error |validation |api )*(?:message|text|wording|string|error message)s?|copy (?:change|review)|proofread|(?:allow|support)(?:ing)? (?:overrid|customi[sz])\w*|(?:the )?text (?:for|of) \W{0,3}\x01|error message for|more (?:helpful|meaningful|specific|descriptive|friendly)|sounds? (?:very |extremely |too )?vague|misleading|the (?:alert text|wording)|could the text|word(?:s|ed)? it (?:as|like|differently)\b|how (?:customers|users|people|they) (?:describe|word|phrase)\b|(?:is|are) shown as|message is (?:wrong|confusing|misleading))\b"];
    "it is about its meaning", Prose, 5, [r"(?i)\bwhat (?:does|do|did) [^?\n]{0,80}\x01[^?\n]{0,80}\bmean|\bjust curious|\bis there any (?:reason|list|document)|\bis (?:it|\x01) (?:documented|always)|\bdifference between|\bin your experience|\bi (?:assume|suppose|wonder)\b[^.?!\n]{0,60}\x01|\bwithout (?:\w+ ){0,4}(?:call|request)s? that (?:returns?|fails?)\b|\x01[^.?!\n]{0,12}\b(?:they|you|he|she) (?:mention|describe|quote)\w*|(?m:^)\W*(?:does|do|can|will|is) okta (?:support|have|allow|offer|provide)\w*|\bhow likely\b|\bis (?:it|there) (?:possible|a way) to (?:change|customi[sz]e|catch|detect|edit|override|know|tell)|\bhow (?:do|should|can|would) (?:we|i|you) (?:handle|catch|test|mock|translate|customi[sz]e|reword|detect|change)"];
    "somebody is asked for more", Prose, 6, [r"(?i)\b(?:could|can|would) you (?:please )?(?:try to )?(?:reproduce|share|post|provide|elaborate|clarify)\b|\bplease (?:share|post|attach) (?:the|your|a|more|some)\b|\bplease provide (?:more|some|(?:the|your) (?:full|exact|logs?|version|config\w*|steps?))\b|\bwe (?:could(?:n't| not)|can(?:'t|not)) reproduce\b|\bthanks for (?:reporting|the report|raising|posting)\b"];
    "a program handles it", Prose, 6, [r"(?i)\b(?:we|it|client|job|script|sdk|library|proxy|gateway|agent|bot|cli|code|which|that|then|and|now|version|to) (?:now |also |should |must |will |already |simply |just )?(?:shows? (?:our|the|a) own|handles?|catch(?:es)?|mocks?|stubs?|ignores?|logs? and (?:ignores?|goes|go|continues?|skips?)|treats?|retr(?:y|ies) (?:on|it)|retries|swallows?|filters?|excludes?|skips?|swap|translates?|counts?|greps?|alerts? on)\b|\b(?:we|it|client|job|script|sdk|library|proxy|gateway|agent|bot|cli|code|which|that|then|and|now|version|(?:need|want|have|plan|going|how|used?) to) (?:now |also |should |must |will |already |simply |just )?maps?\b|\b(?:unit |integration |e2e |load |chaos |smoke )?tests? (?:case|for|cover|that|with|expect|pass)|\bunit tests?\b|\btest (?:plan|data|suite)|\bmocked\b|\bfix the mock\b|\bstubs?\b|\bis swallowed\b|\bassert(?:s|ed|ing)?\b|\bsynthetic check|\bretry (?:logic|matrix)|\bback-?off\b|\bexponential"];
    "a change to a program", Prose, 5, [r"(?im)^\W*(?:fix(?:es|ed)?|closes?|resolves?|relates to)\b:? ?#?\d|\bPR\b|\bpull request|\bmerged?\b|^@@ |^diff --|```diff|^\W*pr checklist|\[[ x]\] (?:my code|added|i did not|tests?|unit|have you)|^[+-]\s*errors?\.E0000|^\W*(?:fix|feat|chore|docs|test)(?:\([\w -]+\))?: |\bremediation\b.{0,30}\bPR\b|\bthis (?:patch|commit|handles)\b|\bthis change (?:fixes|adds|makes|handles|removes|lets|means)\b|\bhandles them\b|\bchangelog\b|\brelease notes\b|\(OKTA-\d{5,7}\)|\bOKTA-\d{5,7}\W{1,3}[A-Z]|\bbug ?fixes\s?:|\bbugs? fix(?:es|ed) in\b|^\W*[-*] (?:fixed|added|updated|removed|docs|add|fix)\b|\badd coverage\b|\bto the (?:developer )?documentation\b|^\W*revert\b|^\W*(?:\[[\w-]+\] )?bumps? [@\w]|\bcommit [0-9a-f]{7,40}\b|\bfixed an issue where\b|\(#\d{2,5}\)\s*$|\|\s+\d+ \+{2,}-*\s*$"];
    "a wish", Prose, 4, [r"(?i)\bperhaps (?:we|you|okta) should\b|\bsuggest(?:ing|ion:)? (?:adding|enhancing|improving)\b|\bpoor handling of\b|\b(?:can|could|should|shall) we (?:get|add|build|make|show|alert|log)\b|\bwe should (?:match|handle|catch|map|show|add|link|direct|detect)\b|\blet's\b|\bwould (?:help|be nice|like to)\b|\bplan(?:ning)? to\b|\bwe want to\b|\bi'd like\b"];
    "a line above says when it is returned", Opener, 6, [r"(?i)^\W*(?:if|whenever|unless) (?:(?:the|a|an|your?|any|no|there)\b|\w+ (?:fails?|is|are|has|does)\b)[^\n]*:\s*$", r"(?i)\b(?:returns?|responds?|answers?|fails?) (?:an? |the |with )*\W*(?:HTTP/1\.1 )?\W*[45]\d\d\b.*(?:\b(?:if|when|for|status code)\b|$)|\bfollowing (?:example|response|error)s? (?:shows|is returned|may)|\bexample\W{0,4}$|^#{2,6} (?:response|example|error)"];
    "it is a document", Opening, 6, [r"(?i)^\W*(?:changelog|release notes?|feature\s?:|runbook|kb article|kb:|draft|post-?mortem|incident (?:review|report)|backlog|spec(?:ification)? for|decision log|decision:|architecture decision|adr\b|quiz|slide|speaker notes|flash ?cards?|known issues|mapping (?:for|table|of)|translation|design doc|feedback on|weekly (?:numbers|report)|top (?:codes|errors|ten)|a/b test|transcript|chapter|reminder for|feature request|for the (?:glossary|record|file|manual)|test alert|alert rule|here's the table|rfp|helpdesk (?:phone )?script|security awareness|messages_\w+\.properties|retry matrix|dashboard (?:proposal|idea)|spec\b|minutes\b|agenda|proposal|rfc\b|(?:okta )?docs?:|retro\b|todo\b|til\b|note to self)", r"^\W*(?:version |release )?v?\d+\.\d+(?:\.\d+)*(?: \([^)\n]*\))?\s*\n\s*(?:[-*]|•)", r"(?m)^\s{0,3}#{1,3} (?:[\d.]+ )?(?:Feature request|Changelog|Troubleshooting|Error handling|Overview|FAQ|Common|Reference|Known)|^#{1,3} v?\d+\.\d+"];
    "it is documented or looked up", Prose, 5, [r"(?i)\b(?:the )?(?:docs?|wiki|kb|guide|runbook|manual|documentation|spec|article|blog|sheet|spreadsheet|confluence) (?:say|state|mention|describe|list|call|has|have|for|entry|on)\w*|\bdocumented\b|\b(?:a|the|full|complete) (?:list|table) of\b|\b(?:the docs|docs) list\b|\bpostmortem|\bpost-mortem|\bincident review|\bglossary\b|\bquiz\b|\bmetrics?\b|\balert(?:s|ing)? (?:on|for|when|rule)|\bcount of\b|\bsaved search|\bgrep(?:ped|ping)?\b|\bphishing (?:mail|test)|\bpen-?test|\bin (?:the|our) (?:demo|manual|guide)\b|\billustration|\btagging exercise|\btickets about|\bfor example\b|\bfor reference\b|\bsuch as\b|\bfavou?rite\b|\bknown_errors"];
    "it is over", Prose, 6, [r"(?i)\b(?:is|are) gone\b|\bno more (?:[\x22\x27E]|errors?\b)|\b(?:was|were|got|been|is|are|now) (?:solved|fixed|resolved)\b|\b(?:was|were) (?:caused by|because|due to|my |our |just |only )|\bin the end\b|\bturned out\b|\bticket closed\b|\bclosing\b|\bplease close\b|\ball good now\b|\banswered (?:in|above)\b|\bworks (?:now|perfectly)\b|\bit worked\b|\bhappy users?\b|✔|\bfound the (?:solution|fix|problem|cause|issue)|\bfixed (?:it )?(?:in \w+ )?by\b|\bsolved (?:it )?by\b|\bnever ?mind\b|\bsorted\b|\bno (?:code )?(?:change|action)s? (?:is |are |was )?(?:needed|required|necessary)|\bno code change\b|\bfixed now\b|\bwas the (?:reason|cause|culprit)\b|\bno errors? (?:so far|anymore|since|at all|now)\b|\b(?:the|a) retry (?:succeeded|worked|went through)\b|\bnothing to do (?:on|from) (?:your|our) (?:side|end)\b|\b(?:errors?|issues?|problems?|messages?|it|that|this|they) went away\b|\b(?:from|of) (?:yesterday|last (?:week|night|month)|this morning) (?:was|were)\b|\bfor (?:the record|posterity)\b|\x01\W{0,4}went away\b|\bhas been closed\b|\bsolved? (?:it|this) (?:myself|ourselves)\b|\bsimply meant\b|\bwas (?:a )?(?:me|my|our|user)[ -](?:problem|mistake|error|fault)\b|\bmanaged to (?:sort|fix|solve|resolve)\b|\bmakes (?:perfect |total )?sense\b|\broot cause:?\W|\bsucceeded on (?:the )?retry\b|^~~|~~ ?(?:done|fixed|solved)\b|\bgracias\b|\bmerci\b|\bconfirmed fixed\b|\bcorrected (?:at|in) \d|\bmay we close\b|\bregarding (?:your )?case \d|\bwe have fixed\b|\bback to 0\b|\bretry ok\b|\brecovered\b|\bignore\b(?: it| that)?\W*\d\)|\bthat message is normal\b|\bfoi corrigid|\bist behoben\b|\best resuelt|\bya qued\S|\br[^ \w.,]{1,2}gl[^ \w.,]{1,2}\b"];
    "the first words announce something", Opening, 6, [r"(?i)^\W*(?:(?:pro )?tip\b\s?:|hint\s?:|heads[- ]up\b|planned maintenance\b|maintenance (?:tonight|on|window|this|tomorrow)\b|starting (?:on |from |next |(?:\d{1,2}\.? )?(?:jan|febr)uary\b|(?:\d{1,2}\.? )?(?:march|april|may|june|july|august|(?:sept|nov|dec)ember|october)\b|tomorrow\b|(?:mon|tues|wednes|thurs|fri|satur|sun)day)|for new (?:devs|developers|joiners|starters|hires)\b|for the pen ?test\b|acceptance criteria\b|scenario\s?:|what went (?:wrong|well)\b|timeline\b|q: |poll\s?:|commit [0-9a-f]{7}|revert\b|onboarding (?:docs?|guide|page|checklist)\b|notes from\b|action items\b|monitor ok\b|resolved alert\b|alert resolved\b|ticket template\b|design\s?:|tc-?\d+\b|test case\b|red team\b|phishing\b|string freeze\b|job ad\b|panel title\b|sprint goal\b|(?:improve|enhance|suppress|expose|document|suggestion:|reword) |vendor ticket\b|example from\b|deps(?:\([\w-]+\))?\s?:|event types?\s?:|known issue\s?:)"];
    "an announcement", Prose, 6, [r"(?i)\b(?:is|that's|are) expected\b(?: and\b|\s*[.,;!]|\s*$)|\bplease (?:don't|do not) (?:open|create|raise|report|log)\b|\bno need to (?:report|open|raise)\b|\bwe(?:'re| are) aware\b|\bnext update\b|\bteam is on it\b|\b(?:fix|patch) is rolling out\b|\bwe(?:'ll| will) (?:rotate|switch|turn|migrate|restart|upgrade|roll)\b|\bbefore you open a ticket\b|\b(?:gets a new look|text unchanged|in time!)|\brequest the app via\b|\bduring (?:that|the|this) (?:window|maintenance)\b|\bwill be (?:restarted|rotated|upgraded|migrated|switched (?:on|off)|decommissioned)\b"];
    "somebody explains it to another", Prose, 6, [r"(?i)\x01[\x22'`]{1,3} means\b|\bis because\b|\x01\W{0,4}happened because\b|\bthe reason is (?:simple|that)\b|\bcame from (?:our|my) (?:side|end)\b|\bhence \W*\x01|\bthat error\b[^\n]{0,90}\bmeans\b|\b(?:just|simply) means\b|\bwas me\b|\bi'll fix (?:it|that)\b|\bhad the same (?:last|once)\b|\byou're good\b|\bon the backlog\b|\bso i (?:guess|think|suppose) we should\b|\bfrom the docs\b"];
    "somebody asks about facts", Prose, 6, [r"(?i)\bwhen (?:do|does|would) (?:users?|people|they|one)\b|\bhow (?:often )?do (?:you|we|people|others) (?:all )?(?:monitor|watch|track|alert|document)\b|\bhow would you\b|\bis there a way to (?:retrieve|read|get)\b", r"(?i)\bdoes any(?:one|body) know (?:whether|if|who|which|when)\b|\bhow many [\x22'`]|\bin which cases? (?:does|do|is|are)\b|\bwhat would (?:a|the) user see\b|\bfor the audit\b|\bdo we have an? \w+ for\b|\bby default\b\W{0,2}(?:right|correct)?\?|\bwould an? [^?\n]{0,60} cause\b|\bcan some(?:one|body) (?:translate|lock)\b", r"(?im:^)\W*which (?:event type|log|field|code|group|setting|scope|role|status|endpoint|rule|policy)[^?\n]{0,120}\?", r"(?i)\bwhich \w+ do (?:i|we) need\b[^?\n]{0,40}\bso that (?:i|we) (?:don't|do not)\b|^\W*can (?:users|people|admins|i|we) still\b[^?\n]*\?|\bwhy (?:does|do) \w+ call it\b|\bshouldn't it be\b", r"(?i)^\W*(?:when )?(?:is|are|does|do|will)\b(?: an?| the| that| this)? ?\W{0,3}\x01[^?\n]*\?", r"(?im:^)\W*who (?:gets|receives|can|will|should)\b[^?\n]{0,120}(?:\?|\x01)"];
    "a specification", Prose, 5, [r"\bTHEN (?:they|the|it|he|she|we)\b|(?i)\bthe page shows\b|\|\s*PASS\s*\|"];
    "question and answer, symptom and resolution", Window, 6, [r"(?im)\*\*(?:symptom|resolution)s?:?\*\*|^\W{0,3}Q: [^\n]*\n+\W{0,3}A: |^\W{0,4}[1-5]\d\d +\S{1,3} [^\n]*\n\W{0,4}[1-5]\d\d +\S{1,3} "];
    "somebody is quoted", Prose, 5, [r"(?i)\x01\W{0,3}\s*(?:-|\xE2\x80[\x93\x94])\s*\w+ (?:told|says|said)\b"];
    "a task on a list", Line, 6, [r"^\s*[-*] \[[ x]\] "];
    "a joke", Prose, 5, [r"(?i)\bwalks into a bar\b|\bhaha\b|\bthe bot (?:answered|said|replied)\b|\x01\W{0,4}talk (?:at|by|from)\b|\boktane\b|\bmy kid\b|\bi hear that a lot\b|\bmy relationship\b"];
    "the first words call it a curiosity", Opening, 4, [r"(?i)^\W*(?:interesting|fun fact|funny|curious)\b"];
    "the first words say that it is over", Opening, 6, [r"(?i)^\W*(?:thanks|thank you|cheers|appreciate|update:|solved|resolved|fixed|closing|that fixed)\b"];
}

signs! {
    /// A program's text mentions the error.
    SOURCE:
    "the line is code", Line, 6, [CODE];
    "the line ends like code", Line, 2, [CODE_END];
    "words of tests, mocks and queries", Window, 6, [TEST];
    "words of tests, mocks and queries on the line", Line, 3, [TEST];
    "a comment", Line, 6, [r"^\s*(?://|/\*|<!--)|^\s+\* "];
    "a comment shows the value of code", Before, 6, [r"(?:#|//|--|;) ?(?:=>|->|→)\s?(?:[\x22'`][\w ,.'-]{0,30})?$"];
    "a comment behind code", Before, 6, [r"[;,{})]\s+(?://|#) "];
    "an object that is given to a name or a function", Opener, 5, [r"[\w\])>] ?:?=\s*[{\[(]\s*$|\(\s*\{?\s*$|=>\s*[{(]?\s*$|\breturn\b.*[{(\[]\s*$|\bcase\b.*:\s*$|%\{\s*$"];
    "a string that goes on over lines", Neighbour, 4, [LONG_STRING];
    "a string that it is in begins above", Opener, 4, [LONG_STRING];
    "a comma before a closing bracket", Window, 5, [r"[\w\x22'`)\]}],[ \t\r]*\n[ \t]*[\])}]"];
    "quotes of a quoted string", Line, 6, [r"^\s+\x22\x22\w+\x22\x22\s?:"];
    "what a test printed", Window, 6, [r"--- FAIL: |\w_test\.(?:go|py|rb|exs?):\d|(?m:^E\s{3,}\S)|={3,} FAILURES|\b\d+ (?:passed|failed)(?:,| in) |(?m:^\s*\d+ passing\b)|\bexpected (?:error|status|code|message)\b.{0,200}\b(?:got|was)\b|(?:✓|✔|√) .{0,200}\(\d+(?:\.\d+)? ?m?s\)"];
    "what a comparison found", Line, 9, [r"\bAssertionError: expected [\x22'].{1,200}[\x22'] to \w"];
    "a call that formats or logs", Before, 5, [r"\b(?:Errorf|Sprintf|Fprintf|Printf|printf|format!|log(?:ger|ging)?\.\w+|console\.\w+|qDebug\w*|qWarning\w*)\([^)\n]{0,40}$"];
    "a verb of a format", Line, 3, [r"%[swdvq]\b|\$\{\w+"];
    "an argument or an operand", Before, 5, [r#"(?:[\w\])](?:\(\s*&?|\([^()\x22\x27\n]{0,40}, ?)|[=!]=+ ?|\? ?|\|\| ?|return |raise |throw |\bcase |\bin \[?|\b(?:const|let|var|static|final|val) [\w: &<>']+ =\s?|#define \w+ )(?:[bfr]|Some\()?[\x22'`]{1,3}(?:[\w ,.'%:{}-]{0,40})$"#];
    "an argument ends", After, 2, [r#"^\.?[\x22'`]\s?\)"#];
    "a rule that watches logs", Window, 6, [r"(?im)count_over_time\(|^\s*expr: |^\s*falsepositives:|^\s*condition: |^\s*detection:|^\s*annotations: |\balert\(|\bcatchError\(|\b[a-z_]+\.[\w.]+ ?: ?\x22[^\x22\n]+\x22 (?:and|or) [a-z_]+\.[\w.]+ ?:|\bres\(ctx\."];
    "a text as a key that leads to a page", Line, 6, [r"^\s*\x22[^\x22\n]{8,200}\x22\s?: /[a-z]"];
    "a list of values", Before, 6, [r"[:=]\s?\[(?:[\x22'\w-]+, ?)+[\x22']?$"];
    "a list in a variable", Line, 6, [r"^\s*(?:export )?[A-Z]+(?:_[A-Z]+)+=\w+,\w+"];
    "a variable that holds a text", Before, 6, [r"^(?:export )?[A-Z]+(?:_[A-Z]+)*_(?:TEXT|MSG|MESSAGE|LABEL|TITLE)=[\x22'][\w ]{0,24}$"];
    "an object of a program", Before, 6, [r"\w\(\{ ?\w+ ?: ?[\x22']$"];
    "the name of a column or the like", Before, 9, [r"\b(?:column|relation|table) [\x22'`]$"];
    "a value that a query asks for", Before, 6, [r"(?i)\bwhere\b.{0,30}=\s?'$"];
    "a choice of a form", Line, 6, [r"^\s*<option\b"];
    "a table or a list in a variable", Line, 9, [r"^[>\s]*[A-Za-z_]\w* = [\[{(]\s*[\x22']", r"\w\s?[:=]\s?\{\s?[\x22'](?:\d{3}|E0000\d{3}|[A-Z]+_[A-Z_]+)[\x22']\s?:"];
    "a text of a file of texts", Line, 9, [r"^[>\s]*[+-]?\s*(?:[\x22'][\w-]+(?:\.[\w-]+)+[\x22']\s?[:=]\s?[\x22']|(?:errors?|idx|oie|i18n|\w*[Ff]orm)(?:\.[\w-]+)+ = )"];
    "an assignment of Go", Line, 9, [r"^[>\s]*\w+ := [`\x22]"];
    "a call that answers, stubs or throws", Line, 9, [r"->setContent\(|\bWireMock\b|\bstubFor\(|\.willReturn\(|\.withBody\(|\bwillThrow\(|\bstub_\w+\(|~s\(|\bthrow new \w+\(|\braise \w+,|\bhttp\.Error\(|\bw\.Write\(|\.to_return\(|\bresponses\.add\(|\bnock\(|\.reply\(|\bcy\.intercept\(|\bAbortWithStatusJSON\(|\bprintf\(|\bHandleFunc\(|\bHTTPException\("];
    "a constant with a code", Line, 9, [r"^\s*[A-Z][A-Z_]+ = [\x22']E0000\d{3}[\x22']|^\s*class \w+\([\w, .]*Enum\)|\bw\d*:\w+=\x22E0000\d{3}\x22"];
    "a row of SQL", Line, 9, [r"^\s*\([\x22'][^\x22']+[\x22'],\s*[\x22'].*[\x22']\)[,;]?\s*$"];
    "an assignment with a comment behind it", Line, 9, [r"^\s*[\w.]+\s?=\s?\S.*\s(?:#|//)\s"];
    "a task of Ansible", Neighbour, 6, [r"^\s*- name: |^\s*when: "];
    "a page is left", Line, 9, [r"\bwindow\.location\b|\brouter\.(?:push|replace)\("];
    "an object of a test leads to it", Opener, 9, [r"^\s{4,}(?:responseJSON|xhr): \{"];
    "an object of a test", Line, 9, [r"^\s{4,}(?:body|headers|responseJSON|xhr|status|json|data): [\{\[]|\bexpected: [\x22']"];
    "an element whose text is translated", Line, 9, [r"<(?:Trans|FormattedMessage|Translate|string) [^<>\n]*[\x22'}]>"];
    "a file of examples", Window, 6, [r"(?im:^\W{0,3}[\w/.-]*(?:fixture|mock|sample|example)s?[/._-][\w/.-]*\.json\W*$)"];
    "a text in a template", Line, 8, [r"\{\{-? ?[\x22'][^{}\n]{1,200}\| ?(?:translate|t\b|i18n)|\{\{-? ?(?:\$?t|trans|translate)\([\x22']"];
    "a table of codes", Before, 6, [r#"(?:[\x22'\[]E0000\d{3}[\x22'\]]{1,2}|\berrors\.E0000\d{3})\s{0,3}(?:=>|[:=])\s{0,3}[\x22']?$"#];
    "a formatted string", Before, 5, [r#"(?:\bf|\$)[\x22'][^\x22']{0,60}$"#];
}

/// A line of a program rather than of its output.
const CODE: &str = r#"(?x)
    ^\s*[+-]?\s*(?:
        (?:async\ )?def\ \w+\( | import\ [\w.{*]+.*(?:;|from\b) | from\ [\w.]+\ import\b | (?:export\ |async\ )*function\b
        | (?:export\ |public\ |private\ |pub\ |static\ )*(?:const|let|var)\ [\w{\[][^=]{0,60}= | if\s*\( | if\ .{1,160}[:{]\s*$ | return$ | \}\s*else\b | else\ if\b | elif\b | else:
        | case\s+\S+.*(?::|=>) | default: | return\b.{0,160}[;{(\[\x22'] | assert\w{0,14}\( | assert\ \w | expect[({] | (?:it|test|describe)\(
        | switch\s*\( | switch\ \w+\ \{ | for\s*\( | while\s*\( | \#include | \#define | package\ \w+
        | (?:public|private|protected|static|final|sealed|abstract)\s+(?:[\w<>\[\],.?]+\s+){1,4}\w+\s*[({=;:] | (?:public|private|data|abstract|final|sealed)\ (?:class|interface|enum|record)\b | (?:enum|class|object|interface|struct|trait|impl)\s+\w+.*[{(:]
        | func\ \w*\( | fn\ \w+ | sub\ \w+\s*\{ | use\ \w+:: | match\ \w+ | try\s*[{:] | \}?\s*catch\b | except\ \w+ | rescue\ \w+ | raise\ \w+\( | throw\ new\b
        | @\w+(?:\.\w+)*\( | @\w+$ | \[(?:Theory|Fact|Test)\] | INSERT\ INTO | VALUES\b | msgid\  | msgstr\  | export\ (?:default|const|type|class|async|\{) | module\. | class:?\ \w | \w+\ :?=\ (?:await|new|async|\w+\() | %\{
        | [\w.]+\ =\ [\x22'\[{(\w][^=]*[,;({\[]\s*$
    )
    | === | !== | \s==\s*[\x22'] | !=\s*[\x22'] | \beq\s+' | \)\s*=> | =>\s*[{(] | =>\s*\w+:: | [\x22']\s*=>\s*$ | ^\s*\{\ ?[\x22']\w+[\x22'],\s
    | \.(?:equals|contains|includes|startsWith|indexOf|toBe|toEqual|toThrow|is_some_and|Contains|mock|entity|header|json|send|put|get|append)\(
    | \bassert\w*\( | \braise_for | \bwhen\(.*\)\. | \bEnd\ (?:Sub|If)\b | ^\s*;;\s*$ | ^\s*[\x22'][^\x22']+[\x22']\)\s*$ | \bwhen\ [\x22']\w+[\x22']\ then\b
"#;

/// How lines of code end, and some others.
const CODE_END: &str = r"[;`]\s*$|\)\s*[,{]\s*$|\(\s*$|^\s*[\])}]+[;)][;,)]*\s*$";

/// The line on which a string begins that goes on over the next ones.
const LONG_STRING: &str = r#"(?:[=(,:+]|=>|\breturn)\s*(?:[brfu@$]{1,2}|r\#{1,3})?[\x22'`]{1,3}\s*[{\[]?\s*$"#;

/// Words that stand in tests, mocks, specifications and queries only.
const TEST: &str = r#"\bdef test_|\bfunc Test[A-Z]|@Test\b|#\[test\]|\bjest\.|\bmock\w*\.|\.mock\w*\(|_mock\b|\bMock\w*\(|\brequests_mock\b|\bhttptest\.|\bwiremock\b|\bjsonBody\b|\bspyOn\(|\bInlineData\(|\bthenThrow\(|\bconsole\.assert\(|\bexpect_failures\b|\bmsgid\s[\x22']|\bparametrize\b|\bapplication/json:\s|\w_total\{|\bindex=\w+.*\|\s|<FormattedMessage\b|\btest\s+\x22?\$\w+|(?m:^\s*\x22{3}\w)|/\*\*|\*/|\bwiremock|\b(?:Does|Is)\.\w+\(|\bAssert(?:ions)?\.\w|\bassertThrows?\b|\bexpect\(|\bexpect\{|\braise_error\(|\bwant\w*:\s|\bexecinfo\b|\bverify\w+Thrown|\bFake\w+\(|\bit\('|\btoMatchObject|\bSubs:|\bbody:\s+`|\bin:\s+\[\]byte|(?m:^\s*(?:test|it|describe|context|scenario) \x22[^\n]*\x22 do\s*$)|\bstub_\w+\(|\braise [\w.]+\([\x22'][^\n]*\{\}[^\n]*\.format\("#;

static CODE_LINE: LazyLock<Regex> = LazyLock::new(|| compile(&[CODE, CODE_END].join("|")));

/// How many of the lines around a place read like code.
pub(super) fn code_lines(place: &Place<'_>) -> i32 {
    place.neighbours.iter().filter(|line| CODE_LINE.is_match(line.as_bytes())).count() as i32
}

/// Signs of trouble in the sentence around a code.
pub(super) static TROUBLE: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)\b(?:error\w*|fail\w*|exception|reason|outcome|reject\w*|denied|refus\w*|broken|stuck|help|anyone|any ideas?|keeps?|can(?:'|no)t|won't|unable|doesn't|does not|not working|blocked|crash\w*|died|caught|when (?:i |we )?\w+ing|locked|expired|timed out|since|after|whenever i|again|responses?|respon\w+|log(?:s|ged)?|status|[45]\d\d|returns?|POST|GET|PUT|PATCH|DELETE|terraform|sdk|api|agent|okta)\b|[?!=>]|→|->",
    )
});

/// Words that make a mere mention likely, unless somebody gets the code.
pub(super) static MENTION: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)\b(?:what(?:'s| is| does| do)|mean(?:s|ing)?|always|usually|typically|generally|when(?:ever)? (?:we|they|it|i|the \w+|a \w+)|would|should|if (?:you|we|they|it|i|the \w+|a \w+|an \w+)|(?:add|adds|added|adding) (?:a |support|handling|retry|the )|last (?:week|month|year|night)|yesterday|was (?:our|the|a|caused|because)|were (?:our|the|caused|because)|sounds like|could be|might be|maybe|probably|i think|same as|called|tells?|asset|item|order|talk|never|bar|handl(?:e|es|ing|er)|fixed|resolved|solved|reference|expects?|returned both|report says|surface|docs?|versus|vs\.?|explanation|ignor\w+|retry on|retries on|no E0000\d{3})\b",
    )
});

/// Somebody gets the code: the verb stands directly before it.
pub(super) static GETS: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)\b(?:get(?:s|ting)?|got|gives?|gave|see(?:s|ing)?|saw|receiv(?:e|es|ed|ing)|throw(?:s|ing|n)?|threw|fail(?:s|ed|ing)? (?:with|on|due to)|return(?:s|ed|ing)?|hit(?:s|ting)?|(?:respond|answer|end|die)(?:s|ed|ing)? (?:in|with)|stuck (?:on|with|at)|keeps?(?: on)?(?: getting| returning| saying)?|errors? (?:out )?with|rejected with|(?:and|but) now)(?:\s+(?:an?|the|only|this|always|constantly|just|error|code|403|400|401|404|429|500|okta)){0,3}\W{0,4}$",
    )
});

/// Directly before a code where it is a value rather than a word of a sentence.
pub(super) static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r#"[\x22'][\w.]+[\x22']\s{0,3}[:=]\s{0,3}[\x22']$|(?i)(?:error[\s_-]?code|errorlink|\bcode|exception|\berr|\berror|failed|status|returned|\b[45]\d\d|apierror)[\x22']?\s{0,3}[:=(\[>|-]\s{0,3}[\x22'(\[]?$|\b[45]\d\d\W{1,4}$|(?:error|exception|error code)\W{1,3}$|error[_-]?code\s{1,2}$|(?:→|->|=>|>)\s{0,2}$"#,
    )
});

/// The address of a search for the code.
pub(super) static SEARCH_LINK: LazyLock<Regex> = LazyLock::new(|| compile(r"[?&](?:q|query|search)=[^\s&]*$"));

/// An error code of Okta's API.
pub(super) static CODE_WORD: LazyLock<Regex> = LazyLock::new(|| compile(r"\bE0000\d{3}\b"));

/// A field whose name has nothing to do with errors; the group is its name.
pub(super) static OTHER_FIELD: LazyLock<Regex> =
    LazyLock::new(|| compile(r#"[\x22']([\w.]+)[\x22']\s{0,3}[:=]\s{0,3}[\x22']$"#));

/// A field of a program's own, in camel or snake case, whose value is a quoted message; the group is its name.
pub(super) static OWN_FIELD: LazyLock<Regex> = LazyLock::new(|| {
    compile(r#"(?:^(?:\s{2,}|\t)|[{(]\s*)[\x22']?([a-z]+(?:[A-Z]\w*|_\w+))[\x22']?\s{0,3}[:=]\s{0,3}[\x22'`]$"#)
});

/// Names of fields that have to do with errors.
pub(super) static ERROR_FIELD: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)err|code|link|exception|reason|outcome|status|msg|message|result|type|detail|summary|cause|fault|info|text|description",
    )
});
