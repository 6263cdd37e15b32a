//! Which things are invented functions about, and which properties have they?

use super::values::PERCENT;
use crate::function_call::words::Kind::{self, Closed, Decimal, Integer, Minutes};

/// A thing that functions are about. No word of it names a device of the catalogue.
pub(super) struct Noun {
    pub(super) domain: &'static str,
    /// What it is called; the first is in the function's name.
    pub(super) says: &'static str,
    /// What can be done to it: what `verbs` names as `of`.
    pub(super) traits: &'static str,
    /// Names of [`PROPERTIES`], `_` for spaces.
    pub(super) properties: &'static str,
}

/// What a thing has that can be set and read.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) kinds: &'static [Kind],
    pub(super) names: &'static str,
}

const fn noun(domain: &'static str, says: &'static str, traits: &'static str, properties: &'static str) -> Noun {
    Noun { domain, says, traits, properties }
}

pub(super) const NOUNS: &[Noun] = &[
    noun("home", "awning|sun sail", "fold upkeep", "angle"),
    noun("home", "skylight|roof pane", "open lock", "angle"),
    noun("home", "curtain|drape", "open", ""),
    noun("home", "hatch|loft hatch", "open lock", ""),
    noun("home", "cat flap|pet flap", "open lock", ""),
    noun("home", "fireplace|hearth", "run upkeep", "temperature power"),
    noun("home", "sauna|steam bath", "run", "temperature humidity"),
    noun("home", "whirlpool|hot tub", "run fill upkeep", "temperature jets"),
    noun("home", "bathtub|tub", "fill", "temperature"),
    noun("home", "aquarium|fish bowl", "fill upkeep", "temperature acidity"),
    noun("home", "terrarium|reptile house", "upkeep", "temperature humidity"),
    noun("home", "humidifier|mister", "run fill", "humidity power"),
    noun("home", "dehumidifier|dryer", "run empty", "humidity power"),
    noun("home", "dishwasher|plate washer", "run upkeep", "temperature"),
    noun("home", "espresso maker|coffee brewer", "run fill upkeep", "temperature pressure"),
    noun("home", "kettle|boiling pot", "run fill", "temperature"),
    noun("home", "toaster|bread toaster", "run", "power"),
    noun("home", "ice maker|cube freezer", "run fill", "power"),
    noun("home", "freezer|deep freezer", "lock", "temperature"),
    noun("home", "wine cooler|wine cabinet", "lock", "temperature humidity"),
    noun("home", "pet feeder|food dispenser", "run fill", "portion interval"),
    noun("home", "fountain|waterworks", "run", "height flow"),
    noun("home", "bird bath|bird basin", "fill upkeep", "temperature"),
    noun("home", "lawn mower|mower", "run upkeep", "cutting_height speed"),
    noun("home", "standing desk|desk", "lift", "height"),
    noun("home", "hospital bed|care bed", "lift", "height angle"),
    noun("home", "projection screen|canvas", "lift", "height"),
    noun("home", "lantern|torch", "run", "flicker power"),
    noun("home", "safe|strongbox", "open lock", ""),
    noun("home", "mailbox flap|letter slot", "lock", ""),
    noun("home", "aroma diffuser|diffuser", "run fill", "power interval"),
    noun("home", "massage chair|massager", "run lift", "power angle"),
    noun("vehicle", "sunroof|glass roof", "open", "angle"),
    noun("vehicle", "tow bar|trailer hitch", "fold lock", ""),
    noun("vehicle", "side mirror|wing mirror", "fold", "angle"),
    noun("vehicle", "loading ramp|ramp", "fold", "angle"),
    noun("vehicle", "spoiler|rear wing", "lift", "angle"),
    noun("vehicle", "fuel flap|filler cap", "open lock", ""),
    noun("vehicle", "glove box|glove compartment", "open lock", ""),
    noun("vehicle", "winch|cable winch", "run upkeep", "speed force"),
    noun("vehicle", "air suspension|suspension", "lift reset", "height pressure"),
    noun("vehicle", "dash cam|dashboard recorder", "run reset", "sensitivity"),
    noun("vehicle", "bike rack|bicycle carrier", "fold lock", ""),
    noun("vehicle", "camper roof|pop top", "lift lock", ""),
    noun("vehicle", "fridge box|cool box", "run lock", "temperature"),
    noun("vehicle", "parking heater|auxiliary heater", "run", "temperature"),
    noun("vehicle", "steering wheel|wheel", "upkeep", "height stiffness"),
    noun("vehicle", "head-up display|driver projection", "run reset", "height"),
    noun("wearable", "metronome|beat clicker", "run", "tempo"),
    noun("wearable", "compass|direction finder", "upkeep", "declination"),
    noun("wearable", "altimeter|height meter", "upkeep", "reference_height"),
    noun("wearable", "glucose meter|sugar meter", "run upkeep", "interval"),
    noun("wearable", "hearing aid|ear piece", "run reset", "gain"),
    noun("wearable", "posture coach|back coach", "run reset", "sensitivity interval"),
    noun("wearable", "noise meter|sound meter", "run upkeep", "sensitivity"),
    noun("wearable", "fall detector|fall guard", "run reset", "sensitivity"),
    noun("wearable", "interval trainer|lap trainer", "run reset", "tempo"),
    noun("wearable", "dive computer|dive monitor", "run upkeep", "depth"),
    noun("industrial", "centrifuge|spinner", "run upkeep lock", "rotation temperature"),
    noun("industrial", "kiln|brick kiln", "run upkeep open", "temperature"),
    noun("industrial", "hoist|chain hoist", "lift upkeep", "speed load_limit"),
    noun("industrial", "gantry|bridge crane", "lift move", "speed load_limit"),
    noun("industrial", "compressor|air compressor", "run upkeep", "pressure rotation"),
    noun("industrial", "boiler|steam boiler", "run upkeep fill", "pressure temperature"),
    noun("industrial", "chiller|cooling unit", "run upkeep", "temperature flow"),
    noun("industrial", "mixer|agitator", "run upkeep empty", "rotation"),
    noun("industrial", "hopper|feed bin", "open fill", "flow"),
    noun("industrial", "silo|grain bin", "open fill lock", "humidity"),
    noun("industrial", "lathe|turning bench", "run upkeep lock", "rotation feed"),
    noun("industrial", "drill press|bench drill", "run upkeep", "rotation depth"),
    noun("industrial", "paint booth|spray chamber", "run upkeep lock", "pressure humidity"),
    noun("industrial", "laser cutter|laser", "run upkeep lock", "power feed"),
    noun("industrial", "damper|air flap", "open upkeep", "angle"),
    noun("industrial", "sluice|flood gate", "open lift", "height flow"),
    noun("industrial", "forklift|fork truck", "move upkeep", "speed load_limit"),
    noun("industrial", "drone|copter", "move run upkeep", "speed height"),
    noun("industrial", "shuttle|cart", "move lock", "speed"),
    noun("industrial", "turntable|rotary table", "run lock", "angle rotation"),
    noun("industrial", "incubator|growth chamber", "run open", "temperature humidity"),
    noun("industrial", "wind turbine|turbine", "run lock upkeep", "pitch rotation"),
    noun("industrial", "generator|power generator", "run upkeep", "voltage power"),
    noun("industrial", "scrubber|gas washer", "run upkeep fill", "flow acidity"),
    noun("home", "slideshow|picture show", "record", ""),
    noun("home", "chore plan|cleaning rota", "record", ""),
    noun("home", "photo album|picture book", "record", ""),
    noun("home", "guest pass|visitor pass", "record", ""),
    noun("vehicle", "trip log|logbook", "record", ""),
    noun("vehicle", "parking permit|parking pass", "record", ""),
    noun("vehicle", "expense claim|expense sheet", "record", ""),
    noun("vehicle", "toll receipt|road bill", "record", ""),
    noun("wearable", "meal diary|food diary", "record", ""),
    noun("wearable", "training plan|exercise plan", "record", ""),
    noun("wearable", "voice memo|dictation", "record", ""),
    noun("wearable", "ticket|admission ticket", "record", ""),
    noun("wearable", "habit|daily habit", "record", ""),
    noun("industrial", "inspection sheet|audit form", "record", ""),
    noun("industrial", "shift roster|duty roster", "record", ""),
    noun("industrial", "supply request|purchase request", "record", ""),
    noun("industrial", "parts catalog|parts index", "record", ""),
    noun("industrial", "quality certificate|test certificate", "record", ""),
];

