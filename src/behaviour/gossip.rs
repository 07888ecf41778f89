//! Gossip: gossipsub as this network uses it (rules 5 to 7 of `docs/decisions/networking.md`).
//!
//! Anonymous and validated: nothing is forwarded before the application has judged it. How dense the
//! mesh is depends on how many vote ([`super::mesh`]): four nodes could never meet the default of six
//! neighbours. Of the library's peer scores only one is used, that for breaking the mesh's own rules (grafting without
//! end): on quiet topics those for deliveries prune honest meshes.
//!
//! Never: carry liveness alone; agreement asks again for what it misses by request-response.
//! Next: [`super::topics`]. Specification: libp2p/specs, pubsub/gossipsub, v1.2.

use std::time::Duration;

use libp2p::gossipsub::{
    Behaviour, ConfigBuilder, IdentityTransform, MaxCountSubscriptionFilter, MessageAuthenticity,
    PeerScoreParams, PeerScoreThresholds, ValidationMode, WhitelistSubscriptionFilter,
};

use super::mesh::{self, Mesh};
use super::{BehaviourError, NetworkName, topics::Topic, topics::message_id};

/// The largest gossip transmission of any topic, in bytes: a full proposal in its envelope.
pub const MAX_TRANSMIT_BYTES: usize = 2 * 1024 * 1024;

/// Votes are stale long before this; a queue that waits longer only delays what is fresh.
const PUBLISH_QUEUE: Duration = Duration::from_secs(3);
/// Messages waiting for one peer. Counted, not weighed: with proposals rare and batches of at most
/// 256 KiB this bounds a stalled peer's queue, which the time limits above empty anyway.
const QUEUE_MESSAGES: usize = 1024;
/// Announcing more topics than exist is abuse; a reconnect may announce each twice.
const SUBSCRIPTIONS_A_REQUEST: usize = 16;

/// Breaches of the mesh's rules that are forgiven; a tenth of them is forgotten each second. What was told of and did
/// not come counts as such, at most [`mesh::MAX_TOLD_IDS`] at each heartbeat: ten times that, for ever, and half as much
/// again when heartbeats are late.
const BREACHES_FORGIVEN: f64 = 1_000.0;
/// What a second leaves of the breaches.
const BREACHES_KEPT: f64 = 0.9;
/// The score of whoever has committed 32 more. What it sends is no longer looked at.
pub const BREACHER: f64 = -1_000.0;
/// How long a score outlives its connections.
const SCORE_KEPT: Duration = Duration::from_secs(60);

/// The filter: only our topics, and few of them at a time.
pub type Filter = MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>;
/// Gossipsub with our filter.
pub type Gossip = Behaviour<IdentityTransform, Filter>;

/// Builds the behaviour, subscribed to every topic of `network`, in which so many vote.
///
/// # Errors
/// [`BehaviourError::Gossip`] if the library refuses the configuration.
pub fn gossip(network: &NetworkName, validators: usize) -> Result<Gossip, BehaviourError> {
    let refused = |reason: String| BehaviourError::Gossip { reason };
    let numbers = Mesh::of(validators);
    let mut config = ConfigBuilder::default();
    config
        .validate_messages()
        .validation_mode(ValidationMode::Anonymous)
        .message_id_fn(message_id)
        .max_transmit_size(MAX_TRANSMIT_BYTES)
        .mesh_n_low(numbers.low)
        .mesh_n(numbers.wanted)
        .mesh_n_high(numbers.high)
        .mesh_outbound_min(1)
        .gossip_lazy(numbers.told)
        .gossip_factor(f64::from(numbers.told_percent) / 100.0)
        .flood_publish(true)
        .heartbeat_interval(mesh::HEARTBEAT)
        .heartbeat_initial_delay(mesh::FIRST_HEARTBEAT)
        .history_length(mesh::HISTORY)
        .history_gossip(mesh::HISTORY_TOLD)
        .max_control_messages_sent(mesh::MAX_TOLD_IDS)
        .max_control_message_size(mesh::MAX_CONTROL_BYTES)
        .idontwant_message_size_threshold(mesh::LARGE_BYTES)
        .duplicate_cache_time(mesh::KNOWN)
        .publish_queue_duration(PUBLISH_QUEUE)
        .forward_queue_duration(Duration::from_secs(1))
        .connection_handler_queue_len(QUEUE_MESSAGES);
    for topic in Topic::ALL {
        // The limit on the wire counts the envelope too: topic name and field marks.
        let envelope = topic.name(network).len() + 64;
        config
            .max_transmit_size_for_topic(topic.max_bytes() + envelope, topic.ident(network).hash());
    }
    let config = config.build().map_err(|e| refused(e.to_string()))?;
    let whitelist = Topic::ALL.map(|topic| topic.ident(network).hash());
    let filter = MaxCountSubscriptionFilter {
        filter: WhitelistSubscriptionFilter(whitelist.into()),
        max_subscribed_topics: Topic::ALL.len(),
        max_subscriptions_per_request: SUBSCRIPTIONS_A_REQUEST,
    };
    let mut gossip =
        Behaviour::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)
            .map_err(|e| refused(e.to_string()))?;
    gossip
        .with_peer_score(scores(), thresholds())
        .map_err(refused)?;
    for topic in Topic::ALL {
        gossip
            .subscribe(&topic.ident(network))
            .map_err(|e| refused(e.to_string()))?;
    }
    Ok(gossip)
}

fn scores() -> PeerScoreParams {
    PeerScoreParams {
        behaviour_penalty_weight: -1.0,
        behaviour_penalty_threshold: BREACHES_FORGIVEN,
        behaviour_penalty_decay: BREACHES_KEPT,
        retain_score: SCORE_KEPT,
        // A school has many peers behind one address; slow ones are cut off by their queues.
        ip_colocation_factor_weight: 0.0,
        slow_peer_weight: 0.0,
        app_specific_weight: 0.0,
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: BREACHER,
        publish_threshold: BREACHER,
        graylist_threshold: BREACHER,
        ..PeerScoreThresholds::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::gossipsub::IdentTopic;

    #[test]
    fn only_the_networks_own_topics_may_be_subscribed_to() {
        let mut gossip = gossip(&"home".parse().unwrap(), 4).unwrap();
        assert!(
            gossip
                .subscribe(&IdentTopic::new("/natcoin/away/votes/1"))
                .is_err()
        );
        assert!(gossip.subscribe(&IdentTopic::new("anything")).is_err());
        assert_eq!(gossip.topics().count(), Topic::ALL.len());
    }
}
