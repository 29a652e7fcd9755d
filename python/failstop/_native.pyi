from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from execution_orchestration_core.model import ExecutionReport
from execution_orchestration_core.policies import ExecutionPolicy

__version__: str

def execute(
    final_decision: Any,
    context: dict[str, Any],
    policy: ExecutionPolicy,
    executor: Callable[[Any, dict[str, Any]], tuple[bool, str | None]],
    *,
    engine: Any = None,
    enforce_timeouts: bool = True,
    run_id: str | None = None,
    step: int | None = None,
    tenant: str | None = None,
    idempotency_key: str | None = None,
) -> ExecutionReport: ...
def redact_execution_log(log_data: Any, /) -> Any: ...
def is_valid_trace_key(key: str, /) -> bool: ...
def is_valid_context_key(key: str, /) -> bool: ...
def validate_external_dict(
    external: Mapping[str, Any] | None,
    *,
    require_registry_for_prefixes: Iterable[str] | None = None,
    mode: Literal["context", "trace", "both"] = "both",
) -> list[str]: ...
def packet_to_dict(packet: dict[str, Any], /) -> dict[str, Any]: ...
