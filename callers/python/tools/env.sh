# Sourced by the scripts of callers/python: where things are, and virtual environments made from pins.
set -euo pipefail

self=$(realpath "$0")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(cd "$here/../.." && pwd)
cache=$root/.cache/python
python=${PYTHON:-python3}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1

die() {
  echo "$(realpath --relative-to="$root" "$self"): $*" >&2
  exit 1
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
  die "needs Python 3.10 or newer with venv as python3, or named by PYTHON"

mkdir -p "$cache"
echo '*' >"$cache/.gitignore"

# venv NAME PINS...: creates $cache/NAME with exactly these pins, or recreates it if they or Python changed.
venv() {
  local name=$1 pins stamp
  shift
  pins=("${@/#/$here/pins/}")
  stamp=$("$python" -VV && cat "${pins[@]}")
  if [[ $(cat "$cache/$name/stamp" 2>/dev/null) != "$stamp" ]]; then
    rm -rf "${cache:?}/$name"
    "$python" -m venv "$cache/$name" || die "cannot make a virtual environment"
    "$cache/$name/bin/python" -m pip install -q --no-deps "${pins[@]/#/--requirement=}" ||
      die "cannot install what pins/ says for $name"
    echo "$stamp" >"$cache/$name/stamp"
  fi
}
