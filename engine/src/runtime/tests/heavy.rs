//! Heavy decisions on a CPU port that stands still until it is told to go on, and deadlines that pass meanwhile.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::*;
use crate::{
    command::Cost,
    ports::{Cpu, Work},
};

/// Does nothing until it is told to.
#[derive(Default)]
struct Held(Mutex<VecDeque<Work>>);

impl Cpu for Held {
    fn run(&self, work: Work) {
        self.0.lock().unwrap().push_back(work);
    }
}

impl Held {
    fn waiting(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Does all that waits; says how much it was.
    fn go(&self) -> usize {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap());
        let count = waiting.len();
        waiting.into_iter().for_each(|work| work());
        count
    }

    /// Waits until so much waits here.
    async fn holds(&self, count: usize) {
        while self.waiting() < count {
            actix_rt::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

static COMPUTED: AtomicUsize = AtomicUsize::new(0);

/// Puts a record, and takes long to decide so.
#[derive(Debug, Clone, Serialize)]
struct Ponder(PutRecord);

impl Command for Ponder {
    type Domain = Records;
    type Reply = crate::domains::records::RecordHead;
    const NAME: &'static str = "ponder";
    const KIND: Kind = Kind::Write;
    const COST: Cost = Cost::Heavy;

    fn needs(&self) -> Need {
        self.0.needs()
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        self.0.reads(who, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Self::Reply>, EngineError> {
        COMPUTED.fetch_add(1, Ordering::Relaxed);
        self.0.decide(view, who, moment)
    }
}

async fn held_engine(heavy_max: usize) -> (Engine, Arc<Held>) {
    let cpu = Arc::new(Held::default());
    let limits = Limits { heavy_max, ..Limits::default() };
    let engine = Engine::builder(storage()).limits(limits).cpu(cpu.clone()).start().await.unwrap();
    let realm = PutRealm { realm: realm(), rights: Rights::ALL };
    engine.handle().ask(Credential::Operator, realm).await.unwrap();
    (engine, cpu)
}

fn of(subject: &str) -> Credential {
    Credential::Gateway { realm: realm(), subject: Subject::new(subject).unwrap() }
}

fn within(credential: Credential, ms: u64) -> Asking {
    Asking { within: Some(Duration::from_millis(ms)), ..credential.into() }
}

fn ponder(value: &str) -> Ponder {
    Ponder(put(value, Previous::Unsaid))
}

/// One test, because they count together what was computed.
///
/// A heavy decision holds up its own lane and nobody else's, is refused where there is no room, and is not computed
/// for a caller whose deadline has passed (A-BUS-01, A-BUS-03).
#[actix_rt::test]
async fn heavy_decisions_wait_apart_and_only_for_those_who_still_wait() {
    let (engine, cpu) = held_engine(2).await;
    let handle = engine.handle();
    let ((first, behind), (), ()) = tokio::join!(
        async {
            tokio::join!(
                handle.ask(of("ann"), ponder("v")),
                handle.ask(of("ann"), put("w", Previous::Absent))
            )
        },
        async {
            cpu.holds(1).await;
            handle.ask(of("bob"), put("v", Previous::Unsaid)).await.unwrap();
            assert_eq!(handle.ask(of("ann"), get()).await, Err(EngineError::UnknownRecord));
        },
        async {
            cpu.holds(1).await;
            tokio::join!(handle.ask(of("cyd"), ponder("v")), async {
                cpu.holds(2).await;
                let refused = handle.ask(of("dan"), ponder("v")).await;
                assert!(matches!(refused, Err(EngineError::Overloaded { .. })), "{refused:?}");
                // What waits is done, and then what comes after it in the lanes.
                assert_eq!(cpu.go(), 2);
            })
            .0
            .unwrap();
        },
    );
    assert!(first.is_ok());
    assert!(matches!(behind, Err(EngineError::StaleRecord { .. })), "decided after the one before it");

    let before = COMPUTED.load(Ordering::Relaxed);
    let (late, behind) = tokio::join!(
        handle.ask(within(of("eve"), 30), ponder("v")),
        handle.ask(within(of("eve"), 40), put("w", Previous::Unsaid)),
    );
    assert_eq!(late, Err(EngineError::DeadlinePassed));
    assert_eq!(behind, Err(EngineError::DeadlinePassed), "told in time, though its turn has not come");
    assert_eq!(cpu.go(), 1);
    actix_rt::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(COMPUTED.load(Ordering::Relaxed), before, "nobody waits for it");
    assert_eq!(handle.ask(of("eve"), get()).await, Err(EngineError::UnknownRecord));
    assert_eq!(handle.health().await.in_flight, 0, "and nothing takes up room");
}
