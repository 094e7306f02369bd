//! What the fields of a synchronizer may hold. Rules that need other rows are with the routes.

use jackfield_sdk::form::{self, Form, PLAIN, SecretEdit};
use jackfield_sdk::{Errors, Value};

use super::certificate;
use super::mapping;
use super::newcomers::{self, Newcomers};
use super::place::{self, Place, name, short};
use super::schedule::{self, Schedule};
use super::table::Row;
use super::{Settings, Tls};
use crate::ldap::filter;
use crate::ldap::name::Name;
use crate::owner::Of;

/// People of an Active Directory, without its computers.
const USUAL_FILTER: &str = "(&(objectCategory=person)(objectClass=user))";
/// Entries of one answer: below the 1,000 that an Active Directory gives at most.
const USUAL_PAGE: i64 = 500;
const USUAL_REMOVAL_PERCENT: i64 = 20;
const USUAL_GRACE_DAYS: i64 = 7;

/// What reading gives besides what can be set.
const GIVEN: &[&str] = &[
    "peer",
    "enterprise",
    "search_base",
    "certificates",
    "has_password",
    "password_set_at",
    "state",
    "reason",
    "since",
    "job",
    "next_at",
    "latest",
    "warnings",
    "revision",
    "created_at",
    "changed_at",
];

/// A body, understood.
pub struct Wanted {
    /// What it says of the directory.
    pub settings: Settings,
    /// What it says of the password.
    pub password: SecretEdit,
}

/// Reads a body; what is wrong is noted.
pub fn read(errors: &mut Errors, body: &Value, of: Of, old: Option<&Row>) -> Option<Wanted> {
    form::read_into(errors, body, |form| {
        form.ignore(GIVEN);
        let place = place::read(form);
        let people = people(form);
        let safety = safety(form);
        let search = search(form, &body["mapping"]);
        let own = match of {
            Of::Enterprise => own(form).map(|(schedule, newcomers)| (Some(schedule), Some(newcomers))),
            Of::Peer => Some((None, None)),
        };
        let (bind_dn, password) = (bind_dn(form), form.field("password").secret(1..=256));
        let password = password_for(form, bind_dn.as_ref()?, password?, place.as_ref(), old);
        relative(form, search.as_ref());
        let settings = settings(people?, place?, safety?, search?, bind_dn?, own?);
        Some(Wanted { settings, password: password? })
    })
}

/// What an enterprise's synchronizer has besides.
fn own(form: &mut Form<'_>) -> Option<(Schedule, Newcomers)> {
    let (schedule, newcomers) = (schedule::read(form), newcomers::read(form));
    Some((schedule?, newcomers?))
}

/// Description and domain.
fn people(form: &mut Form<'_>) -> Option<(String, String)> {
    let description = form.field("description").text(1..=64, &PLAIN).required();
    let domain = form.field("domain").domain().required();
    Some((description?, domain?))
}

/// Trusted certificates, and what keeps a bad run from doing harm.
fn safety(form: &mut Form<'_>) -> Option<(Option<String>, i64, i64)> {
    let ca = ca_certificate(form);
    let percent = form.field("max_removal_percent").whole(0..=100).or(USUAL_REMOVAL_PERCENT);
    let grace = form.field("grace_days").whole(0..=365).or(USUAL_GRACE_DAYS);
    Some((ca?, percent?, grace?))
}

fn ca_certificate(form: &mut Form<'_>) -> Option<Option<String>> {
    static TEXT: form::Rule = form::Rule { says: "as PEM", holds: |_| true, caseless: false };
    let text = form.field("ca_certificate").text(1..=certificate::LONGEST, &TEXT).optional()?;
    let Some(text) = text else { return Some(None) };
    let wrong = certificate::read(&text).err();
    let sentence = wrong.as_ref().map(|cause| {
        format!("ca_certificate must be certificates in PEM; what was given is not, and is not repeated here: {cause}")
    });
    form.check(wrong.is_none(), "ca_certificate", sentence.unwrap_or_default());
    wrong.is_none().then_some(Some(text))
}

/// Where in the tree, which entries, and what of them.
struct Search {
    context: String,
    filter: String,
    scope: &'static str,
    page_size: i64,
    mapping: serde_json::Map<String, Value>,
}

fn search(form: &mut Form<'_>, given: &Value) -> Option<Search> {
    let context = name(form, "search_context");
    let filter = search_filter(form);
    let scope = form.field("scope").choice(&["base", "one", "subtree"]).or("subtree");
    let page_size = form.field("page_size").whole(1..=1000).or(USUAL_PAGE);
    let mapping = form.field("mapping").object(|form| mapping::read(form, given)).optional();
    let (context, mapping) = (context?.unwrap_or_default(), mapping?.unwrap_or_else(mapping::usual));
    Some(Search { context, filter: filter?, scope: scope?, page_size: page_size?, mapping })
}

