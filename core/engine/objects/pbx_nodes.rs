//! PBX nodes: the telephone systems, with what dialing and the clock and port checks need to know of them.

use serde_json::{Value, json};

use super::{
    CHANGED_AT, CREATED_AT, ENTERPRISE, ID, Id, REVISION, Resource, hide_nothing, nothing_follows, text,
};
use crate::catalog::problems::Problem;
use crate::catalog::shape::{Absent, Field, Kind, Object, Shape};
use crate::catalog::{events, rights, rules};

/// The port a MiVoice 5000 offers CSTA on unless told otherwise (seed 003).
const DEFAULT_CSTA_PORT: u16 = 3211;
const MIVOICE_5000: &str = "mivoice_5000";

const PORT: Kind = Kind::Integer { min: 1, max: 65535 };
const PORTS: Kind = Kind::List { of: &PORT, max: 32 };
const DIGITS: Kind = Kind::Text { min: 0, max: 8, rule: Some(&rules::DIGITS) };
const EMERGENCY: Kind = Kind::Text { min: 2, max: 8, rule: Some(&rules::DIGITS) };
const RANGE: Kind = Kind::Text { min: 1, max: 25, rule: Some(&rules::EXTENSION_RANGE) };

static SHAPE: Shape = Shape {
    name: "PbxNode",
    help: "A telephone system of an enterprise.",
    fields: &[
        ID,
        ENTERPRISE,
        Field::required(
            "name",
            Kind::Text { min: 1, max: 64, rule: Some(&rules::PLAIN) },
            "What people call it; unique in the enterprise.",
        ),
        Field::required("kind", Kind::Choice(&["mivoice_business", "mx_one", MIVOICE_5000]), "Kind of PBX."),
        Field::required(
            "address",
            Kind::Text { min: 1, max: 253, rule: Some(&rules::HOST) },
            "Host name or IP address.",
        ),
        Field::optional(
            "outgoing_digit",
            Kind::Text { min: 0, max: 1, rule: Some(&rules::OUTGOING_DIGIT) },
            Absent::Text(""),
            "Outgoing prefix digit, dialed before a peer's prefix and external numbers (seed 001).",
        ),
        Field::optional(
            "country",
            Kind::Text { min: 0, max: 2, rule: Some(&rules::COUNTRY) },
            Absent::Text(""),
            "Country it stands in (ISO 3166), for external numbers; empty: they are dialed as they are.",
        ),
        Field::optional(
            "international_prefix",
            DIGITS,
            Absent::Text(""),
            "What comes before a country code, such as 00 or 011; empty: as usual in the country.",
        ),
        Field::optional(
            "trunk_prefix",
            DIGITS,
            Absent::Null,
            "What comes before a national number, such as 0; empty: nothing; null: as usual in the country.",
        ),
        Field::optional(
            "emergency_numbers",
            Kind::List { of: &EMERGENCY, max: 32 },
            Absent::Empty,
            "Numbers that are never rewritten; empty: those usual in the country.",
        ),
        Field::optional(
            "extension_ranges",
            Kind::List { of: &RANGE, max: 64 },
            Absent::Empty,
            "Its own extensions, such as 2000-2999.",
        ),
        Field::optional(
            "transparent",
            Kind::Boolean,
            Absent::Boolean(false),
            "Whether its network routes peers' extensions itself, so that peers need no prefix (seed 001).",
        ),
        Field::optional(
            "csta_ports",
            PORTS,
            Absent::Null,
            "CSTA ports; left out: 3211 for a MiVoice 5000, none for others (seed 003).",
        ),
        Field::optional(
            "x25_ports",
            PORTS,
            Absent::Empty,
            "CSTA ports that its X.25 gateway has been told to map; each must be a CSTA port (seed 003).",
        ),
        Field::optional(
            "ntp_address",
            Kind::Text { min: 0, max: 253, rule: Some(&rules::HOST) },
            Absent::Text(""),
            "Host name or IP address of the clock it follows or offers.",
        ),
        Field::optional(
            "voice_mail_server",
            Kind::Text { min: 0, max: 128, rule: Some(&rules::HOST) },
            Absent::Text(""),
            "Host name or IP address of its voice mail server; empty: the enterprise's.",
        ),
        Field::optional(
            "voice_mail_number",
            Kind::Text { min: 0, max: 32, rule: Some(&rules::NUMBER) },
            Absent::Text(""),
            "Public number of its voice mail; empty: none.",
        ),
        REVISION,
        CREATED_AT,
        CHANGED_AT,
    ],
};

/// PBX nodes.
pub static PBX_NODES: Resource = Resource {
    name: "pbx-nodes",
    one: "PBX node",
    table: "pbx_node",
    shape: &SHAPE,
    id: Id::Made("node"),
    read: rights::NODES_READ,
    write: rights::NODES_WRITE,
    event: events::NODE_CHANGED,
    filters: &["enterprise"],
    no_undo: None,
    changeable: true,
    hide: hide_nothing,
    settle,
    follow: nothing_follows,
};

fn settle(_: &jackfield_db::Read<'_>, object: &mut Object) -> Result<(), Problem> {
    if object.get("csta_ports").is_none_or(Value::is_null) {
        let usual = if text(object, "kind") == MIVOICE_5000 { json!([DEFAULT_CSTA_PORT]) } else { json!([]) };
        object.insert("csta_ports".to_owned(), usual);
    }
    check_ranges(object)?;
    check_gateway_ports(object)
}

fn items<'a>(object: &'a Object, field: &str) -> &'a [Value] {
    object.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn check_gateway_ports(object: &Object) -> Result<(), Problem> {
    let csta = items(object, "csta_ports");
    match items(object, "x25_ports").iter().find(|port| !csta.contains(port)) {
        Some(port) => {
            Err(Problem::field("x25_ports", format!("maps {port}, which is not one of csta_ports")))
        }
        None => Ok(()),
    }
}

fn check_ranges(object: &Object) -> Result<(), Problem> {
    for range in items(object, "extension_ranges").iter().filter_map(Value::as_str) {
        crate::engine::dialing::ExtensionRange::parse(range)
            .map_err(|detail| Problem::field("extension_ranges", detail))?;
    }
    Ok(())
}
