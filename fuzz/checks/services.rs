//! Requests and replies of every service: submit, query, blocks, agreement, watch.

use natcoin::chain::query::{Answer, Query};
use natcoin::chain::transaction::SignedTransaction;
use natcoin::replica::wire::{
    BlocksReply, BlocksRequest, MissingReply, MissingRequest, Submission, SubmitReplies,
    SubmitReply, WatchFrame, WatchRequest,
};

use super::form::canonical;

/// Holds of any bytes of a request or a reply.
pub fn check(bytes: &[u8]) {
    canonical::<SignedTransaction>(bytes);
    canonical::<SubmitReply>(bytes);
    canonical::<Submission>(bytes);
    canonical::<SubmitReplies>(bytes);
    canonical::<Query>(bytes);
    canonical::<Answer>(bytes);
    canonical::<BlocksRequest>(bytes);
    canonical::<BlocksReply>(bytes);
    canonical::<MissingRequest>(bytes);
    canonical::<MissingReply>(bytes);
    canonical::<WatchRequest>(bytes);
    canonical::<WatchFrame>(bytes);
}
