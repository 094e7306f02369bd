//! Finding people in the corporate directory. Needs the service `db/1`, whose views show the same people one by one.

use jackfield_abi::ops::{self, Failure, PeopleFind, PeopleFound, Person};

use crate::host::Host;
use crate::message::typed;

/// Those whom the directory shows.
pub struct Colleagues<'a>(pub(crate) &'a Host);

impl Colleagues<'_> {
    /// Those who have all that is asked for, as the directory of core finds them.
    pub fn find(&self, asked: &PeopleFind) -> Result<Vec<Person>, Failure> {
        let found: PeopleFound = typed(ops::PEOPLE_FIND, self.0.call(ops::PEOPLE_FIND, asked)?)?;
        Ok(found.people)
    }
}
