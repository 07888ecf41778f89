//! What the mutations begin with: real encodings of each family, small, the same in each process.

use natcoin::behaviour::{Hello, HelloAnswer, Links, Refusal, Role};
use natcoin::chain::account::Account;
use natcoin::chain::certificate::VoteKind;
use natcoin::chain::codec::Encode;
use natcoin::chain::hash::Hash;
use natcoin::chain::key::Signature;
use natcoin::chain::query::{Answer, Query};
use natcoin::chain::rules::Rejection;
use natcoin::consensus::message::{
    Message, PolkaCertificate, PolkaSignature, Proposal, RoundCertificate, RoundSignature, Vote,
};
use natcoin::directory::bootstrap::{Bootstrap, EMBEDDED};
use natcoin::directory::invite::Invite;
use natcoin::replica::wire::{
    Batch, BlocksReply, BlocksRequest, FinalBlock, MissingReply, MissingRequest, Said, SubmitReply,
    WatchRequest, gossip,
};
use natcoin::wallet::journal::Journal;
use natcoin::wallet::payment::Payment;
use natcoin::wallet::receipt::Receipt;
use natcoin::wallet::vault::{KdfParams, Password, RecoveryWords, SealingRandom, Vault};
use natcoin::wallet::voucher::{Code, VoucherSecret};

use super::world::{VOUCHER, pay, person, validator, world};
use super::{dealings, directory, founding, logs, node};

