//! Watching goes on when the watched node dies, and misses nothing.

use natcoin::{
    chain::transaction::TransactionId,
    node::session::{Intent, Recipient, Session, Watch, WatchEvent},
    wallet::memo::Note,
};

use crate::common::{
    town::{Town, address, nat, person},
    wait::PATIENCE,
};

async fn pay_alice(town: &Town, session: &Session) -> TransactionId {
    let mut purse = town.purse("bob");
    let intent = Intent::Transfer {
        to: Recipient::Address(address(0)),
        amount: nat(1),
        note: Note::default(),
    };
    let plan = session.plan(&purse, address(1), intent).await.unwrap();
    let outcome = session
        .pay(&mut purse, &person(1), plan, &mut |_| {})
        .await
        .unwrap();
    assert!(!outcome.is_open(), "{:?}", outcome.payment);
    outcome.payment.id()
}

async fn until<T>(watch: &mut Watch, mut pick: impl FnMut(WatchEvent) -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = pick(watch.next().await.unwrap()) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("the event comes")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_the_watched_node_dies_is_told_once_and_in_order() {
    let mut town = Town::of(4).await;
    let (watcher, payer) = (town.session().await, town.session().await);
    let mut watch = watcher.watch(&[address(0)]);
    let connected = |event| match event {
        WatchEvent::Connected { node } => Some(node),
        _ => None,
    };
    let node = until(&mut watch, connected).await;
    let mut paid = vec![pay_alice(&town, &payer).await];
    let number = town
        .bootstrap
        .nodes()
        .iter()
        .position(|one| one.name == node)
        .unwrap();
    town.stop(number).await;
    paid.push(pay_alice(&town, &payer).await);
    paid.push(pay_alice(&town, &payer).await);
    let mut told = Vec::new();
    let mut height = 0;
    until(&mut watch, |event| {
        match event {
            WatchEvent::Activity(entry) => {
                assert!(entry.height >= height);
                height = entry.height;
                told.push(entry.transaction.id());
            }
            WatchEvent::Block(at) => assert!(at.height >= height),
            WatchEvent::Connected { .. } | WatchEvent::Disconnected => {}
        }
        (told.len() >= paid.len()).then_some(())
    })
    .await;
    assert_eq!(told, paid);
    // Questions go on as well.
    let account = watcher.account(address(0)).await.unwrap().value.unwrap();
    assert_eq!(account.balance, nat(1_003));
    let nodes = watcher.nodes().await;
    assert_eq!(nodes.iter().filter(|one| one.reachable).count(), 3);
    assert!(nodes[number].problem.is_some());
}
