//! `login.bind`: whose password it is asked about, and what is never asked of a directory.

use jackfield_sdk::{Code, json};

use crate::appliance::Appliance;
use crate::fields::{usual, with};

const OWN: &str = "enterprises/home/synchronizer";

/// `jo` came from the directory of the enterprise `home`, `ann` was made by hand.
fn site() -> Appliance {
    let appliance = Appliance::new();
    appliance.core(
        "INSERT INTO account (id, enterprise, login_id, first_name, last_name, email, extension, origin, deployed,
            revision, created_at, changed_at, synchronizer, directory_key, directory_hash) VALUES
            ('acc-jo', 'home', 'jo', '', 'Jo', '', '', 'synchronizer', 1, 1, '', '', 'peering/enterprise/home', 'k1', 'h'),
            ('acc-ann', 'home', 'ann', '', 'Ann', '', '', 'manual', 1, 1, '', '', NULL, NULL, NULL)",
    );
    appliance
}

fn asked(appliance: &Appliance, account: &str, password: &str) -> (Code, String) {
    let failure = appliance.bench.request("login.bind", json!({"account": account, "password": password}));
    let failure = failure.unwrap_err();
    (failure.code, failure.msg)
}

#[test]
fn only_who_came_from_a_directory_is_asked_about_and_never_with_an_empty_password() {
    let appliance = site();
    assert_eq!(appliance.put(OWN, usual()).status, 201);
    assert_eq!(asked(&appliance, "acc-jo", "").0, Code::Denied);
    for account in ["acc-ann", "acc-nobody"] {
        assert_eq!(asked(&appliance, account, "secret").0, Code::NotFound, "{account}");
    }
}

#[test]
fn a_directory_that_cannot_be_asked_says_no_to_nobody() {
    let appliance = site();
    assert_eq!(asked(&appliance, "acc-jo", "secret").0, Code::NotFound, "there is no synchronizer");
    let clear = with(json!({"path": "ldap://127.0.0.1/DC=ocs,DC=example", "tls": "none"}));
    assert_eq!(appliance.put(OWN, clear).status, 201);
    let (code, words) = asked(&appliance, "acc-jo", "secret");
    assert!(code == Code::Unavailable && words.contains("in clear"), "{words}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed =
        with(json!({"path": format!("ldap://127.0.0.1:{port}/DC=ocs,DC=example"), "tls": "starttls"}));
    assert_eq!(appliance.change("PUT", OWN, "*", closed).status, 200);
    let (code, words) = asked(&appliance, "acc-jo", "secret");
    assert!(code == Code::Unavailable && words.contains("takes no connection"), "{words}");
    assert!(!words.contains("secret"));
}

/// An unmodified slapd with somebody whose password is `secret-jo`. Ended when dropped.
struct Slapd {
    folder: tempfile::TempDir,
    child: std::process::Child,
    port: u16,
    authority: String,
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SLAPD: &str = "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
moduleload back_mdb
TLSCertificateFile FOLDER/crt
TLSCertificateKeyFile FOLDER/key
database mdb
suffix \"DC=ocs,DC=example\"
directory FOLDER/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact=\"CN=reader,DC=ocs,DC=example\" read by anonymous auth by * none
";

const PEOPLE: &str = "dn: DC=ocs,DC=example
objectClass: domain
dc: ocs

dn: CN=reader,DC=ocs,DC=example
objectClass: person
cn: reader
sn: reader
userPassword: hush-hush

dn: uid=moved,DC=ocs,DC=example
objectClass: inetOrgPerson
uid: moved
cn: Jo
sn: Jo
employeeNumber: k1
userPassword: secret-jo
";

impl Slapd {
    fn start() -> Self {
        use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority);
        std::fs::create_dir(path("db")).unwrap();
        std::fs::write(path("crt"), leaf.unwrap().pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        std::fs::write(path("conf"), SLAPD.replace("FOLDER", folder.path().to_str().unwrap())).unwrap();
        std::fs::write(path("ldif"), PEOPLE).unwrap();
        let command = |name: &str| {
            let mut command = std::process::Command::new(name);
            command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg("-f").arg(path("conf"));
            command
        };
        let loaded = command("slapadd").arg("-q").arg("-l").arg(path("ldif")).output().unwrap();
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let urls = format!("ldaps://127.0.0.1:{port}/");
        let mut serve = command("slapd");
        serve.args(["-h", &urls, "-d", "0"]).stderr(std::process::Stdio::null());
        let slapd = Self { child: serve.spawn().unwrap(), port, authority: authority.pem(), folder };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(std::time::Instant::now() < deadline, "slapd did not start in {:?}", slapd.folder);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        slapd
    }

    fn synchronizer(&self) -> jackfield_sdk::Value {
        with(json!({
            "path": format!("ldaps://localhost:{}/DC=ocs,DC=example", self.port), "ca_certificate": self.authority,
            "filter": "(objectClass=inetOrgPerson)",
            "mapping": {"user_id": "employeeNumber", "login": "uid", "distinguished_name": "entryDN"},
        }))
    }
}

#[test]
fn the_directory_s_password_is_right_and_no_other_is() {
    let (appliance, slapd) = (site(), Slapd::start());
    assert_eq!(appliance.put(OWN, slapd.synchronizer()).status, 201);
    let right = json!({"account": "acc-jo", "password": "secret-jo"});
    // By key, because the entry's name and login are others by now.
    assert_eq!(appliance.bench.request("login.bind", right.clone()), Ok(json!({})));
    for wrong in ["secret-Jo", "hush-hush", " ", "*"] {
        let (code, words) = asked(&appliance, "acc-jo", wrong);
        assert!(code == Code::Denied && words.contains("name or password are wrong"), "{wrong}: {words}");
    }
    appliance.core("UPDATE account SET directory_key = 'k2' WHERE id = 'acc-jo'");
    assert_eq!(asked(&appliance, "acc-jo", "secret-jo").0, Code::Denied, "nobody has that key");
    appliance.core("UPDATE account SET directory_key = '*' WHERE id = 'acc-jo'");
    assert_eq!(asked(&appliance, "acc-jo", "secret-jo").0, Code::Denied, "a key is no pattern");
    drop(slapd);
    assert_eq!(asked(&appliance, "acc-jo", "secret-jo").0, Code::Unavailable);
}
