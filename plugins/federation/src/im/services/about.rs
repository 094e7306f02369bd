//! What our domain and its accounts say of themselves (XEP-0030, XEP-0092). A feature stands here only if it is there.

use crate::im::chat::names::{ARCHIVE, BLOCKING, CARBONS, STABLE_IDS};
use crate::im::search::host_of;
use crate::xml::{Element, ns};

/// What a domain of ours can do. The last one is that messages wait for who is away (XEP-0160 section 4).
const OF_DOMAIN: &[&str] =
    &[ns::DISCO_INFO, ns::DISCO_ITEMS, ns::PING, ns::VERSION, ns::VCARD, CARBONS, BLOCKING, "msgoffline"];
/// What is done on behalf of an account.
const OF_ACCOUNT: &[&str] = &[ns::DISCO_INFO, ns::DISCO_ITEMS, ns::PING, ns::VCARD, ARCHIVE, STABLE_IDS];

/// Of a domain (XEP-0030 section 3.1).
pub fn domain() -> Element {
    info(("server", "im", Some("Jackfield")), OF_DOMAIN)
}

/// Of an account, to itself.
pub fn account() -> Element {
    info(("account", "registered", None), OF_ACCOUNT)
}

/// Below a domain its own users find its directory, below an account nobody finds anything.
pub fn items(domain: Option<&str>) -> Element {
    let item = domain.map(|domain| {
        Element::new(ns::DISCO_ITEMS, "item")
            .with("jid", &host_of(domain))
            .with("name", "Corporate Directory")
    });
    item.into_iter().fold(Element::new(ns::DISCO_ITEMS, "query"), Element::child)
}

/// The name for everybody; the version for our own users, because it tells strangers what to try.
pub fn version(is_own: bool) -> Element {
    let named = Element::new(ns::VERSION, "query").child(Element::new(ns::VERSION, "name").text("Jackfield"));
    if !is_own {
        return named;
    }
    named.child(Element::new(ns::VERSION, "version").text(env!("CARGO_PKG_VERSION")))
}

fn info((category, kind, name): (&str, &str, Option<&str>), features: &[&str]) -> Element {
    let identity = Element::new(ns::DISCO_INFO, "identity").with("category", category).with("type", kind);
    let query = Element::new(ns::DISCO_INFO, "query").child(identity.with_some("name", name));
    features.iter().fold(query, |query, feature| {
        query.child(Element::new(ns::DISCO_INFO, "feature").with("var", feature))
    })
}
