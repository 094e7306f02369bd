//! A network of the test's own: a namespace with nothing but a loopback, and a name server in it. Everything that the
//! body starts is in it too, on the usual ports; it goes with the test.

use std::fs;
use std::process::{Command, Stdio};

use crate::harness::{Namespace, Process};

/// Address of the name server.
pub const NAMES: &str = "127.0.1.53";

/// The namespace.
pub struct Network {
    space: Namespace,
    _names: Process,
}

/// Runs the body on a thread of its own inside a new network. `hosts` are domains with their address; each has an SRV
/// record that leads to port 5269.
pub fn within(hosts: &[(&str, &str)], body: impl FnOnce(&Network) + Send) {
    within_names(hosts, &[], body);
}

/// The same with more records, as options of dnsmasq.
pub fn within_names(hosts: &[(&str, &str)], records: &[String], body: impl FnOnce(&Network) + Send) {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let network = Network::enter(hosts, records);
            body(&network);
        });
        if let Err(panic) = run.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

impl Network {
    fn enter(hosts: &[(&str, &str)], records: &[String]) -> Self {
        let space = Namespace::new();
        space.enter();
        let folder = format!("/etc/netns/{}", space.name());
        fs::create_dir_all(&folder).expect("the folder of the namespace");
        fs::write(format!("{folder}/resolv.conf"), format!("nameserver {NAMES}\n")).expect("its resolver");
        let mut names = Command::new("dnsmasq");
        names.args([
            "--no-daemon",
            "--no-resolv",
            "--no-hosts",
            "--conf-file=/dev/null",
            "--bind-interfaces",
        ]);
        names.args([
            "--local=/example/",
            "--local-ttl=1",
            &format!("--listen-address={NAMES}"),
            "--user=root",
        ]);
        for (domain, address) in hosts {
            names.arg(format!("--host-record={domain},{address}"));
            names.arg(format!("--srv-host=_xmpp-server._tcp.{domain},{domain},5269"));
        }
        names.args(records);
        let names = Process::start(names.stdout(Stdio::null()).stderr(Stdio::null()));
        Self { space, _names: names }
    }

    /// The network itself.
    pub fn space(&self) -> &Namespace {
        &self.space
    }

    /// What starts a program that sees this network's name server as the system's.
    pub fn launcher(&self) -> Vec<String> {
        ["ip", "netns", "exec", self.space.name()].map(str::to_owned).to_vec()
    }

    /// Such a program.
    pub fn command(&self, program: &str) -> Command {
        let launcher = self.launcher();
        let mut command = Command::new(&launcher[0]);
        command.args(&launcher[1..]).arg(program);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // A test that fails already must not fail once more.
        let _ = fs::remove_dir_all(format!("/etc/netns/{}", self.space.name()));
    }
}
