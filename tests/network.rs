//! The network room, between real members over real sockets: hello, gossip, services, watches, and
//! what strangers cannot do.

mod common;

use std::collections::BTreeSet;

use common::{
    net::{Member, config, join, peer},
    wait::pace,
};
use natcoin::{
    behaviour::{Role, Service, Topic},
    node::network::{Event, NetworkConfig, Verdict},
};

/// Two validators that dial each other's way once.
async fn pair() -> (Member, Member) {
    let validators = BTreeSet::from([peer(1), peer(2)]);
    let first = NetworkConfig {
        validators: validators.clone(),
        ..config(1, Role::Validator)
    };
    let mut first = join(first).await;
    let second = NetworkConfig {
        validators,
        bootstrap: vec![first.entry()],
        ..config(2, Role::Validator)
    };
    let mut second = join(second).await;
    first.up(peer(2)).await;
    second.up(peer(1)).await;
    (first, second)
}

/// Publishes until the other one hears it: subscriptions take a moment after a peer is up.
async fn gossip_reaches(from: &Member, to: &mut Member, topic: Topic) {
    let handle = from.handle.clone();
    let publishing = tokio::spawn(async move {
        for n in 0u64.. {
            let data = [b"note ".as_slice(), &n.to_be_bytes()].concat();
            handle.publish(topic, data).await.unwrap();
            pace().await;
        }
    });
    let (id, source) = to
        .until("gossip", |event| match event {
            Event::Gossip {
                topic: heard,
                id,
                source,
                data,
            } if heard == topic => {
                assert!(data.starts_with(b"note "));
                Some((id, source))
            }
            _ => None,
        })
        .await;
    to.handle.report(id, source, Verdict::Accept).await.unwrap();
    publishing.abort();
}

#[tokio::test]
async fn two_nodes_greet_gossip_and_answer_each_other() {
    let (mut first, mut second) = pair().await;
    for topic in Topic::ALL {
        gossip_reaches(&first, &mut second, topic).await;
        gossip_reaches(&second, &mut first, topic).await;
    }
    for service in Service::ALL {
        let asker = second.handle.clone();
        let asking =
            tokio::spawn(async move { asker.request(peer(1), service, b"what?".to_vec()).await });
        let id = first
            .until("a request", |event| match event {
                Event::Request {
                    id,
                    peer: who,
                    service: asked,
                    data,
                } if asked == service => {
                    assert_eq!((who, data.as_slice()), (peer(2), b"what?".as_slice()));
                    Some(id)
                }
                _ => None,
            })
            .await;
        let answer = vec![7; service.caps().answer_bytes];
        first.handle.respond(id, Ok(answer.clone())).await.unwrap();
        assert_eq!(asking.await.unwrap(), Ok(answer));
    }
}
