//! Chat messages over HTTP: numbers for administrators. No text leaves by this way, whatever the right.

use super::call::Reply;
use super::route::{Access, Answer, Route};
use crate::catalog::rights::MESSAGES_READ;
use crate::catalog::shape::{Field, Kind, Shape};
use crate::engine::messages;

const COUNT: Kind = Kind::Integer { min: 0, max: i64::MAX };

static SUMMARY: Shape = Shape {
    name: "MessageStore",
    help: "How much chat there is, never what it says.",
    fields: &[
        Field::read_only("messages", COUNT, "Messages that are kept."),
        Field::read_only("conversations", COUNT, "Pairs of addresses that wrote to each other."),
        Field::read_only("waiting", COUNT, "Messages that have not arrived yet."),
        Field::read_only("oldest_at", Kind::Time, "When the oldest was written; null: there is none."),
        Field::read_only("archived", Kind::Boolean, "Whether chat is read-only (setting messages.archived)."),
        Field::read_only(
            "retention_days",
            COUNT,
            "Days for which messages are kept (setting messages.retention_days); 0: for ever.",
        ),
    ],
};

static OF_ACCOUNT: Shape = Shape {
    name: "AccountMessages",
    help: "What waits for one account.",
    fields: &[
        Field::read_only("account", Kind::Text { min: 1, max: 64, rule: None }, "The account."),
        Field::read_only(
            "address",
            Kind::Text { min: 3, max: 2047, rule: None },
            "Its XMPP address: the login id, escaped as in XEP-0106, at the enterprise's domain.",
        ),
        Field::read_only("waiting", COUNT, "Messages that have not arrived yet."),
        Field::read_only("oldest_waiting_at", Kind::Time, "Since when the oldest waits; null: none does."),
    ],
};

/// The routes of messages.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/messages", "How much chat there is")
            .access(Access::Needs(MESSAGES_READ))
            .answers(200, Answer::One(&SUMMARY))
            .runs(|call| messages::summary(call.engine()).map(Reply::json)),
        Route::new("GET", "/accounts/{id}/messages", "How many messages wait for an account")
            .access(Access::Needs(MESSAGES_READ))
            .answers(200, Answer::One(&OF_ACCOUNT))
            .runs(|call| messages::account(call.engine(), call.param("id")).map(Reply::json)),
    ]
}
