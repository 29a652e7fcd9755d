"""Policies are plain data, as the reference's are."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest
from execution_orchestration_core.policies import (
    ExecutionPolicy,
    IdempotencyPolicy,
    RetryPolicy,
    TimeoutPolicy,
)
from hypothesis import given
from hypothesis import strategies as st

POLICIES = [RetryPolicy, TimeoutPolicy, IdempotencyPolicy, ExecutionPolicy]


def test_fields_and_defaults_are_the_references() -> None:
    assert dataclasses.asdict(ExecutionPolicy()) == {
        "retry": {
            "max_retries": 3,
            "initial_backoff_ms": 100,
            "max_backoff_ms": 5000,
            "backoff_multiplier": 2.0,
        },
        "timeout": {"timeout_per_action_ms": 5000, "max_total_time_ms": 30000},
        "idempotency": {"enabled": False, "key_generator": None},
        "max_concurrency": 1,
    }


@pytest.mark.parametrize("policy_class", POLICIES)
def test_a_policy_is_an_ordinary_dataclass(policy_class: Any) -> None:
    original = policy_class()
    assert repr(original).startswith(f"{policy_class.__name__}(")
    for same in [
        copy.copy(original),
        copy.deepcopy(original),
        pickle.loads(pickle.dumps(original)),
        dataclasses.replace(original),
    ]:
        assert same == original
        assert same is not original


@pytest.mark.parametrize("policy_class", POLICIES)
def test_a_policy_can_be_changed_and_given_more(policy_class: Any) -> None:
    policy = policy_class()
    name = dataclasses.fields(policy)[0].name
    setattr(policy, name, 17)
    policy.note = "of the caller"
    assert getattr(policy, name) == 17
    assert vars(policy)["note"] == "of the caller"
    assert policy != policy_class()


def test_two_policies_share_nothing() -> None:
    first, second = ExecutionPolicy(), ExecutionPolicy()
    first.retry.max_retries = 0
    assert second.retry.max_retries == 3


def test_positional_arguments_keep_their_order() -> None:
    assert RetryPolicy(1, 2, 3, 4.0) == RetryPolicy(
        max_retries=1, initial_backoff_ms=2, max_backoff_ms=3, backoff_multiplier=4.0
    )
    assert ExecutionPolicy(RetryPolicy(), TimeoutPolicy(), IdempotencyPolicy(), 2).max_concurrency == 2


def test_a_subclass_may_add_fields() -> None:
    @dataclasses.dataclass
    class Patient(RetryPolicy):
        why: str = "because"

    assert Patient(max_retries=9).why == "because"
    assert Patient().backoff_ms(1) == 100


@given(
    initial=st.integers(0, 2**63),
    multiplier=st.floats(0.1, 1e300),
    attempt_number=st.integers(0, 10**9),
    maximum=st.integers(0, 2**63),
)
def test_backoff_saturates_instead_of_overflowing(
    initial: int, multiplier: float, attempt_number: int, maximum: int
) -> None:
    retry = RetryPolicy(0, initial, maximum, multiplier)
    assert 0 <= retry.backoff_ms(attempt_number) <= maximum


def test_backoff_of_nothing_is_nothing_however_large_the_power() -> None:
    assert RetryPolicy(initial_backoff_ms=0).backoff_ms(10**9) == 0


def test_backoff_with_a_whole_multiplier_ends() -> None:
    assert RetryPolicy(backoff_multiplier=2).backoff_ms(10**9) == 5000
