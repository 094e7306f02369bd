//! How the appliance is set up for CloudLink: the fields, what each may hold, and what is still missing before
//! anybody could connect (seed 004 section 3.1).

use std::collections::BTreeMap;

use jackfield_sdk::form::{BASE_URL, DIGITS, Form, HOST, PLAIN, Rule};
use jackfield_sdk::{SecretMove, SecretState};
use serde::{Deserialize, Serialize};

use crate::addresses::{REGIONS, SERVICES};

/// Most proxy exceptions.
const MOST_EXCEPTIONS: usize = 64;

/// A host that is called without the proxy.
static EXCEPTION: Rule = Rule {
    says: "a host name, an IP address, or a domain with all its hosts such as *.mitel.io",
    holds: |text| (HOST.holds)(text.strip_prefix("*.").unwrap_or(text)),
    caseless: true,
};

/// The set-up as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setup {
    /// Region of the account; empty: hosts without a region.
    pub region: String,
    /// Number of the customer's CloudLink account, from the welcome e-mail (seed 004 section 2.1); empty: the
    /// administrator's e-mail address is in one account only.
    pub account_number: String,
    /// Client id that Mitel gave to this appliance's operator; there is none to ship.
    pub client_id: String,
    /// Where the portal sends the browser back to; must be registered for the client id.
    pub redirect_uri: String,
    /// Whether PKCE (RFC 7636) is added to the portal's login. A proposal, so off by default.
    pub pkce: bool,
    /// Whether CloudLink's terms are agreed to.
    pub terms_agreed: bool,
    /// Whether the server runs in integrated mode, which CloudLink needs.
    pub integrated_mode: bool,
    /// Base URLs that an administrator has set, by service.
    pub base_urls: BTreeMap<String, String>,
    /// Web proxy on the way out.
    pub proxy: Option<Proxy>,
    /// Hosts that are called without it.
    pub proxy_exceptions: Vec<String>,
    /// Which secrets there are.
    pub secrets: Secrets,
}

/// A web proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// Host name or IP address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User name; empty: none.
    pub user: String,
}

/// Secrets of the set-up, which are never shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// Secret of the client id, where it has one.
    pub client_secret: SecretState,
    /// Password of the proxy's user.
    pub proxy_password: SecretState,
}

/// What a caller wants it to be.
pub struct Wanted {
    /// The set-up, with the secrets' new states.
    pub setup: Setup,
    /// The secrets that change.
    pub moves: Vec<SecretMove>,
}

/// Something without which nobody could connect.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Field.
    pub field: &'static str,
    /// What is missing and where to get it.
    pub detail: &'static str,
}

impl Setup {
    /// What is missing before anybody could connect.
    pub fn missing(&self) -> Vec<Missing> {
        let all = [
            (
                self.client_id.is_empty(),
                "client_id",
                "the client id is missing; Mitel gives it to whoever integrates",
            ),
            (
                self.redirect_uri.is_empty(),
                "redirect_uri",
                "the redirect address is missing; it is the one registered for the client id",
            ),
            (!self.terms_agreed, "terms_agreed", "CloudLink's terms are not agreed to"),
            (
                !self.integrated_mode,
                "integrated_mode",
                "the server must run in integrated mode, which nobody has confirmed",
            ),
        ];
        let missing = all.into_iter().filter(|(is_missing, ..)| *is_missing);
        missing.map(|(_, field, detail)| Missing { field, detail }).collect()
    }
}

/// A body of PUT. `old` has the secrets as they are.
pub fn read(form: &mut Form<'_>, old: &Secrets, now: &str) -> Option<Wanted> {
    form.ignore(&["secrets", "state", "reason", "missing", "addresses", "revision", "changed_at"]);
    let region = form.field("region").choice(REGIONS).or("");
    let account_number = account_number(form);
    let client_id = form.field("client_id").text(0..=128, &PLAIN).or(String::new());
    let redirect_uri = form.field("redirect_uri").url().or(String::new());
    let pkce = form.field("pkce").flag().or(false);
    let terms_agreed = form.field("terms_agreed").flag().or(false);
    let integrated_mode = form.field("integrated_mode").flag().or(false);
    let base_urls = form.field("base_urls").object(base_urls).or(BTreeMap::new());
    let proxy = form.field("proxy").object(proxy).optional();
    let exceptions = form.field("proxy_exceptions");
    let exceptions =
        exceptions.list(MOST_EXCEPTIONS, |host| host.matching(&EXCEPTION).required()).or(Vec::new());
    let client_secret = form.field("client_secret").secret(1..=512);
    let proxy_password = form.field("proxy_password").secret(1..=256);
    let client_secret = old.client_secret.edited("client_secret", client_secret?, now);
    let proxy_password = old.proxy_password.edited("proxy_password", proxy_password?, now);
    let setup = Setup {
        region: region?.to_owned(),
        account_number: account_number?,
        client_id: client_id?,
        redirect_uri: redirect_uri?,
        pkce: pkce?,
        terms_agreed: terms_agreed?,
        integrated_mode: integrated_mode?,
        base_urls: base_urls?,
        proxy: proxy?,
        proxy_exceptions: exceptions?,
        secrets: Secrets { client_secret: client_secret.state(), proxy_password: proxy_password.state() },
    };
    check(form, &setup);
    Some(Wanted { setup, moves: vec![client_secret, proxy_password] })
}

/// The account's number; the daemon has the same field. Mitel's examples have nine digits, which is not said
/// to be a rule.
pub fn account_number(form: &mut Form<'_>) -> Option<String> {
    form.field("account_number").text(0..=20, &DIGITS).or(String::new())
}

fn base_urls(form: &mut Form<'_>) -> Option<BTreeMap<String, String>> {
    let read = |service: &crate::addresses::Service| {
        let url = form.field(service.name).matching(&BASE_URL).optional();
        url.map(|url| url.map(|url| (service.name.to_owned(), url)))
    };
    let all: Vec<_> = SERVICES.iter().map(read).collect();
    all.into_iter().collect::<Option<Vec<_>>>().map(|urls| urls.into_iter().flatten().collect())
}

fn proxy(form: &mut Form<'_>) -> Option<Proxy> {
    let (host, port) = (form.field("host").host().required(), form.field("port").port().required());
    let user = form.field("user").text(0..=128, &PLAIN).or(String::new());
    Some(Proxy { host: host?, port: port?, user: user? })
}

/// Fields that need each other.
fn check(form: &mut Form<'_>, setup: &Setup) {
    let user = setup.proxy.as_ref().map(|proxy| proxy.user.as_str()).unwrap_or_default();
    form.check(
        !setup.secrets.proxy_password.set || !user.is_empty(),
        "proxy_password",
        "proxy_password must be null where proxy has no user, because a password without a user says nothing; \
         it is set",
    );
    form.check(
        setup.proxy.is_some() || setup.proxy_exceptions.is_empty(),
        "proxy_exceptions",
        format!(
            "proxy_exceptions must be empty where there is no proxy; {} are given",
            setup.proxy_exceptions.len()
        ),
    );
    form.check(
        !setup.secrets.client_secret.set || !setup.client_id.is_empty(),
        "client_secret",
        "client_secret must be null where there is no client_id; it is set",
    );
}
