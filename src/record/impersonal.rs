//! Records that name no address: the catalog, campaigns, notices, answered calls, the clock.

use std::sync::Arc;

use super::ids::{brand, controller, put_brand, put_controller, put_topic, topic};
use super::wire::{Reader, put_code, put_instant, put_list, put_preamble, put_text};
use super::{DecodeError, SALT};
use crate::catalog::{Name, Names};
use crate::model::campaign::{Campaign, CampaignId, is_id};
use crate::model::day::Timestamp;
use crate::model::evidence::Notice;
use crate::model::verdict::WriteOutcome;

const CONTROLLER: u8 = 1;
const BRAND: u8 = 2;
const TOPIC: u8 = 3;

const TOPICAL: u8 = 1;
const RETIRED: u8 = 1 << 1;

/// A version of the catalog that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogVersion {
    /// When the ledger took it.
    pub recorded_at: Timestamp,
    /// The words that got a number with it, in the order in which to add them.
    pub names: Vec<Name>,
    /// The file, whole.
    pub source: Arc<str>,
}

/// A campaign that was registered while running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRecord {
    /// When the ledger took it.
    pub recorded_at: Timestamp,
    /// The campaign.
    pub campaign: Campaign,
}

/// A call with a request id, and what was answered. The revision of the answer is that of the
/// record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// Who called: request ids of two credentials are strangers.
    pub credential: Arc<str>,
    /// The caller's own name for the call.
    pub id: Arc<str>,
    /// Keyed digest of the body: nothing can be guessed from it.
    pub digest: [u8; 16],
    /// When the ledger took it.
    pub recorded_at: Timestamp,
    /// What was answered, in the order of the addresses or choices.
    pub outcomes: Vec<WriteOutcome>,
}

/// Appends the payload of a catalog version. The salt must be fresh and random.
pub fn encode_catalog(version: &CatalogVersion, salt: [u8; SALT], out: &mut Vec<u8>) {
    let CatalogVersion { recorded_at, names, source } = version;
    put_preamble(out, salt);
    put_instant(out, *recorded_at);
    let names: Vec<&Name> = names.iter().collect();
    put_list(out, &names, put_name);
    put_text(out, source);
}

/// Reads the payload of a catalog version. Its own names may build on each other; that `names`
/// holds them already does no harm.
///
/// # Errors
/// `DecodeError`: the payload is damaged, overwritten, or of a later version.
pub fn decode_catalog(payload: &[u8], names: &Names) -> Result<CatalogVersion, DecodeError> {
    let mut reader = Reader::new(payload);
    reader.preamble()?;
    let recorded_at = reader.instant()?;
    let mut known = names.clone();
    let names = reader.list(|reader| {
        let name = name(reader, &known)?;
        known.add(&name).map_err(|_| DecodeError::Names)?;
        Ok(name)
    })?;
    let source = reader.shared_text()?;
    reader.end()?;
    Ok(CatalogVersion { recorded_at, names, source })
}

fn put_name(out: &mut Vec<u8>, name: &Name) {
    match name {
        Name::Controller(word) => {
            out.push(CONTROLLER);
            put_text(out, word);
        }
        Name::Brand(controller, word) => {
            out.push(BRAND);
            put_controller(out, *controller);
            put_text(out, word);
        }
        Name::Topic(brand, word) => {
            out.push(TOPIC);
            put_brand(out, *brand);
            put_text(out, word);
        }
    }
}

fn name(reader: &mut Reader<'_>, known: &Names) -> Result<Name, DecodeError> {
    Ok(match reader.octet()? {
        CONTROLLER => Name::Controller(word(reader)?),
        BRAND => Name::Brand(controller(reader, known)?, word(reader)?),
        TOPIC => Name::Topic(brand(reader, known)?, word(reader)?),
        code => return Err(DecodeError::Code { what: "name", code }),
    })
}

fn word(reader: &mut Reader<'_>) -> Result<Box<str>, DecodeError> {
    let word = reader.text()?;
    if is_id(word) { Ok(word.into()) } else { Err(DecodeError::Id) }
}

