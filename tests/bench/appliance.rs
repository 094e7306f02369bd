//! The appliance under measurement: laid out, started, asked, weighed, stopped. Killed by its id on drop.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};

use crate::Outcome;
use crate::client;

const READY_WITHIN: Duration = Duration::from_secs(20);

/// Memory of a process in KiB.
#[derive(Debug, Default, Clone, Copy)]
pub struct Memory {
    /// Resident (Rss), shared pages included.
    pub resident: u64,
    /// Its proportional share (Pss).
    pub share: u64,
    /// Shared with no other process.
    pub private: u64,
}

impl Memory {
    /// What a process weighs now.
    pub fn of(pid: u64) -> Outcome<Self> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let private = kib(&rollup, "Private_Clean:")? + kib(&rollup, "Private_Dirty:")?;
        Ok(Self { resident: kib(&rollup, "Rss:")?, share: kib(&rollup, "Pss:")?, private })
    }
}

/// The appliance.
pub struct Appliance {
    binary: PathBuf,
    folder: PathBuf,
    certificate: CertificateDer<'static>,
    running: Option<(Child, SocketAddr)>,
    // Kept open: the appliance also tells when it stops.
    manager: Option<UnixDatagram>,
    token: String,
}

impl Appliance {
    /// Lays it out with a certificate of its own, which the clients then trust.
    pub fn lay_out(binary: &Path, folder: &Path) -> Outcome<Self> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?;
        fs::write(folder.join("cert.pem"), certificate.pem())?;
        fs::write(folder.join("key.pem"), key.serialize_pem())?;
        fs::write(
            folder.join("jackfield.toml"),
            "[storage]\npath = 'state'\n[http]\nlisten = '127.0.0.1:0'\ncert = 'cert.pem'\nkey = 'key.pem'\n\
             [plugins]\ndir = 'plugins'\n[log]\nlevel = 'warn'\n",
        )?;
        let certificate = certificate.der().clone();
        let (binary, folder) = (binary.to_owned(), folder.to_owned());
        Ok(Self { binary, folder, certificate, running: None, manager: None, token: String::new() })
    }

    /// Starts it; answers the time from spawn to readiness.
    pub fn start(&mut self) -> Outcome<Duration> {
        let socket = self.folder.join("notify.sock");
        // Left over from the start before.
        let _ = fs::remove_file(&socket);
        let readiness = UnixDatagram::bind(&socket)?;
        readiness.set_read_timeout(Some(READY_WITHIN))?;
        let mut serve = self.command(&["serve", "--json"]);
        serve.env("NOTIFY_SOCKET", &socket).stdout(Stdio::piped());
        let begun = Instant::now();
        let mut child = serve.spawn()?;
        let ready = await_readiness(&readiness).map(|()| begun.elapsed());
        self.manager = Some(readiness);
        let stdout = child.stdout.take().ok_or("standard output is piped")?;
        self.running = Some((child, SocketAddr::from(([127, 0, 0, 1], 0))));
        let took = ready?;
        let mut greeting = String::new();
        BufReader::new(stdout).read_line(&mut greeting)?;
        let greeting: Value = serde_json::from_str(&greeting)?;
        let url = greeting["console"][0].as_str().ok_or("the greeting names no address")?;
        let address = url.trim_start_matches("https://").trim_end_matches('/').parse()?;
        self.running = self.running.take().map(|(child, _)| (child, address));
        Ok(took)
    }

    /// Stops it in order.
    pub fn stop(&mut self) -> Outcome<()> {
        let (mut child, _) = self.running.take().ok_or("it does not run")?;
        kill_process(Pid::from_child(&child), Signal::TERM)?;
        let status = child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("it stopped with {status}").into()) }
    }

    /// Makes the token and the enterprise that the measurements use.
    pub fn prepare(&mut self) -> Outcome<()> {
        let made = self.command(&["token", "create", "--name", "bench", "--role", "admin"]).output()?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into());
        }
        self.token = String::from_utf8(made.stdout)?.trim().to_owned();
        let enterprise =
            json!({"id": "bench", "description": "Company bench", "domain": "bench.example.com"});
        let request = self.request("POST", "/enterprises", Some(&enterprise.to_string()));
        client::Connection::tls(self.address()?, self.trust()?)?.ask(&request, 201)
    }

    /// A request below the API's base, with the token.
    pub fn request(&self, method: &str, path: &str, body: Option<&str>) -> Vec<u8> {
        let headers = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", self.token);
        client::request(method, &format!("/api/v1{path}"), &headers, body)
    }

    /// Where it serves.
    pub fn address(&self) -> Outcome<SocketAddr> {
        Ok(self.running.as_ref().ok_or("it does not run")?.1)
    }

    /// Trusts its certificate and no other.
    pub fn trust(&self) -> Outcome<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }

    /// What it weighs now.
    pub fn memory(&self) -> Outcome<Memory> {
        Memory::of(self.process()?)
    }

    /// Its process.
    pub fn process(&self) -> Outcome<u64> {
        let (child, _) = self.running.as_ref().ok_or("it does not run")?;
        Ok(child.id().into())
    }

    /// A verb of its command line.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--config").arg(self.folder.join("jackfield.toml")).env_clear();
        command
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.running {
            // It may have ended already; either way it is gone after this.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn await_readiness(readiness: &UnixDatagram) -> Outcome<()> {
    let mut message = [0; 4096];
    loop {
        let length = readiness.recv(&mut message)?;
        if String::from_utf8_lossy(&message[..length]).lines().any(|line| line == "READY=1") {
            return Ok(());
        }
    }
}

fn kib(text: &str, name: &str) -> Outcome<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or(format!("no {name}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
