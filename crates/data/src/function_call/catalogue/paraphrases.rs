//! What else do people say who want a device function? For training alone: validation and test texts are made of
//! the [functions'](super::Function) own templates, so that more words here never change them.

/// The function's name, and templates as in [`Function::says`](super::Function::says).
pub(crate) const PARAPHRASES: &[(&str, &str)] = &[
    // Home.
    (
        "turn_on_light",
        "I need (light/some light)[ in the {room}][, in {color}]|get the[ {room}] (lamps/lights) going[ in {color}]|(activate/enable) the[ {room}] (light/lighting)[ with color {color}]|make it bright[ in the {room}][ and {color}]|!it is so dark[ in the {room}], lights please[, {color} ones]|have the[ {room}] lamp shine[ {color}]|I cannot see anything[ in the {room}], make light[ in {color}]|!light for the[ {room}][, {color} this time]",
    ),
    (
        "turn_off_light",
        "(deactivate/disable) the[ {room}] (light/lighting)|I do not need light[ in the {room}] anymore|get the[ {room}] lamps off|no more light[ in the {room}]|darken[ the {room}]|have the lights go out[ in the {room}]|!we are leaving[ the {room}], switch off the light|cut the[ {room}] lighting",
    ),
    (
        "set_brightness",
        "make the[ {room}] lights (brighter/darker)[, {percent}]|(lower/raise/reduce) the brightness[ of the {room}][ to {percent}]|the lights[ in the {room}] should be[ at {percent}]|have the[ {room}] lamps at[ {percent}]|!light level[ in the {room}][: {percent}]|put the lighting[ of the {room}][ at {percent}]|I would like the light[ in the {room}] at[ {percent}] brightness|turn the[ {room}] lights (down/up)[ to {percent}]",
    ),
    (
        "set_thermostat",
        "!heating[ {temperature}][ for the {room}][, {mode} mode]|it should be[ {temperature}][ in the {room}][ in {mode} mode]|get the[ {room}] to[ {temperature}][, mode {mode}]|(raise/lower) the heating[ to {temperature}][ in the {room}][, {mode}]|adjust the thermostat[ to {temperature}][ for the {room}][ with {mode}]|have the radiators[ in the {room}] at[ {temperature}][ in {mode} mode]|I am cold[ in the {room}], heat to[ {temperature}][, {mode} mode]|keep the[ {room}] at[ {temperature}][, mode {mode}]",
    ),
    (
        "get_temperature",
        "how many degrees[ are there in the {room}]|is it (warm/cold)[ in the {room}]|I would like to know how warm it is[ in the {room}]|!temperature[ in the {room}]|what does the thermometer say[ in the {room}]|look up the temperature[ of the {room}]|find out how (hot/cold)[ the {room}] is|report the[ {room}] temperature",
    ),
    (
        "lock_door",
        "the[ {door}] door (should/must) be locked|have the[ {door}] door locked|close the[ {door}] door with the lock|put the lock on the[ {door}] door|bolt the[ {door}] door|is the[ {door}] door locked, if not lock it|lock[ {door}] please|!we are going out, lock the[ {door}] door",
    ),
    (
        "unlock_door",
        "take the lock off the[ {door}] door[, pin {pin}]|I am at the[ {door}] door, unlock it[ with {pin}]|get the[ {door}] door unlocked[ using code {pin}]|undo the lock on the[ {door}] door[ with pin {pin}]|!someone is at the[ {door}] door, unlock it[, {pin} is the code]|have the[ {door}] door open for us[, pin {pin}]|let me in at the[ {door}] door[ with the code {pin}]|free the[ {door}] lock[, code {pin}]",
    ),
    (
        "open_blinds",
        "I want daylight[ in the {room}][, blinds at {percent}]|get the[ {room}] blinds open[ by {percent}]|have the blinds[ in the {room}] go up[ to {percent}]|the[ {room}] shades should be open[ at {percent}]|lift the[ {room}] blinds[ up to {percent}]|bring the shades[ of the {room}] up[ to {percent}]|let the light in[ to the {room}][, open blinds {percent}]|uncover the[ {room}] windows[ to {percent}]",
    ),
    (
        "close_blinds",
        "have the blinds[ in the {room}] go down|the[ {room}] shades should be closed|get the[ {room}] blinds shut|let the[ {room}] blinds down|cover the[ {room}] windows|bring the[ {room}] shades down|I want the[ {room}] blinds closed|drop the blinds[ in the {room}]",
    ),
    (
        "play_music",
        "I feel like[ {artist}][ in the {room}][, volume {volume}]|!some[ {artist}] (please/would be nice)[ in the {room}][ at {volume}]|have[ {artist}] on[ in the {room}][ at {volume}]|(turn/switch) on music[ by {artist}][ in the {room}][ with volume {volume}]|stream[ {artist}][ to the {room}][ at {volume} volume]|!could we hear[ {artist}][ in the {room}][ at {volume}]|!music[ from {artist}][ for the {room}][, loudness {volume}]|get[ {artist}] playing[ in the {room}][ at {volume}]",
    ),
    (
        "stop_music",
        "turn off the music[ in the {room}]|I do not want music[ in the {room}] now|!quiet[ in the {room}] please|shut the music off[ in the {room}]|pause what is playing[ in the {room}]|the music should stop[ in the {room}]|mute the[ {room}] speakers|get the music to stop[ in the {room}]",
    ),
    (
        "start_vacuum",
        "the[ {room}] needs vacuuming[ with {power}]|get the robot to vacuum[ the {room}][ on {power}]|the floor is dirty[ in the {room}], vacuum it[ on {power}]|run the vacuum cleaner[ in the {room}][ at {power} power]|have[ the {room}] vacuumed[ on {power}]|dust off the floor[ of the {room}] with the robot[, {power}]|!vacuum cleaner[ to the {room}][, power {power}]|let the cleaning robot loose[ in the {room}][ on {power}]",
    ),
    (
        "set_timer",
        "I need a[ {label}] timer[ of {minutes}]|let me know[ in {minutes}] when the[ {label}] is done|time[ {minutes}][ for the {label}]|put[ {minutes}] on the clock[ for the {label}]|(beep/ring) when[ {minutes}] are over[ for the {label}]|the[ {label}] timer should run[ for {minutes}]|begin a countdown[ of {minutes}][ for {label}]|measure[ {minutes}][ for the {label}] with a timer",
    ),
    (
        "add_shopping_items",
        "get[ {items}] on our shopping list|I want to buy[ {items}], put it on the list|the shopping list needs[ {items}]|remember[ {items}] for the next shopping trip|!we are out of[ {items}], write it on the list|include[ {items}] in the groceries|!shopping list[: {items}]|append[ {items}] to what we have to buy",
    ),
    (
        "arm_alarm",
        "make the alarm active[ in {mode} mode][, pin {code}]|I want the alarm armed[ for {mode}][, code {code}]|put the security system[ into {mode}][ with code {code}]|guard the house[ in {mode} mode][ using {code}]|enable the alarm[ as {mode}][, use {code}]|!security[ on {mode}][, code is {code}]|the alarm should be[ on {mode}][ with {code}]|protect the home[, mode {mode}][, code {code}]",
    ),
    (
        "show_camera",
        "I want to look at the[ {camera}] camera[ on the {screen}]|open the[ {camera}] camera[ on the {screen}]|!who is at the[ {camera}], show me[ on the {screen}]|stream the[ {camera}] camera[ to the {screen}]|get the[ {camera}] picture[ onto the {screen}]|!video from the[ {camera}][ on my {screen}] please|check the[ {camera}] camera[ using the {screen}]|what is going on at the[ {camera}], camera[ to the {screen}]",
    ),
    (
        "preheat_oven",
        "the oven should be[ at {temperature}][ with {program}][ for {minutes}]|bring the oven[ to {temperature}][ on {program}][ for {minutes}]|turn on the oven[ to {temperature}][, program {program}][, {minutes}]|I am going to bake, oven[ to {temperature}][ on {program}]|have the oven hot[ at {temperature}][ in {minutes}]|set the oven[ to {temperature}][ with {program}][ for {minutes}]|switch the oven on[ with {program}][ at {temperature}][ for {minutes}]|get the oven up[ to {temperature}][ using {program}]",
    ),
    (
        "water_plants",
        "the[ {zone}] (needs/need) water[ for {minutes}]|have the sprinklers on[ over the {zone}][ for {minutes}]|turn on the watering[ of the {zone}][ for {minutes}]|hose down the[ {zone}][ for {minutes}]|it is dry, water the[ {zone}][ for {minutes}]|!irrigation[ of the {zone}][ for {minutes}]|let the[ {zone}] have water[ during {minutes}]|get water on the[ {zone}][ for {minutes}]",
    ),
    (
        "start_washing",
        "I have a[ {program}] load[ for {temperature}][, start it at {start}]|get the washer going[ on {program}][ at {temperature}][ from {start}]|the washing machine should run[ {program}][ with {temperature}][ at {start}]|turn on the washer[ with {program}][ at {temperature}][, starting {start}]|!clothes are in, run[ {program}][ at {temperature}][ at {start}]|!laundry[ on {program}][, {temperature}][ at {start}]|have the laundry washed[ with {program}][ at {temperature}][, beginning at {start}]|use the[ {program}] cycle[ at {temperature}][ from {start}] for the wash",
    ),
    (
        "broadcast_message",
        "call out[ \"{message}\"][ in the {room}]|let everybody hear[ \"{message}\"][ in the {room}]|inform the house[ in the {room}][ that {message}]|shout[ \"{message}\"][ through the {room}]|play the announcement[ \"{message}\"][ in the {room}]|!everyone[ in the {room}] should hear[: {message}]|pass on[ \"{message}\"][ to everyone in the {room}]|!intercom[ to the {room}][: {message}]",
    ),
    // Vehicle.
    (
        "navigate_to",
        "how do I get[ to {destination}][ without {avoid}]|!we are going[ to {destination}][, skip {avoid}]|find the way[ to {destination}][ with no {avoid}]|!route[ to {destination}][, avoiding {avoid}]|lead me[ to {destination}][ and avoid {avoid}]|head[ for {destination}][ without any {avoid}]|guide us[ to {destination}][, stay off {avoid}]|let us go[ to {destination}][, but not over {avoid}]",
    ),
    (
        "find_charging_station",
        "I have to charge, what is there[ within {radius_km}][ for {connector}]|locate a charger[ with {connector}][ at most {radius_km} away]|the battery is low, find[ {connector}] charging[ within {radius_km}]|list charging stations[ in {radius_km}][ that have {connector}]|get me to a charger[ for {connector}][ inside {radius_km}]|!any place to charge[ with {connector}][ in {radius_km}]|!which chargers are there[ within {radius_km}][ with {connector}]|!charging station search[, {radius_km}][, {connector}]",
    ),
    (
        "set_cabin_temperature",
        "the car should be[ {celsius}][ at the {zone}]|(heat/warm) the cabin[ to {celsius}][ on the {zone} side]|bring the inside of the car[ to {celsius}][ for the {zone}]|put the climate[ at {celsius}][ for the {zone}]|adjust the car heating[ to {celsius}][, zone {zone}]|I am freezing in here, cabin[ to {celsius}][ for the {zone}]|have the car at[ {celsius}][ for the {zone}]|turn the cabin climate[ to {celsius}][ on the {zone}]",
    ),
    (
        "heat_seat",
        "I want the[ {seat}] seat warm[ at level {level}]|seat warmer[ for the {seat}][ on {level}]|turn up the heat in the[ {seat}] seat[ to {level}]|get the[ {seat}] seat heated[ on stage {level}]|switch on seat heating[ at the {seat}][ with {level}]|the[ {seat}] seat is cold, heat it[ on {level}]|make the[ {seat}] seat cosy[, level {level}]|set the[ {seat}] seat heater[ to {level}]",
    ),
    (
        "open_window",
        "I need fresh air, open the[ {window}] window[ {percent}]|get the[ {window}] window down[ by {percent}]|have the[ {window}] window open[ at {percent}]|slide the[ {window}] window down[ to {percent}]|put the[ {window}] window down[ {percent}]|the[ {window}] window should be open[ by {percent}]|drop the[ {window}] window[ by {percent}]|take the[ {window}] window down[ to {percent}]",
    ),
    (
        "close_window",
        "it is windy, close the[ {window}] window|get the[ {window}] window up|have the[ {window}] window closed|the[ {window}] window should be shut|slide the[ {window}] window up|bring the[ {window}] window up|I want the[ {window}] window closed|raise the[ {window}] window",
    ),
    (
        "set_cruise_control",
        "turn on cruise control[ at {speed_kmh}][ with a {distance} distance]|drive a steady[ {speed_kmh}][ and keep a {distance} distance]|maintain[ {speed_kmh}][ with {distance} gap] by cruise control|stay at[ {speed_kmh}] with cruise control[, gap {distance}]|!cruise control on[ for {speed_kmh}][, {distance} gap]|let the cruise control hold[ {speed_kmh}][ at {distance} distance]|I want to cruise[ at {speed_kmh}][ with the gap {distance}]|lock the speed[ at {speed_kmh}][, distance {distance}]",
    ),
    (
        "call_contact",
        "I would like to speak with[ {contact}][ on the {line} phone]|connect me[ to {contact}][ over the {line} number]|put a call through[ to {contact}][ on {line}]|make a phone call[ to {contact}][ at the {line} number]|reach[ {contact}] by phone[ at {line}]|try[ {contact}] on the phone[, the {line} one]|!phone call[ to {contact}][, {line}]|let me talk to[ {contact}][ on the {line} line]",
    ),
    (
        "read_tire_pressure",
        "!does the[ {tire}] tire have enough air|!tire pressure[ {tire}]|give me the pressure[ in the {tire} tire]|look at the pressure of the[ {tire}] tire|how is the[ {tire}] tire doing|measure the[ {tire}] tire|I want to know the[ {tire}] tire pressure|inspect the air pressure[ of the {tire} tire]",
    ),
    (
        "set_drive_mode",
        "I want[ {mode}] driving|let us drive[ in {mode}]|use[ {mode}] as the drive mode|!drive mode[ {mode}]|go into[ {mode}] mode with the car|select the[ {mode}] mode to drive|have the car drive[ {mode}]|turn on[ {mode}] mode in the car",
    ),
    (
        "schedule_charging",
        "the car should charge[ from {start}][ up to {limit}]|load the car[ from {start}][ to {limit}]|I want the battery charged[ starting at {start}][ to {limit}]|have charging begin[ at {start}][, stop at {limit}]|plan charging[ at {start}][ to {limit}]|fill the battery[ from {start}][ until {limit}]|set the car to charge[ at {start}][ no more than {limit}]|!charging time[ {start}][, max {limit}]",
    ),
    (
        "report_range",
        "how many kilometers can we still drive|!range please|!is there enough battery left, how far will it go|what distance can the car still do|give me the remaining range|how long will the battery take us|show how far the car can still go|what is left in the battery as range",
    ),
    (
        "set_wipers",
        "I cannot see through the windshield, wipers[ on {speed}]|get the wipers going[ at {speed}]|the wipers should be[ {speed}]|have the wipers run[ on {speed}]|change the wiper speed[ to {speed}]|move the wipers[ at {speed}]|!windshield wipers[ {speed}]|it started raining, put the wipers[ on {speed}]",
    ),
    (
        "toggle_fog_lights",
        "have the fog lights[ {on}]|it is foggy, fog lights[ {on}]|get the fog lamps[ {on}]|the fog lights should go[ {on}]|fog lamps[ {on}]|flip the fog lights[ {on}]|make the fog lights go[ {on}]|change the fog lights[ to {on}]",
    ),
    (
        "tune_radio",
        "I want to hear[ {frequency_mhz}] on the radio|set the radio[ to {frequency_mhz}]|change the station[ to {frequency_mhz}]|turn the radio dial[ to {frequency_mhz}]|get[ {frequency_mhz}] on the radio|find the station[ on {frequency_mhz}]|put the radio[ on {frequency_mhz}]|go to[ {frequency_mhz}] on the tuner",
    ),
    (
        "open_trunk",
        "I need to load the car, open the trunk[ to {height}]|get the trunk open[ to {height}]|have the boot up[ to {height}]|the trunk should open[ to {height}]|swing the tailgate up[ to {height}]|release the boot[, height {height}]|bring up the trunk lid[ to {height}]|trunk up[ {height}]",
    ),
    (
        "send_location",
        "[{contact} ]should know where I am[ for {minutes}]|give[ {contact}] my location[ for {minutes}]|where I am should go[ to {contact}][ for {minutes}]|allow[ {contact}] to follow my drive[ for {minutes}]|pass my position on[ to {contact}][ for {minutes}]|share my live position[ with {contact}][ over {minutes}]|send[ {contact}] where we are[ for {minutes}]|my location[ to {contact}][, {minutes}]",
    ),
    (
        "add_stop",
        "I have to stop[ at {place}][ for {minutes}] on this trip|!on the way, go by[ {place}][ and wait {minutes}]|(swing/drive) by[ {place}][ for {minutes}]|!we should stop over[ at {place}][ for {minutes}]|extend the route with a stop[ at {place}][ of {minutes}]|insert[ {place}] into the trip[ for {minutes}]|take a rest[ at {place}][ for {minutes}]|!another stop[ at {place}][, {minutes}]",
    ),
    (
        "set_ambient_light",
        "the inside should glow[ {color}][ at {percent}]|have the cabin lit[ in {color}][ at {percent}]|!ambient lighting[ {color}][, {percent}]|I would like[ {color}] light inside the car[, {percent} bright]|turn the mood lighting[ {color}][ with {percent}]|light the interior[ in {color}][ at {percent}]|use[ {color}] for the ambient light[ at {percent}]|give the cabin a[ {color}] tone[ of {percent}]",
    ),
    (
        "book_service",
        "I need[ {job}] done[ on {day}]|!can the garage do[ {job}][ on {day}]|get me a date for[ {job}][ on {day}]|the workshop should do[ {job}][ on {day}]|have the car serviced[ with {job}][ on {day}]|sign the car up[ for {job}][ on {day}]|plan[ {job}] at the garage[ for {day}]|bring the car in[ on {day}][ for {job}]",
    ),
    // Wearable.
    (
        "start_workout",
        "let us go[ {sport}][ for {goal_minutes}]|I want to do[ {sport}] now[ for {goal_minutes}], record it|my[ {sport}] session starts[, goal {goal_minutes}]|turn on[ {sport}] tracking[ for {goal_minutes}]|!about to go[ {sport}][ for {goal_minutes}], start the workout|measure my[ {sport}][ over {goal_minutes}]|get the[ {sport}] workout started[ with {goal_minutes}]|!exercise time[, {sport}][, {goal_minutes}]",
    ),
    (
        "stop_workout",
        "the workout is finished[, {save} it]|!that was enough exercise[, {save} the data]|quit the session[ and {save} it]|I have finished my workout[, {save} the record]|no more training now[, {save} it]|halt the workout[ and {save} what you have]|close the training[, {save} the result]|!workout done[, {save}]",
    ),
    (
        "set_alarm",
        "I must be awake[ at {time}][ on {day}][ for {label}]|get me out of bed[ at {time}][ on {day}][ for {label}]|ring[ at {time}][ on {day}][, it is for {label}]|put an alarm[ at {time}][ on {day}][ named {label}]|I need an alarm[ for {time}][ on {day}][ because of {label}]|have the watch wake me[ at {time}][ on {day}][ for {label}]|do not let me oversleep[ {label}][ on {day}], alarm[ at {time}]|the alarm should go off[ at {time}][ on {day}][ for {label}]",
    ),
    (
        "delete_alarm",
        "I can sleep longer, take out the alarm[ at {time}]|erase the[ {time}] alarm|the alarm[ for {time}] is no longer needed|clear my alarm[ at {time}]|scrap the alarm[ at {time}]|forget about the alarm[ at {time}]|do not wake me[ at {time}]|the[ {time}] alarm should go away",
    ),
    (
        "log_water",
        "put[ {milliliters}] down as water|I just drank[ {milliliters}]|!that was[ {milliliters}] of water, log it|count[ {milliliters}] of water for me|my water today goes up by[ {milliliters}]|write[ {milliliters}] of water down|!had a glass[ of {milliliters}] of water|water[ {milliliters}]",
    ),
    (
        "log_weight",
        "my weight is[ {kilograms}], save it|put me down at[ {kilograms}]|!today I am[ {kilograms}] on the scale, record it|enter[ {kilograms}] for my weight|note my weight[ of {kilograms}]|save[ {kilograms}] as body weight|!weight[ {kilograms}]|the scale showed[ {kilograms}], log that",
    ),
    (
        "read_heart_rate",
        "how is my heart doing|I want to know my pulse|!heart rate please|tell me how fast my heart beats|look at my pulse|give me my heart rate|!am I okay, what is the pulse|count my heartbeats",
    ),
    (
        "set_step_goal",
        "I plan to do[ {steps}] steps[ on {day}]|my target is[ {steps}] steps[ for {day}]|put the step goal[ at {steps}][ for {day}]|aim for[ {steps}] steps[ on {day}]|the goal[ for {day}] should be[ {steps}] steps|adjust the step goal[ to {steps}][ on {day}]|!step target[ {steps}][ for {day}]|let me walk[ {steps}] steps[ on {day}] as a goal",
    ),
    (
        "get_step_count",
        "!did I walk a lot[ on {day}], how many steps|!step count[ of {day}]|!steps[ on {day}] please|how much did I walk[ on {day}]|count my steps[ for {day}]|look up my steps[ from {day}]|I want to see the steps[ for {day}]|what did the step counter say[ on {day}]",
    ),
    (
        "send_message",
        "let[ {contact}] know[ by {app}][: {text}]|[{contact} ]should get a message[ on {app}][: {text}]|shoot[ {contact}] a message[ over {app}][: {text}]|!message to[ {contact}][ through {app}][, {text}]|send \"[{text}]\"[ to {contact}][ over {app}]|write[ {contact}] that[ {text}][ on {app}]|answer[ {contact}][ on {app}] with[ {text}]|type a message[ for {contact}][ in {app}][: {text}]",
    ),
    (
        "set_reminder",
        "I should[ {task}][ on {day}][ at {time}], tell me then|make sure I remember[ to {task}][ at {time}][ on {day}]|give me a reminder[ at {time}][ on {day}][ to {task}]|tell me[ at {time}][ on {day}] that I have[ to {task}]|!a reminder[ for {time}][ on {day}][: {task}]|poke me[ at {time}][ on {day}] so that I[ {task}]|I tend to forget[ to {task}], remind me[ on {day}][ at {time}]|note that I must[ {task}][ at {time}][ on {day}] and remind me",
    ),
    (
        "start_sleep_tracking",
        "watch over my sleep[ until {wake_time}][, quiet {quiet}]|I am off to sleep, record it[ until {wake_time}][ with quiet mode {quiet}]|log my night[ till {wake_time}][, quiet mode {quiet}]|!bedtime, track me[ until {wake_time}][, quiet {quiet}]|monitor my sleep[ up to {wake_time}][ with quiet {quiet}]|turn on sleep tracking[ until {wake_time}][, quiet mode {quiet}]|start the sleep log[, wake me at {wake_time}][, quiet {quiet}]|measure my sleep[ until {wake_time}][, quiet {quiet}]",
    ),
    (
        "set_vibration",
        "the vibration should be[ {strength}]|have the watch vibrate[ {strength}]|change the buzz[ to {strength}]|turn the vibration[ to {strength}]|use[ {strength}] vibration|put haptic feedback[ on {strength}]|buzz[ {strength}] on my wrist|adjust how it vibrates[ to {strength}]",
    ),
    (
        "change_watch_face",
        "my watch should show[ {face}][ in {color}]|give me the[ {face}] watch face[ in {color}]|set the dial[ to {face}][ in {color}]|change to[ {face}] on the watch[, {color}]|have the[ {face}] dial on[ in {color}]|!new watch face[: {face}][ in {color}]|the face should be[ {face}][ and {color}]|pick the[ {face}] face[ with {color}]",
    ),
    (
        "find_phone",
        "my phone is gone, ring it[ for {seconds}]|locate my phone with a sound[ of {seconds}]|have my phone ring[ for {seconds}]|I cannot find my phone[, ring it {seconds}]|sound the phone[ for {seconds}]|!phone, where are you, beep[ for {seconds}]|call my phone so that I hear it[ for {seconds}]|make my phone beep[ {seconds}]",
    ),
    (
        "start_breathing",
        "I am stressed, start breathing[ for {minutes}][ at {pace} pace]|!a breathing exercise[ for {minutes}][, {pace} pace] please|help me breathe[ for {minutes}][ with {pace} pace]|lead a breathing session[ of {minutes}][, pace {pace}]|let me breathe[ for {minutes}][ at {pace} pace]|I want to do[ {minutes}] of breathing[ at a {pace} pace]|run the breathing exercise[ for {minutes}][ {pace}]|breathing[ {minutes}][, {pace}]",
    ),
    (
        "log_mood",
        "my mood is[ {mood}][ because of {note}]|I am[ {mood}] right now, save that[, because of {note}]|set my mood[ to {mood}][, note {note}]|!feeling[ {mood}][ thanks to {note}], log it|!today was[ {mood}][ because of {note}], record it|enter[ {mood}] for my mood[ with the note {note}]|save that I feel[ {mood}][ due to {note}]|mood log[: {mood}][, {note}]",
    ),
    (
        "share_health_report",
        "[{contact} ]should get my health report[ for the past {period}]|pass my health data on[ to {contact}][ for one {period}]|email the health report[ of the {period}][ to {contact}]|let my values[ of the last {period}] go[ to {contact}]|!a health report[ of the past {period}][ for {contact}] please|show[ {contact}] my health report[ from this {period}]|transmit the report on my health[ over a {period}][ to {contact}]|send[ {contact}] how healthy I was[ in the last {period}]",
    ),
    (
        "pay_amount",
        "I owe[ {amount}], pay it[ by {card} card]|the bill is[ {amount}], use[ my {card} card]|charge[ {amount}][ to the {card} card]|take[ {amount}][ from my {card} card]|let me pay[ {amount}][ with the {card} one]|put[ {amount}][ on my {card} card]|!payment[ {amount}][, {card} card]|cover the[ {amount}][ using my {card} card]",
    ),
    (
        "set_do_not_disturb",
        "leave me alone[ for {minutes}][ except for {allow}]|no notifications[ for {minutes}][ other than {allow}]|I am busy[ for {minutes}], only[ {allow}] may disturb me|!quiet time[ of {minutes}][, {allow} can get through]|silence everything[ for {minutes}][ but {allow}]|turn on do not disturb[ for {minutes}][, exception {allow}]|keep it quiet[ for {minutes}][ unless it is {allow}]|nobody should bother me[ for {minutes}][ except {allow}]",
    ),
    // Industrial.
    (
        "start_pump",
        "!we need pump[ {pump}] running[ at {flow_lpm}]|turn on pump[ {pump}][ at {flow_lpm}]|pump[ {pump}] should deliver[ {flow_lpm}]|put pump[ {pump}] into operation[ with {flow_lpm}]|fire up pump[ {pump}][ at a flow of {flow_lpm}]|activate pump[ {pump}][, {flow_lpm}]|launch[ {pump}], the pump,[ at {flow_lpm}]|pump[ {pump}] go[, {flow_lpm}]",
    ),
    (
        "stop_pump",
        "turn off pump[ {pump}]|pump[ {pump}] should stop|!we no longer need pump[ {pump}], stop it|end the run of pump[ {pump}]|deactivate pump[ {pump}]|power down pump[ {pump}]|make pump[ {pump}] stop|bring pump[ {pump}] to a halt",
    ),
    (
        "set_conveyor_speed",
        "!belt speed[ of line {line}][ to {speed_mps}]|the conveyor[ on line {line}] should run[ at {speed_mps}]|(slow/speed) the belt[ of line {line}][ to {speed_mps}]|have line[ {line}] move[ at {speed_mps}]|adjust the belt[ on line {line}][ to {speed_mps}]|!conveyor[ of line {line}] at[ {speed_mps}]|get the belt on line[ {line}] going[ at {speed_mps}]|let conveyor line[ {line}] run[ with {speed_mps}]",
    ),
    (
        "open_valve",
        "!we need flow, open[ {valve}][ to {percent}]|get valve[ {valve}] open[ by {percent}]|valve[ {valve}] should be open[ at {percent}]|have[ {valve}] opened[ to {percent}]|put valve[ {valve}][ at {percent}]|move valve[ {valve}] up[ to {percent}]|unblock valve[ {valve}][, {percent}]|release the valve[ {valve}][ to {percent}]",
    ),
    (
        "close_valve",
        "no more flow through valve[ {valve}]|get valve[ {valve}] shut|valve[ {valve}] should be closed|have valve[ {valve}] closed|move valve[ {valve}] to closed|stop what goes through valve[ {valve}]|valve[ {valve}] shut|I want valve[ {valve}] closed now",
    ),
    (
        "read_sensor",
        "how is sensor[ {sensor}] doing[ on {quantity}]|report the[ {quantity}] at sensor[ {sensor}]|what is the[ {quantity}] at[ {sensor}]|I need the[ {quantity}] from sensor[ {sensor}]|look at sensor[ {sensor}][, {quantity}]|!sensor[ {sensor}][, {quantity} value]|show the value[ of {quantity}] for sensor[ {sensor}]|fetch sensor[ {sensor}][ {quantity}]",
    ),
    (
        "set_alarm_threshold",
        "tell me when sensor[ {sensor}] gets[ {direction}][ {limit}]|!an alarm should come if[ {sensor}] is[ {direction}][ {limit}]|let sensor[ {sensor}] alarm[ {direction}][ {limit}]|put the limit[ for {sensor}][ at {limit}][, {direction}]|notify me once sensor[ {sensor}] reads[ {direction}][ {limit}]|define a threshold[ of {limit}][ for sensor {sensor}][, {direction}]|alarm limit[ for {sensor}][: {limit}][, {direction}]|set off an alarm[ when sensor {sensor}] is[ {direction}][ {limit}]",
    ),
    (
        "acknowledge_alarm",
        "alarm[ {alarm}] is known, acknowledge[ with {comment}]|take note of alarm[ {alarm}][, comment {comment}]|I confirm alarm[ {alarm}][, {comment}]|okay alarm[ {alarm}][ with the note {comment}]|!we looked at alarm[ {alarm}], confirm it[, note {comment}]|accept alarm[ {alarm}][ and write {comment}]|sign off alarm[ {alarm}][, saying {comment}]|alarm[ {alarm}] acknowledged[, {comment}]",
    ),
    (
        "move_robot_arm",
        "the arm should go[ to x {x_mm}][, y {y_mm}][ and z {z_mm}]|bring the gripper[ to x {x_mm}][, y {y_mm}][, z {z_mm}]|robot to[ x {x_mm}][, y {y_mm}][, z {z_mm}]|put the arm[ at x {x_mm}][ y {y_mm}][ z {z_mm}]|travel with the arm[ to x {x_mm}][ and y {y_mm}][, z {z_mm}]|set the arm position[ to x {x_mm}][, y {y_mm}][, z {z_mm}]|place the tool[ at x {x_mm}][ y {y_mm}][ z {z_mm}]|!arm coordinates[ x {x_mm}][, y {y_mm}][, z {z_mm}]",
    ),
    (
        "home_axis",
        "axis[ {axis}] should go home|return axis[ {axis}] to zero|run the homing[ for axis {axis}]|put axis[ {axis}] at its reference|get axis[ {axis}] homed|zero the[ {axis}] axis|move the[ {axis}] axis home|calibrate axis[ {axis}] to its home",
    ),
    (
        "set_furnace",
        "furnace[ {furnace}] should be[ at {temperature}][ using {ramp}]|get furnace[ {furnace}][ to {temperature}][ with {ramp}]|run furnace[ {furnace}][ at {temperature}][, {ramp}]|I need[ {temperature}] in furnace[ {furnace}][ with {ramp}]|warm furnace[ {furnace}] up[ to {temperature}][ with {ramp}]|raise furnace[ {furnace}][ to {temperature}][ on {ramp}]|have furnace[ {furnace}] reach[ {temperature}][ with {ramp}]|put furnace[ {furnace}][ on {temperature}][, {ramp}]",
    ),
    (
        "log_downtime",
        "!we lost[ {minutes}][ on machine {machine}][ due to {cause}]|machine[ {machine}] was not running[ for {minutes}][ because of {cause}], note it|put down[ {minutes}] of downtime[ at machine {machine}][, {cause}]|write up a standstill[ of {minutes}][ on machine {machine}][, cause {cause}]|machine[ {machine}] had a stop[ of {minutes}][ from {cause}]|log that[ {machine}] stopped[ for {minutes}][ because of {cause}]|report downtime[ on {machine}][, {minutes}][, {cause}]|!standstill[ at machine {machine}][: {minutes}][, reason {cause}]",
    ),
    (
        "create_work_order",
        "!someone has to fix machine[ {machine}][, priority {priority}][, assign {assignee}]|I need a work order[ on {machine}][, {priority}][, for {assignee}]|make a[ {priority}] priority order[ for machine {machine}][ and give it to {assignee}]|issue a work order[ for {machine}][ with priority {priority}][ to {assignee}]|machine[ {machine}] is broken, write an order[ with {priority} priority][ for {assignee}]|put in a maintenance request[ for machine {machine}][, {priority} priority][, {assignee} does it]|order a repair[ of machine {machine}][ at {priority} priority][ by {assignee}]|!work order[ {machine}][, {priority}][, {assignee}]",
    ),
    (
        "emergency_stop",
        "!danger[ in {area}], stop the machines|stop all of it right now[ in {area}]|!everything has to stop[ in {area}] immediately|pull the emergency stop[ in {area}]|cut all machines[ in {area}] now|!somebody is hurt[ in {area}], emergency stop|kill all machines[ in {area}]|freeze everything[ in {area}] at once",
    ),
    (
        "print_label",
        "!we need labels[ for {sku}][, {copies}]|give me[ {copies} of] the sticker[ for {sku}]|have labels printed[ for {sku}][, {copies}]|output a label[ for {sku}][, {copies}]|!item[ {sku}] needs a label[, {copies}]|!stickers[ for {sku}][: {copies}]|send the label[ of {sku}] to the printer[, {copies}]|produce labels[ for article {sku}][, {copies}]",
    ),
    (
        "count_stock",
        "do we have[ {sku}][ in {area}], how many|tell me the stock[ of {sku}][ in {area}]|how much[ {sku}] do we have[ in {area}]|number of[ {sku}][ in {area}] please|!inventory[ of {sku}][, {area}]|!is there any[ {sku}] left[ in {area}]|find out how many[ {sku}] are there[ in {area}]|take stock[ of {sku}][ in {area}]",
    ),
    (
        "set_fan_speed",
        "fan[ {fan}] should turn[ at {rpm}]|turn fan[ {fan}] up[ to {rpm}]|have fan[ {fan}] run[ at {rpm}]|make ventilator[ {fan}] spin[ at {rpm}]|adjust fan[ {fan}][ to {rpm}]|fan speed[ of {fan}][: {rpm}]|let fan[ {fan}] do[ {rpm}]|put fan[ {fan}][ on {rpm}]",
    ),
    (
        "start_batch",
        "!we want[ {quantity_kg}] of[ {recipe}], start the batch|produce[ {quantity_kg}] of[ {recipe}]|get a batch of[ {recipe}] going[ with {quantity_kg}]|the next batch is[ {recipe}][, {quantity_kg}]|cook up[ {quantity_kg}] of[ {recipe}]|manufacture[ {recipe}][ in the amount of {quantity_kg}]|!batch[ of {recipe}][, {quantity_kg}]|set up production of[ {recipe}][ for {quantity_kg}]",
    ),
    (
        "lock_out_machine",
        "nobody may start machine[ {machine}][, {technician} works on it]|lock machine[ {machine}][ for {technician}]|[{technician} ]needs machine[ {machine}] locked out|block machine[ {machine}] for repair[ by {technician}]|take machine[ {machine}] out with a lockout[ under {technician}]|machine[ {machine}] lockout[, {technician}]|make machine[ {machine}] safe[ for {technician}] with a lockout|apply a lock to machine[ {machine}][ for {technician}]",
    ),
    (
        "set_tank_level",
        "tank[ {tank}] should be filled[ to {liters}]|put[ {liters}] into tank[ {tank}]|I want tank[ {tank}] at[ {liters}]|adjust the level of tank[ {tank}][ to {liters}]|let tank[ {tank}] fill[ to {liters}]|tank level[ {tank}][: {liters}]|have[ {liters}] in tank[ {tank}]|raise tank[ {tank}][ to {liters}]",
    ),
];

