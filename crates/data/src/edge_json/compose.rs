//! Which schema does a training item have that no other item has?
//!
//! Fields of the whole vocabulary and compounds, drawn anew for every item, under any of their names, in any order and
//! case, some in objects and arrays. No such schema can be learned by heart: what is asked for has to be read.

use bantam_core::seed::Rng;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};

use super::tree::{self, Field, FieldNode, Tree};
use super::values::{self, Kind};
use super::vocabulary::{self, Concept};
use crate::capitalized::capitalized;
use crate::item::Level;

/// What whole texts are about.
const WHOLES: &[&str] = &[
    "order|purchase",
    "delivery|parcel",
    "booking|reservation",
    "visit|appointment",
    "inspection|check",
    "repair job|repair",
    "contract|agreement",
    "invoice|bill",
    "application|request",
    "report|summary",
    "shipment|consignment",
    "rental|lease",
    "device|unit",
    "machine|installation",
    "vehicle|car",
    "building|house",
    "event|gathering",
    "course|class",
    "member|customer",
    "employee|worker",
    "patient|case",
    "sample|specimen",
    "experiment|trial",
    "claim|complaint",
    "ticket|request",
    "project|plan",
    "campaign|promotion",
    "farm|field",
    "greenhouse|nursery",
    "warehouse|depot",
    "boat|vessel",
    "flight|trip",
    "tour|excursion",
    "recipe|dish",
    "meeting|call",
    "survey|poll",
    "exhibit|piece",
    "loan|credit",
    "account|profile",
    "server|machine",
    "incident|event",
    "alarm|alert",
    "measurement|reading",
    "transfer|payment",
    "donation|gift",
    "match|game",
    "tournament|cup",
    "library loan|loan",
    "garden|plot",
    "well|borehole",
    "pump|station",
    "turbine|generator",
    "battery pack|battery",
    "antenna|mast",
    "route|line",
    "bridge|crossing",
    "tunnel|shaft",
    "crate|container",
    "lot|batch",
    "audit|review",
    "license|permit",
    "tender|bid",
    "translation|manuscript",
    "episode|broadcast",
    "recording|session",
    "painting|artwork",
    "concert|show",
    "camp|retreat",
    "apartment|flat",
    "shop|store",
    "kiosk|stand",
    "oven|furnace",
    "drone|aircraft",
    "robot|arm",
    "printer|copier",
    "tree|plant",
    "herd|flock",
    "harvest|crop",
    "auction|sale",
    "voucher|coupon",
    "subscription|plan",
    "playlist|mix",
    "dataset|collection",
    "backup|snapshot",
    "release|build",
    "test run|test",
    "shift|duty",
    "crew|team",
    "pet|animal",
    "hive|colony",
];

/// Objects in a whole: property names and what a text calls them.
const PARTS: &[&str] = &[
    "customer|buyer",
    "supplier|vendor",
    "sender",
    "receiver|recipient",
    "driver",
    "vehicle|car",
    "address",
    "site|location",
    "contact|contact person",
    "owner",
    "tenant",
    "workshop|garage",
    "device|unit",
    "engine|motor",
    "network",
    "payment",
    "account",
    "insurance",
    "warranty",
    "schedule|timetable",
    "venue",
    "room",
    "kitchen",
    "garden",
    "warehouse|depot",
    "carrier",
    "package|box",
    "patient",
    "clinic",
    "laboratory|lab",
    "school",
    "teacher|trainer",
    "student|learner",
    "agent",
    "broker",
    "manager",
    "crew",
    "harbor|port",
    "station",
    "route",
    "vessel|boat",
    "cargo|load",
    "tank",
    "pump",
    "controller",
    "sensor",
    "camera",
    "panel",
    "battery",
    "charger",
    "heating",
    "roof",
    "entrance",
    "storage",
    "build",
    "release",
    "server",
    "database",
    "publisher",
    "editor",
    "author",
    "sponsor",
    "client",
    "contractor",
    "budget",
    "permit",
    "license",
    "origin",
    "destination",
    "departure",
    "arrival",
    "weather",
    "soil",
    "field",
    "recipe",
    "menu",
    "guest",
    "host",
    "team",
    "league",
    "referee",
    "artist",
    "gallery",
    "tariff",
];

