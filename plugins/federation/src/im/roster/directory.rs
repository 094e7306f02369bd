//! The corporate directory as part of every roster of an enterprise: its accounts and the contacts of its peers, in
//! groups named as their folders. Nothing of it is stored for a user: it is read once for an enterprise while somebody of
//! it is connected, and again after a change. Of a directory that is larger than the setting allows everybody sees the
//! folder that they are in themselves: a group that is shown is shown whole, and the others are searched for.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jackfield_sdk::{Failure, Host, params};
use jid::BareJid;
use serde::Deserialize;

use super::contact::Line;
use crate::s2s::address;

/// Own accounts, of which each is a contact of the others. One more than are shown is asked for, to see that there are more.
const ACCOUNTS: &str =
    "SELECT a.id AS account, a.login_id, '' AS address, a.first_name, a.last_name, a.folder,
        e.domain, e.description AS top, 0 AS is_contact
    FROM core_accounts a JOIN core_enterprises e ON e.id = a.enterprise
    WHERE a.enterprise = ?1 AND a.in_directory = 1 AND a.deployed = 1 AND a.peer IS NULL";
const OF_FOLDER: &str = " AND a.folder = ?3";
const SOME: &str = " ORDER BY a.id LIMIT ?2";
const FOLDER: &str = "SELECT folder FROM core_accounts WHERE id = ?1";
/// Contacts of peers, below a folder named as the peer.
const CONTACTS: &str = "SELECT c.id AS account, c.login_id, c.address, c.first_name, c.last_name, c.folder,
        '' AS domain, p.description AS top, 1 AS is_contact
    FROM core_contacts c JOIN core_peers p ON p.id = c.peer
    WHERE c.enterprise = ?1 AND c.in_directory = 1 AND c.address <> '' ORDER BY c.id LIMIT ?2";
/// Group of those who are in no folder, where the enterprise has no description.
const TOP: &str = "Corporate Directory";

/// Somebody in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Id of the account or contact.
    pub account: String,
    /// Name.
    pub name: String,
    /// Folder.
    pub group: String,
}

/// Who sees whom: everybody of an enterprise, or of one folder of it where the whole is too large for a roster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Circle {
    /// Id of the enterprise.
    pub enterprise: String,
    /// The folder, in small letters; none: all of them, and the contacts of peers.
    pub folder: Option<String>,
}

/// The directory of one circle.
#[derive(Debug, Default)]
pub struct Directory {
    /// By address.
    pub entries: BTreeMap<BareJid, Entry>,
    /// Another one after every change.
    pub tag: u64,
}

/// The directories of all circles of which somebody is connected.
#[derive(Default)]
pub struct Directories {
    known: HashMap<Circle, Arc<Directory>>,
    /// Circle and address of everybody in them.
    places: HashMap<String, (Circle, BareJid)>,
    /// Enterprises whose directory is too large to be shown whole.
    large: HashSet<String>,
}

#[derive(Deserialize)]
struct Folder {
    folder: String,
}

#[derive(Debug, Deserialize)]
struct Row {
    account: String,
    login_id: String,
    address: String,
    first_name: String,
    last_name: String,
    folder: String,
    domain: String,
    top: String,
    is_contact: i64,
}

impl Row {
    fn entry(self) -> Option<(BareJid, Entry)> {
        let address = if self.is_contact == 1 {
            address::parsed(&self.address)?.into_bare()
        } else {
            address::of_login(&self.login_id, &self.domain)?
        };
        let name = format!("{} {}", self.first_name, self.last_name).trim().to_owned();
        let group = match (self.is_contact == 1, self.folder.is_empty()) {
            (true, false) => format!("{}/{}", self.top, self.folder),
            (false, false) => self.folder,
            (_, true) if self.top.trim().is_empty() => TOP.to_owned(),
            (_, true) => self.top,
        };
        let name = if name.is_empty() { self.login_id } else { name };
        Some((address, Entry { account: self.account, name, group }))
    }
}

impl Directory {
    /// Reads it; none: it has more than `most` entries.
    fn read(host: &Host, circle: &Circle, most: usize) -> Result<Option<Self>, Failure> {
        let (enterprise, limit) = (&circle.enterprise, most + 1);
        let rows: Vec<Row> = match &circle.folder {
            Some(folder) => {
                let sql = format!("{ACCOUNTS}{OF_FOLDER}{SOME}");
                host.db().page(&sql, params![enterprise, limit, folder], limit)?.rows
            }
            None => {
                let sql = format!("{ACCOUNTS}{SOME}");
                let mut rows = host.db().page(&sql, params![enterprise, limit], limit)?.rows;
                if rows.len() <= most {
                    rows.extend(host.db().page::<Row>(CONTACTS, params![enterprise, limit], limit)?.rows);
                }
                rows
            }
        };
        Ok((rows.len() <= most).then(|| Self::of(rows.into_iter().filter_map(Row::entry).collect())))
    }

    fn of(entries: BTreeMap<BareJid, Entry>) -> Self {
        let mut hasher = DefaultHasher::new();
        entries.hash(&mut hasher);
        Self { entries, tag: hasher.finish() }
    }

