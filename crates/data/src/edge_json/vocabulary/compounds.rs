//! Which fields are a qualifier and a head: `renewal_date`, `tank_temperature`, `night_manager`, `seal_broken`?
//!
//! Two thousand of them, so that what a schema asks for has to be read in the schema and looked for in the text. Only
//! training items on schemas of their own have them, and distractors of every split.

use std::sync::LazyLock;

use super::super::values::{Kind, Kind::*};
use super::{Concept, Family};

/// A head with what may stand before it.
struct Head {
    /// The last words of the property name.
    key: &'static str,
    /// The qualifier stands at `*` or else before the label.
    labels: &'static str,
    kinds: &'static [Kind],
    qualifiers: &'static str,
}

const fn h(key: &'static str, labels: &'static str, kinds: &'static [Kind], qualifiers: &'static str) -> Head {
    Head { key, labels, kinds, qualifiers }
}

const ROLES: &str = "site|night|regional|technical|billing|deputy|project|account|field|safety|shift|training|local|second|emergency|sales|press|stage|evening|harbor|yard|stock|quality|guest|union|spare";
const DAYS: &str = "inspection|renewal|review|payment|expiry|closing|opening|launch|shipping|return|pickup|test|signing|installation|cleaning|hearing|audit|calibration|harvest|repair|refill|moving|handover|sampling|replacement|briefing|rehearsal|departure|survey|billing";
const SUMS: &str = "base|extra|monthly|annual|shipping|handling|cleaning|late|entry|repair|rental|security|service|estimated|final|advance|material|labour|parking|storage|travel|training|energy|packing|exchange|setup|guest|winter";
const COUNTS: &str = "chair|pallet|visitor|error|seat|page|box|bottle|employee|vehicle|parcel|call|click|order|bed|tree|window|cable|sample|sheet|key|helmet|tile|battery|lamp|bag|crate|locker|badge|tool";
const PARTS: &str = "tank|cabin|water|air|oil|ceiling|engine|outlet|inlet|pump|roof|surface|core|motor|boiler|outdoor|freezer|sample|cellar|rear|front|upper|lower|inner|outer|left|right|max|min|average";
const IDS: &str = "batch|lot|shelf|locker|badge|contract|quote|case|asset|docket|voucher|gate|bay|trailer|tool|part|drawer|member|visit|scan|pallet|folder|crate|pump|panel|session|backup|container|machine|survey|letter|license|kit|rack|route";
const PLACES: &str = "home|branch|destination|storage|billing|pickup|return|office|event|transit|service|loading|meeting|head|summer|field|night|spare";
const TEXTS: &str = "short|internal|public|driver|closing|safety|opening|repair|cleaning|quality|travel|kitchen|audit|storage|inspector|weather|delivery|night";
const KINDS: &str = "door|user|tariff|engine|filter|backup|alert|access|display|valve|cable|fence|pump|lease|ticket|sensor|tyre|roof|heating|packing|loan|screen|seal|crop|fabric|machine|vessel|lock|window|trip";

const LISTS: &[Kind] = &[
    Enum("small|medium|large|extra_large"),
    Enum("manual|automatic|remote"),
    Enum("bronze|silver|gold|platinum"),
    Enum("draft|in_review|accepted|rejected"),
    Enum("weekly|monthly|quarterly|yearly"),
    Enum("new|used|refurbished|damaged"),
    Enum("indoor|outdoor|mixed"),
    Enum("idle|running|paused|stopped|failed"),
    Enum("north|east|south|west"),
    Enum("wood|metal|plastic|glass"),
    Enum("private|shared|public_use"),
    Enum("light|standard|heavy_duty"),
    Enum("morning|afternoon|evening|night"),
    Enum("active|inactive|blocked|on_trial"),
    Enum("red|amber|green"),
    Enum("road|rail|sea|air_freight"),
    Enum("beginner|intermediate|expert"),
    Enum("raw|filtered|verified"),
    Enum("queued|sent|bounced|opened"),
    Enum("round|square|oval"),
    Enum("A1|B2|C3|D4"),
    Enum("full|partial|none_at_all"),
    Enum("single_phase|three_phase|direct_current"),
    Enum("left_bank|right_bank|island"),
];

