//! The canonical, bounded codec: one byte form for each value.
//!
//! Integers are little-endian and of fixed size; sequences carry a `u32` count that is checked
//! against a stated bound before anything is allocated; an option is one byte, 0 or 1. Decoding
//! accepts only what encoding writes, so equal values have equal hashes and nothing is malleable.
//! It must never panic on any bytes and never allocate by a stranger's word alone.
//! Formats: `docs/protocol.md`, section "Encoding".

/// Why bytes were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("{needed} more bytes are needed where {left} are left")]
    Truncated {
        /// Bytes that the value still needs.
        needed: usize,
        /// Bytes that were there.
        left: usize,
    },
    /// A sequence is longer than its bound.
    #[error("{what} has {length} elements, at most {limit} are allowed")]
    TooLong {
        /// The sequence's name.
        what: &'static str,
        /// Its claimed length.
        length: usize,
        /// The bound.
        limit: usize,
    },
    /// A tag byte has no meaning here.
    #[error("{what} has the unknown tag {tag}")]
    UnknownTag {
        /// The value's name.
        what: &'static str,
        /// The tag found.
        tag: u8,
    },
    /// The value's own rule refuses it, or its form is not the canonical one.
    #[error("{what} is not valid: {why}")]
    Invalid {
        /// The value's name.
        what: &'static str,
        /// The rule that it breaks.
        why: String,
    },
    /// Bytes are left after the value.
    #[error("{0} bytes are left over after the value")]
    TrailingBytes(usize),
}

impl DecodeError {
    /// An [`DecodeError::Invalid`] from anything that can be shown.
    pub fn invalid(what: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Invalid {
            what,
            why: why.to_string(),
        }
    }
}

/// A value with a canonical byte form.
pub trait Encode {
    /// Appends the canonical bytes to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// About how many bytes that will be; room for so many is taken at once.
    fn size_hint(&self) -> usize {
        64
    }

    /// The canonical bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size_hint());
        self.encode(&mut out);
        out
    }
}

/// A value that can be read back from its canonical bytes.
pub trait Decode: Sized {
    /// Reads one value and leaves the reader behind it.
    ///
    /// # Errors
    /// A [`DecodeError`] that says what is wrong; the reader is then of no further use.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Reads one value that must take up all of `bytes`.
    ///
    /// # Errors
    /// As [`Decode::decode`], and [`DecodeError::TrailingBytes`].
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }
}

/// Reads values from the front of a byte slice.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// Bytes not yet read.
    pub fn remaining(&self) -> usize {
        self.left.len()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if there are fewer.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        if count > self.left.len() {
            return Err(DecodeError::Truncated {
                needed: count - self.left.len(),
                left: self.left.len(),
            });
        }
        let (head, tail) = self.left.split_at(count);
        self.left = tail;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A count for a sequence of elements of at least one byte each, at most `limit`.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] above `limit`; [`DecodeError::Truncated`] if fewer bytes than elements are left.
    pub fn count(&mut self, what: &'static str, limit: usize) -> Result<usize, DecodeError> {
        let length = usize::try_from(u32::decode(self)?).unwrap_or(usize::MAX);
        if length > limit {
            return Err(DecodeError::TooLong {
                what,
                length,
                limit,
            });
        }
        if length > self.left.len() {
            return Err(DecodeError::Truncated {
                needed: length - self.left.len(),
                left: self.left.len(),
            });
        }
        Ok(length)
    }

    /// A byte string of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Reader::count`].
    pub fn bytes(&mut self, what: &'static str, limit: usize) -> Result<&'a [u8], DecodeError> {
        let length = self.count(what, limit)?;
        self.take(length)
    }

    /// A UTF-8 text of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Reader::count`], and [`DecodeError::Invalid`] for other bytes than UTF-8.
    pub fn text(&mut self, what: &'static str, limit: usize) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes(what, limit)?)
            .map_err(|error| DecodeError::invalid(what, error))
    }

    /// A sequence of at most `limit` values.
    ///
    /// # Errors
    /// As [`Reader::count`] and the elements' own.
    pub fn sequence<T: Decode>(
        &mut self,
        what: &'static str,
        limit: usize,
    ) -> Result<Vec<T>, DecodeError> {
        let length = self.count(what, limit)?;
        // A claim buys no more memory than bytes are there; elements that are larger in memory than in
        // bytes make it grow as they really come.
        let room = self.left.len() / size_of::<T>().max(1);
        let mut values = Vec::with_capacity(length.min(room));
        for _ in 0..length {
            values.push(T::decode(self)?);
        }
        Ok(values)
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`DecodeError::TrailingBytes`] if anything is left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.left.len() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }
}

/// Appends a byte string with its `u32` length.
///
/// The caller's type bounds the length far below `u32::MAX`; a longer one is cut to that length's
/// largest value and so can never be read back.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a value's bytes with their `u32` length, as [`put_bytes`] does, without writing them twice.
pub fn put_framed(out: &mut Vec<u8>, value: &impl Encode) {
    let start = out.len();
    put_count(out, 0);
    let begin = out.len();
    value.encode(out);
    let length = u32::try_from(out.len() - begin).unwrap_or(u32::MAX);
    out[start..begin].copy_from_slice(&length.to_le_bytes());
}

/// Appends a sequence with its `u32` count.
pub fn put_sequence<T: Encode>(out: &mut Vec<u8>, values: &[T]) {
    put_count(out, values.len());
    for value in values {
        value.encode(out);
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    u32::try_from(count).unwrap_or(u32::MAX).encode(out);
}

macro_rules! integer {
    ($($kind:ty),*) => {$(
        impl Encode for $kind {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
        impl Decode for $kind {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self::from_le_bytes(reader.array()?))
            }
        }
    )*};
}
integer!(u8, u16, u32, u64, i64);

impl Encode for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Decode for bool {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(DecodeError::UnknownTag { what: "bool", tag }),
        }
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match bool::decode(reader)? {
            true => Some(T::decode(reader)?),
            false => None,
        })
    }
}

impl<const N: usize> Encode for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Decode for [u8; N] {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array()
    }
}

#[cfg(test)]
mod tests;
