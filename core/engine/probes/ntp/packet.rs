//! The 48 bytes of NTP (RFC 5905 section 7.3): a request to send, a reply taken apart into its raw fields. Says
//! nothing about what the fields mean; that is `classify`'s.

use std::time::{SystemTime, UNIX_EPOCH};

/// Length of a packet without extensions, in bytes.
pub const LENGTH: usize = 48;
/// Mode of a request.
const CLIENT: u8 = 3;
/// Version that is spoken.
const VERSION: u8 = 4;
/// Seconds from the first era of NTP (1900) to 1970.
const ERA_TO_UNIX: u64 = 2_208_988_800;
const TWO_32: f64 = 4_294_967_296.0;

/// A point in time as NTP has it: seconds since 1900 in the upper half, their fraction in the lower one. Zero is
/// "not known". Wraps every 136 years, so only differences mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(pub u64);

impl Stamp {
    /// The system's time of day as a stamp.
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        Self((since.as_secs().wrapping_add(ERA_TO_UNIX) << 32).wrapping_add(fraction))
    }

    /// Whether the sender knew it.
    pub fn is_known(self) -> bool {
        self.0 != 0
    }

    /// Seconds from `earlier` to this; right within 68 years either way, whatever the era.
    pub fn since(self, earlier: Self) -> f64 {
        self.0.wrapping_sub(earlier.0).cast_signed() as f64 / TWO_32
    }
}

/// A reply's fields, as they were on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reply {
    /// Leap indicator: 1 and 2 announce a leap second, 3 means "not synchronised".
    pub leap: u8,
    /// Version of the protocol.
    pub version: u8,
    /// 4 for a server's reply.
    pub mode: u8,
    /// 0 kiss or not synchronised, 1 reference clock, 2 to 15 follower, 16 not synchronised.
    pub stratum: u8,
    /// Round trip to the reference clock, in seconds.
    pub root_delay: f64,
    /// Error gathered since the reference clock, in seconds.
    pub root_dispersion: f64,
    /// Whom it follows; see `refid`.
    pub refid: [u8; 4],
    /// When its clock was last set.
    pub reference: Stamp,
    /// The cookie of the request that it answers.
    pub originate: Stamp,
    /// When the request came in.
    pub receive: Stamp,
    /// When the reply went out.
    pub transmit: Stamp,
}

/// A packet that is too short to be NTP; carries its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooShort(pub usize);

/// A request that carries a cookie instead of our time of day, so that a reply proves that it is one and our
/// clock tells nothing about itself.
pub fn request(cookie: Stamp) -> [u8; LENGTH] {
    let mut packet = [0; LENGTH];
    packet[0] = VERSION << 3 | CLIENT;
    packet[40..].copy_from_slice(&cookie.0.to_be_bytes());
    packet
}

/// Takes a packet apart. Extensions and authentication behind the 48 bytes are left alone.
pub fn decode(packet: &[u8]) -> Result<Reply, TooShort> {
    let head: &[u8; LENGTH] = packet.first_chunk().ok_or(TooShort(packet.len()))?;
    Ok(Reply {
        leap: head[0] >> 6,
        version: head[0] >> 3 & 7,
        mode: head[0] & 7,
        stratum: head[1],
        root_delay: short(head, 4),
        root_dispersion: short(head, 8),
        refid: bytes(head, 12),
        reference: stamp(head, 16),
        originate: stamp(head, 24),
        receive: stamp(head, 32),
        transmit: stamp(head, 40),
    })
}

fn bytes<const N: usize>(head: &[u8; LENGTH], at: usize) -> [u8; N] {
    std::array::from_fn(|i| head[at + i])
}

/// 16 bits of seconds and 16 of their fraction.
fn short(head: &[u8; LENGTH], at: usize) -> f64 {
    f64::from(u32::from_be_bytes(bytes(head, at))) / 65536.0
}

fn stamp(head: &[u8; LENGTH], at: usize) -> Stamp {
    Stamp(u64::from_be_bytes(bytes(head, at)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The inverse of `decode`, for the property below.
    fn encode(reply: &Reply) -> [u8; LENGTH] {
        let mut packet = [0; LENGTH];
        packet[0] = reply.leap << 6 | reply.version << 3 | reply.mode;
        packet[1] = reply.stratum;
        packet[4..8].copy_from_slice(&((reply.root_delay * 65536.0) as u32).to_be_bytes());
        packet[8..12].copy_from_slice(&((reply.root_dispersion * 65536.0) as u32).to_be_bytes());
        packet[12..16].copy_from_slice(&reply.refid);
        let stamps = [reply.reference, reply.originate, reply.receive, reply.transmit];
        for (index, stamp) in stamps.iter().enumerate() {
            packet[16 + 8 * index..24 + 8 * index].copy_from_slice(&stamp.0.to_be_bytes());
        }
        packet
    }

    #[test]
    fn a_reply_of_a_real_server_is_taken_apart() {
        let mut packet = [0_u8; LENGTH];
        packet[..16].copy_from_slice(&[0x24, 2, 6, 0xE8, 0, 0, 0x80, 0, 0, 1, 0, 0, 127, 0, 0, 11]);
        let reply = decode(&packet).unwrap();
        assert_eq!((reply.leap, reply.version, reply.mode, reply.stratum), (0, 4, 4, 2));
        assert_eq!((reply.root_delay, reply.root_dispersion, reply.refid), (0.5, 1.0, [127, 0, 0, 11]));
    }

    #[test]
    fn a_request_is_version_4_and_carries_only_the_cookie() {
        let packet = request(Stamp(0x0102_0304_0506_0708));
        assert_eq!(packet[0], 0b00_100_011);
        assert!(packet[1..40].iter().all(|byte| *byte == 0));
        assert_eq!(packet[40..], [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn differences_survive_the_change_of_era() {
        let before = Stamp(u64::MAX - (1 << 32) + 1);
        assert_eq!(Stamp(1 << 32).since(before), 2.0);
        assert_eq!(before.since(Stamp(1 << 32)), -2.0);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_is_decoded_or_refused(packet in proptest::collection::vec(any::<u8>(), 0..200)) {
            match decode(&packet) {
                Ok(reply) => prop_assert_eq!(&encode(&reply)[..2], &packet[..2]),
                Err(TooShort(length)) => prop_assert!(length == packet.len() && length < LENGTH),
            }
        }

        #[test]
        fn nothing_is_lost_on_the_way(packet in proptest::collection::vec(any::<u8>(), LENGTH)) {
            let mut packet: [u8; LENGTH] = packet.try_into().unwrap();
            // Poll interval and precision are of no use here and not kept.
            (packet[2], packet[3]) = (0, 0);
            prop_assert_eq!(encode(&decode(&packet).unwrap()), packet);
        }
    }
}
