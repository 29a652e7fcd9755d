//! Breadth first over every state, so that the first counterexample is a shortest one.

use std::{
    collections::{HashSet, VecDeque},
    fmt::{self, Debug, Display},
    hash::Hash,
};

/// Something that has states and steps between them.
pub trait Model {
    /// All that decides what can happen next. Cheap to clone.
    type State: Clone + Eq + Hash;
    /// One atomic step; written as a sentence.
    type Step: Copy + Display;
    /// A promise that is broken.
    type Broken: Display + Debug;

    /// Where everything begins.
    fn first(&self) -> Self::State;

    /// Appends every step that is possible in `state`. None: nothing will ever happen again.
    fn steps(&self, state: &Self::State, out: &mut Vec<Self::Step>);

    /// The state after one of its steps.
    ///
    /// # Errors
    /// The promise that the step, or the state it leads to, breaks.
    fn take(&self, state: &Self::State, step: Self::Step) -> Result<Self::State, Self::Broken>;

    /// Looks at a state in which no step is possible.
    ///
    /// # Errors
    /// The promise that is broken if nothing ever happens again.
    fn check_end(&self, state: &Self::State) -> Result<(), Self::Broken>;

    /// What a step changed, for the reader of a trace; empty for nothing worth telling.
    fn tell(&self, before: &Self::State, after: &Self::State) -> String;
}

/// All that there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explored {
    /// How many different states.
    pub states: usize,
    /// How many steps between them.
    pub steps: usize,
    /// How many states in which no step is possible.
    pub ends: usize,
    /// How many steps the longest of the shortest ways to a state has.
    pub depth: usize,
}

impl Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, ends, depth } = self;
        write!(f, "{states} states, {steps} steps between them, {ends} ends, {depth} steps deep")
    }
}

/// A shortest way to a broken promise. Displays as a numbered list of steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample<B> {
    /// Which promise.
    pub broken: B,
    /// The steps, and what each changed.
    pub trace: Vec<String>,
    /// How many states were seen before it was found.
    pub states: usize,
}

impl<B: Display> Display for Counterexample<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (step, number) in self.trace.iter().zip(1..) {
            writeln!(f, "{number:3}. {step}")?;
        }
        write!(f, "broken: {} (found among {} states)", self.broken, self.states)
    }
}

/// How a state was first reached: from which one, and by which step.
struct Way<S> {
    from: usize,
    by: Option<S>,
    depth: usize,
}

/// Visits every state of `model`.
///
/// # Errors
/// A shortest counterexample, if there is any.
pub fn explore<M: Model>(model: &M) -> Result<Explored, Counterexample<M::Broken>> {
    let first = model.first();
    let mut ways = vec![Way { from: 0, by: None, depth: 0 }];
    let mut seen = HashSet::from([first.clone()]);
    let mut waiting = VecDeque::from([(first, 0)]);
    let mut explored = Explored { states: 1, steps: 0, ends: 0, depth: 0 };
    let mut steps = Vec::new();
    while let Some((state, at)) = waiting.pop_front() {
        steps.clear();
        model.steps(&state, &mut steps);
        if steps.is_empty() {
            explored.ends += 1;
            model.check_end(&state).map_err(|broken| counterexample(model, &ways, (at, None), broken))?;
        }
        for step in &steps {
            let next = model
                .take(&state, *step)
                .map_err(|broken| counterexample(model, &ways, (at, Some(*step)), broken))?;
            explored.steps += 1;
            if seen.insert(next.clone()) {
                let depth = ways[at].depth + 1;
                explored.depth = depth;
                waiting.push_back((next, ways.len()));
                ways.push(Way { from: at, by: Some(*step), depth });
            }
        }
    }
    explored.states = ways.len();
    Ok(explored)
}

fn counterexample<M: Model>(
    model: &M,
    ways: &[Way<M::Step>],
    (at, last): (usize, Option<M::Step>),
    broken: M::Broken,
) -> Counterexample<M::Broken> {
    let mut steps: Vec<M::Step> = last.into_iter().collect();
    let mut here = at;
    while let Some(step) = ways[here].by {
        steps.push(step);
        here = ways[here].from;
    }
    steps.reverse();
    Counterexample { broken, trace: narrate(model, &steps), states: ways.len() }
}

/// Walks the steps again and tells them. The last one may lead nowhere.
fn narrate<M: Model>(model: &M, steps: &[M::Step]) -> Vec<String> {
    let mut state = model.first();
    let mut told = Vec::new();
    for step in steps {
        let Ok(next) = model.take(&state, *step) else {
            told.push(step.to_string());
            break;
        };
        let change = model.tell(&state, &next);
        told.push(if change.is_empty() { step.to_string() } else { format!("{step}: {change}") });
        state = next;
    }
    told
}