const MATERIALS: &str = "oak|brass|linen|granite|nylon|cork|zinc|felt|slate|hemp|resin|bamboo|titanium|velvet|clay|copper|rubber|wool|basalt|teak";
const WORDS: &str = "alpha|harvest|comet|juniper|anchor|lantern|meadow|falcon|copper|ribbon|glacier|saffron|pepper|willow|marble|thunder|orchid|timber|velvet|beacon|cobalt|drift|ember|fable|grove|hazel|ivory|jasper|kelp|lotus";
const TOOLS: &str = "hammer|ladder|gloves|wrench|torch|rope|drill|bucket|tape|brush|saw|pliers|chisel|level|clamp|shovel|funnel|hose|goggles|cart";

static HEADS: &[Head] = &[
    h("contact", "contact|contact person", &[Person], ROLES),
    h("manager", "manager", &[Person], ROLES),
    h("inspector", "inspector", &[Person], ROLES),
    h("coordinator", "coordinator", &[Person], ROLES),
    h("assistant", "assistant", &[Person], ROLES),
    h("officer", "officer", &[Person, Person, Username], ROLES),
    h("email", "e-mail|e-mail address|email", &[Email], ROLES),
    h("phone", "phone|phone number|telephone", &[Phone], ROLES),
    h("date", "date|date of *", &[Date(-60, 90)], DAYS),
    h("deadline", "deadline", &[Date(5, 90)], DAYS),
    h("time", "time", &[Time], DAYS),
    h("timestamp", "timestamp", &[DateTime], DAYS),
    h("price", "price", &[Money(2, 900)], SUMS),
    h("cost", "cost|costs", &[Money(5, 9000)], SUMS),
    h("fee", "fee", &[Money(2, 500)], SUMS),
    h("budget", "budget", &[Money(500, 90000)], SUMS),
    h("deposit", "deposit", &[Money(20, 3000)], SUMS),
    h("discount", "discount", &[Money(2, 300)], SUMS),
    h("count", "count|tally", &[Int(2, 400, ""), Int(3, 4000, "")], COUNTS),
    h("total", "total", &[Int(10, 20000, "")], COUNTS),
    h("limit", "limit", &[Int(2, 500, "")], COUNTS),
    h("temperature", "temperature", &[Decimal(-250, 1800, 1, "°C|degrees")], PARTS),
    h("pressure", "pressure", &[Decimal(5, 180, 1, "bar")], PARTS),
    h("speed", "speed", &[Int(2, 320, "km/h"), Int(100, 9000, "rpm")], PARTS),
    h("weight_kg", "weight", &[Decimal(5, 9000, 1, "kg|kilograms")], PARTS),
    h("length_cm", "length", &[Int(3, 900, "cm|centimetres")], PARTS),
    h("width_mm", "width", &[Int(3, 900, "mm|millimetres")], PARTS),
    h("height_m", "height", &[Decimal(15, 900, 2, "m|metres")], PARTS),
    h("volume_l", "volume", &[Int(2, 900, "litres"), Decimal(5, 900, 1, "litres")], PARTS),
    h("voltage", "voltage", &[Int(5, 400, "V|volts")], PARTS),
    h("power_kw", "power", &[Decimal(5, 900, 1, "kW")], PARTS),
    h("level_percent", "level", &[Int(2, 100, "%|percent")], PARTS),
    h("score", "score", &[Decimal(10, 99, 1, ""), Int(2, 100, "points")], DAYS),
    h("duration_min", "duration", &[Int(3, 600, "minutes|min")], DAYS),
    h("distance_km", "distance", &[Decimal(5, 9000, 1, "km|kilometres")], PLACES),
    h("id", "ID|id number", &[Code("@@-####|@####|###-@@|@@@#####|%%%%%%|##-##-##"), Uuid], IDS),
    h("code", "code", &[Code("@#@#|@@##|####|@@@-@@@|#@##-@|@#.##"), Code("######|##-###")], IDS),
    h("number", "number|no.", &[Code("#####|##/###|@-####|#####-#|@@ ###|####.##"), Code("#######|N####")], IDS),
    h("reference", "reference|ref.", &[Code("REF-####|@@/####|%%%%-%%%%|###@@#"), Code("@@@@##|R.####")], IDS),
    h("address", "address", &[Street], PLACES),
    h("city", "city|town", &[City], PLACES),
    h("company", "company|firm", &[Company], PLACES),
    h("url", "link|web page", &[Url], PLACES),
    h("note", "note|remark", &[Text], TEXTS),
    h("comment", "comment", &[Text], TEXTS),
    h("title", "title", &[Title], TEXTS),
    h("keyword", "keyword", &[Pick(WORDS)], TEXTS),
    h("tools", "tools", &[Many(TOOLS)], TEXTS),
    h("type", "type|kind", LISTS, KINDS),
    h("status", "status|state", LISTS, KINDS),
    h("mode", "mode", LISTS, KINDS),
    h("class", "class|category", LISTS, KINDS),
    h("material", "material", &[Pick(MATERIALS)], KINDS),
    h("model", "model", &[Code("@@ ##|@-###|@@@ #|X##@"), Product], KINDS),
    h("version", "version", &[Version], KINDS),
    h("colors", "colours|colors", &[Many("black|white|red|green|navy|grey|beige|orange|purple|yellow|brown")], KINDS),
    h("readings", "readings", &[Series(2, 900)], PARTS),
    h("shelves", "shelves|shelf numbers", &[Series(1, 60)], PLACES),
];

