//! What a client asks of its archive (XEP-0313), and the words of the answers (XEP-0059). Pure.

use jackfield_sdk::{ChatMessage, MessageSearch, MessagesFound};
use jid::BareJid;

use super::letter::Refusal;
use super::names::{ARCHIVE, FORMS, PARTS};
use super::stamped::{forwarded, restored};
use crate::s2s::address;
use crate::xml::{Element, ns};

/// Messages of a part for which a client names no number.
const USUAL: usize = 50;
/// Most messages of a part.
const MOST: usize = 100;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The client's own name for the question.
    pub query: Option<String>,
    /// Which messages.
    pub search: MessageSearch,
}

impl Asked {
    /// Reads `query` of a person.
    pub fn read(owner: &BareJid, query: &Element) -> Result<Self, Refusal> {
        let mut search = MessageSearch { of: owner.to_string(), limit: USUAL, ..MessageSearch::default() };
        if let Some(form) = query.find(FORMS, "x") {
            for field in form.elements().filter(|element| element.is(FORMS, "field")) {
                fill_in(&mut search, field)?;
            }
        }
        if let Some(part) = query.find(PARTS, "set") {
            choose(&mut search, part)?;
        }
        Ok(Self { query: query.attribute("queryid").map(str::to_owned), search })
    }

    /// One message of the answer, for that client.
    pub fn result(&self, owner: &BareJid, to: &str, message: &ChatMessage) -> Element {
        let result = Element::new(ARCHIVE, "result").with_some("queryid", self.query.as_deref());
        let result = result.with("id", &message.id);
        Element::new(ns::SERVER, "message")
            .with("from", owner.as_str())
            .with("to", to)
            .child(result.child(forwarded(restored(message), Some(&message.at))))
    }
}

/// The end of an answer.
pub fn fin(found: &MessagesFound) -> Element {
    let mut set = Element::new(PARTS, "set");
    if let (Some(first), Some(last)) = (found.messages.first(), found.messages.last()) {
        set = set.child(Element::new(PARTS, "first").text(&first.id));
        set = set.child(Element::new(PARTS, "last").text(&last.id));
    }
    if let Some(count) = found.count {
        set = set.child(Element::new(PARTS, "count").text(&count.to_string()));
    }
    let fin = Element::new(ARCHIVE, "fin");
    let fin = if found.complete { fin.with("complete", "true") } else { fin };
    fin.child(set)
}

/// What may be filled in (section 4.1.4).
pub fn form() -> Element {
    let hidden = Element::new(FORMS, "field").with("type", "hidden").with("var", "FORM_TYPE");
    let hidden = hidden.child(Element::new(FORMS, "value").text(ARCHIVE));
    let fields = [("with", "jid-single"), ("start", "text-single"), ("end", "text-single")];
    let form = Element::new(FORMS, "x").with("type", "form").child(hidden);
    let form = fields.iter().fold(form, |form, (name, kind)| {
        form.child(Element::new(FORMS, "field").with("type", kind).with("var", name))
    });
    Element::new(ARCHIVE, "query").child(form)
}

/// Everything is kept, and nobody can change that here: how long is the administrator's to say.
pub fn preferences() -> Element {
    let prefs = Element::new(ARCHIVE, "prefs").with("default", "always");
    prefs.child(Element::new(ARCHIVE, "always")).child(Element::new(ARCHIVE, "never"))
}

fn fill_in(search: &mut MessageSearch, field: &Element) -> Result<(), Refusal> {
    let value = field.find(FORMS, "value").map(Element::words).unwrap_or_default();
    match field.attribute("var").unwrap_or_default() {
        "FORM_TYPE" => {}
        "with" => {
            let with = address::parsed(&value).filter(|with| with.node().is_some());
            let with =
                with.ok_or_else(|| Refusal::new("bad-request", "with must be the address of somebody"))?;
            search.with = Some(with.to_bare().to_string());
        }
        "start" => search.start = Some(value),
        "end" => search.end = Some(value),
        // What is asked for must not be more than what was meant (section 4.1.4).
        other => {
            return Err(Refusal::new(
                "feature-not-implemented",
                format!("the archive knows no field {other:?}"),
            ));
        }
    }
    Ok(())
}

fn choose(search: &mut MessageSearch, part: &Element) -> Result<(), Refusal> {
    if let Some(most) = part.find(PARTS, "max") {
        let most = most.words().trim().parse::<usize>();
        search.limit = most.map_err(|_| Refusal::new("bad-request", "max must be a number"))?.min(MOST);
    }
    search.after = part.find(PARTS, "after").map(Element::words).filter(|id| !id.is_empty());
    match part.find(PARTS, "before").map(Element::words) {
        Some(id) if id.is_empty() => search.last = true,
        before => search.before = before,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{parsed, written};

    fn read(inside: &str) -> Result<Asked, Refusal> {
        let query = parsed(&format!("<query xmlns='{ARCHIVE}' queryid='q1'>{inside}</query>")).unwrap();
        Asked::read(&BareJid::new("ann@home.example").unwrap(), &query)
    }

    fn field(name: &str, value: &str) -> String {
        format!("<x xmlns='{FORMS}' type='submit'><field var='{name}'><value>{value}</value></field></x>")
    }

    fn set(inside: &str) -> MessageSearch {
        read(&format!("<set xmlns='{PARTS}'>{inside}</set>")).unwrap().search
    }

    #[test]
    fn what_is_asked_for_is_understood() {
        let all = read("").unwrap();
        assert_eq!((all.query.as_deref(), all.search.of.as_str()), (Some("q1"), "ann@home.example"));
        assert_eq!((all.search.limit, all.search.last), (USUAL, false));
        let with = read(&field("with", "Zoe@Far.example/phone")).unwrap().search.with;
        assert_eq!(with.as_deref(), Some("zoe@far.example"));
        assert_eq!(read(&field("start", "2026-01-01T00:00:00Z")).unwrap().search.start.unwrap().len(), 20);
        assert!(set("<max>10</max><before/>").last);
        let before = set("<max>5000</max><before>m7</before>");
        assert_eq!((before.before.as_deref(), before.limit, before.last), (Some("m7"), MOST, false));
        assert_eq!(set("<after>m3</after>").after.as_deref(), Some("m3"));
        assert_eq!(set("<max>0</max>").limit, 0);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert_eq!(read(&field("colour", "red")).unwrap_err().condition, "feature-not-implemented");
        assert_eq!(read(&field("with", "not an address @")).unwrap_err().condition, "bad-request");
        let max = format!("<set xmlns='{PARTS}'><max>many</max></set>");
        assert_eq!(read(&max).unwrap_err().condition, "bad-request");
    }

    #[test]
    fn an_answer_names_its_first_and_last() {
        let found = MessagesFound { messages: vec![], complete: true, count: Some(0) };
        let text = written(&fin(&found));
        assert!(text.contains("complete='true'") && text.contains("<count>0</count>"), "{text}");
        assert!(!text.contains("<first>"), "{text}");
    }
}
