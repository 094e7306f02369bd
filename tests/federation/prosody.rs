//! An unmodified Prosody 0.12 with hosts of one's own, and the user `bob` with the password `secret` on each.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use super::authority::Leaf;
use super::network::Network;
use super::wire::Line;
use crate::harness::{Process, awaited};

/// The server. Ended when dropped.
pub struct Prosody {
    folder: tempfile::TempDir,
    address: &'static str,
    running: Option<Process>,
}

impl Prosody {
    /// Starts one at that address; `secure` is its `s2s_secure_auth`, and it trusts that authority.
    pub fn start(
        network: &Network,
        address: &'static str,
        hosts: &[(&str, Leaf)],
        trusted: &str,
        secure: bool,
    ) -> Self {
        let folder = tempfile::Builder::new().prefix("prosody-").tempdir().expect("a private directory");
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("ca.pem"), trusted).expect("the authority is written");
        let mut config = format!(
            r#"run_as_root = true
pidfile = "{pid}"
data_path = "{data}"
interfaces = {{ "{address}" }}
modules_enabled = {{ "roster", "saslauth", "tls", "dialback", "disco", "ping", "register" }}
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
s2s_require_encryption = true
s2s_secure_auth = {secure}
allow_registration = true
limits = {{}}
log = {{ debug = "{log}" }}
"#,
            pid = path("pid"),
            data = path("data"),
            log = path("log"),
        );
        if let [(host, _), ..] = hosts {
            let (cert, key) = (path(&format!("{host}.crt")), path(&format!("{host}.key")));
            config += &format!(
                "s2s_direct_tls_ports = {{ 5270 }}\ns2s_direct_tls_ssl = {{ certificate = \"{cert}\"; key = \"{key}\"; cafile = \"{}\" }}\n",
                path("ca.pem")
            );
        }
        for (host, leaf) in hosts {
            let (cert, key) = (path(&format!("{host}.crt")), path(&format!("{host}.key")));
            fs::write(&cert, &leaf.cert).expect("the certificate is written");
            fs::write(&key, &leaf.key).expect("the key is written");
            config += &format!(
                "VirtualHost \"{host}\"\n ssl = {{ certificate = \"{cert}\"; key = \"{key}\"; cafile = \"{}\" }}\n",
                path("ca.pem")
            );
            let accounts = path(&format!("data/{}/accounts", host.replace('.', "%2e")));
            fs::create_dir_all(&accounts).expect("its folder of accounts");
            fs::write(format!("{accounts}/bob.dat"), "return { [\"password\"] = \"secret\"; };\n")
                .expect("its account");
        }
        fs::write(path("prosody.cfg.lua"), config).expect("the configuration is written");
        let mut prosody = Self { folder, address, running: None };
        prosody.resume(network);
        prosody
    }

    /// Starts it again.
    pub fn resume(&mut self, network: &Network) {
        let config = self.folder.path().join("prosody.cfg.lua");
        let mut command = network.command("prosody");
        command.args(["-F", "--config"]).arg(config);
        self.running = Some(Process::start(command.stdout(Stdio::null()).stderr(Stdio::null())));
        for port in [5222, 5269] {
            let listens = || std::net::TcpStream::connect((self.address, port)).ok();
            let up = awaited(Duration::from_secs(30), listens);
            assert!(up.is_some(), "prosody did not start at {port}:\n{}", self.log());
        }
    }

    /// Its process.
    #[allow(dead_code, reason = "a benchmark asks for it")]
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("it runs").pid()
    }

    /// Ends it without a farewell.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Stops it in its tracks: it takes connections and says nothing, until it thaws.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// It goes on where it was.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        self.running.as_ref().expect("it runs").signal(signal);
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Logs its user `bob` in.
    pub fn bob(&self, host: &str) -> Line {
        Line::log_in(self.address, host)
    }
}
