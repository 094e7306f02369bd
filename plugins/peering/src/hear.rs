//! What the plugin hears of the appliance, taken to the desk; and the desk itself, opened once.

use std::sync::PoisonError;
use std::time::Duration;

use jackfield_sdk::{Event, Failure, Kind, Message, Problem, Taken};

use crate::Peering;
use crate::desk::{Call, Office, Options, Shown, Us};

/// Time for a port to open.
const DOOR_WITHIN: Duration = Duration::from_secs(2);
/// Time for the desk to take up a change.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

impl Peering {
    /// Where links to sister appliances are.
    pub(crate) fn office(&self) -> Result<&Office, Problem> {
        let early = || Problem::new(503, "the plugin has only just started; try again in a moment");
        self.office.get().ok_or_else(early)
    }

    /// Opens it.
    pub(crate) fn open_office(&self) -> Result<(), Failure> {
        let options = self.options.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let office = Office::open(&self.host, &self.conditions, options)?;
        // It is opened once, by the one call of `ready`.
        let _ = self.office.set(office);
        Ok(())
    }

    /// Goes by other settings from now on.
    pub(crate) fn take_options(&self, options: Options) -> Result<(), Failure> {
        options.clone_into(&mut self.options.lock().unwrap_or_else(PoisonError::into_inner));
        self.office.get().map_or(Ok(()), |office| office.ask(Call::Options(options)))
    }

    /// What comes often and must not be dropped is taken on the host's own thread, which waits for nothing.
    pub(crate) fn overhear(&self, message: &Message<'_>) -> Taken {
        if message.kind != Kind::Event {
            return Taken::Passed;
        }
        let Ok(event) = serde_json::from_slice::<Event>(message.bytes) else { return Taken::Passed };
        match event.event.as_str() {
            "presence.changed" => {
                if let Some(office) = self.office.get() {
                    office.stirred(event.object);
                }
                Taken::Mine
            }
            "account.changed" | "accounts.changed" | "directory.changed" => {
                self.tell_desk(Call::Accounts);
                Taken::Mine
            }
            "message.sent" => {
                self.tell_desk(Call::Letters);
                Taken::Mine
            }
            _ => Taken::Passed,
        }
    }

    /// What others know this appliance as, with the settings of this moment.
    pub(crate) fn us(&self) -> Result<Us, Problem> {
        let mut us = self.office()?.board.us();
        let options = self.options.lock().unwrap_or_else(PoisonError::into_inner);
        if !options.enabled {
            return Err(Problem::conflict("peering is switched off: set peering.enabled first"));
        }
        us.address = options.address_of(&us.hostname);
        Ok(us)
    }

    /// Waits a moment for the port to open; what is in the way, if it does not.
    pub(crate) fn await_door(&self) -> Result<String, Problem> {
        let office = self.office()?;
        if self.options.lock().unwrap_or_else(PoisonError::into_inner).listen.is_empty() {
            return Ok("nobody can reach this appliance: peering.listen is empty".to_owned());
        }
        let standing = office.wire.settled(DOOR_WITHIN);
        let closed = standing.closed.first();
        let closed = closed.map(|(_, why)| format!("the other appliance cannot reach this one yet: {why}"));
        let late = || "the port is not open yet; look at peering.listen".to_owned();
        Ok(closed.unwrap_or_else(|| if standing.open.is_empty() { late() } else { String::new() }))
    }

    /// Has the desk look at its peers anew, and waits a moment until one is shown as it should be, so that who reads next
    /// does not see it as it was.
    pub(crate) fn reload_until(&self, peer: &str, fits: impl Fn(&Shown) -> bool) {
        let Some(office) = self.office.get() else { return };
        office.tell(Call::Reload);
        office.board.wait(peer, SHOWN_WITHIN, fits);
    }

    pub(crate) fn tell_desk(&self, call: Call) {
        if let Some(office) = self.office.get() {
            office.tell(call);
        }
    }
}
