//! How much a message or view still takes, and the blocks that fill it.

use serde::Serialize;

use super::blocks::{Block, Inline, ListStyle, Rich};
use super::rich;

/// An amount of what a message or view takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Room {
    pub(super) blocks: usize,
    /// Bytes of JSON.
    pub(super) bytes: usize,
}

impl std::ops::Add for Room {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { blocks: self.blocks + other.blocks, bytes: self.bytes + other.bytes }
    }
}

impl Room {
    /// What these blocks take.
    pub(super) fn of(blocks: &[Block]) -> Self {
        Self { blocks: blocks.len(), bytes: blocks.iter().map(|block| bytes(block) + 1).sum() }
    }
}

/// The length of something as JSON.
pub(super) fn bytes(value: &impl Serialize) -> usize {
    // Nothing in a block fails to serialise: there are no maps with odd keys.
    serde_json::to_vec(value).map_or(usize::MAX / 4, |json| json.len())
}

/// Text without markup, cut at `max` bytes of its JSON.
pub(super) fn cut(text: &str, max: usize) -> String {
    let text = crate::render::text::clean(text);
    let cost = |char: char| char.len_utf8() + usize::from(matches!(char, '"' | '\\'));
    let mut used = 0;
    let fits = text.char_indices().take_while(|(_, char)| {
        used += cost(*char);
        used + '…'.len_utf8() <= max
    });
    let end = fits.last().map_or(0, |(at, char)| at + char.len_utf8());
    if text.chars().map(cost).sum::<usize>() <= max { text } else { text[..end].to_owned() + "…" }
}

/// How a text stands in its section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// As a paragraph.
    None,
    /// Behind a point.
    Point,
    /// Behind its number, from 1.
    Number(usize),
}

impl Mark {
    fn style(self) -> Option<ListStyle> {
        match self {
            Self::None => None,
            Self::Point => Some(ListStyle::Bullet),
            Self::Number(_) => Some(ListStyle::Ordered),
        }
    }

    /// A text that does not follow others of its kind.
    fn part(self, item: Rich) -> Rich {
        let offset = if let Self::Number(number) = self { number - 1 } else { 0 };
        match self.style() {
            None => item,
            Some(style) => Rich::RichTextList { style, offset, elements: vec![item] },
        }
    }
}

/// Blocks while they are filled.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    blocks: Vec<Block>,
    whole: Room,
    left: Room,
    /// The heading of the section that the last block is.
    open: Option<&'static str>,
}

impl Stack {
    /// No blocks so far, of at most this.
    pub(super) fn new(blocks: usize, bytes: usize) -> Self {
        // The brackets around all blocks.
        let whole = Room { blocks, bytes: bytes - 2 };
        Self { blocks: Vec::new(), whole, left: whole, open: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// What is left.
    pub(super) fn left(&self) -> Room {
        self.left
    }

    /// Adds blocks that fit for sure.
    pub(super) fn extend(&mut self, blocks: impl IntoIterator<Item = Block>) {
        for block in blocks {
            self.push(block, Room::default());
        }
    }

    /// Adds a block, unless less than `keep` would be left.
    pub(super) fn push(&mut self, block: Block, keep: Room) -> bool {
        let cost = bytes(&block) + 1;
        let fits = self.left.blocks > keep.blocks && self.left.bytes >= cost + keep.bytes;
        if fits {
            self.left = Room { blocks: self.left.blocks - 1, bytes: self.left.bytes - cost };
            self.blocks.push(block);
            self.open = None;
        }
        fits
    }

    /// Adds a text to the section with this heading, which starts with it if need be, unless less than
    /// `keep` would be left.
    pub(super) fn say(&mut self, heading: &'static str, mark: Mark, text: &[Inline], keep: Room) -> bool {
        let item = Rich::RichTextSection { elements: text.to_vec() };
        if self.open != Some(heading) {
            let fits = self.push(Block::RichText { elements: begun(heading, mark, item) }, keep);
            if fits {
                self.open = Some(heading);
            }
            return fits;
        }
        let Some(Block::RichText { elements }) = self.blocks.last_mut() else { return false };
        // Either way it stands behind something, hence behind a comma.
        let (list, added) = match elements.last_mut() {
            Some(Rich::RichTextList { style, elements, .. }) if mark.style() == Some(*style) => (Some(elements), item),
            _ => (None, mark.part(item)),
        };
        let cost = bytes(&added) + 1;
        let fits = self.left.bytes >= cost + keep.bytes;
        if fits {
            self.left.bytes -= cost;
            match list {
                Some(list) => list.push(added),
                None => elements.push(added),
            }
        }
        fits
    }

    /// Takes the blocks; what comes next is in another message.
    pub(super) fn take(&mut self) -> Vec<Block> {
        self.left = self.whole;
        self.open = None;
        std::mem::take(&mut self.blocks)
    }
}

/// What a section begins with: its heading is its first line.
fn begun(heading: &str, mark: Mark, item: Rich) -> Vec<Rich> {
    if heading.is_empty() {
        return vec![mark.part(item)];
    }
    match item {
        Rich::RichTextSection { elements } if mark == Mark::None => {
            let heading = [rich::bold(heading), rich::words("\n")];
            vec![Rich::RichTextSection { elements: heading.into_iter().chain(elements).collect() }]
        }
        item => vec![Rich::RichTextSection { elements: vec![rich::bold(heading)] }, mark.part(item)],
    }
}
