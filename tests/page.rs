//! The page in a real browser: what each shows, what comes by itself, phones, keyboards, and who cannot see it.
//!
//! Needs Chromium and its driver; elsewhere it says so and tries nothing, unless `CI` is set: there it must run. With
//! `NATCOIN_PICTURES=FOLDER` it leaves pictures of the pages there. See `docs/testing.md`.

mod common;
#[path = "page/driver.rs"]
mod driver;

use std::sync::{Mutex, MutexGuard, PoisonError};

use common::window::Shown;
use driver::Browser;
use serde_json::Value;

/// One browser at a time: they are large.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A network with a payment, a name and a hostile memo, all its pages, and a browser.
struct Visit {
    shown: Shown,
    browser: Browser,
    payment: String,
    hostile: String,
    _turn: MutexGuard<'static, ()>,
}

const HOSTILE: &str = "<img src=x onerror=alert(1)><script>alert(2)</script>";

impl Visit {
    fn begin() -> Option<Self> {
        if !driver::is_possible() {
            return None;
        }
        let turn = turn();
        let shown = Shown::start(4);
        let payment = shown.pay(0, 1, 1_250_000_000, "honey");
        let hostile = shown.pay(1, 2, 7, HOSTILE);
        Some(Self {
            browser: Browser::start(),
            shown,
            payment,
            hostile,
            _turn: turn,
        })
    }

    fn open(&self, path: &str) {
        self.browser
            .open(&format!("http://{}{path}", self.shown.at()));
    }

    /// Every page, and what it must say.
    fn pages(&self) -> Vec<(&'static str, String, Vec<String>)> {
        let account = self.shown.address(1);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        vec![
            (
                "overview",
                "/".to_owned(),
                words(&[
                    "Payments become final",
                    "4 of 4",
                    "@alice pays @bob",
                    "12.50 NAT",
                    "block 1",
                    "Verify this yourself",
                ]),
            ),
            (
                "blocks",
                "/blocks".to_owned(),
                words(&["Blocks", "block 1", "signed by 3 of 4"]),
            ),
            (
                "block",
                "/block/1".to_owned(),
                words(&[
                    "Block 1",
                    "final",
                    "Signed by",
                    "1 transaction",
                    "@alice pays @bob",
                ]),
            ),
            (
                "payments",
                "/payments".to_owned(),
                words(&["Payments", "“honey”", "@alice pays @bob"]),
            ),
            (
                "payment",
                format!("/payment/{}", self.payment),
                words(&[
                    "Payment",
                    "12.50",
                    "@alice",
                    "@bob",
                    "“honey”",
                    "block 1, place 1",
                    &self.payment,
                ]),
            ),
            (
                "account",
                format!("/account/{account}"),
                words(&[
                    "@bob",
                    &account,
                    "1,012.49999993",
                    "2, 1 of them signed",
                    "+12.50 NAT",
                    "−0.00000007 NAT",
                ]),
            ),
            (
                "names",
                "/names".to_owned(),
                words(&["Names", "@alice", "@bob", "@carol"]),
            ),
            (
                "name",
                "/name/alice".to_owned(),
                words(&["@alice", "taken, for good", "Belongs to", "987.50 NAT"]),
            ),
            (
                "free",
                "/name/nobody".to_owned(),
                words(&[
                    "@nobody",
                    "free",
                    "natcoin --bootstrap bootstrap.toml wallet name nobody",
                ]),
            ),
            (
                "nodes",
                "/nodes".to_owned(),
                words(&[
                    "4 of 4 voting nodes are up; 3 are needed",
                    "mangart",
                    "this node",
                    "triglav",
                    "direct",
                    "natcoin/2",
                ]),
            ),
            (
                "supply",
                "/supply".to_owned(),
                words(&["3,000.00 NAT", "the same", "Why it cannot change"]),
            ),
            (
                "search",
                "/search?q=bo".to_owned(),
                words(&["Search: bo", "Nothing is known here by that"]),
            ),
            (
                "docs",
                "/docs".to_owned(),
                words(&[
                    "/v1/status",
                    "POST /v1/transactions",
                    "Hand in a signed transaction",
                ]),
            ),
        ]
    }
}

