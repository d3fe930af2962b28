#!/usr/bin/env bash
# Starts Postern from the folder it was built into. On a machine without a
# display and without an account yet there is nothing to see, so the demo runs.
set -euo pipefail
bin=$1
data=${XDG_DATA_HOME:-$HOME/.local/share}/postern
if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ "$(uname -s)" = Linux ] && [ ! -e "$data/journal.db" ]; then
	echo "No display and no account yet: running the demo on the terminal. Ctrl+C ends it."
	exec "$bin/postern" --demo --headless
fi
exec "$bin/postern"
