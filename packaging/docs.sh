#!/usr/bin/env bash
# Writes manual pages and shell completions below a share/ folder: the places
# are the same on Linux and macOS, under /usr, /usr/local or Homebrew's prefix.
set -euo pipefail
postern=$1
share=$2
# The date of what was built, so that the pages are the same whenever they are made.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH
rm -rf "$share"
mkdir -p "$share"/{man/man1,bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}
"$postern" man --dir "$share/man/man1"
"$postern" completion bash >"$share/bash-completion/completions/postern"
"$postern" completion zsh >"$share/zsh/site-functions/_postern"
"$postern" completion fish >"$share/fish/vendor_completions.d/postern.fish"
