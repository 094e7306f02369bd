//! A small file system under the state folder, which a test can fill and free. Needs root, as mounting does.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Large enough to be ready (32 MiB must be free), small enough to fill at once.
const SIZE: &str = "size=48m,mode=0700";
const BLOCK: [u8; 4096] = [0x5a; 4096];

/// The file system; unmounted when dropped, also when the test has failed. Declare it after what lives on it.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it over an empty folder.
    pub fn mount(folder: &Path) -> Self {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder).status();
        assert!(mounted.expect("mount runs").success(), "cannot mount a tmpfs: these tests run as root");
        Self { folder: folder.to_owned() }
    }

    /// Writes until not one more block fits.
    pub fn fill(&self) {
        let mut ballast = fs::File::create(self.ballast()).expect("the ballast can be made");
        while ballast.write_all(&BLOCK).is_ok() {}
    }

    /// Leaves only so many bytes.
    pub fn leave(&self, bytes: usize) {
        self.fill();
        let ballast = fs::OpenOptions::new().write(true).open(self.ballast()).expect("the ballast is there");
        let length = ballast.metadata().expect("the ballast is there").len();
        ballast.set_len(length - bytes as u64).expect("the ballast can be cut");
    }

    /// Frees all of it again.
    pub fn free(&self) {
        fs::remove_file(self.ballast()).expect("the ballast can be removed");
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a killed appliance may still have its files open.
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.folder).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted; unmount it by hand", self.folder.display());
        }
    }
}
