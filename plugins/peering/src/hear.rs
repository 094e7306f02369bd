//! What the plugin hears of the appliance, taken to the desk; and the desk itself, opened once.

use jackfield_sdk::{Event, Failure, Kind, Message, Problem, Taken};

use crate::Peering;
use crate::desk::{Call, Office, Options};

impl Peering {
    /// Where links to sister appliances are.
    pub(crate) fn office(&self) -> Result<&Office, Problem> {
        let early = || Problem::new(503, "the plugin has only just started; try again in a moment");
        self.office.get().ok_or_else(early)
    }

    /// Opens it.
    pub(crate) fn open_office(&self) -> Result<(), Failure> {
        let options = self.options.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let office = Office::open(&self.host, &self.conditions, options)?;
        // It is opened once, by the one call of `ready`.
        let _ = self.office.set(office);
        Ok(())
    }

    /// Goes by other settings from now on.
    pub(crate) fn take_options(&self, options: Options) -> Result<(), Failure> {
        options.clone_into(&mut self.options.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
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

    /// Peers, enterprises and trust are what the desk goes by.
    pub(crate) fn pass_on(&self, event: &Event) {
        if event.event != "peering.changed" {
            self.tell_desk(Call::Reload);
        }
    }

    fn tell_desk(&self, call: Call) {
        if let Some(office) = self.office.get() {
            office.tell(call);
        }
    }
}
