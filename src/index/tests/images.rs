//! Images: round trip, fuzzy copies, damage.

use super::*;

fn images(index: &Index) -> Vec<Vec<u8>> {
    let image = |partition| {
        let mut image = Vec::new();
        index.partition_image(partition, &mut image);
        image
    };
    (0..PARTITIONS).map(image).collect()
}

/// The dictionary, copied seven shapes at a time.
fn dictionary(index: &Index) -> Vec<u8> {
    let mut image = Vec::new();
    let count = index.dictionary_image(&mut image);
    for first in (0..count).step_by(7) {
        index.shapes_image(first..count.min(first + 7), &mut image);
    }
    image
}

/// One image of all partitions.
fn whole(index: &Index) -> Vec<u8> {
    let (mut entries, mut yeses) = (Vec::new(), Vec::new());
    for (side, image) in index.sides.iter().zip(images(index)) {
        let end = image.len() - 4 - 24 * side.owner_yes.len();
        entries.extend(&image[4..end]);
        yeses.extend(&image[end + 4..]);
    }
    let count = |count: usize| u32::try_from(count).unwrap().to_le_bytes();
    [&count(index.len())[..], &entries, &count(yeses.len() / 24), &yeses].concat()
}

#[test]
fn an_index_comes_back_from_its_images() {
    holds("images", 400, &writes(), |writes| {
        let index = built(&writes);
        let names = world().names;
        let (shapes, images) = (dictionary(&index), images(&index));
        let back = Index::from_images(&names, [&shapes], &images).unwrap();
        same(&index, &back)?;
        prop_assert_eq!(dictionary(&back), shapes);
        Ok(())
    });
}

#[test]
fn replay_over_a_fuzzy_copy_ends_where_it_should() {
    let cuts = vec(any::<Pick>(), 4);
    holds("fuzzy", 400, &(writes(), cuts), |(writes, cuts)| {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(writes.len() + 1)).collect();
        cuts.sort_unstable();
        // Quarter n is copied after cuts[n] writes, the dictionary after the last of them.
        let mut copies = Vec::new();
        let mut shapes = Vec::new();
        for (quarter, cut) in cuts.iter().enumerate() {
            let index = built(&writes[..*cut]);
            let in_quarter = PARTITIONS / 4 * quarter..PARTITIONS / 4 * (quarter + 1);
            copies.extend(images(&index).drain(in_quarter));
            shapes = dictionary(&index);
        }
        let mut back = Index::from_images(&world().names, [&shapes], &copies).unwrap();
        writes[cuts[0]..].iter().for_each(|write| back.apply(&write.change()));
        same(&built(&writes), &back)
    });
}

#[test]
fn damaged_images_are_errors_or_harmless() {
    let damage = vec((any::<Pick>(), any::<u8>()), 1..4);
    let strategy = (writes(), a_question(), damage, any::<bool>(), any::<Pick>());
    holds("damage", 800, &strategy, |(writes, question, damage, in_dictionary, end)| {
        let index = built(&writes);
        let (mut shapes, mut image) = (dictionary(&index), whole(&index));
        let hit = if in_dictionary { &mut shapes } else { &mut image };
        for (place, bits) in &damage {
            let place = place.index(hit.len());
            hit[place] ^= bits;
        }
        let names = world().names;
        let all = fingerprints();
        if let Ok(back) = Index::from_images(&names, [&shapes], [&image]) {
            let mut codes = vec![0; all.len()];
            let batch = Batch { addresses: &all, bases: &[] };
            back.verdicts(&question.compiled(), question.today, batch, &mut codes);
            prop_assert!(!codes.contains(&0));
        }
        let sound = dictionary(&index);
        let cut = &sound[..end.index(sound.len())];
        prop_assert!(Index::from_images(&names, [cut], [&[0; 8]]).is_err());
        let whole = whole(&index);
        let cut = &whole[..end.index(whole.len())];
        prop_assert!(Index::from_images(&names, [&sound], [cut]).is_err());
        Ok(())
    });
}

#[track_caller]
fn refuse(shapes: &[u8], image: &[u8], expect: ImageError) {
    let refused = Index::from_images(&world().names, [shapes], [image]).unwrap_err();
    assert_eq!(refused, expect);
}

#[test]
fn an_image_with_numbers_out_of_range_is_refused() {
    let index = built(&[]);
    let shapes = dictionary(&index);
    let image = |head: &[u8], shape: u32| [head, &[0; 24], &shape.to_le_bytes(), &[0; 4]].concat();
    let nothing = [0; 8];
    refuse(&shapes, &[0xff; 4], ImageError::Truncated);
    refuse(&shapes, &image(&[0xff; 4], 0), ImageError::Truncated);
    refuse(&shapes, &image(&[1, 0, 0, 0], 1), ImageError::Unknown { what: "shape", number: 1 });
    refuse(&shapes, &[0; 9], ImageError::TrailingOctets);
    refuse(&[0xff; 4], &nothing, ImageError::Truncated);
    let controller = [&[1, 0, 0, 0, 2, 0], &shapes[4..]].concat();
    let unknown = ImageError::Unknown { what: "controller", number: 2 };
    refuse(&controller, &nothing, unknown);
    let topic = [&shapes[..8], &[1, 0, 0, 0, 4, 0], &shapes[12..]].concat();
    refuse(&topic, &nothing, ImageError::Unknown { what: "topic", number: 4 });
    assert!(Index::from_images(&world().names, [&shapes], [&image(&[1, 0, 0, 0], 0)]).is_ok());
    let twice = [&[2, 0, 0, 0][..], &[0; 28], &[0; 28], &[0; 4]].concat();
    refuse(&shapes, &twice, ImageError::Repeated { what: "an address" });
}

#[test]
fn a_large_dictionary_comes_back_from_chunks() {
    let mut names = Names::default();
    let controller = names.add_controller("a").unwrap();
    let brand = names.add_brand(controller, "b").unwrap();
    let mut index = Index::new();
    for number in 0..300_u16 {
        let topic = names.add_topic(brand, &format!("t{number}")).unwrap();
        let scope = Scope::Topic(topic);
        let effects = [Effect::No { scope, origin: Origin::OptOut }];
        index.apply(&Change {
            fingerprint: Fingerprint::new(1),
            revision: Revision::new(u64::from(number) + 1),
            tagged: false,
            owner_proof: None,
            effects: &effects,
        });
    }
    let shapes = dictionary(&index);
    let back = Index::from_images(&names, shapes.chunks(1_000), images(&index)).unwrap();
    assert_eq!(back.get(Fingerprint::new(1)), index.get(Fingerprint::new(1)));
    assert_eq!(back.used(), index.used());
}
