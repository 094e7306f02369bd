//! What is said of a search: the form, what was filled in, and what was found (XEP-0055 sections 2 and 3).

use super::find::{FIELDS, Found, MOST};
use crate::xml::{Element, ns};

/// Fields that older clients know; the others only stand in forms.
const OLD: [&str; 4] = ["first", "last", "nick", "email"];
/// Longest text that is searched for, in characters.
const LONGEST: usize = 100;

/// What the directory says of itself (XEP-0030).
pub fn about() -> Element {
    let identity =
        Element::new(ns::DISCO_INFO, "identity").with("category", "directory").with("type", "user");
    let query = Element::new(ns::DISCO_INFO, "query").child(identity.with("name", "Corporate Directory"));
    [ns::DISCO_INFO, ns::DISCO_ITEMS, ns::SEARCH, ns::FORM].iter().fold(query, |query, feature| {
        query.child(Element::new(ns::DISCO_INFO, "feature").with("var", feature))
    })
}

/// The form, and the same as fields.
pub fn blank() -> Element {
    let instructions = "Fill in one field or more. Part of a word is enough; * stands for anything.";
    let mut query = query().child(text("instructions", instructions));
    for name in OLD {
        query = query.child(Element::new(ns::SEARCH, name));
    }
    let form = form("form").child(Element::new(ns::FORM, "title").text("Corporate Directory"));
    let form = form.child(Element::new(ns::FORM, "instructions").text(instructions)).child(kind());
    let all = FIELDS.iter().map(|(name, label, _)| field(name, "text-single").with("label", label));
    query.child(all.fold(form, Element::child))
}

/// Which fields are filled in with what: of the form where there is one.
pub fn filled(query: &Element) -> Vec<(usize, String)> {
    let said = |name: &str| match query.find(ns::FORM, "x") {
        Some(form) => form
            .elements()
            .find(|field| field.is(ns::FORM, "field") && field.attribute("var") == Some(name))?
            .find(ns::FORM, "value"),
        None => query.find(ns::SEARCH, name),
    };
    let filled = FIELDS.iter().enumerate().filter_map(|(at, (name, ..))| {
        let text: String = said(name)?.words().trim().chars().take(LONGEST).collect();
        (!text.is_empty()).then_some((at, text))
    });
    filled.collect()
}

/// Who was found, in the way in which it was asked.
pub fn results(asked: &Element, found: &[Found]) -> Element {
    let is_cut = found.len() > MOST;
    let found = &found[..found.len().min(MOST)];
    if asked.find(ns::FORM, "x").is_none() {
        return found.iter().fold(query(), |query, one| query.child(item(one)));
    }
    let mut form = form("result");
    if is_cut {
        let words = format!("There are more than these {MOST}. Say more to find the others.");
        form = form.child(Element::new(ns::FORM, "instructions").text(&words));
    }
    let reported =
        Element::new(ns::FORM, "reported").child(field("jid", "jid-single").with("label", "Address"));
    let reported = FIELDS.iter().fold(reported, |reported, (name, label, _)| {
        reported.child(field(name, "text-single").with("label", label))
    });
    let form = form.child(kind()).child(reported);
    query().child(found.iter().fold(form, |form, one| form.child(row(one))))
}

fn item(found: &Found) -> Element {
    let item = Element::new(ns::SEARCH, "item").with("jid", found.address.as_str());
    let old = FIELDS.iter().zip(&found.values).filter(|((name, ..), _)| OLD.contains(name));
    old.fold(item, |item, ((name, ..), value)| item.child(text(name, value)))
}

fn row(found: &Found) -> Element {
    let value = |name: &str, value: &str| {
        Element::new(ns::FORM, "field").with("var", name).child(Element::new(ns::FORM, "value").text(value))
    };
    let row = Element::new(ns::FORM, "item").child(value("jid", found.address.as_str()));
    FIELDS.iter().zip(&found.values).fold(row, |row, ((name, ..), said)| row.child(value(name, said)))
}

fn query() -> Element {
    Element::new(ns::SEARCH, "query")
}

fn text(name: &str, words: &str) -> Element {
    Element::new(ns::SEARCH, name).text(words)
}

fn form(kind: &str) -> Element {
    Element::new(ns::FORM, "x").with("type", kind)
}

fn field(name: &str, kind: &str) -> Element {
    Element::new(ns::FORM, "field").with("var", name).with("type", kind)
}

/// Says what form it is (XEP-0068).
fn kind() -> Element {
    field("FORM_TYPE", "hidden").child(Element::new(ns::FORM, "value").text(ns::SEARCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{parsed, written};

    fn asked(inner: &str) -> Element {
        parsed(&format!("<query xmlns='jabber:iq:search'>{inner}</query>")).unwrap()
    }

    fn found(count: usize) -> Vec<Found> {
        let one = |n: usize| Found {
            address: jid::BareJid::new(&format!("p{n}@home.example")).unwrap(),
            values: FIELDS.map(|(name, ..)| format!("{name} <{n}>")),
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn what_is_filled_in_is_read_from_fields_and_forms() {
        let (first, last) = (0, 1);
        let fields = asked("<first> Ann </first><last/><nick></nick>");
        assert_eq!(filled(&fields), [(first, "Ann".to_owned())]);
        let form = asked(
            "<first>not this</first><x xmlns='jabber:x:data' type='submit'>\
             <field var='last'><value>Lee</value></field><field var='nope'><value>x</value></field></x>",
        );
        assert_eq!(filled(&form), [(last, "Lee".to_owned())]);
        let long = asked(&format!("<first>{}</first>", "\u{e9}".repeat(1000)));
        assert_eq!(filled(&long)[0].1.chars().count(), LONGEST);
    }

    #[test]
    fn an_answer_has_the_shape_of_its_question_and_says_when_there_is_more() {
        let old = results(&asked("<first>p</first>"), &found(2));
        assert_eq!(old.elements().filter(|item| item.is(ns::SEARCH, "item")).count(), 2);
        assert!(written(&old).contains("<item jid='p0@home.example'><first>first &lt;0&gt;</first>"));
        let form = asked("<x xmlns='jabber:x:data' type='submit'/>");
        for (count, is_cut) in [(MOST, false), (MOST + 1, true)] {
            let answer = results(&form, &found(count));
            let x = answer.find(ns::FORM, "x").unwrap();
            assert_eq!(x.elements().filter(|item| item.is(ns::FORM, "item")).count(), MOST);
            assert_eq!(x.find(ns::FORM, "instructions").is_some(), is_cut);
        }
    }
}
