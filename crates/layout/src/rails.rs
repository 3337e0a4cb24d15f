//! Draws a graph as rails for a terminal: one row per step, one column per way still open.
//!
//! A rail leads to one cell and ends there; whatever joins it on the way comes before that
//! cell. Siblings hang side by side off one rail (`├─○`), which passes them all; steps with no
//! edges hang off none. Rails that merely cross do not touch: `─│─`.

use crate::adjacency::Adjacency;
use crate::fold::Cells;
use crate::rank::topological;

/// One line of the drawing.
pub(crate) struct Row {
    /// The rails, and the step's glyph if there is one.
    pub(crate) art: String,
    /// The step of this line; none where rails only branch or join.
    pub(crate) step: Option<u32>,
}

/// The rows of a graph, or nothing if it would take more than `rails_max` rails.
pub(crate) fn rails(
    cells: &Cells,
    glyph: impl Fn(u32) -> char,
    rails_max: usize,
) -> Option<Vec<Row>> {
    let count = cells.members.len();
    let (after, before) = Adjacency::both(count, &cells.links);
    let mut board = Board {
        open: Vec::new(),
        rail_of: vec![None; count],
        rows: Vec::new(),
    };
    for cell in topological(count, &after, &before) {
        let next = after.of(cell);
        if next.len() > rails_max {
            return None;
        }
        let rail = board.rail_of[cell as usize].unwrap_or_else(|| board.begin());
        match cells.members[cell as usize].as_slice() {
            [step] => board.stop(rail, *step, glyph(*step)),
            siblings => {
                let ways = Ways {
                    up: !before.of(cell).is_empty(),
                    down: !next.is_empty(),
                };
                board.hang(rail, siblings, ways, &glyph);
            }
        }
        board.depart(rail, next);
        if board.open.len() > rails_max {
            return None;
        }
    }
    Some(board.rows)
}

/// Whether a rail goes on above and below.
struct Ways {
    up: bool,
    down: bool,
}

struct Board {
    /// For each column, the cell its rail leads to.
    open: Vec<Option<u32>>,
    /// For each cell, the column of the rail that leads to it.
    rail_of: Vec<Option<usize>>,
    rows: Vec<Row>,
}

impl Board {
    /// The first free column from `start` on.
    fn free_from(&self, start: usize) -> usize {
        let free = (start..self.open.len()).find(|&column| self.open[column].is_none());
        free.unwrap_or(self.open.len().max(start))
    }

    /// A row with a bar in each open column.
    fn bars(&self, columns: usize) -> Vec<char> {
        let mut art = vec![' '; self.open.len().max(columns) * 2];
        for (column, _) in self
            .open
            .iter()
            .enumerate()
            .filter(|(_, open)| open.is_some())
        {
            art[column * 2] = '│';
        }
        art
    }

    fn push(&mut self, art: Vec<char>, step: Option<u32>) {
        let art = art.into_iter().collect::<String>().trim_end().to_owned();
        self.rows.push(Row { art, step });
    }

    /// A step on its rail.
    fn stop(&mut self, rail: usize, step: u32, glyph: char) {
        let mut art = self.bars(rail + 1);
        art[rail * 2] = glyph;
        self.push(art, Some(step));
    }

    /// A free column for a cell no rail leads to, parted from a step that ends above it.
    fn begin(&mut self) -> usize {
        let column = self.free_from(0);
        let below_a_step = self.rows.last().is_some_and(|row| {
            let above = row.art.chars().nth(column * 2);
            row.step.is_some() && above.is_some_and(|above| !matches!(above, ' ' | '╰'))
        });
        if below_a_step {
            self.push(self.bars(0), None);
        }
        column
    }

    /// Siblings beside their rail, one row each.
    fn hang(&mut self, rail: usize, siblings: &[u32], ways: Ways, glyph: &impl Fn(u32) -> char) {
        let beside = self.free_from(rail + 1);
        for (index, &step) in siblings.iter().enumerate() {
            let mut art = self.bars(beside + 1);
            if ways.up || ways.down {
                let (up, down) = (
                    ways.up || index > 0,
                    ways.down || index + 1 < siblings.len(),
                );
                bridge(&mut art, rail, beside);
                art[rail * 2] = corner(Corner {
                    up,
                    down,
                    left: false,
                    right: true,
                });
            }
            art[beside * 2] = glyph(step);
            self.push(art, Some(step));
        }
    }

    /// Opens or joins a rail to each of `next`, in a row of its own where they leave the column.
    fn depart(&mut self, rail: usize, next: &[u32]) {
        if rail < self.open.len() {
            self.open[rail] = None;
        }
        let mut continues = false;
        let mut turns: Vec<(usize, bool)> = Vec::new();
        for &cell in next {
            if let Some(column) = self.rail_of[cell as usize] {
                turns.push((column, true));
                continue;
            }
            let column = if continues {
                self.free_from(rail + 1)
            } else {
                rail
            };
            if continues {
                turns.push((column, false));
            }
            continues = true;
            if self.open.len() <= column {
                self.open.resize(column + 1, None);
            }
            self.open[column] = Some(cell);
            self.rail_of[cell as usize] = Some(column);
        }
        if !turns.is_empty() {
            self.turn(rail, continues, &turns);
        }
        while self.open.last() == Some(&None) {
            self.open.pop();
        }
    }

    /// A row that leads from `rail` to other columns; `true` marks those that were open before.
    fn turn(&mut self, rail: usize, continues: bool, turns: &[(usize, bool)]) {
        let columns = turns.iter().map(|&(column, _)| column);
        let first = columns.clone().fold(rail, usize::min);
        let last = columns.fold(rail, usize::max);
        let mut art = self.bars(last + 1);
        for &(column, _) in turns {
            art[column * 2] = ' ';
        }
        bridge(&mut art, first, last);
        let reach = |column: usize, up: bool, down: bool| {
            corner(Corner {
                up,
                down,
                left: column > first,
                right: column < last,
            })
        };
        art[rail * 2] = reach(rail, true, continues);
        for &(column, was_open) in turns {
            art[column * 2] = reach(column, was_open, true);
        }
        self.push(art, None);
    }
}

/// A level line between two columns, under the rails it meets.
fn bridge(art: &mut [char], first: usize, last: usize) {
    for place in &mut art[first * 2..last * 2] {
        if *place == ' ' {
            *place = '─';
        }
    }
}

/// Where a level line meets a rail.
struct Corner {
    up: bool,
    down: bool,
    left: bool,
    right: bool,
}

fn corner(
    Corner {
        up,
        down,
        left,
        right,
    }: Corner,
) -> char {
    match (up, down, left, right) {
        (true, true, true, true) => '┼',
        (true, true, true, false) => '┤',
        (true, true, false, true) => '├',
        (true, false, true, true) => '┴',
        (false, true, true, true) => '┬',
        (true, false, true, false) => '╯',
        (true, false, false, true) => '╰',
        (false, true, true, false) => '╮',
        (false, true, false, true) => '╭',
        (_, _, false, false) => '│',
        _ => '─',
    }
}
