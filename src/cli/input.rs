//! Reading pastes from files and standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context as _;

use crate::diagnosis::{PASTE_MAX, file};

/// Opens a file; `-` is standard input.
pub(super) fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?))
}

/// One paste, in any encoding, packed or not, because pastes come from anywhere.
pub(super) fn paste(path: &Path) -> anyhow::Result<String> {
    // A little more than is read of a paste tells that there is more.
    let limit = PASTE_MAX as u64 + 4;
    let mut bytes = Vec::new();
    open(path)?.take(limit).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(file::text(&bytes))
}
