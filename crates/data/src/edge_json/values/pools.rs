//! Which words are values made of? Lists are one string, parts separated by `|`.
//!
//! A fifth of every list (by a hash of the word) is kept for the test split; see [`super::is_reserved`].

/// Given names.
pub(crate) const FIRST: &str = "Maria|James|Aisha|Kenji|Elena|Tom|Ingrid|Carlos|Mei|David|Fatima|Oliver|Nina|Samuel|Priya|Lukas|Zoë|Ahmed|Clara|Diego|Hannah|Ivan|Julia|Kofi|Laura|Marco|Noor|Omar|Paula|Quentin|Rosa|Sven|Tara|Uma|Victor|Wendy|Xavier|Yara|Zeno|Amelia|Bruno|Celia|Dmitri|Esther|Felix|Greta|Hugo|Irene|Jonas|Keiko|Leon|Mara|Nils|Olga|Pedro|Ruth|Stefan|Tessa|Umberto|Vera|Walter|Yusuf|Zara|Anders|Bianca|Cyril|Dora|Emil|Farah|Gustav|Helen|Isaac|Jana|Karim|Lena|Mateo|Nadia|Oscar|Petra|Rahul|Sofia|Theo|Ulla|Vikram|Wanda|Yann|Agnes|Boris|Carmen|Denis|Edith|Frank|Gloria|Harold|Iris|Jorge|Kira|Liam|Mona|Neil|Opal|Pavel|Renée|Simon|Thea|Vincent|Wilma|Alan|Beth|Colin|Diana|Erik|Flora|George|Hilda|Ian|Joan|Kurt|Linda|Martin|Nora|Otto|Phil|Rita|Saul|Toni|Ursula|Vito|Ada|Ben|Chloe|Dan|Eva|Fred|Gina|Hal|Ida|Jack|Kate|Leo|Mia|Ned|Olive|Pia|Ray|Sue|Tim|Val|Will";
/// Family names.
pub(crate) const LAST: &str = "Lopez|Smith|Khan|Tanaka|Petrova|Becker|Olsen|Mendez|Chen|Miller|Hassan|Wright|Novak|Okafor|Sharma|Weber|Dubois|Farouk|Rossi|Alvarez|Schmidt|Ivanov|Keller|Mensah|Bianchi|Costa|Haddad|Jensen|Moreau|Nakamura|Oliveira|Park|Quinn|Ramirez|Svensson|Thompson|Ueda|Vargas|Walsh|Xu|Yilmaz|Zimmer|Adler|Brandt|Carter|Dawson|Eriksen|Fischer|Garcia|Hoffman|Ito|Johansson|Kaur|Lindqvist|Müller|Nguyen|Ortega|Patel|Reyes|Santos|Torres|Usman|Vogel|Wagner|Yang|Zhou|Abbott|Barker|Conti|Diaz|Ellis|Foster|Gray|Hughes|Ingram|Jones|King|Lambert|Marsh|Nolan|Owens|Pearce|Reed|Stone|Turner|Underwood|Vance|Wells|Young|Archer|Bishop|Cole|Duarte|Emery|Ford|Grant|Hale|Irving|Joyce|Knight|Lane|Mason|North|Osman|Price|Rowe|Shaw|Tate|Vaughn|West|Ackerman|Blum|Castillo|Doyle|Engel|Franke|Gallo|Huber|Iversen|Jacobs|Kovacs|Lund|Meyer|Naidoo|Orlov|Peters|Romano|Suzuki|Tran|Urban|Virtanen|Winter|Yamada|Zeller|O'Brien|MacLeod|van Dijk|de Vries";
/// Syllables for names that no list has.
pub(crate) const SYLLABLES: &str = "ba|ber|bo|cal|dan|del|dor|el|en|fa|fen|gar|gil|ha|hol|in|ja|kel|kor|la|len|lo|mar|mel|mi|na|nor|ol|or|pel|ra|ren|ro|sa|sel|tar|ti|tor|ul|va|vel|vi|wen|ya|zan|zel";
/// Cities.
pub(crate) const CITIES: &str = "Berlin|Lisbon|Oslo|Madrid|Vienna|Prague|Dublin|Athens|Warsaw|Zurich|Toronto|Chicago|Denver|Austin|Seattle|Boston|Phoenix|Portland|Houston|Miami|Lima|Bogota|Santiago|Montevideo|Nairobi|Accra|Lagos|Cairo|Tunis|Rabat|Mumbai|Delhi|Chennai|Pune|Dhaka|Hanoi|Manila|Jakarta|Osaka|Kyoto|Nagoya|Sapporo|Seoul|Busan|Taipei|Perth|Sydney|Brisbane|Auckland|Wellington|Bergen|Malmö|Aarhus|Turku|Tampere|Riga|Vilnius|Tallinn|Krakow|Gdansk|Brno|Graz|Linz|Basel|Bern|Geneva|Lyon|Nantes|Bordeaux|Lille|Toulouse|Ghent|Bruges|Utrecht|Delft|Leiden|Bremen|Hamburg|Leipzig|Dresden|Cologne|Stuttgart|Turin|Bologna|Naples|Palermo|Porto|Braga|Seville|Valencia|Bilbao|Granada|Leeds|Bristol|Glasgow|Cardiff|Belfast|York|Cork|Galway|Omaha|Tucson|Fresno|Tulsa|Reno|Boise|São Paulo|New York|San Diego|Cape Town|Buenos Aires|Kuala Lumpur|Hong Kong|Salt Lake City";
/// Countries.
pub(crate) const COUNTRIES: &str = "Germany|Portugal|Norway|Spain|Austria|Ireland|Greece|Poland|Canada|Peru|Chile|Kenya|Ghana|Egypt|India|Vietnam|Japan|Korea|Australia|New Zealand|Denmark|Finland|Latvia|Switzerland|France|Belgium|Netherlands|Italy|Mexico|Brazil|Iceland|Croatia|Turkey|Morocco";
/// First words of company names.
pub(crate) const COMPANY_WORDS: &str = "North|Blue|Silver|Golden|Bright|Clear|Summit|River|Harbor|Cedar|Maple|Granite|Falcon|Orbit|Delta|Nova|Vertex|Pioneer|Atlas|Beacon|Lumen|Quartz|Stellar|Union|Evergreen|Copper|Crystal|Eagle|Horizon|Iron|Juniper|Kestrel|Lighthouse|Meadow|Nimbus|Oak|Phoenix|Raven|Sierra|Tidal|Umbra|Valley|Willow|Zenith|Amber|Birch|Coral|Dawn|Ember|Flint";
/// Last words of company names.
pub(crate) const COMPANY_ENDS: &str = "Systems|Logistics|Foods|Partners|Labs|Works|Trading|Energy|Studios|Media|Health|Motors|Textiles|Supplies|Group|Consulting|Networks|Robotics|Analytics|Freight|Tools|Bakery|Printing|Optics|Plastics|Solutions";
/// Street names.
pub(crate) const STREETS: &str = "Oak|Maple|Cedar|Elm|Pine|Lake|Hill|River|Station|Church|Mill|Park|Bridge|Garden|Market|School|Forest|Meadow|Harbor|Spring|Castle|Queen|King|Victoria|Linden|Chestnut|Walnut|Willow|Rose|Sunset|Highland|Valley|Orchard|Quarry|Birch|Abbey|Canal|Tower|Windmill|College";
/// Kinds of streets.
pub(crate) const STREET_KINDS: &str = "Street|Road|Lane|Avenue|Drive|Way|Court|Place|Square|Row";
/// What products are like.
pub(crate) const PRODUCT_LIKE: &str = "Compact|Folding|Wireless|Classic|Portable|Heavy|Slim|Solar|Digital|Vintage|Modular|Quiet|Rugged|Smart|Soft|Tall|Thermal|Travel|Ultra|Wide|Eco|Mini|Prime|Deluxe|Basic";
/// What products are made of.
pub(crate) const PRODUCT_OF: &str = "Oak|Steel|Cotton|Leather|Bamboo|Glass|Copper|Linen|Wool|Ceramic|Carbon|Marble|Canvas|Rubber|Walnut|Aluminium|Cork|Silk";
/// Products.
pub(crate) const PRODUCTS: &str = "Lamp|Chair|Desk|Kettle|Backpack|Speaker|Keyboard|Monitor|Blender|Jacket|Tent|Bottle|Charger|Camera|Drill|Ladder|Mug|Pillow|Blanket|Bicycle|Helmet|Router|Printer|Scanner|Toaster|Fan|Heater|Clock|Mirror|Shelf|Cabinet|Carpet|Notebook|Umbrella|Wallet|Watch|Scarf|Gloves|Boots|Tripod|Microphone|Headset|Projector|Stapler|Whiteboard|Cushion|Basket|Vase|Teapot|Skillet|Grill|Cooler|Lantern|Compass|Telescope|Guitar|Violin|Puzzle|Scooter|Trolley|Toolbox|Saw|Hammer|Wrench|Pump|Hose|Rake|Shovel|Planter|Bench";
/// What short texts are about.
pub(crate) const THINGS: &str = "printer|login page|invoice|front door|heating|coffee machine|elevator|backup|database|payment form|newsletter|parking lot|roof|meeting room|router|dashboard|search box|mobile app|delivery van|water pump|conveyor|camera|alarm|website|report|calendar|password|screen|keyboard|battery|shuttle|cash register|air filter|storage room|order list|contract|budget|roadmap|training plan|price list|survey|warehouse gate|loading dock|firewall|mail server|export|map view|license key|engine|brake|gearbox|window|kitchen sink|radiator";
/// What happened to them.
pub(crate) const HAPPENED: &str = "does not start|stopped after the update|needs a new part|is making a loud noise|was checked twice|cannot be opened|is missing a page|shows an old date|loses its connection|is too slow|was moved to the basement|has to be cleaned|keeps restarting|is ready for pick-up|was replaced last week|leaks a little|shows a blank page|was damaged in transit|works again after a reset|freezes every morning|has the wrong colour|is overheating|failed the last test|rejects every card";
/// Title-like noun phrases: first part.
pub(crate) const TITLE_LIKE: &str = "Annual|Open|Modern|Practical|Regional|Digital|Urban|Advanced|Hidden|Early|Silent|Global|Northern|Creative|Applied|Public|Young|Autumn|Winter|Summer|Spring|Night|Family|International|Introductory|Lost|Golden|Green|Final|Second";
/// Title-like noun phrases: second part.
pub(crate) const TITLE_OF: &str = "Gardens|Robotics|Design|Painting|Energy|Water|Music|Bread|Chess|Science|Photography|Cycling|Poetry|Data|Harvest|Film|Finance|Wood|History|Language|Ocean|Mountain|Railway|Theatre|Mathematics|Health|Coffee|Climate|Glass|Jazz";
/// Title-like noun phrases: last part.
pub(crate) const TITLE_ENDS: &str = "Workshop|Fair|Review|Handbook|Evening|Forum|Story|Lecture|Market|Festival|Guide|Meeting|Basics|Day|Concert|Letters|Course|Exhibition|Stories|Atlas|Seminar|Journey|Primer|Talks|Notes";
/// Host and mail domains.
pub(crate) const DOMAINS: &str =
    "example.com|example.org|example.net|mail.example|post.example|inbox.example|corp.example|web.example";
/// Streets of web addresses.
pub(crate) const PATHS: &str = "orders|users|items|search|login|reports|files|events|payments|sessions|images|metrics|health|export|carts|devices|messages|alerts";