/// Things and what may be said of them.
const STATES: &[(&str, &str)] = &[
    ("seal|crate|lid|window|cover|screen|glass|frame|lock", "broken|replaced|cleaned|scratched|checked"),
    ("form|contract|waiver|receipt|statement|lease|offer", "signed|attached|archived|translated|stamped"),
    ("deposit|invoice|fine|bonus|refund|ferry|toll", "paid|waived|disputed|approved"),
    ("alarm|heating|backup|filter|pump|camera|sprinkler|lighting", "enabled|tested|serviced|connected"),
    ("manual|battery|charger|adapter|breakfast|insurance|towel|helmet", "included|provided|required"),
    ("identity|address|licence|membership|recipe|diet|plan", "verified|confirmed|renewed|accepted"),
    ("floor|roof|engine|brake|tyre|cable|pipe|valve", "inspected|repaired|insulated|painted|leaking"),
];

static COMPOUNDS: LazyLock<Vec<Concept>> = LazyLock::new(|| {
    let mut out = Vec::new();
    for (n, head) in HEADS.iter().enumerate() {
        for (i, qualifier) in head.qualifiers.split('|').enumerate() {
            let label = |l: &str| if l.contains('*') { l.replace('*', qualifier) } else { format!("{qualifier} {l}") };
            let labels: Vec<String> = head.labels.split('|').map(label).collect();
            let kind = head.kinds[(i * 7 + n) % head.kinds.len()];
            out.push(compound(&format!("{qualifier}_{}", head.key), kind, &labels, Family::Compound));
        }
    }
    for (things, states) in STATES {
        for thing in things.split('|') {
            for state in states.split('|') {
                let labels = [format!("{thing} {state}")];
                out.push(compound(&format!("{thing}_{state}"), Bool, &labels, Family::State));
            }
        }
    }
    out
});

fn compound(key: &str, kind: Kind, labels: &[String], family: Family) -> Concept {
    let mut also: Vec<String> =
        labels.iter().map(|l| l.to_lowercase().replace([' ', '-'], "_").replace('.', "")).collect();
    also.retain(|n| n != key);
    if family == Family::State {
        also.push(format!("is_{key}"));
    }
    Concept {
        key: kept(key.to_owned()),
        kind,
        also: kept(also.join("|")),
        labels: kept(labels.join("|")),
        says: "",
        frags: "",
        family,
    }
}

/// The table is made once and lives as long as the program.
fn kept(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// Every compound.
pub(crate) fn all() -> &'static [Concept] {
    &COMPOUNDS
}

#[cfg(test)]
mod tests {
    use super::super::super::values;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn compounds_are_many_and_well_formed() {
        let keys: BTreeSet<_> = all().iter().map(|c| c.key).collect();
        assert_eq!(keys.len(), all().len(), "a key is made twice");
        assert!(all().len() > 1_500, "{}", all().len());
        let schemas: BTreeSet<String> = all().iter().map(|c| values::schema(c.kind, &[]).to_string()).collect();
        assert!(schemas.len() > 30, "{}", schemas.len());
        for c in all() {
            for name in c.also.split('|').filter(|n| !n.is_empty()).chain([c.key]) {
                assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{name}");
            }
            assert!(c.family != Family::State || c.labels.split_once(' ').is_some(), "{}", c.labels);
        }
    }
}
