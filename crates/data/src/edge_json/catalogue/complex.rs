//! Complex schemas: fifteen fields or more, arrays of objects, objects at depth three or more.

use super::{Domain, Member, list, named, o, object, r};
use crate::item::Level;

const fn d(id: &'static str, title: &'static str, nouns: &'static str, members: &'static [Member]) -> Domain {
    Domain { id, level: Level::Complex, title, nouns, members }
}

const ADDRESS: &[Member] = &[r("street"), r("city"), o("postal_code")];
const PLACE: &[Member] = &[r("street"), r("city")];

pub(super) static DOMAINS: &[Domain] = &[
    d(
        "invoice",
        "Invoice",
        "invoice|bill",
        &[
            r("invoice_number"),
            r("issue_date"),
            r("due_date"),
            r("currency"),
            r("total"),
            o("paid"),
            object(
                "seller",
                "seller|vendor",
                &[named("name", "company_name"), r("tax_number"), object("address", "address", ADDRESS)],
            ),
            object("customer", "customer|client", &[r("name"), r("email")]),
            list("items", "item|line", &[r("product"), r("quantity"), r("unit_price"), o("sku")]),
        ],
    ),
    d(
        "warehouse_order",
        "Warehouse order",
        "warehouse order|order",
        &[
            r("po_number"),
            r("order_date"),
            r("order_status"),
            r("approved_by"),
            object(
                "supplier",
                "supplier",
                &[named("name", "company_name"), object("contact", "contact|contact person", &[r("name"), r("email")])],
            ),
            object("delivery", "delivery", &[r("delivery_date"), object("address", "address", ADDRESS)]),
            list("lines", "line|position", &[r("sku"), r("product"), r("quantity"), r("unit_price")]),
        ],
    ),
    d(
        "hospital_discharge",
        "Hospital discharge",
        "hospital stay|stay",
        &[
            r("ward"),
            r("admitted_on"),
            r("discharged_on"),
            r("doctor"),
            r("diagnosis"),
            object("patient", "patient", &[r("name"), r("patient_id"), r("birth_date")]),
            list("medications", "prescription", &[r("medication"), r("dose_mg"), r("times_per_day"), o("with_food")]),
            object(
                "follow_up",
                "follow-up",
                &[r("visit_date"), object("clinic", "clinic", &[named("name", "company_name"), r("phone")])],
            ),
        ],
    ),
    d(
        "travel_itinerary",
        "Travel itinerary",
        "trip|journey",
        &[
            r("booking_reference"),
            r("total"),
            r("currency"),
            o("insured"),
            object("traveler", "traveler|traveller", &[r("name"), r("email")]),
            list(
                "flights",
                "flight|leg",
                &[r("flight_number"), r("origin"), r("destination"), named("date", "flight_date"), o("seat")],
            ),
            object(
                "hotel",
                "hotel",
                &[named("name", "hotel_name"), r("check_in"), r("nights"), object("address", "address", PLACE)],
            ),
        ],
    ),
    d(
        "network_inventory",
        "Network inventory",
        "network check|inventory",
        &[
            r("report_id"),
            r("checked_on"),
            r("technician"),
            object("site", "site", &[r("building"), r("city"), object("contact", "contact", &[r("name"), r("phone")])]),
            object(
                "uplink",
                "uplink|main line",
                &[
                    r("provider"),
                    r("speed_mbps"),
                    object("backup", "backup|spare line", &[r("provider"), r("speed_mbps")]),
                ],
            ),
            list("devices", "device", &[r("device_id"), r("device_type"), r("ip_address"), o("online")]),
        ],
    ),
    d(
        "conference_programme",
        "Conference programme",
        "conference|congress",
        &[
            r("event_name"),
            r("event_date"),
            r("ticket_price"),
            r("topics"),
            object(
                "venue",
                "venue",
                &[named("name", "venue_name"), r("capacity"), object("address", "address", ADDRESS)],
            ),
            object("organizer", "organizer|host", &[r("name"), r("email")]),
            list("sessions", "session|talk", &[r("title"), r("speaker"), r("start_time"), r("room"), o("recorded")]),
        ],
    ),
    d(
        "restaurant_order",
        "Restaurant order",
        "order|table order",
        &[
            r("order_id"),
            r("table_number"),
            r("waiter"),
            r("ordered_at"),
            r("currency"),
            list("items", "dish line|item", &[r("dish"), r("portions"), r("price"), o("vegetarian")]),
            object(
                "payment",
                "payment",
                &[r("method"), r("total"), o("tip"), object("card", "card", &[r("brand"), r("last4")])],
            ),
            object("restaurant", "restaurant", &[named("name", "company_name"), r("city")]),
        ],
    ),
    d(
        "fleet_report",
        "Fleet report",
        "fleet report|report",
        &[
            r("report_id"),
            r("report_date"),
            r("fuel_cost"),
            r("currency"),
            object(
                "depot",
                "depot",
                &[r("street"), r("city"), object("manager", "manager|head", &[r("name"), r("phone"), r("email")])],
            ),
            list(
                "vehicles",
                "vehicle",
                &[r("plate"), named("model", "car_model"), r("mileage_km"), r("fuel"), r("next_service"), o("insured")],
            ),
        ],
    ),
    d(
        "lab_report",
        "Laboratory report",
        "lab report|report",
        &[
            r("report_id"),
            r("reviewed_by"),
            o("urgent"),
            object("patient", "patient", &[r("name"), r("birth_date")]),
            object("sample", "sample", &[r("sample_id"), r("sample_type"), r("collected_at")]),
            object(
                "laboratory",
                "laboratory|lab",
                &[named("name", "company_name"), r("phone"), object("address", "address", PLACE)],
            ),
            list("results", "result", &[r("test"), named("value", "reading_value"), r("unit"), o("abnormal")]),
        ],
    ),
    d(
        "construction_project",
        "Construction project",
        "project|building project",
        &[
            r("project_id"),
            r("start_date"),
            r("end_date"),
            r("budget"),
            named("permit", "permit_granted"),
            object(
                "client",
                "client",
                &[named("name", "company_name"), object("contact", "contact person|contact", &[r("name"), r("phone")])],
            ),
            object("site", "site|building site", PLACE),
            list("tasks", "task", &[r("task"), r("contractor"), named("due_date", "task_due"), r("progress_percent")]),
            o("approved_by"),
        ],
    ),
    d(
        "payroll_run",
        "Payroll run",
        "payroll run|payroll",
        &[
            r("run_id"),
            r("pay_date"),
            r("currency"),
            r("total"),
            r("approved_by"),
            object(
                "employer",
                "employer",
                &[
                    named("name", "company_name"),
                    r("tax_number"),
                    r("city"),
                    object("account", "account|bank account", &[r("bank_name"), r("iban")]),
                ],
            ),
            list(
                "employees",
                "employee",
                &[r("name"), r("employee_id"), r("gross_pay"), r("net_pay"), o("overtime_hours")],
            ),
        ],
    ),
    d(
        "deployment_log",
        "Deployment log",
        "deployment|rollout",
        &[
            r("release_id"),
            r("service"),
            r("environment"),
            r("started_at"),
            r("triggered_by"),
            o("rollback"),
            object(
                "build",
                "build",
                &[r("commit"), r("version"), object("runner", "runner|build machine", &[r("host"), r("region")])],
            ),
            object("artifact", "artifact|build file", &[r("size_mb"), named("url", "website")]),
            list("steps", "step", &[r("step"), named("status", "step_status"), r("duration_s"), o("retries")]),
        ],
    ),
];
