//! Every function that scripts can call, described once. Pages, help and the types that editors read are made
//! from this table; a test compares it with what scripts really find.

mod classes;
mod types;

pub use classes::CLASSES;
pub use types::types;

/// A function.
pub struct Function {
    /// As scripts write it.
    pub name: &'static str,
    /// In order.
    pub parameters: &'static [Parameter],
    /// What it gives, each with its type and meaning; empty: nothing.
    pub gives: &'static [(&'static str, &'static str)],
    /// What it does.
    pub help: &'static str,
    /// Another way to call it, as the type of a function.
    pub overload: Option<&'static str>,
}

/// A parameter.
pub struct Parameter {
    /// Its name; a question mark behind it says that it may be left out.
    pub name: &'static str,
    /// Its type.
    pub kind: &'static str,
    /// What it means, with its unit.
    pub help: &'static str,
}

/// A table with named fields.
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Name (with a question mark when it may be missing), type, meaning.
    pub fields: &'static [(&'static str, &'static str, &'static str)],
}

const fn given(name: &'static str, kind: &'static str, help: &'static str) -> Parameter {
    Parameter { name, kind, help }
}

const TEXT: Parameter = given("text", "string", "The text");
const BEGINNING: Parameter = given("beginning", "string", "What it may begin with");
const DETAIL: Parameter = given("detail?", "string", "What was seen");
const ADVICE: Parameter = given("advice?", "string", "What to do about it");
const DATA: Parameter = given("data?", "table", "Figures by name: plain data, kept with the result");
const STATE: &[Parameter] = &[DETAIL, ADVICE, DATA];
const RESULT: &[(&str, &str)] = &[("jackfield.State", "the answer of a check")];
const OR_ERROR: (&str, &str) = ("string?", "why there is none");

const fn state(name: &'static str, help: &'static str) -> Function {
    Function { name, parameters: STATE, gives: RESULT, help, overload: None }
}

