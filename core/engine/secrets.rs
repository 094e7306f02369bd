//! Secrets at rest. Every secret value is sealed (XChaCha20-Poly1305) with a data key that lives in the
//! database, itself sealed with a master key that lives outside it: a systemd credential, or a file in the
//! state folder. A copied database alone opens nothing. Root on the running machine is not kept out.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, Generate, Key, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use jackfield_db::{Db, Tx, params};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::clock;
use super::state::told;
use crate::catalog::problems::Problem;
use crate::engine::fault;

const NONCE_BYTES: usize = 24;
const KEY_VERSION: i64 = 1;

/// Text that must not be seen: printing it prints stars, dropping it wipes it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The key outside the database.
pub struct MasterKey {
    key: Key<XChaCha20Poly1305>,
    from: PathBuf,
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.key.as_mut_slice().zeroize();
    }
}

impl MasterKey {
    /// Reads the key that systemd hands over, else the file; `None` when there is neither.
    pub fn read(file: &Path) -> Result<Option<Self>, String> {
        let place = credential().unwrap_or_else(|| file.to_owned());
        let mut text = String::new();
        match OpenOptions::new().read(true).open(&place).and_then(|f| f.take(256).read_to_string(&mut text)) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => {
                let shown = place.display();
                return Err(format!(
                    "Cannot read the master key {shown}: {e}. It must be readable by the user that Jackfield runs as."
                ));
            }
            Ok(_) => {}
        }
        refuse_open_to_others(&place)?;
        let key = Self::parse(&text).ok_or(format!(
            "The master key {} is damaged: it must be 64 hexadecimal digits. Put back the original from your backup.",
            place.display()
        ));
        text.zeroize();
        Ok(Some(Self { key: key?, from: place }))
    }

    fn parse(text: &str) -> Option<Key<XChaCha20Poly1305>> {
        let mut bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok()?;
        let key = Key::<XChaCha20Poly1305>::try_from(bytes.as_slice()).ok();
        bytes.zeroize();
        key
    }

    /// Makes a new key and writes it, durably, to a file (0400) that is not in force yet: a first start that is
    /// cut short leaves nothing that a second one would take for the key of a lost database.
    fn create(file: &Path) -> Result<Self, String> {
        let cannot =
            |e: std::io::Error| format!("Cannot write the master key {}: {}", file.display(), told(&e));
        let place = pending(file);
        match std::fs::remove_file(&place) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(cannot(e)),
            _ => {}
        }
        let key = Key::<XChaCha20Poly1305>::generate();
        let mut text = data_encoding::HEXLOWER.encode(&key);
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(&place)
            .and_then(|mut f| writeln!(f, "{text}").and_then(|()| f.sync_all()));
        text.zeroize();
        written.map_err(cannot)?;
        Ok(Self { key, from: file.to_owned() })
    }

    /// Puts the new key in force, once the database has been made with it.
    fn promote(file: &Path) -> Result<(), String> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let renamed = std::fs::rename(pending(file), file).and_then(|()| File::open(folder)?.sync_all());
        renamed.map_err(|e| format!("Cannot put the master key {} in force: {}", file.display(), told(&e)))
    }

    /// Refuses a key in the state folder whose database is gone: starting anew would hide the loss, and would
    /// offer the claim code to whoever comes first.
    pub fn refuse_without_database(&self, file: &Path, database: &Path) -> Result<(), String> {
        let is_there = database.metadata().is_ok_and(|found| found.len() > 0);
        if is_there || self.from != file { Ok(()) } else { Err(self.bereft()) }
    }

    fn bereft(&self) -> String {
        format!(
            "The master key {shown} is there, but its database is gone or empty. Put back the database from your \
             backup; or, to begin anew and lose everything, delete {shown} as well.",
            shown = self.from.display()
        )
    }
}

fn pending(file: &Path) -> PathBuf {
    file.with_extension("new")
}

/// The credential that systemd passes to the service (systemd.exec, LoadCredentialEncrypted).
fn credential() -> Option<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    let place = Path::new(&folder).join("jackfield.master-key");
    place.exists().then_some(place)
}

