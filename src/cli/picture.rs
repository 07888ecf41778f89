//! The file of the plot: tried before the first seed, written beside, and given its name in one step when all is done.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::failure::{Exit, Failure};

/// A file that is going to be a picture. Dropped before, it leaves no trace, and what was there before as it was.
#[derive(Debug)]
pub(super) struct Picture {
    path: PathBuf,
    draft: NamedTempFile,
}

impl Picture {
    /// Makes sure that a picture can be written there.
    ///
    /// # Errors
    /// `plot_not_written` if it cannot.
    pub(super) fn begin(path: &Path) -> Result<Self, Failure> {
        let refused = |why: &str| {
            let message = format!("the plot cannot be written to {}: {why}", path.display());
            let hint = "choose another file with --plot";
            Failure::new(Exit::Usage, "plot_not_written", message, hint)
        };
        // A link stays a link: what it leads to is written.
        let real = match fs::canonicalize(path) {
            Ok(real) => {
                let there = fs::metadata(&real).map_err(|error| refused(&error.to_string()))?;
                if !there.is_file() {
                    return Err(refused("it is no file"));
                }
                if there.permissions().readonly() {
                    return Err(refused("it is write-protected"));
                }
                real
            }
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(refused(&error.to_string())),
        };
        if real.file_name().is_none() {
            return Err(refused("it is no file's name"));
        }
        let folder = real.parent().filter(|folder| *folder != Path::new(""));
        let draft = draft_in(folder.unwrap_or(Path::new(".")));
        Ok(Self {
            draft: draft.map_err(|error| refused(&error.to_string()))?,
            path: real,
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// `plot_not_written`; what was there before is there still.
    pub(super) fn finish(mut self, text: &str) -> Result<(), Failure> {
        let written = self.draft.write_all(text.as_bytes());
        let written = written.and_then(|()| self.draft.as_file().sync_all());
        let path = self.path;
        let placed = written.and_then(|()| {
            let placed = self.draft.persist(&path);
            placed.map(drop).map_err(|error| error.error)
        });
        placed.map_err(|error| {
            let message = format!("the plot cannot be written to {}: {error}", path.display());
            let hint = "choose another file with --plot; the figures stand above";
            Failure::new(Exit::Unexpected, "plot_not_written", message, hint)
        })
    }
}

/// A passing name, with the permissions of an ordinary new file.
fn draft_in(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".new-").suffix(".svg");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_picture_replaces_what_was_there_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.svg");
        fs::write(&path, "old").unwrap();
        let picture = Picture::begin(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        drop(picture);
        assert_eq!(names(folder.path()), ["x.svg"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        Picture::begin(&path).unwrap().finish("new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let other = folder.path().join("other.svg");
        Picture::begin(&other).unwrap().finish("first").unwrap();
        assert_eq!(names(folder.path()), ["other.svg", "x.svg"]);
    }

    #[test]
    fn what_cannot_be_written_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept.svg");
        fs::write(&kept, "old").unwrap();
        let mut permissions = fs::metadata(&kept).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&kept, permissions).unwrap();
        for path in [
            folder.path().to_owned(),
            folder.path().join("nowhere/x.svg"),
            kept,
            PathBuf::from("/"),
            PathBuf::new(),
        ] {
            let refused = Picture::begin(&path).unwrap_err();
            assert_eq!(
                (&*refused.code, refused.exit),
                ("plot_not_written", Exit::Usage)
            );
            assert!(refused.hint.contains("--plot"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_left_alone_and_links_are_followed() {
        assert!(Picture::begin(Path::new("/dev/null")).is_err());
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (
            folder.path().join("real.svg"),
            folder.path().join("link.svg"),
        );
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        Picture::begin(&link).unwrap().finish("new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
