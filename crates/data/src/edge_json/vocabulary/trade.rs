//! Fields about goods, orders, money and transport.

use super::super::values::Kind::*;
use super::{Concept, c};

const CATEGORIES: &str = "garden|kitchen|office|outdoor|sports|toys|lighting|furniture|electronics|clothing|tools|travel|bathroom|music|stationery|pets";
const SPENDING: &str = "travel|meals|lodging|office supplies|training|software|postage|parking|phone bills|client gifts|fuel|printing|repairs";
const CARRIERS: &str = "Swiftline|Parcelgo|Eurohaul|Redbird Express|Bluewagon|Northpost|Cargonaut|Quickmule|Seaway Freight|Polar Parcel|Skybridge|Handcart|Tandem Couriers|Roadrunner Post";
const COLORS: &str = "black|white|red|green|navy|grey|beige|orange|purple|yellow|brown|turquoise|silver";
const BANKS: &str = "Harbor Bank|First Meadow Bank|Unity Savings|Alpine Credit|Citizens Trust|Old Mill Bank|Lakeside Bank|Crown Savings|Metro Credit Union|Pine Tree Bank";
const DISHES: &str = "lentil soup|grilled trout|mushroom risotto|beef stew|caesar salad|apple tart|pumpkin curry|fish tacos|tomato pasta|chicken pie|noodle bowl|cheese plate|lamb kebab|bean burrito|onion soup|plum cake|veggie burger|fried rice|potato gratin|lemon sorbet";
const CARS: &str = "Volta City|Terra Wagon|Fjord 300|Lince GT|Comet Van|Astra Pickup|Mistral Coupe|Nomad 4x4|Ponto Mini|Rover Sprint|Boreal Bus|Kestrel Estate|Duna Cargo|Pico Electric";

