//! The names that this appliance's certificate is for, so that rules can tell it from others. Kept for the whole
//! process, because rules of objects see rows only.

use std::sync::{PoisonError, RwLock};

static NAMES: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Takes the names of the certificate in use now. One with a wildcard is left out: others may have it as well.
pub fn set(names: Vec<String>) {
    let own = names.into_iter().filter(|name| !name.contains('*')).map(|name| name.to_ascii_lowercase());
    *NAMES.write().unwrap_or_else(PoisonError::into_inner) = own.collect();
}

/// All of them.
pub fn all() -> Vec<String> {
    NAMES.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether this host name, in lower case, is one of them.
pub fn contains(name: &str) -> bool {
    NAMES.read().unwrap_or_else(PoisonError::into_inner).iter().any(|own| own == name)
}
