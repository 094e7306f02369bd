//! An unmodified Samba AD DC in a network of its own: binary objectGUID keys, sAMAccountName, its own words for who may
//! not sign in, and the usual mapping and filter as they come.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::{counts, logins, set_up, site_with_peer, step, steps, synchronize};
use crate::federation::authority::Authority;
use crate::federation::network::{Network, within};
use crate::harness::*;

/// The appliance asks the machine's own name servers, which know nobody in a network of the test's own.
const HOST: &str = "localhost";
const BASE: &str = "DC=ocs,DC=example";
const PASSWORD: &str = "Hush-hush-1";

/// The domain controller. Ended when dropped.
struct Samba {
    folder: tempfile::TempDir,
    authority: String,
    _running: Process,
}

impl Samba {
    /// A new domain, with a certificate of an authority of its own.
    fn start(network: &Network) -> Self {
        let folder = tempfile::Builder::new().prefix("samba-").tempdir().expect("a private directory");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let authority = Authority::new();
        let leaf = authority.leaf(HOST, 2090);
        for (name, text) in [("crt", &leaf.cert), ("key", &leaf.key), ("ca", &authority.pem())] {
            fs::write(path(name), text).expect("its certificate");
            fs::set_permissions(path(name), fs::Permissions::from_mode(0o600)).expect("nobody else's");
        }
        let mut provision = network.command("samba-tool");
        provision.args(["domain", "provision", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL"]);
        provision.args(["--realm=OCS.EXAMPLE", "--domain=OCS", "--host-name=dc1", "--host-ip=127.0.0.1"]);
        provision.arg(format!("--targetdir={}", path("d"))).arg(format!("--adminpass={PASSWORD}"));
        for (name, value) in [
            ("interfaces", "lo".to_owned()),
            ("bind interfaces only", "yes".to_owned()),
            ("server services", "ldap".to_owned()),
            ("log file", path("log")),
            ("tls certfile", path("crt")),
            ("tls keyfile", path("key")),
            ("tls cafile", path("ca")),
        ] {
            provision.arg(format!("--option={name}={value}"));
        }
        run(&mut provision);
        let mut command = network.command("samba");
        command.args(["-i", "-M", "single", "-s"]).arg(folder.path().join("d/etc/smb.conf"));
        let running =
            Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        let samba = Self { folder, authority: authority.pem(), _running: running };
        let listens = || std::net::TcpStream::connect("127.0.0.1:636").ok();
        assert!(awaited(Duration::from_secs(60), listens).is_some(), "samba did not start");
        samba
    }

    /// `samba-tool` on its database.
    #[track_caller]
    fn tool(&self, args: &[&str]) {
        let config = self.folder.path().join("d/etc/smb.conf");
        run(Command::new("samba-tool").args(args).arg("-s").arg(config));
    }

    fn synchronizer(&self, fields: &Value) -> Value {
        let usual = json!({
            "description": "AD", "domain": "ocs.example", "path": format!("ldap://{HOST}/{BASE}"), "tls": "ldaps",
            "bind_dn": "administrator@ocs.example", "password": PASSWORD, "ca_certificate": self.authority,
        });
        with(&usual, fields)
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let done = command.output().expect("samba-tool runs: `tests/run` installs it");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn an_active_directory_is_read_as_it_comes() {
    within(&[], |network| {
        let samba = Samba::start(network);
        samba.tool(&["ou", "create", "OU=Paris"]);
        let user = |login: &str, more: &[&str]| {
            let password = format!("Secret-{login}-1");
            samba.tool(&[&["user", "create", login, &password], more].concat());
        };
        user("jo", &["--given-name=Zoé", "--surname=Martin", "--mail-address=jo@ocs.example"]);
        user("al", &["--given-name=Al", "--surname=Durand", "--userou=OU=Paris", "--telephone-number=40 01"]);
        let (_appliance, admin, peer) = site_with_peer();
        set_up(&admin, &peer, &samba.synchronizer(&json!({})));
        let (answer, told) = steps(&admin, &peer);
        assert!(told.iter().all(|step| step.ends_with(" ok")), "{answer:#}");
        assert_eq!(answer["certificate"]["names"], json!([HOST]), "{answer:#}");
        let first = synchronize(&admin, &peer);
        // Administrator, Guest and krbtgt have no last name.
        assert_eq!(
            (counts(&first), logins(&admin, &peer)),
            ([2, 0, 0, 0, 3], vec!["al".to_owned(), "jo".to_owned()]),
            "{first:#}"
        );
        let al = admin.get("/directory?enterprise=acme&q=durand").expect(200).items()[0].clone();
        assert_eq!((&al["folder"], &al["extension"]), (&json!("OCS/Paris"), &json!("4001")), "{al:#}");
        assert!(
            first["counts"]["references"].as_u64() > Some(0),
            "a domain refers to its other trees: {first:#}"
        );
        // The key is the objectGUID, so whoever is renamed and moved is the same.
        samba.tool(&["user", "move", "jo", "OU=Paris"]);
        samba.tool(&["user", "rename", "jo", "--surname=Roux"]);
        samba.tool(&["user", "setpassword", "al", "--newpassword=Other-al-2"]);
        assert_eq!(counts(&synchronize(&admin, &peer)), [0, 1, 0, 1, 3]);
        let jo = admin.get("/directory?enterprise=acme&q=roux").expect(200).items()[0].clone();
        assert_eq!((&jo["folder"], &jo["login_id"]), (&json!("OCS/Paris"), &json!("jo")), "{jo:#}");
        refusals(&samba, &admin, &peer);
    });
}

/// What an Active Directory says no to, in words that help.
fn refusals(samba: &Samba, admin: &Client, peer: &str) {
    samba.tool(&["user", "disable", "al"]);
    let off = |bind_dn: &str, password: &str| {
        samba.synchronizer(&json!({"bind_dn": bind_dn, "password": password}))
    };
    for (body, name, words) in [
        (off("al@ocs.example", "Other-al-2"), "bind", "the account is disabled"),
        (off("jo@ocs.example", "wrong"), "bind", "name or password are wrong"),
        (samba.synchronizer(&json!({"tls": "none"})), "bind", "only over TLS"),
    ] {
        set_up(admin, peer, &body);
        let (answer, _) = steps(admin, peer);
        let failed = step(&answer, name);
        assert!(failed["detail"].as_str().unwrap().contains(words), "{answer:#}");
    }
}