/// A name and its bytes.
pub type Seed = (&'static str, Vec<u8>);

/// The seeds of a target.
pub fn of(target: &str) -> Vec<Seed> {
    match target {
        "gossip" => of_gossip(),
        "services" => of_services(),
        "speech" => of_speech(),
        "chain" => of_chain(),
        "answers" => of_answers(),
        "bootstrap" => of_bootstrap(),
        "wallet_files" => of_wallet_files(),
        "logs" => logs::seeds(),
        "node" => node::seeds(),
        "directory" => directory::seeds(),
        "dealings" => dealings::seeds(),
        "receipts" => of_receipts(),
        "founding" => founding::seeds(),
        _ => Vec::new(),
    }
}

fn vote(kind: VoteKind, block: Option<Hash>) -> Vote {
    Vote {
        kind,
        height: 4,
        round: 2,
        block,
        voter: validator(1).address(),
        signature: Signature([7; 64]),
    }
}

fn proposal() -> Proposal {
    Proposal {
        height: 1,
        round: 3,
        block: world().blocks[0].0.id(),
        pol_round: Some(2),
        proposer: validator(0).address(),
        signature: Signature([5; 64]),
    }
}

fn messages() -> Vec<Seed> {
    let (voter, signature) = (validator(2).address(), Signature([8; 64]));
    let polka = PolkaCertificate {
        height: 4,
        round: 1,
        block: Hash([6; 32]),
        signatures: vec![PolkaSignature { voter, signature }],
    };
    let round = RoundCertificate {
        height: 4,
        round: 1,
        is_precommit: true,
        signatures: vec![RoundSignature {
            kind: VoteKind::Precommit,
            block: None,
            voter,
            signature,
        }],
    };
    let all = [
        (
            "prevote",
            Message::Vote(vote(VoteKind::Prevote, Some(Hash([6; 32])))),
        ),
        (
            "precommit_nil",
            Message::Vote(vote(VoteKind::Precommit, None)),
        ),
        ("proposal", Message::Proposal(proposal())),
        ("polka", Message::Polka(polka)),
        ("round", Message::Round(round)),
    ];
    all.into_iter()
        .map(|(name, message)| (name, message.to_bytes()))
        .collect()
}

fn final_block(height: usize) -> FinalBlock {
    let (block, certificate) = world().blocks[height - 1].clone();
    FinalBlock { block, certificate }
}

fn said() -> [Said; 2] {
    let block = std::sync::Arc::new(world().blocks[0].0.clone());
    let message = Message::Vote(vote(VoteKind::Precommit, None));
    [Said::Message(message), Said::Proposal(proposal(), block)]
}

fn of_gossip() -> Vec<Seed> {
    let [message, proposed] = said();
    let batch = Batch(world().blocks[1].0.transactions.clone());
    let mut seeds = messages();
    seeds.extend([
        ("said_message", gossip(0, &message)),
        ("said_proposal", gossip(9, &proposed)),
        ("batch", gossip(0, &batch)),
    ]);
    seeds
}

fn of_services() -> Vec<Seed> {
    let world = world();
    let transaction = world.blocks[0].0.transactions[0].clone();
    let height = transaction.transaction.valid_until;
    let blocks = BlocksReply {
        tip: 3,
        blocks: vec![final_block(1), final_block(2)],
    };
    let missing = MissingReply {
        tip: 3,
        said: said().into(),
    };
    let addresses = vec![person(1).address(), person(2).address()];
    let other = transaction.id();
    let rejected = Rejection::Expired {
        valid_until: 50,
        height,
    };
    let mut seeds = vec![
        ("submit", transaction.to_bytes()),
        (
            "submit_two",
            [transaction.to_bytes(), transaction.to_bytes()].concat(),
        ),
        ("submit_waiting", SubmitReply::Waiting.to_bytes()),
        ("submit_final", SubmitReply::Final { height }.to_bytes()),
        (
            "submit_rejected",
            SubmitReply::Rejected(rejected).to_bytes(),
        ),
        (
            "submit_nonce_taken",
            SubmitReply::NonceTaken { other }.to_bytes(),
        ),
        (
            "blocks_request",
            BlocksRequest { from: 5, count: 64 }.to_bytes(),
        ),
        ("blocks_reply", blocks.to_bytes()),
        (
            "missing_request",
            MissingRequest { height, round: 2 }.to_bytes(),
        ),
        ("missing_reply", missing.to_bytes()),
        ("watch_request", WatchRequest { addresses }.to_bytes()),
        ("watch_frame", world.frame(2).to_bytes()),
    ];
    let names = [
        "query_status",
        "query_network",
        "query_account",
        "query_no_account",
        "query_name",
        "query_no_name",
        "query_transaction",
        "query_activities",
        "query_older",
        "query_no_activities",
        "query_block",
        "query_voucher",
        "query_no_voucher",
    ];
    let queries = world.queries();
    assert_eq!(names.len(), queries.len());
    seeds.extend(
        names
            .into_iter()
            .zip(queries)
            .map(|(name, query)| (name, query.to_bytes())),
    );
    seeds
}

fn of_speech() -> Vec<Seed> {
    let hello = Hello {
        genesis: world().genesis.hash().0,
        height: 3,
        role: Role::Validator,
        boot_nonce: 0x0102_0304,
        links: Links::Only,
        version: "natcoin/2.0.0".to_owned(),
    };
    let refused = Refusal::ForeignGenesis("another chain".to_owned());
    let framed = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).expect("a short frame");
        [&length.to_le_bytes(), bytes].concat()
    };
    vec![
        ("hello", hello.encode()),
        ("hello_framed", framed(&hello.encode())),
        ("welcome", HelloAnswer::Welcome(hello).encode()),
        ("refused", HelloAnswer::Refused(refused).encode()),
        ("stale", HelloAnswer::Refused(Refusal::Stale).encode()),
        ("watch_accepted", framed(&[0])),
        ("watch_declined", framed(&[1])),
        ("frame_with_a_great_length", vec![0, 0, 64, 0, 1, 2, 3]),
    ]
}

