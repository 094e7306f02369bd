//! Microsoft's national clouds: where a tenant signs in and where Graph is (Microsoft Graph national cloud
//! deployments). Tokens do not cross clouds.

/// A cloud.
#[derive(Debug)]
pub struct Cloud {
    /// Its name in `cloud`.
    pub name: &'static str,
    /// Root of the addresses to sign in at.
    pub login: &'static str,
    /// Root of Graph.
    pub graph: &'static str,
    /// Whether Graph has presence there.
    pub has_presence: bool,
}

/// Names of the clouds; GCC is `global`.
pub static NAMES: &[&str] = &["global", "gcc_high", "dod", "china"];

static CLOUDS: [Cloud; 4] = [
    Cloud {
        name: "global",
        login: "https://login.microsoftonline.com",
        graph: "https://graph.microsoft.com",
        has_presence: true,
    },
    Cloud {
        name: "gcc_high",
        login: "https://login.microsoftonline.us",
        graph: "https://graph.microsoft.us",
        has_presence: true,
    },
    Cloud {
        name: "dod",
        login: "https://login.microsoftonline.us",
        graph: "https://dod-graph.microsoft.us",
        has_presence: true,
    },
    Cloud {
        name: "china",
        login: "https://login.chinacloudapi.cn",
        graph: "https://microsoftgraph.chinacloudapi.cn",
        has_presence: false,
    },
];

/// The cloud of that name; an unknown name is the global one.
pub fn named(name: &str) -> &'static Cloud {
    CLOUDS.iter().find(|cloud| cloud.name == name).unwrap_or(&CLOUDS[0])
}
