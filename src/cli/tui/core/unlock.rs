//! A locked wallet: its password, and nothing else to be seen.

use super::field::Field;
use super::model::Notice;
use super::{Effect, Key};
use crate::cli::failure::Failure;

/// A wallet that waits for its password.
#[derive(Debug)]
pub struct Locked {
    pub password: Field,
    pub why: String,
    /// The password is being tried.
    pub is_trying: bool,
    pub notice: Option<Notice>,
}

impl Locked {
    pub fn new(why: &str) -> Self {
        Self {
            password: Field::default(),
            why: why.to_owned(),
            is_trying: false,
            notice: None,
        }
    }

    /// A wallet that is being opened without anybody typing.
    pub fn trying() -> Self {
        Self {
            is_trying: true,
            ..Self::new("")
        }
    }

    pub fn key(&mut self, key: Key) -> Vec<Effect> {
        if self.is_trying {
            return Vec::new();
        }
        match key {
            Key::Enter => {
                self.is_trying = true;
                self.notice = None;
                vec![Effect::Unlock(self.password.take())]
            }
            Key::Esc if self.password.is_empty() => vec![Effect::Quit],
            Key::Esc => {
                self.password.clear();
                Vec::new()
            }
            key => {
                self.password.key(key);
                Vec::new()
            }
        }
    }

    pub fn failed(&mut self, failure: Failure) {
        self.is_trying = false;
        self.notice = Some(failure.into());
    }
}
