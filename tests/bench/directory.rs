//! The directory that is read: an unmodified slapd on loopback, in a folder of its own, without TLS. Killed by its id on
//! drop.

use std::fmt::Write;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Outcome;

const BASE: &str = "dc=bench,dc=example";
const READER: &str = "cn=reader,dc=bench,dc=example";
const PASSWORD: &str = "hush-hush";
/// What is asked for, by both sides.
const ATTRIBUTES: [&str; 6] = ["entryUUID", "uid", "givenName", "sn", "mail", "telephoneNumber"];
const UP_WITHIN: Duration = Duration::from_secs(20);

/// The server.
pub struct Directory {
    child: Child,
    port: u16,
    folder: PathBuf,
    people: usize,
}

impl Directory {
    /// Starts one with that many people.
    pub fn start(folder: &Path, people: usize) -> Outcome<Self> {
        fs::create_dir_all(folder.join("db"))?;
        let config = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\nmoduleload back_mdb\nsizelimit unlimited\n\
             database mdb\nsuffix \"{BASE}\"\nrootdn \"{READER}\"\nrootpw {PASSWORD}\n\
             directory {}\nmaxsize 2147483648\ndbnosync\nindex objectClass,uid eq\n",
            folder.join("db").display()
        );
        fs::write(folder.join("conf"), config)?;
        fs::write(folder.join("ldif"), entries(people)?)?;
        let loaded = Command::new("slapadd")
            .args(["-q", "-f"])
            .arg(folder.join("conf"))
            .arg("-l")
            .arg(folder.join("ldif"))
            .output()?;
        if !loaded.status.success() {
            return Err(format!("slapadd: {}", String::from_utf8_lossy(&loaded.stderr)).into());
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new("slapd")
            .arg("-f")
            .arg(folder.join("conf"))
            .args(["-h", &format!("ldap://127.0.0.1:{port}/"), "-d", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let directory = Self { child, port, folder: folder.to_owned(), people };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if began.elapsed() > UP_WITHIN {
                return Err("slapd does not come up".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(directory)
    }

    /// A synchronizer that reads it.
    pub fn synchronizer(&self) -> Value {
        json!({
            "description": "Bench", "domain": "people.example.com", "host": "127.0.0.1", "port": self.port, "tls": "none",
            "base_dn": BASE, "bind_dn": READER, "password": PASSWORD, "filter": "(objectClass=inetOrgPerson)",
            "mapping": {"user_id": "entryUUID", "login": "uid", "distinguished_name": "entryDN", "home_element": null},
        })
    }

    /// Dumps everybody to a file; seconds.
    pub fn dump(&self) -> Outcome<f64> {
        let file = File::create(self.folder.join("dump"))?;
        let began = Instant::now();
        let status = self
            .tool("ldapsearch")
            .args(["-LLL", "-E", "pr=500/noprompt", "-b", BASE, "(objectClass=inetOrgPerson)"])
            .args(ATTRIBUTES)
            .stdout(file)
            .status()?;
        let took = began.elapsed().as_secs_f64();
        if status.success() { Ok(took) } else { Err(format!("ldapsearch ended with {status}").into()) }
    }

    /// Changes the first name of so many, all over the directory.
    pub fn change(&self, count: usize) -> Outcome<()> {
        let mut changes = String::new();
        for n in (0..self.people).step_by((self.people / count).max(1)).take(count) {
            write!(
                changes,
                "dn: uid=u{n},{BASE}\nchangetype: modify\nreplace: givenName\ngivenName: New{n}\n\n"
            )?;
        }
        let file = self.folder.join("changes");
        fs::write(&file, changes)?;
        let done = self.tool("ldapmodify").arg("-f").arg(file).output()?;
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into()) }
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.args(["-x", "-H", &format!("ldap://127.0.0.1:{}/", self.port), "-D", READER, "-w", PASSWORD]);
        command
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone after this.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn entries(people: usize) -> Outcome<String> {
    let mut all = format!("dn: {BASE}\nobjectClass: domain\ndc: bench\n\n");
    for n in 0..people {
        write!(
            all,
            "dn: uid=u{n},{BASE}\nobjectClass: inetOrgPerson\nuid: u{n}\ncn: First{n} Last{n}\ngivenName: First{n}\n\
             sn: Last{n}\nmail: first{n}.last{n}@bench.example.com\ntelephoneNumber: {}\ntitle: Engineer\n\
             departmentNumber: {}\n\n",
            100_000 + n,
            n % 50
        )?;
    }
    Ok(all)
}
