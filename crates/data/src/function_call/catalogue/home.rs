//! What can a home's devices do, and how do people ask for it?

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "turn_on_light",
        group: "light",
        parameters: "room:room color?:color",
        says: "(turn/switch) on the (light/lights/lamp)[ in the {room}][ in {color}]|(turn/switch) the[ {room}] (lights/light) on[ in {color}]|(light up/illuminate)[ the {room}][ with {color} light]|lights on[ in the {room}][, {color} please]|put the[ {room}] (light/lights) on[, make it {color}]|!it is too dark[ in the {room}], (turn/switch) a light on[, preferably {color}]|give me[ {color}] light[ in the {room}]",
    },
    Function {
        name: "turn_off_light",
        group: "light",
        parameters: "room:room",
        says: "(turn/switch) off the (light/lights/lamp)[ in the {room}]|(turn/switch) the[ {room}] (lights/light) off|lights out[ in the {room}]|kill the lights[ in the {room}]|make it dark[ in the {room}]|!nobody is[ in the {room}], the light (can/may) go off|put out the (lamp/light)[ in the {room}]",
    },
    Function {
        name: "set_brightness",
        group: "light",
        parameters: "room:room percent:percent",
        says: "(dim/set/bring) the[ {room}] lights[ to {percent}]|set the brightness[ in the {room}][ to {percent}]|change the brightness of the[ {room}] lamps[ to {percent}]|I want the lamps[ in the {room}] dimmed[ to {percent}]|adjust how bright the[ {room}] light is[, make it {percent}]|brightness[ {percent}][ for the {room}]",
    },
    Function {
        name: "set_thermostat",
        group: "climate",
        parameters: "temperature:celsius room?:room mode?:heat_mode",
        says: "set the (thermostat/heating)[ in the {room}][ to {temperature}][ in {mode} mode]|(make/heat) it[ {temperature}][ in the {room}][ with {mode} mode]|warm[ the {room}] up[ to {temperature}][ using {mode} mode]|turn the thermostat[ of the {room}][ to {temperature}][, mode {mode}]|change the room temperature[ in the {room}][ to {temperature}]|!I would like[ {temperature}][ in the {room}] on the thermostat[ and {mode} mode]",
    },
    Function {
        name: "get_temperature",
        group: "climate_query",
        parameters: "room:room",
        says: "how (warm/cold/hot) is it[ in the {room}]|what is the temperature[ in the {room}]|tell me the temperature[ of the {room}]|read the thermometer[ in the {room}]|check how warm[ the {room}] is|give me the current temperature[ for the {room}]",
    },
    Function {
        name: "lock_door",
        group: "lock",
        parameters: "door:door",
        says: "lock the[ {door}] door|(lock/bolt) up[ the {door} door]|make sure the[ {door}] door is locked|secure the[ {door}] door|turn the key in the[ {door}] door|!I am leaving, lock the[ {door}] door",
    },
    Function {
        name: "unlock_door",
        group: "lock",
        parameters: "door:door pin?:pin",
        says: "unlock the[ {door}] door[ with code {pin}]|open the lock of the[ {door}] door[, the pin is {pin}]|let them in through the[ {door}] door[, code {pin}]|release the[ {door}] door[ using {pin}]|unbolt the[ {door}] door[, pin {pin}]|the[ {door}] door should be unlocked[, use {pin}]",
    },
    Function {
        name: "open_blinds",
        group: "blinds",
        parameters: "room:room percent?:percent",
        says: "(open/raise) the (blinds/shades)[ in the {room}][ to {percent}]|pull up the[ {room}] blinds[ to {percent}]|let some sun into the[ {room}][, blinds to {percent}]|blinds up[ in the {room}][ to {percent}]|move the[ {room}] shades up[ to {percent}]|roll the blinds up[ in the {room}][, about {percent}]",
    },
    Function {
        name: "close_blinds",
        group: "blinds",
        parameters: "room:room",
        says: "(close/lower) the (blinds/shades)[ in the {room}]|pull down the[ {room}] blinds|blinds down[ in the {room}]|shut the shades[ of the {room}]|roll the blinds down[ in the {room}]|!the sun is blinding me[ in the {room}], shut the blinds",
    },
    Function {
        name: "play_music",
        group: "media",
        parameters: "artist:artist room?:room volume?:percent",
        says: "play (something/music/songs)[ by {artist}][ in the {room}][ at {volume}]|put on[ {artist}][ in the {room}][ with the volume at {volume}]|I want to hear[ {artist}][ in the {room}][ at {volume}]|start (a playlist/an album)[ of {artist}][ in the {room}][, volume {volume}]|let me listen to[ {artist}][ in the {room}]|queue some[ {artist}][ for the {room}][ at {volume}]",
    },
    Function {
        name: "stop_music",
        group: "media",
        parameters: "room?:room",
        says: "stop the music[ in the {room}]|(silence/quiet) the speakers[ in the {room}]|no more music[ in the {room}]|end playback[ in the {room}]|cut the music[ in the {room}]|halt whatever is playing[ in the {room}]",
    },
    Function {
        name: "start_vacuum",
        group: "vacuum",
        parameters: "room:room power?:vacuum_power",
        says: "(start/send) the (vacuum/robot) [in the {room}][ on {power}]|vacuum[ the {room}][ on {power}]|clean the floor[ of the {room}][ with {power} power]|have the robot clean[ the {room}][, {power} please]|let the vacuum do[ the {room}][ at {power}]|hoover[ the {room}][ on {power}]",
    },
    Function {
        name: "set_timer",
        group: "timer",
        parameters: "minutes:minutes label?:dish",
        says: "set a[ {label}] timer[ for {minutes}]|start a timer[ of {minutes}][ for the {label}]|count down[ {minutes}][ for the {label}]|(remind/ping) me[ in {minutes}] about the timer[ for the {label}]|timer[ {minutes}][ for {label}]|run the kitchen timer[ for {minutes}][, it is for the {label}]",
    },
    Function {
        name: "add_shopping_items",
        group: "shopping",
        parameters: "items:groceries",
        says: "add[ {items}] to the shopping list|put[ {items}] on the (shopping/grocery) list|we need to buy[ {items}], note it for shopping|write[ {items}] down for the supermarket|(note/list)[ {items}] for groceries|!we ran out of[ {items}], add that to the list",
    },
    Function {
        name: "arm_alarm",
        group: "security",
        parameters: "mode:alarm_mode code?:pin",
        says: "arm the (alarm/security system)[ in {mode} mode][ with {code}]|set the alarm system[ to {mode}][, code {code}]|activate the burglar alarm[ for {mode}][ using {code}]|switch security[ to {mode}][, the code is {code}]|turn the house alarm on[ in {mode} mode]|alarm system[ to {mode}][ code {code}]",
    },
    Function {
        name: "show_camera",
        group: "camera",
        parameters: "camera:camera screen?:screen",
        says: "show me the[ {camera}] camera[ on the {screen}]|put the[ {camera}] cam[ on the {screen}]|let me see the[ {camera}] camera[ on my {screen}]|what does the[ {camera}] camera see[, show it on the {screen}]|display the[ {camera}] video feed[ on the {screen}]|bring up the camera[ at the {camera}][ on the {screen}]",
    },
    Function {
        name: "preheat_oven",
        group: "oven",
        parameters: "temperature:oven program?:oven_program minutes?:minutes",
        says: "preheat the oven[ to {temperature}][ on {program}][ for {minutes}]|heat the oven[ up to {temperature}][ with {program}]|get the oven ready[ at {temperature}][, {program}][, {minutes}]|oven[ to {temperature}][ using {program}][ for {minutes}]|start the oven[ at {temperature}][ in {program} mode][ for {minutes}]|warm up the oven[ to {temperature}][ for {minutes}]",
    },
    Function {
        name: "water_plants",
        group: "garden",
        parameters: "zone:garden_zone minutes:minutes",
        says: "water the[ {zone}][ for {minutes}]|(run/start) the sprinklers[ on the {zone}][ for {minutes}]|irrigate the[ {zone}][ for {minutes}]|give the[ {zone}] water[ for {minutes}]|let the hose run[ on the {zone}][ for {minutes}]|sprinkle the[ {zone}][, {minutes} long]",
    },
    Function {
        name: "start_washing",
        group: "laundry",
        parameters: "program:wash_program temperature?:wash_temperature start?:time",
        says: "start the washing machine[ on {program}][ at {temperature}][, begin at {start}]|wash the clothes[ on {program}][ with {temperature}][ at {start}]|run a[ {program}] wash[ at {temperature}][ starting at {start}]|do a[ {program}] load[ at {temperature}][, start {start}]|begin the laundry[ with the {program} program][ at {temperature}]|washing machine[, {program}][, {temperature}][, from {start}]",
    },
    Function {
        name: "broadcast_message",
        group: "broadcast",
        parameters: "message:message room?:room",
        says: "announce[ \"{message}\"][ in the {room}]|tell everyone[ \"{message}\"][ in the {room}]|broadcast[ the message \"{message}\"][ to the {room}]|say[ \"{message}\"] over the speakers[ in the {room}]|make an announcement[ in the {room}][: {message}]|let the family know[ in the {room}][: {message}]",
    },
];