fn refuse_open_to_others(place: &Path) -> Result<(), String> {
    let shown = place.display();
    let mode = place.metadata().map_err(|e| format!("Cannot look at {shown}: {e}."))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let mode = mode & 0o777;
    Err(format!("The master key {shown} can be read by others (mode {mode:o}). Close it: chmod 400 {shown}"))
}

/// Seals and opens secrets with the installation's data key.
pub struct Keyring {
    cipher: XChaCha20Poly1305,
}

impl Keyring {
    /// Opens the database's data key with the master key that was read before; makes both when neither is
    /// there yet.
    pub fn open(db: &Db, master: Option<MasterKey>, file: &Path) -> Result<Self, String> {
        let sql = "SELECT wrapped FROM keyring WHERE version = ?1";
        let wrapped = db.read(|r| r.one(sql, params![KEY_VERSION], |row| row.get::<_, Vec<u8>>(0)));
        let wrapped = wrapped
            .map_err(|e: jackfield_db::Error| format!("Cannot read the data key from the database: {e}."))?;
        match (wrapped, master) {
            (Some(wrapped), Some(master)) => Self::unwrap(&wrapped, &master),
            (Some(wrapped), None) => Self::recover(&wrapped, file),
            (None, Some(master)) if master.from == file => Err(master.bereft()),
            (None, Some(master)) => Self::create(db, &master),
            (None, None) => {
                let ring = Self::create(db, &MasterKey::create(file)?)?;
                MasterKey::promote(file)?;
                Ok(ring)
            }
        }
    }

    /// A first start that was cut short after the database had its key, but before the file had its name.
    fn recover(wrapped: &[u8], file: &Path) -> Result<Self, String> {
        let missing = || {
            let shown = file.display();
            format!(
                "The master key {shown} is missing, and the database needs it to open its secrets. Put it back from your backup."
            )
        };
        let waiting = MasterKey::read(&pending(file)).ok().flatten().ok_or_else(missing)?;
        let ring = Self::unwrap(wrapped, &waiting).map_err(|_| missing())?;
        MasterKey::promote(file)?;
        Ok(ring)
    }

    fn unwrap(wrapped: &[u8], master: &MasterKey) -> Result<Self, String> {
        let mut key = unseal(&XChaCha20Poly1305::new(&master.key), "keyring", wrapped).ok_or(format!(
            "The master key {} does not open this database: it belongs to another one. Put back the key that was made with it.",
            master.from.display()
        ))?;
        let ring = XChaCha20Poly1305::new_from_slice(&key)
            .map_err(|_| "The data key in the database is damaged.".to_owned());
        key.zeroize();
        Ok(Self { cipher: ring? })
    }

    fn create(db: &Db, master: &MasterKey) -> Result<Self, String> {
        let mut key = Key::<XChaCha20Poly1305>::generate();
        let cipher = XChaCha20Poly1305::new(&key);
        let wrapped = seal(&XChaCha20Poly1305::new(&master.key), "keyring", key.as_slice());
        key.as_mut_slice().zeroize();
        let wrapped = wrapped.ok_or("Cannot seal the data key.")?;
        db.write(move |tx| {
            let sql = "INSERT INTO keyring (version, wrapped, created_at) VALUES (?1, ?2, ?3)";
            tx.execute(sql, params![KEY_VERSION, wrapped, clock::now()])
        })
        .map_err(|e: jackfield_db::Error| format!("Cannot store the data key: {e}."))?;
        Ok(Self { cipher })
    }

    /// Seals bytes for one place (table, column, row); they open nowhere else.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, Problem> {
        seal(&self.cipher, place, plain).ok_or_else(|| fault("seal a secret", "the cipher refused"))
    }

    /// Opens what was sealed for that place.
    pub fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, Problem> {
        unseal(&self.cipher, place, sealed).ok_or_else(|| {
            fault("open a secret", &format!("what is stored for {place} is damaged or was moved"))
        })
    }

    /// Seals a secret that [`store`] keeps under a name.
    pub fn seal_named(&self, name: &str, secret: &Secret) -> Result<Vec<u8>, Problem> {
        self.seal(&place(name), secret.reveal().as_bytes())
    }

    /// Reads a named secret.
    pub fn load(&self, read: &jackfield_db::Read<'_>, name: &str) -> Result<Option<Secret>, Problem> {
        let sealed = read.one("SELECT sealed FROM secret WHERE name = ?1", params![name], |row| {
            row.get::<_, Vec<u8>>(0)
        })?;
        let Some(sealed) = sealed else { return Ok(None) };
        let plain = self.unseal(&place(name), &sealed)?;
        let text = String::from_utf8(plain).map_err(|_| fault("open a secret", "it is not text"))?;
        Ok(Some(Secret::new(text)))
    }
}

