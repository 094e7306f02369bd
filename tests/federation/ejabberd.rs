//! An unmodified ejabberd 23.01 with one host, where whoever comes registers by himself, as the user `bob` has.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::authority::Leaf;
use super::network::Network;
use super::wire::Line;
use crate::harness::{Process, awaited};

/// The server. Ended when dropped.
pub struct Ejabberd {
    _folder: tempfile::TempDir,
    #[allow(dead_code, reason = "held until the end, and a benchmark asks for its id")]
    running: Process,
    address: &'static str,
    host: &'static str,
}

impl Ejabberd {
    /// Starts one that offers EXTERNAL and dialback, and trusts that authority.
    pub fn start(
        network: &Network,
        address: &'static str,
        host: &'static str,
        leaf: &Leaf,
        trusted: &str,
    ) -> Self {
        let folder = tempfile::Builder::new().prefix("ejabberd-").tempdir().expect("a private directory");
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("cert.pem"), format!("{}{}", leaf.key, leaf.cert))
            .expect("the certificate is written");
        fs::write(path("ca.pem"), trusted).expect("the authority is written");
        // Without a port of its own it would start a name service that outlives it.
        fs::write(path("ejabberdctl.cfg"), "ERL_DIST_PORT=5210\n").expect("the settings are written");
        let config = format!(
            "loglevel: info\nhosts: [{host}]\ncertfiles: [{cert}]\nca_file: {ca}\ns2s_use_starttls: optional\n\
             s2s_cafile: {ca}\nlisten:\n\
             \x20 - {{port: 5269, ip: \"{address}\", module: ejabberd_s2s_in}}\n\
             \x20 - {{port: 5222, ip: \"{address}\", module: ejabberd_c2s}}\n\
             \x20 - {{port: 5223, ip: \"{address}\", module: ejabberd_c2s, tls: true}}\n\
             auth_method: internal\naccess_rules: {{register: [allow: all]}}\nregistration_timeout: infinity\n\
             modules:\n\
             \x20 mod_disco: {{}}\n  mod_ping: {{}}\n  mod_roster: {{}}\n  mod_s2s_dialback: {{}}\n\
             \x20 mod_stream_mgmt: {{}}\n\
             \x20 mod_register: {{ip_access: all, access: register}}\n",
            cert = path("cert.pem"),
            ca = path("ca.pem"),
        );
        fs::write(path("ejabberd.yml"), config).expect("the configuration is written");
        for name in ["spool", "logs"] {
            fs::create_dir(path(name)).expect("a folder");
        }
        let owned = Command::new("chown").args(["-R", "ejabberd:", &path("")]).status();
        assert!(owned.is_ok_and(|status| status.success()), "the user ejabberd is missing");
        let mut command = network.command("setpriv");
        command.args(["--reuid=ejabberd", "--regid=ejabberd", "--clear-groups", "ejabberdctl"]);
        command.args([
            "--config-dir",
            &path(""),
            "--logs",
            &path("logs"),
            "--spool",
            &path("spool"),
            "foreground",
        ]);
        let running =
            Process::start(command.env("HOME", path("")).stdout(Stdio::null()).stderr(Stdio::null()));
        for port in [5222, 5269] {
            let up = awaited(Duration::from_secs(60), || std::net::TcpStream::connect((address, port)).ok());
            assert!(
                up.is_some(),
                "ejabberd did not start: {:?}",
                fs::read_to_string(path("logs/ejabberd.log"))
            );
        }
        let server = Self { _folder: folder, running, address, host };
        server.register("bob");
        server
    }

    /// Makes a user with the password `secret`.
    pub fn register(&self, login: &str) {
        let mut line = Line::opened(self.address, self.host);
        line.say(&format!(
            "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>{login}</username>\
             <password>secret</password></query></iq>"
        ));
        let answer = line.hear("id='r'");
        assert!(!answer.contains("error"), "{answer}");
    }

    /// Its process.
    #[allow(dead_code, reason = "a benchmark asks for it")]
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Logs its user in.
    pub fn bob(&self) -> Line {
        Line::log_in(self.address, self.host)
    }
}
