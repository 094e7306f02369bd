//! The set-up of a tenant: the fields, what each may hold, and which need each other (seed 003; Microsoft's
//! identity platform for tenant, client and credential).

use jackfield_sdk::form::{DOMAIN, Form, GUID, PLAIN, Rule, SecretEdit};
use jackfield_sdk::jiff::civil::Date;
use jackfield_sdk::{SecretMove, SecretState};
use serde::{Deserialize, Serialize};

use crate::{certificate, cloud};

/// Directions of presence.
pub static DIRECTIONS: &[&str] = &["off", "uni_directional", "bi_directional"];
/// Sorts of credential that the application signs in with.
static CREDENTIALS: &[&str] = &["secret", "certificate"];
/// Ways of a customer: a new application, or the one of uni-directional presence with more steps.
static PATHS: &[&str] = &["new_app", "existing_app"];
/// Tiers of the SWA contract.
static TIERS: &[&str] = &["none", "standard", "advantage", "premium"];

static TENANT: Rule = Rule {
    says: "the tenant's GUID, or one of its domains such as contoso.onmicrosoft.com",
    holds: |text| (GUID.holds)(text) || (DOMAIN.holds)(text),
    caseless: true,
};

/// The set-up as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setup {
    /// Name for people.
    pub name: String,
    /// Tenant: GUID or domain.
    pub tenant_id: String,
    /// Application (client) id: GUID.
    pub client_id: String,
    /// National cloud of the tenant.
    pub cloud: String,
    /// A new application, or the existing one.
    pub path: String,
    /// Where consent and sign-in send the browser back to; registered with the application.
    pub redirect_uri: String,
    /// Which credential is used.
    pub credential: String,
    /// Day on which the client secret ends.
    pub client_secret_expires: Option<Date>,
    /// Day on which the certificate ends.
    pub certificate_expires: Option<Date>,
    /// Direction of presence.
    pub direction: String,
    /// The SWA contract.
    pub contract: Contract,
    /// Whose rights somebody has confirmed.
    pub administrators: Administrators,
    /// Which secrets there are.
    pub secrets: Secrets,
}

/// The SWA contract, as an administrator says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contract {
    /// Tier.
    pub tier: String,
    /// Last day.
    pub active_until: Option<Date>,
}

/// Rights of the two administrators that setting up needs (seed 003, Dependencies).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Administrators {
    /// Global administrator of Microsoft 365.
    pub microsoft_365_global: bool,
    /// Customer or partner administrator of the CloudLink account.
    pub cloudlink_account: bool,
}

/// Secrets of the set-up, which are never shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// Client secret.
    pub client_secret: SecretState,
    /// Certificate with its private key.
    pub certificate: SecretState,
}

/// What a caller wants it to be.
pub struct Wanted {
    /// The set-up, with the secrets' new states.
    pub setup: Setup,
    /// The secrets that change.
    pub moves: Vec<SecretMove>,
}

impl Default for Contract {
    fn default() -> Self {
        Self { tier: "none".to_owned(), active_until: None }
    }
}

impl Default for Setup {
    fn default() -> Self {
        let word = str::to_owned;
        Self {
            name: String::new(),
            tenant_id: String::new(),
            client_id: String::new(),
            cloud: word("global"),
            path: word("new_app"),
            redirect_uri: String::new(),
            credential: word("secret"),
            client_secret_expires: None,
            certificate_expires: None,
            direction: word("off"),
            contract: Contract::default(),
            administrators: Administrators::default(),
            secrets: Secrets::default(),
        }
    }
}

impl Contract {
    /// Whether it allows bi-directional presence on that day (seed 003: an active contract of Advantage or
    /// Premium).
    pub fn allows_bi_directional(&self, today: Date) -> bool {
        let is_active = self.active_until.is_some_and(|last| last >= today);
        is_active && matches!(self.tier.as_str(), "advantage" | "premium")
    }

    /// Why it does not, on that day.
    pub fn lack(&self, today: Date) -> String {
        match (self.tier.as_str(), self.active_until) {
            ("advantage" | "premium", Some(last)) if last < today => format!("it ended on {last}"),
            ("advantage" | "premium", None) => "its last day is not known".to_owned(),
            ("none", _) => "there is none".to_owned(),
            (tier, _) => format!("its tier is {tier}"),
        }
    }
}

impl Setup {
    /// Whether presence is on in some direction.
    pub fn is_on(&self) -> bool {
        self.direction != "off"
    }

    /// Whether Teams' states shall be shown here.
    pub fn is_bi_directional(&self) -> bool {
        self.direction == "bi_directional"
    }

    /// Whether the credential that is used is there.
    fn has_credential(&self) -> bool {
        match self.credential.as_str() {
            "certificate" => self.secrets.certificate.set,
            _ => self.secrets.client_secret.set,
        }
    }
}

