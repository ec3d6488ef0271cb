# Sourced by the other scripts: makes .venv with onehop and a dependency group, and sets $python.
# Needs Python 3.11 or newer; uses uv when it is there.

find_python() {
    for name in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "onehop needs Python 3.11 or newer (set PYTHON to name one)" >&2
    return 1
}

make_venv() {
    venv=$1
    python="$venv/bin/python"
    if "$python" -c '' 2>/dev/null; then return; fi
    base=$(find_python)
    echo "setting up $venv with $("$base" --version)" >&2
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --clear --python "$base" "$venv"
    elif ! "$base" -m venv --clear "$venv"; then
        echo "python3 -m venv failed: on Debian and Ubuntu, apt-get install python3-venv" >&2
        return 1
    fi
}

install() {
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --python "$python" "$@"
    else
        "$python" -m pip install --quiet --disable-pip-version-check "$@"
    fi
}

# The words of a dependency group of pyproject.toml, for pip of any age.
group() {
    "$python" - "$1" <<'PYTHON'
import sys, tomllib
groups = tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]
def words(name):
    for item in groups[name]:
        yield from words(item["include-group"]) if isinstance(item, dict) else [item]
print("\n".join(words(sys.argv[1])))
PYTHON
}

# setup [GROUP]: install onehop from this checkout, and a group; quick when nothing has changed.
setup() {
    make_venv .venv
    stamp=.venv/onehop-setup-${1:-run}
    if [ -e "$stamp" ] && [ "$stamp" -nt pyproject.toml ]; then return; fi
    echo "installing onehop and what it needs (once)" >&2
    if [ $# -gt 0 ]; then
        group "$1" >.venv/requirements.txt
        install --editable ".[all]" --requirement .venv/requirements.txt
    else
        install --editable ".[all]"
    fi
    touch "$stamp"
}
