//! Paying: whom, how much, what for; then the last check, which shows all that leaves the account and whom it reaches.

use super::activity::Moving;
use super::field::Field;
use super::open::{Open, Tab};
use super::suggest::{self, Suggestion};
use super::{Effect, Key};
use crate::chain::amount::Amount;
use crate::chain::transaction::Operation;
use crate::cli::failure::Failure;
use crate::cli::values::{self, Readers};
use crate::cli::wallet::dealings;
use crate::cli::wallet::payment::{Order, Which};
use crate::node::session::Plan;

/// The lines of the form.
pub const TO: usize = 0;
pub const AMOUNT: usize = 1;
pub const MEMO: usize = 2;

/// The screen.
#[derive(Debug, Default)]
pub struct Send {
    pub fields: [Field; 3],
    pub focus: usize,
    pub is_public: bool,
    /// The suggestion that is chosen.
    pub chosen: Option<usize>,
    /// A plan is being proven.
    pub is_planning: bool,
    pub review: Option<Review>,
}

/// The last check.
#[derive(Debug)]
pub struct Review {
    pub plan: Plan,
    /// What must be confirmed by a word.
    pub grave: Vec<String>,
    pub slight: Vec<String>,
    /// The word.
    pub word: Field,
}

impl Review {
    /// Whether a name is taken, and nobody paid.
    pub fn takes_name(&self) -> bool {
        matches!(self.plan.operation, Operation::ClaimName { .. })
    }

    /// All that leaves the account.
    pub fn total(&self) -> Option<Amount> {
        let paid = match &self.plan.operation {
            Operation::Transfer { amount, .. } => *amount,
            // Vouchers are not sent from here.
            _ => Amount::ZERO,
        };
        Amount::checked_sum([paid, self.plan.fee])
    }

    /// What is left of what is proven.
    pub fn left(&self) -> Option<Amount> {
        let left = self.plan.balance.nits().checked_sub(self.total()?.nits());
        left.map(Amount::from_nits)
    }
}

impl Send {
    pub fn new(is_public: bool) -> Self {
        Self {
            is_public,
            ..Self::default()
        }
    }

    pub fn field(&mut self) -> Option<&mut Field> {
        match (&mut self.review, self.is_planning) {
            (Some(review), _) if review.grave.is_empty() => None,
            (Some(review), _) => Some(&mut review.word),
            (None, true) => None,
            (None, false) => Some(&mut self.fields[self.focus]),
        }
    }

    /// Whether one key answers what is asked.
    pub fn is_asking(&self) -> bool {
        self.review.is_some() || self.is_planning
    }

    /// Somebody is to be paid.
    pub fn to(&mut self, who: &str) {
        *self = Self::new(self.is_public);
        self.fields[TO] = Field::with(who);
        self.focus = AMOUNT;
    }

    /// A plan is being proven that was not typed here.
    pub fn begin_plan(&mut self) {
        *self = Self::new(self.is_public);
        self.is_planning = true;
    }
}

impl Open {
    /// Who may be meant by what is typed.
    pub fn suggestions(&self) -> Vec<Suggestion> {
        let send = &self.panes.send;
        let is_asked = send.focus == TO && !send.is_asking();
        match is_asked {
            true => suggest::suggest(self, send.fields[TO].text()),
            false => Vec::new(),
        }
    }

    pub(super) fn send_key(&mut self, key: Key, now_ms: u64) -> Vec<Effect> {
        if self.panes.send.review.is_some() {
            return self.review_key(key);
        }
        if self.panes.send.is_planning {
            if key == Key::Esc {
                self.panes.send.is_planning = false;
            }
            return Vec::new();
        }
        let suggestions = self.suggestions();
        let send = &mut self.panes.send;
        match key {
            Key::Esc => {
                let is_public = self.settings.public_memos;
                self.panes.send = Send::new(is_public);
                return self.show(Tab::Home);
            }
            Key::Down if send.focus == TO && !suggestions.is_empty() => {
                let last = suggestions.len() - 1;
                send.chosen = Some(send.chosen.map_or(0, |at| last.min(at + 1)));
            }
            Key::Up if send.focus == TO && send.chosen.is_some() => {
                send.chosen = send.chosen.and_then(|at| at.checked_sub(1));
            }
            Key::Tab | Key::Enter if send.focus == TO => {
                let only = (key == Key::Tab && suggestions.len() == 1).then_some(0);
                let chosen = send.chosen.or(only).and_then(|at| suggestions.get(at));
                if let Some(suggestion) = chosen {
                    send.fields[TO] = Field::with(&suggestion.insert);
                }
                send.chosen = None;
                if key == Key::Enter && values::is_line(send.fields[TO].trimmed()) {
                    return self.plan_line(now_ms);
                }
                if !send.fields[TO].trimmed().is_empty() {
                    send.focus = AMOUNT;
                }
            }
            Key::Tab | Key::Down if send.focus < MEMO => send.focus += 1,
            Key::BackTab | Key::Up => send.focus = send.focus.saturating_sub(1),
            Key::Enter if send.focus == AMOUNT => send.focus = MEMO,
            Key::Enter => return self.plan_typed(now_ms),
            Key::Ctrl('p') => send.is_public = !send.is_public,
            key => {
                let focus = send.focus;
                if send.fields[focus].key(key) && focus == TO {
                    send.chosen = None;
                }
            }
        }
        Vec::new()
    }

