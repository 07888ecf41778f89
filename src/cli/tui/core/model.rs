//! What there is: how it looks, who is in front of it, and at which stage the wallet stands.

use super::field::Field;
use super::open::Open;
use super::settings::Settings;
use super::unlock::Locked;
use super::wizard::Wizard;
use super::{Effect, Opening};
use crate::chain::key::Address;
use crate::cli::failure::Failure;

/// The smallest window that everything fits in.
pub const LEAST: (u16, u16) = (80, 24);

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub coloured: bool,
    pub unicode: bool,
}

/// The wallet as it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    pub profile: String,
    pub address: Address,
    pub network: String,
    pub genesis: String,
    /// What the network stands: `This network of 4 nodes stands 1 failure; 3 must be up`.
    pub resilience: String,
    /// Where the network's description comes from.
    pub source: String,
    pub data_dir: String,
}

/// Everything.
#[derive(Debug)]
pub struct Model {
    pub look: Look,
    pub size: (u16, u16),
    pub now_ms: u64,
    /// When a key was pressed last.
    pub touched_ms: u64,
    pub settings: Settings,
    pub profile: String,
    pub stage: Stage,
}

/// Where the wallet stands.
#[derive(Debug)]
pub enum Stage {
    /// There is none yet.
    Wizard(Box<Wizard>),
    /// It is locked.
    Locked(Box<Locked>),
    /// It is open.
    Open(Box<Open>),
}

/// A word to the owner, at the foot of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Good(String),
    Plain(String),
    Bad { message: String, hint: String },
}

impl From<Failure> for Notice {
    fn from(failure: Failure) -> Self {
        Self::Bad {
            message: failure.message,
            hint: failure.hint,
        }
    }
}

impl Model {
    /// The screens of a wallet that waits for its password, or that is to be made.
    pub fn new(look: Look, size: (u16, u16), profile: &str, stage: Stage) -> Self {
        Self {
            look,
            size,
            now_ms: 0,
            touched_ms: u64::MAX,
            settings: Settings::default(),
            profile: profile.to_owned(),
            stage,
        }
    }

    /// Whether the window is too small for anything.
    pub fn is_too_small(&self) -> bool {
        self.size.0 < LEAST.0 || self.size.1 < LEAST.1
    }

    /// The line that is being typed, if one is.
    pub fn field(&mut self) -> Option<&mut Field> {
        match &mut self.stage {
            Stage::Wizard(wizard) => wizard.field(),
            Stage::Locked(locked) => Some(&mut locked.password),
            Stage::Open(open) => open.field(),
        }
    }

    /// The wallet is open, or could not be opened.
    pub(super) fn opened(&mut self, opened: Result<Box<Opening>, Failure>) -> Vec<Effect> {
        match opened {
            Ok(opening) => {
                let Opening {
                    me,
                    contacts,
                    settings,
                } = *opening;
                // Opening takes its time, in which nobody could press a key.
                self.touched_ms = self.now_ms;
                self.settings = settings.clone();
                self.profile.clone_from(&me.profile);
                let open = Open::new(me, contacts, settings);
                let effects = open.begin();
                self.stage = Stage::Open(Box::new(open));
                effects
            }
            Err(failure) => {
                match &mut self.stage {
                    Stage::Wizard(wizard) => wizard.failed(failure),
                    Stage::Locked(locked) => locked.failed(failure),
                    // It was locked meanwhile, and is opened anew.
                    Stage::Open(_) => {}
                }
                Vec::new()
            }
        }
    }

    /// Time passes.
    pub(super) fn tick(&mut self) -> Vec<Effect> {
        let Stage::Open(open) = &mut self.stage else {
            return Vec::new();
        };
        self.settings.clone_from(&open.settings);
        let idle_ms = self.now_ms.saturating_sub(self.touched_ms);
        let limit_ms = self.settings.idle_lock_s.saturating_mul(1000);
        if limit_ms > 0 && idle_ms >= limit_ms && !open.is_paying() {
            return self.lock("locked, since nobody has pressed a key for a while");
        }
        let is_asked = std::mem::take(&mut open.wants_lock);
        match is_asked && !open.is_paying() {
            true => self.lock("locked"),
            false => open.tick(self.now_ms),
        }
    }

    fn lock(&mut self, why: &str) -> Vec<Effect> {
        self.stage = Stage::Locked(Box::new(Locked::new(why)));
        vec![Effect::Lock]
    }

    pub(super) fn quit(&mut self) -> Vec<Effect> {
        vec![Effect::Quit]
    }
}
