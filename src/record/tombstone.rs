//! Tombstones: the event of an erasure as any other event, and behind it what its certificate needs
//! of the request, which is erased with everything else. Replay reads the head of both alike.

use super::event::{actor, put_actor, read_event};
use super::wire::{Reader, put_instant, put_number};
use super::{DecodeError, SALT, encode_event};
use crate::catalog::Names;
use crate::model::actor::Actor;
use crate::model::day::Timestamp;
use crate::model::event::Event;
use crate::model::revision::Revision;

/// The first request of a case, as it outlives the erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// Its place.
    pub revision: Revision,
    /// When it was recorded.
    pub at: Timestamp,
    /// Who asked; without a name where the name would name the person erased.
    pub by: Actor,
}

/// Appends the payload of a tombstone. The salt must be fresh and random. The event has no evidence
/// and no address: what is written here stays for ever.
pub fn encode_tombstone(event: &Event, requested: &Requested, salt: [u8; SALT], out: &mut Vec<u8>) {
    let Requested { revision, at, by } = requested;
    debug_assert!(event.address.is_none() && event.statement.evidence.is_none(), "it would stay");
    encode_event(event, None, salt, out);
    put_number(out, revision.number());
    put_instant(out, *at);
    put_actor(out, by);
}

/// Reads the payload of a tombstone.
///
/// # Errors
/// `DecodeError`: the payload is damaged, or of a later version.
pub fn decode_tombstone(
    revision: Revision,
    payload: &[u8],
    names: &Names,
) -> Result<(Event, Requested), DecodeError> {
    let mut reader = Reader::new(payload);
    let (event, _) = read_event(revision, &mut reader, names)?;
    let requested = Requested {
        revision: Revision::new(reader.number()?),
        at: reader.instant()?,
        by: actor(&mut reader)?,
    };
    reader.end()?;
    if requested.revision >= revision {
        return Err(DecodeError::Order { revision, previous: requested.revision });
    }
    Ok((event, requested))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::actor::ActorClass;
    use crate::model::event::{Effect, EventKind, Statement};
    use crate::model::fact::Erasure;
    use crate::model::fingerprint::Fingerprint;
    use crate::record::{decode_event, decode_head};

    fn tombstone() -> (Event, Requested) {
        let staff =
            |id: &str| Actor { class: ActorClass::Staff, id: id.into(), credential: "crm".into() };
        let event = Event {
            revision: Revision::new(9),
            previous: Revision::new(3),
            recorded_at: Timestamp::from_nanos(1_795_248_000_123_456_789),
            fingerprint: Fingerprint::new(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100),
            address: None,
            tagged: true,
            actor: staff("ben"),
            request_id: "".into(),
            statement: Statement {
                erasure_id: "00c0ffee00c0ffee".into(),
                reason: "passport seen".into(),
                effects: vec![Effect::Erasure(Erasure::Erased)],
                ..Statement::new(EventKind::Erased)
            },
        };
        let at = Timestamp::from_nanos(1_795_240_000_000_000_000);
        (event, Requested { revision: Revision::new(5), at, by: staff("anna") })
    }

    fn encoded() -> Vec<u8> {
        let (event, requested) = tombstone();
        let mut octets = Vec::new();
        encode_tombstone(&event, &requested, [7; SALT], &mut octets);
        octets
    }

    #[test]
    fn a_tombstone_comes_back_and_replay_reads_its_head() {
        let (names, octets, at) = (Names::default(), encoded(), Revision::new(9));
        assert_eq!(decode_tombstone(at, &octets, &names), Ok(tombstone()));
        let head = decode_head(&octets, &names).unwrap();
        assert_eq!(head.effects, [Effect::Erasure(Erasure::Erased)]);
        assert!(matches!(decode_event(at, &octets, &names), Err(DecodeError::Trailing(_))));
    }

    #[test]
    fn a_tombstone_that_is_cut_or_goes_on_is_refused() {
        let (names, octets, at) = (Names::default(), encoded(), Revision::new(9));
        for end in 0..octets.len() {
            assert!(decode_tombstone(at, &octets[..end], &names).is_err(), "{end}");
        }
        let longer = [&octets[..], &[0]].concat();
        assert_eq!(decode_tombstone(at, &longer, &names), Err(DecodeError::Trailing(1)));
        let early = decode_tombstone(Revision::new(5), &octets, &names);
        let (revision, previous) = (Revision::new(5), Revision::new(5));
        assert_eq!(early, Err(DecodeError::Order { revision, previous }));
    }

    /// Octet for octet: tombstones are read for ever.
    #[test]
    fn a_tombstone_of_format_1_is_written_as_ever() {
        let hex: String = encoded()[SALT..].iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(
            hex,
            concat!(
                "000102030405060708090a0b0c0d0e0f01010315cd16638b00ea180b010803020362656e0363726d",
                "0000000000000d70617373706f7274207365656e0000103030633066666565303063306666656505",
                "008092b644f9e9180204616e6e610363726d",
            )
        );
    }
}
