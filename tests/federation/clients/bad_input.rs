//! What a client of ours may write that is no XML, too much, or odd: its stream ends and nobody else's does, or it
//! arrives as it was meant.

use super::*;

/// A client of that user's that has signed in and is there for everybody.
fn present(home: &Home, login: &str) -> Secure {
    let mut line = Secure::opened(home.direct);
    line.proves(&mut Prover::new(login, PASSWORD), "n,,", &[]);
    line.binds("raw");
    line.say("<presence/>");
    line
}

fn text(id: &str, body: &str) -> String {
    format!("<message type='chat' to='ben@home.example' id='{id}'><body>{body}</body></message>")
}

#[test]
fn what_is_no_text_ends_the_stream_of_whoever_wrote_it() {
    let home = Home::new();
    let mut ben = present(&home, "ben");
    for (body, condition) in [
        ("a\0b", "not-well-formed"),
        ("a\u{8}b", "not-well-formed"),
        ("a\u{fffe}b", "not-well-formed"),
        ("&#0;", "not-well-formed"),
        ("&#xfffe;", "not-well-formed"),
        ("a]]>b", "not-well-formed"),
    ] {
        let mut ann = present(&home, "ann");
        ann.say(&text("bad", body));
        let heard = ann.hear_out();
        assert!(heard.contains(&format!("<{condition} ")), "{condition}: {heard}");
    }
    // What is still on the way when the connection ends takes the words of that end along.
    let mut ann = present(&home, "ann");
    ann.say(&text("bad", &"x".repeat(200_000)));
    ann.hear_out();
    let mut ann = present(&home, "ann");
    ann.say(&text("good", "still there"));
    let heard = ben.hear("still there");
    assert!(!heard.contains("id='bad'"), "{heard}");
}

#[test]
fn what_is_odd_arrives_as_it_was_meant() {
    let home = Home::new();
    let (mut ann, mut ben) = (present(&home, "ann"), present(&home, "ben"));
    for (n, body) in
        ["a]]&gt;b", "&lt;/body&gt;&lt;/message&gt;", "   ", "\u{fffd}\u{1F600}"].iter().enumerate()
    {
        ann.say(&text(&format!("odd-{n}"), body));
        let heard = ben.hear("</message>");
        assert!(heard.contains(&format!("<body>{body}</body>")), "{body}: {heard}");
    }
    // More than a message may have is said to its writer, whose stream stands.
    ann.say(&text("long", &"x".repeat(40_000)));
    ann.hear("id='long'");
    let refused = ann.hear("</message>");
    assert!(refused.contains("<not-acceptable "), "{refused}");
    for to in ["a b@home.example", "a&apos;b@home.example", "a&amp;b@home.example", "@home.example"] {
        ann.say(&format!("<message type='chat' to='{to}' id='to'><body>x</body></message>"));
        assert!(ann.hear("</message>").contains("type='error'"), "{to}");
    }
}