/// What arrays hold: the property name and one of its objects.
const LISTS: &[(&str, &str)] = &[
    ("items", "item"),
    ("lines", "line"),
    ("positions", "position"),
    ("products", "product|article"),
    ("parcels", "parcel"),
    ("readings", "reading"),
    ("measurements", "measurement"),
    ("samples", "sample"),
    ("results", "result"),
    ("tests", "test"),
    ("steps", "step"),
    ("tasks", "task"),
    ("stops", "stop"),
    ("legs", "leg"),
    ("flights", "flight"),
    ("rooms", "room"),
    ("guests", "guest"),
    ("members", "member"),
    ("employees", "employee"),
    ("vehicles", "vehicle"),
    ("devices", "device"),
    ("sensors", "sensor"),
    ("machines", "machine"),
    ("pumps", "pump"),
    ("tickets", "ticket"),
    ("payments", "payment"),
    ("invoices", "invoice"),
    ("visits", "visit"),
    ("sessions", "session"),
    ("lessons", "lesson"),
    ("exhibits", "exhibit"),
    ("animals", "animal"),
    ("plants", "plant"),
    ("fields", "field"),
    ("crates", "crate"),
    ("pallets", "pallet"),
    ("containers", "container"),
    ("documents", "document"),
    ("pages", "page"),
    ("entries", "entry"),
    ("events", "event"),
    ("alerts", "alert"),
    ("faults", "fault"),
    ("repairs", "repair"),
    ("checks", "check"),
    ("dishes", "dish"),
    ("ingredients", "ingredient"),
    ("players", "player"),
    ("rounds", "round"),
    ("bids", "bid"),
    ("offers", "offer"),
    ("contacts", "contact"),
    ("branches", "branch"),
    ("jobs", "job"),
    ("shifts", "shift"),
    ("records", "record"),
];

/// Composed schemas share at most this of their fields with a held-out schema.
const MOST_LIKENESS: f64 = 0.4;
/// How often fields come from the compounds.
const COMPOUND: f64 = 0.3;
/// How often a field is optional.
const OPTIONAL: f64 = 0.3;

/// A schema of its own for one item.
pub(crate) fn compose(id: String, level: Level, held_out: &[Tree], rng: &mut Rng) -> Tree {
    loop {
        let nouns = WHOLES.choose(rng).copied().unwrap_or("record");
        let mut fields = match level {
            Level::Simple => {
                let count = rng.random_range(2..=6);
                leaves(count, None, rng)
            }
            Level::Medium => {
                nested(rng.random_range(3..=6), rng.random_range(1..=3), usize::from(rng.random_bool(0.2)), false, rng)
            }
            Level::Complex => {
                nested(rng.random_range(4..=7), rng.random_range(1..=3), rng.random_range(1..=2), true, rng)
            }
        };
        tree::change(&mut fields, rng);
        if rng.random_bool(0.45) {
            let case = [camel, camel, camel, pascal, kebab].choose(rng).copied().unwrap_or(camel);
            tree::recase(&mut fields, case);
        }
        let title = nouns.split('|').next().unwrap_or(nouns);
        let tree = Tree { id: id.clone(), level, title, nouns, fields };
        if held_out.iter().all(|t| tree.likeness(t) <= MOST_LIKENESS) {
            return tree;
        }
    }
}

/// `count` leaves that a text can tell apart.
fn leaves(count: usize, around: Option<&str>, rng: &mut Rng) -> Vec<Field> {
    let written: Vec<&'static Concept> = vocabulary::all().collect();
    let mut fields: Vec<Field> = Vec::new();
    let mut chosen: Vec<&'static Concept> = Vec::new();
    while chosen.len() < count {
        let concept =
            if rng.random_bool(COMPOUND) { vocabulary::compounds().choose(rng) } else { written.choose(rng).copied() };
        let Some(concept) = concept else { break };
        let named_as_around = around.is_some_and(|a| concept.is_called(a));
        if named_as_around || chosen.iter().any(|c| c.conflicts(concept)) {
            continue;
        }
        chosen.push(concept);
        let node = FieldNode::Leaf { concept, foreign: true, choices: choices(concept, rng) };
        fields.push(Field { name: concept.key.to_owned(), optional: rng.random_bool(OPTIONAL), node });
    }
    fields
}