/// Keeps a sealed secret under a name.
pub fn store(tx: &Tx<'_>, name: &str, sealed: &[u8]) -> Result<(), Problem> {
    let sql = "INSERT INTO secret (name, sealed, changed_at) VALUES (?1, ?2, ?3)
               ON CONFLICT (name) DO UPDATE SET sealed = ?2, changed_at = ?3";
    tx.execute(sql, params![name, sealed, clock::now()])?;
    Ok(())
}

/// Forgets a named secret; one that is not there is no error.
pub fn forget(tx: &Tx<'_>, name: &str) -> Result<(), Problem> {
    tx.execute("DELETE FROM secret WHERE name = ?1", params![name])?;
    Ok(())
}

fn place(name: &str) -> String {
    format!("secret.sealed|{name}")
}

fn seal(cipher: &XChaCha20Poly1305, place: &str, plain: &[u8]) -> Option<Vec<u8>> {
    let nonce = XNonce::generate();
    let sealed = cipher.encrypt(&nonce, Payload { msg: plain, aad: place.as_bytes() }).ok()?;
    Some([nonce.as_slice(), &sealed].concat())
}

fn unseal(cipher: &XChaCha20Poly1305, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_BYTES)?;
    let nonce = XNonce::try_from(nonce).ok()?;
    cipher.decrypt(&nonce, Payload { msg: body, aad: place.as_bytes() }).ok()
}

/// Random text of 160 bits, for tokens, sessions and CSRF values.
pub fn random_text() -> Result<String, Problem> {
    Ok(data_encoding::BASE32_NOPAD.encode(&random::<20>()?).to_ascii_lowercase())
}

/// Random bytes from the kernel.
pub fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| fault("draw random bytes", &e.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Keyring {
        Keyring { cipher: XChaCha20Poly1305::new(&Key::<XChaCha20Poly1305>::generate()) }
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_own_place() {
        let ring = ring();
        let sealed = ring.seal("secret.a", b"hush").unwrap();
        assert_eq!(ring.unseal("secret.a", &sealed).unwrap(), b"hush");
        assert!(ring.unseal("secret.b", &sealed).is_err());
        assert!(!sealed.windows(4).any(|w| w == b"hush"));
    }

    #[test]
    fn a_secret_never_prints_itself() {
        assert_eq!(format!("{:?}", Some(Secret::new("hush"))), "Some(***)");
    }

    #[test]
    fn a_master_key_must_be_closed_whole_and_readable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("master.key");
        assert!(MasterKey::read(&file).unwrap().is_none());
        let made = MasterKey::create(&file).unwrap();
        assert!(MasterKey::read(&file).unwrap().is_none(), "it is not in force yet");
        MasterKey::promote(&file).unwrap();
        assert_eq!(MasterKey::read(&file).unwrap().unwrap().key, made.key);
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(MasterKey::read(&file).err().unwrap().contains("chmod 400"));
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(&file, "abc").unwrap();
        assert!(MasterKey::read(&file).err().unwrap().contains("64 hexadecimal digits"));
    }

    #[test]
    fn a_first_start_cut_short_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("master.key");
        std::fs::write(pending(&file), "half a k").unwrap();
        let made = MasterKey::create(&file).unwrap();
        assert_eq!(MasterKey::read(&pending(&file)).unwrap().unwrap().key, made.key);
    }

    #[test]
    fn a_key_whose_database_is_gone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (file, database) = (folder.path().join("master.key"), folder.path().join("jackfield.db"));
        MasterKey::create(&file).unwrap();
        MasterKey::promote(&file).unwrap();
        let master = MasterKey::read(&file).unwrap().unwrap();
        assert!(master.refuse_without_database(&file, &database).unwrap_err().contains("is gone or empty"));
        std::fs::write(&database, "x").unwrap();
        assert!(master.refuse_without_database(&file, &database).is_ok());
    }
}
