//! The eyes of all wallets: every block fetched from a node and proven, and with it every payment in it.
//!
//! A node's watch tells of new headers; blocks are fetched by turns from all nodes through all connections. The light
//! client checks the certificate, and that the transactions root over all transactions is the header's: so each of them
//! is proven to be in the block, by one computation instead of a path for each. Blocks are taken in order and without a
//! gap, so that what is in none of them is proven to be in none.
//!
//! Never: tell of a payment that is not proven. Next: `drive.rs`, which is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::error::BenchError;
use super::links::Eye;
use super::load::Load;
use crate::behaviour::Service;
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::query::{Answer, BlockAnswer, BlockRecord, Certified};
use crate::node::clock;
use crate::node::network::WatchStream;
use crate::replica::wire::{BlocksReply, BlocksRequest, FinalBlock, WatchFrame, WatchRequest};
use crate::wallet::light::LightClient;

/// A watch that says nothing for so long is not waited for: a node may leave blocks out when many watch it.
const SILENCE: Duration = Duration::from_millis(500);
/// Where no connection may be asked now.
const REST: Duration = Duration::from_millis(2);
/// Blocks asked for at a time.
const BLOCKS: u32 = 16;

/// A block that was proven, with payments in it.
#[derive(Debug)]
pub struct ProvenBlock {
    /// When its proof had been checked.
    pub at: Instant,
    /// The payments.
    pub payments: Vec<usize>,
}

/// Follows the chain until the receiver is gone.
///
/// # Errors
/// [`BenchError::Unproven`].
pub async fn observe(
    load: Arc<Load>,
    eyes: Vec<Eye>,
    light: LightClient,
    told: mpsc::Sender<ProvenBlock>,
) -> Result<(), BenchError> {
    let mut observer = Observer {
        load,
        eyes,
        light,
        height: 0,
        next: 0,
    };
    let mut watch = None;
    while !told.is_closed() {
        let newest = match &mut watch {
            None => {
                watch = observer.watch().await;
                None
            }
            Some(frames) => match timeout(SILENCE, frames.next()).await {
                Ok(None) => {
                    watch = None;
                    continue;
                }
                Ok(Some(frame)) => Some(observer.header(&frame)?),
                Err(_) => None,
            },
        };
        if newest.is_none_or(|newest| newest > observer.height) {
            observer.follow(&told).await?;
        }
    }
    Ok(())
}

struct Observer {
    load: Arc<Load>,
    eyes: Vec<Eye>,
    light: LightClient,
    /// The last block taken.
    height: u64,
    next: usize,
}

impl Observer {
    async fn watch(&mut self) -> Option<WatchStream> {
        let eye = &self.eyes[self.next % self.eyes.len()];
        self.next += 1;
        let request = WatchRequest { addresses: vec![] };
        let opened = eye.handle.open_watch(eye.node, request.to_bytes()).await;
        if opened.is_err() {
            sleep(REST).await;
        }
        opened.ok()
    }

    /// The height of a pushed header.
    fn header(&mut self, frame: &[u8]) -> Result<u64, BenchError> {
        let frame =
            WatchFrame::from_bytes(frame).map_err(|error| BenchError::Unproven(error.into()))?;
        let proven = self.light.pushed(&frame.certified, []);
        Ok(proven.map_err(BenchError::Unproven)?.at.height)
    }

    /// Takes all blocks that a node has and we have not.
    async fn follow(&mut self, told: &mpsc::Sender<ProvenBlock>) -> Result<(), BenchError> {
        loop {
            let Some(reply) = self.ask().await else {
                return Ok(());
            };
            let (tip, before) = (reply.tip, self.height);
            for block in reply.blocks {
                if let Some(proven) = self.take(block)?
                    && told.send(proven).await.is_err()
                {
                    return Ok(());
                }
            }
            // A node that is behind the one that told of the block has nothing new: the next one is asked.
            if self.height >= tip && self.height > before {
                return Ok(());
            }
            if told.is_closed() || (self.height >= tip && self.height >= self.light.newest().height)
            {
                return Ok(());
            }
        }
    }

    async fn ask(&mut self) -> Option<BlocksReply> {
        let now = clock::now();
        let count = self.eyes.len();
        let mut places = (0..count).map(|step| (self.next + step) % count);
        let place = places.find(|place| self.eyes[*place].pace.take(now));
        let Some(place) = place else {
            sleep(REST).await;
            return None;
        };
        self.next = place + 1;
        let eye = &self.eyes[place];
        let request = BlocksRequest {
            from: self.height + 1,
            count: BLOCKS,
        };
        let asked = eye
            .handle
            .request(eye.node, Service::Blocks, request.to_bytes());
        // A node that has no answer now is asked again in its turn.
        BlocksReply::from_bytes(&asked.await.ok()?).ok()
    }

    /// Proves a block; none if it is known or has none of our payments.
    fn take(&mut self, block: FinalBlock) -> Result<Option<ProvenBlock>, BenchError> {
        let height = block.block.header.height;
        if height != self.height + 1 {
            return Ok(None);
        }
        let certified = Certified {
            header: block.block.header,
            certificate: block.certificate,
        };
        let answer = Answer::Block(BlockAnswer {
            certified,
            transactions: Some(block.block.transactions),
        });
        let proven = self.light.block(answer, height);
        let BlockRecord { transactions, .. } = proven.map_err(BenchError::Unproven)?.value;
        self.height = height;
        let at = clock::now();
        let transactions = transactions.unwrap_or_default();
        let payments: Vec<usize> = transactions
            .iter()
            .filter_map(|one| self.load.number_of(one))
            .collect();
        Ok((!payments.is_empty()).then_some(ProvenBlock { at, payments }))
    }
}
