//! Executors in Python: callables that an engine's table of executors routes to.

use std::{
    future::{Future, pending},
    sync::Arc,
};

use failstop::{
    core::model::EffectClass,
    executor::{self, Answer, Cancel, Executor, Hold},
};
use pyo3::{
    exceptions::PyReferenceError,
    intern,
    prelude::*,
    types::{PyTuple, PyWeakrefReference},
};

use crate::{
    answer::{self, Style},
    engine::{
        attempt::{Attempt, context},
        calls::{self, Call},
    },
    errors,
    tasks::Attempted,
    workers,
};

/// Where an executor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// On the thread that drives the execution; no timeout reaches it there.
    Inline,
    /// On a worker's thread, told to stop at its deadline and abandoned after the grace.
    Thread,
    /// As a task of the event loop that waits for the call.
    Task,
}

/// A callable that carries decisions into the world.
pub struct PyExecutor {
    /// What is known of the callable, held by the engine's own object in Python and not from here: a callable may refer to
    /// its engine, and only what Python's collector sees can it collect.
    mark: Py<PyWeakrefReference>,
    name: String,
    effect_class: EffectClass,
    how: How,
    style: Style,
}

impl PyExecutor {
    /// Reads what `failstop.executors` says of a callable: `call`, `name`, `effect`, `inline`, `reference`, `is_async`.
    ///
    /// # Errors
    /// Where it says something else.
    pub fn read(marked: &Bound<'_, PyAny>) -> PyResult<Self> {
        let flag = |name| marked.getattr(name)?.extract::<bool>();
        let effect: String = marked.getattr("effect")?.extract()?;
        let effect_class = EffectClass::from_name(&effect)
            .ok_or_else(|| errors::usage(marked.py(), "argument_invalid", "effect: no such effect class"))?;
        let how = match (flag("is_async")?, flag("inline")?) {
            (true, _) => How::Task,
            (false, true) => How::Inline,
            (false, false) => How::Thread,
        };
        Ok(Self {
            mark: PyWeakrefReference::new(marked)?.unbind(),
            name: marked.getattr("name")?.extract()?,
            effect_class,
            how,
            style: if flag("reference")? { Style::Reference } else { Style::Native },
        })
    }

    /// The same executor once more.
    pub fn again(&self, py: Python<'_>) -> Self {
        Self { mark: self.mark.clone_ref(py), name: self.name.clone(), ..*self }
    }

    /// Whether it needs an event loop.
    pub fn is_async(&self) -> bool {
        self.how == How::Task
    }

    /// The callable.
    ///
    /// # Errors
    /// Where its engine is gone.
    fn callable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mark = self.mark.bind(py).upgrade();
        mark.ok_or_else(|| PyReferenceError::new_err(()))?.getattr(intern!(py, "call"))
    }

    /// What is called with what.
    fn arguments<'py>(
        &self,
        py: Python<'py>,
        attempt: &executor::Attempt<'_>,
        call: &Call,
        cancel: Option<Cancel>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        if self.style == Style::Native {
            let attempt = Attempt::new(py, attempt, Some(call), cancel)?;
            return PyTuple::new(py, [Bound::new(py, attempt)?]);
        }
        let came_in = call.objects.as_ref().and_then(|objects| objects.part(py, "action"));
        let action = match came_in {
            Some(action) => action,
            None => attempt.action.as_str().into_pyobject(py)?.into_any(),
        };
        PyTuple::new(py, [action, context(py, attempt, Some(call))?.into_bound(py)])
    }

    fn call_here(&self, attempt: &executor::Attempt<'_>, call: &Call) -> Option<Answer> {
        Python::attach(|py| {
            answer::of_call(py, self.style, true, &call.raised, || {
                let arguments = self.arguments(py, attempt, call, None)?;
                self.callable(py)?.call1(arguments)
            })
        })
    }

    /// What a worker or a loop is to call.
    fn order<'py>(
        &self,
        py: Python<'py>,
        attempt: &executor::Attempt<'_>,
        call: &Call,
        (hold, cancel): (Hold, Option<Cancel>),
    ) -> PyResult<workers::Call<'py>> {
        Ok(workers::Call {
            callable: self.callable(py)?,
            arguments: self.arguments(py, attempt, call, cancel)?,
            style: self.style,
            hold,
            raised: Arc::clone(&call.raised),
        })
    }

    /// One that takes an [`Attempt`] can hear; the reference's cannot, and is given up at its deadline.
    fn strings(&self, attempt: &executor::Attempt<'_>) -> (Hold, Option<Cancel>) {
        match self.style {
            Style::Native => (attempt.hold(), Some(attempt.cancel())),
            Style::Reference => (attempt.hold_deaf(), None),
        }
    }

    async fn call_on_worker(&self, attempt: executor::Attempt<'_>, call: &Call) -> Option<Answer> {
        let strings = self.strings(&attempt);
        let submitted = Python::attach(|py| {
            let submitted = workers::submit(py, self.order(py, &attempt, call, strings)?)?;
            if let Some(submitted) = &submitted {
                call.is_worked_on_by(submitted.at_work(py));
            }
            PyResult::Ok(submitted)
        });
        match submitted {
            Ok(Some(submitted)) => submitted.answer().await,
            Ok(None) => Some(Answer::not_applied().with_code("spawn_failed")),
            Err(error) => {
                call.raised.put(error);
                None
            }
        }
    }

    async fn call_on_loop(&self, attempt: executor::Attempt<'_>, call: &Call) -> Option<Answer> {
        let cancel = attempt.cancel();
        let strings = (attempt.hold(), Some(cancel.clone()));
        let started = Python::attach(|py| {
            let looping = call.looping.as_ref()?;
            let order = self.order(py, &attempt, call, strings);
            Some(order.and_then(|order| Attempted::start(looping.bind(py), order)))
        });
        match started {
            Some(Ok(attempted)) => attempted.answer(cancel).await,
            Some(Err(error)) => Python::attach(|py| answer::of_error(py, error, &call.raised)),
            None => Some(Answer::rejected().with_code("executor_is_async")),
        }
    }
}

impl Executor for PyExecutor {
    fn run<'a>(&'a self, attempt: executor::Attempt<'a>) -> impl Future<Output = Answer> + Send {
        let call = calls::current().unwrap_or_default();
        async move {
            let answer = match self.how {
                How::Inline => self.call_here(&attempt, &call),
                How::Thread => self.call_on_worker(attempt, &call).await,
                How::Task => self.call_on_loop(attempt, &call).await,
            };
            match answer {
                Some(answer) => answer,
                // Whoever waits sees what was raised, and drops this.
                None => pending().await,
            }
        }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn effect_class(&self) -> EffectClass {
        self.effect_class
    }
}
