//! `wallet voucher sheet`: cards to print and cut, ten on a page of A4.
//!
//! A card holds the code in letters, so that it survives a broken camera, and an invite as a QR code, so that it is of use to
//! somebody who has no wallet yet. SVG has no pages: each page is a file.

use std::path::{Path, PathBuf};

use super::{code_of, named};
use crate::chain::amount::Amount;
use crate::cli::arguments::VoucherSheet;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::picture::{self, Picture};
use crate::cli::qr::Qr;
use crate::cli::report::wallet::SheetWritten;
use crate::cli::wallet::till::{Till, with_till};
use crate::directory::invite::Invite;
use crate::directory::utc;
use crate::node::session::{OwnVoucher, VoucherState};
use crate::wallet::voucher::Code;

/// Millimetres of a page, of a card and of the edge.
const PAGE: (u32, u32) = (210, 297);
const CARD: (u32, u32) = (90, 55);
const EDGE: (u32, u32) = (15, 11);
const COLUMNS: usize = 2;
const ROWS: usize = 5;
/// More cards than anybody cuts.
const MAX_CARDS: usize = 1_000;

/// What stands on a card.
struct Card {
    network: String,
    amount: Amount,
    until: String,
    code: Code,
    invite: String,
}

/// `wallet voucher sheet`.
///
/// # Errors
/// If there is no such voucher, none can be claimed, or the file cannot be written.
pub async fn sheet(context: &Context, arguments: &VoucherSheet) -> Result<SheetWritten, Failure> {
    // Tried before anything is asked.
    drop(Picture::begin(&arguments.out, &picture::SHEET)?);
    let cards = with_till(context, async |till| cards(till, &arguments.vouchers).await).await?;
    let pages: Vec<&[Card]> = cards.chunks(COLUMNS * ROWS).collect();
    let mut files = Vec::new();
    for (number, page) in (1..).zip(pages) {
        let path = file_of(&arguments.out, number);
        Picture::begin(&path, &picture::SHEET)?.finish(&draw(page))?;
        files.push(path.display().to_string());
    }
    Ok(SheetWritten {
        status: "ok",
        cards: cards.len(),
        files,
    })
}

async fn cards(till: &mut Till, which: &[String]) -> Result<Vec<Card>, Failure> {
    let found = till.session.own_vouchers(till.vault.address()).await?;
    let network = till.session.network().await?.value;
    let chosen: Vec<&OwnVoucher> = match which.is_empty() {
        true => found.value.iter().collect(),
        false => which
            .iter()
            .map(|text| named(text, &found.value))
            .collect::<Result<_, _>>()?,
    };
    let bootstrap = till.session.bootstrap();
    let mut cards = Vec::new();
    for one in chosen {
        let (Some(code), VoucherState::Open(left)) = (code_of(till, one), one.state) else {
            continue;
        };
        let secret = code.clone().for_network(&bootstrap.genesis().hash())?;
        let invite = Invite::new(bootstrap, Some(*secret.as_bytes())).line();
        let amount = one.share.checked_sub(network.rules.fee);
        for _ in 0..left {
            cards.push(Card {
                network: bootstrap.network().to_owned(),
                amount: amount.unwrap_or(one.share),
                until: utc::format(one.until_ms).chars().take(10).collect(),
                code: code.clone(),
                invite: invite.clone(),
            });
        }
    }
    match cards.len() {
        0 => Err(Failure::new(
            Exit::Rejected,
            "voucher_unknown",
            "none of these vouchers can be claimed",
            "open one with `natcoin wallet voucher new AMOUNT`",
        )),
        many if many > MAX_CARDS => Err(Failure::new(
            Exit::Usage,
            "too_many_cards",
            format!("these would be {many} cards: at most {MAX_CARDS} are written at once"),
            "name fewer vouchers",
        )),
        _ => Ok(cards),
    }
}

/// The file of a page: `cards.svg`, `cards-2.svg`, ...
fn file_of(path: &Path, page: usize) -> PathBuf {
    if page == 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map_or_else(String::new, |ending| {
        format!(".{}", ending.to_string_lossy())
    });
    path.with_file_name(format!("{stem}-{page}{ending}"))
}

