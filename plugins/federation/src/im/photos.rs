//! Who has which photo, by its digest: every presence of theirs says it (XEP-0153), so it is in memory. Whoever has none
//! takes no room here. Read whole at the start and after a change in bulk, else account by account.

use std::collections::{BTreeSet, HashMap};

use jackfield_sdk::{Failure, Host, json, log, params};
use serde::Deserialize;

use super::presence::words::Photo;

/// All of them, in the order of an index.
const ALL: &str = "SELECT id, photo FROM core_accounts WHERE photo IS NOT NULL AND (photo, id) > (?1, ?2)
    ORDER BY photo, id";
/// Those of some accounts.
const SOME: &str = "SELECT id, photo FROM core_accounts WHERE id IN (SELECT value FROM json_each(?1))";
/// Photos that are read at a time.
const PAGE: usize = 5000;
/// Accounts that are read one by one; of more than that all are read.
const MOST_SINGLE: usize = 500;
/// Most photos that are known; who comes after that seems to have none.
const MOST: usize = 500_000;

/// What is known.
#[derive(Debug, Default)]
pub struct Photos {
    /// By account; none: there was one, and whoever saw it has to hear that it is gone.
    known: HashMap<String, Option<String>>,
    changed: BTreeSet<String>,
    is_stale: bool,
}

#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    photo: Option<String>,
}

impl Photos {
    /// What is told of the photo of an account or contact.
    pub fn of(&self, account: &str) -> Photo {
        match self.known.get(account) {
            None => Photo::Unsaid,
            Some(None) => Photo::Gone,
            Some(Some(hash)) => Photo::Of(hash.clone()),
        }
    }

    /// That account may have another one.
    pub fn look_at(&mut self, account: &str) {
        self.changed.insert(account.to_owned());
    }

    /// Anybody may have another one.
    pub fn look_at_all(&mut self) {
        self.is_stale = true;
    }

    /// Whether all have to be read.
    pub fn is_stale(&self) -> bool {
        self.is_stale || self.changed.len() > MOST_SINGLE
    }

    /// Reads all; who has another one than before.
    pub fn read(&mut self, host: &Host) -> Result<Vec<String>, Failure> {
        let (mut now, mut after) = (HashMap::new(), (String::new(), String::new()));
        loop {
            let page = host.db().page::<Row>(ALL, params![after.0, after.1], PAGE)?;
            let Some(last) = page.rows.last() else { break };
            after = (last.photo.clone().unwrap_or_default(), last.id.clone());
            now.extend(page.rows.into_iter().map(|row| (row.id, row.photo)));
            if !page.more {
                break;
            }
            if now.len() >= MOST {
                log::warn!("there are more than {MOST} photos; the others are not shown in chat");
                break;
            }
        }
        let gone = self.known.keys().filter(|account| !now.contains_key(*account)).cloned();
        let gone: Vec<_> = gone.map(|account| (account, None)).collect();
        now.extend(gone);
        let differs = now.iter().filter(|(account, photo)| self.known.get(*account) != Some(*photo));
        let differs = differs.map(|(account, _)| account.clone()).collect();
        self.known = now;
        self.changed.clear();
        self.is_stale = false;
        Ok(differs)
    }

    /// Reads those of accounts that were named; who has another one than before.
    pub fn read_changed(&mut self, host: &Host) -> Result<Vec<String>, Failure> {
        if self.changed.is_empty() || self.is_stale() {
            return Ok(vec![]);
        }
        let rows: Vec<Row> = host.db().query(SOME, params![json!(self.changed).to_string()])?;
        let mut found: HashMap<String, Option<String>> =
            rows.into_iter().map(|row| (row.id, row.photo)).collect();
        let mut differs = Vec::new();
        for account in std::mem::take(&mut self.changed) {
            let photo = found.remove(&account).flatten();
            let is_known = self.known.get(&account).map_or(photo.is_none(), |known| *known == photo);
            if !is_known {
                self.known.insert(account.clone(), photo);
                differs.push(account);
            }
        }
        Ok(differs)
    }
}