/// Appends the payload of a campaign. The salt must be fresh and random.
pub fn encode_campaign(record: &CampaignRecord, salt: [u8; SALT], out: &mut Vec<u8>) {
    let CampaignRecord { recorded_at, campaign } = record;
    let Campaign { brand, id, topic, purpose, channel, retired } = campaign;
    put_preamble(out, salt);
    put_instant(out, *recorded_at);
    out.push(topic.map_or(0, |_| TOPICAL) | if *retired { RETIRED } else { 0 });
    put_code(out, *purpose);
    put_code(out, *channel);
    put_brand(out, *brand);
    if let Some(topic) = topic {
        put_topic(out, *topic);
    }
    put_text(out, id.as_str());
}

/// Reads the payload of a campaign.
///
/// # Errors
/// `DecodeError`: the payload is damaged, overwritten, or of a later version.
pub fn decode_campaign(payload: &[u8], names: &Names) -> Result<CampaignRecord, DecodeError> {
    let mut reader = Reader::new(payload);
    reader.preamble()?;
    let recorded_at = reader.instant()?;
    let flags = reader.octet()?;
    if flags & !(TOPICAL | RETIRED) != 0 {
        return Err(DecodeError::Code { what: "campaign flag", code: flags });
    }
    let purpose = reader.code()?;
    let channel = reader.code()?;
    let brand = brand(&mut reader, names)?;
    let topic = if flags & TOPICAL != 0 { Some(topic(&mut reader, names)?) } else { None };
    let id = CampaignId::parse(reader.text()?).ok_or(DecodeError::Id)?;
    reader.end()?;
    let retired = flags & RETIRED != 0;
    let campaign = Campaign { brand, id, topic, purpose, channel, retired };
    Ok(CampaignRecord { recorded_at, campaign })
}

/// Appends the payload of a notice. The salt must be fresh and random.
pub fn encode_notice(notice: &Notice, salt: [u8; SALT], out: &mut Vec<u8>) {
    let Notice { wording, version, language } = notice;
    put_preamble(out, salt);
    put_text(out, wording);
    put_text(out, version);
    put_text(out, language);
}

/// Reads the payload of a notice.
///
/// # Errors
/// `DecodeError`: the payload is damaged, overwritten, or of a later version.
pub fn decode_notice(payload: &[u8]) -> Result<Notice, DecodeError> {
    let mut reader = Reader::new(payload);
    reader.preamble()?;
    let wording = reader.shared_text()?;
    let version = reader.shared_text()?;
    let language = reader.shared_text()?;
    reader.end()?;
    Ok(Notice { wording, version, language })
}

/// Appends the payload of an answered call. The salt must be fresh and random.
pub fn encode_request(record: &RequestRecord, salt: [u8; SALT], out: &mut Vec<u8>) {
    let RequestRecord { credential, id, digest, recorded_at, outcomes } = record;
    put_preamble(out, salt);
    put_instant(out, *recorded_at);
    out.extend_from_slice(digest);
    put_text(out, credential);
    put_text(out, id);
    put_list(out, outcomes, put_code);
}

/// Reads the payload of an answered call.
///
/// # Errors
/// `DecodeError`: the payload is damaged, overwritten, or of a later version.
pub fn decode_request(payload: &[u8]) -> Result<RequestRecord, DecodeError> {
    let mut reader = Reader::new(payload);
    reader.preamble()?;
    let recorded_at = reader.instant()?;
    let digest = reader.octets()?;
    let credential = reader.shared_text()?;
    let id = reader.shared_text()?;
    let outcomes = reader.list(Reader::code)?;
    reader.end()?;
    Ok(RequestRecord { credential, id, digest, recorded_at, outcomes })
}

/// Appends the payload of an accepted clock. The salt must be fresh and random.
pub fn encode_clock(floor: Timestamp, salt: [u8; SALT], out: &mut Vec<u8>) {
    put_preamble(out, salt);
    put_instant(out, floor);
}

/// Reads the payload of an accepted clock.
///
/// # Errors
/// `DecodeError`: the payload is damaged, overwritten, or of a later version.
pub fn decode_clock(payload: &[u8]) -> Result<Timestamp, DecodeError> {
    let mut reader = Reader::new(payload);
    reader.preamble()?;
    let floor = reader.instant()?;
    reader.end()?;
    Ok(floor)
}
