// Package bus finds and dials the desktop's D-Bus session bus, for the tray and
// the notifications. It never starts a bus: on a machine without one, a
// started bus would have no panel on it and would outlive us.
package bus