fn draw(cards: &[Card]) -> String {
    let (width, height) = PAGE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" fill=\"#111\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (number, card) in (0_u32..).zip(cards) {
        let columns = u32::try_from(COLUMNS).unwrap_or(1);
        let (column, row) = (number % columns, number / columns);
        let (x, y) = (EDGE.0 + column * CARD.0, EDGE.1 + row * CARD.1);
        svg.push_str(&draw_card(card, x, y));
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_card(card: &Card, x: u32, y: u32) -> String {
    let (width, height) = CARD;
    let mut part = format!(
        "<g transform=\"translate({x} {y})\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"#bbb\" stroke-width=\"0.2\" stroke-dasharray=\"1 1\"/>\n"
    );
    let mut text = |size: &str, x: u32, y: u32, weight: &str, words: &str| {
        part.push_str(&format!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" font-weight=\"{weight}\">{}</text>\n",
            escaped(words)
        ));
    };
    text("4", 4, 8, "normal", &card.network);
    text(
        "6.4",
        4,
        17,
        "bold",
        &format!("{} NAT", short(&card.amount)),
    );
    text(
        "2.6",
        4,
        23,
        "normal",
        &format!("until {} (UTC)", card.until),
    );
    text("2.6", 4, 29, "normal", "Scan it, or type");
    text("2.6", 4, 32, "normal", "natcoin wallet voucher claim");
    text("2.6", 4, 35, "normal", "and these letters:");
    let groups: Vec<String> = card
        .code
        .grouped()
        .split(' ')
        .map(ToOwned::to_owned)
        .collect();
    for (line, y) in groups.chunks(6).zip([41, 45]) {
        part.push_str(&format!(
            "<text x=\"4\" y=\"{y}\" font-size=\"3.2\" font-family=\"monospace\">{}</text>\n",
            escaped(&line.join(" "))
        ));
    }
    part.push_str("<text x=\"4\" y=\"51\" font-size=\"2.3\">Whoever has this card has the money: keep it like cash.</text>\n");
    if let Some(qr) = Qr::of(&card.invite) {
        // Thirty-four millimetres, in the upper right corner.
        let modules = u32::try_from(qr.modules()).unwrap_or(1);
        part.push_str(&format!(
            "<svg x=\"53\" y=\"2\" width=\"35\" height=\"35\" viewBox=\"0 0 {modules} {modules}\"><path fill=\"#000\" shape-rendering=\"crispEdges\" d=\"{}\"/></svg>\n",
            qr.path()
        ));
    }
    part.push_str("</g>\n");
    part
}

/// An amount without the zeros at its end: cards are for people.
fn short(amount: &Amount) -> String {
    let text = amount.to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::hash::Hash;
    use crate::directory::bootstrap::Bootstrap;
    use crate::wallet::voucher::VoucherSecret;

    fn card() -> Card {
        let secret = VoucherSecret::new([7; 16]);
        let bootstrap = Bootstrap::embedded();
        Card {
            network: "a<b".to_owned(),
            amount: Amount::from_nits(1_050_000_000),
            until: "2026-12-24".to_owned(),
            invite: Invite::new(&bootstrap, Some(*secret.as_bytes())).line(),
            code: Code::new(secret, &Hash([7; 32])),
        }
    }

    #[test]
    fn a_card_says_what_it_is_worth_and_has_the_code_in_letters_and_the_invite_as_a_picture() {
        let page = draw(&[card(), card(), card()]);
        assert!(
            page.contains("a&lt;b")
                && page.contains("10.5 NAT")
                && page.contains("until 2026-12-24")
        );
        let card = card();
        let letters = page.split("monospace\">").skip(1).take(2);
        let letters: Vec<&str> = letters
            .map(|part| part.split('<').next().unwrap())
            .collect();
        assert_eq!(Code::read(&letters.join(" ")), Ok(card.code));
        assert_eq!(page.matches("<path").count(), 3);
        assert!(page.contains("translate(15 11)") && page.contains("translate(105 11)"));
        assert!(page.contains("translate(15 66)"));
    }

    #[test]
    fn the_second_page_is_a_file_beside_the_first() {
        assert_eq!(
            file_of(Path::new("a/cards.svg"), 1),
            Path::new("a/cards.svg")
        );
        assert_eq!(
            file_of(Path::new("a/cards.svg"), 2),
            Path::new("a/cards-2.svg")
        );
        assert_eq!(file_of(Path::new("cards"), 3), Path::new("cards-3"));
    }
}