    fn plan_typed(&mut self, now_ms: u64) -> Vec<Effect> {
        let send = &self.panes.send;
        let readers = match send.is_public {
            true => Readers::Everybody,
            false => Readers::PayeeAlone,
        };
        let to = suggest::payee_text(self, send.fields[TO].text());
        let memo = send.fields[MEMO].trimmed();
        let memo = (!memo.is_empty()).then_some(memo);
        let order = Order::transfer(&to, send.fields[AMOUNT].trimmed(), memo, readers);
        self.plan(order, now_ms)
    }

    /// A request's line says itself how much, and what for.
    fn plan_line(&mut self, now_ms: u64) -> Vec<Effect> {
        let line = dealings::message_of(self.panes.send.fields[TO].trimmed());
        let order = line.map(|message| Order::Request(Which::Line(Box::new(message))));
        self.plan(order, now_ms)
    }

    fn plan(&mut self, order: Result<Order, Failure>, now_ms: u64) -> Vec<Effect> {
        match order {
            Ok(order) => {
                self.panes.send.is_planning = true;
                vec![Effect::Plan(Box::new(order))]
            }
            Err(failure) => {
                self.panes.send.focus = match &*failure.code {
                    "amount_invalid" => AMOUNT,
                    "memo_too_long" => MEMO,
                    _ => TO,
                };
                self.say(failure, now_ms);
                Vec::new()
            }
        }
    }

    /// A plan is proven, or refused.
    pub(super) fn planned(&mut self, planned: Result<Box<Plan>, Failure>, now_ms: u64) {
        // Whoever has left the screen meanwhile does not want it any more.
        if !std::mem::take(&mut self.panes.send.is_planning) {
            return;
        }
        match planned {
            Ok(plan) => {
                let (grave, slight) = suggest::doubts(self, &plan);
                self.panes.send.review = Some(Review {
                    plan: *plan,
                    grave,
                    slight,
                    word: Field::default(),
                });
            }
            Err(failure) => self.say(failure, now_ms),
        }
    }

    fn review_key(&mut self, key: Key) -> Vec<Effect> {
        let Some(review) = &mut self.panes.send.review else {
            return Vec::new();
        };
        let must_say_so = !review.grave.is_empty();
        match key {
            Key::Esc => self.panes.send.review = None,
            Key::Char('n') if !must_say_so => self.panes.send.review = None,
            Key::Char('y') if !must_say_so => return self.pay(),
            Key::Enter if must_say_so && review.word.trimmed().eq_ignore_ascii_case("yes") => {
                return self.pay();
            }
            key if must_say_so => {
                review.word.key(key);
            }
            _ => {}
        }
        Vec::new()
    }

    fn pay(&mut self) -> Vec<Effect> {
        let Some(Review { plan, .. }) = self.panes.send.review.take() else {
            return Vec::new();
        };
        let key = self.next_key();
        let (amount, who) = match (&plan.operation, &plan.to_name) {
            (Operation::ClaimName { name }, _) => (None, format!("@{name}")),
            (Operation::Transfer { amount, .. }, Some(name)) => (Some(*amount), format!("@{name}")),
            (Operation::Transfer { amount, to, .. }, None) => (Some(*amount), to.short()),
            _ => (None, "a voucher".to_owned()),
        };
        self.moving.push(Moving {
            key,
            id: None,
            amount,
            who,
            memo: plan.note.reading().to_text(),
            text: "signing".to_owned(),
            end: None,
        });
        self.panes.send = Send::new(self.settings.public_memos);
        self.panes.home = 0;
        self.tab = Tab::Home;
        vec![Effect::Pay(key, Box::new(plan))]
    }
}
