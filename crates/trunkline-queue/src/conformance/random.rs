//! Random histories, played against the queue and against a model.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;

use super::Fixture;
use super::model::{Model, Time};
use super::sample::{assert_unfinished, given_up, group, letters, message, operating, slow, topic};
use crate::{
    DeadLetter, DeadLetterDecision, Delivery, GroupOptions, Lease, MessageQueue, OnDead, Published, Receive,
};

/// How many histories are played, unless long samples were asked for.
const HISTORIES: u64 = 24;

const GROUPS: [&str; 3] = ["mail", "stock", "ordered"];

/// How long leases and delays are, at most, in milliseconds, where the clock can be moved.
const MILLIS: u64 = 50;

/// How much longer they are in real time: so long that none of them ends while a history is played.
const REAL_TIME: u64 = 200_000;

/// Random histories come out as in a model that is a list: what each operation answers, what is due, what is not
/// finished, and what each group has given up.
pub async fn random_histories_come_out_as_in_the_model<F, O>(make: F)
where
    F: Fn() -> O,
    O: Future<Output = Fixture>,
{
    play(false, make).await;
}

/// So do random histories in which an operator purges, makes messages due, and decides about dead letters; and
/// what each group has is what the numbers say.
pub async fn random_histories_with_an_operator_come_out_as_in_the_model<F, O>(make: F)
where
    F: Fn() -> O,
    O: Future<Output = Fixture>,
{
    play(true, make).await;
}

async fn play<F, O>(operated: bool, make: F)
where
    F: Fn() -> O,
    O: Future<Output = Fixture>,
{
    let given = std::env::var("TRUNKLINE_SEED").ok().and_then(|seed| seed.parse().ok());
    let histories = if slow() { 1_000 } else { HISTORIES };
    let first = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
    play_histories(first, if given.is_some() { 1 } else { histories }, operated, make).await;
}

/// Plays so many histories from a seed on, against a fresh queue each, with an operator or without.
pub async fn play_histories<F, O>(seed: u64, histories: u64, operated: bool, make: F)
where
    F: Fn() -> O,
    O: Future<Output = Fixture>,
{
    for seed in (0..histories).map(|number| seed.wrapping_add(number)) {
        let mut play = Play {
            fixture: make().await,
            random: Random(seed),
            model: Model::default(),
            leases: Vec::new(),
            operated,
            seed,
        };
        for step in 0..150 {
            play.step(step).await;
        }
    }
}

struct Play {
    fixture: Fixture,
    random: Random,
    model: Model,
    /// Every lease that was given: its group, its message, its number in the model.
    leases: Vec<(&'static str, String, usize, Lease)>,
    /// Whether an operator takes part.
    operated: bool,
    seed: u64,
}

impl Play {
    async fn step(&mut self, step: usize) {
        let said = self.act().await;
        let now = self.now();
        let queue = self.fixture.queue();
        let context = format!("seed {}, step {step}: {said}", self.seed);
        let (wanted, retries) = self.model.unfinished(now);
        let unfinished = assert_unfinished(&*queue, Some("orders"), wanted, retries);
        let unfinished = AssertUnwindSafe(unfinished).catch_unwind().await;
        assert!(unfinished.is_ok(), "{context}");
        if !self.operated {
            return;
        }
        let stats = operating(&*queue).stats().await.expect("a sound queue has numbers");
        let Some(orders) = stats.topics.iter().find(|stats| stats.topic == topic("orders")) else {
            assert_eq!(self.model.messages(), 0, "{context}");
            return;
        };
        assert_eq!(orders.messages, self.model.messages(), "{context}");
        let found: Vec<String> = orders.groups.iter().map(|stats| stats.group.to_string()).collect();
        assert_eq!(found, self.model.groups().collect::<Vec<_>>(), "{context}");
        for stats in &orders.groups {
            let counts = [stats.waiting, stats.leased, stats.delayed, stats.dead, stats.held];
            let name = stats.group.as_str();
            assert_eq!(counts, self.model.counts(now, name), "{name}, {context}");
        }
    }

    fn now(&self) -> Time {
        self.fixture.clock().now().as_micros()
    }

