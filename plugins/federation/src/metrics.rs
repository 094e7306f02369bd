//! What federation tells those who watch the appliance: links and clients.

use jackfield_sdk::Metric;

use crate::Federation;
use crate::net::{Link, Net};

/// The states that a link has.
const STATES: [&str; 4] = ["connecting", "up", "waiting", "down"];

impl Federation {
    /// Its figures as they are now.
    pub(crate) fn figures(&self) -> Vec<Metric> {
        let server = self.server();
        let connected = server.clients().map_or(0, crate::net::Clients::connected);
        let links = server.net().map(Net::links).unwrap_or_default();
        drop(server);
        let queued = links.iter().map(|link| link.queued).sum();
        let mut figures = vec![
            Metric::gauge("clients", "Clients of our own users that are signed in.", figure(connected)),
            Metric::gauge(
                "queued_stanzas",
                "Stanzas that wait for a link to another server.",
                figure(queued),
            ),
        ];
        figures.extend(STATES.map(|state| by_state(&links, state)));
        figures
    }
}

fn by_state(links: &[Link], state: &str) -> Metric {
    let count = links.iter().filter(|link| link.state == state).count();
    Metric::gauge("links", "Links to and from other servers, by state.", figure(count)).label("state", state)
}

fn figure(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}
