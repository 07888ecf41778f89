//! Bytes that mean nothing, by every door.

use rand::RngExt as _;

use crate::behaviour::{Role, Service, Topic};
use crate::chain::testing::network;
use crate::replica::{Input, Tag};
use crate::sim::World;

#[test]
fn whatever_strangers_send_a_node_goes_on() {
    let mut world = World::town(4, 0, 90);
    let stranger = network::key(98).public();
    world.step(
        0,
        Input::PeerUp {
            peer: stranger,
            role: Role::Follower,
            height: u64::MAX,
        },
    );
    for number in 0..1500u64 {
        let length = world.random.random_range(0..200);
        let mut data: Vec<u8> = (0..length).map(|_| world.random.random()).collect();
        // Most counts and tags are small, so that more than the first byte is looked at.
        for byte in &mut data {
            if world.random.random_range(0..3) > 0 {
                *byte %= 4;
            }
        }
        let service = [
            Service::Submit,
            Service::Query,
            Service::Blocks,
            Service::Agreement,
        ][world.random.random_range(0..4)];
        let tag = match number % 2 {
            0 => Tag::Missing,
            _ => Tag::Blocks { from: number },
        };
        let from = stranger;
        let input = match number % 4 {
            0 => {
                let answer = world.put(0, service, data);
                assert!(answer.is_some());
                continue;
            }
            1 => Input::Reply {
                tag,
                from,
                data: Some(data),
            },
            2 => Input::WatchOpened {
                watch: number,
                data,
            },
            _ => {
                let topic = Topic::ALL[world.random.random_range(0..3)];
                world.hear(0, topic, data);
                continue;
            }
        };
        world.step(0, input);
    }
    let payment = world.payment(1, 0, 100, 2);
    world.pay_and_wait(0, &payment);
}
