// Package autostart has the desktop start Postern when the person logs in.
package autostart

// name is the entry's name in every system's list.
const name = "Postern"
