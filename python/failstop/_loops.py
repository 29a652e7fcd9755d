"""Executions on event loops: each loop polls its own, and has one bell by which the engine wakes it."""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

from failstop._native import Bell, Driving, Job, Report

_numbers = itertools.count(1)


class Loop:
    """What an event loop needs to drive executions."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # Weakly: this lives as long as its loop, and must not keep it alive.
        self._loop = weakref.ref(loop)
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self.bell = Bell()
        loop.add_reader(self.bell.fileno(), self._answer)

    async def drive(self, begin: Callable[[Loop, int], Driving]) -> Report:
        """Drives one execution to its report.

        Where the caller is cancelled, so is the execution; once it has ended, within its grace, the cancellation goes on.
        A caller that is cancelled again leaves it where it stands.
        """
        number = next(_numbers)
        driving = begin(self, number)
        cancelled: asyncio.CancelledError | None = None
        try:
            while (report := driving.poll()) is None:
                woken = asyncio.get_running_loop().create_future()
                self._waiting[number] = woken
                try:
                    await woken
                except asyncio.CancelledError as cancellation:
                    if cancelled is not None:
                        raise
                    cancelled = cancellation
                    driving.cancel()
        finally:
            self._waiting.pop(number, None)
            driving.abandon()
        if cancelled is not None:
            raise cancelled
        return report

    def spawn(self, job: Job) -> asyncio.Task[Any]:
        """Starts the coroutine of a job as a task of this loop; its end is told to the job."""
        loop = self._loop()
        assert loop is not None  # it is running
        task = loop.create_task(_coroutine(job))

        def ended(task: asyncio.Task[Any]) -> None:
            if task.cancelled():
                job.was_cancelled()
            elif (error := task.exception()) is not None:
                job.raised(error)
            else:
                job.returned(task.result())
            job.tell()
            self._answer()

        task.add_done_callback(ended)
        return task

    def _answer(self) -> None:
        for number in self.bell.answer():
            woken = self._waiting.pop(number, None)
            if woken is not None and not woken.done():
                woken.set_result(None)


def _coroutine(job: Job) -> Coroutine[Any, Any, Any]:
    call, arguments, _ = job.work
    coroutine: Coroutine[Any, Any, Any] = call(*arguments)
    return coroutine


_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Loop] = weakref.WeakKeyDictionary()


def running_loop() -> Loop:
    """The loop that runs on this thread. Raises RuntimeError where there is none."""
    loop = asyncio.get_running_loop()
    found = _loops.get(loop)
    if found is None:
        found = _loops[loop] = Loop(loop)
    return found
