//! Which values go with a request for an invented function, and how are they said?

use crate::function_call::words::Kind::{self, Closed, Code, Integer, Minutes, Open, Switch, Time};

/// A value that goes with a request.
pub(super) struct Extra {
    pub(super) name: &'static str,
    pub(super) kinds: &'static [Kind],
    /// What the parameter is called.
    pub(super) names: &'static str,
    /// How it is said at `<t>`, `{}` the value.
    pub(super) phrases: &'static str,
}

const TITLES: Kind = Open(
    "Autumn Lake|Project Falcon|Green House|Team North|Spring Gala|Old Mill|Blue Ridge|Night Owl|Harvest|Winter Trip|Silver Line|Family Reunion|Second Floor|Red Barn|Coastal Route|Alpha|Morning Crew|Copper Field|Big Move|Garden Party|Delta|Lucky Seven|Open Day|River Walk|Summer School|Sunday Best|Tin Whistle|Pilot Run|Long Weekend|Plan B",
);
const PEOPLE: Kind = Open(
    "Greta|Mr. Hansen|Olga Brandt|the caretaker|Pedro|Yara|Aunt Jo|Simon Achter|the night crew|Kenji|Ms. Duarte|Bruno|the supervisor|Ayla Demir|Theo|Helene|my neighbor|Ivan Sokol|Zoe|the intern|Malik|Dora Weiss|the foreman|Nils|Salma",
);
const NOTES: Kind = Open(
    "ask Greta first|before the holidays|urgent|as agreed|smells odd|second try|after the storm|on request|too loud|test run|see the manual|guests are coming|for the audit|new part fitted|was stuck|noticed a leak|done twice|old batteries|for safety|just in case",
);
const AREAS: Kind = Open(
    "bay 4|the north yard|dock 2|the east wing|the depot|row 11|the quarry|hangar 6|the greenhouse|lot C|the upper deck|gate 9|the south field|station 12|the tool shed|platform 3|the silo yard|ramp 5|the main hall|the test track",
);
pub(super) const PERCENT: Kind = Integer(5, 100, 5, "{n} percent|{n}%|{n} %|{n} per cent");

const fn extra(name: &'static str, kinds: &'static [Kind], names: &'static str, phrases: &'static str) -> Extra {
    Extra { name, kinds, names, phrases }
}

/// Values that go with a request; those of durations have names with "minutes", "duration" or "length".
pub(super) const EXTRAS: &[Extra] = &[
    extra(
        "minutes",
        &[Minutes],
        "minutes|duration|duration_minutes|run_minutes|length_minutes|max_duration",
        " for {}|, for {}",
    ),
    extra("time", &[Time], "time|at|start_time|when|clock|begin", " at {}|, at {}"),
    extra(
        "day",
        &[
            Closed(
                "monday=Monday|tuesday=Tuesday|wednesday=Wednesday|thursday=Thursday|friday=Friday|saturday=Saturday|sunday=Sunday",
            ),
            Closed("mon=Monday|tue=Tuesday|wed=Wednesday|thu=Thursday|fri=Friday|sat=Saturday|sun=Sunday"),
        ],
        "day|weekday|on|date|on_day",
        " on {}",
    ),
    extra("level", &[PERCENT], "percent|level|position|amount|degree|extent", " to {}|, to {}"),
    extra("power", &[PERCENT], "power|intensity|strength|output|load", " at {} power|, {} power"),
    extra(
        "mode",
        &[
            Closed("eco|normal=standard|turbo"),
            Closed("gentle=soft|regular|intense=strong"),
            Closed("day|night|party"),
            Closed("quick=express|full=complete"),
            Closed("manual|automatic=auto"),
            Closed("indoor|outdoor|mixed"),
            Closed("alpha|beta"),
        ],
        "mode|program|profile|setting|preset|cycle",
        " in {} mode|, {} mode|, mode {}",
    ),
    extra(
        "speed",
        &[Closed("slow|normal=medium|fast=high"), Closed("low=slow|high=fast"), PERCENT],
        "speed|pace|velocity|rate",
        " at {} speed|, {} speed",
    ),
    extra(
        "delay",
        &[Integer(5, 90, 5, "{n} seconds|{n} sec|{n} s")],
        "delay|delay_s|wait|wait_seconds|after",
        " after {}|, but wait {} first",
    ),
    extra("times", &[Integer(2, 9, 1, "{n} times|{n} rounds")], "times|repeat|rounds|cycles|count", ", {}"),
    extra("points", &[Integer(2, 9, 1, "{n} points")], "points|steps|samples", " with {}|, using {}"),
    extra("count", &[Integer(2, 50, 1, "{n}")], "limit|count|most|max_results", ", no more than {}|, {} at most"),
    extra("copies", &[Integer(2, 40, 1, "{n} copies|{n} pieces")], "copies|count|quantity|number", ", {}"),
    extra(
        "load",
        &[Integer(20, 900, 10, "{n} kg|{n} kilograms")],
        "load|weight|load_kg|cargo",
        " with a load of {}|, carrying {}",
    ),
    extra("person", &[PEOPLE], "person|for_whom|user|requester|operator", " for {}|, {} asked for it"),
    extra("note", &[NOTES], "note|comment|reason|remark|memo", " with the note {}|, comment {}|, remark {}"),
    extra("quiet", &[Switch("on", "off")], "sound|beep|with_sound|audible", " with the sound {}|, sound {}"),
    extra(
        "color_print",
        &[Switch("in color|colored", "in black and white|without color")],
        "color|in_color|colored",
        " {}|, {}",
    ),
    extra("pin", &[Code("####"), Code("@###")], "pin|code|password|passcode|key", " with code {}|, the code is {}"),
    extra(
        "volume",
        &[Integer(5, 400, 5, "{n} liters|{n} l|{n} litres"), PERCENT],
        "volume|amount|target|up_to|quantity",
        " to {}|, up to {}",
    ),
    extra("area", &[AREAS], "destination|to|target|to_area|move_to", " to {}|, over to {}"),
    extra("title", &[TITLES], "title|name|label|which|entry", " {}| called {}"),
    extra("called", &[TITLES], "title|name|label|heading", " called {}| named {}"),
    extra("new_title", &[TITLES], "new_title|new_name|to|rename_to|title_after", " to {}|, the new name is {}"),
    extra("recipient", &[PEOPLE], "recipient|person|contact|to|with|user", " to {}|, it goes to {}"),
    extra("from_time", &[Time], "start|from|begin|start_time|from_time", " from {}"),
    extra("until_time", &[Time], "end|until|to|end_time|stop_time", " until {}|, ending at {}"),
    extra("from_place", &[AREAS], "origin|from|source|start|from_place", " from {}"),
    extra("to_place", &[AREAS], "destination|to|target|end|to_place", " to {}"),
];

