//! Which words are invented functions made of: things, what is done to them, their properties, and what goes with a request?
//!
//! In a frame `<n>` is the thing with the value that says which one, `<c>` the thing alone, `<a>` the thing after "a" or "an",
//! `<s>` many of them, `<l>` the value that says which one, `<p>` the property, `<v>` the place of the verb's first value,
//! `<w>` of its second, `<x>` of the first with nothing before it, `<o>` of the first as a bound, and `<t>` whatever else is
//! said. The rest is a template's syntax.

use crate::function_call::words::Kind::{self, Closed, Code, Decimal, Integer, Minutes, Open, Switch, Time};

/// A thing that functions are about. No word of it names a device of the catalogue.
pub(super) struct Noun {
    pub(super) domain: &'static str,
    /// What it is called; the first is in the function's name.
    pub(super) says: &'static str,
    /// What can be done to it: names of [`VERBS`]' traits.
    pub(super) traits: &'static str,
    /// Names of [`PROPERTIES`].
    pub(super) properties: &'static str,
}

/// Something that is done.
pub(super) struct Verb {
    /// The meaning, the same for all its words: no two verbs have a word in common that could be said of the same thing.
    pub(super) meaning: &'static str,
    pub(super) of: &'static str,
    /// Patterns of names: `<n>` the thing, `<p>` the property.
    pub(super) names: &'static str,
    pub(super) frames: &'static str,
    /// Values at `<v>` and `<w>`, by [`EXTRAS`]' names; `property` is the property's value. Required but for those with a `?`.
    pub(super) values: &'static str,
    /// Values that may be at `<t>`, by [`EXTRAS`]' names.
    pub(super) extras: &'static str,
}

