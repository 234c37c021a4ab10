//! Compiles the repository's `specs/` in, so that the program works without a checkout.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let specs = manifest.join("../specs").canonicalize()?;
    let mut files = Vec::new();
    collect(&specs, &mut files)?;
    files.sort();
    let mut code = String::from("static BUILT_IN: &[(&str, &str)] = &[\n");
    for file in &files {
        let place = file.strip_prefix(&specs).map_err(io::Error::other)?;
        let place = place.to_string_lossy().replace('\\', "/");
        let file = file.to_string_lossy();
        writeln!(code, "    ({place:?}, include_str!({file:?})),").map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    fs::write(out.join("specs.rs"), code)
}

/// The YAML files below a folder; cargo is told of each folder, so that a new file is noticed.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}
