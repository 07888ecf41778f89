//! Services: the request-response protocols, their sizes, and the codec they share.
//!
//! `/natcoin/<network>/{submit,query,blocks,agreement,directory,pay}/1`. A request is one frame of opaque bytes;
//! a reply is one frame whose first byte says whether it is an answer or a polite refusal. `directory/1/json` is for
//! programs that know nothing of this one: both sides write plain text and end their half of the stream behind it.
//!
//! Never: read what is inside a request. Next: [`super::limits`] for rates, [`super::frame`].

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use libp2p::{
    StreamProtocol,
    futures::{AsyncRead, AsyncWrite},
    request_response::{self, ProtocolSupport},
};

use super::{
    NetworkName,
    frame::{read_frame, read_text, write_frame, write_text},
    hello,
    limits::Rate,
};
use crate::directory::{exchange as directory, look_up};

/// What one token of the submit service stands for, in bytes: two payments, or one with a long memo.
const SUBMIT_TOKEN_BYTES: usize = 512;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A request-response protocol of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// A wallet hands in a transaction.
    Submit,
    /// A question about the chain, answered with a proof.
    Query,
    /// Ranges of blocks and certificates, for catching up.
    Blocks,
    /// Missing votes and proposals; validators only, both ways.
    Agreement,
    /// Cards of who is where, handed in and compared.
    Directory,
    /// The directory's look-up in JSON, also for peers that have said no hello.
    LookUp,
    /// What wallets say to each other about payments.
    Pay,
}

impl Service {
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; 7] = [
        Self::Submit,
        Self::Query,
        Self::Blocks,
        Self::Agreement,
        Self::Directory,
        Self::LookUp,
        Self::Pay,
    ];

    /// Position in tables by service.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Submit => 0,
            Self::Query => 1,
            Self::Blocks => 2,
            Self::Agreement => 3,
            Self::Directory => 4,
            Self::LookUp => 5,
            Self::Pay => 6,
        }
    }

    /// Sizes, in bytes.
    #[must_use]
    pub const fn caps(self) -> Caps {
        let (request_bytes, answer_bytes) = match self {
            // 256 transactions of the usual length, and as many answers.
            Self::Submit => (64 * KIB, 32 * KIB),
            Self::Query => (4 * KIB, 512 * KIB),
            Self::Blocks => (KIB, 4 * MIB),
            Self::Agreement => (4 * KIB, 2 * MIB),
            Self::Directory => (directory::MAX_REQUEST_BYTES, directory::MAX_ANSWER_BYTES),
            Self::LookUp => (look_up::MAX_REQUEST_BYTES, look_up::MAX_ANSWER_BYTES),
            // The longest message, and one byte (`wallet/dealings/message.rs`).
            Self::Pay => (520, 1),
        };
        Caps {
            request_bytes,
            answer_bytes,
        }
    }

    /// How often one peer may ask, and how many of its requests may be open at a time.
    ///
    /// Submit is wide because a load of payments may come through one wallet; the large answers
    /// are narrow, since what is open counts in memory.
    #[must_use]
    pub const fn rate(self) -> Rate {
        let (burst, per_second, open, open_total) = match self {
            Self::Submit => (2_000, 1_000, 128, 1_024),
            Self::Query => (400, 200, 32, 256),
            Self::Blocks => (64, 32, 4, 16),
            Self::Agreement => (200, 100, 16, 256),
            // A visit may bring 4,096 cards, 16 a request.
            Self::Directory => (512, 32, 4, 64),
            Self::LookUp => (20, 2, 2, 16),
            // Beside it the wallet's own, stricter meters count by account.
            Self::Pay => (64, 4, 4, 64),
        };
        Rate {
            burst,
            per_second,
            open,
            open_total,
        }
    }

    /// What a request of this size costs of the bucket. Who hands in many transactions at once pays for all of them.
    #[must_use]
    pub const fn cost(self, size_bytes: usize) -> u32 {
        match self {
            // As cast: no more than the cap's, which is far below.
            Self::Submit if size_bytes > 0 => size_bytes.div_ceil(SUBMIT_TOKEN_BYTES) as u32,
            // Nothing is free: a request without a byte is one, too.
            _ => 1,
        }
    }

    /// How long a request may take from asking to the answer's last byte.
    #[must_use]
    pub const fn deadline(self) -> Duration {
        match self {
            Self::Blocks => Duration::from_secs(10),
            Self::Submit
            | Self::Query
            | Self::Agreement
            | Self::Directory
            | Self::LookUp
            | Self::Pay => Duration::from_secs(5),
        }
    }

    /// The protocol's name.
    #[must_use]
    pub fn name(self, network: &NetworkName) -> String {
        match self {
            Self::LookUp => format!("/natcoin/{network}/directory/1/json"),
            _ => format!("/natcoin/{network}/{self}/1"),
        }
    }

    fn form(self) -> Form {
        match self {
            Self::LookUp => Form::Text,
            _ => Form::Frames,
        }
    }

    /// The behaviour that speaks this protocol, in the roles of asker, answerer or both.
    #[must_use]
    pub fn behaviour(
        self,
        network: &NetworkName,
        support: ProtocolSupport,
        malformed: &Malformed,
    ) -> Exchange {
        let codec = FrameCodec {
            caps: self.caps(),
            form: self.form(),
            malformed: malformed.clone(),
        };
        exchange(
            self.name(network),
            codec,
            support,
            self.deadline(),
            usize::from(self.rate().open),
        )
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Submit => "submit",
            Self::Query => "query",
            Self::Blocks => "blocks",
            Self::Agreement => "agreement",
            Self::Directory => "directory",
            Self::LookUp => "look-up",
            Self::Pay => "pay",
        })
    }
}