/// Devices of the catalogue, for what no function of it does: only where none of the functions with this word in their names is
/// held out.
pub(super) const SHARED_NOUNS: &[Noun] = &[
    noun("home", "vacuum", "care", ""),
    noun("home", "oven", "care", ""),
    noun("home", "thermostat", "care", ""),
    noun("vehicle", "trunk", "care", ""),
    noun("industrial", "pump", "care", ""),
    noun("industrial", "valve", "care", ""),
    noun("industrial", "conveyor", "care", ""),
    noun("industrial", "furnace", "care", ""),
    noun("industrial", "tank", "care", ""),
];

const fn property(name: &'static str, kinds: &'static [Kind], names: &'static str) -> Property {
    Property { name, kinds, names }
}

pub(super) const PROPERTIES: &[Property] = &[
    property(
        "temperature",
        &[
            Integer(4, 95, 1, "{n} degrees|{n} °C|{n}°|{n} degrees celsius"),
            Decimal(1, 40, 900, 5, "{n} degrees|{n} °C"),
        ],
        "temperature|temp|degrees|celsius|temp_c",
    ),
    property("humidity", &[PERCENT], "humidity|percent|moisture|rh"),
    property("power", &[PERCENT, Integer(100, 3000, 50, "{n} watts|{n} W")], "power|output|level|load"),
    property(
        "pressure",
        &[Decimal(1, 5, 160, 1, "{n} bar"), Integer(10, 900, 10, "{n} kPa|{n} kilopascal")],
        "pressure|bar|pressure_set|p",
    ),
    property("jets", &[Integer(1, 9, 1, "{n}|level {n}")], "jets|jet_level|stage"),
    property("acidity", &[Decimal(1, 40, 90, 1, "{n}|pH {n}")], "acidity|ph|ph_value"),
    property("angle", &[Integer(5, 90, 5, "{n} degrees|{n}°")], "angle|tilt|degrees|inclination"),
    property("pitch", &[Integer(2, 30, 1, "{n} degrees|{n}°")], "pitch|angle|degrees"),
    property(
        "height",
        &[Integer(20, 190, 1, "{n} centimeters|{n} cm"), Decimal(2, 20, 250, 5, "{n} meters|{n} m")],
        "height|height_cm|level|elevation",
    ),
    property(
        "cutting height",
        &[Integer(20, 90, 5, "{n} millimeters|{n} mm")],
        "cutting_height|height_mm|blade_height",
    ),
    property("reference height", &[Integer(10, 3000, 10, "{n} meters|{n} m")], "reference|altitude|meters"),
    property(
        "depth",
        &[Decimal(1, 10, 400, 5, "{n} meters|{n} m"), Integer(2, 120, 1, "{n} millimeters|{n} mm")],
        "depth|max_depth|deep",
    ),
    property("flow", &[Integer(5, 300, 5, "{n} liters per minute|{n} l/min")], "flow|flow_rate|lpm|rate"),
    property("speed", &[PERCENT, Decimal(1, 2, 60, 1, "{n} meters per second|{n} m/s")], "speed|velocity|rate|pace"),
    property("rotation", &[Integer(50, 6000, 50, "{n} rpm|{n} turns per minute")], "rotation|rpm|turns|revolutions"),
    property("feed", &[Integer(5, 800, 5, "{n} millimeters per minute|{n} mm/min")], "feed|feed_rate|advance"),
    property("force", &[Integer(100, 4000, 50, "{n} newtons|{n} N")], "force|pull|newtons"),
    property("load limit", &[Integer(100, 5000, 50, "{n} kg|{n} kilograms")], "load_limit|max_load|capacity|kg"),
    property("voltage", &[Integer(12, 400, 1, "{n} volts|{n} V")], "voltage|volts|u"),
    property("portion", &[Integer(10, 300, 5, "{n} grams|{n} g")], "portion|grams|serving|amount"),
    property("interval", &[Minutes], "interval_minutes|minutes|period_length|every_minutes"),
    property("flicker", &[Closed("none|gentle=soft|wild=strong")], "flicker|effect|flicker_style"),
    property(
        "sensitivity",
        &[Closed("low|medium=normal|high"), Integer(1, 10, 1, "{n}|level {n}")],
        "sensitivity|level|threshold",
    ),
    property("stiffness", &[Closed("soft|medium=normal|firm=hard")], "stiffness|feel|firmness"),
    property("tempo", &[Integer(40, 220, 2, "{n} bpm|{n} beats per minute")], "tempo|bpm|beats|rate"),
    property("declination", &[Decimal(1, 5, 200, 1, "{n} degrees|{n}°")], "declination|offset|degrees"),
    property("gain", &[Integer(1, 40, 1, "{n} decibels|{n} dB")], "gain|db|amplification|level"),
];
