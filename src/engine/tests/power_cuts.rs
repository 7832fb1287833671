//! Power cuts among calls that arrive together: a group holds several, and each of them is there
//! whole or not at all.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::ledger::fault::{FaultDisk, Op, Survival};

const CUTS: u64 = 200;
const WRITERS: usize = 8;
const CALLS: usize = 6;

/// Segments that a few groups fill.
const SMALL: Options = Options { segment_octets: 6_000, reserve_octets: 3_000, address_rule: 1 };

async fn open_on(disk: &FaultDisk, dir: &Path) -> Arc<Engine> {
    let settings = Settings { ledger: SMALL, ..settings(dir) };
    Engine::open(settings, Arc::new(disk.clone()), TestClock::at(TODAY)).await.unwrap()
}

/// A call about two addresses that no other call names.
struct Call {
    name: String,
    addresses: [String; 2],
    is_yes: bool,
}

impl Call {
    fn new(writer: usize, number: usize) -> Self {
        let name = format!("w{writer}n{number}");
        let addresses = [format!("{name}-a@example.org"), format!("{name}-b@example.org")];
        Self { name, addresses, is_yes: number.is_multiple_of(2) }
    }

    fn verdict(&self) -> Verdict {
        if self.is_yes { Verdict::AllowedConsent } else { Verdict::OptedOutEverything }
    }

    async fn send(&self, engine: &Engine) -> Result<Written, EngineError> {
        let command = if self.is_yes { consent(engine) } else { opt_out(Scope::Everything) };
        let addresses = self.addresses.iter().map(|address| address.as_bytes().into()).collect();
        let (request_id, body) = (self.name.as_str().into(), self.name.clone().into_bytes());
        engine.write(&caller(), Write { command, addresses, request_id, body }).await
    }
}

/// One client: its calls one after the other, and what it was told of each.
async fn client(engine: Arc<Engine>, writer: usize) -> Vec<(Call, Option<Written>)> {
    let mut calls = Vec::new();
    for number in 0..CALLS {
        let call = Call::new(writer, number);
        let said = call.send(&engine).await.ok();
        calls.push((call, said));
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_among_calls_leaves_each_whole_or_absent() {
    let dir = TempDir::new().unwrap();
    let (mut told, mut untold, mut taken, mut syncs) = (0, 0, 0, 0);
    for seed in 0..CUTS {
        let mut random = StdRng::seed_from_u64(seed);
        let disk = FaultDisk::new();
        let engine = open_on(&disk, dir.path()).await;
        disk.crash_at(disk.ops().len() + random.random_range(0..40));
        let mut clients = tokio::task::JoinSet::new();
        (0..WRITERS).for_each(|writer| drop(clients.spawn(client(engine.clone(), writer))));
        let calls: Vec<_> = clients.join_all().await.into_iter().flatten().collect();
        engine.stop().await;
        drop(engine);
        syncs += disk.ops().iter().filter(|op| **op == Op::Sync).count();

        let disk = disk.after_power_cut(Survival::Chance(seed));
        let engine = open_on(&disk, dir.path()).await;
        for (call, said) in &calls {
            let [a, b] = &call.addresses;
            let verdicts = check(&engine, &[a, b]).await.verdicts;
            assert_eq!(verdicts[0], verdicts[1], "half of {} after cut {seed}", call.name);
            let is_there = verdicts[0] == call.verdict().code();
            assert!(is_there || verdicts[0] == Verdict::UnknownAddress.code());
            match said {
                Some(said) => {
                    assert!(is_there, "{} is lost after cut {seed}", call.name);
                    assert_eq!(call.send(&engine).await.unwrap(), *said, "{}", call.name);
                    told += 1;
                }
                None => {
                    untold += 1;
                    taken += usize::from(is_there);
                }
            }
        }
        let head = engine.head();
        for (call, _) in calls.iter().filter(|(_, said)| said.is_some()) {
            call.send(&engine).await.unwrap();
        }
        assert_eq!(engine.head(), head, "repeats write nothing");
        engine.stop().await;
    }
    println!(
        "power cuts among calls: {CUTS} cuts, {told} calls acknowledged with {syncs} syncs, \
         {untold} not; of these {taken} were there, each whole"
    );
    assert!(told > 500 && untold > 500 && taken > 10);
}
