//! Frames: a length and that many bytes, the one shape all our streams share.
//!
//! Wire form: `u32` little-endian length, then the bytes. The length is a stranger's claim: it is held
//! against the protocol's cap first, and memory is taken only as bytes really arrive, a chunk at a
//! time. Deadlines belong to the caller (request-response's timeout, or the watch task's).
//!
//! Never: allocate by a length prefix, interpret the bytes. Next: [`super::service`] for the caps.

use std::io;

use libp2p::futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How much memory a frame may take before any of its bytes have arrived.
pub const CHUNK_BYTES: usize = 16 * 1024;

/// Reads one frame of at most `cap_bytes`.
///
/// # Errors
/// `InvalidData` when the announced length is over the cap, `UnexpectedEof` when the stream ends
/// inside the frame, and whatever the stream itself reports.
pub async fn read_frame<R>(stream: &mut R, cap_bytes: usize) -> io::Result<Vec<u8>>
where
    R: AsyncRead + Unpin + Send + ?Sized,
{
    let mut prefix = [0u8; 4];
    stream.read_exact(&mut prefix).await?;
    let announced = u32::from_le_bytes(prefix) as usize;
    if announced > cap_bytes {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {announced} bytes was announced, at most {cap_bytes} are allowed"),
        ));
    }
    let mut frame = Vec::with_capacity(announced.min(CHUNK_BYTES));
    while frame.len() < announced {
        let filled = frame.len();
        // What has arrived may at most double the memory: a claim alone buys one chunk.
        let step = (announced - filled).min(CHUNK_BYTES.max(filled));
        frame.resize(filled + step, 0);
        stream.read_exact(&mut frame[filled..]).await?;
    }
    Ok(frame)
}

/// Writes one frame of at most `cap_bytes` and flushes it.
///
/// # Errors
/// `InvalidInput` when the payload is over the cap (nothing is written then), and whatever the
/// stream itself reports.
pub async fn write_frame<W>(stream: &mut W, payload: &[u8], cap_bytes: usize) -> io::Result<()>
where
    W: AsyncWrite + Unpin + Send + ?Sized,
{
    let length = u32::try_from(payload.len())
        .ok()
        .filter(|_| payload.len() <= cap_bytes)
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "a frame of {} bytes is over this protocol's limit of {cap_bytes}",
                    payload.len()
                ),
            )
        })?;
    let prefix = length.to_le_bytes();
    if payload.len() <= CHUNK_BYTES {
        // In one piece: each write is a multiplexer's frame, a message of the cipher, and often a packet, of its own.
        stream.write_all(&[&prefix[..], payload].concat()).await?;
    } else {
        stream.write_all(&prefix).await?;
        stream.write_all(payload).await?;
    }
    stream.flush().await
}

/// Reads text of at most `cap_bytes`, up to the end of the stream.
///
/// # Errors
/// `InvalidData` when there is more, and whatever the stream itself reports.
pub async fn read_text<R>(stream: &mut R, cap_bytes: usize) -> io::Result<Vec<u8>>
where
    R: AsyncRead + Unpin + Send + ?Sized,
{
    let mut text = Vec::new();
    // One byte more than is allowed tells that there is more.
    let most = u64::try_from(cap_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    stream.take(most).read_to_end(&mut text).await?;
    if text.len() > cap_bytes {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a text of more than {cap_bytes} bytes"),
        ));
    }
    Ok(text)
}

/// Writes a text of at most `cap_bytes` and flushes it; whoever holds the stream closes it behind.
///
/// # Errors
/// `InvalidInput` when the text is over the cap (nothing is written then), and whatever the stream itself reports.
pub async fn write_text<W>(stream: &mut W, text: &[u8], cap_bytes: usize) -> io::Result<()>
where
    W: AsyncWrite + Unpin + Send + ?Sized,
{
    if text.len() > cap_bytes {
        let why = format!(
            "a text of {} bytes is over this protocol's limit of {cap_bytes}",
            text.len()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    stream.write_all(text).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use libp2p::futures::{executor::block_on, io::Cursor};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_announced_length_over_the_cap_is_refused_before_reading() {
        let mut bytes = Cursor::new(u32::MAX.to_le_bytes().to_vec());
        let error = block_on(read_frame(&mut bytes, 1024)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("1024"), "{error}");
    }

    #[test]
    fn a_frame_that_ends_early_is_an_error() {
        let mut bytes = Cursor::new(vec![9, 0, 0, 0, 1, 2, 3]);
        let error = block_on(read_frame(&mut bytes, 1024)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_payload_over_the_cap_is_not_written_at_all() {
        let mut out = Cursor::new(Vec::new());
        let error = block_on(write_frame(&mut out, &[0; 11], 10)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(out.into_inner().is_empty());
    }

    #[test]
    fn a_frame_at_the_cap_and_an_empty_one_pass() {
        for size in [0, 1, CHUNK_BYTES, CHUNK_BYTES * 5 + 3] {
            let payload = vec![7u8; size];
            let mut out = Cursor::new(Vec::new());
            block_on(write_frame(&mut out, &payload, size)).unwrap();
            let mut back = Cursor::new(out.into_inner());
            assert_eq!(block_on(read_frame(&mut back, size)).unwrap(), payload);
        }
    }

    #[test]
    fn a_text_ends_with_its_stream_and_stays_within_its_cap() {
        let mut out = Cursor::new(Vec::new());
        block_on(write_text(&mut out, b"{}", 2)).unwrap();
        assert!(block_on(write_text(&mut out, b"{ }", 2)).is_err());
        let bytes = out.into_inner();
        assert_eq!(bytes, b"{}");
        let read = |cap| block_on(read_text(&mut Cursor::new(bytes.clone()), cap));
        assert_eq!(read(2).unwrap(), b"{}");
        assert_eq!(read(1).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_was_written_is_read_and_no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = block_on(read_frame(&mut Cursor::new(bytes.clone()), 512));
            let mut out = Cursor::new(Vec::new());
            block_on(write_frame(&mut out, &bytes, 600)).unwrap();
            prop_assert_eq!(block_on(read_frame(&mut Cursor::new(out.into_inner()), 600)).unwrap(), bytes);
        }
    }
}