#[rustfmt::skip]
pub(super) static CONCEPTS: &[Concept] = &[
    c("order_id", Code("ORD-#####|SO-######|A#####|PO#####"), "order_number|order_no|order_ref", "order ID|order number|order no.", "has the number {v}|is filed under {v}|was entered as {v}|We track {s} as {v}", "no. {v}|order number {v}|filed as {v}"),
    c("po_number", Code("PO-#####|P#-#####|BUY-####"), "purchase_order_number|po_no", "PO number|purchase order number", "runs under {v}|has the PO number {v}|is booked as {v}", "PO {v}|purchase no. {v}"),
    c("invoice_number", Code("INV-####|INV-2024-####|R-#####|F####/24"), "invoice_no|bill_number", "invoice number|invoice no.|bill number", "has the number {v}|carries the invoice number {v}|is booked under {v}", "invoice no. {v}|number {v}|booked as {v}"),
    c("product_name", Product, "product|item_name|article", "product|product name|article", "is called {v}|is the {v}|goes by {v}|is sold as {v}", "product {v}|called {v}|sold as {v}"),
    c("product", Product, "product_name|article|item", "product|article|product name", "is the {v}|consists of {v}|contains the {v}|With {s} comes the {v}", "{v} as the product|product {v}|article {v}"),
    c("sku", Code("@@-####|@@@###|SKU-#####|##-@@-##"), "article_number|item_code|stock_code", "SKU|article number|stock code", "has the SKU {v}|is stocked as {v}|carries the code {v}|sits on the shelf marked {v}", "SKU {v}|article no. {v}|stock code {v}"),
    c("quantity", Int(2, 60, "pieces|pcs|units"), "qty|count|amount_ordered", "quantity|number of pieces", "asks for {v}|comes to {v}|is for {v}|needs {v}", "{v}|quantity {v}|{v} ordered"),
    c("stock", Int(0, 2500, "pieces|units"), "in_stock_count|units_in_stock|inventory", "stock|stock level|pieces in stock", "has {v} left|is held with {v} in store|There are {v} of {s} in the warehouse", "{v} left|stock {v}|{v} in store"),
    c("unit_price", Money(2, 400), "price_each|price_per_unit", "unit price|price per piece", "costs {v} each|is priced at {v} apiece|goes for {v} per piece", "{v} each|at {v} apiece|unit price {v}"),
    c("price", Money(3, 900), "cost|list_price|sale_price", "price|list price", "costs {v}|sells for {v}|is priced at {v}|You can have {s} for {v}", "price {v}|for {v}|costs {v}"),
    c("total", Money(20, 9000), "total_amount|grand_total|sum", "total|total amount|sum", "comes to {v}|adds up to {v} in total|has a total of {v}|totals {v}", "total {v}|{v} in all|sum {v}"),
    c("amount", Money(5, 4000), "value|sum|total", "amount|sum", "is over {v}|amounts to {v}|is worth {v}|comes to {v}", "amount {v}|over {v}|worth {v}"),
    c("currency", Enum("EUR=euros|USD=US dollars|GBP=British pounds|CHF=Swiss francs"), "currency_code|money", "currency", "is in {v}|is charged in {v}|is settled in {v}", "in {v}|currency {v}"),
    c("tip", Money(1, 40), "gratuity|tip_amount", "tip", "includes a tip of {v}|has a tip of {v}", "tip {v}|{v} as a tip"),
    c("category", Pick(CATEGORIES), "product_category|group|section", "category|section", "belongs to the category {v}|is listed under {v}|is found in the section {v}", "category {v}|listed under {v}"),
    c("expense_type", Pick(SPENDING), "category|cost_type", "expense type|category", "falls under {v}|is booked as {v}|is for {v}", "for {v}|type {v}|spent on {v}"),
    c("color", Pick(COLORS), "colour|finish", "colour|color", "comes in {v}|is {v}|has the colour {v}", "in {v}|colour {v}"),
    c("in_sale", Bool, "on_sale|discounted", "on sale|discounted", "is on sale^is not on sale|is currently reduced^is sold at full price|is marked down^is not marked down", "on sale^not on sale|reduced^not reduced"),
    c("paid", Bool, "is_paid|settled|payment_received", "paid|settled", "is already paid^is not paid yet|has been settled^is still unpaid|The money for {s} has arrived^The money for {s} has not arrived", "paid^unpaid|already settled^not settled yet"),
    c("gift", Bool, "is_gift|gift_wrap", "gift|gift wrap", "is a gift^is not a gift|should be gift-wrapped^needs no gift wrap", "gift-wrapped^no gift wrap|a gift^not a gift"),
    c("reimbursed", Bool, "paid_back|refunded", "reimbursed|paid back", "has been reimbursed^has not been reimbursed|was already paid back^was not paid back so far", "reimbursed^not reimbursed|paid back^not paid back"),
    c("fragile", Bool, "is_fragile|breakable", "fragile|breakable", "is fragile^is not fragile|has to be handled with care^needs no special care", "fragile^not fragile|breakable^not breakable"),
    c("hazardous", Bool, "dangerous_goods|is_hazardous", "hazardous|dangerous goods", "is hazardous^is not hazardous|counts as dangerous goods^does not count as dangerous goods", "hazardous^not hazardous|dangerous goods^no dangerous goods"),
    c("order_status", Enum("pending=still open=waiting|shipped=sent out|delivered=handed over|cancelled=called off"), "status|state", "status|order status", "is {v}|has the status {v}|is marked as {v}|stands at {v}", "status {v}|currently {v}|marked {v}"),
    c("order_date", Date(0, 3), "ordered_on|placed_on|date", "order date|date of the order", "was placed on {v}|came in on {v}|was ordered on {v}|dates from {v}", "placed {v}|ordered on {v}|order date {v}"),
    c("delivery_date", Date(5, 30), "deliver_on|arrival_date", "delivery date|date of delivery", "arrives on {v}|will be delivered on {v}|is due for delivery on {v}|Expect {s} on {v}", "delivery {v}|arriving {v}|delivered on {v}"),
    c("issue_date", Date(0, 3), "issued_on|invoice_date|date", "issue date|date of issue", "was issued on {v}|is dated {v}|was made out on {v}", "issued {v}|dated {v}|issue date {v}"),
    c("due_date", Date(14, 60), "due_on|pay_by|payable_by", "due date|payment deadline", "is due on {v}|has to be paid by {v}|must be settled before the end of {v}", "due {v}|payable by {v}|due date {v}"),
    c("expense_date", Date(-20, 0), "spent_on|date", "date of the expense|expense date", "was made on {v}|is from {v}|dates from {v}", "on {v}|made on {v}|dated {v}"),
    c("transfer_id", Code("TR-######|PAY#####|TX-####-##"), "payment_id|transaction_id|reference", "transfer ID|payment reference|transaction ID", "has the reference {v}|runs as {v}|can be traced with {v}", "reference {v}|traced as {v}|transfer {v}"),
    c("transfer_date", Date(0, 5), "executed_on|value_date", "transfer date|value date", "was executed on {v}|took place on {v}|left the account on {v}", "executed {v}|on {v}|value date {v}"),
    c("iban", Code("DE## #### #### ####|GB##@@@@########|NL##@@@@######"), "account_number|bank_account", "IBAN|account number", "uses the account {v}|pays from {v}|has the IBAN {v}", "IBAN {v}|account {v}"),
    c("bank_name", Pick(BANKS), "bank|institution", "bank|bank name", "banks with {v}|is held at {v}|is kept with {v}", "bank {v}|at {v}|held at {v}"),
    c("method", Enum("card=by card|cash=in cash|voucher=with a voucher|transfer=by bank transfer"), "payment_method|paid_with", "payment method|way of paying", "was made by {v}|was settled using {v}|used the method {v}", "method {v}|paid using {v}"),
    c("brand", Enum("visa|mastercard|amex|maestro"), "card_brand|card_type", "card brand|brand", "is a {v} card|is issued by {v}|carries the brand {v}", "brand {v}|{v} card"),
    c("last4", Code("####"), "last_digits|card_ending", "last four digits|final digits", "ends in {v}|has the last digits {v}", "ending in {v}|last digits {v}"),
    c("claim_id", Code("CL-#####|EX-####|CLM######"), "claim_number|claim_no", "claim ID|claim number", "has the claim number {v}|is filed as {v}|runs under {v}", "claim no. {v}|filed as {v}"),
    c("tracking_number", Code("@@#########@@|TRK########|1Z####@@##"), "tracking_id|parcel_number", "tracking number|tracking ID|parcel number", "can be followed with {v}|has the tracking number {v}|travels as parcel {v}|Follow {s} under {v}", "tracking {v}|parcel {v}|followed as {v}"),
    c("shipment_id", Code("SHP-#####|FR######|CN-####-@"), "shipment_number|consignment_id", "shipment ID|consignment number", "has the consignment number {v}|moves under {v}|is shipment {v}", "consignment {v}|shipment no. {v}"),
    c("carrier", Pick(CARRIERS), "shipped_with|courier|shipper", "carrier|courier", "is carried by {v}|travels with {v}|is in the hands of {v}|{v} transports {s}", "carrier {v}|with {v}|carried by {v}"),
    c("weight_kg", Decimal(5, 9800, 1, "kg|kilograms"), "weight|mass_kg", "weight|weight in kg", "weighs {v}|tips the scales at {v}|has a weight of {v}", "{v}|weight {v}|weighing {v}"),
    c("pallets", Int(2, 40, "pallets"), "pallet_count|number_of_pallets", "pallet count|number of pallets", "fills {v}|takes up {v}|is stacked on {v}", "{v}|spread over {v}|loaded on {v}"),
    c("plate", Code("@@-@@ ###|@@@-####|@@## @@@|### @@"), "license_plate|registration", "licence plate|registration|plate number", "has the plate {v}|is registered as {v}|drives with the plate {v}|wears the licence plate {v}", "plate {v}|registration {v}|licence plate {v}"),
    c("car_model", Pick(CARS), "model|vehicle_model", "model|vehicle model", "is of the model {v}|is a {v}|is listed as model {v}", "model {v}|type {v}"),
    c("mileage_km", Int(900, 250000, "km|kilometres"), "mileage|odometer_km", "mileage|odometer reading", "has run {v}|shows {v} on the clock|has covered {v} so far", "{v} driven|mileage {v}|{v} on the clock"),
    c("fuel", Enum("petrol|diesel|electric=battery-powered|hybrid"), "fuel_type|drive", "fuel|fuel type", "runs on {v}|is {v}|has the fuel type {v}", "fuel {v}|drive {v}"),
    c("dish", Pick(DISHES), "menu_item|meal", "dish|menu item", "is the {v}|is one {v}|asks for the {v}", "{v} from the menu|dish {v}|the {v}"),
    c("vegetarian", Bool, "meat_free|is_vegetarian", "vegetarian|meat-free", "is vegetarian^is not vegetarian|comes without meat^comes with meat", "vegetarian^not vegetarian|without meat^with meat"),
    c("fuel_cost", Money(90, 9000), "fuel_expenses|fuel_spend", "fuel cost|fuel bill", "used fuel for {v}|had a fuel bill of {v}|cost {v} in fuel", "fuel {v}|fuel bill {v}"),
    c("budget", Money(4000, 90000), "planned_cost|approved_budget", "budget|planned cost", "has a budget of {v}|may cost {v} at most|was granted {v}", "budget {v}|up to {v}"),
    c("gross_pay", Money(1800, 8000), "gross|salary_gross", "gross pay|gross salary", "earned {v} gross|has a gross pay of {v}|made {v} before tax", "gross {v}|{v} before tax"),
    c("net_pay", Money(1200, 6000), "net|take_home", "net pay|take-home pay", "takes home {v}|receives {v} net|has {v} left after tax", "net {v}|{v} after tax"),
    c("salary", Money(1500, 9000), "monthly_salary|pay|wage", "salary|monthly pay", "pays {v} a month|offers {v} per month|comes with a salary of {v}", "salary {v}|{v} a month|pay {v}"),
];