/// Extras that are two values of a kind.
pub(super) const PAIRS: &[(&str, [&str; 2])] =
    &[("span", ["from_time", "until_time"]), ("route", ["from_place", "to_place"])];

/// What says which one of several things is meant, by domain.
pub(super) struct Which {
    pub(super) domains: &'static str,
    pub(super) kind: Kind,
    pub(super) names: &'static str,
    /// How it is said after the thing, `{}` the value; empty where it is said before alone.
    pub(super) after: &'static str,
    /// Whether it may stand before the thing.
    pub(super) before: bool,
    /// How it is said after a property.
    pub(super) apart: &'static str,
}

const fn which(
    domains: &'static str,
    kind: Kind,
    names: &'static str,
    after: &'static str,
    before: bool,
    apart: &'static str,
) -> Which {
    Which { domains, kind, names, after, before, apart }
}

pub(super) const WHICH: &[Which] = &[
    which(
        "home",
        Open(
            "kitchen|hobby room|winter garden|bathroom|attic|annex|office|garage|playroom|basement|dining room|guest room|storeroom|library|tea room|study|cottage|pantry|pool house|gallery|bedroom|den|pavilion|workshop|porch",
        ),
        "room|location|place|where|area",
        " in the {}",
        true,
        " in the {}",
    ),
    which(
        "home",
        Open("left|upper|small|old|big|white|corner|second|wooden|new|right|lower|round|blue|spare"),
        "which|name|selector|one",
        "",
        true,
        " of the {} one",
    ),
    which("vehicle", Closed("front|rear=back"), "position|which|side", "", true, " of the {} one"),
    which(
        "vehicle",
        Closed("left=driver side|right=passenger side"),
        "side|position|which",
        " on the {}",
        false,
        " on the {}",
    ),
    which("wearable", PEOPLE, "person|wearer|user|owner|profile", " of {}", false, " of {}"),
    which("industrial", AREAS, "area|location|zone|section|place", " in {}", false, " in {}"),
    which("industrial", Code("@-##"), "id|unit|number|tag|device", " {}", false, " on {}"),
    which(
        "industrial home",
        Integer(1, 20, 1, "{n}|number {n}"),
        "number|no|unit|index|id",
        " {}",
        false,
        " on unit {}",
    ),
    which("industrial", Code("@@###"), "id|serial|asset|unit|tag", " {}", false, " on {}"),
];
