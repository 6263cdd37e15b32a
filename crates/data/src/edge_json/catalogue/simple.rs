//! Simple schemas: three to five flat fields.

use super::{Domain, Member, named, o, r};
use crate::item::Level;

const fn d(id: &'static str, title: &'static str, nouns: &'static str, members: &'static [Member]) -> Domain {
    Domain { id, level: Level::Simple, title, nouns, members }
}

pub(super) static DOMAINS: &[Domain] = &[
    d(
        "contact_card",
        "Contact card",
        "contact|new contact|person",
        &[r("name"), r("email"), o("phone"), o("company"), o("city")],
    ),
    d(
        "sensor_reading",
        "Sensor reading",
        "reading|measurement",
        &[r("sensor_id"), r("temperature"), o("humidity"), r("measured_at"), o("low_battery")],
    ),
    d(
        "product_listing",
        "Product listing",
        "product|article",
        &[r("product_name"), r("sku"), r("price"), o("stock"), o("in_sale")],
    ),
    d(
        "event_notice",
        "Event notice",
        "event|gathering",
        &[r("event_name"), r("venue"), r("event_date"), o("start_time"), o("free_entry")],
    ),
    d("book_record", "Book record", "book|volume", &[r("title"), r("author"), o("isbn"), r("year"), o("pages")]),
    d(
        "log_record",
        "Log record",
        "log entry|entry",
        &[r("service"), r("log_level"), r("message"), o("request_id"), o("host")],
    ),
    d(
        "parking_permit",
        "Parking permit",
        "permit|parking permit",
        &[r("permit_number"), r("holder"), r("plate"), r("valid_until"), o("zone")],
    ),
    d(
        "software_release",
        "Software release",
        "release|new release",
        &[r("package"), r("version"), r("release_date"), o("license"), o("breaking")],
    ),
    d(
        "pet_registration",
        "Pet registration",
        "animal|pet",
        &[r("pet_name"), r("species"), r("owner"), o("born_on"), o("vaccinated")],
    ),
    d(
        "weather_report",
        "Weather report",
        "weather report|report",
        &[r("station"), r("report_date"), r("temperature"), o("wind_kmh"), o("condition")],
    ),
    d(
        "expense_claim",
        "Expense claim",
        "expense|claim",
        &[r("employee"), r("amount"), r("expense_type"), r("expense_date"), o("reimbursed")],
    ),
    d(
        "appointment",
        "Appointment",
        "appointment|meeting",
        &[r("client"), r("appointment_date"), r("start_time"), o("room"), o("confirmed")],
    ),
    d(
        "job_posting",
        "Job posting",
        "job|opening",
        &[r("job_title"), named("company", "company_name"), o("city"), r("salary"), o("remote")],
    ),
    d(
        "parcel_notice",
        "Parcel notice",
        "parcel|delivery",
        &[r("tracking_number"), r("carrier"), r("delivery_date"), o("weight_kg"), o("fragile")],
    ),
    d(
        "bank_transfer",
        "Bank transfer",
        "transfer|payment",
        &[r("transfer_id"), r("payee"), r("amount"), r("currency"), o("transfer_date")],
    ),
    d(
        "meter_reading",
        "Meter reading",
        "meter reading|reading",
        &[r("meter_id"), r("kwh"), r("read_on"), o("read_by")],
    ),
    d(
        "blood_donation",
        "Blood donation",
        "donation|blood donation",
        &[r("donor"), r("blood_type"), r("donated_on"), o("volume_ml"), o("first_time")],
    ),
    d(
        "plant_label",
        "Plant label",
        "plant|potted plant",
        &[r("plant_name"), r("sunlight"), o("height_cm"), r("watering_days"), o("winter_hardy")],
    ),
    d(
        "library_loan",
        "Library loan",
        "loan|library loan",
        &[r("borrower"), r("book_title"), r("due_back"), o("renewals"), o("fine")],
    ),
    d(
        "race_result",
        "Race result",
        "result|race result",
        &[r("runner"), r("bib_number"), r("finish_time"), o("age_group"), o("disqualified")],
    ),
    d(
        "wildlife_sighting",
        "Wildlife sighting",
        "sighting|observation",
        &[r("animal_seen"), r("spotted_on"), r("spotter"), o("head_count"), o("with_young")],
    ),
    d(
        "voice_message",
        "Voice message",
        "voice message|message",
        &[r("caller"), r("phone"), r("left_at"), r("transcript"), o("callback")],
    ),
];
