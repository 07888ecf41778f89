//! What keys and news lead to.

use super::*;
use crate::chain::transaction::Operation;
use crate::cli::failure::{Exit, Failure};
use crate::cli::report::payment::PaymentFinal;
use crate::cli::tui::core::Drawn;
use crate::cli::wallet::payment::{Order, Which};
use crate::node::session::{Intent, Recipient};
use zeroize::Zeroizing;

const WORDS: &str =
    "mercy skill guide nothing effort awkward flee glance position inch help rebuild";

fn drawn() -> Event {
    Event::Drawn(Drawn {
        words: Zeroizing::new(WORDS.to_owned()),
        asked: vec![1, 5, 8],
    })
}

fn network() -> Event {
    Event::Network(Ok(crate::cli::tui::core::NetworkSeen {
        network: "village".to_owned(),
        genesis: String::new(),
        resilience: String::new(),
        source: String::new(),
    }))
}

/// The first run, up to the words.
fn at_the_words(model: &mut Model) {
    press(model, Key::Char('n'));
    type_in(model, "net.toml");
    let effects = press(model, Key::Enter);
    assert!(matches!(&effects[..], [Effect::ReadNetwork(Some(file))] if file == "net.toml"));
    update(model, network(), NOW);
    press(model, Key::Enter);
    type_in(model, "ana");
    press(model, Key::Enter);
    for _ in 0..2 {
        type_in(model, "Zlatorog 99");
        let effects = press(model, Key::Enter);
        if let [Effect::Draw] = effects[..] {
            update(model, drawn(), NOW);
        }
    }
    assert!(screen(model).contains("mercy"));
}