/// Size limits of one protocol, in bytes of payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Largest request.
    pub request_bytes: usize,
    /// Largest answer.
    pub answer_bytes: usize,
}

/// What comes back: an answer or a reason why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The application's bytes.
    Answer(Vec<u8>),
    /// Not served; the request had no effect.
    Declined(Declined),
}

/// Why a request was not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Declined {
    /// Too many requests from you, or too many at all: ask later, or ask another.
    Busy,
    /// Say hello first.
    NotGreeted,
    /// This service is not for you.
    NotAllowed,
    /// The application has nothing to say to this request.
    Unavailable,
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "the peer is busy: ask later or ask another",
            Self::NotGreeted => "the peer has not accepted our hello",
            Self::NotAllowed => "the peer serves this to validators only",
            Self::Unavailable => "the peer has no answer to this request",
        })
    }
}

impl Declined {
    pub(super) fn tag(self) -> u8 {
        match self {
            Self::Busy => 1,
            Self::NotGreeted => 2,
            Self::NotAllowed => 3,
            Self::Unavailable => 4,
        }
    }

    pub(super) fn from_tag(tag: u8) -> Option<Self> {
        match tag {
            1 => Some(Self::Busy),
            2 => Some(Self::NotGreeted),
            3 => Some(Self::NotAllowed),
            4 => Some(Self::Unavailable),
            _ => None,
        }
    }
}

/// A request-response behaviour over opaque frames.
pub type Exchange = request_response::Behaviour<FrameCodec>;

/// The hello exchange: both sides ask and answer.
#[must_use]
pub fn hello_exchange(network: &NetworkName, malformed: &Malformed) -> Exchange {
    let caps = Caps {
        request_bytes: hello::HELLO_MAX_BYTES,
        answer_bytes: hello::ANSWER_MAX_BYTES,
    };
    let codec = FrameCodec {
        caps,
        form: Form::Frames,
        malformed: malformed.clone(),
    };
    exchange(
        format!("/natcoin/{network}/hello/1"),
        codec,
        ProtocolSupport::Full,
        Duration::from_secs(4),
        8,
    )
}

fn exchange(
    name: String,
    codec: FrameCodec,
    support: ProtocolSupport,
    deadline: Duration,
    open: usize,
) -> Exchange {
    let protocol = StreamProtocol::try_from_owned(name).expect("the name begins with a slash");
    let config = request_response::Config::default()
        .with_request_timeout(deadline)
        // Streams count both directions; what exceeds the peer's share is declined above this.
        .with_max_concurrent_streams(open * 2 + 4);
    request_response::Behaviour::with_codec(codec, [(protocol, support)], config)
}

/// How a protocol parts what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Frames; a reply begins with its mark.
    Frames,
    /// Text up to the end of the stream, declined in words.
    Text,
}

/// Reads and writes requests and replies within a protocol's caps.
#[derive(Debug, Clone)]
pub struct FrameCodec {
    caps: Caps,
    form: Form,
    malformed: Malformed,
}

/// Counts requests that could not be read: too long, cut off, or never ending. The library reports
/// none of these, since nobody has seen the request yet.
#[derive(Debug, Clone, Default)]
pub struct Malformed(Arc<AtomicU64>);

impl Malformed {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts unless the reading came to a good end: errors and deadlines both drop it early.
struct Reading<'a> {
    malformed: &'a Malformed,
    unfinished: u64,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.malformed
            .0
            .fetch_add(self.unfinished, Ordering::Relaxed);
    }
}

/// Largest reply frame: the mark and the answer.
fn reply_cap(caps: Caps) -> usize {
    caps.answer_bytes + 1
}

