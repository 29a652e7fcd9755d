"""Redaction of Python values: what goes, what stays, and what hostile objects cannot do about it."""

from __future__ import annotations

import copy
import doctest
import gc
import json
import sys
import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import vectors

import execution_orchestration_core.redaction as compatible
import failstop.redaction as native
from execution_orchestration_core.redaction import REDACT_PATTERNS, redact_execution_log
from failstop import redact
from failstop.errors import UsageError

MARK = "[REDACTED]"
MAX_DEPTH = 256


# What is right, in the plainest words.


def speaks(key: object) -> bool:
    if not isinstance(key, str):
        return False
    folded = str.lower(key).replace("-", "").replace("_", "")
    return any(pattern in folded for pattern in REDACT_PATTERNS)


def expected(value: Any, is_secret: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: expected(member, speaks(key)) for key, member in value.items()}
    if isinstance(value, list):
        return [expected(item, is_secret) for item in value]
    return MARK if is_secret else value


def depth_of(value: Any) -> int:
    depth = 0
    while isinstance(value, (dict, list)) and value:
        value = next(iter(value.values() if isinstance(value, dict) else value))
        depth += 1
    return depth


# Inputs.

words = st.sampled_from([*sorted(REDACT_PATTERNS), "monkey", "user", "id", "count", "ToKeN", "KEY", "Pass", "word"])
joints = st.sampled_from(["", "-", "_", "--", "-_", " ", ".", "é", "\u212a", "İ", "\ud800"])
telling_names = st.lists(st.one_of(words, joints), min_size=1, max_size=5).map("".join)
split_names = words.flatmap(lambda word: st.tuples(*(st.tuples(st.just(letter), joints) for letter in word))).map(
    lambda parts: "".join(letter + joint for letter, joint in parts)
)
any_text = st.text(st.characters(exclude_categories=()), max_size=90)
names = st.one_of(telling_names, split_names, any_text)
other_keys = st.one_of(st.integers(), st.booleans(), st.none(), st.binary(max_size=3), st.tuples(st.text(max_size=3)))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8), st.binary(max_size=4),
    st.tuples(st.integers(), st.dictionaries(telling_names, st.integers(), max_size=1)),
)  # fmt: skip


def logs(keys: st.SearchStrategy[Any], leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[Any, Any]]:
    def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(st.dictionaries(keys, inner, max_size=5), st.lists(inner, max_size=4))

    return st.dictionaries(keys, st.recursive(leaves, containers, max_leaves=25), max_size=5)


json_leaves = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.text("abc é", max_size=5))
json_names = st.one_of(words, st.text("aktoken-_ é", max_size=12))


# The reference.


