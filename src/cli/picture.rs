//! The file of a picture: tried before the work begins, written beside, and given its name in one step when all is done.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::failure::{Exit, Failure};

/// What a picture is, for people.
#[derive(Debug)]
pub(super) struct Kind {
    name: &'static str,
    code: &'static str,
    option: &'static str,
}

/// The plot of measurements.
pub(super) const PLOT: Kind = Kind {
    name: "plot",
    code: "plot_not_written",
    option: "--plot",
};

/// Cards to print.
pub(super) const SHEET: Kind = Kind {
    name: "sheet",
    code: "sheet_not_written",
    option: "--out",
};

/// A file that is going to be a picture. Dropped before, it leaves no trace, and what was there before as it was.
#[derive(Debug)]
pub(super) struct Picture {
    path: PathBuf,
    draft: NamedTempFile,
    kind: &'static Kind,
}

impl Picture {
    /// Makes sure that a picture can be written there.
    ///
    /// # Errors
    /// The kind's code if it cannot.
    pub(super) fn begin(path: &Path, kind: &'static Kind) -> Result<Self, Failure> {
        let refused = |why: &str| {
            let Kind { name, code, option } = kind;
            let message = format!("the {name} cannot be written to {}: {why}", path.display());
            let hint = format!("choose another file with {option}");
            Failure::new(Exit::Usage, *code, message, hint)
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
            kind,
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// The kind's code; what was there before is there still.
    pub(super) fn finish(mut self, text: &str) -> Result<(), Failure> {
        let written = self.draft.write_all(text.as_bytes());
        let written = written.and_then(|()| self.draft.as_file().sync_all());
        let path = self.path;
        let placed = written.and_then(|()| {
            let placed = self.draft.persist(&path);
            placed.map(drop).map_err(|error| error.error)
        });
        placed.map_err(|error| {
            let Kind { name, code, option } = self.kind;
            let message = format!(
                "the {name} cannot be written to {}: {error}",
                path.display()
            );
            let hint = match *name {
                "plot" => format!("choose another file with {option}; the figures stand above"),
                _ => format!("choose another file with {option}"),
            };
            Failure::new(Exit::Unexpected, *code, message, hint)
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
        let picture = Picture::begin(&path, &PLOT).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        drop(picture);
        assert_eq!(names(folder.path()), ["x.svg"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        Picture::begin(&path, &PLOT).unwrap().finish("new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let other = folder.path().join("other.svg");
        Picture::begin(&other, &PLOT)
            .unwrap()
            .finish("first")
            .unwrap();
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
            let refused = Picture::begin(&path, &PLOT).unwrap_err();
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
        assert!(Picture::begin(Path::new("/dev/null"), &PLOT).is_err());
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (
            folder.path().join("real.svg"),
            folder.path().join("link.svg"),
        );
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        Picture::begin(&link, &PLOT).unwrap().finish("new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
