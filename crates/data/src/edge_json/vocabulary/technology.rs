//! Fields about devices, software, measurements and incidents.

use super::super::values::Kind::*;
use super::{Concept, c};

const SERVICES: &str = "auth-api|billing|checkout|search|mailer|gateway|scheduler|inventory|payments|reports|image-proxy|webhooks|ledger|notifier|catalog|sessions";
const REGIONS: &str = "eu-west|us-east|us-west|ap-south|eu-north|sa-east|af-south|ap-east|me-central|ca-west";
const MODELS: &str = "Aerix 12|Tavo Pro|Lumo X2|Corda 7|Zephyr Mini|Helio 40|Quanta S|Orbix 3|Pulse One|Vanta 9|Sonda M|Brisk 55|Nido Air|Rexo 21";
const ROOMS: &str = "cold store|server room|greenhouse|boiler room|reception|workshop|attic|lab|loading bay|canteen|archive|lobby|nursery|packing hall|paint shop|garage";
const LICENSES: &str = "MIT|Apache-2.0|BSD-3-Clause|MPL-2.0|GPL-3.0|ISC|EUPL-1.2|Unlicense";
const PACKAGES: &str = "fastgrid|tinylog|colormix|jsonkit|netpulse|datafold|pathfind|quicksum|treeview|textwash|mapster|clockwork|bitpack|formbuilder|graphite|lockstep|pixelate|routely";
const STEPS: &str = "checkout|lint|unit tests|build image|integration tests|push image|migrate schema|warm cache|smoke test|notify|scan licenses|publish docs";
const PROVIDERS: &str = "Fiberlink|Telwave|Cablenet|Skyband|Metrofone|Opticom|Rapidnet|Bluewire|Transdata|Linkup";