/// All of them, in the order in which people meet them.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "hook",
        parameters: &[
            given("name", "string", "dial.rewrite, dial.admit or event.NOUN.PAST"),
            given("options", "jackfield.HookOptions", "May be left out"),
            given("run", "fun(call: jackfield.Call): any", "Runs for each call; nothing is kept between two"),
        ],
        gives: &[],
        help: "Registers a function for a hook; only at the top level.",
        overload: Some("fun(name: string, run: fun(call: jackfield.Call): any)"),
    },
    Function {
        name: "check",
        parameters: &[
            given(
                "name",
                "string",
                "Unique in the script: small letters, digits, dots, hyphens, underscores",
            ),
            given("options", "jackfield.CheckOptions", "How often it runs"),
            given("run", "fun(): jackfield.State", "Looks and says how it is"),
        ],
        gives: &[],
        help: "Registers a check; only at the top level.",
        overload: None,
    },
    Function {
        name: "test",
        parameters: &[given("name", "string", "What it shows"), given("run", "fun()", "Fails by an error")],
        gives: &[],
        help: "Registers a test; only at the top level of NAME_test.lua.",
        overload: None,
    },
    Function {
        name: "allow",
        parameters: &[],
        gives: &[("jackfield.Verdict", "the answer of dial.admit")],
        help: "Lets the call pass; later scripts are not asked.",
        overload: None,
    },
    Function {
        name: "reject",
        parameters: &[given("reason", "string", "What the caller is told")],
        gives: &[("jackfield.Verdict", "the answer of dial.admit")],
        help: "Rejects the call; later scripts are not asked.",
        overload: None,
    },
    state("ok", "All is well."),
    state("notice", "Worth knowing, nothing to do now."),
    state("warn", "Will become a problem: state warning."),
    state("fail", "Is a problem: state error."),
    state("critical", "Is a problem that stops the site's work."),
    state("unknown", "It could not be found out; raises an alarm."),
    state("not_measurable", "It cannot be measured from here, which is no problem by itself."),
    Function {
        name: "digits",
        parameters: &[TEXT],
        gives: &[("string", "its digits 0-9, without everything else")],
        help: "Keeps the digits of a text.",
        overload: None,
    },
    Function {
        name: "starts",
        parameters: &[TEXT, BEGINNING],
        gives: &[("boolean", "whether it does")],
        help: "Says whether a text begins with another.",
        overload: None,
    },
    Function {
        name: "strip",
        parameters: &[TEXT, BEGINNING],
        gives: &[("string", "the rest; the whole text when it begins otherwise")],
        help: "Takes a beginning away from a text.",
        overload: None,
    },
    Function {
        name: "in_range",
        parameters: &[
            given("number", "string", "The number"),
            given("first", "string", "First of the range"),
            given("last", "string", "Last of the range, of equal length"),
        ],
        gives: &[("boolean", "whether it is one of them; a number of another length never is")],
        help: "Says whether an extension is in a range; 0100 is not 100.",
        overload: None,
    },
    Function {
        name: "cidr",
        parameters: &[
            given("address", "string", "An IP address; anything else is in no network"),
            given("network", "string", "Such as 10.0.0.0/8 or 2001:db8::/32"),
        ],
        gives: &[("boolean", "whether it is")],
        help: "Says whether an address is in a network.",
        overload: None,
    },
    Function {
        name: "e164",
        parameters: &[
            given("number", "string", "Beginning with +, 00 or 0; blanks, points and hyphens do not count"),
            given("country", "string", "Calling code of the country that a leading 0 stands in, such as 31"),
        ],
        gives: &[("string?", "+ and at most 15 digits; nil when it is no public number")],
        help: "Writes a public number in full (ITU-T E.164).",
        overload: None,
    },
    Function {
        name: "ntp.query",
        parameters: &[
            given("address", "string", "Name or IP address of the time server"),
            given("options?", "jackfield.NtpOptions", "Port, time, samples"),
        ],
        gives: &[("table?", "what the probe saw"), OR_ERROR],
        help: "Asks a time server for the time.",
        overload: None,
    },
    Function {
        name: "ntp.judge",
        parameters: &[given("question", "jackfield.NtpQuestion", "What was measured")],
        gives: &[("table?", "state, detail and advice for a check, and the figures behind them"), OR_ERROR],
        help: "Judges whether clocks that were measured agree, and whether they follow one source.",
        overload: None,
    },
    Function {
        name: "csta.judge",
        parameters: &[given("question", "jackfield.CstaQuestion", "What is declared and what was seen")],
        gives: &[("table?", "state, detail and advice for a check, and the ports behind them"), OR_ERROR],
        help: "Judges the CSTA ports of a MiVoice 5000 as a set.",
        overload: None,
    },
    Function {
        name: "tcp.probe",
        parameters: &[
            given("address", "string", "Name or IP address"),
            given("port", "integer", "1 to 65535"),
            given("options?", "jackfield.TcpOptions", "Time, TLS"),
        ],
        gives: &[("table?", "what the probe saw"), OR_ERROR],
        help: "Tries whether a port can be reached.",
        overload: None,
    },
    Function {
        name: "dns.lookup",
        parameters: &[
            given("name", "string", "Host name"),
            given("options?", "jackfield.DnsOptions", "Kind of record, time"),
        ],
        gives: &[("table?", "what the name service said"), OR_ERROR],
        help: "Looks a name up.",
        overload: None,
    },
    Function {
        name: "http.date",
        parameters: &[
            given("url", "string", "Whose Date header is read"),
            given("options?", "jackfield.HttpOptions", "Time, requests"),
        ],
        gives: &[("table?", "what the probe saw"), OR_ERROR],
        help: "Reads the clock of a web server from its Date header.",
        overload: None,
    },
    Function {
        name: "site.nodes",
        parameters: &[],
        gives: &[("table[]?", "the PBX nodes of the site"), OR_ERROR],
        help: "Names the PBX nodes.",
        overload: None,
    },
    Function {
        name: "site.peers",
        parameters: &[],
        gives: &[("table[]?", "the peers of the site"), OR_ERROR],
        help: "Names the peers.",
        overload: None,
    },
    Function {
        name: "site.setting",
        parameters: &[given("name", "string", "A setting that begins with checks. or dialing.")],
        gives: &[("any", "its value; nil when there is none"), OR_ERROR],
        help: "Reads a setting that is meant for scripts.",
        overload: None,
    },
    Function {
        name: "directory.lookup",
        parameters: &[
            given("enterprise", "string", "Id of the enterprise"),
            given("number", "string", "Extension or public number"),
        ],
        gives: &[("jackfield.Found?", "whose number it is; nil when it is nobody's"), OR_ERROR],
        help: "Looks a number up in the directory.",
        overload: None,
    },
    Function {
        name: "log",
        parameters: &[given("line", "string", "At most 2048 bytes")],
        gives: &[],
        help: "Writes a line into the appliance's log.",
        overload: None,
    },
];