#[test]
fn every_page_shows_what_is_there_with_no_error_and_asks_nobody_else() {
    let Some(visit) = Visit::begin() else { return };
    let browser = &visit.browser;
    let pictures = std::env::var_os("NATCOIN_PICTURES").map(std::path::PathBuf::from);
    for (name, path, words) in visit.pages() {
        visit.open(&path);
        for word in words {
            browser.until_says(&word);
        }
        let heading = browser.value("document.querySelectorAll('h1').length");
        assert_eq!(heading, 1, "{path}");
        if let Some(folder) = &pictures {
            for scheme in ["light", "dark"] {
                browser.prefers(scheme, "reduce");
                browser.picture(&folder.join(format!("{name}-{scheme}.png")));
                browser.screen(390, 844, true);
                browser.picture(&folder.join(format!("{name}-{scheme}-phone.png")));
                browser.command(
                    "Emulation.clearDeviceMetricsOverride",
                    &Value::Object(Default::default()),
                );
            }
        }
    }
    assert_eq!(browser.errors(), Vec::<String>::new());
    let own = format!("http://{}/", visit.shown.at());
    let requests = browser.requests();
    assert!(requests.len() > 50, "{requests:?}");
    for url in requests {
        assert!(url.starts_with(&own), "{url}");
    }
}

#[test]
fn what_is_not_there_is_told_with_the_next_step() {
    let Some(visit) = Visit::begin() else { return };
    for (path, words) in [
        ("/block/999999", "there is no block 999999 yet"),
        ("/payment/00", "not a hash"),
        ("/account/@nobody", "nobody is called @nobody"),
        ("/account/nat1wrong", "copy it whole, it begins with nat1"),
        ("/name/x", "write a name as @alice"),
    ] {
        visit.open(path);
        visit.browser.until_says(words);
    }
}

#[test]
fn text_from_the_chain_is_text_and_nothing_else() {
    let Some(visit) = Visit::begin() else { return };
    for path in [
        "/".to_owned(),
        format!("/payment/{}", visit.hostile),
        "/payments".to_owned(),
    ] {
        visit.open(&path);
        visit.browser.until_says(HOSTILE);
        let images = visit
            .browser
            .value("document.querySelectorAll('main img, main script').length");
        assert_eq!(images, 0, "{path}");
    }
    assert_eq!(visit.browser.errors(), Vec::<String>::new());
}

