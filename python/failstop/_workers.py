"""Threads on which executors run, so that a deadline can pass them by.

They are daemons: an executor that never comes back does not keep the interpreter from ending. One that was abandoned
says so in its thread's name, until it comes back after all and its thread takes other work.
"""

from __future__ import annotations

import itertools
import os
import queue
import threading

from failstop._native import Job, forked

#: How long a worker waits for work before its thread ends, seconds.
_IDLE_S = 10.0

_numbers = itertools.count(1)

#: Workers that wait for work, the one that was busy last at the end.
_idle: list[Worker] = []


class Worker:
    """One thread, and the job it is at."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._job: Job | None = None
        self._name = f"failstop-worker-{next(_numbers)}"
        self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)

    def give(self, job: Job) -> None:
        """Has the job done. Only for a worker that is not at one."""
        self._job = job
        self._jobs.put(job)

    def start(self) -> None:
        """Starts the thread. Raises RuntimeError where there is none to be had."""
        self._thread.start()

    def mark_if_abandoned(self) -> None:
        """Lets the thread's name say that nobody waits for its executor any more."""
        job = self._job
        if job is not None and job.is_abandoned:
            self._thread.name = f"{self._name} (abandoned)"

    def _work(self) -> None:
        is_expecting = False
        while True:
            try:
                job = self._jobs.get(timeout=_IDLE_S)
            except queue.Empty:
                if is_expecting or self._retires():
                    return  # also where who took it off the list was interrupted before he gave it work
                is_expecting = True
                continue
            is_expecting = False
            if job.begin():
                _do(job)
                job.tell()  # nothing of the caller's is kept here any more
            self._job = None
            del job
            if self._thread.name != self._name:
                self._thread.name = self._name
            _idle.append(self)

    def _retires(self) -> bool:
        try:
            _idle.remove(self)
        except ValueError:
            return False  # somebody has just taken it off the list, and is about to give it work
        return True


def _do(job: Job) -> None:
    call, arguments, context = job.work
    try:
        answer = context.run(call, *arguments)
    except BaseException as error:  # whatever it is, it is the executor's
        job.raised(error)
    else:
        job.returned(answer)


def submit(job: Job) -> Worker | None:
    """Has the job done on a thread, a waiting one if there is any.

    None where the machine or the interpreter has no thread for it. What a signal's handler raises goes through.
    """
    try:
        worker = _idle.pop()
    except IndexError:
        worker = Worker()
        try:
            worker.start()
        except RuntimeError:
            return None
        except KeyError as error:
            # A handler that raises in the middle of a start makes it stumble over the thread that has begun meanwhile.
            raise (error.__context__ or error) from None
    worker.give(job)
    return worker


def _forget_threads() -> None:
    """In a child process: threads do not survive a fork."""
    _idle.clear()
    forked()


os.register_at_fork(after_in_child=_forget_threads)
