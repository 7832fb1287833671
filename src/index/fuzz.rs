//! Any octets as the images of an index: an error, or an index that answers and whose own images
//! are read as the same.

use super::*;
#[cfg(test)]
use crate::catalog::Names;

/// Octets of the dictionary's length at the front.
const LENGTH: usize = 2;

/// Whether the octets are images: the length of the dictionary, the dictionary, one image of
/// entries of any partition.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let Some((length, rest)) = octets.split_first_chunk::<LENGTH>() else { return false };
    let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    let (dictionary, image) = rest.split_at(length);
    let names = crate::fuzz::names();
    let Ok(index) = Index::from_images(&names, [dictionary], [image]) else { return false };

    let (shapes, images) = images(&index);
    let back = Index::from_images(&names, [&shapes], &images);
    let back = back.unwrap_or_else(|error| unreachable!("its own images: {error}"));
    assert_eq!(back.len(), index.len());
    let again = self::images(&back);
    assert!(again.0 == shapes, "another dictionary");
    for (first, second) in images.iter().zip(&again.1) {
        assert_eq!(sorted(&index, first), sorted(&back, second));
    }
    let known = |index: &Index| index.entries().collect::<HashMap<_, _>>();
    assert_eq!(known(&index), known(&back));
    true
}

/// The entries and the owner's yeses of a partition's image, each sorted: their order depends on how
/// the tables grew.
fn sorted<'a>(index: &Index, image: &'a [u8]) -> [Vec<&'a [u8]>; 2] {
    let mut rest = image;
    let mut list = |octets: &dyn Fn(&[u8]) -> usize| {
        let (count, behind) = rest.split_first_chunk().unwrap_or_else(|| unreachable!("{rest:?}"));
        rest = behind;
        let mut list: Vec<&[u8]> = (0..u32::from_le_bytes(*count))
            .map(|_| {
                let (one, behind) = rest.split_at(octets(rest));
                rest = behind;
                one
            })
            .collect();
        list.sort_unstable();
        list
    };
    let entry = |rest: &[u8]| {
        let shape = rest[24..].first_chunk().map(|number| u32::from_le_bytes(*number));
        let shape = shape.and_then(|number| index.shapes.known(number));
        28 + 2 * shape.map_or(0, |shape| index.shapes.shape(shape).days)
    };
    let lists = [list(&entry), list(&|_| 24)];
    assert!(rest.is_empty(), "an image goes on after its end");
    lists
}

/// The dictionary and the partitions.
fn images(index: &Index) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut shapes = Vec::new();
    let count = index.dictionary_image(&mut shapes);
    index.shapes_image(0..count, &mut shapes);
    let image = |partition| {
        let mut image = Vec::new();
        index.partition_image(partition, &mut image);
        image
    };
    (shapes, (0..PARTITIONS).map(image).collect())
}

/// What the corpus begins with.
#[cfg(test)]
pub(crate) fn seeds() -> crate::fuzz::Seeds {
    use crate::model::event::Effect;
    use crate::model::fact::{Basis, Block, Cause, Erasure, Origin};

    let names = crate::fuzz::names();
    let brand = names.brand_by_index(0).unwrap();
    let topic = names.topic_by_index(1).unwrap();
    let everything = Effect::No { scope: Scope::Everything, origin: Origin::OptOut };
    let day = Day::new(20_000);
    let yes = |basis| Effect::Yes { scope: Scope::Topic(topic), basis, day };
    let block = |cause| Effect::Block(Block { brand, channel: Channel::Email, cause });
    let written: [&[Effect]; 6] = [
        &[everything],
        &[Effect::Register(ControllerId::new(0)), yes(Basis::Consent)],
        &[yes(Basis::ExistingCustomer), block(Cause::HardBounce)],
        &[Effect::Erasure(Erasure::Erased), everything],
        &[Effect::No { scope: Scope::Brand(brand), origin: Origin::Complaint }],
        &[block(Cause::StaffDecision), block(Cause::OwnerRequest)],
    ];
    let mut index = Index::new();
    for (number, effects) in (1_u64..).zip(written) {
        index.apply(&Change {
            fingerprint: Fingerprint::new(u128::from(number)),
            revision: Revision::new(number),
            tagged: number == 2,
            owner_proof: (number == 2).then_some(OwnerProof::Mailbox),
            effects,
        });
    }
    let whole = |index: &Index, names: &Names| {
        let (shapes, parts) = images(index);
        assert!(Index::from_images(names, [&shapes], &parts).is_ok());
        // One image of all partitions.
        let (mut entries, mut yeses) = (Vec::new(), Vec::new());
        for (side, part) in index.sides.iter().zip(&parts) {
            let end = part.len() - 4 - 24 * side.owner_yes.len();
            entries.extend(&part[4..end]);
            yeses.extend(&part[end + 4..]);
        }
        let count = |count: usize| u32::try_from(count).unwrap().to_le_bytes();
        let length = u16::try_from(shapes.len()).unwrap().to_le_bytes();
        let (all, last) = (count(index.len()), count(yeses.len() / 24));
        [&length[..], &shapes, &all, &entries, &last, &yeses].concat()
    };
    crate::fuzz::named(vec![
        ("empty", whole(&Index::new(), &names)),
        ("six", whole(&index, &names)),
    ])
}

#[cfg(test)]
use crate::model::{
    campaign::Channel,
    day::Day,
    scope::{ControllerId, Scope},
};
