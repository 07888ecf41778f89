//! The first run: a network, a name, a password, twelve words that are checked. Nothing is kept before the last step, so
//! that whoever leaves has left nothing behind.
//!
//! Ways in: a bootstrap file, or the network at hand. [`Step::Network`] is where another way in joins.

use zeroize::Zeroizing;

use super::field::Field;
use super::model::Notice;
use super::{Drawn, Effect, Event, Key, Making, NetworkSeen};
use crate::chain::name::Name;
use crate::cli::failure::Failure;
use crate::wallet::strength::{self, Strength, Verdict};
use crate::wallet::vault::{MIN_PASSWORD_CHARS, RecoveryWords, WORD_COUNT};

/// The steps, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A new wallet, or one from its words?
    Welcome,
    /// Of which network?
    Network,
    /// Is it this one?
    NetworkSeen,
    /// The words of a wallet that was.
    Restore,
    /// The name to be paid by.
    Name,
    /// The password.
    Password,
    /// The same again.
    Again,
    /// The words are shown.
    Words,
    /// Some are asked for.
    Check,
    /// It is being made.
    Making,
}

/// The first run.
#[derive(Debug)]
pub struct Wizard {
    pub profile: String,
    pub step: Step,
    pub is_restoring: bool,
    pub typed: Field,
    pub network: Option<NetworkSeen>,
    pub drawn: Option<Drawn>,
    /// How many of the words that are asked for were right.
    pub checked: usize,
    pub notice: Option<Notice>,
    made: Made,
}

/// What was settled so far.
#[derive(Debug, Default)]
struct Made {
    file: Option<String>,
    wish: Option<Name>,
    password: Zeroizing<String>,
    words: Option<Zeroizing<String>>,
}

impl Wizard {
    pub fn new(profile: &str) -> Self {
        Self {
            profile: profile.to_owned(),
            step: Step::Welcome,
            is_restoring: false,
            typed: Field::default(),
            network: None,
            drawn: None,
            checked: 0,
            notice: None,
            made: Made::default(),
        }
    }

    /// The line that is typed at this step.
    pub fn field(&mut self) -> Option<&mut Field> {
        self.is_typing().then_some(&mut self.typed)
    }

    /// Whether a line is typed at this step.
    pub fn is_typing(&self) -> bool {
        !matches!(
            self.step,
            Step::Welcome | Step::NetworkSeen | Step::Words | Step::Making
        )
    }

    /// The twelve words, while they are shown.
    pub fn words(&self) -> Vec<&str> {
        let drawn = self.drawn.iter();
        drawn.flat_map(|drawn| drawn.words.split(' ')).collect()
    }

    /// The number of the word that is asked for, from 1.
    pub fn asked(&self) -> Option<usize> {
        let drawn = self.drawn.as_ref()?;
        drawn.asked.get(self.checked).map(|at| at + 1)
    }

    /// What the password that is being typed is worth.
    pub fn verdict(&self) -> Verdict {
        strength::judge(self.typed.text(), &self.profile)
    }

    pub fn failed(&mut self, failure: Failure) {
        self.notice = Some(failure.into());
        if self.step == Step::Making {
            self.go(Step::Password);
        }
    }

