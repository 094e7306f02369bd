//! A partner whom a test can have say anything: it says that every key is its own and believes every key, and keeps
//! what it is sent. No server would do that, so it is ours; what servers really do the tests with Prosody and ejabberd
//! see.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::wire::Line;
use crate::harness::awaited;

/// How it opens a stream.
const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server' \
     xmlns:db='jabber:server:dialback' from='far.example' to='home.example' version='1.0'>";

/// The partner: far.example at an address of its own.
pub struct Friend {
    inside: Arc<Inside>,
}

#[derive(Default)]
struct Inside {
    /// Everything that came over all streams to it.
    heard: Mutex<String>,
    sockets: Mutex<Vec<TcpStream>>,
    is_mute: Mutex<bool>,
    is_deaf: Mutex<bool>,
    /// In whose name it answers questions about keys; none: its own.
    name: Mutex<Option<&'static str>>,
}

impl Friend {
    /// Listens there on the usual port, until the test ends.
    pub fn at(address: &str) -> Self {
        let listener = TcpListener::bind((address, 5269)).expect("the port is free");
        let inside = Arc::new(Inside::default());
        let shared = Arc::clone(&inside);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let Ok(socket) = socket else { return };
                let inside = Arc::clone(&shared);
                std::thread::spawn(move || inside.serve(socket));
            }
        });
        Self { inside }
    }

    /// A stream of its own to home.example, on which it may send stanzas.
    pub fn stream() -> Line {
        let mut line = Line::connect("127.0.1.1:5269");
        line.say(OPEN);
        line.hear("</stream:features>");
        line.say("<db:result from='far.example' to='home.example'>0123abcd</db:result>");
        line.hear("type='valid'");
        line
    }

    /// Waits for these words among what it is sent.
    #[track_caller]
    pub fn hears(&self, words: &str) {
        let heard = || self.heard().contains(words).then_some(());
        assert!(
            awaited(Duration::from_secs(30), heard).is_some(),
            "{words:?} did not come: {}",
            self.heard()
        );
    }

    /// What it was sent so far.
    pub fn heard(&self) -> String {
        self.inside.heard.lock().expect("no panic").clone()
    }

    /// Says nothing about keys from now on.
    pub fn falls_silent(&self) {
        *self.inside.is_mute.lock().expect("no panic") = true;
    }

    /// Answers questions about keys in that name from now on.
    pub fn answers_as(&self, name: &'static str) {
        *self.inside.name.lock().expect("no panic") = Some(name);
    }

    /// Takes no more bytes from the streams that stand.
    pub fn reads_no_more(&self) {
        *self.inside.is_deaf.lock().expect("no panic") = true;
    }

    /// Ends every stream to it with a farewell.
    pub fn takes_leave(&self) {
        for mut socket in self.inside.sockets.lock().expect("no panic").drain(..) {
            // It may have gone already.
            let _ = socket.write_all(b"</stream:stream>").and_then(|()| socket.shutdown(Shutdown::Write));
        }
    }

    /// Ends every stream to it without a word.
    pub fn hangs_up(&self) {
        for socket in self.inside.sockets.lock().expect("no panic").drain(..) {
            // It may have gone already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Inside {
    fn serve(&self, mut socket: TcpStream) {
        self.sockets.lock().expect("no panic").push(socket.try_clone().expect("a second handle"));
        let (mut text, mut is_open, mut bytes) = (String::new(), false, [0; 4096]);
        while !*self.is_deaf.lock().expect("no panic") {
            match socket.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => text += &String::from_utf8_lossy(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
            if !is_open && text.contains("<stream:stream") {
                is_open = true;
                let features =
                    "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>";
                let _ =
                    socket.write_all(format!("{} id='f1'>{features}", &OPEN[..OPEN.len() - 1]).as_bytes());
            }
            while let Some((element, rest)) = piece(&text) {
                let answer = self.answer(&element);
                text = rest;
                let _ = socket.write_all(answer.as_bytes());
            }
        }
    }

    /// What is said to an element: keys are all right, all else is only kept.
    fn answer(&self, element: &str) -> String {
        let is_mute = *self.is_mute.lock().expect("no panic");
        if element.starts_with("<db:verify ") && !is_mute {
            let id = attribute(element, "id");
            let name = self.name.lock().expect("no panic");
            let name = name.unwrap_or("far.example");
            return format!("<db:verify from='{name}' to='home.example' id='{id}' type='valid'/>");
        }
        if element.starts_with("<db:result ") && !is_mute {
            return "<db:result from='far.example' to='home.example' type='valid'/>".to_owned();
        }
        self.heard.lock().expect("no panic").push_str(element);
        String::new()
    }
}

/// The next element of dialback or stanza, and what comes after it. Elements of one name never nest in what is sent.
fn piece(text: &str) -> Option<(String, String)> {
    let names = ["db:verify", "db:result", "message", "presence", "iq"];
    let starts = names.iter().filter_map(|name| Some((text.find(&format!("<{name} "))?, *name)));
    let (at, name) = starts.min()?;
    let from = &text[at..];
    let tag = from.find('>')? + 1;
    let end = if from[..tag].ends_with("/>") {
        tag
    } else {
        let closing = format!("</{name}>");
        from.find(&closing)? + closing.len()
    };
    Some((from[..end].to_owned(), from[end..].to_owned()))
}

fn attribute(element: &str, name: &str) -> String {
    let value = element.split_once(&format!(" {name}='")).and_then(|(_, rest)| rest.split_once('\''));
    value.map(|(value, _)| value.to_owned()).unwrap_or_default()
}
