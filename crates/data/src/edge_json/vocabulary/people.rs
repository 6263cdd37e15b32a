//! Fields about people, organizations, places and days.

use super::super::values::Kind::*;
use super::super::values::pools::COUNTRIES;
use super::{Concept, c};

const JOBS: &str = "accountant|architect|chemist|designer|electrician|engineer|florist|gardener|librarian|mechanic|nurse|painter|pharmacist|photographer|pilot|plumber|surveyor|teacher|translator|welder|data analyst|project manager|sales lead|shift supervisor|store manager|software tester|research assistant|truck driver|head chef|legal adviser";
const DEPARTMENTS: &str = "accounting|customer care|design|facilities|human resources|legal|logistics|marketing|procurement|production|quality control|research|sales|security|training|engineering|public relations|maintenance";
const LANGUAGES: &str = "English|German|Spanish|French|Italian|Portuguese|Polish|Turkish|Arabic|Hindi|Japanese|Korean|Swahili|Swedish|Dutch|Greek";

#[rustfmt::skip]
pub(super) static CONCEPTS: &[Concept] = &[
    c("name", Person, "full_name|person", "name|full name", "is called {v}|is {v}|goes by the name {v}|We know {s} as {v}", "named {v}|name {v}|full name {v}"),
    c("email", Email, "email_address|mail|e_mail", "e-mail|e-mail address|email", "can be reached at {v}|reads mail sent to {v}|Write to {s} at {v}|answers from {v}|uses the address {v} for mail", "mail {v}|e-mail {v}|reachable at {v}"),
    c("phone", Phone, "phone_number|telephone|mobile", "phone|phone number|telephone number", "can be called on {v}|picks up at {v}|Call {s} on {v}|The number to dial for {s} is {v}", "phone {v}|tel. {v}|call {v}"),
    c("company", Company, "organization|employer|firm", "company|employer|organization", "works for {v}|is employed at {v}|is with {v}|represents {v}", "from {v}|works at {v}|company {v}"),
    c("company_name", Company, "business_name|legal_name", "company name|business name", "trades as {v}|is called {v}|is the firm {v}|is registered as {v}", "named {v}|company {v}|firm {v}"),
    c("job_title", Pick(JOBS), "position|role|occupation", "job title|position|role", "has the role {v}|is about the position {v}|carries the job title {v}|{s} is listed under the occupation {v}", "role {v}|position {v}|job {v}"),
    c("department", Pick(DEPARTMENTS), "team|division|unit", "department|team|division", "belongs to {v}|sits in {v}|is part of the department {v}", "department {v}|team {v}|in {v}"),
    c("language", Pick(LANGUAGES), "spoken_language|lang", "language|spoken language", "is in {v}|uses the language {v}|runs in {v}", "in {v}|language {v}"),
    c("username", Username, "login|user_id|account_name", "username|login|user name", "signs in as {v}|has the login {v}|appears online as {v}", "login {v}|user {v}|signs in as {v}"),
    c("website", Url, "url|homepage|web_page", "website|web page|link", "is online at {v}|has its page at {v}|More about {s} is at {v}", "see {v}|web {v}|page {v}"),
    c("city", City, "town|locality", "city|town", "is in {v}|is located in {v}|is based in {v}|can be found in {v}", "in {v}|city {v}|town {v}"),
    c("street", Street, "street_address|address_line", "street|street address", "is at {v}|stands at {v}|has the street address {v}|To find {s}, go to {v}", "at {v}|street {v}|address {v}"),
    c("postal_code", Code("#####|@@# #@@|####|##-###"), "postcode|zip|zip_code", "postal code|postcode|ZIP code", "has the postal code {v}|is in the postal area {v}|lies in the postcode area {v}", "postcode {v}|ZIP {v}|postal code {v}"),
    c("country", Pick(COUNTRIES), "country_name|nation", "country|country name", "is in the country of {v}|belongs to {v}|lies in {v}", "country {v}|in {v}"),
    c("birth_date", Date(-22000, -7000), "date_of_birth|born_on|birthday", "date of birth|birth date|birthday", "was born on {v}|came into the world on {v}|has a birthday recorded as {v}", "born {v}|born on {v}|date of birth {v}"),
    c("owner", Person, "owner_name|keeper", "owner|owner name|keeper", "belongs to {v}|is owned by {v}|is registered to {v}|{v} is the owner of {s}", "owner {v}|owned by {v}"),
    c("holder", Person, "issued_to|holder_name", "holder|holder name", "was issued to {v}|is held by {v}|is made out to {v}|{v} holds {s}", "holder {v}|issued to {v}|held by {v}"),
    c("employee", Person, "employee_name|staff_member", "employee|employee name|staff member", "was handed in by {v}|comes from {v}|was filed by {v}|{v} asked us to settle {s}", "by {v}|from {v}|employee {v}"),
    c("employee_id", Code("E-####|EMP#####|P####"), "staff_id|personnel_number", "employee ID|staff number|personnel number", "has the staff number {v}|is employee {v}|is on file as {v}", "staff no. {v}|employee {v}|personnel number {v}"),
    c("approved_by", Person, "approver|signed_off_by", "approver|approving manager", "was approved by {v}|has been signed off by {v}|{v} approved {s}|got the approval of {v}", "approved by {v}|signed off by {v}|approver {v}"),
    c("client", Person, "client_name|customer", "client|client name", "is with {v}|is for {v}|was arranged by {v}|{v} is coming to {s}", "client {v}|with {v}|for {v}"),
    c("doctor", Person, "physician|treating_doctor", "doctor|physician|attending doctor", "was led by Dr. {v}|is signed by Dr. {v}|is in the care of Dr. {v}|Dr. {v} is responsible for {s}", "doctor {v}|Dr. {v}|physician {v}"),
    c("organizer", Person, "organised_by|host_name", "organizer|host", "is organized by {v}|is hosted by {v}|{v} is in charge of {s}", "organizer {v}|hosted by {v}"),
    c("speaker", Person, "presenter|lecturer", "speaker|presenter", "is given by {v}|is presented by {v}|{v} speaks in {s}", "speaker {v}|given by {v}|presented by {v}"),
    c("technician", Person, "engineer|checked_by", "technician|service engineer", "was checked by {v}|was looked after by {v}|{v} went through {s}", "technician {v}|checked by {v}"),
    c("read_by", Person, "reader|recorded_by", "reader|person who read it", "was taken by {v}|was recorded by {v}|{v} took {s}", "taken by {v}|read by {v}|recorded by {v}"),
    c("author", Person, "written_by|writer", "author|writer", "was written by {v}|comes from the pen of {v}|{v} wrote {s}|is the work of {v}", "by {v}|written by {v}|author {v}"),
    c("payee", Person, "recipient|beneficiary", "payee|recipient|beneficiary", "goes to {v}|is meant for {v}|was made out to {v}|{v} receives {s}", "to {v}|payee {v}|recipient {v}"),
    c("waiter", Person, "served_by|server", "waiter|person serving", "was taken by {v}|was served by {v}|{v} is looking after {s}", "waiter {v}|served by {v}"),
    c("reviewed_by", Person, "reviewer|validated_by", "reviewer|person who reviewed it", "was reviewed by {v}|was read over by {v}|{v} reviewed {s}", "reviewed by {v}|reviewer {v}"),
    c("triggered_by", Username, "started_by|initiator", "initiator|person who started it", "was triggered by {v}|was started by {v}|{v} kicked off {s}", "triggered by {v}|started by {v}"),
    c("contractor", Company, "subcontractor|carried_out_by", "contractor|subcontractor", "is done by {v}|was given to {v}|{v} takes care of {s}", "contractor {v}|done by {v}|by {v}"),
    c("student_id", Code("S######|ST-#####|##-####"), "matriculation_number|learner_id", "student ID|student number", "has the student number {v}|is enrolled under {v}|is student {v}", "student no. {v}|student ID {v}"),
    c("tax_number", Code("DE#########|TX-######|GB### #### ##"), "vat_id|tax_id", "tax number|VAT number|tax ID", "has the tax number {v}|is taxed under {v}|files tax as {v}", "tax no. {v}|VAT {v}"),
    c("languages", Many(LANGUAGES), "spoken_languages|langs", "languages|spoken languages", "speaks {v}|is fluent in {v}|can talk in {v}", "speaks {v}|languages {v}"),
];