/// Some of an enum's values, in any order.
fn choices(concept: &Concept, rng: &mut Rng) -> Vec<usize> {
    if !matches!(concept.kind, Kind::Enum(_)) {
        return Vec::new();
    }
    let mut all: Vec<usize> = (0..values::enum_values(concept.kind).count()).collect();
    all.shuffle(rng);
    all.truncate(rng.random_range(2..=all.len().max(2)));
    all
}

/// Leaves, objects and arrays; with `deep`, an object in an object.
fn nested(own: usize, objects: usize, lists: usize, deep: bool, rng: &mut Rng) -> Vec<Field> {
    let mut fields = leaves(own, None, rng);
    let is_free = |fields: &[Field], name: &str| {
        fields
            .iter()
            .all(|f| f.name != name && !matches!(&f.node, FieldNode::Leaf { concept, .. } if concept.is_called(name)))
    };
    let mut parts: Vec<&'static str> = PARTS.to_vec();
    parts.shuffle(rng);
    for (number, nouns) in parts
        .into_iter()
        .filter(|p| p.split('|').all(|n| is_free(&fields, n)))
        .take(objects)
        .collect::<Vec<_>>()
        .into_iter()
        .enumerate()
    {
        let name = nouns.split('|').next().unwrap_or(nouns);
        let count = rng.random_range(2..=4);
        let mut inner = leaves(count, Some(name), rng);
        if deep && number == 0 {
            let within = ["address", "contact", "details", "manager", "backup", "office"]
                .choose(rng)
                .copied()
                .unwrap_or("details");
            if within != name && is_free(&inner, within) {
                let count = rng.random_range(2..=3);
                let fields = leaves(count, Some(within), rng);
                inner.push(Field {
                    name: within.to_owned(),
                    optional: false,
                    node: FieldNode::Object { nouns: within, fields },
                });
            }
        }
        let name = name.replace(' ', "_");
        fields.push(Field { name, optional: rng.random_bool(0.15), node: FieldNode::Object { nouns, fields: inner } });
    }
    let kinds: Vec<_> = LISTS.sample(rng, lists).copied().collect();
    for (name, nouns) in kinds {
        if is_free(&fields, name) && nouns.split('|').all(|n| is_free(&fields, n)) {
            let count = rng.random_range(2..=4);
            let mut inner = leaves(count, None, rng);
            // Objects of an array keep something that tells them apart.
            inner[0].optional = false;
            fields.push(Field {
                name: name.to_owned(),
                optional: rng.random_bool(0.1),
                node: FieldNode::List { nouns, fields: inner },
            });
        }
    }
    fields
}

fn camel(name: &str) -> String {
    let mut words = values::words(name).into_iter();
    let first = words.next().unwrap_or_default();
    words.fold(first, |out, word| out + &capitalized(&word))
}

fn pascal(name: &str) -> String {
    capitalized(&camel(name))
}

fn kebab(name: &str) -> String {
    values::words(name).join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_core::seed;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_items_have_the_same_schema_and_all_are_valid() {
        let mut seen = BTreeSet::new();
        for i in 0..600 {
            let level = Level::ALL[i % 3];
            let mut rng = seed::rng(5, &format!("compose/{i}"));
            let tree = compose(format!("c{i}"), level, &[], &mut rng);
            let schema = tree.json_schema();
            assert!(jsonschema::draft202012::meta::is_valid(&schema));
            assert!(seen.insert(crate::signature::schema_signature(&schema)), "{i}");
            let range = match level {
                Level::Simple => 2..=6,
                Level::Medium => 5..=22,
                Level::Complex => 8..=30,
            };
            assert!(range.contains(&tree.leaves()), "{level}: {}", tree.leaves());
        }
        let signatures = seen.into_iter().collect::<String>();
        for part in [
            "_",
            "\"",
            ":date",
            ":datetime",
            ":email",
            ":boolean",
            ":integer",
            ":[string]",
            ":[integer]",
            ":[{",
            "?:{",
            "\"|\"",
        ] {
            assert!(signatures.contains(part), "{part}");
        }
    }

    #[test]
    fn names_are_written_in_every_case() {
        let all = |name| [camel(name), pascal(name), kebab(name)];
        assert_eq!(all("net_pay_2"), ["netPay2", "NetPay2", "net-pay-2"]);
        assert_eq!(values::words("netPay-OK now"), ["net", "pay", "ok", "now"]);
    }
}
