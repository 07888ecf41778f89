//! The directory's files in a node's folder: `directory/book`, what the node knows of others, and `directory/number`, the
//! last number of its own card.
//!
//! Neither ever stops a node: others have what the book held, and a number is found by the clock. A damaged file is set
//! aside under `.damaged`, so that whoever wants to can look at it.

use std::io;
use std::path::{Path, PathBuf};

use crate::directory::book::{Book, MAX_CARDS};
use crate::directory::card::MAX_CARD_BYTES;
use crate::node::durable;

/// Most bytes of a saved book: so many cards and numbers, and their counts.
const MAX_BOOK_BYTES: u64 = (MAX_CARDS * (1 + MAX_CARD_BYTES + 48) + 1024) as u64;
/// Most bytes of the number's file.
const MAX_NUMBER_BYTES: u64 = 64;

/// Where the files are.
#[derive(Debug, Clone)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// The files of a node's folder; the folder is made if it is not there.
    pub fn of(node: &Path) -> Self {
        let folder = node.join("directory");
        let made =
            std::fs::create_dir_all(&folder).and_then(|()| durable::remove_half_written(&folder));
        if let Err(error) = made {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "the directory cannot be kept: make room or mend the folder's rights");
        }
        Self { folder }
    }

    fn book(&self) -> PathBuf {
        self.folder.join("book")
    }

    fn number(&self) -> PathBuf {
        self.folder.join("number")
    }

    /// Fills an empty book with what was saved.
    pub fn load_book(&self, empty: Book, now_ms: u64) -> Book {
        let path = self.book();
        let bytes = match durable::read(&path, MAX_BOOK_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return empty,
            Err(error) => {
                set_aside(&path, &error);
                return empty;
            }
        };
        match empty.clone().restore(&bytes, now_ms) {
            Ok(book) => book,
            Err(fault) => {
                set_aside(&path, &fault);
                empty
            }
        }
    }

    /// Saves a book's bytes; they are on the disk when this returns.
    ///
    /// # Errors
    /// What the system says.
    pub fn save_book(&self, bytes: &[u8]) -> io::Result<()> {
        durable::replace(&self.book(), bytes)
    }

    /// The last number of the node's own card, as far as is known.
    pub fn load_number(&self) -> Option<u64> {
        let path = self.number();
        let bytes = match durable::read(&path, MAX_NUMBER_BYTES) {
            Ok(bytes) => bytes?,
            Err(error) => {
                set_aside(&path, &error);
                return None;
            }
        };
        let number = str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.trim_end().parse().ok());
        if number.is_none() {
            set_aside(&path, &"it holds no number");
        }
        number
    }

    /// Keeps the number; it is on the disk when this returns.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_number(&self, sequence: u64) -> io::Result<()> {
        durable::replace(&self.number(), format!("{sequence}\n").as_bytes())
    }
}

fn set_aside(path: &Path, why: &dyn std::fmt::Display) {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".damaged");
    let moved = std::fs::rename(path, &aside);
    let (file, aside) = (path.display(), Path::new(&aside).display());
    match moved {
        Ok(()) => {
            tracing::warn!(%file, %aside, %why, "a file of the directory was set aside; the node goes on without it")
        }
        Err(error) => {
            tracing::warn!(%file, %why, %error, "a file of the directory cannot be used; the node goes on without it")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::hash::Hash;

    const NETWORK: Hash = Hash([7; 32]);

    #[test]
    fn a_damaged_book_or_number_is_set_aside_and_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::of(folder.path());
        assert_eq!(files.load_number(), None);
        files.keep_number(41).unwrap();
        files.save_book(&Book::new(NETWORK).save()).unwrap();
        assert_eq!(files.load_number(), Some(41));
        let loaded = files.load_book(Book::new(NETWORK), 1);
        assert!(loaded.is_empty() && files.book().exists());

        std::fs::write(files.number(), "forty-one").unwrap();
        let mut bytes = Book::new(NETWORK).save();
        bytes[9] ^= 1;
        std::fs::write(files.book(), bytes).unwrap();
        assert_eq!(files.load_number(), None);
        assert!(files.load_book(Book::new(NETWORK), 1).is_empty());
        for file in ["number", "book"] {
            assert!(!files.folder.join(file).exists(), "{file}");
            assert!(
                files.folder.join(format!("{file}.damaged")).exists(),
                "{file}"
            );
        }
    }

    #[test]
    fn what_a_crash_left_half_written_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::of(folder.path());
        let half = files.folder.join(".new-half");
        std::fs::write(&half, "x").unwrap();
        Files::of(folder.path());
        assert!(!half.exists());
    }
}
