//! What does one ruling cost without an index, by how much is known of the address?

use std::hint::black_box;
use std::num::NonZeroU16;

use criterion::{Criterion, criterion_group, criterion_main};
use maysend::catalog::Policy;
use maysend::decide::decide;
use maysend::model::campaign::{Campaign, CampaignId, Channel, Purpose};
use maysend::model::day::{Day, Today};
use maysend::model::event::Effect;
use maysend::model::fact::{Basis, Block, Cause, Origin};
use maysend::model::scope::{BrandId, ControllerId, Scope, TopicId};
use maysend::profile::Profile;

const CONTROLLER: ControllerId = ControllerId::new(0);
const BRAND: BrandId = BrandId::new(CONTROLLER, 0);
const TODAY: Today = Today::Known(Day::new(20_000));

fn profile(effects: impl IntoIterator<Item = Effect>) -> Profile {
    let mut profile = Profile::default();
    effects.into_iter().for_each(|effect| profile.apply(effect));
    profile
}

fn yes(scope: Scope) -> Effect {
    Effect::Yes { scope, basis: Basis::Consent, day: Day::new(19_900) }
}

fn rulings(criterion: &mut Criterion) {
    let topic = TopicId::new(BRAND, 0);
    let campaign = Campaign {
        brand: BRAND,
        id: CampaignId::parse("c").unwrap_or_else(|| unreachable!()),
        topic: Some(topic),
        purpose: Purpose::Marketing,
        channel: Channel::Email,
        retired: false,
    };
    let policy = Policy { consent_lifetime_days: NonZeroU16::new(730), ..Policy::default() };
    let bounce = Block { brand: BRAND, channel: Channel::Email, cause: Cause::HardBounce };
    let everywhere = (0..64).map(|n| yes(Scope::Topic(TopicId::new(BRAND, n))));
    let out = Effect::No { scope: Scope::Everything, origin: Origin::OptOut };
    let profiles = [
        ("unknown", profile([])),
        ("one-yes", profile([Effect::Register(CONTROLLER), yes(Scope::Topic(topic))])),
        ("opt-out-of-everything", profile([Effect::Register(CONTROLLER), out])),
        ("bounce", profile([Effect::Block(bounce)])),
        ("64-yeses", profile(everywhere)),
    ];
    let mut group = criterion.benchmark_group("decide");
    for (name, profile) in &profiles {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| decide(black_box(profile), None, &campaign, &policy, TODAY));
        });
    }
    group.finish();
}

criterion_group!(benches, rulings);
criterion_main!(benches);
