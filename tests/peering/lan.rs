//! A network between appliances, each in a network namespace of its own with a cable to a switch, as in a building: a
//! cable can be cut so that packets vanish and nobody is told, a machine can get another address, a clock can be wrong.
//! A second network, which is never cut, is the test's own way to the appliances.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Namespace, workspace};

/// Files that lie over those of `/etc` for every appliance; started with the program to become as further arguments.
const LAY_OVER_ETC: &str = "mount -t overlay overlay -o lowerdir=$0:/etc /etc && exec \"$@\"";

/// The switches.
pub struct Lan {
    switches: Namespace,
    /// Folders of files for `/etc`.
    layers: tempfile::TempDir,
}

/// Where one appliance is.
pub struct Place {
    space: Namespace,
    /// Last part of its addresses at first.
    number: u8,
}

/// Runs the body on a thread of its own, in the network of the switches.
pub fn within(body: impl FnOnce(&Lan) + Send) {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let lan = Lan::new();
            lan.switches.enter();
            body(&lan);
        });
        if let Err(panic) = run.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// The address of that number between appliances.
pub fn address(number: u8) -> String {
    format!("10.99.0.{number}")
}

impl Lan {
    fn new() -> Self {
        let switches = Namespace::new();
        for (switch, address) in [("lan", "10.99.0.254/24"), ("ways", "10.98.0.254/24")] {
            switches.ip(&["link", "add", switch, "type", "bridge"]);
            switches.ip(&["address", "add", address, "dev", switch]);
            switches.ip(&["link", "set", switch, "up"]);
        }
        let layers = tempfile::tempdir().expect("a private directory");
        fs::create_dir(layers.path().join("names")).expect("its folder");
        Self { switches, layers }
    }

    /// Says which names lead to which numbers, and that no others lead anywhere.
    pub fn name(&self, names: &[(&str, u8)]) {
        let line = |(name, number): &(&str, u8)| format!("{} {name}\n", address(*number));
        let hosts: String = names.iter().map(line).collect();
        // In place: the file is mounted where appliances run.
        fs::write(self.layers.path().join("names/hosts"), format!("127.0.0.1 localhost\n{hosts}"))
            .expect("the names");
    }

    /// A new place with a cable to each switch.
    pub fn place(&self, number: u8) -> Place {
        let space = Namespace::new();
        for (switch, end) in [("lan", "eth0"), ("ways", "eth1")] {
            let port = format!("{switch}{number}");
            let cable = ["link", "add", &port, "type", "veth", "peer", "name", end, "netns", space.name()];
            self.switches.ip(&cable);
            self.switches.ip(&["link", "set", &port, "master", switch, "up"]);
            space.ip(&["link", "set", end, "up"]);
        }
        space.ip(&["address", "add", &format!("10.98.0.{number}/24"), "dev", "eth1"]);
        let place = Place { space, number };
        place.give(number);
        place
    }

    /// From now on no packet gets from or to that place, and nobody is told.
    pub fn cut(&self, place: &Place) {
        self.forwards(place, "0");
    }

    /// Packets get through again.
    pub fn heal(&self, place: &Place) {
        self.forwards(place, "3");
    }

    /// States of a port of a bridge: 0 is disabled, 3 forwards.
    fn forwards(&self, place: &Place, state: &str) {
        let port = format!("lan{}", place.number);
        self.switches.run("bridge", &["link", "set", "dev", &port, "state", state]);
    }

    /// What starts an appliance at that place, with a clock that is so many seconds ahead.
    pub fn launcher(&self, place: &Place, clock_ahead: i64) -> Vec<String> {
        let names = self.layers.path().join("names").display().to_string();
        let layers = match clock_ahead {
            0 => names,
            ahead => format!("{}:{names}", self.clock(ahead).display()),
        };
        let into = format!("--net={}", place.space.path());
        ["/usr/bin/nsenter", &into, "/usr/bin/unshare", "--mount", "/bin/sh", "-c", LAY_OVER_ETC, &layers]
            .map(str::to_owned)
            .to_vec()
    }

    /// A file that has every program started with another clock, in a folder of its own.
    fn clock(&self, ahead: i64) -> PathBuf {
        let folder = self.layers.path().join(ahead.to_string());
        fs::create_dir_all(&folder).expect("its folder");
        let library = folder.join("clock.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]);
        compiler.arg(format!("-DAHEAD={ahead}")).arg("-o").arg(&library);
        let compiled = compiler.arg(workspace().join("tests/peering/clock.c")).status();
        assert!(compiled.expect("cc is installed").success(), "clock.c cannot be compiled");
        fs::write(folder.join("ld.so.preload"), format!("{}\n", library.display())).expect("what is loaded");
        folder
    }
}

impl Place {
    /// Where the test reaches what is there.
    pub fn way(&self) -> String {
        format!("10.98.0.{}", self.number)
    }

    /// Its address between appliances.
    pub fn address(&self) -> String {
        address(self.number)
    }

    /// Takes the address away and gives another one.
    pub fn readdress(&self, number: u8) {
        self.space.ip(&["address", "flush", "dev", "eth0"]);
        self.give(number);
    }

    fn give(&self, number: u8) {
        self.space.ip(&["address", "add", &format!("{}/24", address(number)), "dev", "eth0"]);
    }
}
