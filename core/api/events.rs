//! Events as they happen (server-sent events, HTML standard section 9.2). A stream goes on where its reader
//! stopped; who was away too long is told to read anew. Nobody is told of what they may not read.

use std::sync::Arc;

use serde_json::{Value, json};

use super::authenticate::credential;
use super::call::{Call, Reply};
use super::plugin_routes;
use super::route::{Access, Answer, Route};
use super::streams::Place;
use crate::catalog::events::{ALL, PRESENCE_CHANGED, right};
use crate::catalog::nearest;
use crate::catalog::problems::{Problem, QUERY, TOO_MANY_STREAMS};
use crate::catalog::rights::PLUGINS_READ;
use crate::catalog::shape::{Absent, Field, Kind};
use crate::engine::Engine;
use crate::engine::access::Principal;
use crate::engine::news::{Item, Lost, Position};
use crate::engine::presence;
use crate::http::{Feed, Flow};

/// Events looked at before the bytes are counted again.
const AT_ONCE: usize = 32;
/// What a browser is told to wait before it connects again, in milliseconds.
const RETRY_MS: u32 = 3000;

const NAMES: Field = Field::optional(
    "events",
    Kind::Text { min: 0, max: 1000, rule: None },
    Absent::Null,
    "Names of events, separated by commas; left out: all that the caller may read.",
);

/// The route of events.
pub fn routes() -> Vec<Route> {
    let summary = "Follow events as they happen (server-sent events). Each has an id; `Last-Event-ID` goes on after it. \
                   `ready` comes first; `reset` says that some were missed: read anew; `end` says why the stream ends. \
                   Presence is told with its value: a slow reader misses values in between, never the last";
    vec![
        Route::new("GET", "/events", summary)
            .access(Access::SignedIn)
            .query([NAMES])
            .header("Last-Event-ID", "Id of the last event that was read.")
            .answers(200, Answer::Events)
            .fails(&[TOO_MANY_STREAMS])
            .runs(follow),
    ]
}

fn follow(call: &Call<'_>) -> Result<Reply, Problem> {
    let who = call.principal()?.clone();
    let wanted = wanted(call.engine(), &who, call.query.get(NAMES.name).and_then(Value::as_str))?;
    if call.request.method == "HEAD" {
        return Ok(Reply::text("text/event-stream", String::new()));
    }
    let credential = credential(call.request)?;
    let from = super::authenticate::throttle_key(call.request);
    let place = call.api.streams.enter(call.engine(), who, credential, from)?;
    let asked = call.request.header("last-event-id").map(str::trim).filter(|id| !id.is_empty());
    Ok(Reply::events(Events::begin(Arc::clone(call.engine()), place, wanted, asked)))
}

/// The names asked for; none: all. A name that the caller may not read is refused, a mistyped one named.
fn wanted(engine: &Engine, who: &Principal, asked: Option<&str>) -> Result<Option<Vec<String>>, Problem> {
    let Some(asked) = asked else { return Ok(None) };
    let names: Vec<String> = asked.split(',').map(|name| name.trim().to_owned()).collect();
    for name in &names {
        match (right(name), name.split_once('.')) {
            (Some(right), _) => who.demand(right)?,
            (None, Some((plugin, _))) if is_plugin(engine, plugin) => {}
            _ => return Err(unknown(name)),
        }
    }
    Ok(Some(names))
}

fn is_plugin(engine: &Engine, id: &str) -> bool {
    engine.plugins.get().is_some_and(|host| host.manifests().iter().any(|manifest| manifest.id == id))
}

fn unknown(name: &str) -> Problem {
    let meant = nearest(name, ALL.iter().map(|event| event.name));
    let meant = meant.map(|meant| format!(" Did you mean {meant:?}?")).unwrap_or_default();
    Problem::new(QUERY, format!("?events names no event: {name:?}.{meant}"))
}

/// One reader's way through the news.
struct Events {
    engine: Arc<Engine>,
    place: Place,
    wanted: Option<Vec<String>>,
    at: Position,
    /// What is to be said first.
    first: Option<(&'static str, Value)>,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Events({:?} at {})", self.place.who().label, self.at)
    }
}

