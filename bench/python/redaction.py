"""How fast logs are redacted, beside a plain Python function that does the same.

Usage: python bench/python/redaction.py [--json]. Needs the wheel, built with --release. Both sides take turns in one
process; a ratio is the median over the rounds. Prints one row an input.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from execution_orchestration_core.redaction import redact_execution_log

ROUNDS = 21
ROUND_S = 0.02
"""How long one side of a round takes at least."""

WORDS = ("password", "secret", "token", "key", "api_key", "auth", "credential", "private")


def names_a_secret(name: str) -> bool:
    folded = name.lower().replace("-", "").replace("_", "")
    return any(word in folded for word in WORDS)


def plain(log: Any) -> Any:
    """The peer: by names alone, dicts kept whatever they are called, one level of lists looked into."""
    if not isinstance(log, dict):
        return log
    result = {}
    for name, value in log.items():
        is_secret = names_a_secret(name)
        if isinstance(value, dict):
            result[name] = plain(value)
        elif isinstance(value, list):
            result[name] = [plain(item) if isinstance(item, dict) else item for item in value]
        else:
            result[name] = "[REDACTED]" if is_secret else value
    return result


def request(number: int) -> dict[str, Any]:
    """One entry of a log as services write them: 26 keys in 4 dicts and a list of 2 dicts."""
    return {
        "request": {
            "method": "POST",
            "path": f"/v1/orders/{number}",
            "headers": {
                "Content-Type": "application/json",
                "Authorization": "Bearer abcdef",
                "X-Request-Id": f"req-{number}",
                "User-Agent": "orders/2.1",
            },
            "body_bytes": 812,
        },
        "user_id": 10_000 + number,
        "tenant": "acme",
        "api_key": "sk-live-0123456789",
        "attempts": [
            {"attempt_number": 1, "status": "failed", "error_code": "timeout", "latency_ms": 1003.5},
            {"attempt_number": 2, "status": "success", "error_code": None, "latency_ms": 41.2},
        ],
        "context": {"region": "eu-west-1", "shard": number % 16, "dry_run": False, "session_token": "s3cr3t"},
        "started_at_ms": 1_700_000_000_000 + number,
        "total_latency_ms": 1044.7,
        "outcome": "executed",
    }


def wide(number: int) -> dict[str, Any]:
    """30 keys in one dict, every 10th of a secret; no name occurs in another one of these."""
    middles = ("user", "order", "region", "count", "status", "amount", "host", "path", "retry", "api_key")
    return {f"{middles[at % 10]}_{number}_{at}": at for at in range(30)}


def deep(levels: int) -> dict[str, Any]:
    log: dict[str, Any] = {"user_id": 1, "password": "hunter2"}
    for level in range(levels):
        log = {"span_id": level, "name": "call", "token": "abc", "child": log}
    return log


def inputs() -> dict[str, dict[str, Any]]:
    return {
        "one small dict, 5 keys": {"user_id": 7, "api_key": "1234", "status": "ok", "latency_ms": 4.5, "region": "eu"},
        "one request, 26 keys": request(1),
        "1,000 requests, keys repeated": {"entries": [request(number) for number in range(1_000)]},
        "1,000 requests, as JSON has them": json.loads(json.dumps({"e": [request(n) for n in range(1_000)]})),
        "1,000 dicts of 30 keys, all different": {"entries": [wide(number) for number in range(1_000)]},
        "one dict of 1,000 clean names": {f"measurement_{at}": at for at in range(1_000)},
        "one dict of 1,000 names of secrets": {f"session_token_{at}": at for at in range(1_000)},
        "1,000 names that are not ASCII": {f"größe_{at}": at for at in range(1_000)},
        "200 dicts inside each other": deep(200),
        "a list of 10,000 numbers": {"samples": list(range(10_000))},
    }


def seconds(function: Callable[[Any], Any], log: dict[str, Any], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        function(log)
    return (time.perf_counter() - start) / times


def times_for(function: Callable[[Any], Any], log: dict[str, Any]) -> int:
    return max(1, int(ROUND_S / seconds(function, log, 1)))


def measure(log: dict[str, Any]) -> dict[str, float]:
    if redact_execution_log(log) != plain(log):
        raise SystemExit("the two sides differ")
    own_times, peer_times = times_for(redact_execution_log, log), times_for(plain, log)
    own, peer = [], []
    for _ in range(ROUNDS):
        own.append(seconds(redact_execution_log, log, own_times))
        peer.append(seconds(plain, log, peer_times))
    ratio = statistics.median(theirs / ours for ours, theirs in zip(own, peer, strict=True))
    return {"own_us": statistics.median(own) * 1e6, "plain_us": statistics.median(peer) * 1e6, "ratio": ratio}


def main() -> None:
    rows = {name: measure(log) for name, log in inputs().items()}
    if "--json" in sys.argv[1:]:
        print(json.dumps(rows))
        return
    for name, row in rows.items():
        print(f"{name:40} {row['own_us']:10.2f} us  plain {row['plain_us']:10.2f} us  {row['ratio']:6.1f}x")


if __name__ == "__main__":
    main()
