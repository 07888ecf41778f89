//! `wallet dealings`: what this wallet knows, without asking anybody.

use crate::chain::amount::Amount;
use crate::chain::key::SecretKey;
use crate::chain::transaction::{Operation, SignedTransaction};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::online;
use crate::cli::report::wallet::{Asked, Dealings as DealingsReport, Spoken};
use crate::cli::wallet::reader;
use crate::directory::utc;
use crate::node::clock;
use crate::node::profile::ProfileError;
use crate::wallet::dealings::book::{self, Book, Course, End, Fate, State};
use crate::wallet::dealings::message::{Delivery, Word};
use crate::wallet::dealings::request::{Request, Wish};
use crate::wallet::memo;
use crate::wallet::vault::Vault;

/// `wallet dealings`.
///
/// # Errors
/// If the book cannot be read.
pub fn list(context: &Context) -> Result<DealingsReport, Failure> {
    let genesis = context.bootstrap()?.genesis().hash();
    let owner = online::own_address(context)?;
    let file = context
        .data_dir()?
        .dealings(&context.profile()?, &genesis)?;
    let book = match file.read()? {
        None => Book::new(genesis, owner),
        Some(bytes) => Book::restore(&bytes, &genesis, &owner).map_err(|source| {
            let path = file.path().to_owned();
            ProfileError::Dealings { path, source }
        })?,
    };
    // Nobody is asked for a password who has nothing to read with it.
    let is_empty = book.asked().is_empty()
        && book.received().is_empty()
        && book.incoming().is_empty()
        && book.outgoing().is_empty();
    let vault = match is_empty {
        true => None,
        false => reader(context),
    };
    Ok(of_book(&book, vault.as_ref().map(Vault::secret)))
}

/// What a book holds, the newest first.
pub fn of_book(book: &Book, secret: Option<&SecretKey>) -> DealingsReport {
    DealingsReport {
        status: "ok",
        received: book
            .received()
            .iter()
            .rev()
            .map(|one| received(one, secret))
            .collect(),
        asked: book
            .asked()
            .iter()
            .rev()
            .map(|one| asked(one, secret))
            .collect(),
        incoming: book
            .incoming()
            .iter()
            .rev()
            .map(|one| incoming(one, secret))
            .collect(),
        outgoing: book
            .outgoing()
            .iter()
            .rev()
            .map(|one| outgoing(one, secret))
            .collect(),
        untold: book.outbox().len(),
    }
}

fn wish(wish: &Wish, request: &Request, secret: Option<&SecretKey>) -> Asked {
    Asked {
        request: request.id(),
        state: "open",
        counterparty: None,
        amount: wish.amount,
        memo: request.read(secret).to_text(),
        until: utc::format(wish.expires_at_ms),
        payment: None,
        line: None,
    }
}

fn is_over(wish: &Wish) -> bool {
    wish.expires_at_ms <= clock::unix_ms()
}

fn received(one: &book::Received, secret: Option<&SecretKey>) -> Asked {
    let said = &one.request.wish;
    let (state, payment) = match one.course {
        Course::Open if is_over(said) => ("over", None),
        Course::Open => ("open", None),
        Course::Declined => ("declined", None),
        Course::Paying { payment } => ("being_paid", Some(payment)),
        Course::Paid { payment } => ("paid", Some(payment)),
    };
    Asked {
        state,
        payment,
        counterparty: Some(said.from),
        ..wish(said, &one.request, secret)
    }
}

fn asked(one: &book::Asked, secret: Option<&SecretKey>) -> Asked {
    let said = &one.request.wish;
    let (state, payment) = match one.fate {
        Fate::Open if is_over(said) => ("over", None),
        Fate::Open => ("open", None),
        Fate::Withdrawn => ("withdrawn", None),
        Fate::Paid { payment } => ("paid", Some(payment)),
    };
    Asked {
        state,
        payment,
        line: (state == "open").then(|| one.request.to_line()),
        counterparty: said.to,
        ..wish(said, &one.request, secret)
    }
}

/// How a payment to the owner stands.
pub(in crate::cli::wallet) fn state(state: &State) -> &'static str {
    match state {
        State::Announced => "announced",
        State::SignedNotFinal => "signed_not_final",
        State::Final { .. } => "final",
        State::Replaced { .. } => "replaced",
        State::Expired { .. } => "expired",
    }
}

fn incoming(one: &book::Incoming, secret: Option<&SecretKey>) -> Spoken {
    let thanks = one
        .thanks
        .as_ref()
        .map(|thanks| thanks.read(secret).to_text());
    let replaced_by = match &one.state {
        State::Replaced { proof } => Some(proof.transaction.id()),
        _ => None,
    };
    Spoken {
        state: state(&one.state),
        counterparty: one.payer(),
        thanks,
        replaced_by,
        ..spoken(&one.payment, secret)
    }
}

fn outgoing(one: &book::Outgoing, secret: Option<&SecretKey>) -> Spoken {
    let word = one.receipt.as_ref().map(|receipt| receipt.word);
    Spoken {
        state: match one.end {
            None => "waiting",
            Some(End::Final { .. }) => "final",
            Some(End::Failed) => "failed",
        },
        line: (one.end.is_none() && one.notice.delivery == Delivery::HandedOver)
            .then(|| one.notice.to_line()),
        receipt: word.map(|word| match word {
            Word::Heard => "heard",
            Word::Final { .. } => "final",
        }),
        thanks: one
            .thanks
            .as_ref()
            .map(|thanks| thanks.read(secret).to_text()),
        ..spoken(&one.notice.payment, secret)
    }
}

pub(super) fn spoken(payment: &SignedTransaction, secret: Option<&SecretKey>) -> Spoken {
    let paid = &payment.transaction;
    let amount = match &paid.operation {
        Operation::Transfer { amount, .. } => *amount,
        _ => Amount::ZERO,
    };
    Spoken {
        payment: payment.id(),
        state: "",
        counterparty: paid.payee().unwrap_or(paid.sender),
        amount,
        memo: memo::read(paid, secret).to_text(),
        receipt: None,
        thanks: None,
        replaced_by: None,
        line: None,
    }
}
