#!/usr/bin/env bash
# The OpenAPI document against Spectral (.spectral.yaml) and Redocly (redocly.yaml). Prints only findings, and exits with
# 1 if there is one, whatever its severity.
#
#   bash lint.sh DOCUMENT
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
bin=$here/node_modules/.bin
# No telemetry, and no question to the registry for a newer version: neither linter uses the network.
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true

# Runs a linter. Redocly writes notices about itself and about its progress: they show only beside findings.
quiet() {
  local output
  output=$("$@" 2>&1) || { printf '%s\n' "$output"; return 1; }
}

failed=0
quiet "$bin/spectral" lint --ruleset "$here/.spectral.yaml" --fail-severity hint "$1" || failed=1
quiet "$bin/redocly" lint --config "$here/redocly.yaml" --lint-config error --format stylish --max-problems 1000 "$1" || failed=1
exit "$failed"
