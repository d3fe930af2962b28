#!/usr/bin/env bash
# Installs the C libraries that the window is compiled against, where a Debian
# or Ubuntu lacks them. Elsewhere it names them, and leaves the rest to you.
set -euo pipefail
[ "$(uname -s)" = Linux ] || exit 0
need="gcc pkg-config libgl1-mesa-dev libx11-dev libxcursor-dev libxrandr-dev libxinerama-dev libxi-dev libxxf86vm-dev"
if command -v gcc >/dev/null && command -v pkg-config >/dev/null &&
	pkg-config --exists gl glesv2 x11 xcursor xrandr xinerama xi xxf86vm 2>/dev/null; then
	exit 0
fi
if ! command -v apt-get >/dev/null; then
	echo "The window needs a C compiler, pkg-config and the headers of OpenGL (GLES) and X11." >&2
	echo "On Debian they are: $need" >&2
	exit 1
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
echo "Installing what the window is built with: $need"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends $need >/dev/null