    fn millis(&mut self) -> u64 {
        let millis = self.random.below(MILLIS);
        if self.fixture.time_is_free() { millis } else { (millis + 1) * REAL_TIME }
    }

    /// Does something to both, asserts that they answer the same, and says what it was.
    async fn act(&mut self) -> String {
        let queue = self.fixture.queue();
        let name = GROUPS[self.random.below(3) as usize];
        let now = self.now();
        match self.random.below(20) {
            0..=3 => self.publish(&*queue).await,
            4 => {
                let ordered = (name == "ordered").then_some(1);
                let on_dead = if self.random.below(3) == 0 { OnDead::Pass } else { OnDead::Hold };
                let options = GroupOptions { ordered, on_dead };
                let new = queue.subscribe(topic("orders"), group(name), options).await;
                let wanted = self.model.subscribe(name, ordered.is_some(), on_dead == OnDead::Hold);
                assert_eq!(new.expect("these options are the group's"), wanted, "seed {}", self.seed);
                format!("subscribe {name}, {on_dead:?}")
            }
            5 if self.random.below(4) == 0 => {
                let done = queue.unsubscribe(topic("orders"), group(name)).await.is_ok();
                assert_eq!(done, self.model.unsubscribe(name), "seed {}", self.seed);
                format!("unsubscribe {name}")
            }
            6..=9 => self.receive(&*queue, name).await,
            10..=14 => self.settle(&*queue).await,
            15 | 16 => {
                let millis = if self.fixture.time_is_free() { self.millis() } else { 0 };
                self.fixture.pass(Duration::from_millis(millis)).await;
                format!("{millis} ms pass")
            }
            17 if self.operated => self.decide(&*queue, name).await,
            17 => self.read_given_up(&*queue, name).await,
            18 if self.operated
                && self.random.below(3) == 0
                && self.model.groups().any(|known| known == name) =>
            {
                self.model.purge(now, name);
                operating(&*queue)
                    .purge(topic("orders"), Some(group(name)))
                    .await
                    .expect("the group is there");
                format!("purge {name}")
            }
            18 if self.operated && self.model.groups().any(|known| known == name) => {
                let count = operating(&*queue).retry_now(topic("orders"), group(name), None).await;
                let wanted = self.model.retry_now(now, name);
                assert_eq!(count.expect("the group is there"), wanted, "seed {}", self.seed);
                format!("retry {name} now")
            }
            _ => {
                drop(queue);
                self.fixture.reopen().await;
                if !self.fixture.keeps_leases() {
                    self.model.reopen(now);
                }
                "reopen".to_owned()
            }
        }
    }

    async fn publish(&mut self, queue: &dyn MessageQueue) -> String {
        let now = self.now();
        let mut new = Vec::new();
        let mut wanted = Vec::new();
        for _ in 0..=self.random.below(2) {
            let name = format!("m{}", self.random.below(60));
            let millis = if self.random.below(3) == 0 { self.millis() } else { 0 };
            new.push(message(&name).key("k").after(Duration::from_millis(millis)));
            let stored = self.model.publish(now, &name, (millis * 1_000).cast_signed(), None);
            wanted.push(if stored { Published::Stored } else { Published::AlreadyThere });
        }
        let said = format!("publish {new:?}");
        let published = queue.publish(topic("orders"), new).await.expect("a sound queue takes messages");
        assert_eq!(published, wanted, "seed {}: {said}", self.seed);
        said
    }

    async fn receive(&mut self, queue: &dyn MessageQueue, name: &'static str) -> String {
        let max = 1 + self.random.below(3) as usize;
        let millis = self.millis() + 1;
        let visibility = Duration::from_millis(millis);
        let ask = Receive::new(topic("orders"), group(name)).max(max).visibility(visibility).now();
        let received = queue.receive(ask.max_attempts(u32::MAX)).await;
        let said = format!("receive {max} for {name}, for {millis} ms");
        assert_eq!(received.is_ok(), self.model.is_subscribed(name), "seed {}: {said}", self.seed);
        let Ok(deliveries) = received else { return said };
        let now = self.now();
        let due: BTreeSet<String> = self.model.due(now, name).into_iter().collect();
        let got: BTreeSet<String> = deliveries.iter().map(|one| one.message.id.to_string()).collect();
        let context = format!("seed {}: {said}: {got:?} of {due:?}", self.seed);
        assert_eq!(got.len(), deliveries.len(), "{context}");
        assert!(got.is_subset(&due) && got.len() == max.min(due.len()), "{context}");
        for Delivery { message, attempt, lease, .. } in deliveries {
            let id = message.id.to_string();
            let (number, wanted) = self.model.lease(name, &id, now + (millis * 1_000).cast_signed());
            assert_eq!(attempt, wanted, "{context}");
            self.leases.push((name, id, number, lease));
        }
        format!("{said}: {got:?}")
    }

