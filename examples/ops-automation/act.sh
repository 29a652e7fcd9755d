#!/bin/sh
# Carries out one operation of the example. Reads failstop's request, one line of JSON, from standard input; answers with
# one JSON object on standard output. Everything it touches stands below target/examples/ops-automation.
set -eu

request=$(cat)
scratch=$(dirname "$0")/../../target/examples/ops-automation
mkdir -p "$scratch/services" "$scratch/logs"

# The params of the request, without the context that follows them.
params=$(printf '%s' "$request" | sed -e 's/,"context":.*//')

# The member $1 of the params, if it is a plain word; nothing else may become part of a path.
word() {
    printf '%s' "$params" | sed -n -e "s/.*\"ops:$1\":\"\\([a-z0-9-]*\\)\".*/\\1/p"
}
number() {
    printf '%s' "$params" | sed -n -e "s/.*\"ops:$1\":\\([0-9][0-9]*\\)[,}].*/\\1/p"
}

operation=$(word operation)
target=$(word target)
attempt=$(printf '%s' "$request" | sed -n -e 's/.*,"attempt_number":\([0-9][0-9]*\),.*/\1/p')

did() {
    printf '%-8s %-10s attempt %s: %s\n' "$operation" "$target" "$attempt" "$1" >>"$scratch/journal.txt"
}

# Nothing was done, and never will be.
refuse() {
    printf '{"effect":"rejected","error_code":"%s"}\n' "$1"
    exit 0
}

test -n "$operation" || refuse no_operation
test -n "$target" || refuse no_target

# Targets with a life of their own.
case $target in
flaky-*)
    if [ "$attempt" -lt 2 ]; then
        did 'connection refused, nothing done'
        exit 75 # EX_TEMPFAIL: no effect, try again later
    fi
    ;;
busy-*)
    did 'busy, nothing done'
    printf '{"effect":"not_applied","error_code":"busy","retry_after_ms":200}\n'
    exit 0
    ;;
hung-*)
    did 'started, and hangs'
    sleep 60
    ;;
deaf-*)
    trap '' TERM # and so does the child, which inherits that
    did 'started, hangs and ignores TERM'
    sleep 60
    ;;
broken-*)
    did 'broke half way'
    exit 9
    ;;
esac

case $operation in
restart)
    count=$(cat "$scratch/services/$target.restarts" 2>/dev/null || echo 0)
    count=$((count + 1))
    echo "$count" >"$scratch/services/$target.restarts"
    did "restart number $count"
    printf '{"effect":"applied","output":{"restarts":%s}}\n' "$count"
    ;;
scale)
    replicas=$(number replicas)
    test -n "$replicas" || refuse no_replicas
    test "$replicas" -le 20 || refuse too_many_replicas
    echo "$replicas" >"$scratch/services/$target.replicas"
    did "scaled to $replicas"
    printf '{"effect":"applied","output":{"replicas":%s}}\n' "$replicas"
    ;;
rotate)
    log=$scratch/logs/$target.log
    test -e "$log" || echo 'a line of a log' >"$log"
    mv "$log" "$log.1"
    : >"$log"
    did 'log rotated'
    printf '{"effect":"applied","output":{"rotated_bytes":%s}}\n' "$(wc -c <"$log.1" | tr -d ' ')"
    ;;
page)
    # Echoes the token it was given, as careless programs do. The report must not have it.
    token=$(printf '%s' "$params" | sed -n -e 's/.*"ops:pager_token":"\([^"\\]*\)".*/\1/p')
    did 'somebody was paged'
    printf '{"effect":"applied","output":{"sent_to":"%s","request":"POST /page?auth=%s"}}\n' "$target" "$token"
    ;;
drain | resume)
    echo "$operation" >"$scratch/services/$target.state"
    did "state is now $operation"
    printf '{"effect":"applied"}\n'
    ;;
*)
    refuse unknown_operation
    ;;
esac
