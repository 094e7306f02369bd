//! Peering: two and three real appliances, and what no sister appliance would say. Pure decisions and single fields are
//! the plugin's own tests.

mod raw;
mod relay;
mod sister;
mod sister_hostile;
mod sister_people;
mod sister_trust;