#[rustfmt::skip]
pub(super) static CONCEPTS: &[Concept] = &[
    c("sensor_id", Code("SN-####|T-###|sensor-##|@#-###"), "probe_id|sensor|node_id", "sensor ID|sensor|probe", "comes from sensor {v}|was sent by {v}|belongs to probe {v}|{v} reported {s}", "sensor {v}|from {v}|probe {v}"),
    c("device_id", Code("DEV-####|@@##-##|node-###|GW####"), "device|unit_id|asset_id", "device ID|unit ID|asset ID", "has the device ID {v}|is unit {v}|reports as {v}", "device {v}|unit {v}|ID {v}"),
    c("device_type", Enum("router|switch|camera|printer|gateway"), "kind|type", "device type|type", "is a {v}|is of the type {v}|works as {v}", "type {v}|kind {v}"),
    c("model", Pick(MODELS), "model_name|device_model", "model|model name", "is the model {v}|is a {v}|is sold under the name {v}", "model {v}|type {v}"),
    c("serial_number", Code("SN######|@@@#####|##@####@"), "serial|serial_no", "serial number|serial no.", "has the serial number {v}|bears the serial {v}|is stamped {v}", "serial {v}|serial no. {v}"),
    c("temperature", Decimal(-150, 420, 1, "°C|degrees"), "temp_c|temperature_c", "temperature|temperature in °C", "shows a temperature of {v}|puts the temperature at {v}|gives {v}|The thermometer of {s} says {v}", "temperature {v}|at {v}"),
    c("humidity", Int(15, 98, "%|percent"), "humidity_percent|relative_humidity", "humidity|relative humidity", "shows a humidity of {v}|puts the humidity at {v}|has air with {v} moisture", "humidity {v}|{v} humidity|{v} moisture"),
    c("pressure_hpa", Int(960, 1045, "hPa"), "pressure|air_pressure", "pressure|air pressure", "shows a pressure of {v}|puts the air pressure at {v}", "pressure {v}|air pressure {v}"),
    c("wind_kmh", Int(2, 120, "km/h"), "wind_speed|wind", "wind speed|wind", "has wind of {v}|speaks of gusts up to {v}|puts the wind at {v}", "wind {v}|gusts {v}"),
    c("rain_mm", Decimal(0, 450, 1, "mm"), "rainfall|precipitation_mm", "rainfall|rain", "counts {v} of rain|has rain of {v}|puts the rainfall at {v}", "rain {v}|{v} of rain"),
    c("condition", Enum("sunny=clear skies|cloudy=overcast skies|rain=showers|snow=snowfall|fog"), "weather|sky", "weather|condition", "speaks of {v}|has {v}|gives the weather as {v}", "weather {v}|sky: {v}"),
    c("measured_at", DateTime, "timestamp|taken_at|recorded_at", "time of measurement|timestamp", "was taken at {v}|dates from {v}|was recorded at {v}", "taken {v}|recorded {v}|at {v}"),
    c("low_battery", Bool, "battery_low|needs_battery", "low battery|battery low", "reports a low battery^reports a healthy battery|runs on an almost empty battery^has enough battery left", "battery low^battery fine|low battery^battery not low"),
    c("battery_percent", Int(2, 100, "%|percent"), "battery|charge", "battery level|charge", "has {v} battery left|is charged to {v}", "battery {v}|charge {v}"),
    c("online", Bool, "is_online|connected|reachable", "online|connected", "is online^is offline|is connected^is not connected|answers our pings^does not answer our pings", "online^offline|connected^not connected"),
    c("last_seen", DateTime, "last_contact|seen_at", "last contact|last seen time", "was last seen at {v}|made its last contact at {v}|last reported at {v}", "last seen {v}|last contact {v}"),
    c("version", Version, "release|version_number", "version|version number", "is version {v}|has the version {v}|runs at {v}|stands at version {v}", "version {v}|v{v}|release {v}"),
    c("updated_on", Date(-200, 0), "update_date|installed_on", "update date|date of the update", "was updated on {v}|was installed on {v}|got its last update on {v}", "updated {v}|installed {v}"),
    c("ip_address", Ip, "ip|ipv4", "IP address|IP", "has the IP {v}|sits at {v}|answers on {v}", "IP {v}|address {v}|at {v}"),
    c("signal_dbm", Int(-95, -35, "dBm"), "signal|rssi", "signal|signal strength", "receives {v}|has a signal of {v}|gets a signal strength of {v}", "signal {v}|strength {v}"),
    c("speed_mbps", Int(20, 2000, "Mbps|Mbit/s"), "bandwidth_mbps|speed", "speed|bandwidth", "delivers {v}|reaches {v}|runs at {v}", "speed {v}|{v} fast|bandwidth {v}"),
    c("provider", Pick(PROVIDERS), "isp|supplier", "provider|network provider", "is supplied by {v}|comes from {v}|is rented from {v}", "provider {v}|from {v}"),
    c("room", Pick(ROOMS), "location|area|place", "room|location", "is in the {v}|takes place in the {v}|stands in the {v}|You will find {s} in the {v}", "in the {v}|room: {v}|location {v}"),
    c("building", Code("B#|Block @|House ##"), "building_code|block", "building", "is in building {v}|belongs to building {v}", "building {v}|bldg. {v}"),
    c("service", Pick(SERVICES), "service_name|component|app", "service|service name", "comes from {v}|concerns the service {v}|was raised by {v}|{v} is behind {s}", "service {v}|from {v}|concerns {v}"),
    c("log_level", Enum("debug|info|warning=a warning|error=an error"), "level|severity", "level|log level", "has the level {v}|is {v}|was written as {v}|is logged as {v}", "level {v}|logged as {v}"),
    c("message", Text, "text|description|details", "message|text", "says {v}|reads {v}|has the text {v}|The words of {s} are {v}", "message {v}|text {v}|saying {v}"),
    c("request_id", Uuid, "trace_id|correlation_id", "request ID|trace ID", "belongs to request {v}|has the trace {v}|can be traced with {v}", "request {v}|trace {v}"),
    c("host", Code("web-##|db-##|app#.@@|node-##"), "hostname|machine|server", "host|machine|server", "ran on {v}|was written on {v}|came up on the machine {v}", "host {v}|on {v}|machine {v}"),
    c("status_code", Int(200, 599, ""), "http_status|code", "status code|HTTP status", "ended with {v}|returned {v}|has the status code {v}", "status {v}|code {v}"),
    c("endpoint", Path, "path|route", "endpoint|path", "went to {v}|asked for {v}|touched {v}", "endpoint {v}|path {v}"),
    c("duration_ms", Int(3, 9000, "ms|milliseconds"), "latency_ms|elapsed_ms", "duration|latency", "took {v}|needed {v}|lasted {v}", "took {v}|duration {v}|in {v}"),
    c("package", Pick(PACKAGES), "package_name|library|module", "package|package name|library", "belongs to the package {v}|is for {v}|concerns the library {v}|{v} has {s}", "package {v}|library {v}|for {v}"),
    c("release_date", Date(0, 5), "released_on|published_on", "release date|date of release", "came out on {v}|was published on {v}|went public on {v}|has been out since {v}", "released {v}|out since {v}|published {v}"),
    c("license", Pick(LICENSES), "licence|license_name", "licence|license", "is under {v}|uses the licence {v}|is licensed as {v}", "licence {v}|under {v}"),
    c("breaking", Bool, "breaking_changes|is_breaking", "breaking|breaking changes", "breaks older code^does not break older code|has breaking changes^has no breaking changes", "breaking^not breaking|with breaking changes^without breaking changes"),
    c("incident_id", Code("INC-####|IR-#####|P#-####"), "incident_number|incident", "incident ID|incident number", "has the number {v}|runs as {v}|is tracked as {v}", "incident no. {v}|number {v}|tracked as {v}"),
    c("severity", Enum("minor=slight|major|critical=extremely severe"), "impact|level", "severity|impact", "is {v}|was rated {v}|has the severity {v}", "severity {v}|rated {v}"),
    c("started_at", DateTime, "start|begun_at", "start|start time", "started at {v}|began at {v}|has been going since {v}", "started {v}|began {v}|since {v}"),
    c("duration_minutes", Int(4, 600, "minutes|min"), "duration|length_min", "duration|length in minutes", "lasted {v}|took {v}|went on for {v}", "lasted {v}|duration {v}|{v} long"),
    c("resolved", Bool, "is_resolved|fixed", "resolved|fixed", "is resolved^is not resolved|has been fixed^has not been fixed|is over^is still going on", "resolved^unresolved|fixed^not fixed"),
    c("summary", Text, "short_description|headline", "summary|short description", "is summed up as {v}|reads {v}|In short, {s} means {v}", "summary {v}|in short {v}"),
    c("error_code", Code("E####|ERR-###|X##@"), "code|fault_code", "error code|fault code", "gave the error code {v}|shows the fault {v}|raised {v}", "error {v}|fault code {v}"),
    c("component", Pick(SERVICES), "module|part", "component|module", "lies in {v}|sits in the module {v}|points to {v}", "component {v}|module {v}|in {v}"),
    c("environment", Enum("production=live|staging|testing"), "env|stage", "environment|stage", "goes to {v}|targets {v}|runs in the environment {v}", "environment {v}|target {v}|env {v}"),
    c("commit", Code("%%%%%%%"), "commit_hash|revision", "commit|revision", "was built from {v}|is at commit {v}|uses the revision {v}", "commit {v}|revision {v}|built from {v}"),
    c("region", Pick(REGIONS), "zone|data_center", "region|zone", "is in {v}|runs in the region {v}|lives in {v}", "region {v}|in {v}"),
    c("step", Pick(STEPS), "step_name|task", "step|step name", "is {v}|does {v}|handles {v}", "step {v}|does {v}"),
    c("step_status", Enum("passed=ended well|failed=ended badly|skipped=left out"), "status|result", "result|status", "was {v}|has the status {v}|is marked {v}", "status {v}|result {v}"),
    c("duration_s", Int(2, 900, "s|seconds"), "seconds|runtime_s", "duration|run time", "took {v}|ran for {v}|needed {v}", "{v}|took {v}|run time {v}"),
    c("retries", Int(0, 6, ""), "retry_count|attempts", "retries|retry count", "was retried {v} times|had a retry count of {v}", "{v} retries|retries {v}"),
    c("size_mb", Decimal(8, 9000, 1, "MB|megabytes"), "size|file_size_mb", "size|file size", "is {v} large|takes {v}|has a size of {v}", "size {v}|{v} large"),
    c("rollback", Bool, "rolled_back|is_rollback", "rollback|rolled back", "was rolled back^was not rolled back|had to be undone^did not have to be undone", "rolled back^not rolled back"),
    c("release_id", Code("REL-####|DPL-####|R##.#"), "deployment_id|release", "release ID|deployment ID", "has the release ID {v}|is listed as {v}|runs under {v}", "release {v}|listed as {v}"),
    c("meter_id", Code("M-######|EL#####|MTR-####"), "meter_number|meter", "meter ID|meter number", "is for meter {v}|belongs to the meter {v}|was taken from {v}", "meter {v}|meter no. {v}|from {v}"),
    c("kwh", Int(120, 98000, "kWh"), "consumption_kwh|energy_kwh", "consumption|energy used", "shows {v}|stands at {v}|counts {v}", "{v}|consumption {v}|{v} used"),
    c("read_on", Date(0, 3), "reading_date|date", "reading date|date of the reading", "is from {v}|was done on {v}|dates from {v}", "read {v}|on {v}|dated {v}"),
    c("checked_on", Date(0, 3), "inspection_date|audited_on", "date of the check|inspection date", "was made on {v}|was checked on {v}|is dated {v}", "checked {v}|dated {v}"),
    c("reading_value", Decimal(5, 4000, 1, ""), "value|result", "value|result", "came out at {v}|has the value {v}|reads {v}", "value {v}|reading {v}"),
];
