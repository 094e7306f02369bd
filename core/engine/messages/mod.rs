//! Messages (being written).
