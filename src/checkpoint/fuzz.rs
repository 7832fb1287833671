//! Any octets as a checkpoint's seal and manifest, which decide whether its store is opened at all:
//! as they come, and under checksums of our own, so that what stands behind those is read too.

use super::checksum::FORMAT;
use super::*;

const CHAIN: [u8; 32] = [7; 32];

/// Whether the octets behind the first are a seal (`s`, `S`) or a manifest (`m`, `M`). Those in
/// capitals get the format, the key and the checksum that they have to have.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let checksums = Checksums::new(*b"0123456789abcdef");
    let anchor = Anchor { revision: Revision::new(9), chain: CHAIN };
    match octets {
        [b's', seal @ ..] => Seal::decode(seal, &checksums).is_ok(),
        [b'S', files @ ..] => {
            let seal = sealed(&checksums, anchor, files);
            match Seal::decode(&seal, &checksums) {
                Ok(seal) => {
                    assert_eq!(seal.anchor, anchor);
                    // No file is there, and none outside the directory is looked at.
                    let verified = seal.verify(Path::new("target/fuzz/no-such"), &checksums);
                    assert!(verified.is_err());
                    true
                }
                Err(_) => false,
            }
        }
        [b'm', manifest @ ..] => decode_manifest(&checksums, anchor, manifest).is_ok(),
        [b'M', tally @ ..] => {
            let mut body =
                [&FORMAT.to_le_bytes()[..], &checksums.key_check().to_le_bytes()].concat();
            body.extend(anchor.revision.number().to_le_bytes());
            body.extend(anchor.chain);
            body.extend(tally);
            let checksum = checksums.manifest(anchor.revision, &body);
            body.extend(checksum.to_le_bytes());
            match decode_manifest(&checksums, anchor, &body) {
                Ok(tally) => {
                    assert_eq!(encode_manifest(&checksums, anchor, tally), body);
                    true
                }
                Err(_) => false,
            }
        }
        _ => false,
    }
}

/// A seal whose list of files is these octets.
fn sealed(checksums: &Checksums, anchor: Anchor, files: &[u8]) -> Vec<u8> {
    let mut octets = [&b"MSNDSEAL"[..], &FORMAT.to_le_bytes()].concat();
    octets.extend(checksums.key_check().to_le_bytes());
    octets.extend(anchor.revision.number().to_le_bytes());
    octets.extend(anchor.chain);
    octets.extend(files);
    octets.extend(checksums.seal(&octets).to_le_bytes());
    octets
}

/// What the corpus begins with.
#[cfg(test)]
pub(crate) fn seeds() -> crate::fuzz::Seeds {
    let checksums = Checksums::new(*b"0123456789abcdef");
    let anchor = Anchor { revision: Revision::new(9), chain: CHAIN };
    let file = |name: &str, octets: u64| {
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        [&length[..], name.as_bytes(), &octets.to_le_bytes(), &[5; 16]].concat()
    };
    let files = [file("conf", 61), file("db", 524_288), file("snap.00000000000002", 48)].concat();
    let tally = Tally { contents: Contents { images: 3, octets: 700 }, set: 11 };
    let manifest = encode_manifest(&checksums, anchor, tally);
    crate::fuzz::named(vec![
        ("seal", [b"s", &sealed(&checksums, anchor, &files)[..]].concat()),
        ("files", [b"S", &files[..]].concat()),
        ("manifest", [b"m", &manifest[..]].concat()),
        ("tally", [b"M", &manifest[60..92]].concat()),
    ])
}
