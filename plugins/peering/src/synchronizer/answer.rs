//! A synchronizer as the API shows it: without its password.

use jackfield_sdk::{Outcome, Reply, Value, json};

use super::table::Row;
use super::{certificate, rules};
use crate::ldap::name::Name;
use crate::ldap::path::Path;

/// 200 or 201 with the synchronizer and its version; one more warning comes first.
pub fn shown(status: u16, row: &Row, warning: Option<String>) -> Outcome {
    Ok(Reply::with(status, &whole(row, warning))?.version(row.revision))
}

fn whole(row: &Row, warning: Option<String>) -> Value {
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
    shown["state"] = json!("never_synchronized");
    shown["reason"] = json!("configured, not synchronized: this version does not read directories yet");
    shown["since"] = json!(row.changed_at);
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
