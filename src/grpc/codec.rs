//! How `Check` and `CheckStream` travel: a codec that allocates nothing per address.
//!
//! prost would make a `String` of every address before the first is looked up. Here the message
//! stays as it arrived: one walk checks it and counts its addresses, a second one yields them where
//! they lie. What is accepted, and what it means, is what prost accepts and takes it to mean, with
//! one difference: an address that is not UTF-8 is kept, and is answered in its place.
//!
//! One codec serves both ends: a server reads [`CheckAsk`] and writes [`CheckAnswer`], a client the
//! reverse. The messages of the stream have the fields of the unary ones, so the types are shared.

mod answer;
mod ask;
mod wire;

use std::fmt;
use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

pub use self::answer::CheckAnswer;
pub use self::ask::{Addresses, AskBuffer, CheckAsk};
pub use self::wire::Malformed;

/// A message that knows its own wire form.
pub trait WireMessage: Sized {
    /// Reads a whole message.
    ///
    /// # Errors
    /// `Malformed` where prost would refuse it too.
    fn read(body: Bytes) -> Result<Self, Malformed>;

    /// Appends the message to `buffer`, octet for octet as prost would.
    fn write(&self, buffer: &mut impl BufMut);

    /// What the message needs at most, in octets.
    fn size_bound(&self) -> usize;
}

/// The codec: writes `Out`, reads `In`.
pub struct CheckCodec<Out, In>(PhantomData<fn(Out) -> In>);

impl<Out, In> Default for CheckCodec<Out, In> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Out, In> fmt::Debug for CheckCodec<Out, In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckCodec")
    }
}

impl<Out, In> Codec for CheckCodec<Out, In>
where
    Out: WireMessage + Send + 'static,
    In: WireMessage + Send + 'static,
{
    type Encode = Out;
    type Decode = In;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<Out: WireMessage, In> Encoder for CheckCodec<Out, In> {
    type Item = Out;
    type Error = Status;

    fn encode(&mut self, message: Out, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.size_bound());
        message.write(buffer);
        Ok(())
    }
}

impl<Out, In: WireMessage> Decoder for CheckCodec<Out, In> {
    type Item = In;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<In>, Status> {
        // tonic calls with the whole message in one piece: this takes it over without a copy.
        let body = buffer.copy_to_bytes(buffer.remaining());
        In::read(body).map(Some).map_err(|error| refused(&error))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "no handler is reached; INTERNAL is what tonic's own codec answers on the other calls"
)]
fn refused(error: &Malformed) -> Status {
    Status::internal(format!("the message cannot be read: {error}"))
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;
