//! The script file: read at the start, and again whenever it has changed.
//!
//! It is looked at a few times each second, whatever the editor: one that writes in place, one that puts a new file in
//! the place of the old, and a folder that is shared with another machine all look the same. What is there is taken when
//! it has stayed the same for two looks, so that half a file is not read. Knows nothing of rules.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// What a look finds: the text, or why there is none.
type Found = Result<String, String>;

/// A file that is watched.
#[derive(Debug)]
pub(super) struct ScriptFile {
    path: PathBuf,
    known: Found,
}

impl ScriptFile {
    /// Reads it for the first time.
    pub(super) fn open(path: &Path) -> Self {
        Self { path: path.to_owned(), known: look(path) }
    }

    /// Its name as it was given.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// What was found last.
    pub(super) fn text(&self) -> Result<&str, &str> {
        self.known.as_deref().map_err(String::as_str)
    }

    /// Waits until something else is found, and stays.
    pub(super) async fn changed(&mut self) {
        let mut before = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let path = self.path.clone();
            // A look that cannot be taken now can be taken later.
            let Ok(found) = tokio::task::spawn_blocking(move || look(&path)).await else { continue };
            if before.as_ref() == Some(&found) && found != self.known {
                self.known = found;
                return;
            }
            before = Some(found);
        }
    }
}

fn look(path: &Path) -> Found {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > LARGEST { Err(format!("larger than {LARGEST} bytes")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_found_again_however_it_is_saved() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("script.yaml");
        let mut file = ScriptFile::open(&path);
        assert!(file.text().is_err());
        std::fs::write(&path, "one").expect("written");
        file.changed().await;
        assert_eq!(file.text(), Ok("one"));
        let beside = folder.path().join("script.yaml~");
        std::fs::write(&beside, "two").expect("written");
        std::fs::rename(&beside, &path).expect("renamed");
        file.changed().await;
        assert_eq!(file.text(), Ok("two"));
        std::fs::remove_file(&path).expect("removed");
        file.changed().await;
        assert!(file.text().is_err());
        std::fs::write(&path, "a".repeat(1 + (1 << 20))).expect("written");
        file.changed().await;
        assert!(file.text().is_err_and(|error| error.contains("larger")));
    }
}
