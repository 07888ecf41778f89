//! What holds of every decoder: one form for each value, and memory for no more than what is there.

use natcoin::chain::codec::{Decode, Encode};

/// Memory that a canonical decoder may hold at once, by bytes of input. The smallest encoding of a value that is
/// large in memory (a round certificate without signatures) is a tenth of it, and a growing list is held twice.
const TIMES_INPUT: usize = 32;

/// Memory that any decoder may hold whatever its input: room for the text of an error.
const ROOM_BYTES: usize = 4096;

/// Decodes, within bounds, and holds that the bytes are the one form of the value.
pub fn canonical<T: Encode + Decode>(bytes: &[u8]) -> Option<T> {
    let value = bounded(bytes, TIMES_INPUT, || T::from_bytes(bytes).ok())?;
    let name = std::any::type_name::<T>();
    assert!(value.to_bytes() == bytes, "{name} has a second form");
    Some(value)
}

/// Runs a decoder and holds that it never has more memory at once than so many times its input.
pub fn bounded<R>(bytes: &[u8], times_input: usize, decode: impl FnOnce() -> R) -> R {
    bounded_with_room(bytes, times_input, ROOM_BYTES, decode)
}

/// As [`bounded`], for a decoder that has another room of its own.
pub fn bounded_with_room<R>(
    bytes: &[u8],
    times_input: usize,
    room_bytes: usize,
    decode: impl FnOnce() -> R,
) -> R {
    let mut result = None;
    let taken = allocation_counter::measure(|| result = Some(decode()));
    let limit = u64::try_from(bytes.len() * times_input + room_bytes).unwrap_or(u64::MAX);
    assert!(
        taken.bytes_max <= limit,
        "{} bytes of memory for {} bytes of input",
        taken.bytes_max,
        bytes.len()
    );
    result.expect("a measure runs what it is given")
}
