//! The whole HTTP side under test: a real door on loopback, real TLS clients, small limits so that deadlines
//! pass quickly. Leaves out the pure rules, which are tested beside them.

mod bench;
mod feeding;
mod flood;
mod framing;
mod life;
mod time;
