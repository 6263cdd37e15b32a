//! What is done by invented functions, and how is it asked for?
//!
//! In a frame `<n>` is the thing with the value that says which one, `<c>` the thing alone, `<a>` the thing after "a" or "an",
//! `<s>` many of them, `<l>` the value that says which one, `<p>` the property, `<v>` the place of the verb's first value,
//! `<w>` of its second, `<x>` of the first as what is so, `<o>` of the first as a bound, and `<t>` whatever else is
//! said. The rest is a template's syntax.

/// Something that is done.
pub(super) struct Verb {
    /// The meaning, the same for all its words: no two verbs have a word in common that could be said of the same thing.
    pub(super) meaning: &'static str,
    pub(super) of: &'static str,
    /// Patterns of names: `<n>` the thing, `<p>` the property.
    pub(super) names: &'static str,
    pub(super) frames: &'static str,
    /// Values at `<v>` and `<w>`, by the names of `EXTRAS`; `property` is the property's value. Required but for those with a `?`.
    pub(super) values: &'static str,
    /// Values that may be at `<t>`, by the names of `EXTRAS`.
    pub(super) extras: &'static str,
}

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
        "open_<n>|uncover_<n>",
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
        "lower_<n>|drop_<n>|<n>_down",
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
        "fill_<n>|refill_<n>|replenish_<n>",
        "(fill/refill) <n><v><t>|top up <n><v><t>|fill up <n><v><t>|!<n> needs filling<v><t>|let <n> fill up<v><t>|put more into <n><v><t>",
        "volume?",
        "time note",
    ),
    verb(
        ["empty", "fill empty"],
        "empty_<n>|drain_<n>|flush_<n>",
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
        "(clean/wash) <n><t>|give <n> a wash<t>|rinse <n><t>|!<n> needs cleaning<t>|get <n> clean<t>|carry out a cleaning of <n><t>",
        "",
        "day mode person note",
    ),
    verb(
        ["calibrate", "upkeep care"],
        "calibrate_<n>|recalibrate_<n>|<n>_calibration",
        "(calibrate/recalibrate) <n><t>|perform a calibration of <n><t>|run the calibration of <n><t>|!<n> needs calibrating<t>|get <n> calibrated<t>|carry out a calibration of <n><t>",
        "",
        "points person day note",
    ),
    verb(
        ["inspect", "upkeep care"],
        "inspect_<n>|examine_<n>|<n>_inspection",
        "(inspect/examine) <n><t>|perform an inspection of <n><t>|look over <n><t>|!<n> needs an inspection<t>|have <n> inspected<t>|arrange for an inspection of <n><t>",
        "",
        "person day note",
    ),
    verb(
        ["reset", "run upkeep reset care"],
        "reset_<n>|restore_<n>|factory_reset_<n>",
        "reset <n><t>|restore <n> to its defaults<t>|put <n> back to factory settings<t>|!<n> needs a reset<t>|perform a reset of <n><t>|wipe the settings of <n><t>",
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
        "(set/change/adjust) the <p> of <n><v><t>|set the <c> <p><l><v><t>|alter the <p> of <n><v><t>|!I want the <p> of <n> changed<v><t>|!the <p> of <n> has to change<v><t>|turn the <c> <p><l><v><t>",
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
        "watch_<n>_<p>|notify_<n>_<p>|set_<n>_<p>_alert",
        "(warn/alert/notify) me when the <p> of <n> gets too high<o><t>|watch the <p> of <n> for me<o><t>|keep an eye on the <c> <p><l><o><t>|tell me as soon as the <p> of <n> is too high<o><t>|!I want a warning about the <c> <p><l><o><t>|supervise the <p> of <n><o><t>",
        "property",
        "minutes quiet",
    ),
    verb(
        ["log", "property"],
        "log_<n>_<p>|record_<n>_<p>|note_<n>_<p>",
        "(log/record) the <p> of <n><x><t>|write down the <c> <p><l><x><t>|note the <c> <p><l><x><t>|enter the <p> of <n><x><t>|put the <p> of <n> on record<x><t>|file the <c> <p><l><x><t>",
        "property",
        "note day",
    ),
    verb(
        ["create", "record"],
        "create_<n>|add_<n>|new_<n>|make_<n>",
        "(create/make/add) <a><v><t>|set up <a><v><t>|!I need a new <c><v><t>|start a new <c><v><t>|put together <a><v><t>|open a new <c><v><t>",
        "called",
        "day person note route",
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
        "find_<n>|search_<n>|locate_<n>",
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