impl request_response::Codec for FrameCodec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Reply;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut reading = Reading {
            malformed: &self.malformed,
            unfinished: 1,
        };
        let request = match self.form {
            Form::Frames => read_frame(io, self.caps.request_bytes).await?,
            Form::Text => read_text(io, self.caps.request_bytes).await?,
        };
        reading.unfinished = 0;
        Ok(request)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Reply>
    where
        T: AsyncRead + Unpin + Send,
    {
        if self.form == Form::Text {
            return Ok(Reply::Answer(read_text(io, self.caps.answer_bytes).await?));
        }
        let mut frame = read_frame(io, reply_cap(self.caps)).await?;
        match frame.first().copied() {
            Some(0) => {
                frame.remove(0);
                Ok(Reply::Answer(frame))
            }
            Some(tag) if frame.len() == 1 => Declined::from_tag(tag)
                .map(Reply::Declined)
                .ok_or_else(|| invalid("a reply with an unknown mark")),
            _ => Err(invalid("a reply without a mark")),
        }
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match self.form {
            Form::Frames => write_frame(io, &request, self.caps.request_bytes).await,
            Form::Text => write_text(io, &request, self.caps.request_bytes).await,
        }
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        reply: Reply,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        if self.form == Form::Text {
            let text = match reply {
                Reply::Answer(answer) => answer,
                Reply::Declined(reason) => look_up::declined(&reason.to_string()),
            };
            return write_text(io, &text, self.caps.answer_bytes).await;
        }
        let frame = match reply {
            Reply::Answer(mut answer) => {
                answer.insert(0, 0);
                answer
            }
            Reply::Declined(reason) => vec![reason.tag()],
        };
        write_frame(io, &frame, reply_cap(self.caps)).await
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use libp2p::futures::{executor::block_on, io::Cursor};
    use proptest::prelude::*;
    use request_response::Codec as _;

    use super::*;
    use crate::chain::testing::damage;

    #[test]
    fn no_request_is_free_and_many_payments_cost_as_many_tokens_as_they_fill() {
        for service in Service::ALL {
            assert_eq!([service.cost(0), service.cost(1)], [1, 1], "{service}");
        }
        assert_eq!(
            [512, 513, 64 * KIB].map(|bytes| Service::Submit.cost(bytes)),
            [1, 2, 128]
        );
        assert_eq!(Service::Query.cost(4 * KIB), 1);
        // What a request may hold can be paid for.
        let most = Service::Submit.cost(Service::Submit.caps().request_bytes);
        assert!(most <= Service::Submit.rate().burst);
    }

    fn codec() -> (FrameCodec, StreamProtocol) {
        let caps = Caps {
            request_bytes: 8,
            answer_bytes: 8,
        };
        let malformed = Malformed::default();
        let form = Form::Frames;
        let codec = FrameCodec {
            caps,
            form,
            malformed,
        };
        (codec, StreamProtocol::new("/x"))
    }

    #[test]
    fn replies_come_back_as_they_were_written() {
        let (mut codec, name) = codec();
        let replies = [
            Reply::Answer(vec![]),
            Reply::Answer(vec![9; 8]),
            Reply::Declined(Declined::Busy),
            Reply::Declined(Declined::NotGreeted),
            Reply::Declined(Declined::NotAllowed),
            Reply::Declined(Declined::Unavailable),
        ];
        for reply in replies {
            let mut out = Cursor::new(Vec::new());
            block_on(codec.write_response(&name, &mut out, reply.clone())).unwrap();
            let mut back = Cursor::new(out.into_inner());
            assert_eq!(
                block_on(codec.read_response(&name, &mut back)).unwrap(),
                reply
            );
        }
    }

    #[test]
    fn too_large_an_answer_or_request_is_not_sent() {
        let (mut codec, name) = codec();
        let mut out = Cursor::new(Vec::new());
        let answer = Reply::Answer(vec![0; 9]);
        assert!(block_on(codec.write_response(&name, &mut out, answer)).is_err());
        assert!(block_on(codec.write_request(&name, &mut out, vec![0; 9])).is_err());
        assert!(out.into_inner().is_empty());
    }

    #[test]
    fn a_reply_without_a_mark_or_with_an_unknown_one_is_refused() {
        let (mut codec, name) = codec();
        for frame in [
            vec![0, 0, 0, 0],
            vec![1, 0, 0, 0, 77],
            vec![2, 0, 0, 0, 1, 1],
        ] {
            let mut bytes = Cursor::new(frame);
            assert!(block_on(codec.read_response(&name, &mut bytes)).is_err());
        }
    }

    proptest! {
        #[test]
        fn damaged_requests_and_replies_are_refused_or_are_the_one_form_of_others(bytes in damage::bytes(frames())) {
            let (mut codec, name) = codec();
            let mut out = Cursor::new(Vec::new());
            if let Ok(request) = block_on(codec.read_request(&name, &mut Cursor::new(&bytes))) {
                block_on(codec.write_request(&name, &mut out, request)).unwrap();
                prop_assert!(bytes.starts_with(&out.into_inner()));
            }
            let mut out = Cursor::new(Vec::new());
            if let Ok(reply) = block_on(codec.read_response(&name, &mut Cursor::new(&bytes))) {
                block_on(codec.write_response(&name, &mut out, reply)).unwrap();
                prop_assert!(bytes.starts_with(&out.into_inner()));
            }
        }
    }

    fn frames() -> Vec<Vec<u8>> {
        vec![
            vec![8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
            vec![3, 0, 0, 0, 0, 7, 7],
            vec![1, 0, 0, 0, 2],
        ]
    }
}
