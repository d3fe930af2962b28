#!/usr/bin/env bash
# Installs, on a Debian or Ubuntu that lacks them, the C libraries that the
# window is compiled against, and with the argument "test" the desktop services
# that tests talk to. Elsewhere it names them, and leaves the rest to you.
set -euo pipefail
[ "$(uname -s)" = Linux ] || exit 0

need=()
if ! command -v gcc >/dev/null || ! command -v pkg-config >/dev/null ||
	! pkg-config --exists gl glesv2 x11 xcursor xrandr xinerama xi xxf86vm 2>/dev/null; then
	need+=(gcc libc6-dev pkg-config libgl1-mesa-dev libgles-dev libx11-dev libxcursor-dev libxrandr-dev libxinerama-dev libxi-dev libxxf86vm-dev)
fi
if [ "${1:-}" = test ]; then
	command -v dbus-daemon >/dev/null || need+=(dbus)
	command -v gnome-keyring-daemon >/dev/null || need+=(gnome-keyring)
fi
[ ${#need[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "Please install these, or what your system calls them: ${need[*]}" >&2
	[ "${1:-}" = test ] && command -v gcc >/dev/null && exit 0 # tests without their service say so and are skipped
	exit 1
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
echo "Installing: ${need[*]}"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