fn search_filter(form: &mut Form<'_>) -> Option<String> {
    let text = form.field("filter").text(1..=2048, &PLAIN).or(USUAL_FILTER.to_owned())?;
    let wrong = filter::judge(&text).err();
    let sentence = wrong.as_ref().map(|cause| {
        format!(
            "filter must be a search filter (RFC 4515) such as (objectClass=user); {} is not: {cause}",
            short(&text)
        )
    });
    form.check(wrong.is_none(), "filter", sentence.unwrap_or_default());
    wrong.is_none().then_some(text)
}

/// A context that repeats the base would be searched below itself.
fn relative(form: &mut Form<'_>, search: Option<&Search>) {
    let context = search.map(|search| search.context.as_str()).unwrap_or_default();
    let is_absolute = Name::parse(context).is_ok_and(|name| name.has_domain());
    let sentence = format!(
        "search_context must be relative to base_dn, such as OU=Sales, without DC parts; {} is not",
        short(context)
    );
    form.check(!is_absolute, "search_context", sentence);
}

/// An account of the directory: its name, or what Active Directory takes as well, a user principal name.
fn bind_dn(form: &mut Form<'_>) -> Option<Option<String>> {
    let text = form.field("bind_dn").text(1..=1024, &PLAIN).optional()?;
    let Some(text) = text else { return Some(None) };
    if (form::EMAIL.holds)(&text) {
        return Some(Some(text));
    }
    let parsed = Name::parse(&text);
    let wrong = parsed.as_ref().err().map(|cause| {
        format!(
            "bind_dn must be a distinguished name (RFC 4514) with the leaf first, such as CN=reader,DC=example,DC=com, \
             or a user principal name such as reader@example.com; {} is not: {cause}",
            short(&text)
        )
    });
    form.check(wrong.is_none(), "bind_dn", wrong.unwrap_or_default());
    parsed.ok().map(|name| Some(name.text()))
}

/// A password that is kept must not reach a server, or go over a line, that it was not given for.
fn password_for(
    form: &mut Form<'_>,
    bind_dn: &Option<String>,
    password: SecretEdit,
    place: Option<&Place>,
    old: Option<&Row>,
) -> Option<SecretEdit> {
    let kept = old.filter(|old| old.secret.is_some());
    let moved = kept.zip(place).is_some_and(|(old, place)| {
        let old = &old.settings;
        let before = (&old.host, old.port, old.tls, &old.bind_dn);
        before != (&place.host, place.port, place.tls, bind_dn)
    });
    let complaint = match (bind_dn, &password) {
        (None, SecretEdit::Set(_)) => {
            Some("password must be left out where bind_dn is; one was given, and is not repeated here")
        }
        (None, _) => return Some(SecretEdit::Forget),
        (Some(_), SecretEdit::Forget) => Some("password must be given with bind_dn; it is empty"),
        (Some(_), SecretEdit::Keep) if kept.is_none() => {
            Some("password must be given with bind_dn; it is missing")
        }
        (Some(_), SecretEdit::Keep) if moved => Some(
            "password must be given again where host, port, tls or bind_dn change, so that it is not sent to \
             whom it was not meant for; it is missing",
        ),
        _ => None,
    };
    form.check(complaint.is_none(), "password", complaint.unwrap_or_default());
    complaint.is_none().then_some(password)
}

fn settings(
    (description, domain): (String, String),
    place: Place,
    (ca_certificate, max_removal_percent, grace_days): (Option<String>, i64, i64),
    search: Search,
    bind_dn: Option<String>,
    (schedule, newcomers): (Option<Schedule>, Option<Newcomers>),
) -> Settings {
    let Place { host, port, base_dn, tls } = place;
    let Search { context, filter, scope, page_size, mapping } = search;
    Settings {
        description,
        domain,
        host,
        port,
        base_dn,
        search_context: context,
        tls,
        ca_certificate,
        bind_dn,
        filter,
        scope: scope.to_owned(),
        page_size,
        mapping,
        max_removal_percent,
        grace_days,
        schedule,
        newcomers,
    }
}

/// What deserves a second look in what is allowed.
pub fn warnings(settings: &Settings) -> Vec<String> {
    let expired = settings.ca_certificate.as_deref().and_then(|text| certificate::read(text).ok());
    let expired = expired.into_iter().flatten().filter(|seen| seen.has_expired);
    let expired =
        expired.map(|seen| format!("the certificate of {} expired at {}", seen.subject, seen.not_after));
    let (clear, bound) = (settings.tls == Tls::Off, settings.bind_dn.is_some());
    let rows = [
        (clear && bound, "without TLS the password crosses the network in clear"),
        (clear && !bound, "without TLS anybody on the way can read and change what the directory says"),
        (
            matches!(settings.port, 3268 | 3269),
            "this is the port of a global catalogue, which lacks many attributes: fields come back empty",
        ),
        (settings.tls != Tls::Ldaps && settings.port == 636, "port 636 usually expects tls \"ldaps\""),
        (
            settings.tls == Tls::Ldaps && settings.port == 389,
            "port 389 usually expects tls \"starttls\" or \"none\"",
        ),
    ];
    rows.into_iter().filter(|row| row.0).map(|row| row.1.to_owned()).chain(expired).collect()
}