/// More words around requests, as [`WRAPPERS`](crate::function_call::words::WRAPPERS).
pub(crate) const MORE_WRAPPERS: &str = "oh, {u}|hmm, {u}|okay so {u}|{u} if possible|{u} now|hey there, {u}|{u}, that would be great|sorry, {u}|good evening, {u}|by the way, {u}|{u} right away|{u}, will you|morning, {u}|say, {u}|actually, {u}|{u} for me|dear assistant, {u}|and {u}|{u} as soon as you can|real quick, {u}|again: {u}|{u}, if you do not mind";

/// More words around commands, as [`COMMAND_WRAPPERS`](crate::function_call::words::COMMAND_WRAPPERS).
pub(crate) const MORE_COMMAND_WRAPPERS: &str = "would you please {u}|will you {u}|you can {u} now|please go and {u}|may I ask you to {u}|would you mind to {u}|is it possible to {u}|I would be glad if you {u}|how about you {u}|I have to ask you to {u}|do {u}|quickly {u}|please just {u}|I want to {u}|we need to {u}|it is time to {u}|your next task: {u}|can somebody {u}|remember to {u}|I ask you to {u}|get ready to {u}|why not {u}";

/// More ways to join two and three requests, as [`JOINERS`](crate::function_call::words::JOINERS).
pub(crate) const MORE_JOINERS: [&str; 2] = [
    "{a}, next {b}|{a} while you {b}|{a} & {b}|{a}. after that {b}|{a}, and when you are done {b}|{a}. then {b}|both {a} and {b}|{a}, and finally {b}|{a} followed by this: {b}|{a}, but also {b}|{a}. oh and {b}|{a} or rather also {b}",
    "{a}. then {b}. then {c}|{a}; then {b}; finally {c}|first {a}, second {b}, third {c}|{a}, next {b}, last {c}|{a}, and {b}, and also {c}|{a}. also {b}. and {c}|{a} plus {b} plus {c}|{a} & {b} & {c}",
];

/// More that no device function serves, as [`CHATTER`](crate::function_call::words::CHATTER).
pub(crate) const MORE_CHATTER: &str = "what is love|who discovered America|how many continents are there|tell me something interesting|what is the boiling point of gold|write me a haiku|who directed Jaws|what is the difference between a crocodile and an alligator|how do bees make honey|can you speak French|what is the longest river in Africa|give me a riddle|how many planets are there|I had a strange dream|my neighbor is annoying|what is your favorite food|who was the first person on the moon|define entropy|what is three cubed|tell me about Napoleon|how do magnets work|what do pandas eat|that was a great film|who sings Yesterday|what year did Titanic sink|do plants feel pain|what is a haiku|name a Greek god|is Pluto a planet|how do I become a pilot|what is inflation|how many inches are in a foot|I miss the summer|what do you think of modern art|tell me a fun fact about whales|who is your creator|what is the currency of Japan|how do you make sourdough|is it rude to eat with your hands|what is the plural of octopus|why do cats purr|I just wanted to say hi|explain gravity like I am five|which came first, the chicken or the egg|what is the best way to learn guitar|who won the chess championship|how deep is the ocean|do you know any magic tricks|what is a group of crows called|how long is a marathon";