impl Events {
    fn begin(engine: Arc<Engine>, place: Place, wanted: Option<Vec<String>>, asked: Option<&str>) -> Self {
        let here = engine.news.here();
        let ready = ("ready", json!({}));
        let (at, first) = match asked.map(str::parse::<Position>) {
            None => (here, ready),
            Some(Ok(at)) if engine.news.after(at, 0).is_ok() => (at, ready),
            Some(Ok(at)) if at.epoch == here.epoch => (here, reset(Lost::TooOld)),
            Some(_) => (here, reset(Lost::Restarted)),
        };
        Self { engine, place, wanted, at, first: Some(first) }
    }

    fn tell(&self, item: &Item, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.place.texts().of(self.at, || text(self.at, item)));
    }

    fn may_tell(&self, item: &Item) -> bool {
        let name = match item {
            Item::Event(fired) => fired.event.as_str(),
            Item::Presence(..) => PRESENCE_CHANGED.name,
        };
        let is_wanted = self.wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|n| n == name));
        is_wanted && may_read(&self.engine, self.place.who(), name)
    }
}

fn text(at: Position, item: &Item) -> Vec<u8> {
    let (name, data) = match item {
        Item::Event(fired) => (fired.event.as_str(), json!({"event": fired.event, "object": fired.object})),
        Item::Presence(account, shown) => {
            let presence = presence::brief(account, shown);
            let name = PRESENCE_CHANGED.name;
            (name, json!({"event": name, "object": &**account, "presence": presence}))
        }
    };
    let mut text = Vec::new();
    write(&mut text, Some(at), name, &data);
    text
}

impl Feed for Events {
    fn pull(&mut self, out: &mut Vec<u8>, room: usize) -> Flow {
        if let Some((name, data)) = self.first.take() {
            out.extend_from_slice(format!("retry: {RETRY_MS}\n").as_bytes());
            write(out, Some(self.at), name, &data);
        }
        if self.place.is_over() {
            let reason =
                "The token was revoked or has expired, the session is over, or the rights have changed.";
            write(out, None, "end", &json!({"reason": reason}));
            return Flow::Ended;
        }
        while out.len() < room {
            match self.engine.news.after(self.at, AT_ONCE) {
                Ok(news) if news.is_empty() => break,
                Ok(news) => {
                    for (position, item) in news {
                        self.at = position;
                        if self.may_tell(&item) {
                            self.tell(&item, out);
                        }
                    }
                }
                Err(lost) => {
                    self.at = self.engine.news.here();
                    let (name, data) = reset(lost);
                    write(out, Some(self.at), name, &data);
                }
            }
        }
        Flow::Open
    }

    /// With the position, so that a reader who is told little does not fall behind for nothing.
    fn beat(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!(": still here\nid: {}\n\n", self.at).as_bytes());
    }
}

fn reset(lost: Lost) -> (&'static str, Value) {
    let reason = match lost {
        Lost::TooOld => "Too much has happened since; some of it is not kept any more. Read anew.",
        Lost::Restarted => "The appliance has begun anew since. Read anew.",
    };
    ("reset", json!({"reason": reason}))
}

/// JSON has no line breaks of its own, so one line of data holds it.
fn write(out: &mut Vec<u8>, id: Option<Position>, name: &str, data: &Value) {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    out.extend_from_slice(format!("{id}event: {name}\ndata: {data}\n\n").as_bytes());
}

/// Whether somebody may be told of that event: the appliance's own by their rights, a plugin's by its right to
/// read, or else by the right to see plugins.
fn may_read(engine: &Engine, who: &Principal, name: &str) -> bool {
    if let Some(right) = right(name) {
        return who.holds(right);
    }
    let Some((plugin, _)) = name.split_once('.') else { return false };
    let Some(host) = engine.plugins.get() else { return false };
    let Some(manifest) = host.manifests().into_iter().find(|manifest| manifest.id == plugin) else {
        return false;
    };
    let own = format!("{plugin}:read");
    match manifest.rights.iter().any(|right| right.name == own) {
        true => plugin_routes::right(&manifest, &own).is_ok_and(|right| who.holds(right)),
        false => who.holds(PLUGINS_READ),
    }
}
