//! What can a vehicle do, and how do people ask for it?

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "navigate_to",
        group: "navigation",
        parameters: "destination:place avoid?:avoid",
        says: "(navigate/drive/take me)[ to {destination}][ avoiding {avoid}]|(plan/start) a route[ to {destination}][ without {avoid}]|give me directions[ to {destination}][, avoid {avoid}]|I need to get[ to {destination}][ but no {avoid}]|bring us[ to {destination}][, no {avoid}]|set the destination[ to {destination}][ and avoid {avoid}]",
    },
    Function {
        name: "find_charging_station",
        group: "charging_search",
        parameters: "radius_km:km connector?:connector",
        says: "find a charging station[ within {radius_km}][ with {connector}]|where can I charge[ within {radius_km}][ using {connector}]|look for chargers[ no further than {radius_km}][, {connector} only]|search for a[ {connector}] charger[ within {radius_km}]|show charging points[ in a radius of {radius_km}][ with {connector}]|is there a[ {connector}] charger[ within {radius_km}]",
    },
    Function {
        name: "set_cabin_temperature",
        group: "cabin_climate",
        parameters: "celsius:celsius zone?:seat_zone",
        says: "set the (cabin/car) temperature[ to {celsius}][ for the {zone}]|make the (cabin/car)[ {celsius}][ for the {zone}]|air conditioning[ to {celsius}][ on the {zone}]|cool the car[ to {celsius}][ for the {zone}]|I want[ {celsius}] in the car[ for the {zone}]|climate control[ at {celsius}][, {zone}]",
    },
    Function {
        name: "heat_seat",
        group: "seat",
        parameters: "seat:seat_zone level?:level3",
        says: "(heat/warm) the[ {seat}] seat[ on level {level}]|turn on the seat heater[ of the {seat}][ at level {level}]|seat heating[ for the {seat}][, level {level}]|my back is cold, warm the[ {seat}] seat[ at {level}]|put the seat heating[ for the {seat}] on[ {level}]|activate heating in the[ {seat}] seat[ with level {level}]",
    },
    Function {
        name: "open_window",
        group: "window",
        parameters: "window:window percent?:percent",
        says: "(open/lower) the[ {window}] window[ to {percent}]|roll down the[ {window}] window[ by {percent}]|let some air in through the[ {window}] window[, {percent} open]|wind the[ {window}] window down[ to {percent}]|[{window} ]window down[ {percent}]|crack the[ {window}] window open[ {percent}]",
    },
    Function {
        name: "close_window",
        group: "window",
        parameters: "window:window",
        says: "(close/shut) the[ {window}] window|roll up the[ {window}] window|wind the[ {window}] window up|put the[ {window}] window up|[{window} ]window up|!it is raining in, shut the[ {window}] window",
    },
    Function {
        name: "set_cruise_control",
        group: "cruise",
        parameters: "speed_kmh:kmh distance?:distance",
        says: "set cruise control[ to {speed_kmh}][ with {distance} distance]|cruise[ at {speed_kmh}][ keeping a {distance} gap]|hold[ {speed_kmh}] on cruise[ with {distance} gap]|keep driving[ at {speed_kmh}] by cruise control[, {distance} distance]|activate the cruise control[ at {speed_kmh}][, distance {distance}]|adaptive cruise[ {speed_kmh}][, {distance} gap]",
    },
    Function {
        name: "call_contact",
        group: "phone",
        parameters: "contact:person line?:line",
        says: "(call/phone/ring)[ {contact}][ on the {line} number]|give[ {contact}] a call[ on the {line} line]|dial[ {contact}][ at {line}]|get[ {contact}] on the phone[, {line} number]|I need to talk to[ {contact}], dial the {line} number|start a call[ with {contact}][ using the {line} number]",
    },
    Function {
        name: "read_tire_pressure",
        group: "tire",
        parameters: "tire:tire",
        says: "what is the pressure of the[ {tire}] tire|check the air in the[ {tire}] tire|how much air is in the[ {tire}] tire|read the[ {tire}] tire pressure|is the[ {tire}] tire low on air|tell me the tire pressure[ at the {tire}]",
    },
    Function {
        name: "set_drive_mode",
        group: "drive_mode",
        parameters: "mode:drive_mode",
        says: "(switch/change) to[ {mode}] mode for driving|set the drive mode[ to {mode}]|drive[ in {mode} mode]|put the car in[ {mode}] mode|activate the[ {mode}] driving mode|I would like to drive[ in {mode} mode]",
    },
    Function {
        name: "schedule_charging",
        group: "charging",
        parameters: "start:time limit?:percent",
        says: "charge the car[ at {start}][ up to {limit}]|start charging[ at {start}][ until {limit}]|schedule the charging[ for {start}][ with a limit of {limit}]|plug in charging should begin[ at {start}][ and stop at {limit}]|begin to load the battery[ at {start}][ to {limit}]|set charging[ for {start}][, limit {limit}]",
    },
    Function {
        name: "report_range",
        group: "range",
        parameters: "",
        says: "how far can I (go/drive) with the battery|what is my remaining range|how many kilometers are left in the battery|tell me the range that is left|will the battery last, what is the range|check the driving range",
    },
    Function {
        name: "set_wipers",
        group: "wiper",
        parameters: "speed:wiper_speed",
        says: "set the wipers[ to {speed}]|(turn/switch) the wipers[ to {speed}]|wipe the windshield[ on {speed}]|put the windshield wipers on[ {speed}]|wipers[ {speed}]|!it is raining, wipers[ to {speed}]",
    },
    Function {
        name: "toggle_fog_lights",
        group: "fog",
        parameters: "on:switch",
        says: "(turn/switch) the fog lights[ {on}]|fog lights[ {on}]|set the fog lamps[ to {on}]|I want the fog lights[ {on}]|fog lamps should be[ {on}]|put the lights for fog[ {on}]",
    },
    Function {
        name: "tune_radio",
        group: "radio",
        parameters: "frequency_mhz:mhz",
        says: "tune (in to/the radio to)[ {frequency_mhz}]|radio[ to {frequency_mhz}]|switch the radio station[ to {frequency_mhz}]|put the tuner[ on {frequency_mhz}]|play the station[ at {frequency_mhz}]|listen to the radio[ on {frequency_mhz}]",
    },
    Function {
        name: "open_trunk",
        group: "trunk",
        parameters: "height?:percent",
        says: "open the (trunk/boot)[ to {height}]|pop the trunk[ to {height}]|lift the tailgate[ to {height}]|raise the boot lid[ to {height}]|unlatch the trunk[, {height} high]|trunk open[ {height}]",
    },
    Function {
        name: "send_location",
        group: "share",
        parameters: "contact:person minutes?:minutes",
        says: "(send/share) my location[ with {contact}][ for {minutes}]|let[ {contact}] see where I am[ for {minutes}]|tell[ {contact}] my position[ for {minutes}]|share where the car is[ with {contact}][ for {minutes}]|show[ {contact}] where I am driving[ for {minutes}]|forward my position[ to {contact}][ for {minutes}]",
    },
    Function {
        name: "add_stop",
        group: "stop",
        parameters: "place:place minutes?:minutes",
        says: "add a stop[ at {place}][ for {minutes}]|stop[ at {place}] on the way[ for {minutes}]|make a break[ at {place}][ of {minutes}]|include[ {place}] as a stopover[ for {minutes}]|put in a waypoint[ at {place}][, {minutes} long]|let us pause[ at {place}][ for {minutes}]",
    },
    Function {
        name: "set_ambient_light",
        group: "ambient",
        parameters: "color:color percent?:percent",
        says: "set the ambient light[ to {color}][ at {percent}]|make the interior lighting[ {color}][ at {percent}]|change the mood light[ to {color}][, {percent}]|interior light[ in {color}][ with {percent}]|I want a[ {color}] glow inside the car[ at {percent}]|color the cabin[ {color}][ at {percent}]",
    },
    Function {
        name: "book_service",
        group: "service",
        parameters: "day:weekday job:service_job",
        says: "book a[ {job}] appointment[ for {day}]|schedule[ {job}][ on {day}] at the workshop|arrange[ {job}] at the garage[ for {day}]|the car needs[ {job}], book it[ for {day}]|make a workshop appointment[ for {job}][ on {day}]|reserve a workshop slot[ on {day}][ for {job}]",
    },
];