    pub fn told(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Network(Ok(seen)) => {
                self.network = Some(seen);
                self.notice = None;
                self.go(Step::NetworkSeen);
            }
            Event::Network(Err(failure)) => self.failed(failure),
            Event::Drawn(drawn) => {
                self.drawn = Some(drawn);
                self.checked = 0;
                self.go(Step::Words);
            }
            _ => {}
        }
        Vec::new()
    }

    pub fn key(&mut self, key: Key) -> Vec<Effect> {
        match (self.step, key) {
            (Step::Making, _) => Vec::new(),
            (Step::Welcome, Key::Char('n') | Key::Enter) => self.start(false),
            (Step::Welcome, Key::Char('r')) => self.start(true),
            (Step::Welcome, Key::Char('q') | Key::Esc) => vec![Effect::Quit],
            (_, Key::Esc) => self.back(),
            (_, Key::Enter) => self.enter(),
            (_, key) => {
                if self.is_typing() && self.typed.key(key) {
                    self.notice = None;
                }
                Vec::new()
            }
        }
    }

    fn start(&mut self, is_restoring: bool) -> Vec<Effect> {
        self.is_restoring = is_restoring;
        self.go(Step::Network);
        Vec::new()
    }

    fn go(&mut self, step: Step) {
        self.step = step;
        self.typed.clear();
    }

    fn back(&mut self) -> Vec<Effect> {
        self.notice = None;
        let before = match self.step {
            Step::Welcome | Step::Making | Step::Network => Step::Welcome,
            Step::NetworkSeen => Step::Network,
            Step::Restore | Step::Name => Step::Network,
            Step::Password if self.is_restoring => Step::Restore,
            Step::Password => Step::Name,
            Step::Again => Step::Password,
            // The words were seen: others are drawn the next time.
            Step::Words | Step::Check => {
                self.drawn = None;
                Step::Password
            }
        };
        self.go(before);
        Vec::new()
    }

    fn enter(&mut self) -> Vec<Effect> {
        self.notice = None;
        match self.step {
            Step::Network => {
                let file = self.typed.trimmed();
                let file = (!file.is_empty()).then(|| file.to_owned());
                self.made.file.clone_from(&file);
                return vec![Effect::ReadNetwork(file)];
            }
            Step::NetworkSeen if self.is_restoring => self.go(Step::Restore),
            Step::NetworkSeen => self.go(Step::Name),
            Step::Restore => match RecoveryWords::parse(self.typed.text()) {
                Ok(_) => {
                    self.made.words = Some(self.typed.take());
                    self.go(Step::Password);
                }
                Err(error) => self.failed(error.into()),
            },
            Step::Name => return self.name(),
            Step::Password => self.password(),
            Step::Again => return self.again(),
            Step::Words => self.go(Step::Check),
            Step::Check => return self.check(),
            Step::Welcome | Step::Making => {}
        }
        Vec::new()
    }

    fn name(&mut self) -> Vec<Effect> {
        let typed = self.typed.trimmed();
        self.made.wish = match typed.is_empty() {
            true => None,
            false => match typed.parse::<Name>() {
                Ok(name) => Some(name),
                Err(error) => {
                    self.failed(error.into());
                    return Vec::new();
                }
            },
        };
        self.go(Step::Password);
        Vec::new()
    }

    fn password(&mut self) {
        let characters = self.typed.text().chars().count();
        if characters < MIN_PASSWORD_CHARS {
            self.notice = Some(Notice::Bad {
                message: format!("the password has {characters} characters"),
                hint: format!("take at least {MIN_PASSWORD_CHARS}"),
            });
            return;
        }
        let verdict = self.verdict();
        if verdict.strength == Strength::Weak {
            self.notice = Some(Notice::Bad {
                message: format!("this password is weak: {}", verdict.why),
                hint:
                    "choose another: it is all that keeps a thief of this machine from your money"
                        .to_owned(),
            });
            return;
        }
        self.made.password = self.typed.take();
        self.go(Step::Again);
    }

    fn again(&mut self) -> Vec<Effect> {
        if self.typed.text() != &**self.made.password {
            self.notice = Some(Notice::Bad {
                message: "the two passwords are not the same".to_owned(),
                hint: "type the first one again".to_owned(),
            });
            self.go(Step::Password);
            return Vec::new();
        }
        self.typed.clear();
        match self.is_restoring {
            true => self.make(),
            false => vec![Effect::Draw],
        }
    }

    fn check(&mut self) -> Vec<Effect> {
        let typed = self.typed.trimmed().to_lowercase();
        let asked = self.asked().unwrap_or(1);
        let is_right = self
            .words()
            .get(asked - 1)
            .is_some_and(|word| *word == typed);
        self.typed.clear();
        if !is_right {
            self.notice = Some(Notice::Bad {
                message: format!("that is not word {asked}"),
                hint: "look at your paper again; Esc draws new words".to_owned(),
            });
            return Vec::new();
        }
        self.checked += 1;
        match self.asked() {
            Some(_) => Vec::new(),
            None => self.make(),
        }
    }

    fn make(&mut self) -> Vec<Effect> {
        self.go(Step::Making);
        self.drawn = None;
        vec![Effect::Make(Box::new(Making {
            network: self.made.file.clone(),
            password: std::mem::take(&mut self.made.password),
            words: self.made.words.clone(),
            wish: self.made.wish.clone(),
        }))]
    }

    /// Which step of how many, for people.
    pub fn place(&self) -> (usize, usize) {
        let at = match self.step {
            Step::Welcome => 0,
            Step::Network | Step::NetworkSeen => 1,
            Step::Restore | Step::Name => 2,
            Step::Password | Step::Again => 3,
            Step::Words | Step::Check => 4,
            Step::Making => 5,
        };
        let of = if self.is_restoring { 3 } else { 4 };
        (at.min(of), of)
    }
}

const _: () = assert!(WORD_COUNT == 12);
