//! Which words can values be made of?
//!
//! Lists separated by `|`; every fifth word of an open list is kept for the test split. In closed lists `=` separates a
//! value from the wordings people use for it.

/// What a parameter may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Any text; the list is what the generator draws from.
    Open(&'static str),
    /// Texts of an open list, several at once.
    Many(&'static str),
    /// An identifier: `#` a digit, `@` a capital letter.
    Code(&'static str),
    /// One of a closed list.
    Closed(&'static str),
    /// `true` and `false` with their wordings.
    Switch(&'static str, &'static str),
    /// Least, most, step, ways to say it (`{n}` the number).
    Integer(i64, i64, i64, &'static str),
    /// As an integer, in units of the last of so many decimals.
    Decimal(u32, i64, i64, i64, &'static str),
    /// Whole minutes, also said in hours.
    Minutes,
    /// A time of day, `HH:MM`.
    Time,
}

use Kind::{Closed, Code, Decimal, Integer, Many, Minutes, Open, Switch, Time};

const PERSONS: &str = "Anna|my brother|Dr. Patel|Lena Fischer|Marco|Grandma|Tom Becker|Yuki|the plumber|Omar|Mum|Sofia Rossi|Jack|Priya|Uncle Ben|Chloe Martin|Diego|Mia|Mr. Novak|Hannah|Samir|my boss|Elena Petrova|Noah|Ingrid|Dad|Luca|Mrs. Okafor|Wei Chen|Fatima|Paul|Karin Olsen|Amara|my sister|Felix|Rosa|Tariq Aziz|Nina|Viktor|the landlord|Eva Lindqvist|Ravi|Leo|Carmen|Bjorn";

/// The kinds by name.
pub(crate) const KINDS: &[(&str, Kind)] = &[
    (
        "room",
        Open(
            "kitchen|living room|bedroom|bathroom|attic|hallway|office|garage|nursery|basement|dining room|guest room|laundry room|library|sunroom|study|playroom|pantry|hall|conservatory|upstairs bedroom|den|corridor|workshop|veranda|kids room|utility room|entrance|studio|music room|home gym|cellar|landing|loft|box room",
        ),
    ),
    ("color", Closed("red|blue|green|yellow|purple=violet|orange|pink|white|turquoise=teal")),
    ("percent", Integer(5, 100, 5, "{n} percent|{n}%|{n} %|{n} per cent")),
    ("celsius", Decimal(1, 160, 280, 5, "{n} degrees|{n} °C|{n} degrees celsius|{n}°")),
    ("heat_mode", Closed("comfort|eco=economy|away=absence|boost")),
    (
        "door",
        Open(
            "front|back|garage|cellar|side|balcony|terrace|garden|main|shed|patio|basement|kitchen|gate|attic|stairwell|greenhouse|courtyard|west|barn",
        ),
    ),
    ("pin", Code("####")),
    (
        "artist",
        Open(
            "The Velvet Pines|Nora Quill|Miles Davis|Blue Harbor|DJ Okapi|Aretha Franklin|Silent Rivers|Bach|The Paper Moons|Kofi Mensah|Luna Park|Johnny Cash|Etta James|Northern Static|Chopin|Glass Animals|The Lanterns|Billie Holiday|Moss and Stone|Nina Simone|Cedar Kings|Vivaldi|Harbor Lights|Radio Comet|Otis Redding|Paper Tigers|Saint Olga|The Tin Birds|Mozart|Velvet Crane",
        ),
    ),
    ("vacuum_power", Closed("quiet=silent|normal=standard|turbo=full power")),
    (
        "dish",
        Open(
            "pasta|eggs|tea|bread|pizza|rice|cookies|lasagna|soup|laundry|potatoes|cake|roast|coffee|muffins|noodles|chicken|quiche|beans|oatmeal",
        ),
    ),
    (
        "groceries",
        Many(
            "milk|eggs|bread|apples|butter|coffee|tomatoes|rice|cheese|oat flakes|bananas|olive oil|yogurt|onions|soap|spinach|pasta|honey|lemons|toilet paper|carrots|salt|garlic|tea bags|orange juice|mushrooms|flour|cereal|tofu|sponges",
        ),
    ),
    ("alarm_mode", Closed("home|away|night=sleep|vacation=holiday")),
    (
        "camera",
        Open(
            "porch|driveway|garden|garage|back yard|front door|pool|nursery|gate|stairs|balcony|street|shed|hall|mailbox|terrace|roof|lobby|carport|barn",
        ),
    ),
    ("screen", Open("tv|tablet|kitchen display|phone|projector|laptop|bedroom tv|watch|wall panel|monitor")),
    ("oven", Integer(120, 250, 5, "{n} degrees|{n} °C|{n}°|{n}")),
    ("oven_program", Closed("fan=hot air|grill=broil|top_bottom=top and bottom heat|pizza")),
    (
        "garden_zone",
        Open(
            "lawn|roses|tomatoes|hedge|herb bed|front yard|vegetables|orchard|flower bed|greenhouse|back lawn|shrubs|terrace pots|strawberries|meadow",
        ),
    ),
    ("wash_program", Closed("cotton|delicate=gentle|wool|quick=express|sport")),
    ("wash_temperature", Integer(20, 90, 10, "{n} degrees|{n} °C|{n}°")),
    ("time", Time),
    ("minutes", Minutes),
    (
        "message",
        Open(
            "dinner is ready|I am running late|please feed the cat|the movie starts now|see you at the gate|do not forget the keys|we leave in ten minutes|happy birthday|the taxi is here|call me back|the pool is open|wash your hands|I am almost home|bring some wine|the guests have arrived|lunch is on the table|the train is delayed|good night everyone|turn the stove down|meet me downstairs|the parcel has come|buy stamps|grandpa is on the phone|shoes off please|the meeting is cancelled",
        ),
    ),
    (
        "place",
        Open(
            "the airport|Central Station|Elm Street 12|the nearest bakery|Lakeside Mall|the city hospital|Hamburg|Cafe Luna|work|the university|Harbor View Hotel|Berlin|home|the old bridge|Maple Avenue 7|Green Park|Vienna|the gas station|City Museum|Oak Road 31|the stadium|Lyon|the ferry terminal|Pine Hill School|Prague|the town hall|the post office|Riverside Cinema|Station Road 5|the pharmacy|Mill Lane 88|Porto|the zoo|Sunset Beach|the court house",
        ),
    ),
    ("avoid", Closed("tolls=toll roads|highways=motorways|ferries=ferry boats|tunnels")),
    ("km", Integer(1, 50, 1, "{n} kilometers|{n} km|{n} kilometres")),
    ("connector", Closed("ccs|chademo|type2=type 2|tesla")),
    ("seat_zone", Closed("driver|passenger=front passenger|rear_left=left rear|rear_right=right rear")),
    ("level3", Integer(1, 3, 1, "{n}")),
    ("window", Closed("driver|passenger|rear_left=left rear|rear_right=right rear")),
    ("kmh", Integer(30, 180, 5, "{n} km/h|{n} kilometers per hour|{n} kmh|{n}")),
    ("distance", Closed("short=small|medium=normal|long=large")),
    ("person", Open(PERSONS)),
    ("line", Closed("mobile=cell|home=private|work=office")),
    (
        "tire",
        Closed(
            "front_left=left front=front left|front_right=right front=front right|rear_left=left rear=rear left|rear_right=right rear=rear right",
        ),
    ),
    ("drive_mode", Closed("eco=economy|comfort|sport=sporty|snow=winter")),
    ("switch", Switch("on", "off")),
    ("wiper_speed", Closed("off|interval=intermittent|slow|fast")),
    ("mhz", Decimal(1, 875, 1080, 1, "{n}|{n} megahertz|{n} MHz|{n} FM")),
    (
        "weekday",
        Closed(
            "monday=Monday|tuesday=Tuesday|wednesday=Wednesday|thursday=Thursday|friday=Friday|saturday=Saturday|sunday=Sunday",
        ),
    ),
    (
        "service_job",
        Closed(
            "oil_change=oil change|tire_change=tire change|inspection|brake_check=brake check|battery_test=battery test",
        ),
    ),
    ("sport", Closed("running|cycling=biking|swimming|rowing|hiking|yoga")),
    ("yes_no", Switch("save|keep|store", "discard|delete|throw away")),
    ("yes_no_flag", Switch("on", "off")),
    (
        "event",
        Open(
            "work|school|the gym|my flight|the exam|a meeting|yoga class|the dentist|a long walk|the concert|choir|fishing|the interview|breakfast|the marathon|bad sleep|good news|rehearsal|a birthday|the market|a deadline|the road trip|church|a nice call|the workshop",
        ),
    ),
    ("milliliters", Integer(100, 1500, 50, "{n} milliliters|{n} ml|{n} millilitres")),
    ("kilograms", Decimal(1, 450, 1200, 1, "{n} kilograms|{n} kg|{n} kilos")),
    ("steps", Integer(2000, 20000, 500, "{n}")),
    (
        "task",
        Open(
            "call the bank|take my pills|water the plants|pay the rent|pick up the kids|buy flowers|charge the bike|walk the dog|book the flights|return the books|clean the filter|send the invoice|feed the fish|renew the passport|stretch my legs|bring out the trash|order new contact lenses|check the mail|cancel the gym|thank Robert|bake a cake|fix the fence|print the tickets|wash the car|back up my laptop",
        ),
    ),
    ("app", Closed("sms=text message|signal|whatsapp|telegram")),
    ("strength", Closed("off|gentle=soft|medium=normal|strong=hard")),
    (
        "watch_face",
        Open(
            "analog|minimal|chronograph|solar|moon phase|pixel|classic|world clock|photo|activity|retro|nautical|botanic|infograph|aviator",
        ),
    ),
    ("seconds", Integer(5, 90, 5, "{n} seconds|{n} sec|{n} s")),
    ("pace", Closed("slow=calm|normal=medium|fast=quick")),
    ("mood", Closed("happy=cheerful|calm=relaxed|tired=sleepy|stressed=tense|sad=down")),
    ("period", Closed("day|week|month|year")),
    ("money", Decimal(2, 100, 20000, 5, "{n} euros|{n} EUR|€{n}|{n} euro")),
    ("card", Open("travel|business|debit|gold|family|student|black|blue|company|savings")),
    ("pump_id", Code("P-##")),
    ("lpm", Integer(10, 600, 10, "{n} liters per minute|{n} l/min|{n} lpm")),
    ("line_id", Integer(1, 24, 1, "{n}")),
    ("mps", Decimal(1, 1, 30, 1, "{n} meters per second|{n} m/s")),
    ("valve_id", Code("V-###")),
    ("sensor_id", Code("@@-##")),
    ("quantity", Closed("temperature|pressure|humidity=moisture|vibration")),
    ("decimal", Decimal(1, 10, 2000, 5, "{n}")),
    ("direction", Closed("above=over|below=under")),
    ("alarm_id", Integer(100, 999, 1, "{n}|number {n}")),
    (
        "shift_note",
        Open(
            "filter replaced|false alarm|technician informed|power was out|door was open|sensor is dirty|waiting for parts|restarted by hand|checked on site|belt was loose|known issue|refilled oil|fuse changed|handed over to night shift|operator error",
        ),
    ),
    ("mm", Integer(10, 900, 5, "{n}|{n} mm|{n} millimeters")),
    ("axis", Closed("x|y|z|a|c")),
    ("furnace_id", Code("F#")),
    ("furnace_temperature", Integer(300, 1400, 10, "{n} degrees|{n} °C|{n} degrees celsius")),
    ("ramp", Closed("slow=a slow ramp|normal=a normal ramp|fast=a fast ramp")),
    ("machine_id", Code("@##")),
    (
        "cause",
        Closed(
            "jam=a jam|maintenance|no_material=missing material=no material|power=a power failure|operator=a missing operator",
        ),
    ),
    ("priority", Closed("low|normal=regular|high|urgent=critical")),
    (
        "area",
        Open(
            "hall 3|the paint shop|assembly|warehouse B|packing|the loading dock|hall 1|the press line|cold storage|building 7|the foundry|zone 4|the mill|shipping|the clean room|sector 9|aisle 12|the boiler house|warehouse D|the lab",
        ),
    ),
    ("sku", Code("@@####")),
    ("copies", Integer(2, 40, 1, "{n} copies|{n} pieces|{n} prints")),
    ("fan_id", Integer(1, 16, 1, "{n}|number {n}")),
    ("rpm", Integer(300, 3000, 50, "{n} rpm|{n} revolutions per minute|{n} turns per minute")),
    (
        "recipe",
        Open(
            "lemon syrup|white paint|soap base|tomato sauce|concrete mix|glue type A|vanilla cream|floor wax|hand gel|dark chocolate|cement grout|apple juice|ink cyan|shampoo|primer grey|malt extract|blue dye|oat drink|resin B|mustard",
        ),
    ),
    ("kilograms_batch", Integer(50, 2000, 10, "{n} kilograms|{n} kg|{n} kilos")),
    ("tank_id", Code("T##")),
    ("liters", Integer(50, 9000, 50, "{n} liters|{n} l|{n} litres")),
];

/// Other names that training gives to parameters.
pub(crate) const PARAMETER_NAMES: &[(&str, &str)] = &[
    ("room", "area|location|place|zone"),
    ("percent", "level|value|amount|position"),
    ("minutes", "duration|duration_min|length_minutes"),
    ("temperature", "temp|degrees|target"),
    ("celsius", "temp_c|degrees|target"),
    ("contact", "person|name|recipient|who"),
    ("time", "at|clock|when|hour"),
    ("day", "weekday|on|date"),
    ("machine", "asset|unit|equipment"),
    ("color", "colour|tint|hue"),
    ("mode", "setting|profile|program"),
    ("door", "entrance|which|target"),
    ("code", "pin|password|secret"),
    ("pin", "code|password"),
    ("artist", "performer|band|music"),
    ("volume", "loudness|level"),
    ("label", "title|tag|caption"),
    ("items", "products|things|list"),
    ("camera", "cam|source|device"),
    ("screen", "display|output"),
    ("zone", "region|section"),
    ("message", "text|content|announcement"),
    ("text", "body|content|message"),
    ("destination", "target|to|place|address"),
    ("avoid", "without|exclude"),
    ("seat", "position|place"),
    ("level", "stage|step|intensity"),
    ("window", "position|which"),
    ("limit", "max|threshold|bound"),
    ("start", "begin|from|start_time"),
    ("place", "location|where|address"),
    ("seconds", "duration_s|length"),
    ("sport", "activity|kind|type"),
    ("pump", "pump_id|id|unit"),
    ("line", "line_no|number"),
    ("valve", "valve_id|id"),
    ("sensor", "sensor_id|id|device"),
    ("area", "zone|location|section"),
    ("sku", "item|article|product"),
    ("copies", "count|quantity|n"),
    ("fan", "fan_no|id"),
    ("tank", "tank_id|id|vessel"),
    ("furnace", "furnace_id|id|oven"),
    ("priority", "urgency|importance"),
    ("assignee", "worker|owner|person"),
    ("speed", "velocity|setting"),
    ("amount", "sum|value|total"),
    ("task", "what|todo|action"),
    ("mood", "feeling|state"),
    ("comment", "note|remark"),
    ("program", "cycle|mode"),
    ("job", "service|work"),
    ("recipe", "product|formula"),
    ("technician", "worker|person|name"),
    ("liters", "volume|amount|level"),
    ("cause", "reason|why"),
    ("steps", "goal|count|target"),
    ("period", "span|range|interval"),
];

/// Other words that training has in the names of functions.
pub(crate) const NAME_WORDS: &[(&str, &str)] = &[
    ("turn", "switch"),
    ("set", "adjust|change|configure"),
    ("start", "begin|run|launch"),
    ("stop", "halt|end"),
    ("get", "fetch|query"),
    ("read", "get|check"),
    ("log", "record|note|track"),
    ("close", "shut"),
    ("send", "transmit|deliver"),
    ("show", "display|view"),
    ("find", "locate|search"),
    ("add", "insert|append"),
    ("create", "open|new|make"),
    ("call", "dial|phone"),
    ("light", "lamp"),
    ("delete", "remove|cancel"),
    ("share", "forward|export"),
    ("schedule", "plan"),
    ("count", "check|look_up"),
    ("book", "reserve"),
];

/// How one asks for anything at all; only the second list goes with commands alone.
pub(crate) const WRAPPERS: &str = "hey, {u}|ok, {u}|{u} please|{u}, thanks|um, {u}|hello, {u}|alright, {u}|so, {u}|listen, {u}|one thing: {u}|{u}, thank you|assistant, {u}|yo, {u}|{u}, okay?|right, {u}|well, {u}|hi there, {u}|{u} when you can|good morning, {u}|quickly: {u}|now {u}|{u}, would you|uh, {u}|excuse me, {u}|{u} asap";
pub(crate) const COMMAND_WRAPPERS: &str = "please {u}|could you {u}|can you {u}|would you {u}|I want you to {u}|I need you to {u}|can you please {u}|could you please {u}|would you kindly {u}|go ahead and {u}|I would like you to {u}|you should {u}|kindly {u}|be so kind and {u}|it would be nice if you could {u}|let us {u}|time to {u}|just {u}|do me a favor and {u}|I was wondering if you could {u}|help me to {u}|your job is to {u}|try to {u}|next, {u}|make sure to {u}";

/// How two and three requests are put into one sentence.
pub(crate) const JOINERS: [&str; 2] = [
    "{a} and {b}|{a}, then {b}|{a} and also {b}|first {a}, then {b}|{a}. {b}|{a} and after that {b}|{a} and then {b}|{a}; {b}|{a}, and {b}|{a} plus {b}|{a} as well as {b}|{a}. also {b}|two things: {a}, {b}|{a}, besides {b}|{a}, afterwards {b}",
    "{a}, {b} and {c}|{a}, then {b}, then {c}|{a} and {b} and {c}|first {a}, then {b}, finally {c}|{a}. {b}. {c}|{a}, {b}, and after that {c}|three things: {a}, {b}, {c}|{a}; {b}; {c}|{a} and {b}, then {c}|{a}, also {b} and {c}",
];

/// What people say that no device function serves.
pub(crate) const CHATTER: &str = "tell me a joke|who wrote Hamlet|what is the capital of Mongolia|how are you today|translate good morning into Spanish|what is seventeen times four|sing me a lullaby|do you believe in ghosts|explain photosynthesis to me|recommend a good novel|who won the world cup in 1990|write a poem about autumn|what does serendipity mean|spell the word rhythm|how tall is Mount Everest|what should I wear to a wedding|I am bored|nice weather today|you are really helpful|how do I tie a bow tie|give me a recipe for pancakes|how old is the universe|what is the meaning of life|tell me a story about dragons|which language has the most speakers|convert ten miles into meters in your head|is a tomato a fruit|who is the president of France|what is the fastest animal|why is the sky blue|how do airplanes fly|tell me about the Roman empire|what is your name|can you dance|I had pizza for lunch|my feet hurt|suggest a name for my puppy|how do vaccines work|what rhymes with orange|list three famous painters|what is a black hole|how do I say thank you in Japanese|when did the Berlin wall fall|good luck with everything|I think I forgot something|what is the square root of 144|do fish sleep|summarize the plot of Moby Dick|who invented the telephone|are we there yet|teach me a chess opening|what is the tallest building in the world|did you sleep well|how many bones does a human have|who painted the Mona Lisa|I love this song|what is on at the theater|do you like cats|how is cheese made|flip a coin";