    async fn settle(&mut self, queue: &dyn MessageQueue) -> String {
        if self.leases.is_empty() {
            return "nothing was leased yet".to_owned();
        }
        // Mostly one of the latest, which may be good.
        let reach = if self.random.below(4) == 0 { 100 } else { 6 };
        let back = self.random.below(reach) as usize;
        let (name, id, number, lease) = self.leases[self.leases.len().saturating_sub(1 + back)].clone();
        let good = self.model.is_good(name, &id, number);
        let millis = self.millis();
        let (time, micros) = (Duration::from_millis(millis), (millis * 1_000).cast_signed());
        let now = self.now();
        let (what, done) = match self.random.below(4) {
            0 => ("ack", queue.ack(&lease).await.is_ok()),
            1 => ("extend", queue.extend(&lease, time).await.is_ok()),
            2 => ("retry", queue.retry(&lease, time, "no".to_owned()).await.is_ok()),
            _ => ("reject", queue.reject(&lease, "never".to_owned()).await.is_ok()),
        };
        let said = format!("{what} {id} for {name} with lease {number}, {millis} ms");
        assert_eq!(done, good, "seed {}: {said}", self.seed);
        match what {
            _ if !good => {}
            "ack" => self.model.ack(name, &id),
            "extend" => self.model.extend(name, &id, now + micros),
            "retry" => self.model.retry(name, &id, now + micros),
            _ => self.model.reject(name, &id),
        }
        said
    }

    async fn read_given_up(&mut self, queue: &dyn MessageQueue, name: &'static str) -> String {
        let letters = given_up(queue, name).await;
        self.assert_dead(&letters, name);
        format!("{name} has given up {}", letters.len())
    }

    fn assert_dead(&self, letters: &[DeadLetter], name: &'static str) {
        let found: BTreeSet<String> = letters.iter().map(|letter| letter.message.id.to_string()).collect();
        let wanted: BTreeSet<String> = self.model.dead(name).into_iter().collect();
        assert_eq!(found, wanted, "seed {}: the dead letters of {name}", self.seed);
        assert_eq!(found.len(), letters.len(), "seed {}: {name} has one twice", self.seed);
    }

    async fn decide(&mut self, queue: &dyn MessageQueue, name: &'static str) -> String {
        let letters = letters(queue).await;
        let of_group = letters.into_iter().filter(|letter| letter.group == group(name));
        let letters: Vec<_> = of_group.collect();
        self.assert_dead(&letters, name);
        let Some(letter) = letters.first() else { return format!("{name} has no dead letters") };
        let old = letter.message.id.to_string();
        let (said, decision) = match self.random.below(3) {
            0 => ("replay", DeadLetterDecision::Replay),
            1 => ("discard", DeadLetterDecision::Discard),
            _ => ("edit", DeadLetterDecision::Edit(Box::new(message(&format!("e{old}")).key("k")))),
        };
        let released = self.model.held_behind(self.now(), name, &old);
        let edited = said == "edit";
        let wanted = !edited || self.model.publish_instead(self.now(), &format!("e{old}"), name, &old);
        let done = operating(queue).decide(letter.id.clone(), decision, "ada".to_owned()).await;
        assert_eq!(done.is_ok(), wanted, "seed {}: {said} {old} of {name}: {done:?}", self.seed);
        if let Ok(done) = done {
            assert_eq!(done.released, released, "seed {}: {said} {old} of {name}", self.seed);
        }
        match said {
            "replay" => self.model.replay(name, &old),
            _ if wanted => self.model.ack(name, &old),
            _ => {}
        }
        format!("{said} {old} of {name}")
    }
}

/// Numbers from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}
