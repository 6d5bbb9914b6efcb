# shellcheck shell=bash
# Sourced by generate, build and check: where things are and how they are installed.
# Everything that is installed goes to the git-ignored .cache/ts at the repo's root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/callers/ts
cache=$root/.cache/ts

fail() {
	echo "callers/ts: $*" >&2
	exit 1
}

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || fail "$tool is not installed"
	done
}

# Installs the libraries that the lock file in folder $2 names into .cache/ts/$1, unless they are there already.
install_set() {
	local to=$cache/$1 from=$2 key
	need node npm sha256sum
	key=$(cd "$from" && { cat package.json package-lock.json .npmrc; node --version; } | sha256sum)
	if [[ $(cat "$to/.installed" 2>/dev/null) == "$key" ]]; then
		return 0
	fi
	mkdir -p "$to"
	rm -rf "$to/.installed" "$to/node_modules"
	cp "$from/package.json" "$from/package-lock.json" "$from/.npmrc" "$to/"
	# Packages run no scripts. The hidden warnings are about Node.js 20, which the tests cover.
	(cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) ||
		fail "npm could not install the libraries of $from/package-lock.json"
	echo "$key" >"$to/.installed"
}

# The newest libraries are also those that the package is built with and that interop/ runs on.
install_newest() {
	install_set newest "$here"
	ln -sfn ../../.cache/ts/newest/node_modules "$here/node_modules"
}

# Installs the protos of google.rpc into .cache/ts/protos, unless they are there already.
install_protos() {
	local key
	need python3 sha256sum
	key=$(sha256sum <"$here/protos.txt")
	if [[ $(cat "$cache/protos/.installed" 2>/dev/null) == "$key" ]]; then
		return 0
	fi
	rm -rf "$cache/protos"
	mkdir -p "$cache"
	python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
		--no-compile --root-user-action=ignore --target "$cache/protos" --requirement "$here/protos.txt" ||
		fail 'pip could not install the protos of protos.txt'
	echo "$key" >"$cache/protos/.installed"
}

# Writes the stubs to $1/gen/ts.
generate_to() {
	need go
	local buf=(go tool -modfile=tools/go.mod buf)
	(cd "$root" && GOWORK=off "${buf[@]}" generate --template callers/ts/buf.gen.yaml --output "$1") ||
		fail 'buf generate failed'
}

# Builds the package into dist/ from gen/ts and src/.
build_package() {
	rm -rf "$here/dist"
	mkdir -p "$here/dist/gen"
	cp -R "$root/gen/ts/." "$here/dist/gen/"
	cp "$root/LICENSE" "$here/"
	(cd "$here" && node_modules/.bin/tsc --project tsconfig.json) || fail 'the package does not compile'
}