/// A value that goes with a request.
pub(super) struct Extra {
    pub(super) name: &'static str,
    pub(super) kinds: &'static [Kind],
    /// What the parameter is called.
    pub(super) names: &'static str,
    /// How it is said at `<t>`, `{}` the value.
    pub(super) phrases: &'static str,
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
    noun("home", "dishwasher|dish machine", "run upkeep", "temperature"),
    noun("home", "espresso maker|coffee machine", "run fill upkeep", "temperature pressure"),
    noun("home", "kettle|boiling pot", "run fill", "temperature"),
    noun("home", "toaster|bread toaster", "run", "power"),
    noun("home", "ice maker|ice machine", "run fill", "power"),
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
    noun("industrial", "paint booth|spray cabin", "run upkeep lock", "pressure humidity"),
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

const fn verb(
    [meaning, of]: [&'static str; 2],
    names: &'static str,
    frames: &'static str,
    values: &'static str,
    extras: &'static str,
) -> Verb {
    Verb { meaning, of, names, frames, values, extras }
}

pub(super) const VERBS: &[Verb] = &[
    verb(
        ["open", "open"],
        "open_<n>|uncover_<n>|open_up_<n>",
        "(open/open up) <n><t>|get <n> open<t>|!I want <n> open<t>|have <n> opened<t>|!<n> should be open<t>|let me open <n><t>",
        "",
        "level delay time person",
    ),
    verb(
        ["close", "open"],
        "close_<n>|shut_<n>",
        "(close/shut) <n><t>|get <n> closed<t>|!I want <n> shut<t>|have <n> closed<t>|!<n> should be closed<t>|pull <n> shut<t>",
        "",
        "delay time speed",
    ),
    verb(
        ["unfold", "fold"],
        "unfold_<n>|extend_<n>|deploy_<n>",
        "(unfold/extend/deploy) <n><t>|fold <n> out<t>|bring <n> out<t>|!I need <n> unfolded<t>|!<n> should come out<t>|let <n> out<t>",
        "",
        "level delay speed time",
    ),
    verb(
        ["fold", "fold"],
        "fold_<n>|retract_<n>|stow_<n>",
        "(retract/stow) <n><t>|fold <n> in<t>|bring <n> in<t>|!I need <n> folded in<t>|!<n> should be put away<t>|take <n> back in<t>",
        "",
        "delay speed time",
    ),
    verb(
        ["raise", "lift"],
        "raise_<n>|lift_<n>|<n>_up",
        "(raise/lift) <n><t>|move <n> up<t>|bring <n> up<t>|!I want <n> higher<t>|!<n> should go up<t>|let <n> go up<t>",
        "",
        "level speed delay",
    ),
    verb(
        ["lower", "lift"],
        "lower_<n>|let_down_<n>|<n>_down",
        "(lower/let down) <n><t>|move <n> down<t>|bring <n> down<t>|!I want <n> lower<t>|!<n> should go down<t>|let <n> go down<t>",
        "",
        "level speed delay",
    ),
    verb(
        ["start", "run"],
        "start_<n>|run_<n>|switch_on_<n>|activate_<n>",
        "(start/run/activate) <n><t>|switch on <n><t>|turn <n> on<t>|get <n> going<t>|!I want <n> running<t>|!<n> should start<t>|fire up <n><t>",
        "",
        "minutes mode power times delay quiet span",
    ),
    verb(
        ["stop", "run"],
        "stop_<n>|halt_<n>|switch_off_<n>|deactivate_<n>",
        "(stop/halt/deactivate) <n><t>|switch off <n><t>|turn <n> off<t>|!I do not need <n> running any more<t>|!<n> should stop<t>|shut <n> off<t>",
        "",
        "delay note time",
    ),
    verb(
        ["pause", "run"],
        "pause_<n>|suspend_<n>|interrupt_<n>",
        "(pause/interrupt/suspend) <n><t>|put <n> on hold<t>|let <n> rest<t>|give <n> a break<t>|!<n> should wait<t>|make <n> wait<t>",
        "",
        "minutes note",
    ),
    verb(
        ["resume", "run"],
        "resume_<n>|continue_<n>",
        "(resume/continue) <n><t>|let <n> carry on<t>|take <n> off hold<t>|!<n> may go on now<t>|let <n> go on where it was<t>|end the pause of <n><t>",
        "",
        "mode delay",
    ),
    verb(
        ["schedule", "run"],
        "schedule_<n>|plan_<n>_run|program_<n>",
        "schedule <n><v><t>|plan a run of <n><v><t>|program <n><v><t>|put <n> on the calendar<v><t>|book a run of <n><v><t>|!<n> should run later<v><t>",
        "time",
        "day minutes mode times",
    ),
    verb(
        ["lock", "lock"],
        "lock_<n>|secure_<n>|bolt_<n>",
        "(lock/secure/bolt) <n><t>|lock up <n><t>|put the lock on <n><t>|!I want <n> locked<t>|!<n> should be locked<t>|make sure <n> is locked<t>",
        "",
        "pin minutes delay",
    ),
    verb(
        ["unlock", "lock"],
        "unlock_<n>|unbolt_<n>|release_<n>_lock",
        "(unlock/unbolt) <n><t>|take the lock off <n><t>|release the lock of <n><t>|!I want <n> unlocked<t>|!<n> should be unlocked<t>|get <n> unlocked<t>",
        "",
        "pin minutes person",
    ),
    verb(
        ["fill", "fill"],
        "fill_<n>|refill_<n>|top_up_<n>",
        "(fill/refill) <n><v><t>|top up <n><v><t>|fill up <n><v><t>|!<n> needs filling<v><t>|let <n> fill up<v><t>|put more into <n><v><t>",
        "volume?",
        "time note",
    ),
    verb(
        ["empty", "fill empty"],
        "empty_<n>|drain_<n>|clear_out_<n>",
        "(empty/drain) <n><t>|empty out <n><t>|let everything out of <n><t>|!<n> has to be emptied<t>|!I want <n> empty<t>|clear out <n><t>",
        "",
        "time note speed",
    ),
    verb(
        ["move", "move"],
        "move_<n>|send_<n>_to|relocate_<n>|dispatch_<n>",
        "(move/send) <n><v><t>|get <n> to go<v><t>|dispatch <n><v><t>|relocate <n><v><t>|!<n> has to go<v><t>|drive <n><v><t>",
        "area",
        "speed time load",
    ),
    verb(
        ["clean", "upkeep care"],
        "clean_<n>|wash_<n>|rinse_<n>",
        "(clean/wash) <n><t>|give <n> a wash<t>|rinse <n><t>|!<n> needs cleaning<t>|get <n> clean<t>|do a cleaning of <n><t>",
        "",
        "day mode person note",
    ),
    verb(
        ["calibrate", "upkeep care"],
        "calibrate_<n>|recalibrate_<n>|tune_up_<n>",
        "(calibrate/recalibrate) <n><t>|do a calibration of <n><t>|run the calibration of <n><t>|!<n> needs calibrating<t>|get <n> calibrated<t>|carry out a calibration of <n><t>",
        "",
        "points person day note",
    ),
    verb(
        ["inspect", "upkeep care"],
        "inspect_<n>|examine_<n>|log_inspection_of_<n>",
        "(inspect/examine) <n><t>|do an inspection of <n><t>|look over <n><t>|!<n> needs an inspection<t>|have <n> inspected<t>|arrange for an inspection of <n><t>",
        "",
        "person day note",
    ),
    verb(
        ["reset", "run upkeep reset care"],
        "reset_<n>|restore_<n>|factory_reset_<n>",
        "reset <n><t>|restore <n> to its defaults<t>|put <n> back to factory settings<t>|!<n> needs a reset<t>|do a reset of <n><t>|wipe the settings of <n><t>",
        "",
        "delay pin note",
    ),
    verb(
        ["status", "run move upkeep"],
        "get_<n>_status|check_<n>|read_<n>_state",
        "!what is the status of <n><t>|(report/tell me/show me) the status of <n><t>|!what is <n> doing<t>|give me the state of <n><t>|!is <n> all right<t>|check on <n><t>",
        "",
        "",
    ),
    verb(
        ["set", "property"],
        "set_<n>_<p>|adjust_<n>_<p>|change_<n>_<p>|set_<p>_of_<n>",
        "(set/change/adjust) the <p> of <n><v><t>|set the <c> <p><l><v><t>|bring the <p> of <n><v><t>|!I want another <p> for <n><v><t>|!the <p> of <n> has to change<v><t>|turn the <c> <p><l><v><t>",
        "property",
        "delay time mode",
    ),
    verb(
        ["get", "property"],
        "get_<n>_<p>|read_<n>_<p>|fetch_<n>_<p>|query_<p>_of_<n>",
        "!what is the <p> of <n><t>|(tell me/show me/read) the <p> of <n><t>|!what is the <c> <p><l><t>|look up the <c> <p><l><t>|!I would like to know the <p> of <n><t>|give me the <p> of <n><t>",
        "",
        "",
    ),
    verb(
        ["watch", "property"],
        "watch_<n>_<p>|alert_on_<n>_<p>|set_<n>_<p>_alert",
        "(warn/alert/notify) me when the <p> of <n> gets too high<o><t>|watch the <p> of <n> for me<o><t>|keep an eye on the <c> <p><l><o><t>|tell me as soon as the <p> of <n> is too high<o><t>|!I want a warning about the <c> <p><l><o><t>|supervise the <p> of <n><o><t>",
        "property",
        "minutes quiet",
    ),
    verb(
        ["log", "property"],
        "log_<n>_<p>|record_<n>_<p>|note_<n>_<p>",
        "(log/record)<x> as the <p> of <n><t>|write down<x> for the <c> <p><l><t>|note<x> as the <c> <p><l><t>|enter<x> as the <p> of <n><t>|put<x> down as the <p> of <n><t>|file<x> as the <c> <p><l><t>",
        "property",
        "note day",
    ),
    verb(
        ["create", "record"],
        "create_<n>|add_<n>|new_<n>|make_<n>",
        "(create/make/add) <a><v><t>|set up <a><v><t>|!I need a new <c><v><t>|start a new <c><v><t>|put together <a><v><t>|open a new <c><v><t>",
        "called",
        "day person note copies route",
    ),
    verb(
        ["delete", "record"],
        "delete_<n>|remove_<n>|erase_<n>",
        "(delete/remove/erase) the <c><v><t>|get rid of the <c><v><t>|!I no longer need the <c><v>, delete it<t>|throw away the <c><v><t>|take the <c><v> off the system<t>|drop the <c><v><t>",
        "title",
        "pin note",
    ),
    verb(
        ["rename", "record"],
        "rename_<n>|retitle_<n>|change_<n>_title",
        "rename the <c><v><w>|give the <c><v> another name<w>|change the name of the <c><v><w>|retitle the <c><v><w>|!the <c><v> gets another name<w>|change the title of the <c><v><w>",
        "title new_title",
        "",
    ),
    verb(
        ["share", "record"],
        "share_<n>|send_<n>|forward_<n>",
        "(share/forward) the <c><v><w><t>|pass on the <c><v><w><t>|make the <c><v> available<w><t>|give access to the <c><v><w><t>|send the <c><v><w><t>|hand out the <c><v><w><t>",
        "title recipient",
        "minutes note",
    ),
    verb(
        ["find", "record"],
        "find_<n>|search_<n>|look_up_<n>",
        "(find/look up/search for) the <c><v><t>|look for the <c><v><t>|!where is the <c><v><t>|help me find the <c><v><t>|pull up the <c><v><t>|dig out the <c><v><t>",
        "title",
        "day",
    ),
    verb(
        ["archive", "record"],
        "archive_<n>|file_<n>|close_<n>",
        "archive the <c><v><t>|put the <c><v> into the archive<t>|file the <c><v> away<t>|move the <c><v> to the archive<t>|!the <c><v> can go to the archive<t>|store the <c><v> for the records<t>",
        "title",
        "day note",
    ),
    verb(
        ["list", "record"],
        "list_<n>_entries|get_all_<n>|show_<n>_list",
        "(list/show me) all <s><t>|!which <s> do I have<t>|give me a list of the <s><t>|!what <s> are there<t>|read me the <s><t>|show the list of <s><t>",
        "",
        "count day",
    ),
    verb(
        ["print", "record"],
        "print_<n>|print_out_<n>",
        "print the <c><v><t>|print out the <c><v><t>|get the <c><v> on paper<t>|!I need the <c><v> on paper<t>|put the <c><v> through the printer<t>|make a printout of the <c><v><t>",
        "title",
        "copies color_print",
    ),
];

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
const PERCENT: Kind = Integer(5, 100, 5, "{n} percent|{n}%|{n} %|{n} per cent");

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
            Closed("a|b|c"),
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
    extra("times", &[Integer(2, 9, 1, "{n} times|{n} rounds")], "times|repeat|rounds|cycles|count", " {}|, {}"),
    extra("points", &[Integer(2, 9, 1, "{n} points")], "points|steps|samples|n", " with {}|, using {}"),
    extra("count", &[Integer(2, 50, 1, "{n}")], "limit|count|most|max_results|n", ", no more than {}|, {} at most"),
    extra("copies", &[Integer(2, 40, 1, "{n} copies|{n} pieces")], "copies|count|quantity|number", ", {}"),
    extra(
        "load",
        &[Integer(20, 900, 10, "{n} kg|{n} kilograms")],
        "load|weight|load_kg|cargo",
        " with a load of {}|, carrying {}",
    ),
    extra("person", &[PEOPLE], "person|for_whom|user|requester|operator|name", " for {}|, {} asked for it"),
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
    extra("area", &[AREAS], "destination|to|target|place|location", " to {}|, over to {}"),
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