#[test]
fn news_come_by_themselves() {
    let Some(visit) = Visit::begin() else { return };
    let browser = &visit.browser;
    visit.open("/");
    browser.until("the stream is open", "performance.getEntriesByName(location.origin + '/v1/events').length > 0 || document.getElementById('network').textContent !== ''");
    browser.value("window.isSamePage = true");
    visit.shown.pay(0, 2, 300_000_000, "bread");
    browser.until_says("“bread”");
    browser.until_says("block 3");
    visit.open(&format!("/account/{}", visit.shown.address(2)));
    browser.until_says("1,003.00000007");
    visit.shown.pay(0, 2, 100_000_000, "butter");
    browser.until_says("“butter”");
    browser.until_says("1,004.00000007");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn a_pause_is_told_at_once_and_so_is_its_end() {
    let Some(mut visit) = Visit::begin() else {
        return;
    };
    visit.open("/");
    visit.browser.until_says("Payments become final");
    visit.shown.leave(2);
    visit.browser.until_says("Payments are paused");
    visit
        .browser
        .until_says("2 of 4 nodes are up, 3 are needed");
    visit.open("/nodes");
    visit.browser.until_says("not heard");
}

#[test]
fn a_page_whose_node_is_gone_says_so() {
    let Some(visit) = Visit::begin() else { return };
    visit.open("/");
    let Visit { shown, browser, .. } = visit;
    let Shown { window, .. } = shown;
    drop(window);
    browser.until(
        "it says that the node is gone",
        "!document.getElementById('lost').hidden",
    );
}

#[test]
fn the_search_finds_names_heights_addresses_and_payments() {
    let Some(visit) = Visit::begin() else { return };
    let browser = &visit.browser;
    let address = visit.shown.address(0);
    for (text, path) in [
        (
            "@bob".to_owned(),
            format!("/account/{}", visit.shown.address(1)),
        ),
        ("alice".to_owned(), format!("/account/{address}")),
        (address.clone(), format!("/account/{address}")),
        ("1".to_owned(), "/block/1".to_owned()),
        (visit.payment.clone(), format!("/payment/{}", visit.payment)),
        ("nothing-such".to_owned(), "/search".to_owned()),
    ] {
        visit.open("/nodes");
        // By keyboard alone.
        browser.press("/");
        browser.until(
            "the search box has the keyboard",
            "document.activeElement.id === 'q'",
        );
        browser.press(&text);
        browser.press("\u{e007}");
        let expected = serde_json::json!(path);
        browser.until(
            &format!("{text} leads to {path}"),
            &format!("location.pathname === {expected}"),
        );
        browser.until_shown();
    }
    browser.until_says("Nothing is known here by that");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn the_keyboard_reaches_everything_and_shows_where_it_is() {
    let Some(visit) = Visit::begin() else { return };
    let browser = &visit.browser;
    visit.open("/");
    browser.press("\u{e004}");
    browser.until("first comes the way to the content", "document.activeElement.className === 'skip' && document.activeElement.getBoundingClientRect().left >= 0");
    let names = "[...document.querySelectorAll('.top nav a')].findIndex((one) => one.textContent === 'Names')";
    let mut presses = 0;
    while browser.value("document.activeElement.textContent") != "Names" {
        browser.press("\u{e004}");
        presses += 1;
        assert!(presses < 20, "{}", browser.value(names));
    }
    let outline = browser.value("getComputedStyle(document.activeElement).outlineStyle");
    assert_eq!(outline, "solid");
    browser.press("\u{e007}");
    browser.until_says("Whoever takes a free name first");
    browser.until(
        "the heading is told to who cannot see it",
        "document.activeElement.tagName === 'H1'",
    );
    browser.value("history.back()");
    browser.until_says("Payments become final");
}

#[test]
fn a_phone_shows_every_page_without_scrolling_sideways() {
    let Some(visit) = Visit::begin() else { return };
    let browser = &visit.browser;
    for width in [320, 390, 768] {
        browser.screen(width, 700, true);
        for (_, path, words) in visit.pages() {
            visit.open(&path);
            browser.until_says(&words[0]);
            browser.value(
                "document.querySelectorAll('details').forEach((one) => { one.open = true; })",
            );
            let over = browser.value("document.documentElement.scrollWidth - window.innerWidth");
            assert!(over.as_i64().unwrap() <= 0, "{path} at {width}: {over}");
        }
    }
}

#[test]
fn nothing_moves_for_those_who_wish_so() {
    let Some(visit) = Visit::begin() else { return };
    for (motion, moves) in [("no-preference", true), ("reduce", false)] {
        visit.browser.prefers("light", motion);
        visit.open("/");
        let name = visit.browser.value(
            "(() => { const one = document.createElement('li'); one.className = 'fresh'; document.getElementById('blocks').append(one); return getComputedStyle(one).animationName; })()",
        );
        assert_eq!(name == "fresh", moves, "{motion}: {name}");
    }
}

#[test]
fn axe_finds_no_serious_fault_in_light_or_dark_on_desk_or_phone() {
    let Some(visit) = Visit::begin() else { return };
    let browser = &visit.browser;
    let axe = include_str!("page/axe/axe.min.js");
    let mut found = Vec::new();
    for (scheme, width) in [("light", 1200), ("dark", 390)] {
        browser.prefers(scheme, "reduce");
        browser.screen(width, 900, width < 700);
        for (name, path, words) in visit.pages() {
            visit.open(&path);
            browser.until_says(&words[0]);
            browser.value(
                "document.querySelectorAll('details').forEach((one) => { one.open = true; })",
            );
            // Through the driver: the page's own policy lets no such script in.
            browser.value(&format!("(() => {{ {axe}; return typeof axe; }})()"));
            let faults = browser.run(
                "const done = arguments[arguments.length - 1]; axe.run().then((all) => done({checked: all.passes.length, faults: all.violations.map((one) => [one.id, one.impact, one.nodes.map((node) => node.html + ' ' + (node.any[0]?.message || '')).slice(0, 3)])}), (error) => done({error: String(error)}));",
            );
            assert!(
                faults["checked"].as_u64().unwrap_or(0) > 10,
                "{path}: {faults}"
            );
            for fault in faults["faults"].as_array().unwrap() {
                found.push(format!("{name}, {scheme}: {fault}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
