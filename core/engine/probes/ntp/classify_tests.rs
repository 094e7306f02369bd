//! Every row of what a reply may mean, by table.

use proptest::prelude::*;

use super::super::packet::LENGTH;
use super::*;

const SECOND: u64 = 1 << 32;
/// Some instant of 2026.
const NOW: Stamp = Stamp(3_988_000_000 * SECOND);

fn good() -> Reply {
    Reply {
        leap: 0,
        version: 4,
        mode: 4,
        stratum: 2,
        root_delay: 0.002,
        root_dispersion: 0.001,
        refid: [10, 0, 0, 1],
        reference: Stamp(NOW.0 - 60 * SECOND),
        originate: Stamp(7),
        receive: NOW,
        transmit: NOW,
    }
}

fn sample(reply: Reply) -> Sample {
    measured(reply, NOW, NOW)
}

#[test]
fn every_state_of_a_server_has_its_own_verdict_and_reason() {
    let ascii = |code: &[u8; 4]| Reply { stratum: 0, leap: 3, refid: *code, ..good() };
    let table = [
        (good(), Verdict::Ok, ""),
        (Reply { leap: 1, ..good() }, Verdict::Ok, ""),
        (Reply { stratum: 1, refid: *b"GPS\0", ..good() }, Verdict::Ok, ""),
        (Reply { stratum: 1, refid: [1, 2, 3, 250], ..good() }, Verdict::Ok, ""),
        (ascii(b"RATE"), Verdict::Kiss, "kiss_rate"),
        (Reply { leap: 0, ..ascii(b"RATE") }, Verdict::Kiss, "kiss_rate"),
        (ascii(b"DENY"), Verdict::Kiss, "kiss_deny"),
        (ascii(b"RSTR"), Verdict::Kiss, "kiss_rstr"),
        (ascii(b"NTSN"), Verdict::Kiss, "kiss_ntsn"),
        (ascii(b"XYZ1"), Verdict::Kiss, "kiss_experimental"),
        (ascii(b"CRYP"), Verdict::Kiss, "kiss_other"),
        (ascii(b"INIT"), Verdict::Unsynchronised, "not_ready"),
        (ascii(b"STEP"), Verdict::Unsynchronised, "not_ready"),
        (ascii(&[0; 4]), Verdict::Unsynchronised, "not_ready"),
        (Reply { leap: 0, ..ascii(&[0; 4]) }, Verdict::Unsynchronised, "not_ready"),
        (Reply { leap: 3, ..good() }, Verdict::Unsynchronised, "leap_3"),
        (Reply { stratum: 16, ..good() }, Verdict::Unsynchronised, "stratum_16"),
        (Reply { stratum: 255, ..good() }, Verdict::Unsynchronised, "stratum_16"),
        (Reply { stratum: 1, refid: [127, 127, 1, 0], ..good() }, Verdict::Untrusted, "local_clock"),
        (Reply { stratum: 5, refid: [127, 127, 1, 1], ..good() }, Verdict::Untrusted, "local_clock"),
        (Reply { stratum: 1, refid: *b"LOCL", ..good() }, Verdict::Untrusted, "local_clock"),
        (
            Reply { stratum: 10, root_delay: 0.0, root_dispersion: 0.0, ..good() },
            Verdict::Untrusted,
            "free_running",
        ),
        (Reply { stratum: 10, ..good() }, Verdict::Ok, ""),
        (Reply { root_dispersion: 1.6, ..good() }, Verdict::Untrusted, "root_distance"),
        (Reply { root_delay: 3.2, ..good() }, Verdict::Untrusted, "root_distance"),
        (Reply { root_dispersion: 20.0, ..good() }, Verdict::Untrusted, "root_distance"),
        (Reply { reference: Stamp(NOW.0 - 3601 * SECOND), ..good() }, Verdict::Untrusted, "frozen"),
        (Reply { reference: Stamp(0), ..good() }, Verdict::Ok, ""),
    ];
    for (reply, verdict, reason) in table {
        let judged = classify(&sample(reply));
        assert_eq!((judged.verdict, judged.reason), (verdict, reason), "{reply:?}: {}", judged.words);
        assert!(!judged.words.is_empty());
    }
}

#[test]
fn what_is_no_answer_is_discarded_with_the_reason() {
    let packet = |first: u8, cookie: u64| {
        let mut packet = [0; LENGTH];
        packet[0] = first;
        packet[24..32].copy_from_slice(&cookie.to_be_bytes());
        packet
    };
    let judged = |packet: &[u8]| accept(packet, Stamp(7), NOW, NOW).unwrap_err();
    assert_eq!(judged(&packet(0x24, 7)[..47]).reason, "short_packet");
    assert_eq!(judged(&[]).reason, "short_packet");
    assert_eq!(judged(&packet(0x24, 8)).reason, "wrong_cookie");
    assert_eq!(judged(&packet(0x23, 7)).reason, "wrong_mode");
    assert!(accept(&packet(0x24, 7), Stamp(7), NOW, NOW).is_ok());
}

#[test]
fn the_offset_is_the_hosts_clock_minus_ours_and_the_delay_its_error() {
    let ms = |ms: u64| ms * SECOND / 1000;
    let reply = Reply {
        receive: Stamp(NOW.0 + ms(7500) + ms(10)),
        transmit: Stamp(NOW.0 + ms(7500) + ms(11)),
        ..good()
    };
    let sample = measured(reply, NOW, Stamp(NOW.0 + ms(21)));
    assert!((sample.offset.unwrap() - 7.5).abs() < 1e-6, "{sample:?}");
    assert!((sample.delay - 0.020).abs() < 1e-6, "{sample:?}");
    assert!((sample.error() - (0.010 + 0.001 + 0.001)).abs() < 1e-6, "{sample:?}");
}

#[test]
fn a_host_that_is_not_synchronised_still_has_an_offset_and_a_kiss_has_none() {
    let late = Stamp(NOW.0 - 420 * SECOND);
    let unsynchronised =
        Reply { leap: 3, stratum: 0, refid: [0; 4], receive: late, transmit: late, ..good() };
    assert_eq!(sample(unsynchronised).offset, Some(-420.0));
    assert_eq!(sample(Reply { stratum: 0, refid: *b"RATE", ..good() }).offset, None);
    assert_eq!(sample(Reply { transmit: Stamp(0), ..good() }).offset, None);
}

proptest! {
    #[test]
    fn no_packet_upsets_the_judgement(packet in proptest::collection::vec(any::<u8>(), 0..100), cookie: u64, sent: u64, received: u64) {
        let mut packet = packet;
        if packet.len() >= 32 {
            packet[24..32].copy_from_slice(&cookie.to_be_bytes());
            packet[0] = packet[0] & 0xF8 | 4;
        }
        if let Ok(sample) = accept(&packet, Stamp(cookie), Stamp(sent), Stamp(received)) {
            prop_assert!(!classify(&sample).words.is_empty());
            prop_assert!(sample.error() >= 0.0 && sample.delay.is_finite());
            prop_assert!(sample.offset.is_none_or(f64::is_finite));
        }
    }
}
