//! How things of the chain look in JSON. Amounts are decimal text in NAT, times RFC 3339, hashes and bytes hexadecimal.

use serde_json::{Value, json};

use super::live::{Live, Summary};
use crate::chain::account::Account;
use crate::chain::block::Header;
use crate::chain::codec::Encode as _;
use crate::chain::hash::{Hash, hex};
use crate::chain::key::Address;
use crate::chain::query::{Anchor, Certified, Query};
use crate::chain::transaction::{Operation, Transaction};
use crate::chain::validator::ValidatorSet;
use crate::directory::bootstrap::Bootstrap;
use crate::directory::utc;
use crate::wallet::memo::{self, Reading};

/// The name of a node in the bootstrap file, by its account.
pub fn node_name(bootstrap: &Bootstrap, address: &Address) -> Option<String> {
    let node = bootstrap
        .nodes()
        .iter()
        .find(|node| node.key.address() == *address)?;
    Some(node.name.to_string())
}

/// The names, or addresses, of the validators at these places.
fn signers(places: &[u16], validators: &ValidatorSet, bootstrap: &Bootstrap) -> Vec<String> {
    let found = places
        .iter()
        .filter_map(|place| validators.get(usize::from(*place)));
    found
        .map(|validator| {
            let address = validator.address();
            node_name(bootstrap, &address).unwrap_or_else(|| address.to_string())
        })
        .collect()
}

/// A block, without what is in it.
pub fn summary(block: &Summary, validators: &ValidatorSet, bootstrap: &Bootstrap) -> Value {
    json!({
        "height": block.height,
        "hash": block.hash,
        "time": utc::format(block.time_ms),
        "time_ms": block.time_ms,
        "proposer": block.proposer,
        "proposer_node": node_name(bootstrap, &block.proposer),
        "round": block.round,
        "transactions": block.transactions,
        "signed_by": signers(&block.signed_by, validators, bootstrap),
        "validators": validators.count(),
    })
}

/// What stands in a header beyond its summary.
pub fn header(value: &mut Value, header: &Header) {
    value["version"] = header.version.into();
    value["genesis"] = json!(header.genesis);
    value["parent"] = json!(header.parent);
    value["transactions_root"] = json!(header.transactions_root);
    value["state_root"] = json!(header.state_root);
    value["next_validators"] = json!(header.next_validators);
}

/// A transaction. Names are those that are remembered.
pub fn transaction(transaction: &Transaction, live: &Live) -> Value {
    let sender = transaction.sender;
    let mut value = json!({
        "transaction": transaction.id(),
        "kind": "other",
        "sender": sender,
        "sender_name": live.name_of(&sender),
        "to": transaction.payee(),
        "to_name": transaction.payee().and_then(|to| live.name_of(&to)),
        "amount": null,
        "name": null,
        "memo": null,
        "memo_is_private": false,
        "fee": transaction.fee,
        "nonce": transaction.nonce,
        "valid_until": transaction.valid_until,
    });
    if let Operation::Transfer { amount, .. } = &transaction.operation {
        // The window has nobody's key.
        let reading = memo::read(transaction, None);
        value["kind"] = "payment".into();
        value["amount"] = json!(amount);
        value["memo_is_private"] = matches!(reading, Reading::Sealed).into();
        value["memo"] = reading.to_text().into();
    } else if let Operation::ClaimName { name } = &transaction.operation {
        value["kind"] = "name".into();
        value["name"] = json!(name);
    }
    value
}

/// Where a final transaction stands.
pub fn place(value: &mut Value, header: &Header, index: usize) {
    value["status"] = "final".into();
    value["height"] = header.height.into();
    value["block"] = json!(header.id());
    value["index"] = index.into();
    value["time"] = utc::format(header.time_ms).into();
    value["time_ms"] = header.time_ms.into();
}

/// An account; one that is not there has nothing.
pub fn account(address: &Address, account: Option<&Account>, height: u64) -> Value {
    let new = Account::new(address);
    let shown = account.unwrap_or(&new);
    json!({
        "address": address,
        "exists": account.is_some(),
        "name": shown.name,
        "balance": shown.balance,
        "nonce": shown.nonce,
        "activities": shown.activities,
        "key": hex(&shown.key.0),
        "activity_head": shown.head,
        "height": height,
    })
}

/// What proves an answer: the question and the answer as the query protocol has them, and in words what they rest on.
pub fn proof(
    query: &Query,
    answer: &[u8],
    anchor: Option<&Certified>,
    bootstrap: &Bootstrap,
) -> Value {
    json!({
        "format": "natcoin/query/1",
        "query": hex(&query.to_bytes()),
        "answer": hex(answer),
        "anchor": certified(anchor, bootstrap),
    })
}

fn certified(anchor: Option<&Certified>, bootstrap: &Bootstrap) -> Value {
    let validators = &bootstrap.genesis().validators;
    let Some(Certified {
        header,
        certificate,
    }) = anchor
    else {
        return json!({
            "height": 0, "block": Hash::ZERO, "state_root": null, "signed_by": [],
            "validators": validators.count(), "needed": validators.quorum_count(),
        });
    };
    let places: Vec<u16> = certificate
        .signatures
        .iter()
        .map(|one| one.validator)
        .collect();
    json!({
        "height": header.height,
        "block": header.id(),
        "state_root": header.state_root,
        "signed_by": signers(&places, validators, bootstrap),
        "validators": validators.count(),
        "needed": validators.quorum_count(),
    })
}

/// The certified header of an anchor, if it is one.
pub fn anchored(anchor: &Anchor) -> Option<&Certified> {
    match anchor {
        Anchor::Genesis => None,
        Anchor::Block(certified) => Some(certified),
    }
}

/// The height that an anchor is of.
pub fn height(anchor: &Anchor) -> u64 {
    anchored(anchor).map_or(0, |certified| certified.header.height)
}
