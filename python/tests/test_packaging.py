"""What is installed is whole: metadata, types, names, examples, errors."""

from __future__ import annotations

import copy
import doctest
import importlib
import inspect
import pickle
import pkgutil
from importlib import metadata, resources
from types import ModuleType

import execution_orchestration_core
import failstop
import pytest
from failstop import errors

PACKAGES: list[ModuleType] = [failstop, execution_orchestration_core]
MODULES = [
    importlib.import_module(name)
    for package in PACKAGES
    for name in [
        package.__name__,
        *(module.name for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")),
    ]
]
FAMILIES = [
    errors.UsageError,
    errors.ConfigError,
    errors.LedgerError,
    errors.ResolveError,
    errors.GateError,
]


def test_the_version_is_that_of_the_distribution() -> None:
    assert failstop.__version__ == metadata.version("failstop")


def test_nothing_else_must_be_installed() -> None:
    assert not metadata.requires("failstop")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_packages_are_typed(package: ModuleType) -> None:
    assert resources.files(package).joinpath("py.typed").is_file()


def test_the_reference_modules_are_all_there() -> None:
    names = {module.__name__.removeprefix("execution_orchestration_core.") for module in MODULES}
    assert names >= {"model", "orchestrator", "policies", "redaction", "trace", "version"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_everything_public_is_documented_and_there(module: ModuleType) -> None:
    assert module.__doc__
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert value.__doc__, name


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_in_docstrings_run(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_some_docstrings_have_examples() -> None:
    assert sum(doctest.testmod(module).attempted for module in MODULES) >= 5


@pytest.mark.parametrize("family", FAMILIES)
def test_errors_carry_a_code_and_survive_copies(family: type[errors.Error]) -> None:
    fault = family("some_code", "something is wrong")
    assert isinstance(fault, errors.Error)
    # Where there can be several faults, each has its code in the message.
    has_own_codes = family is errors.ConfigError
    assert str(fault) == ("something is wrong" if has_own_codes else "something is wrong (some_code)")
    for same in [pickle.loads(pickle.dumps(fault)), copy.copy(fault), copy.deepcopy(fault)]:
        assert type(same) is family
        assert (same.code, same.message, str(same)) == ("some_code", "something is wrong", str(fault))


def test_families_do_not_catch_each_other() -> None:
    for family in FAMILIES:
        assert family.__mro__[1] is errors.Error
