//! The manifests that ship can be read, and each mistake has its own sentence.

use super::bench::source;
use crate::host::manifest::{Manifest, Net};

#[test]
fn the_manifests_in_the_tree_are_accepted() {
    for file in [
        "plugins/echo/plugin.toml",
        "plugins/echo/faulty/plugin.toml",
        "plugins/echo/c/plugin.toml",
        "plugins/federation/plugin.toml",
        "plugins/peering/plugin.toml",
        "plugins/cloudlink/plugin.toml",
        "plugins/teams/plugin.toml",
    ] {
        let manifest = Manifest::parse(&source(file));
        assert!(manifest.is_ok(), "{file}: {manifest:?}");
    }
}

const WHOLE: &str = r#"
id = "door"
version = "1.0.0"
abi = 1
library = "libdoor.so"
summary = "Opens"
services = ["http/1", "job/1"]
ops = ["http", "job.run", "settings.changed"]
events = ["account.changed"]
net = ["outbound", "listen:5269"]
serves = ["peers"]
[[routes]]
method = "GET"
path = "door/locks/{id}"
right = "door:read"
summary = "Shows a lock"
[[routes]]
method = "POST"
path = "door:open"
public = true
summary = "Opens"
[[routes]]
method = "GET"
path = "peers/{id}/door"
right = "door:read"
summary = "Shows a peer's door"
[[rights]]
name = "door:read"
role = "viewer"
help = "Look"
[[jobs]]
name = "oil"
right = "door:read"
summary = "Oils"
[[settings]]
name = "door.greeting"
kind = "text"
default = "hello"
help = "First word"
max = 8
pattern = "^[a-z]+$"
says = "small letters"
"#;

#[test]
fn what_it_says_is_understood() {
    let manifest = Manifest::parse(WHOLE).unwrap();
    assert_eq!(manifest.net, [Net::Outbound, Net::Listen(5269)]);
    assert_eq!((manifest.memory_mib, manifest.sha256.as_str()), (64, ""));
    assert_eq!(manifest.default_settings()["door.greeting"], "hello");
    assert!(manifest.wants("account.changed") && !manifest.wants("settings.changed"));
    assert!(!manifest.can_overlap());
}

#[test]
fn each_mistake_has_its_own_sentence() {
    let rows = [
        ("id = \"door\"", "id = \"Door\"", "id: \"Door\" must be"),
        ("version = \"1.0.0\"", "version = \"1.0\"", "three numbers"),
        ("libdoor.so", "../libdoor.so", "library:"),
        ("libdoor.so", ".so", "library:"),
        ("summary = \"Opens\"\nservices", "summary = \"\"\nservices", "one line of 1 to 120"),
        ("\"http/1\"", "\"http\"", "services: \"http\""),
        ("\"http\", \"job.run\"", "\"job.run\"", "routes need the operation \"http\""),
        ("\"http/1\", ", "", "routes need the service \"http/1\""),
        ("\"job.run\", ", "", "jobs need the operation"),
        (", \"settings.changed\"]", "]", "settings without restart"),
        ("\"job.run\", ", "\"job.run\", \"job.run\", ", "is there twice"),
        ("account.changed", "accounts", "events: \"accounts\""),
        ("listen:5269", "listen:0", "port from 1 to 65535"),
        ("outbound", "inbound", "\"inbound\" is not known"),
        ("[[routes]]", "memory_mib = 8\n[[routes]]", "from 16 to 4096"),
        ("[[routes]]", "sha256 = \"ABC\"\n[[routes]]", "hexadecimal"),
        ("[[routes]]", "console = \"page.html\"\n[[routes]]", "ends in .js"),
        ("method = \"GET\"", "method = \"get\"", "must be one of GET"),
        ("door/locks/{id}", "window/{id}", "must begin with door"),
        ("door/locks/{id}", "door//x", "no empty segment"),
        ("door/locks/{id}", "peers", "must begin with door, or lie below peers,"),
        ("peers/{id}/door", "accounts/{id}/door", "must begin with door, or lie below peers,"),
        ("serves = [\"peers\"]", "serves = [\"peers\", \"accounts\"]", "no route is below \"accounts\""),
        ("serves = [\"peers\"]", "serves = [\"peers\", \"peers\"]", "is there twice"),
        ("serves = [\"peers\"]", "serves = [\"peers/x\"]", "must be one segment such as peers"),
        ("serves = [\"peers\"]", "serves = [\"tokens\"]", "serves: \"tokens\" is not shared with plugins"),
        ("serves = [\"peers\"]", "serves = [\"session\"]", "accounts, directory, enterprises"),
        ("serves = [\"peers\"]", "serves = [\"door\"]", "is not shared with plugins"),
        ("path = \"door:open\"\npublic = true", "path = \"door:open\"", "the right is missing"),
        ("public = true", "public = true\nright = \"door:read\"", "a public route has no right"),
        (
            "right = \"door:read\"\nsummary = \"Shows",
            "right = \"door:see\"\nsummary = \"Shows",
            "is not declared",
        ),
        ("name = \"door:read\"", "name = \"window:read\"", "is not declared"),
        ("role = \"viewer\"", "role = \"guest\"", "viewer, operator, admin"),
        ("name = \"oil\"", "name = \"Oil\"", "job \"Oil\""),
        ("door.greeting", "greeting", "the name must be door.name"),
        ("kind = \"text\"", "kind = \"word\"", "\"word\" is not known"),
        ("kind = \"text\"", "kind = \"integer\"", "a pattern is for text"),
        ("default = \"hello\"", "default = 7", "must be of the kind text"),
        ("default = \"hello\"", "default = \"a long hello\"", "not from"),
        ("default = \"hello\"", "default = \"HELLO\"", "breaks its own pattern"),
        ("default = \"hello\"\n", "", "the default is missing"),
        ("pattern = \"^[a-z]+$\"", "pattern = \"[a-z]+\"", "begin with ^"),
        ("says = \"small letters\"\n", "", "needs `says`"),
        ("help = \"First word\"", "hlep = \"First word\"", "did you mean `help`?"),
        ("abi = 1", "abi = \"one\"", "line 4"),
        ("id = \"door\"", "id = \"tokens\"", "tokens is a part of the appliance"),
        ("id = \"door\"", "id = \"peers\"", "peers is a part of the appliance"),
        ("id = \"door\"", "id = \"account\"", "account is a part of the appliance"),
        ("net = [", "publishes = [\"account.changed\"]\nnet = [", "is not the plugin's to tell"),
    ];
    for (from, to, words) in rows {
        assert!(WHOLE.contains(from), "{from}");
        let sentence = Manifest::parse(&WHOLE.replacen(from, to, 1)).unwrap_err();
        assert!(sentence.contains(words), "{to}: {sentence}");
    }
}
