//! A folder of signed plugins, a host over it with short times, and a memory and services that tests look at.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use jackfield_abi::ops::Failure;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::host::manifest::Manifest;
use crate::host::policy::{Counters, Pace};
use crate::host::verify::Trust;
use crate::host::{Config, Host, Memory, Services, State, Status, Timing};

pub const SOON: Duration = Duration::from_secs(10);
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A folder of plugins with its own key.
pub struct Bench {
    pub dir: TempDir,
    key: Ed25519KeyPair,
    pub memory: Arc<InMind>,
    pub services: Arc<Answers>,
}

#[derive(Default)]
pub struct InMind(pub Mutex<BTreeMap<String, Counters>>);

impl Memory for InMind {
    fn load(&self, plugin: &str) -> Counters {
        self.0.lock().unwrap().get(plugin).cloned().unwrap_or_default()
    }

    fn save(&self, plugin: &str, counters: &Counters) {
        self.0.lock().unwrap().insert(plugin.to_owned(), counters.clone());
    }
}

/// Answers every operation with its name; values of settings can be set.
#[derive(Default)]
pub struct Answers {
    pub settings: Mutex<Map<String, Value>>,
}

impl Services for Answers {
    fn call(&self, plugin: &str, op: &str, args: Value) -> Result<Value, Failure> {
        Ok(json!({"plugin": plugin, "op": op, "args": args}))
    }

    fn settings(&self, manifest: &Manifest) -> Map<String, Value> {
        let mut values = manifest.default_settings();
        values.extend(self.settings.lock().unwrap().clone());
        values
    }
}

impl Bench {
    /// With the plugins `echo` and `faulty`.
    pub fn new() -> Self {
        let bench = Self::empty();
        // Without its page, which is the console's matter.
        let manifest = source("plugins/echo/plugin.toml").replace("console = \"console.js\"\n", "");
        bench.install("echo", &manifest, &built("libjackfield_echo.so"));
        bench.install("faulty", &source("plugins/echo/faulty/plugin.toml"), &built("libjackfield_faulty.so"));
        bench
    }

    pub fn empty() -> Self {
        let seed = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(seed.as_ref()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let bench = Self { dir, key, memory: Arc::default(), services: Arc::default() };
        fs::create_dir(bench.path("keys")).unwrap();
        let public = BASE64.encode(bench.key.public_key().as_ref());
        bench.write("keys/test.pub", &format!("# the tests' own\n{public}\n"));
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file that only its owner may write to, whatever the umask is.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.set_mode(name, 0o644);
    }

    pub fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Puts a plugin there, with the library's hash in its manifest, signed.
    pub fn install(&self, id: &str, manifest: &str, library: &Path) {
        let folder = self.path(id);
        fs::create_dir_all(&folder).unwrap();
        self.set_mode(id, 0o755);
        let code = fs::read(library).unwrap();
        // Written beside it and renamed, as installers do: the old file may be in use.
        let name = library.file_name().unwrap().to_str().unwrap();
        self.write_bytes(&format!("{id}/{name}"), &code);
        let hash = HEXLOWER.encode(digest(&SHA256, &code).as_ref());
        self.sign(id, &format!("sha256 = \"{hash}\"\n{manifest}"));
    }

    pub fn write_bytes(&self, name: &str, bytes: &[u8]) {
        let new = format!("{name}.new");
        fs::write(self.path(&new), bytes).unwrap();
        self.set_mode(&new, 0o644);
        fs::rename(self.path(&new), self.path(name)).unwrap();
    }

    /// Writes a manifest and its signature.
    pub fn sign(&self, id: &str, manifest: &str) {
        self.write(&format!("{id}/plugin.toml"), manifest);
        let signature = BASE64.encode(self.key.sign(manifest.as_bytes()).as_ref());
        self.write(&format!("{id}/plugin.toml.sig"), &format!("{signature}\n"));
    }

    pub fn manifest(&self, id: &str) -> String {
        fs::read_to_string(self.path(id).join("plugin.toml")).unwrap()
    }

    /// Times short enough to wait for, long enough for a busy machine.
    pub fn config(&self) -> Config {
        let ms = Duration::from_millis;
        Config {
            plugins: self.dir.path().to_owned(),
            trust: Trust::Signed,
            builtins: &[],
            exe: built("jackfield"),
            version: "0.0.0".into(),
            services: Arc::clone(&self.services) as Arc<dyn Services>,
            memory: Arc::clone(&self.memory) as Arc<dyn Memory>,
            timing: Timing {
                tick: ms(20),
                ping: ms(100),
                hang: ms(1500),
                start: ms(3000),
                stop: ms(700),
                drain: ms(5000),
                flood: ms(1200),
                unanswered: ms(700),
            },
            pace: Pace { first_wait: ms(20), longest_wait: ms(200), ..Pace::default() },
        }
    }

    pub fn host(&self) -> Host {
        Host::start(self.config()).unwrap()
    }

    /// A host whose plugins are up.
    pub fn host_up(&self) -> Host {
        let host = self.host();
        for status in host.list() {
            up(&host, &status.id);
        }
        host
    }
}

/// Waits until the plugin is up.
pub fn up(host: &Host, id: &str) -> Status {
    reaches(host, id, State::Up)
}

/// Waits until the plugin is in that state.
pub fn reaches(host: &Host, id: &str, state: State) -> Status {
    host.wait_for(id, state, SOON).unwrap_or_else(|| panic!("{id} is not {state:?}: {:#?}", host.list()))
}

/// Has the plugin `faulty` misbehave.
pub fn fault(host: &Host, how: &str) -> Result<Value, Failure> {
    host.request("faulty", "fault", &json!({"how": how}), Duration::from_millis(1000))
}

/// Asks the plugin `echo` who asks.
pub fn ask_echo(host: &Host) -> Result<Value, Failure> {
    host.request("echo", "http", &json!({"method": "GET", "path": "echo", "who": "a test"}), SOON)
}

/// A file of the source tree.
pub fn source(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// Something that `cargo build --workspace` made.
pub fn built(name: &str) -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    let path = binary.parent().and_then(Path::parent).unwrap().join(name);
    assert!(path.exists(), "{} is not there; run cargo build --workspace first", path.display());
    path
}

/// Installs the echo in C, which is small and answers within `recv`.
pub fn install_echo_c(bench: &Bench) {
    let header = source("plugins/abi/jackfield_plugin.h");
    let code = source("plugins/echo/c/echo.c").replace("#include \"jackfield_plugin.h\"", &header);
    let library = compile(bench, "libjackfield_echo_c", &code);
    bench.install("echo_c", &source("plugins/echo/c/plugin.toml"), &library);
}

/// Compiles C into a library; nothing but the C library is needed.
pub fn compile(bench: &Bench, name: &str, code: &str) -> PathBuf {
    let (from, to) = (bench.path(&format!("{name}.c")), bench.path(&format!("{name}.so")));
    fs::write(&from, code).unwrap();
    let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&to).arg(&from).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    to
}
