//! Chance from the kernel's random numbers.

use data_encoding::HEXLOWER;
use ring::rand::{SecureRandom, SystemRandom};

/// An identifier that nobody guesses: 128 bits in hexadecimal.
pub fn id() -> String {
    HEXLOWER.encode(&bytes::<16>())
}

/// A number from 0 up to, and without, that one.
pub fn below(most: u32) -> u32 {
    u32::from_le_bytes(bytes::<4>()) % most.max(1)
}

/// The kernel refuses them only before the machine has started.
fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    while SystemRandom::new().fill(&mut bytes).is_err() {
        std::thread::yield_now();
    }
    bytes
}
