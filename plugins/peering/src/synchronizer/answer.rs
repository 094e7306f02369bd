//! A synchronizer as the API shows it: without its password, and with how its runs do.

use jackfield_sdk::{Failure, Outcome, Reply, Value, json};

use super::record::{self, Record};
use super::table::Row;
use super::{certificate, rules};
use crate::Peering;
use crate::ldap::name::Name;
use crate::ldap::path::Path;

/// How a synchronizer does.
pub struct Standing {
    /// `never_synchronized`, `synchronizing`, `synchronized`, `held`, `failed` or `cancelled`.
    pub state: &'static str,
    /// Why, in a sentence.
    pub reason: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Job that runs; none: none does.
    job: Option<String>,
    next_at: Option<String>,
    latest: Option<Record>,
}

impl Peering {
    /// How the synchronizer of a row does.
    pub(crate) fn standing_of(&self, row: &Row) -> Result<Standing, Failure> {
        let key = format!("{}/{}", row.kind, row.owner);
        let job = self.running().get(&key).cloned();
        let next_at = self.due().get(&key).cloned().flatten();
        let latest = record::latest(&self.host, row)?;
        let (state, reason, since) = match (&job, &latest) {
            (Some(job), _) => ("synchronizing", format!("the job {job} reads the directory"), None),
            (None, Some(record)) => (record.state.word(), record.reason.clone(), Some(record.since.clone())),
            (None, None) => ("never_synchronized", "configured, and not read yet".to_owned(), None),
        };
        Ok(Standing {
            state,
            reason,
            since: since.unwrap_or_else(|| row.changed_at.clone()),
            job,
            next_at,
            latest,
        })
    }
}

/// 200 or 201 with the synchronizer and its version; one more warning comes first.
pub fn shown(status: u16, row: &Row, warning: Option<String>, standing: &Standing) -> Outcome {
    Ok(Reply::with(status, &whole(row, warning, standing))?.version(row.revision))
}

fn whole(row: &Row, warning: Option<String>, standing: &Standing) -> Value {
    let settings = &row.settings;
    let mut shown = json!(settings);
    let path = Path {
        is_secure: settings.tls == super::Tls::Ldaps,
        host: settings.host.clone(),
        port: Some(settings.port).filter(|port| *port != settings.tls.usual_port()),
        base_dn: settings.base_dn.clone(),
    };
    let certificates = settings.ca_certificate.as_deref().map(certificate::read);
    shown[&row.kind] = json!(row.owner);
    shown["path"] = json!(path.text());
    shown["search_base"] = json!(search_base(&settings.search_context, &settings.base_dn));
    shown["certificates"] = json!(certificates.and_then(Result::ok).unwrap_or_default());
    shown["has_password"] = json!(row.secret.is_some());
    shown["password_set_at"] = json!(row.secret_at);
    shown["state"] = json!(standing.state);
    shown["reason"] = json!(standing.reason);
    shown["since"] = json!(standing.since);
    shown["job"] = json!(standing.job);
    shown["next_at"] = json!(standing.next_at);
    shown["latest"] = standing.latest.as_ref().map(record::shown).unwrap_or_default();
    let warnings: Vec<_> = warning.into_iter().chain(rules::warnings(settings)).collect();
    shown["warnings"] = json!(warnings);
    shown["revision"] = json!(row.revision);
    shown["created_at"] = json!(row.created_at);
    shown["changed_at"] = json!(row.changed_at);
    shown
}

/// Both are names, or they would not be stored.
fn search_base(context: &str, base: &str) -> String {
    match (Name::parse(context), Name::parse(base)) {
        (Ok(context), Ok(base)) => context.below(&base).text(),
        _ => base.to_owned(),
    }
}
