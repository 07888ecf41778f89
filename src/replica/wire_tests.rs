//! The bytes between nodes and wallets: frozen, read back, and never a reason to panic.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::chain::certificate::VoteKind;
use crate::chain::hash::{Hash, hex};
use crate::chain::key::Signature;
use crate::chain::testing::network::{
    address, assert_golden, certificate, context, genesis, pay, validator,
};
use crate::chain::testing::{any_block, any_certificate, any_path, any_signed_transaction};
use crate::consensus::message::Vote;

/// A block of the tests' network with two payments, and its certificate.
fn final_block() -> FinalBlock {
    let ledger = crate::chain::ledger::Ledger::from_genesis(&genesis());
    let candidates = [pay(1, 0, 100, 2), pay(2, 0, 50, 3)];
    let selection = ledger.select(&context(1), candidates).unwrap();
    let tip = crate::chain::ledger::Tip::genesis(&genesis());
    let block = Block {
        header: ledger.header(&tip, &context(1), &selection),
        transactions: selection.transactions,
    };
    let signers = [validator(0), validator(1), validator(2)];
    let certificate = certificate(&block.header, &signers);
    FinalBlock { block, certificate }
}

fn proposal(block: &Block) -> Proposal {
    Proposal {
        height: 1,
        round: 0,
        block: block.id(),
        pol_round: None,
        proposer: address(4),
        signature: Signature([5; 64]),
    }
}

fn vote() -> Vote {
    Vote {
        kind: VoteKind::Precommit,
        height: 1,
        round: 2,
        block: Some(Hash([6; 32])),
        voter: address(4),
        signature: Signature([7; 64]),
    }
}

