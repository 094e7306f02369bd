//! The script-host in its real process, behind the real supervisor.

mod answers;
mod life;
mod probes;
mod rig;