    /// The line of that address.
    pub fn line(&self, address: &BareJid) -> Option<Line> {
        let entry = self.entries.get(address)?;
        Some(Line {
            address: address.clone(),
            name: entry.name.clone(),
            subscription: "both",
            has_asked: false,
            groups: vec![entry.group.clone()],
        })
    }

    /// Addresses whose line is another one than in the earlier directory.
    pub fn differs(&self, before: &Self) -> BTreeSet<BareJid> {
        let all = self.entries.keys().chain(before.entries.keys());
        all.filter(|address| self.entries.get(*address) != before.entries.get(*address)).cloned().collect()
    }
}

impl Directories {
    /// Which circle the account is in, read if it is not known.
    pub fn circle(
        &mut self,
        host: &Host,
        enterprise: &str,
        account: &str,
        most: usize,
    ) -> Result<Circle, Failure> {
        let whole = Circle { enterprise: enterprise.to_owned(), folder: None };
        if !self.large.contains(enterprise) {
            if self.known.contains_key(&whole) {
                return Ok(whole);
            }
            if let Some(read) = Directory::read(host, &whole, most)? {
                self.insert(&whole, read);
                return Ok(whole);
            }
            self.large.insert(enterprise.to_owned());
        }
        let found: Option<Folder> = host.db().first(FOLDER, params![account])?;
        // Folders are told apart without regard to capitals.
        let folder = found.map(|found| found.folder.to_ascii_lowercase()).unwrap_or_default();
        let part = Circle { folder: Some(folder), ..whole };
        if !self.known.contains_key(&part) {
            let read = Directory::read(host, &part, most)?.unwrap_or_default();
            self.insert(&part, read);
        }
        Ok(part)
    }

    fn insert(&mut self, circle: &Circle, read: Directory) {
        let places = read.entries.iter();
        self.places.extend(
            places.map(|(address, entry)| (entry.account.clone(), (circle.clone(), address.clone()))),
        );
        self.known.insert(circle.clone(), Arc::new(read));
    }

    /// The directory of a circle, if it is known.
    pub fn known(&self, circle: &Circle) -> Option<&Arc<Directory>> {
        self.known.get(circle)
    }

    /// Circle and address of an account or contact that is in a known directory.
    pub fn place(&self, account: &str) -> Option<&(Circle, BareJid)> {
        self.places.get(account)
    }

    /// Nobody of the circle is connected any more.
    pub fn forget(&mut self, circle: &Circle) {
        if let Some(gone) = self.known.remove(circle) {
            gone.entries.values().for_each(|entry| drop(self.places.remove(&entry.account)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(login: &str, name: [&str; 2], folder: &str, top: &str) -> Row {
        let [first_name, last_name] = name.map(str::to_owned);
        Row {
            account: format!("id-{login}"),
            login_id: login.to_owned(),
            address: String::new(),
            first_name,
            last_name,
            folder: folder.to_owned(),
            domain: "Home.example".to_owned(),
            top: top.to_owned(),
            is_contact: 0,
        }
    }

    #[test]
    fn groups_are_folders_and_the_top_has_the_enterprises_name() {
        for (folder, top, group) in [
            ("", "", TOP),
            ("", " ", TOP),
            ("", "Home Ltd", "Home Ltd"),
            ("Sales/North", "Home Ltd", "Sales/North"),
        ] {
            let (address, entry) = row("Ann", ["Ann", "Lee"], folder, top).entry().unwrap();
            assert_eq!((address.as_str(), entry.name.as_str()), ("ann@home.example", "Ann Lee"));
            assert_eq!(entry.group, group);
        }
        for (folder, group) in [("", "Far"), ("Sales", "Far/Sales")] {
            let address = "bob@far.example".to_owned();
            let contact = Row { address, is_contact: 1, ..row("bob", ["", ""], folder, "Far") };
            let (address, entry) = contact.entry().unwrap();
            assert_eq!((address.as_str(), entry.name.as_str()), ("bob@far.example", "bob"));
            assert_eq!(entry.group, group);
        }
    }

    #[test]
    fn a_login_in_upn_form_is_escaped() {
        let (address, _) = row("ann@corp.example", ["", ""], "", "").entry().unwrap();
        assert_eq!(address.as_str(), "ann\\40corp.example@home.example");
    }

    #[test]
    fn what_changes_is_told_apart_and_the_tag_follows() {
        let of = |rows: Vec<Row>| Directory::of(rows.into_iter().filter_map(Row::entry).collect());
        let before = of(vec![row("ann", ["Ann", ""], "", ""), row("joe", ["Joe", ""], "", "")]);
        let same = of(vec![row("joe", ["Joe", ""], "", ""), row("ann", ["Ann", ""], "", "")]);
        assert_eq!((same.tag, same.differs(&before).len()), (before.tag, 0));
        let after = of(vec![row("ann", ["Anna", ""], "", ""), row("eve", ["Eve", ""], "", "")]);
        let differs: Vec<_> = after.differs(&before).iter().map(ToString::to_string).collect();
        assert_eq!(differs, ["ann@home.example", "eve@home.example", "joe@home.example"]);
        assert_ne!(after.tag, before.tag);
    }
}