/// Adds a line, and checks that its bytes are read back as themselves and refused when cut or longer.
fn freeze<T: Encode + Decode>(text: &mut String, label: &str, value: &T) {
    let bytes = value.to_bytes();
    let again = T::from_bytes(&bytes).unwrap_or_else(|error| panic!("{label}: {error}"));
    assert_eq!(again.to_bytes(), bytes, "{label}");
    for end in 0..bytes.len() {
        assert!(
            T::from_bytes(&bytes[..end]).is_err(),
            "{label} cut at {end}"
        );
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(T::from_bytes(&longer).is_err(), "{label} with a byte more");
    text.push_str(&format!("{label} {}\n", hex(&bytes)));
}

#[test]
fn what_nodes_and_wallets_say_is_frozen() {
    let found = final_block();
    let block = Arc::new(found.block.clone());
    let said = Said::Proposal(proposal(&block), block.clone());
    let message = Said::Message(Message::Vote(vote()));
    let mut text = String::new();
    let out = &mut text;
    freeze(out, "batch", &Batch(block.transactions.clone()));
    freeze(out, "said_vote", &message);
    freeze(out, "said_proposal", &said);
    let missing = MissingRequest {
        height: 9,
        round: 2,
    };
    freeze(out, "missing_request", &missing);
    let reply = MissingReply {
        tip: 8,
        said: vec![message.clone()],
    };
    freeze(out, "missing_reply", &reply);
    freeze(out, "blocks_request", &BlocksRequest { from: 5, count: 64 });
    let reply = BlocksReply {
        tip: 1,
        blocks: vec![found.clone()],
    };
    freeze(out, "final_block", &found);
    freeze(out, "blocks_reply", &reply);
    freeze(out, "submit_waiting", &SubmitReply::Waiting);
    freeze(out, "submit_final", &SubmitReply::Final { height: 77 });
    let rejected = SubmitReply::Rejected(Rejection::BadSignature);
    freeze(out, "submit_rejected", &rejected);
    let other = block.transactions[0].id();
    freeze(
        out,
        "submit_nonce_taken",
        &SubmitReply::NonceTaken { other },
    );
    freeze(out, "submit_busy", &SubmitReply::Busy);
    freeze(out, "submit_malformed", &SubmitReply::Malformed);
    let addresses = vec![address(1), address(2)];
    freeze(out, "watch_request", &WatchRequest { addresses });
    let leaves = block.leaves();
    let frame = WatchFrame {
        certified: Certified {
            header: block.header.clone(),
            certificate: found.certificate,
        },
        transactions: vec![PlacedTransaction {
            transaction: block.transactions[1].clone(),
            path: crate::chain::merkle::path(&leaves, 1).unwrap(),
        }],
    };
    freeze(out, "watch_frame", &frame);
    // Cut after a whole one they are shorter, and still good.
    let submission = Submission(block.transactions.clone()).to_bytes();
    text.push_str(&format!("submission {}\n", hex(&submission)));
    let replies = vec![SubmitReply::Waiting, SubmitReply::Final { height: 77 }];
    let replies = SubmitReplies(replies).to_bytes();
    text.push_str(&format!("submit_two {}\n", hex(&replies)));
    text.push_str(&format!("gossip_first {}\n", hex(&gossip(0, &message))));
    text.push_str(&format!(
        "gossip_again {}\n",
        hex(&gossip(0x0102_0304, &message))
    ));
    assert_golden("wire.txt", &text);
}

#[test]
fn one_transaction_alone_is_a_submission_and_so_is_its_answer() {
    let one = pay(1, 0, 100, 2);
    assert_eq!(Submission(vec![one.clone()]).to_bytes(), one.to_bytes());
    let reply = SubmitReply::Final { height: 7 };
    assert_eq!(
        SubmitReplies(vec![reply.clone()]).to_bytes(),
        reply.to_bytes()
    );
}

#[test]
fn the_longest_answers_to_the_most_transactions_fit() {
    let other = pay(1, 0, 100, 2).id();
    let longest = [
        SubmitReply::NonceTaken { other },
        SubmitReply::Rejected(Rejection::ForeignNetwork {
            given: other,
            expected: other,
        }),
    ];
    for reply in longest {
        let replies = SubmitReplies(vec![reply; MAX_SUBMISSION]).to_bytes();
        assert!(replies.len() <= Service::Submit.caps().answer_bytes);
    }
}

#[test]
fn counts_above_their_bounds_are_refused() {
    let many = vec![pay(1, 0, 100, 2); MAX_BATCH + 1];
    assert!(Batch::from_bytes(&Batch(many).to_bytes()).is_err());
    let many = vec![pay(1, 0, 100, 2); MAX_SUBMISSION + 1];
    assert!(Submission::from_bytes(&Submission(many.clone()).to_bytes()).is_err());
    assert!(Submission::from_bytes(&Submission(many[1..].to_vec()).to_bytes()).is_ok());
    assert!(Submission::from_bytes(&[]).is_err());
    let addresses = vec![address(1); MAX_WATCHED + 1];
    assert!(WatchRequest::from_bytes(&WatchRequest { addresses }.to_bytes()).is_err());
    let blocks = vec![final_block(); MAX_BLOCKS + 1];
    assert!(BlocksReply::from_bytes(&BlocksReply { tip: 1, blocks }.to_bytes()).is_err());
    let said = vec![Said::Message(Message::Vote(vote())); MAX_SAID + 1];
    assert!(MissingReply::from_bytes(&MissingReply { tip: 1, said }.to_bytes()).is_err());
    // A count without its elements is refused before anything is allocated for it.
    let boast = [vec![0; 8], u32::MAX.to_bytes()].concat();
    assert!(BlocksReply::from_bytes(&boast).is_err());
}

/// Whatever can be read is written back as it was.
fn is_canonical<T: Encode + Decode>(bytes: &[u8]) {
    if let Ok(value) = T::from_bytes(bytes) {
        assert_eq!(value.to_bytes(), bytes);
    }
}

fn all_are_canonical(bytes: &[u8]) {
    is_canonical::<Batch>(bytes);
    is_canonical::<Said>(bytes);
    is_canonical::<MissingRequest>(bytes);
    is_canonical::<MissingReply>(bytes);
    is_canonical::<BlocksRequest>(bytes);
    is_canonical::<BlocksReply>(bytes);
    is_canonical::<FinalBlock>(bytes);
    is_canonical::<Submission>(bytes);
    is_canonical::<SubmitReply>(bytes);
    is_canonical::<SubmitReplies>(bytes);
    is_canonical::<WatchRequest>(bytes);
    is_canonical::<WatchFrame>(bytes);
    let _ = from_gossip::<Batch>(bytes);
    let _ = from_gossip::<Said>(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        all_are_canonical(&bytes);
    }

    #[test]
    fn damaged_messages_never_panic(at in any::<usize>(), flip in 1u8.., which in 0usize..4) {
        let found = final_block();
        let block = Arc::new(found.block.clone());
        let mut bytes = match which {
            0 => Batch(block.transactions.clone()).to_bytes(),
            1 => Said::Proposal(proposal(&block), block).to_bytes(),
            2 => BlocksReply { tip: 4, blocks: vec![found.clone(), found] }.to_bytes(),
            _ => MissingReply { tip: 4, said: vec![Said::Message(Message::Vote(vote()))] }.to_bytes(),
        };
        let at = at % bytes.len();
        bytes[at] ^= flip;
        all_are_canonical(&bytes);
    }

    #[test]
    fn whatever_is_said_is_read_back(
        block in any_block(),
        certificate in any_certificate(),
        transaction in any_signed_transaction(),
        path in any_path(),
    ) {
        let header = block.header.clone();
        let found = FinalBlock { block, certificate: certificate.clone() };
        prop_assert_eq!(FinalBlock::from_bytes(&found.to_bytes()), Ok(found));
        let frame = WatchFrame {
            certified: Certified { header, certificate },
            transactions: vec![PlacedTransaction { transaction, path }],
        };
        prop_assert_eq!(WatchFrame::from_bytes(&frame.to_bytes()), Ok(frame));
    }
}
