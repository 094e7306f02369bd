//! Every row of the judgement on sources, by table.

use super::*;

fn host(name: &str, address: &str, stratum: u8, refid: [u8; 4]) -> Host {
    Host {
        name: name.to_owned(),
        offset: Some((0.0, 0.001)),
        standing: Standing::Synchronised,
        follows: Some(Follows { refid, stratum }),
        addresses: vec![address.parse().unwrap()],
        port: 123,
        words: "words".to_owned(),
    }
}

fn source() -> Host {
    host("the source", "10.0.0.1", 2, [192, 0, 2, 1])
}

fn nobody(_: Ipv4Addr, _: u16) -> Option<Follows> {
    None
}

fn judged(host: Host, source: Option<&Host>) -> (Relation, &'static str) {
    let tie = ties(&[host], source, &mut nobody).remove(0);
    assert!(!tie.words.is_empty());
    (tie.relation, tie.confidence())
}

#[test]
fn a_host_is_tied_to_the_expected_source_as_far_as_its_word_goes() {
    let mut six = source();
    six.addresses = vec!["2001:db8::123".parse().unwrap()];
    let table = [
        (host("itself", "10.0.0.1", 2, [192, 0, 2, 1]), source(), Relation::Same, "proved"),
        (host("follower", "10.0.0.5", 3, [10, 0, 0, 1]), source(), Relation::Same, "proved"),
        (host("over IPv6", "10.0.0.5", 3, [0xC9, 0x75, 0xCE, 0xCC]), six, Relation::Same, "proved"),
        (host("stratum odd", "10.0.0.5", 5, [10, 0, 0, 1]), source(), Relation::Same, "likely"),
        (host("other", "10.0.0.5", 3, [10, 0, 0, 9]), source(), Relation::Different, "likely"),
        (host("own GPS", "10.0.0.5", 1, *b"GPS\0"), source(), Relation::Different, "likely"),
        (host("masked", "10.0.0.5", 3, [0; 4]), source(), Relation::Unknown, "none"),
    ];
    for (host, source, relation, confidence) in table {
        let name = host.name.clone();
        assert_eq!(judged(host, Some(&source)), (relation, confidence), "{name}");
    }
}

#[test]
fn a_source_that_cannot_be_asked_makes_it_likely_at_best() {
    let silent = Host { standing: Standing::Hidden, follows: None, ..source() };
    assert_eq!(judged(host("a", "10.0.0.5", 3, [10, 0, 0, 1]), Some(&silent)), (Relation::Same, "likely"));
    let pair = [host("a", "10.0.0.5", 3, [10, 9, 9, 9]), host("b", "10.0.0.6", 3, [10, 9, 9, 9])];
    let found = ties(&pair, Some(&silent), &mut nobody);
    assert!(found.iter().all(|tie| tie.relation == Relation::Same && !tie.is_proved));
}

#[test]
fn hosts_that_tell_nothing_usable_are_told_apart() {
    let with = |standing| Host { standing, ..host("a", "10.0.0.5", 3, [10, 0, 0, 1]) };
    let table = [
        (Standing::Hidden, Relation::Unknown, "none"),
        (Standing::Unsynchronised, Relation::Unsynchronised, "proved"),
        (Standing::FreeRunning, Relation::FreeRunning, "proved"),
        (Standing::Far, Relation::Same, "proved"),
    ];
    for (standing, relation, confidence) in table {
        assert_eq!(judged(with(standing), Some(&source())), (relation, confidence), "{standing:?}");
    }
}

#[test]
fn a_chain_is_walked_into_private_addresses_at_most_four_hops_and_never_in_a_circle() {
    let far = |n: u8| host("far", "10.0.1.0", 9, [10, 0, 1, n]);
    // 10.0.1.n follows 10.0.1.(n-1); 10.0.1.1 follows the source.
    let mut asked = Vec::new();
    let mut chain = |address: Ipv4Addr, _: u16| {
        asked.push(address);
        let last = address.octets()[3];
        let refid = if last == 1 { [10, 0, 0, 1] } else { [10, 0, 1, last - 1] };
        Some(Follows { refid, stratum: 3 })
    };
    let found = ties(&[far(2)], Some(&source()), &mut chain).remove(0);
    assert_eq!((found.relation, found.hops.len()), (Relation::Chained, 2), "{found:?}");
    assert_eq!(ties(&[far(4)], Some(&source()), &mut chain)[0].relation, Relation::Chained);
    assert_eq!(ties(&[far(5)], Some(&source()), &mut chain)[0].relation, Relation::Different);
    assert_eq!(asked.len(), 2 + 4 + 4);

    let mut circle = |address: Ipv4Addr, _: u16| {
        let refid = if address.octets()[3] == 2 { [10, 0, 1, 3] } else { [10, 0, 1, 2] };
        Some(Follows { refid, stratum: 3 })
    };
    assert_eq!(ties(&[far(2)], Some(&source()), &mut circle)[0].relation, Relation::Different);
    let public = host("a", "10.0.0.5", 3, [198, 51, 100, 1]);
    let mut never = |_: Ipv4Addr, _: u16| panic!("a public address was asked");
    assert_eq!(ties(&[public], Some(&source()), &mut never)[0].relation, Relation::Different);
}

#[test]
fn without_a_source_hosts_are_compared_with_each_other() {
    let relations = |hosts: &[Host]| {
        let ties = ties(hosts, None, &mut nobody).into_iter();
        ties.map(|tie| (tie.relation, tie.confidence())).collect::<Vec<_>>()
    };
    let a = || host("a", "10.0.0.5", 3, [10, 9, 9, 9]);
    let b = || host("b", "10.0.0.6", 3, [10, 9, 9, 9]);
    let c = || host("c", "10.0.0.7", 3, [10, 8, 8, 8]);
    let likely = (Relation::Same, "likely");
    assert_eq!(relations(&[a(), b()]), [likely, likely]);
    assert_eq!(relations(&[a(), b(), c()]), [likely, likely, (Relation::Different, "likely")]);
    assert_eq!(relations(&[a()]), [(Relation::Unknown, "none")]);
    let follower = host("d", "10.0.0.8", 4, [10, 0, 0, 5]);
    assert_eq!(relations(&[a(), follower]), [(Relation::Same, "proved"), (Relation::Same, "proved")]);
    let clocks = [host("e", "10.0.0.9", 1, *b"GPS\0"), host("f", "10.0.0.10", 1, *b"GPS\0")];
    assert_eq!(relations(&clocks), [(Relation::Unknown, "none"), (Relation::Unknown, "none")]);
}
