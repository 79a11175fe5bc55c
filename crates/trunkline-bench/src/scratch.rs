//! The folder of one run: made in the user's, and removed at the end with everything in it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// A folder of our own, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    /// The user's folder, if it was made for this run.
    made: Option<PathBuf>,
}

impl Scratch {
    /// A new folder in this one, which is made if it is absent.
    pub(crate) fn new_in(folder: &Path) -> Result<Self> {
        let act = || format!("make the folder {}", folder.display());
        let made = (!folder.exists()).then(|| folder.to_owned());
        fs::create_dir_all(folder).map_err(Failure::io(act()))?;
        let path = folder.join(format!("trunkline-bench-{}", std::process::id()));
        // It must not be there: everything in it will be removed.
        fs::create_dir(&path).map_err(Failure::io(format!("make the folder {}", path.display())))?;
        Ok(Self { path, made })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A new, empty folder within, for an engine.
    pub(crate) fn subfolder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir(&path).map_err(Failure::io(format!("make the folder {}", path.display())))?;
        Ok(path)
    }

    /// Removes a subfolder before the end, to have its space back.
    pub(crate) fn remove(path: &Path) -> Result<()> {
        fs::remove_dir_all(path).map_err(Failure::io(format!("remove the folder {}", path.display())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            crate::say::say(&format!("could not remove {}: {error}", self.path.display()));
        }
        if let Some(made) = &self.made {
            // Only when nobody else has put anything there.
            drop(fs::remove_dir(made));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_is_removed() {
        let mine = Scratch::new_in(&std::env::temp_dir()).unwrap();
        let folder = mine.path().join("new");
        let kept = folder.join("kept");
        {
            let scratch = Scratch::new_in(&folder).unwrap();
            fs::write(scratch.subfolder("a").unwrap().join("file"), "x").unwrap();
            fs::write(&kept, "y").unwrap();
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_file(&kept).unwrap();
        fs::remove_dir(&folder).unwrap();
        drop(Scratch::new_in(&folder).unwrap());
        assert!(!folder.exists());
    }
}
