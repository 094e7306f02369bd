//! Clients that people have on their machines, unmodified, from Debian.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::json;

use super::terminal::Terminal;
use super::{Home, PASSWORD};
use crate::harness::*;

/// go-sendxmpp: TLS by STARTTLS and at once, a message from a pipe, and one to a pipe.
#[test]
fn a_small_client_from_debian_sends_and_hears() {
    let home = Home::new();
    let (mut ann, _) = home.user("ann", &[]);
    let program = |port: u16, more: &[&str]| {
        let mut command = Command::new("timeout");
        command.args(["60", "go-sendxmpp", "-n", "-u", "ben@home.example", "-p", PASSWORD]);
        command.args(["-j", &format!("127.0.0.1:{port}")]).args(more);
        command
    };
    for (port, more) in [(home.port, vec!["ann@home.example"]), (home.direct, vec!["-t", "ann@home.example"])]
    {
        let sent = Outcome::of(program(port, &more), "from a shell\n");
        assert_eq!(sent.code, 0, "{} {}", sent.stdout, sent.stderr);
        assert_eq!(ann.hears("message")["body"], "from a shell");
    }
    let mut listening = Process::start(program(home.port, &["-l"]).stdout(Stdio::piped()));
    let there =
        || home.sessions().iter().any(|session| session["address"] == "ben@home.example").then_some(());
    assert!(awaited(super::super::SOON, there).is_some(), "it does not sign in");
    let output = listening.child().stdout.take().expect("a piped output");
    let mut line = String::new();
    // It says nothing when it is ready, and what comes before its presence is kept for later.
    let heard = std::thread::spawn(move || BufReader::new(output).read_line(&mut line).map(|_| line));
    let said = awaited(super::super::SOON, || {
        ann.does(&json!({"do": "message", "to": "ben@home.example", "body": "to a shell"}));
        ann.pings();
        heard.is_finished().then_some(())
    });
    assert!(said.is_some(), "it heard nothing");
    let line = heard.join().expect("the reader ends").expect("a line");
    assert!(line.contains("to a shell"), "{line}");
}

/// profanity: it checks the certificate, asks for the password, shows the corporate directory, and chats.
#[test]
fn a_terminal_client_shows_the_directory_and_chats() {
    let home = Home::new();
    let (mut ben, _) = home.user("ben", &[]);
    let terminal = Terminal::run(&["profanity"]);
    terminal.shows(&["Profanity"]);
    // The certificate is the appliance's own, which it asks about once.
    terminal.types(&format!("/connect ann@home.example server 127.0.0.1 port {} tls trust", home.port));
    terminal.shows(&["assword"]);
    terminal.types(PASSWORD);
    terminal.shows(&["ann@home.example/profanity", "logged in successfully"]);
    let session = home.awaits_session("ann", |session| session["state"] == "connected");
    assert_eq!(session["tls"], "TLS 1.3");
    terminal.types("/roster");
    terminal.shows(&["ben@home.example"]);
    terminal.types("/msg ben@home.example greetings from a terminal");
    assert_eq!(ben.hears("message")["body"], "greetings from a terminal");
    ben.does(&json!({"do": "message", "to": "ann@home.example", "body": "and back to it"}));
    terminal.shows(&["and back to it"]);
    terminal.types("/quit");
    home.awaits(|clients| clients["connected"] == 1);
}