/// A body of PUT. `old` has the secrets as they are.
pub fn read(form: &mut Form<'_>, old: &Secrets, now: &str, today: Date) -> Option<Wanted> {
    form.ignore(&["secrets", "state", "reason", "steps", "revision", "changed_at"]);
    let name = form.field("name").text(0..=64, &PLAIN).or(String::new());
    let tenant_id = form.field("tenant_id").matching(&TENANT).or(String::new());
    let client_id = form.field("client_id").guid().or(String::new());
    let cloud = form.field("cloud").choice(cloud::NAMES).or("global");
    let path = form.field("path").choice(PATHS).or("new_app");
    let redirect_uri = form.field("redirect_uri").url().or(String::new());
    let credential = form.field("credential").choice(CREDENTIALS).or("secret");
    let direction = form.field("direction").choice(DIRECTIONS).or("off");
    let contract = form.field("contract").object(contract).or(Contract::default());
    let administrators = form.field("administrators").object(administrators).or(Administrators::default());
    let client_secret = form.field("client_secret").secret(1..=512);
    let client_secret_expires = form.field("client_secret_expires").date().optional();
    let certificate = form.field("certificate").secret_text(1..=certificate::LONGEST, &certificate::TEXT);
    let certificate_expires = form.field("certificate_expires").date().optional();
    let (client_secret, certificate) = (client_secret?, certificate?);
    let ends = certificate_end(form, &certificate, certificate_expires?)?;
    let client_secret = old.client_secret.edited("client_secret", client_secret, now);
    let certificate = old.certificate.edited("certificate", certificate, now);
    let setup = Setup {
        name: name?,
        tenant_id: tenant_id?,
        client_id: client_id?,
        cloud: cloud?.to_owned(),
        path: path?.to_owned(),
        redirect_uri: redirect_uri?,
        credential: credential?.to_owned(),
        client_secret_expires: client_secret_expires?,
        certificate_expires: ends,
        direction: direction?.to_owned(),
        contract: contract?,
        administrators: administrators?,
        secrets: Secrets { client_secret: client_secret.state(), certificate: certificate.state() },
    };
    check_end(form, "client_secret", &client_secret, setup.client_secret_expires, today);
    check_end(form, "certificate", &certificate, setup.certificate_expires, today);
    check_direction(form, &setup, today);
    Some(Wanted { setup, moves: vec![client_secret, certificate] })
}

fn contract(form: &mut Form<'_>) -> Option<Contract> {
    let tier = form.field("tier").choice(TIERS).required();
    let active_until = form.field("active_until").date().optional();
    let (tier, active_until) = (tier?, active_until?);
    form.check(
        (tier == "none") == active_until.is_none(),
        "active_until",
        match active_until {
            Some(day) => format!("active_until must be null where tier is none; {day} is not"),
            None => "active_until must be the contract's last day where tier is not none; it is missing"
                .to_owned(),
        },
    );
    Some(Contract { tier: tier.to_owned(), active_until })
}

fn administrators(form: &mut Form<'_>) -> Option<Administrators> {
    let microsoft_365_global = form.field("microsoft_365_global").flag().or(false);
    let cloudlink_account = form.field("cloudlink_account").flag().or(false);
    Some(Administrators {
        microsoft_365_global: microsoft_365_global?,
        cloudlink_account: cloudlink_account?,
    })
}

/// The day on which the certificate ends: its own word where it is PEM, else what was said.
fn certificate_end(form: &mut Form<'_>, edit: &SecretEdit, said: Option<Date>) -> Option<Option<Date>> {
    let SecretEdit::Set(secret) = edit else { return Some(said) };
    match certificate::last_day(secret.reveal()) {
        Ok(own) => Some(own.or(said)),
        Err(why) => {
            form.check(false, "certificate", format!("{}; {why}", certificate::SAYS));
            None
        }
    }
}

fn check_end(form: &mut Form<'_>, name: &'static str, secret: &SecretMove, ends: Option<Date>, today: Date) {
    let field = format!("{name}_expires");
    let sentence = match (secret.state().set, ends) {
        (true, None) => {
            format!("{field} must be given with {name}, so that you are warned in time; it is missing")
        }
        (false, Some(day)) => format!("{field} must be null where there is no {name}; {day} is not"),
        (true, Some(day)) if secret.is_set() && day <= today => {
            format!("{field} must be after today where {name} is new; {day} is not")
        }
        _ => return,
    };
    form.check(false, &field, sentence);
}

/// What presence needs before it is switched on.
fn check_direction(form: &mut Form<'_>, setup: &Setup, today: Date) {
    if !setup.is_on() {
        return;
    }
    let needed =
        |field: &str| format!("{field} must be given where direction is {}; it is missing", setup.direction);
    let credential = if setup.credential == "certificate" { "certificate" } else { "client_secret" };
    form.check(!setup.name.is_empty(), "name", needed("name"))
        .check(!setup.tenant_id.is_empty(), "tenant_id", needed("tenant_id"))
        .check(!setup.client_id.is_empty(), "client_id", needed("client_id"))
        .check(setup.has_credential(), credential, needed(credential))
        .check(
            setup.administrators.microsoft_365_global && setup.administrators.cloudlink_account,
            "administrators",
            format!(
                "administrators must both be confirmed where direction is {}: the global administrator of Microsoft \
                 365, and the customer or partner administrator of the CloudLink account; they are not",
                setup.direction
            ),
        )
        .check(
            cloud::named(&setup.cloud).has_presence,
            "cloud",
            format!("cloud must be one where Microsoft Graph has presence; {:?} is not", setup.cloud),
        );
    check_bi_directional(form, setup, today);
}

fn check_bi_directional(form: &mut Form<'_>, setup: &Setup, today: Date) {
    if !setup.is_bi_directional() {
        return;
    }
    form.check(
        setup.contract.allows_bi_directional(today),
        "contract",
        format!(
            "contract must be an active SWA contract of tier advantage or premium where direction is \
             bi_directional; {}. Without one, direction can be off or uni_directional",
            setup.contract.lack(today)
        ),
    )
    .check(
        !setup.redirect_uri.is_empty(),
        "redirect_uri",
        "redirect_uri must be given where direction is bi_directional, because presence monitors sign in; it is \
         missing",
    );
}