#[test]
fn a_wallet_is_made_only_after_its_words_were_repeated() {
    let mut model = wizard();
    at_the_words(&mut model);
    press(&mut model, Key::Enter);
    type_in(&mut model, "nonsense");
    assert!(press(&mut model, Key::Enter).is_empty());
    assert!(screen(&model).contains("that is not word 2"));
    for word in ["skill", " AWKWARD "] {
        type_in(&mut model, word);
        assert!(press(&mut model, Key::Enter).is_empty());
    }
    type_in(&mut model, "position");
    let effects = press(&mut model, Key::Enter);
    let [Effect::Make(making)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(making.network.as_deref(), Some("net.toml"));
    assert_eq!(&**making.password, "Zlatorog 99");
    assert_eq!(making.wish, "ana".parse().ok());
    assert!(making.words.is_none());
    let text = screen(&model);
    assert!(
        !text.contains("mercy") && !text.contains("Zlatorog"),
        "{text}"
    );
}

#[test]
fn who_goes_back_from_the_words_gets_others() {
    let mut model = wizard();
    at_the_words(&mut model);
    press(&mut model, Key::Esc);
    assert!(!screen(&model).contains("mercy"));
    for _ in 0..2 {
        type_in(&mut model, "Zlatorog 99");
        let effects = press(&mut model, Key::Enter);
        assert!(effects.is_empty() || matches!(effects[..], [Effect::Draw]));
    }
}

#[test]
fn weak_passwords_and_wrong_words_lead_nowhere() {
    let mut model = wizard();
    press(&mut model, Key::Char('r'));
    press(&mut model, Key::Enter);
    update(&mut model, network(), NOW);
    press(&mut model, Key::Enter);
    type_in(&mut model, &WORDS.replace("rebuild", "mercy"));
    press(&mut model, Key::Enter);
    assert!(screen(&model).contains('!'), "{}", screen(&model));
    press(&mut model, Key::Ctrl('u'));
    let real = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
    type_in(&mut model, real);
    press(&mut model, Key::Enter);
    for (weak, why) in [
        ("short", "5 characters"),
        ("password12", "first guess"),
        ("aaaaaaaaaaaa", "weak"),
    ] {
        type_in(&mut model, weak);
        assert!(press(&mut model, Key::Enter).is_empty());
        let text = screen(&model);
        assert!(
            text.contains("A password") && text.contains(why),
            "{weak}: {text}"
        );
        press(&mut model, Key::Ctrl('u'));
    }
    type_in(&mut model, "Zlatorog 99");
    press(&mut model, Key::Enter);
    type_in(&mut model, "Zlatorog 98");
    press(&mut model, Key::Enter);
    assert!(screen(&model).contains("not the same"));
    for _ in 0..2 {
        type_in(&mut model, "Zlatorog 99");
        let effects = press(&mut model, Key::Enter);
        if let [Effect::Make(making)] = &effects[..] {
            assert_eq!(making.words.as_deref().map(|words| &**words), Some(real));
            return;
        }
    }
    panic!("the wallet is not made");
}

/// The form filled in, and its plan asked for.
fn ask_for_plan(model: &mut Model, to: &str, amount: &str, memo: &str) -> Vec<Effect> {
    press(model, Key::F(2));
    for text in [to, amount, memo] {
        type_in(model, text);
        let effects = press(model, Key::Enter);
        if !effects.is_empty() {
            return effects;
        }
    }
    Vec::new()
}

#[test]
fn nothing_is_paid_before_the_last_check_is_answered() {
    let mut model = open();
    let effects = ask_for_plan(&mut model, "@bob", "5", "hi");
    let [Effect::Plan(order)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let Order::Intent(Intent::Transfer { to, amount, .. }) = &**order else {
        panic!("{order:?}");
    };
    assert_eq!(to, &Recipient::Name("bob".parse().unwrap()));
    assert_eq!(*amount, nat(5));
    // Keys that come before the answer pay nothing.
    for key in [Key::Char('y'), Key::Enter] {
        assert!(press(&mut model, key).is_empty());
    }
    update(
        &mut model,
        Event::Planned(Ok(Box::new(plan(12, "bob", "hi")))),
        NOW,
    );
    let text = screen(&model);
    for told in [
        "Last check",
        "5.00000000 NAT",
        "@bob",
        &address(12).to_string(),
        "0.00001000 NAT",
        "5.00001000 NAT",
        "989.99999000",
        "only the payee can read it",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    for key in [Key::Enter, Key::Char('1'), Key::Char('q'), Key::Char(' ')] {
        assert!(press(&mut model, key).is_empty());
    }
    let effects = press(&mut model, Key::Char('y'));
    let [Effect::Pay(key, paid)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(**paid, plan(12, "bob", "hi"));
    update(
        &mut model,
        Event::Way(*key, Some(Hash([9; 32])), "2 nodes have it".to_owned()),
        NOW,
    );
    let text = screen(&model);
    assert!(
        text.contains("2 nodes have it") && text.contains("1 payment is on its way"),
        "{text}"
    );
    let done = PaymentFinal {
        status: "final",
        transaction: Hash([9; 32]),
        height: 13,
        latency_ms: 26,
        signed_by: 3,
        validators: 4,
        payee: None,
        what: "5.00000000 NAT to @bob".to_owned(),
    };
    let effects = update(&mut model, Event::Paid(*key, Ok(Box::new(done))), NOW);
    assert!(matches!(effects[..], [Effect::Ledger(_)]));
    assert!(screen(&model).contains("final after 26 ms: 5.00000000 NAT to @bob"));
    // The ledger has it: it stands once.
    let mut entries = past();
    entries.insert(0, entry(EntryKind::Sent, 9, "bob", "hi"));
    entries.pop();
    update(&mut model, ledger(entries, Vec::new()), NOW);
    let text = screen(&model);
    assert_eq!(text.matches("\"hi\"").count(), 1, "{text}");
}

#[test]
fn a_plan_that_was_left_is_not_asked_about() {
    let mut model = open();
    ask_for_plan(&mut model, "@bob", "5", "");
    press(&mut model, Key::Esc);
    update(
        &mut model,
        Event::Planned(Ok(Box::new(plan(12, "bob", "")))),
        NOW,
    );
    assert!(!screen(&model).contains("Last check"));
}

#[test]
fn a_name_that_looks_like_a_known_one_takes_a_word_to_be_paid() {
    let mut model = open();
    ask_for_plan(&mut model, "@rnarko", "5", "");
    update(
        &mut model,
        Event::Planned(Ok(Box::new(plan(40, "rnarko", "")))),
        NOW,
    );
    let text = screen(&model);
    assert!(text.contains("@rnarko looks like @marko"), "{text}");
    for key in [Key::Char('y'), Key::Enter] {
        assert!(press(&mut model, key).is_empty());
    }
    type_in(&mut model, "es");
    assert!(matches!(
        press(&mut model, Key::Enter)[..],
        [Effect::Pay(..)]
    ));
}

#[test]
fn a_contacts_name_that_leads_elsewhere_is_told() {
    let mut model = open();
    let effects = ask_for_plan(&mut model, "marko", "5", "");
    assert!(matches!(&effects[..], [Effect::Plan(order)]
        if matches!(&**order, Order::Intent(Intent::Transfer { to: Recipient::Name(name), .. }) if name.as_str() == "marko")));
    update(
        &mut model,
        Event::Planned(Ok(Box::new(plan(99, "marko", "")))),
        NOW,
    );
    let text = screen(&model);
    assert!(text.contains("leads to another account"), "{text}");
}

#[test]
fn names_are_completed_from_contacts_and_the_past() {
    let mut model = open();
    press(&mut model, Key::F(2));
    type_in(&mut model, "dairy");
    press(&mut model, Key::Down);
    press(&mut model, Key::Tab);
    assert!(screen(&model).contains(&address(21).to_string()));
    press(&mut model, Key::Esc);
    press(&mut model, Key::F(2));
    type_in(&mut model, "@al");
    assert!(screen(&model).contains("dealt with before"));
    press(&mut model, Key::Tab);
    type_in(&mut model, "1");
    assert!(screen(&model).contains("@alice"));
}

#[test]
fn what_is_refused_leads_back_to_its_line() {
    let mut model = open();
    assert!(ask_for_plan(&mut model, "@bob", "0", "").is_empty());
    let text = screen(&model);
    assert!(text.contains("the amount is zero; pay at least"), "{text}");
    press(&mut model, Key::Ctrl('u'));
    type_in(&mut model, "3");
    press(&mut model, Key::Enter);
    assert!(matches!(
        press(&mut model, Key::Enter)[..],
        [Effect::Plan(_)]
    ));
    let refused = Failure::new(
        Exit::Rejected,
        "name_unknown",
        "nobody is called @bob",
        "check the spelling",
    );
    update(&mut model, Event::Planned(Err(refused)), NOW);
    assert!(screen(&model).contains("nobody is called @bob; check the spelling"));
}

#[test]
fn who_asks_is_paid_after_the_same_check_or_declined() {
    let mut model = open();
    let effects = press(&mut model, Key::Char('p'));
    let number = Hash([5; 32]).to_string();
    assert!(matches!(&effects[..], [Effect::Plan(order)]
        if **order == Order::Request(Which::Number(number))));
    update(
        &mut model,
        Event::Planned(Ok(Box::new(plan(7, "", "dues")))),
        NOW,
    );
    assert!(screen(&model).contains("Last check"));
    let mut model = open();
    let effects = press(&mut model, Key::Char('d'));
    assert!(matches!(effects[..], [Effect::Decline(request)] if request == Hash([5; 32])));
}

#[test]
fn an_untouched_wallet_locks_but_not_while_it_pays() {
    let mut model = open();
    press(&mut model, Key::F(1));
    let limit = Settings::default().idle_lock_s * 1000;
    assert!(
        !update(&mut model, Event::Tick, NOW + limit - 1)
            .iter()
            .any(|one| matches!(one, Effect::Lock))
    );
    assert!(matches!(
        update(&mut model, Event::Tick, NOW + limit)[..],
        [Effect::Lock]
    ));
    let text = screen(&model);
    assert!(!text.contains("995") && text.contains("Password"), "{text}");
    // What the closing session still says is not listened to.
    assert!(update(&mut model, ledger(past(), Vec::new()), NOW + limit).is_empty());
    type_in(&mut model, "wrong");
    assert!(
        matches!(&press(&mut model, Key::Enter)[..], [Effect::Unlock(typed)] if &***typed == "wrong")
    );
    let wrong = Failure::new(
        Exit::Locked,
        "password_wrong",
        "wrong password",
        "try again",
    );
    update(&mut model, Event::Opened(Err(wrong)), NOW);
    assert!(screen(&model).contains("wrong password"));

    let mut model = open();
    ask_for_plan(&mut model, "@bob", "5", "");
    update(
        &mut model,
        Event::Planned(Ok(Box::new(plan(12, "bob", "")))),
        NOW,
    );
    press(&mut model, Key::Char('y'));
    let late = NOW + 2 * limit;
    assert!(
        !update(&mut model, Event::Tick, late)
            .iter()
            .any(|one| matches!(one, Effect::Lock))
    );
    let kept = Failure::paused(2, 4, 3).about(Hash([9; 32]));
    update(&mut model, Event::Paid(1, Err(kept)), late);
    assert!(matches!(
        update(&mut model, Event::Tick, late)[..],
        [Effect::Lock]
    ));
}

#[test]
fn a_payment_that_is_kept_stands_once_as_waiting() {
    let mut model = open();
    ask_for_plan(&mut model, "@bob", "5", "hi");
    update(
        &mut model,
        Event::Planned(Ok(Box::new(plan(12, "bob", "hi")))),
        NOW,
    );
    press(&mut model, Key::Char('y'));
    let kept = Failure::paused(2, 4, 3).about(Hash([13; 32]));
    update(&mut model, Event::Paid(1, Err(kept)), NOW);
    let mut waiting = entry(EntryKind::Sent, 13, "bob", "hi");
    waiting.height = 0;
    update(&mut model, ledger(past(), vec![waiting]), NOW);
    let text = screen(&model);
    assert_eq!(text.matches("\"hi\"").count(), 1, "{text}");
    assert!(text.contains("signed and kept"), "{text}");
}

#[test]
fn the_history_is_searched_and_written_to_a_file_that_is_named() {
    let mut model = open();
    press(&mut model, Key::F(5));
    press(&mut model, Key::Char('/'));
    type_in(&mut model, "honey");
    press(&mut model, Key::Enter);
    let text = screen(&model);
    assert!(
        text.contains("1 found") && !text.contains("@alice"),
        "{text}"
    );
    press(&mut model, Key::Esc);
    assert!(screen(&model).contains("@alice"));
    press(&mut model, Key::Char('e'));
    let effects = press(&mut model, Key::Enter);
    assert!(matches!(&effects[..], [Effect::Export(path)] if path == "natcoin-ana.csv"));
}

#[test]
fn contacts_are_proven_before_they_are_noted_and_removed_after_a_question() {
    let mut model = open();
    press(&mut model, Key::F(4));
    press(&mut model, Key::Char('a'));
    type_in(&mut model, "@carol");
    press(&mut model, Key::Enter);
    let effects = press(&mut model, Key::Enter);
    assert!(matches!(&effects[..], [Effect::Resolve(_)]), "{effects:?}");
    let found = (address(50), "carol".parse().ok());
    let effects = update(&mut model, Event::Resolved(Ok(found)), NOW);
    assert!(
        matches!(&effects[..], [Effect::KeepContacts(kept)] if kept.of(&address(50)).is_some())
    );
    press(&mut model, Key::Char('d'));
    assert!(press(&mut model, Key::Char('x')).is_empty());
    press(&mut model, Key::Char('d'));
    let effects = press(&mut model, Key::Char('y'));
    assert!(
        matches!(&effects[..], [Effect::KeepContacts(kept)] if kept.of(&address(50)).is_none())
    );
}

#[test]
fn a_wished_name_is_offered_once_there_are_coins() {
    let mut model = open();
    let Stage::Open(open) = &mut model.stage else {
        panic!("it is open");
    };
    open.settings.wished_name = Some("ana-novak".to_owned());
    assert_eq!(open.wish(), None, "it has a name");
    if let Some(balance) = &mut open.seen.balance {
        balance.name = None;
    }
    assert!(screen(&model).contains("n takes @ana-novak"));
    let effects = press(&mut model, Key::Char('n'));
    assert!(matches!(&effects[..], [Effect::Plan(order)]
        if matches!(&**order, Order::Intent(Intent::ClaimName(name)) if name.as_str() == "ana-novak")));
    let mut claim = plan(1, "", "");
    claim.operation = Operation::ClaimName {
        name: "ana-novak".parse().unwrap(),
    };
    update(&mut model, Event::Planned(Ok(Box::new(claim))), NOW);
    let text = screen(&model);
    assert!(
        text.contains("y take it") && text.contains("for good"),
        "{text}"
    );
}

#[test]
fn another_name_is_taken_in_the_settings_while_there_is_none() {
    let mut model = open();
    press(&mut model, Key::F(8));
    for _ in 0..3 {
        press(&mut model, Key::Down);
    }
    assert!(press(&mut model, Key::Enter).is_empty());
    assert!(screen(&model).contains("@ana"), "it has a name for good");
    let Stage::Open(open) = &mut model.stage else {
        panic!("it is open");
    };
    if let Some(balance) = &mut open.seen.balance {
        balance.name = None;
    }
    press(&mut model, Key::Enter);
    type_in(&mut model, "x1");
    assert!(press(&mut model, Key::Enter).is_empty());
    assert!(
        screen(&model).contains("3 to 32 are allowed"),
        "{}",
        screen(&model)
    );
    type_in(&mut model, "8");
    let effects = press(&mut model, Key::Enter);
    assert!(matches!(&effects[..], [Effect::Plan(order)]
        if matches!(&**order, Order::Intent(Intent::ClaimName(name)) if name.as_str() == "x18")));
}