def differences(ours: Any, theirs: Any, is_in_list: bool = False) -> Iterator[tuple[Any, bool]]:
    """What we have where the reference has something else, and whether that is in a list."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for name, value in ours.items():
            yield from differences(value, theirs[name], is_in_list)
    elif isinstance(ours, list) and isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for our_item, their_item in zip(ours, theirs, strict=True):
            yield from differences(our_item, their_item, True)
    elif type(ours) is not type(theirs) or ours != theirs:
        yield ours, is_in_list


def test_the_vectors_agree_but_for_what_lists_hold() -> None:
    cases = list(vectors("redaction"))
    assert len(cases) >= 60
    for log, theirs in cases:
        ours = redact_execution_log(log)
        assert all(difference == (MARK, True) for difference in differences(ours, theirs))
        assert ours == expected(log) == redact_execution_log(theirs)


@given(st.one_of(scalars, st.lists(st.dictionaries(telling_names, st.integers()))))
def test_what_is_no_dict_comes_back_as_it_is(value: Any) -> None:
    assert redact_execution_log(value) is value


def test_the_log_may_be_named() -> None:
    assert redact_execution_log(log_data={"key": 1}) == {"key": MARK}


def test_the_patterns_are_the_eight_of_the_reference() -> None:
    assert type(REDACT_PATTERNS) is frozenset
    assert sorted(REDACT_PATTERNS) == [
        "api_key", "auth", "credential", "key", "password", "private", "secret", "token"
    ]  # fmt: skip
    for pattern in REDACT_PATTERNS:
        assert redact_execution_log({pattern: 1, pattern[1:]: 2})[pattern] == MARK


# Names and values.


@settings(max_examples=1000)
@given(names)
def test_a_name_speaks_exactly_where_plain_python_says_so(name: str) -> None:
    assert (redact_execution_log({name: 1}) == {name: MARK}) == speaks(name)


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("api_key", True), ("API-KEY", True), ("monkey", True), ("k-e_y", True), ("\u212aey", True),
        ("p" * 99 + "auth", True), ("\ud800token", True), ("user_id", False), ("", False), ("k ey", False),
        ("toke\u0301n", False), ("ſecret", False), ("to\ud800ken", False),
    ],
)  # fmt: skip
def test_names_are_folded_before_they_are_looked_at(name: str, is_secret: bool) -> None:
    assert speaks(name) == is_secret
    assert redact_execution_log({name: 1}) == {name: MARK if is_secret else 1}


@given(logs(st.one_of(names, other_keys), scalars))
def test_logs_are_redacted_as_the_plain_words_say(log: dict[Any, Any]) -> None:
    before = copy.deepcopy(log)
    result = redact_execution_log(log)
    assert result == expected(log)
    assert repr(result) == repr(expected(log))  # the order, and True is not 1
    assert repr(log) == repr(before)


@given(logs(json_names, json_leaves))
def test_logs_that_are_json_are_redacted_as_by_the_engine(log: dict[str, Any]) -> None:
    assert redact_execution_log(log) == redact(log, profile="reference")


@given(logs(names, scalars))
def test_redacting_twice_is_redacting_once(log: dict[str, Any]) -> None:
    once = redact_execution_log(log)
    assert repr(redact_execution_log(once)) == repr(once)


def test_containers_are_new_and_what_they_hold_is_the_very_same() -> None:
    leaf, key = object(), "na" + "me" * 3
    log: dict[str, Any] = {key: leaf, "list": [leaf, []], "dict": {key: leaf}}
    log.update(tuple=(leaf, {"key": leaf}), set={1})
    result = redact_execution_log(log)
    assert result is not log and result["list"] is not log["list"] and result["dict"] is not log["dict"]
    assert result["list"][1] is not log["list"][1]
    assert result[key] is leaf and result["list"][0] is leaf and result["dict"][key] is leaf
    assert result["tuple"] is log["tuple"] and result["set"] is log["set"]
    assert next(iter(result)) is key


def test_objects_under_a_telling_name_go_unless_they_are_dicts_or_lists() -> None:
    log = {"key": (1, 2), "token": object(), "auth": {1}, "secret": {}, "private": [], "password": b"x"}
    assert redact_execution_log(log) == {
        "key": MARK, "token": MARK, "auth": MARK, "secret": {}, "private": [], "password": MARK
    }  # fmt: skip


def test_lists_under_a_telling_name_are_redacted_at_any_depth_of_lists() -> None:
    log = {"tokens": ["a", None, ["b", {"id": 1}], {"id": 2, "key": 3}, ("c",)], "ids": ["a", [{"key": 1}]]}
    assert redact_execution_log(log) == {
        "tokens": [MARK, MARK, [MARK, {"id": 1}], {"id": 2, "key": MARK}, MARK],
        "ids": ["a", [{"key": MARK}]],
    }


# Keys.


def test_a_key_that_is_no_string_speaks_of_nothing_and_raises_nothing() -> None:
    key = object()
    log = {1: "a", None: "b", b"token": "c", ("token",): "d", key: "e", 2.5: {"token": 1}, "token": "f", True: ["g"]}
    assert redact_execution_log(log) == {**log, 2.5: {"token": MARK}, "token": MARK}
    assert list(redact_execution_log(log)) == list(log)


def test_of_a_string_of_another_class_the_text_counts() -> None:
    class Name(str):
        def lower(self) -> str:
            raise AssertionError("nobody asks")

    token, user = Name("token"), Name("user")
    result = redact_execution_log({token: 1, user: 2, "auth": 3})
    assert result == {"token": MARK, "user": 2, "auth": MARK}
    assert [type(key) for key in result] == [Name, Name, str]


class Key:
    """A key that is whatever a test needs."""

    def __init__(self, hashed: Callable[[], int], equals: Callable[[object], bool] = lambda _: False) -> None:
        self.hashed, self.equals = hashed, equals

    def __hash__(self) -> int:
        return self.hashed()

    def __eq__(self, other: object) -> bool:
        return self.equals(other)


class NameKey(Key, str):
    def __new__(cls, *_: object) -> NameKey:
        return str.__new__(cls, "api_key")


@pytest.mark.parametrize("kind", [Key, NameKey])
def test_what_the_hash_of_a_key_raises_is_raised_and_nothing_returned(kind: type[Key]) -> None:
    hashes = iter([1])
    log = {kind(lambda: next(hashes)): {"password": "x"}, "a": 1}
    with pytest.raises(StopIteration):
        redact_execution_log({"log": log})


def test_what_the_equality_of_a_key_raises_is_raised_and_nothing_returned() -> None:
    is_armed = False

    def equals(_: object) -> bool:
        if is_armed:
            raise ZeroDivisionError
        return False

    log: dict[Any, Any] = {Key(lambda: 7, equals): 1, Key(lambda: 7, equals): {"password": 1}}
    is_armed = True
    with pytest.raises(ZeroDivisionError):
        redact_execution_log(log)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


@pytest.mark.parametrize("kind", [Key, NameKey])
def test_a_key_whose_hash_changes_hides_nothing(kind: type[Key]) -> None:
    hashes = iter(range(1000, 2000))
    log = {kind(lambda: next(hashes)): {"password": "hunter2"}, "api_key": "hunter2"}
    assert "hunter2" not in leaves(redact_execution_log(log))


def test_a_key_that_equals_another_only_sometimes_hides_nothing() -> None:
    # Replaced where it stands in a copy, the value of `api_key` would have gone to the other key.
    is_armed = False
    log: dict[Any, Any] = {Key(lambda: hash("api_key"), lambda _: is_armed): 1, "api_key": "hunter2"}
    is_armed = True
    assert "hunter2" not in leaves(redact_execution_log(log))


# Containers of other classes.


def test_subclasses_become_plain_and_keep_their_own_order() -> None:
    ordered = OrderedDict(token=1, user=2)
    ordered.move_to_end("token")

    class Items(list[Any]):
        pass

    log: dict[str, Any] = {"o": ordered, "d": defaultdict(list, key=1), "c": Counter("aa")}
    log["keys"] = Items([1, {"id": 1}])
    result = redact_execution_log(log)
    assert result == {"o": {"user": 2, "token": MARK}, "d": {"key": MARK}, "c": {"a": 2}, "keys": [MARK, {"id": 1}]}
    assert [type(value) for value in result.values()] == [dict, dict, dict, list]
    assert list(result["o"]) == ["user", "token"]
    assert type(redact_execution_log(ordered)) is dict


def test_of_a_subclass_counts_what_it_says_it_has() -> None:
    class Lazy(dict[str, Any]):
        def items(self) -> Any:
            return iter([("token", 1), ("user", {"key": 2})])

    assert redact_execution_log(Lazy(stored=1)) == {"token": MARK, "user": {"key": MARK}}


@pytest.mark.parametrize("claimed", [dict, list])
def test_what_claims_to_be_a_container_is_looked_into(claimed: type) -> None:
    class Proxy:
        __class__ = claimed

        def items(self) -> list[tuple[str, int]]:
            return [("token", 1)]

        def __iter__(self) -> Iterator[Any]:
            return iter([{"token": 1}])

    result = redact_execution_log({"proxy": Proxy()})["proxy"]
    assert result == ({"token": MARK} if claimed is dict else [{"token": MARK}])


class Raising(dict[str, Any]):
    def items(self) -> Any:
        raise ZeroDivisionError


class NotPairs(dict[str, Any]):
    def items(self) -> Any:
        return [1, 2]


class RaisingClass:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise ZeroDivisionError


class RaisingList(list[Any]):
    def __iter__(self) -> Any:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        (Raising, ZeroDivisionError),
        (NotPairs, TypeError),
        (lambda: RaisingList([1]), ZeroDivisionError),
        (RaisingClass, ZeroDivisionError),
    ],
)
def test_what_a_value_raises_when_it_is_read_is_raised(kind: Callable[[], Any], raised: type[Exception]) -> None:
    with pytest.raises(raised):
        redact_execution_log({"before": 1, "value": kind(), "after": [{"key": 1}]})


# Shapes.


def test_what_contains_itself_is_redacted_where_it_does() -> None:
    log: dict[str, Any] = {"user": "ada", "key": 1}
    log["self"] = log
    log["list"] = [log, {"parent": log}]
    loop: list[Any] = [1]
    loop.append(loop)
    log["loop"] = loop
    assert redact_execution_log(log) == {
        "user": "ada", "key": MARK, "self": MARK, "list": [MARK, {"parent": MARK}], "loop": [1, MARK]
    }  # fmt: skip


def test_a_list_may_stand_under_a_telling_name_and_under_another() -> None:
    values = [1, {"id": 2}]
    assert redact_execution_log({"ids": values, "keys": values, "more": values}) == {
        "ids": [1, {"id": 2}], "keys": [MARK, {"id": 2}], "more": [1, {"id": 2}]
    }  # fmt: skip


def test_what_stands_in_several_places_is_copied_once() -> None:
    shared = {"id": 1, "inner": {"key": 2}}
    result = redact_execution_log({"a": shared, "key": [shared, shared]})
    assert result == {"a": expected(shared), "key": [expected(shared), expected(shared)]}
    assert result["a"] is result["key"][0] is result["key"][1] is not shared
    leaf: list[Any] = [1]
    a, b = redact_execution_log({"a": leaf, "b": leaf}).values()
    assert a is b is not leaf


def test_of_a_circle_the_first_way_in_is_followed() -> None:
    one: dict[str, Any] = {"id": 1}
    two = {"id": 2, "one": one}
    one["two"] = two
    assert redact_execution_log({"a": one, "b": two, "c": [two, one]}) == {
        "a": {"id": 1, "two": {"id": 2, "one": MARK}}, "b": {"id": 2, "one": MARK},
        "c": [{"id": 2, "one": MARK}, {"id": 1, "two": {"id": 2, "one": MARK}}],
    }  # fmt: skip


def test_a_doubling_at_every_level_takes_no_longer_than_it_is_large() -> None:
    log: dict[str, Any] = {"key": 1}
    for _ in range(200):
        log = {"a": log, "b": [log, log]}
    result = redact_execution_log(log)
    for _ in range(200):
        result = result["a"]
    assert result == {"key": MARK}


def test_a_web_in_which_all_know_all_is_finite() -> None:
    # As many ways through it as there are orders of 200 things.
    web: list[dict[str, Any]] = [{"key": at} for at in range(200)]
    for node in web:
        node.update({f"to_{at}": other for at, other in enumerate(web)})
    result = redact_execution_log(web[0])
    assert result["key"] == MARK and result["to_0"] == MARK
    assert result["to_199"]["key"] == MARK


def nested(levels: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = "hunter2"
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap",
    [lambda v: {"a": v}, lambda v: [v], lambda v: {1: v}, lambda v: OrderedDict(a=v), lambda v: [{"a": v, "b": 1}]],
)
def test_what_is_nested_too_deep_is_redacted_whole(wrap: Callable[[Any], Any]) -> None:
    result = redact_execution_log({"a": nested(100_000, wrap)})
    assert depth_of(result) == MAX_DEPTH + 1
    innermost: Any = result
    for _ in range(MAX_DEPTH + 1):
        innermost = next(iter(innermost.values() if isinstance(innermost, dict) else innermost))
    assert innermost == MARK


@pytest.mark.parametrize("wrap", [lambda v: {"a": v}, lambda v: [v], lambda v: {1: v}])
def test_what_is_nested_as_deep_as_allowed_is_kept(wrap: Callable[[Any], Any]) -> None:
    # The log is at depth 0, and containers may be at depth 256.
    log = {"a": nested(MAX_DEPTH, wrap)}
    assert redact_execution_log(log) == log


def test_depth_needs_no_stack() -> None:
    log = nested(100_000, lambda value: {"a": value, "token": 1})
    results: list[Any] = []
    before = threading.stack_size(32 * 1024)
    try:
        thread = threading.Thread(target=lambda: results.append(redact_execution_log(log)))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert depth_of(results[0]) == MAX_DEPTH + 1


def test_a_dict_that_is_changed_while_it_is_walked_hides_nothing() -> None:
    log: dict[Any, Any] = {}

    class Meddler(dict[str, Any]):
        def items(self) -> Any:
            late = log["later"]
            log.clear()
            late["password"] = "hunter2"
            late.update({str(at): {"token": "hunter2"} for at in range(100)})
            return [("user", 1)]

    log.update(first=Meddler(), later={"a": 1}, last=[1])
    result = redact_execution_log(log)
    assert log == {}
    assert list(result) == ["first", "later", "last"] and result["later"]["password"] == MARK
    assert "hunter2" not in leaves(result)


def test_a_dict_that_grows_while_its_keys_are_compared_hides_nothing() -> None:
    log: dict[Any, Any] = {}

    def equals(_: object) -> bool:
        log[f"password_{len(log)}"] = "hunter2"
        return False

    log[Key(lambda: 7, equals)] = 1
    log[Key(lambda: 7, equals)] = {"key": "hunter2"}
    try:
        assert "hunter2" not in leaves(redact_execution_log(log))
    except RuntimeError as error:
        # Python's own copy noticed.
        assert "mutated" in str(error)


def test_other_threads_may_change_the_log_meanwhile() -> None:
    log: dict[str, Any] = {"items": [], "members": {}}
    is_done = threading.Event()

    def meddle() -> None:
        at = 0
        while not is_done.is_set():
            at += 1
            log["members"][f"token_{at % 500}"] = "hunter2"
            log["items"].append({"password": "hunter2"})
            if at % 500 == 0:
                log["members"].clear()
                log["items"].clear()

    threads = [threading.Thread(target=meddle) for _ in range(4)]
    for thread in threads:
        thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(500):
            assert "hunter2" not in leaves(redact_execution_log(log))
    finally:
        sys.setswitchinterval(interval)
        is_done.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("part", ["dict", "list"])
@pytest.mark.parametrize("allocations", range(1, 5))
def test_a_collection_in_the_middle_may_change_everything(part: str, allocations: int) -> None:
    # CPython 3.11 collects where it allocates, and collections run code. Its own `dict.copy` can be caught half done
    # there, with the size of one moment and the members of another; PyO3 panics when it iterates over that.
    names = [f"n{at}" for at in range(30)]
    log: dict[str, Any] = {}
    items: list[Any] = []

    def meddle(phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            (log if part == "dict" else items).clear()

    # Held, so that new ones are allocated, and not taken from a list of free ones.
    held: list[Any] = [[{} for _ in range(200)], [[] for _ in range(200)]]
    threshold = gc.get_threshold()
    gc.disable()
    gc.callbacks.append(meddle)
    try:
        for _ in range(50):
            items[:] = names
            log.update({name: items for name in names})
            held.append([({}, []) for _ in range(20)])
            gc.set_threshold(allocations)
            gc.enable()
            result = redact_execution_log(log)
            gc.disable()
            gc.set_threshold(*threshold)
            held.append(result)
            assert len(result) == sum(name in result for name in names)
            assert all(value in ([], names) for value in result.values())
    finally:
        gc.callbacks.remove(meddle)
        gc.set_threshold(*threshold)
        gc.enable()


def test_nothing_is_kept_of_what_was_redacted() -> None:
    log: dict[Any, Any] = {"key": 1, "a": [{"b": [1, {"token": 2}]}], 1: OrderedDict(x=1), "\ud800": 1}
    log["self"] = log

    def blocks() -> int:
        gc.collect()
        return sys.getallocatedblocks()

    def work() -> None:
        for _ in range(2_000):
            redact_execution_log(log)
            with pytest.raises(ZeroDivisionError):
                redact_execution_log({"a": [{}], "value": Raising()})

    work()
    before = blocks()
    work()
    assert blocks() - before < 500


# JSON through the engine.


def test_the_strict_profile_redacts_all_that_stands_under_a_telling_name_and_credentials_in_texts() -> None:
    value = {"auth": {"id": [1, {"a": None}]}, "url": "postgres://ada:1234@db/x", "n": (1, 2.5, True, None, 2**64 - 1)}
    assert redact(value) == {
        "auth": {"id": [MARK, {"a": MARK}]}, "url": f"postgres://ada:{MARK}@db/x", "n": [1, 2.5, True, None, 2**64 - 1]
    }  # fmt: skip
    assert redact({"auth": {"id": 1, "key": 2}}, profile="reference") == {"auth": {"id": 1, "key": MARK}}


def test_the_strict_profile_redacts_wherever_the_vectors_do() -> None:
    for log, theirs in vectors("redaction"):
        assert all(MARK in ours for ours, _ in differences(redact(log), theirs))


def test_kept_names_speak_of_nothing() -> None:
    value = {"Monkey": 1, "token": 2, "tokens_used": 3}
    assert redact(value, keep={"monkey", "TOKENS_USED"}) == {"Monkey": 1, "token": MARK, "tokens_used": 3}


@pytest.mark.parametrize("profile", ["strict", "reference"])
def test_known_secrets_go_wherever_they_stand(profile: Any) -> None:
    value = ["a correcthorse b", "Y29ycmVjdGhvcnNl", 12345678, {"correcthorse": "abc"}]
    result = redact(value, profile=profile, secrets=iter(["correcthorse", "12345678", "abc"]))
    assert result == [f"a {MARK} b", MARK, MARK, {MARK: "abc"}]
    assert redact("correcthorse", profile="reference") == "correcthorse"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"hunter2": {1, 2}}, "value[0]: a value of a type that JSON does not have"),
        ([1, {"a": 1, "b": [float("nan")]}], "value[1][1][0]: not a finite number"),
        ({1: "hunter2"}, "value[0]: a key that is no string"),
        (["hunter2\ud800"], "value[0]: a string with a lone surrogate"),
        ({"hunter2": 2**64}, "value[0]: an integer beyond 64 bits"),
    ],
)
def test_what_is_no_json_is_refused_with_the_place_and_without_the_value(value: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        redact(value)
    assert caught.value.code == "not_json"
    assert caught.value.message == message
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__context__ is None and caught.value.__cause__ is None


def test_json_that_is_nested_too_deep_or_into_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    for value in (loop, nested(65, lambda value: [value]), nested(100_000, lambda value: {"a": value})):
        with pytest.raises(UsageError) as caught:
            redact(value)
        assert caught.value.code == "not_json"
    assert depth_of(redact(nested(64, lambda value: [value]))) == 64


@pytest.mark.parametrize(
    "arguments",
    [
        {"profile": "hunter2"}, {"secrets": "hunter2"}, {"keep": "hunter2"}, {"secrets": [b"hunter2"]},
        {"secrets": ["hunter2\ud800"]}, {"keep": [1]}, {"keep": 1},
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense_are_refused_and_not_repeated(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        redact({}, **arguments)
    assert caught.value.code == "argument_invalid"
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__context__ is None and caught.value.__cause__ is None


# Documentation.


@pytest.mark.parametrize("module", [compatible, native])
def test_the_examples_run(module: Any) -> None:
    assert doctest.testmod(module) == (0, 2 if module is compatible else 3)


def test_the_example_of_the_function_runs() -> None:
    (example,) = doctest.DocTestFinder().find(
        redact_execution_log, "redact_execution_log", globs={"redact_execution_log": redact_execution_log}
    )
    assert example.examples and doctest.DocTestRunner().run(example).failed == 0
