//! What is proven of a voucher.

use super::*;
use crate::chain::transaction::Operation;

#[test]
fn a_voucher_is_proven_as_it_is_and_nothing_else_is_believed_of_it() {
    let (mut node, trust, voucher) = (Node::new(), trust(), key(99).public());
    let open = Operation::OpenVoucher {
        voucher,
        share: nits(50),
        count: 2,
        until_ms: 1_000_000,
        memo: Default::default(),
    };
    node.append(vec![transaction(1, 3, open).sign(&key(1))]);
    let answer = VoucherAnswer::of(&node.ledger, node.anchor(), &voucher);
    assert_golden(
        "voucher_answer.txt",
        &format!("{}\n", hex(&Answer::Voucher(answer.clone()).to_bytes())),
    );
    let read = Answer::from_bytes(&Answer::Voucher(answer.clone()).to_bytes());
    assert_eq!(read, Ok(Answer::Voucher(answer.clone())));
    let found = answer
        .clone()
        .verify(&trust, &voucher)
        .unwrap()
        .value
        .unwrap();
    assert_eq!(
        (found.opener, found.left, found.locked()),
        (address(1), 2, nits(100))
    );
    let bends: [fn(&mut crate::chain::voucher::Voucher); 6] = [
        |one| one.left = 1,
        |one| one.share = nits(51),
        |one| one.until_ms += 1,
        |one| one.opener = address(2),
        |one| one.opening = Hash::ZERO,
        |one| one.claimed.push(address(2)),
    ];
    for bend in bends {
        let mut bent = answer.clone();
        bent.voucher.iter_mut().for_each(bend);
        assert!(matches!(
            bent.verify(&trust, &voucher),
            Err(AnswerError::Proof { .. })
        ));
    }
    let hidden = VoucherAnswer {
        voucher: None,
        ..answer.clone()
    };
    assert!(hidden.verify(&trust, &voucher).is_err());
    assert!(answer.verify(&trust, &key(98).public()).is_err());
}
