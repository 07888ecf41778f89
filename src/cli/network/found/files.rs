//! A founding by files, for those who cannot meet in a room: cards, a draft, signatures, the signed file.
//!
//! Nobody checks addresses and clocks here, nothing is rehearsed, and who compares the words compares twelve of them,
//! since a cheat has all the time he wants. The last step is also how a founding in a room is finished that was cut off.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{addresses, end, node_name, rules, spoken};
use crate::cli::arguments::NetworkFound;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::network::new_key;
use crate::cli::prompt;
use crate::cli::report::network::{CardMade, DraftMade, NodeLine, SignatureMade};
use crate::cli::report::resilience;
use crate::cli::report::wallet::numbered;
use crate::directory::bootstrap::{Bootstrap, FoundersSignature, Node};
use crate::directory::founding::words::{Words, plan_hash};
use crate::directory::peer;
use crate::node::home::{
    self, Pending, listen_address, node_name as mountain, parse_signature, read_small,
    signature_text, write_once,
};

/// Who a node is, as its operator sends it to whoever assembles the draft.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    /// `natcoin-founder/1`.
    format: String,
    name: String,
    peer_id: String,
    addresses: Vec<String>,
}

const FORMAT: &str = "natcoin-founder/1";

/// Makes a key that waits for its network, and its card.
pub(super) fn export(
    context: &Context,
    arguments: &NetworkFound,
    home: &Path,
    card: &Path,
) -> Result<(), Failure> {
    let addresses = addresses(arguments)?;
    let name = node_name(arguments)?.unwrap_or_else(|| mountain(0));
    let key = new_key();
    let node = Node::new(name.clone(), key.public(), addresses).ok_or_else(end::vanished)?;
    let listen = node.addresses.iter().map(listen_address).collect();
    Pending::check_free(home)?;
    let line = NodeLine::from(&node);
    let text = Card {
        format: FORMAT.to_owned(),
        name: line.name.clone(),
        peer_id: line.peer_id.clone(),
        addresses: line.addresses.clone(),
    };
    let text = serde_json::to_string_pretty(&text).map_err(|_| end::vanished())?;
    // Order: the card last; one that is there has a key behind it.
    let pending = Pending::create(home, name, listen, key, None)?;
    if let Err(error) = write_once(card, &format!("{text}\n")) {
        pending.discard()?;
        return Err(error.into());
    }
    context.output.report(&CardMade {
        status: "ok",
        card: card.to_owned(),
        pending: pending.folder().to_owned(),
        line,
    })
}

/// Makes the draft of all cards.
pub(super) fn assemble(context: &Context, arguments: &NetworkFound) -> Result<(), Failure> {
    let out = out(arguments)?;
    let cards = arguments.files.assemble.iter().map(|path| read_card(path));
    let nodes = cards.collect::<Result<Vec<_>, _>>()?;
    let beginning = rules::ask(context, &arguments.rules)?;
    let draft = Bootstrap::new(beginning, nodes)?;
    let text = draft.to_toml();
    write_once(out, &text)?;
    context.output.report(&DraftMade {
        status: "ok",
        draft: out.to_owned(),
        network: draft.network().to_owned(),
        genesis: draft.genesis().hash(),
        words: spoken(&Words::of_draft(&plan_hash(&text))),
        resilience: resilience(&draft.genesis().validators),
    })
}

/// Signs a draft whose words the operator has compared.
pub(super) fn sign(
    context: &Context,
    arguments: &NetworkFound,
    home: &Path,
    draft: &Path,
) -> Result<(), Failure> {
    let out = out(arguments)?;
    let pending = Pending::load(home)?;
    let draft = home::read_bootstrap(draft)?;
    let words = spoken(&Words::of_draft(&plan_hash(&draft.to_toml())));
    let given = arguments.words.as_ref();
    match given.map(|text| text.split_whitespace().eq(words.iter().copied())) {
        Some(true) => {}
        Some(false) => return Err(other_words(&words)),
        None => prompt::confirm(
            context,
            &format!(
                "The draft's words are\n\n{}\n\nHave all read you the same, and is this the network that you want?",
                numbered(&words)
            ),
        )?,
    }
    let signed = pending.sign(&draft)?;
    write_once(out, &signature_text(&signed))?;
    context.output.report(&SignatureMade {
        status: "ok",
        signature: out.to_owned(),
        name: signed.node.to_string(),
        genesis: draft.genesis().hash(),
    })
}

fn other_words(words: &[&str]) -> Failure {
    Failure::new(
        Exit::Rejected,
        "words_refused",
        format!(
            "the draft's words are {:?}, not those given",
            words.join(" ")
        ),
        "nothing was signed; ask whoever assembled it for the draft again",
    )
}

/// Writes the home by a signed file, or by a draft and everybody's signatures.
pub(super) fn finish(
    context: &Context,
    arguments: &NetworkFound,
    home: &Path,
) -> Result<(), Failure> {
    let (first, rest) = arguments
        .files
        .finish
        .split_first()
        .ok_or_else(end::vanished)?;
    let file = home::read_bootstrap(first)?;
    let signatures = rest.iter().map(|path| read_signature(path));
    let signatures: Vec<FoundersSignature> = signatures.collect::<Result<_, _>>()?;
    let signed = match signatures.is_empty() {
        true => file,
        false => file.signed(signatures)?,
    };
    let home = Pending::load(home)?.finish(&signed)?;
    context.output.report(&end::founded(&home, &[]))
}

/// Takes away what waits, after a question.
pub(super) fn forget(context: &Context, home: &Path) -> Result<(), Failure> {
    let pending = Pending::load(home)?;
    let folder = pending.folder().display().to_string();
    prompt::confirm(
        context,
        &format!(
            "The key of {} in {folder} is lost for ever then. Has nobody a network that counts on it?",
            pending.name()
        ),
    )?;
    pending.discard()?;
    context.output.show(&format!("{folder} is gone"));
    Ok(())
}

fn out(arguments: &NetworkFound) -> Result<&Path, Failure> {
    arguments.files.out.as_deref().ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "out_missing",
            "no file was named to write to",
            "name it with --out",
        )
    })
}

fn read_card(path: &Path) -> Result<Node, Failure> {
    let refused = |why: String| {
        Failure::new(
            Exit::Usage,
            "card_invalid",
            format!("{} is not a founder's card: {why}", path.display()),
            "ask its operator for the file that --export wrote",
        )
    };
    let card: Card =
        serde_json::from_str(&read_small(path)?).map_err(|e| refused(e.to_string()))?;
    if card.format != FORMAT {
        return Err(refused(format!("its format is {:?}", card.format)));
    }
    let key =
        peer::parse(&card.peer_id).ok_or_else(|| refused("its peer id is none".to_owned()))?;
    let id = peer::peer_id(&key).ok_or_else(|| refused("its peer id is none".to_owned()))?;
    let addresses = card.addresses.iter();
    let addresses = addresses
        .map(|text| crate::directory::address::parse_dialable(text, &id))
        .collect::<Result<_, _>>()?;
    let node = Node::new(card.name.parse()?, key, addresses);
    node.ok_or_else(|| refused("its key is none".to_owned()))
}

fn read_signature(path: &Path) -> Result<FoundersSignature, Failure> {
    parse_signature(&read_small(path)?).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "signature_invalid",
            format!("{} is not a founder's signature", path.display()),
            "ask its operator for the file that --sign wrote",
        )
    })
}
