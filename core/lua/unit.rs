//! The script-host as its process sees it: messages come in, answers go out; nothing here takes long, because
//! the work is done in lanes.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use jackfield_abi::Kind;
use jackfield_abi::frame::Frame;
use jackfield_abi::ops::{Code, Failure, PluginHello, Request};

use super::dialing::{self, Work};
use super::lane::{self, Asked};
use super::loading::{Loading, Order, Shelf};
use super::wire::{Send, Wire};
use super::{checking, events};
use crate::catalog::hooks::{CHECK_RUN, EVENT_TELL, HOOK_CHAIN, SCRIPT_DROP, SCRIPT_LOAD, SCRIPT_OPS};

/// The lanes of one process.
pub struct ScriptHost {
    wire: Arc<Wire>,
    dialing: SyncSender<Work>,
    events: SyncSender<Work>,
    checks: SyncSender<Asked>,
    loading: SyncSender<Order>,
}

impl ScriptHost {
    /// Starts the lanes of that unit and says hello. The error is one sentence.
    pub fn start(unit: &str, version: &str, send: Send) -> Result<Self, String> {
        let wire = Arc::new(Wire::new(send));
        let ops = SCRIPT_OPS.iter().map(|op| (*op).to_owned()).collect();
        let hello = PluginHello { id: unit.to_owned(), version: version.to_owned(), ops };
        let own = Arc::clone(&wire);
        let dialing = lane::start("dialing", &wire, move |queue| dialing::run(own, &queue))?;
        let own = Arc::clone(&wire);
        let events = lane::start("events", &wire, move |queue| events::run(&own, &queue))?;
        let shelf = Arc::new(Shelf::default());
        let checks = checking::start(&wire, &shelf)?;
        wire.push(Kind::Hello, 0, &hello);
        let loader =
            Loading { wire: Arc::clone(&wire), shelf, dialing: dialing.clone(), events: events.clone() };
        let unit = unit.to_owned();
        let loading = lane::start("loading", &wire, move |queue| loader.run(&unit, &queue))?;
        Ok(Self { wire, dialing, events, checks, loading })
    }

    /// Takes one message; false when a request finds no room.
    pub fn recv(&mut self, frame: &Frame) -> bool {
        match frame.kind {
            Kind::Reply | Kind::Error => self.wire.take(frame),
            Kind::Request => return self.ask(frame),
            _ => {}
        }
        true
    }

    /// Ends the lanes when they have done what they have; the process's own deadline bounds that.
    pub fn stop(self, within: Duration) {
        log::trace!("the lanes end within {} ms", within.as_millis());
        drop(self);
    }

    fn ask(&self, frame: &Frame) -> bool {
        let request = match serde_json::from_slice::<Request>(&frame.bytes) {
            Ok(request) => request,
            Err(cause) => {
                let text = format!("the request cannot be read: {cause}");
                self.wire.answer(frame.id, &Err(Failure::new(Code::BadRequest, text)));
                return true;
            }
        };
        let op = request.op.clone();
        let asked = Asked::new(frame.id, request);
        match op.as_str() {
            HOOK_CHAIN => self.dialing.try_send(Work::Ask(asked)).is_ok(),
            EVENT_TELL => self.events.try_send(Work::Ask(asked)).is_ok(),
            CHECK_RUN => self.checks.try_send(asked).is_ok(),
            SCRIPT_LOAD => self.loading.try_send(Order::Load(asked)).is_ok(),
            SCRIPT_DROP => self.loading.try_send(Order::Drop(asked)).is_ok(),
            other => {
                let failure = Failure::new(Code::NotFound, format!("{other:?} is no operation of scripts"));
                self.wire.answer(frame.id, &Err(failure));
                true
            }
        }
    }
}
