//! An unmodified OpenLDAP slapd with its database in memory-mapped files of a folder of its own, on loopback. Its people
//! are below `dc=ocs,dc=example`; `cn=reader` may read them with the password `hush-hush`.

use std::fmt::Write;
use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::federation::authority::{Authority, Leaf};
use crate::harness::{Process, awaited, free_port, with};

/// Where its people are.
pub const BASE: &str = "dc=ocs,dc=example";
/// Who reads them.
pub const READER: &str = "cn=reader,dc=ocs,dc=example";
/// With what.
pub const PASSWORD: &str = "hush-hush";

/// The server. Ended when dropped.
pub struct Slapd {
    folder: tempfile::TempDir,
    running: Option<Process>,
    /// Port in clear, and for StartTLS.
    pub port: u16,
    /// Port of TLS from the first byte.
    pub tls_port: u16,
    authority: String,
}

/// Somebody as the server has them: below an organizational unit where one is named.
pub fn person(login: &str, unit: &str, more: &str) -> String {
    let unit = if unit.is_empty() { String::new() } else { format!("ou={unit},") };
    format!(
        "dn: uid={login},{unit}{BASE}\nobjectClass: inetOrgPerson\nuid: {login}\ncn: {login}\nsn: Of {login}\n\
         userPassword: secret-{login}\n{more}\n"
    )
}

/// An organizational unit.
pub fn unit(path: &str) -> String {
    format!("dn: ou={path},{BASE}\nobjectClass: organizationalUnit\n\n")
}

/// People with numbers.
pub fn people(numbers: std::ops::Range<usize>) -> String {
    numbers.fold(String::new(), |mut all, n| {
        let _ = writeln!(all, "{}", person(&format!("p{n}"), "", &format!("mail: p{n}@ocs.example\n")));
        all
    })
}

impl Slapd {
    /// Starts one with these entries, and a certificate for `localhost`.
    pub fn start(entries: &str) -> Self {
        let authority = Authority::new();
        let leaf = authority.leaf("localhost", 2090);
        Self::start_with(entries, &leaf, &authority.pem())
    }

    /// Starts one with that certificate.
    pub fn start_with(entries: &str, leaf: &Leaf, authority: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("slapd-").tempdir().expect("a private directory");
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir(path("db")).expect("its folder");
        fs::write(path("crt"), &leaf.cert).expect("its certificate");
        fs::write(path("key"), &leaf.key).expect("its key");
        fs::write(path("ca"), authority).expect("its authority");
        let config = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\nmoduleload back_mdb\npidfile {pid}\n\
             TLSCertificateFile {crt}\nTLSCertificateKeyFile {key}\nTLSCACertificateFile {ca}\nsizelimit 500\n\
             database mdb\nsuffix \"{BASE}\"\nrootdn \"cn=root,{BASE}\"\nrootpw root-secret\ndirectory {db}\n\
             maxsize 1073741824\ndbnosync\nindex objectClass,uid,entryUUID eq\n\
             limits dn.exact=\"{READER}\" size.prtotal=unlimited\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to * by dn.exact=\"{READER}\" read by anonymous auth by * none\n",
            pid = path("pid"),
            crt = path("crt"),
            key = path("key"),
            ca = path("ca"),
            db = path("db"),
        );
        fs::write(path("conf"), config).expect("its configuration");
        let root = format!(
            "dn: {BASE}\nobjectClass: domain\ndc: ocs\n\ndn: {READER}\nobjectClass: person\ncn: reader\nsn: reader\n\
             userPassword: {PASSWORD}\n\n"
        );
        fs::write(path("ldif"), root + entries).expect("its entries");
        let loaded = Command::new("slapadd").args(["-q", "-f", &path("conf"), "-l", &path("ldif")]).output();
        let loaded = loaded.expect("slapadd runs: `tests/run` installs it");
        assert!(loaded.status.success(), "slapadd: {}", String::from_utf8_lossy(&loaded.stderr));
        let mut slapd = Self {
            folder,
            running: None,
            port: free_port(),
            tls_port: free_port(),
            authority: authority.to_owned(),
        };
        slapd.resume();
        slapd
    }

    /// Starts it again.
    pub fn resume(&mut self) {
        let urls = format!("ldap://127.0.0.1:{}/ ldaps://127.0.0.1:{}/", self.port, self.tls_port);
        let mut command = Command::new("slapd");
        // With a debug level it stays in the foreground.
        command.arg("-f").arg(self.path("conf")).args(["-h", &urls, "-d", "0"]);
        self.running = Some(Process::start(command.stdout(Stdio::null()).stderr(Stdio::null())));
        for port in [self.port, self.tls_port] {
            let listens = || TcpStream::connect(("127.0.0.1", port)).ok();
            assert!(awaited(Duration::from_secs(20), listens).is_some(), "slapd did not start at {port}");
        }
    }

    /// Ends it without a farewell.
    pub fn kill(&mut self) {
        self.running = None;
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Changes entries, as `ldapmodify` takes them.
    #[track_caller]
    pub fn modify(&self, ldif: &str) {
        let file = self.path("changes");
        fs::write(&file, ldif).expect("the changes");
        let (url, root) = (format!("ldap://127.0.0.1:{}/", self.port), format!("cn=root,{BASE}"));
        let mut command = Command::new("ldapmodify");
        command.args(["-x", "-H", &url, "-D", &root, "-w", "root-secret", "-f", &file]);
        let done = command.output().expect("ldapmodify runs: `tests/run` installs it");
        assert!(done.status.success(), "ldapmodify: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Deletes people.
    #[track_caller]
    pub fn delete(&self, logins: &[String]) {
        let gone = |login: &String| format!("dn: uid={login},{BASE}\nchangetype: delete\n\n");
        self.modify(&logins.iter().map(gone).collect::<String>());
    }

    /// A synchronizer that reads it by TLS, with fields of one's own.
    pub fn synchronizer(&self, fields: &Value) -> Value {
        let usual = json!({
            "description": "Slapd", "domain": "ocs.example", "host": "localhost", "port": self.tls_port,
            "tls": "ldaps", "base_dn": BASE, "bind_dn": READER, "password": PASSWORD, "ca_certificate": self.authority,
            "filter": "(objectClass=inetOrgPerson)",
            "mapping": {"user_id": "entryUUID", "login": "uid", "distinguished_name": "entryDN", "home_element": "departmentNumber"},
        });
        with(&usual, fields)
    }
}
