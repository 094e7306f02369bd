//! Where log lines go: standard error, which a terminal shows and systemd writes to the journal. The level
//! is the configuration file's; libraries are kept to warnings unless it is `trace`.

use log::LevelFilter;
use simplelog::{ConfigBuilder, WriteLogger};

use crate::config::Format;

const LIBRARIES: &[&str] = &["rustls", "mio", "tiny_http"];

/// Starts logging; a second start in one process is refused by the facade and changes nothing.
pub fn start(level: LevelFilter, format: Format) {
    let mut config = ConfigBuilder::new();
    config
        .set_thread_level(LevelFilter::Debug)
        .set_target_level(LevelFilter::Off)
        .set_location_level(LevelFilter::Off);
    match format {
        Format::Text => config.set_time_format_rfc3339(),
        Format::Journal => config.set_time_level(LevelFilter::Off),
    };
    if level < LevelFilter::Trace {
        for name in LIBRARIES {
            config.add_filter_ignore_str(name);
        }
    }
    if WriteLogger::init(level, config.build(), std::io::stderr()).is_err() {
        log::debug!("logging was started before");
    }
}
