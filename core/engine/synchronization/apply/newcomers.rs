//! Entries in their order; those that are new and in nobody's way are made together, and in a first run that is nearly
//! everybody.

use super::Applying;
use super::taking::Step;
use crate::catalog::problems::Problem;
use crate::engine::objects::{Turn, make_in_order};
use crate::engine::synchronization::draft::Line;

impl Applying<'_, '_> {
    /// Does entries; `waiting` gets the places of those that have to wait.
    pub(super) fn take_in_order(&mut self, lines: &[Line], waiting: &mut Vec<u64>) -> Result<(), Problem> {
        if self.run.adds == 0 {
            return lines.iter().try_for_each(|line| self.take_one(line, waiting));
        }
        let accounts: Vec<&str> = lines.iter().map(|line| line.json.as_str()).collect();
        make_in_order(self.change, &self.order.newcomer(), &accounts, |turn| match turn {
            Turn::Made(places) => self.count_adds(&lines[places]),
            Turn::Alone(place) => self.take_one(&lines[place], waiting),
        })
    }

    fn take_one(&mut self, line: &Line, waiting: &mut Vec<u64>) -> Result<(), Problem> {
        self.change.tx.gets_on();
        if !matches!(self.take(&line.read()?)?, Step::Done) {
            waiting.push(line.place);
        }
        Ok(())
    }

    fn count_adds(&mut self, lines: &[Line]) -> Result<(), Problem> {
        self.closed.adds += lines.len() as u64;
        for line in lines {
            if !self.list.has_room() {
                break;
            }
            let made = line.read()?;
            self.list.add(&made.key, &made.fields);
        }
        Ok(())
    }
}