fn of_chain() -> Vec<Seed> {
    let world = world();
    let (block, certificate) = &world.blocks[1];
    let [claim, payment] = [&block.transactions[0], &block.transactions[1]];
    let ledger = world.ledger();
    let alice = person(1).address();
    let account: Account = ledger.account(&alice).expect("she is there");
    let leaves = block.leaves();
    let path = natcoin::chain::merkle::path(&leaves, 1).expect("there is such a leaf");
    let unknown = Rejection::UnknownSender { sender: alice };
    vec![
        ("payment", payment.to_bytes()),
        ("claim", claim.to_bytes()),
        ("unsigned", payment.transaction.to_bytes()),
        ("operation", payment.transaction.operation.to_bytes()),
        ("header", block.header.to_bytes()),
        ("block", block.to_bytes()),
        ("final_block", final_block(2).to_bytes()),
        ("certificate", certificate.to_bytes()),
        ("validators", world.genesis.validators.to_bytes()),
        ("rules", world.genesis.rules.to_bytes()),
        ("account", account.to_bytes()),
        ("path", path.to_bytes()),
        ("proof", ledger.prove_account(&alice).to_bytes()),
        (
            "proof_of_absence",
            ledger.prove_account(&person(77).address()).to_bytes(),
        ),
        ("open_voucher", world.blocks[2].0.transactions[1].to_bytes()),
        (
            "claim_voucher",
            world.blocks[2].0.transactions[2].to_bytes(),
        ),
        (
            "voucher",
            ledger
                .voucher(&person(VOUCHER).public())
                .expect("it is open")
                .to_bytes(),
        ),
        ("rejection", unknown.to_bytes()),
        ("key", validator(0).public().to_bytes()),
    ]
}

fn of_answers() -> Vec<Seed> {
    let world = world();
    let names = [
        "status",
        "network",
        "account",
        "no_account",
        "name",
        "no_name",
        "transaction",
        "activities",
        "older_activities",
        "no_activities",
        "block",
        "voucher",
        "no_voucher",
    ];
    let queries = world.queries();
    assert_eq!(names.len(), queries.len());
    let answers = queries.iter().map(|query| world.answer(query).to_bytes());
    let mut seeds: Vec<Seed> = names.into_iter().zip(answers).collect();
    seeds.extend([
        ("certified", world.certified(1).to_bytes()),
        ("watch_frame", world.frame(2).to_bytes()),
    ]);
    seeds
}

fn of_receipts() -> Vec<Seed> {
    let names = ["payment", "second_in_a_block", "name", "third_block"];
    let world = world();
    let all = world.transactions();
    let asked = [0, 1, 2, 5].map(|place| Query::Transaction(all[place].id()));
    let receipts = asked.iter().map(|query| match world.answer(query) {
        Answer::Transaction(answer) => Receipt::new(*answer).write().into_bytes(),
        other => panic!("a transaction is answered, not {other:?}"),
    });
    names.into_iter().zip(receipts).collect()
}

fn of_bootstrap() -> Vec<Seed> {
    let text = |text: &str| text.as_bytes().to_vec();
    let secret = VoucherSecret::new([7; 16]);
    let invite = Invite::new(&Bootstrap::embedded(), Some([7; 16]));
    let code = Code::new(secret, &Bootstrap::embedded().genesis().hash());
    vec![
        ("embedded", text(EMBEDDED)),
        ("written", Bootstrap::embedded().to_toml().into_bytes()),
        ("address", person(1).address().to_string().into_bytes()),
        ("amount", text("1234.00000001")),
        ("hash", world().genesis.hash().to_string().into_bytes()),
        ("name", text("alice-1")),
        ("time", text("2026-01-01T00:00:00Z")),
        ("quic", text("/ip4/127.0.0.1/udp/18000/quic-v1")),
        ("tcp", text("/dns/node.example/tcp/18000")),
        ("voucher_code", code.grouped().into_bytes()),
        ("invite", invite.line().into_bytes()),
    ]
}

fn of_wallet_files() -> Vec<Seed> {
    let words = RecoveryWords::from_entropy([1; 16]);
    let shown = words.words().join(" ");
    let password = Password::typed("a long enough password").expect("a short password");
    let random = SealingRandom {
        salt: [2; 16],
        nonce: [3; 24],
    };
    let vault = Vault::from_words(words);
    let sealed = vault.seal(&password, KdfParams::LIGHT, &random);
    let mut journal = Journal::new();
    let empty = journal.encode();
    let to_name = "bob".parse().ok();
    for payment in [
        Payment::new(pay(1, 0, 5, 2), to_name, 1_767_225_600_000),
        Payment::new(pay(1, 1, 6, 3), None, 1_767_225_600_001),
    ] {
        journal.record(payment).expect("room for two");
    }
    vec![
        ("keystore", sealed.expect("a lawful password")),
        ("journal", journal.encode()),
        ("journal_empty", empty),
        ("words", shown.into_bytes()),
    ]
}
