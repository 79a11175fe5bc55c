//! The census: of every stored shape it says whether it reaches today's.

use trunkline::{Append, EventStore as _, Expected, MemoryStore, NewEvent, Registered};
use trunkline_ops::census::census;

use crate::world::read;

#[tokio::test]
async fn a_census_counts_what_is_stored_and_finds_what_leads_nowhere() {
    let text = r#"
        [events.Paid]
        version: 2
        schema: { properties: { total: { type: "integer" } }, required: ["total"] }
        upcast: [{ from: 1, steps: [{ rename: { sum: "total" } }] }]
        [events.Gone]
        upcast: [{ from: 1, steps: [{ drop: true }] }]
    "#;
    let memory = MemoryStore::new();
    for (event_type, version, data) in [
        ("Paid", 1, r#"{"sum":1}"#),
        ("Paid", 1, r#"{"by":"ada","sum":1}"#),
        ("Paid", 1, r#"{"sum":2,"by":"max"}"#),
        ("Paid", 1, r#"{"sum":"2"}"#),
        ("Paid", 2, r#"{"total":2}"#),
        ("Paid", 3, "{}"),
        ("Gone", 1, "[]"),
        ("Other", 1, "no JSON"),
        ("Paid", 1, r#"{"sum":"3"}"#),
    ] {
        let event = NewEvent::new(event_type.parse().unwrap(), data);
        let event = NewEvent { schema_version: version, ..event };
        memory.append(Append::to("till-a".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    }
    let file = read(text, &Registered::default());
    let mut heard = 0;
    let census = census(&file.definition, &memory, |at| heard = at.get()).await.unwrap();
    assert_eq!((census.events, census.undecodable, heard), (9, 3, 9));
    let said: Vec<String> = census
        .shapes
        .iter()
        .map(|line| {
            let failed = line.undecodable.as_ref().map_or_else(String::new, |failed| {
                format!(" FAILS {} at {}: {}", failed.count, failed.position, failed.reason)
            });
            let today = line.today.join("+");
            format!(
                "{} {} ({}) x{} from {} -> {today}{failed}",
                line.event_type, line.schema_version, line.shape, line.count, line.first
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "Paid 1 (sum: integer) x1 from 1 -> Paid 2",
            "Paid 1 (by: string, sum: integer) x2 from 2 -> Paid 2",
            "Paid 1 (sum: string) x2 from 4 ->  FAILS 2 at 4: today it would be Paid 2, and is not: total: \"2\" is not of type \"integer\"",
            "Paid 2 (total: integer) x1 from 5 -> Paid 2",
            "Paid 3 () x1 from 6 ->  FAILS 1 at 6: its shape is Paid 3, newer than the present 2 of app.tsk; use the file that stores it so, or say in [events.Paid] what version 3 is",
            "Gone 1 (array) x1 from 7 -> ",
            "Other 1 (no JSON) x1 from 8 -> Other 1",
        ]
    );
}

/// Every rule for data here depends on something else of a value, or on none.
const RULED: &str = r#"
[events.Paid]
version: 3
schema: {
  required: ["total"]
  properties: {
    total: { type: "integer", minimum: 0 }, by: { type: ["string", "null"], minLength: 1 }
    list: { type: "array", minItems: 1, items: { type: "number", exclusiveMinimum: 0 } }
  }
}
upcast: [
  { from: 1, steps: [{ rename: { sum: "total" } }, { move: { who: "by" } }] }
  { from: 2, steps: [{ add: { by: "nobody" } }] }
]

[events.Asked]
version: 2
schema: { properties: { why: { enum: ["a", "b"] }, total: { maximum: 9 } } }
upcast: [{ from: 1, steps: [{ compute: { total: "event.data.sum + 1" } }] }]

[events.Split]
upcast: [{ from: 1, steps: [{ split: [{ type: "Paid", version: 1 }, { type: "Asked", when: "event.data.sum == 1" }] }] }]
"#;

fn value(random: &mut fastrand::Rng, deep: bool) -> String {
    match random.u8(..if deep { 12 } else { 10 }) {
        0 => "0".to_owned(),
        1 => random.i8(-9..12).to_string(),
        2 => ["1.0", "0.5", "-2.50", "0.0", "-0", "1e2", "12345678901234567890123"][random.usize(..7)]
            .to_owned(),
        3 => ["\"\"", "\"a\"", "\"b\"", "\"\\u00e4\"", "\"é\"", "\"\\\\\""][random.usize(..6)].to_owned(),
        4 => "null".to_owned(),
        5 => "true".to_owned(),
        6 => "[]".to_owned(),
        7 => "{}".to_owned(),
        8 | 9 => random.u8(..9).to_string(),
        _ => {
            let items: Vec<String> = (0..random.u8(1..4)).map(|_| value(random, false)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

fn data(random: &mut fastrand::Rng) -> String {
    if random.u8(..20) == 0 {
        return ["", "{", "[1]", "{\"sum\":01}", "\"x\""][random.usize(..5)].to_owned();
    }
    let mut fields = Vec::new();
    // Half of the events have few fields, of the kinds they should have, so that many are of the same shape.
    let plain = random.bool();
    for name in ["sum", "total", "who", "by", "list", "why", "\\u0073um"] {
        if random.u8(..if plain { 5 } else { 3 }) == 0 || (name == "sum" && random.bool()) {
            let value = match name {
                _ if !plain => value(random, true),
                "who" | "by" | "why" => ["\"\"", "\"a\"", "\"c\""][random.usize(..3)].to_owned(),
                "list" => format!("[{}]", random.i8(-9..12)),
                _ => random.i8(-9..12).to_string(),
            };
            fields.push(format!("\"{name}\":{value}"));
        }
    }
    random.shuffle(&mut fields);
    format!("{{{}}}", fields.join(","))
}

#[tokio::test]
async fn a_census_says_of_all_events_what_it_says_of_each() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let file = read(RULED, &Registered::default());
    assert_eq!(file.mistakes().count(), 0);
    let all = MemoryStore::new();
    let mut wanted: Vec<(String, u64, u64)> = Vec::new();
    for _ in 0..6_000 {
        let event_type = ["Paid", "Asked", "Split", "Other"][random.usize(..4)];
        let event = NewEvent::new(event_type.parse().unwrap(), data(&mut random));
        let event = NewEvent { schema_version: random.u32(1..4), ..event };
        let alone = MemoryStore::new();
        for store in [&all, &alone] {
            let append = Append::to("till-a".parse().unwrap(), Expected::Any).event(event.clone());
            store.append(append).await.unwrap();
        }
        let census = census(&file.definition, &alone, |_| ()).await.unwrap();
        let line = &census.shapes[0];
        let named = format!("{} {} {}", line.event_type, line.schema_version, line.shape);
        let at = wanted.iter().position(|(there, ..)| *there == named).unwrap_or_else(|| {
            wanted.push((named, 0, 0));
            wanted.len() - 1
        });
        wanted[at].1 += 1;
        wanted[at].2 += census.undecodable;
    }
    let first = census(&file.definition, &all, |_| ()).await.unwrap();
    let mut failing = 0;
    for (line, (named, count, undecodable)) in first.shapes.iter().zip(&wanted) {
        assert_eq!(
            *named,
            format!("{} {} {}", line.event_type, line.schema_version, line.shape),
            "seed {seed}"
        );
        let failed = line.undecodable.as_ref().map_or(0, |failed| failed.count);
        assert_eq!((line.count, failed), (*count, *undecodable), "seed {seed}: {named}");
        failing += u64::from(failed > 0 && failed < line.count);
    }
    assert_eq!(first.shapes.len(), wanted.len());
    assert!(failing > 10, "of many shapes some reach today's and some don't: {failing}");
    for _ in 0..3 {
        let again = census(&file.definition, &all, |_| ()).await.unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&first).unwrap());
    }
}
