//! Compiles the rule files under `responses/` into the binary, as a table of (id, text).

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("responses");
    println!("cargo::rerun-if-changed=responses");

    let mut files = Vec::new();
    for family in entries(&root)?.into_iter().filter(|path| path.is_dir()) {
        files.extend(entries(&family)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "md")));
    }

    let mut table = String::from("/// (rule id, file text) of every rule under `responses/`, in path order.\n");
    table.push_str("pub(super) static FILES: &[(&str, &str)] = &[\n");
    for file in files {
        let id = file.strip_prefix(&root).map_err(io::Error::other)?.with_extension("");
        let id = id.to_string_lossy().replace('\\', "/");
        table.push_str(&format!("    ({id:?}, include_str!({file:?})),\n"));
    }
    table.push_str("];\n\n/// What rules share.\n");
    table.push_str(&format!("pub(super) static WORDS: &str = include_str!({:?});\n", root.join("words.toml")));
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("built_in_rules.rs"), table)
}

/// The directory's entries in name order, so that the build is reproducible.
fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
