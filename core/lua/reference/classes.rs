//! The tables that functions take and give, field by field.

use super::Class;

/// Tables that functions take and give.
pub const CLASSES: &[Class] = &[
    Class {
        name: "jackfield.Call",
        help: "A call, or what happened; read-only. What is not known is an empty text.",
        fields: &[
            ("number", "string", "What will be dialed so far"),
            ("original", "string", "What was asked for"),
            ("from", "jackfield.From", "Who calls"),
            ("to", "jackfield.To", "Who is called"),
            ("settings", "table", "Settings that begin with dialing., by name"),
            ("event?", "string", "Name of the event, in event hooks only"),
            ("object?", "string", "Id of the object that the event is about"),
        ],
    },
    Class {
        name: "jackfield.From",
        help: "Who calls.",
        fields: &[
            ("account", "string", "Id of the account"),
            ("node", "string", "Id of the PBX node"),
            ("node_name", "string", "What the PBX node is called"),
            ("node_kind", "string", "Kind of the PBX node"),
            ("enterprise", "string", "Id of the enterprise"),
            ("outgoing_digit", "string", "Digit for an outside line"),
            ("country", "string", "Country of the node"),
        ],
    },
    Class {
        name: "jackfield.To",
        help: "Who is called.",
        fields: &[
            ("kind", "\"local\"|\"peer\"|\"number\"", "Where the call leads"),
            ("account", "string", "Id of the account"),
            ("peer", "string", "Id of the peer"),
            ("peer_description", "string", "What the peer is called"),
            ("prefix", "string", "The peer's dialing prefix"),
            (
                "extension",
                "string",
                "What is dialed as an extension behind it; empty when it is a public number",
            ),
        ],
    },
    Class {
        name: "jackfield.HookOptions",
        help: "How a hook runs.",
        fields: &[("priority?", "integer", "Higher runs first, from -1000 to 1000; 0 when left out")],
    },
    Class {
        name: "jackfield.CheckOptions",
        help: "How a check runs.",
        fields: &[("every", "string", "How often, such as 5m; from 30s to 1d")],
    },
    Class {
        name: "jackfield.Verdict",
        help: "What allow and reject give.",
        fields: &[("verdict", "\"allow\"|\"reject\"", "Which"), ("reason?", "string", "Why")],
    },
    Class {
        name: "jackfield.State",
        help: "What a check answers.",
        fields: &[
            ("state", "string", "Which"),
            ("detail?", "string", "What was seen"),
            ("advice?", "string", "What to do"),
            ("data?", "table", "Figures"),
        ],
    },
    Class {
        name: "jackfield.NtpOptions",
        help: "How a time server is asked.",
        fields: &[
            ("port?", "integer", "123 when left out"),
            ("timeout?", "string", "Such as 1s; from 50ms to 5s"),
            ("samples?", "integer", "How often it is asked, 1 to 8"),
        ],
    },
    Class {
        name: "jackfield.NtpQuestion",
        help: "Clocks to be compared.",
        fields: &[
            (
                "hosts",
                "table[]",
                "At most 32 of { name = ..., result = ... } with results of ntp.query or http.date",
            ),
            ("source?", "table", "Result of ntp.query for the source that all should follow"),
            (
                "walk?",
                "string[]",
                "IPv4 networks into which chains of sources may be followed, such as 10.0.0.0/8",
            ),
            ("without_us?", "boolean", "Whether this appliance's own clock is left out"),
        ],
    },
    Class {
        name: "jackfield.CstaQuestion",
        help: "Ports of one PBX node to be compared.",
        fields: &[
            ("declared", "integer[]", "CSTA ports that are declared at the PBX node"),
            ("mapped", "integer[]", "Those that the X.25 gateway is said to map"),
            ("default?", "integer", "Port that is always expected; 3211 when left out"),
            ("ports", "table[]", "Results of tcp.probe"),
        ],
    },
    Class {
        name: "jackfield.TcpOptions",
        help: "How a port is tried.",
        fields: &[
            ("timeout?", "string", "Such as 1s; from 50ms to 3s"),
            ("tls?", "boolean", "Whether TLS is begun"),
        ],
    },
    Class {
        name: "jackfield.DnsOptions",
        help: "How a name is looked up.",
        fields: &[
            ("kind?", "string", "Kind of record"),
            ("timeout?", "string", "Such as 1s; from 50ms to 5s"),
        ],
    },
    Class {
        name: "jackfield.HttpOptions",
        help: "How a web server is asked.",
        fields: &[
            ("timeout?", "string", "Such as 1s; from 50ms to 5s"),
            ("requests?", "integer", "How often it is asked, 1 to 8"),
        ],
    },
    Class {
        name: "jackfield.Found",
        help: "Whose number it is.",
        fields: &[
            ("account", "string", "Id of the account"),
            ("name", "string", "Who"),
            ("extension", "string", "Extension"),
            ("node", "string", "Id of the PBX node"),
        ],
    },
];
