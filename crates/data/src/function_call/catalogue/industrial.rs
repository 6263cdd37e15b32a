//! What can machines in a plant do, and how do people ask for it?

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "start_pump",
        group: "pump",
        parameters: "pump:pump_id flow_lpm?:lpm",
        says: "(start/run) (pump/the pump)[ {pump}][ at {flow_lpm}]|switch[ {pump}] on as a pump[ with {flow_lpm}]|get pump[ {pump}] going[ at {flow_lpm}]|pump[ {pump}] on[, flow {flow_lpm}]|bring pump[ {pump}] up[ to {flow_lpm}]|let pump[ {pump}] run[ at {flow_lpm}]",
    },
    Function {
        name: "stop_pump",
        group: "pump",
        parameters: "pump:pump_id",
        says: "(stop/halt) pump[ {pump}]|shut down pump[ {pump}]|switch pump[ {pump}] off|pump[ {pump}] off|take pump[ {pump}] out of operation|kill pump[ {pump}]",
    },
    Function {
        name: "set_conveyor_speed",
        group: "conveyor",
        parameters: "line:line_id speed_mps:mps",
        says: "set (the conveyor/the belt)[ on line {line}][ to {speed_mps}]|run belt[ {line}][ at {speed_mps}]|change the conveyor speed[ of line {line}][ to {speed_mps}]|line[ {line}] conveyor[ to {speed_mps}]|move the belt[ of line {line}] along[ at {speed_mps}]|make conveyor[ {line}] go[ {speed_mps}]",
    },
    Function {
        name: "open_valve",
        group: "valve",
        parameters: "valve:valve_id percent?:percent",
        says: "open valve[ {valve}][ to {percent}]|valve[ {valve}] open[ {percent}]|turn valve[ {valve}] open[ by {percent}]|let flow through valve[ {valve}][ at {percent}]|crack valve[ {valve}][ to {percent}]|set valve[ {valve}] to open[, {percent}]",
    },
    Function {
        name: "close_valve",
        group: "valve",
        parameters: "valve:valve_id",
        says: "(close/shut) valve[ {valve}]|valve[ {valve}] closed please|turn valve[ {valve}] shut|block the flow at valve[ {valve}]|seal valve[ {valve}]|make sure valve[ {valve}] is closed",
    },
    Function {
        name: "read_sensor",
        group: "sensor",
        parameters: "sensor:sensor_id quantity?:quantity",
        says: "read[ the {quantity} of] sensor[ {sensor}]|what does sensor[ {sensor}] say[ about {quantity}]|get the[ {quantity}] value of sensor[ {sensor}]|check sensor[ {sensor}][ for {quantity}]|give me the reading of sensor[ {sensor}][, {quantity}]|query sensor[ {sensor}][ for the {quantity}]",
    },
    Function {
        name: "set_alarm_threshold",
        group: "threshold",
        parameters: "sensor:sensor_id limit:decimal direction?:direction",
        says: "alert when sensor[ {sensor}] goes[ {direction}][ {limit}]|set the alarm limit[ of sensor {sensor}][ to {limit}][, trigger {direction}]|threshold[ for sensor {sensor}][ at {limit}][, {direction}]|raise an alarm[ for sensor {sensor}][ {direction}][ {limit}]|warn me if sensor[ {sensor}] is[ {direction}][ {limit}]|change the warning level[ on sensor {sensor}][ to {limit}][ {direction}]",
    },
    Function {
        name: "acknowledge_alarm",
        group: "acknowledge",
        parameters: "alarm:alarm_id comment?:shift_note",
        says: "acknowledge alarm[ {alarm}][ with the comment {comment}]|(confirm/ack) alert[ {alarm}][, note {comment}]|I have seen alarm[ {alarm}], acknowledge it[, comment {comment}]|mark alarm[ {alarm}] as seen[, {comment}]|clear the acknowledgement of alarm[ {alarm}][, comment {comment}]|quit alarm[ {alarm}][ saying {comment}]",
    },
    Function {
        name: "move_robot_arm",
        group: "robot",
        parameters: "x_mm:mm y_mm:mm z_mm?:mm",
        says: "move the (robot/arm)[ to x {x_mm}][ y {y_mm}][ z {z_mm}]|send the arm[ to x {x_mm}][ and y {y_mm}][ and z {z_mm}]|position the gripper[ at x {x_mm}][, y {y_mm}][, z {z_mm}]|robot arm[ to x {x_mm}][ y {y_mm}][ z {z_mm}]|drive the manipulator[ to x {x_mm}][, y {y_mm}][, z {z_mm}]|go with the arm[ to y {y_mm}][ and x {x_mm}][ and z {z_mm}]",
    },
    Function {
        name: "home_axis",
        group: "axis",
        parameters: "axis:axis",
        says: "home (axis/the axis)[ {axis}]|send axis[ {axis}] to its home position|reference the[ {axis}] axis|bring axis[ {axis}] back to zero|do a homing run[ on axis {axis}]|axis[ {axis}] home",
    },
    Function {
        name: "set_furnace",
        group: "furnace",
        parameters: "furnace:furnace_id temperature:furnace_temperature ramp?:ramp",
        says: "heat furnace[ {furnace}][ to {temperature}][ with {ramp}]|set furnace[ {furnace}][ to {temperature}][, ramp {ramp}]|furnace[ {furnace}][ at {temperature}][ using {ramp}]|bring furnace[ {furnace}] up[ to {temperature}][ at {ramp}]|take furnace[ {furnace}][ to {temperature}][, {ramp}]|fire furnace[ {furnace}][ to {temperature}][ with {ramp}]",
    },
    Function {
        name: "log_downtime",
        group: "downtime",
        parameters: "machine:machine_id minutes:minutes cause?:cause",
        says: "log[ {minutes}] of downtime[ for machine {machine}][ because of {cause}]|machine[ {machine}] stood still[ for {minutes}], log it[, cause {cause}]|record that machine[ {machine}] was down[ for {minutes}][ due to {cause}]|downtime[ of {minutes}][ on machine {machine}][, reason {cause}]|note a stop[ of {minutes}][ at machine {machine}][, {cause}]|enter a downtime[ for machine {machine}][ of {minutes}][ because of {cause}]",
    },
    Function {
        name: "create_work_order",
        group: "work_order",
        parameters: "machine:machine_id priority:priority assignee?:person",
        says: "create a[ {priority} priority] work order[ for machine {machine}][, assign {assignee}]|open a work order[ for machine {machine}][ with {priority} priority][ for {assignee}]|machine[ {machine}] needs a work order[, priority {priority}][, give it to {assignee}]|file a maintenance order[ for machine {machine}][, {priority} priority][ to {assignee}]|new work order[ on machine {machine}][ at {priority} priority][ for {assignee}]|write up a[ {priority}] order to repair machine[ {machine}][, assignee {assignee}]",
    },
    Function {
        name: "emergency_stop",
        group: "emergency",
        parameters: "area?:area",
        says: "emergency stop[ in {area}]|stop everything now[ in {area}]|hit the emergency button[ for {area}]|halt all machines immediately[ in {area}]|e-stop[ {area}]|shut all machines down at once[ in {area}]",
    },
    Function {
        name: "print_label",
        group: "label",
        parameters: "sku:sku copies?:copies",
        says: "print a label[ for {sku}][, {copies}]|(make/produce)[ {copies} of] the label[ for item {sku}]|label[ for {sku}][ times {copies}]|I need a sticker[ for {sku}][, {copies}]|run the label printer[ for {sku}][ with {copies}]|get me labels[ of {sku}][, {copies}]",
    },
    Function {
        name: "count_stock",
        group: "stock",
        parameters: "sku:sku area?:area",
        says: "how many[ {sku}] are in stock[ in {area}]|check the stock[ of {sku}][ in {area}]|count[ {sku}][ in {area}]|what is the inventory[ of {sku}][ in {area}]|stock level[ for {sku}][ in {area}]|look up how much[ {sku}] is left[ in {area}]",
    },
    Function {
        name: "set_fan_speed",
        group: "fan",
        parameters: "fan:fan_id rpm:rpm",
        says: "set fan[ {fan}][ to {rpm}]|spin fan[ {fan}][ at {rpm}]|run the ventilator[ {fan}][ at {rpm}]|change the speed of fan[ {fan}][ to {rpm}]|fan[ {fan}][ to {rpm}]|bring ventilator[ {fan}][ to {rpm}]",
    },
    Function {
        name: "start_batch",
        group: "batch",
        parameters: "recipe:recipe quantity_kg:kilograms_batch",
        says: "start a batch[ of {recipe}][ with {quantity_kg}]|(mix/make)[ {quantity_kg}] of[ {recipe}] as a batch|run recipe[ {recipe}][ for {quantity_kg}]|begin production[ of {recipe}][, {quantity_kg}]|launch the[ {recipe}] batch[ at {quantity_kg}]|new batch[, {recipe}][, {quantity_kg}]",
    },
    Function {
        name: "lock_out_machine",
        group: "lockout",
        parameters: "machine:machine_id technician:person",
        says: "lock out machine[ {machine}][ for {technician}]|tag machine[ {machine}] out[ under {technician}]|put a lockout on machine[ {machine}][ for {technician}]|machine[ {machine}] must be locked out[ by {technician}]|secure machine[ {machine}] against restart[, technician {technician}]|apply lockout tagout[ to machine {machine}][ in the name of {technician}]",
    },
    Function {
        name: "set_tank_level",
        group: "tank",
        parameters: "tank:tank_id liters:liters",
        says: "fill tank[ {tank}][ to {liters}]|set the level[ of tank {tank}][ to {liters}]|bring tank[ {tank}][ to {liters}]|tank[ {tank}] should hold[ {liters}]|keep[ {liters}] in tank[ {tank}]|top tank[ {tank}] up[ to {liters}]",
    },
];
