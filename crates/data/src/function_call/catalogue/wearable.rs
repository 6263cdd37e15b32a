//! What can a watch or band do, and how do people ask for it?

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "start_workout",
        group: "workout",
        parameters: "sport:sport goal_minutes?:minutes",
        says: "start a[ {sport}] (workout/session)[ of {goal_minutes}]|(begin/record/track) my[ {sport}][ for {goal_minutes}]|I am going[ {sport}], track it[ for {goal_minutes}]|log a[ {sport}] training[ with a goal of {goal_minutes}]|time for[ {sport}], start recording[, goal {goal_minutes}]|workout mode[ {sport}][, {goal_minutes}]",
    },
    Function {
        name: "stop_workout",
        group: "workout",
        parameters: "save:yes_no",
        says: "(stop/end/finish) the workout[ and {save} it]|I am done exercising[, {save} the record]|that is it for training[, {save} it]|workout over[, {save} the data]|finish my session[ and {save} the result]|end tracking[, {save} it please]",
    },
    Function {
        name: "set_alarm",
        group: "alarm",
        parameters: "time:time day?:weekday label?:event",
        says: "wake me (up )[at {time}][ on {day}][ for {label}]|set an alarm[ for {time}][ on {day}][, label {label}]|alarm[ at {time}][ on {day}][ for {label}]|I have to get up[ at {time}][ on {day}][ because of {label}]|buzz my wrist[ at {time}][ on {day}][ for {label}]|make an alarm[, {time}][ on {day}][, call it {label}]",
    },
    Function {
        name: "delete_alarm",
        group: "alarm",
        parameters: "time:time",
        says: "(delete/cancel/remove) the alarm[ at {time}]|I do not need the alarm[ at {time}] anymore|get rid of my[ {time}] alarm|drop the alarm[ for {time}]|turn off the wake up alarm[ at {time}]|no alarm[ at {time}] please",
    },
    Function {
        name: "log_water",
        group: "intake",
        parameters: "milliliters:milliliters",
        says: "log[ {milliliters}] of water|I (drank/had)[ {milliliters}] of water|add[ {milliliters}] to my water intake|note a drink[ of {milliliters}]|record[ {milliliters}] water|!just finished[ {milliliters}] of water, write it down",
    },
    Function {
        name: "log_weight",
        group: "weight",
        parameters: "kilograms:kilograms",
        says: "log my weight[ as {kilograms}]|I weigh[ {kilograms}] today, log it|record a weight[ of {kilograms}]|the scale says[ {kilograms}], note it|write down[ {kilograms}] as my weight|update my weight[ to {kilograms}]",
    },
    Function {
        name: "read_heart_rate",
        group: "heart",
        parameters: "",
        says: "what is my (pulse/heart rate)|check my pulse|measure my heart rate now|how fast is my heart beating|read my heartbeat|take my pulse",
    },
    Function {
        name: "set_step_goal",
        group: "steps_goal",
        parameters: "steps:steps day?:weekday",
        says: "set my step goal[ to {steps}][ for {day}]|I want to walk[ {steps}] a day[ on {day}]|change the daily steps[ to {steps}][ on {day}]|make my goal[ {steps}] steps walked[ on {day}]|raise the step target[ to {steps}][ for {day}]|the step goal should be[ {steps}][ on {day}]",
    },
    Function {
        name: "get_step_count",
        group: "steps_query",
        parameters: "day:weekday",
        says: "how many steps did I take[ on {day}]|show my steps[ of {day}]|what was my step count[ on {day}]|tell me how far I walked[ on {day}] in steps|number of steps[ on {day}]|give me the steps[ from {day}]",
    },
    Function {
        name: "send_message",
        group: "message",
        parameters: "contact:person text:message app?:app",
        says: "(text/message)[ {contact}][ \"{text}\"][ with {app}]|send[ {contact}] a message[ saying {text}]|write to[ {contact}][ on {app}][: {text}]|tell[ {contact}] by message[: {text}]|reply to[ {contact}][ using {app}][: {text}]|drop[ {contact}] a line[ via {app}][: {text}]",
    },
    Function {
        name: "set_reminder",
        group: "reminder",
        parameters: "task:task time:time day?:weekday",
        says: "remind me[ to {task}][ at {time}][ on {day}]|set a reminder[ to {task}][ at {time}][ on {day}]|do not let me forget[ to {task}][ at {time}][ on {day}]|I have[ to {task}], remind me[ at {time}][ on {day}]|put a reminder in for me[ to {task}][ on {day}][ at {time}]|nudge me[ on {day}][ at {time}][ to {task}]",
    },
    Function {
        name: "start_sleep_tracking",
        group: "sleep",
        parameters: "wake_time:time quiet?:yes_no_flag",
        says: "track my sleep[ until {wake_time}][, quiet mode {quiet}]|I am going to bed, track it[ until {wake_time}][ with quiet mode {quiet}]|start sleep mode[ with wake up at {wake_time}][ and quiet {quiet}]|good night, log my sleep[ until {wake_time}]|record how I sleep[ till {wake_time}][, quiet mode {quiet}]|sleep tracking[ up to {wake_time}][, quiet {quiet}]",
    },
    Function {
        name: "set_vibration",
        group: "vibration",
        parameters: "strength:strength",
        says: "set the vibration[ to {strength}]|make the buzzing[ {strength}]|vibrate[ {strength}]|change haptics[ to {strength}]|I want[ {strength}] vibration|the wrist buzz should be[ {strength}]",
    },
    Function {
        name: "change_watch_face",
        group: "face",
        parameters: "face:watch_face color?:color",
        says: "change the watch face[ to {face}][ in {color}]|(use/show) the[ {face}] face on my watch[ in {color}]|switch my dial[ to {face}][, colored {color}]|put the[ {face}] face on[ with {color}]|I want the[ {face}] look on the watch[ in {color}]|watch face[ {face}][ {color}]",
    },
    Function {
        name: "find_phone",
        group: "find",
        parameters: "seconds?:seconds",
        says: "(find/ring) my phone[ for {seconds}]|where is my phone, let it ring[ for {seconds}]|I lost my phone, make it ring[ for {seconds}]|let the phone beep[ for {seconds}]|help me find the phone[, ring {seconds}]|make a sound on my phone[ for {seconds}]",
    },
    Function {
        name: "start_breathing",
        group: "breathing",
        parameters: "minutes:minutes pace?:pace",
        says: "start a breathing exercise[ of {minutes}][ at a {pace} pace]|guide my breathing[ for {minutes}][, {pace}]|I need to calm down, breathe with me[ for {minutes}][ at {pace} pace]|breathing session[ for {minutes}][, {pace} pace]|let us breathe[ for {minutes}][ at a {pace} pace]|do a breathing break[ of {minutes}][, {pace}]",
    },
    Function {
        name: "log_mood",
        group: "mood",
        parameters: "mood:mood note?:event",
        says: "log my mood[ as {mood}][ because of {note}]|I feel[ {mood}] today, note it[, reason {note}]|record that I am[ {mood}][ after {note}]|mood[ {mood}][, due to {note}]|put down[ {mood}] as my mood[ because of {note}]|write in the diary that I am[ {mood}][ due to {note}]",
    },
    Function {
        name: "share_health_report",
        group: "report",
        parameters: "contact:person period:period",
        says: "share my health report[ with {contact}][ for the last {period}]|send my health data[ of the past {period}][ to {contact}]|let[ {contact}] have my health report[ of the last {period}]|forward the health summary[ to {contact}][ covering a {period}]|give[ {contact}] my vitals[ from the last {period}]|export the health report[ of one {period}][ for {contact}]",
    },
    Function {
        name: "pay_amount",
        group: "pay",
        parameters: "amount:money card?:card",
        says: "pay[ {amount}][ with my {card} card]|(send/transfer)[ {amount}] by watch[ using the {card} card]|settle[ {amount}] here[ with the {card} card]|use the wallet for[ {amount}][ on the {card} card]|make a payment[ of {amount}][ with {card}]|checkout[ {amount}][ by {card} card]",
    },
    Function {
        name: "set_do_not_disturb",
        group: "dnd",
        parameters: "minutes:minutes allow?:person",
        says: "do not disturb[ for {minutes}][ except {allow}]|mute notifications[ for {minutes}][ but let {allow} through]|I want silence on the watch[ for {minutes}][ except from {allow}]|block alerts[ for {minutes}][, allow {allow}]|hold all notifications[ for {minutes}][ apart from {allow}]|focus mode[ for {minutes}][, only {allow} may reach me]",
    },
];
