package tray

import (
	"fyne.io/systray"

	"github.com/postern/postern/assets"
	"github.com/postern/postern/ui/model"
)

// setIcon gives a template: macOS colours it for the menu bar.
func setIcon(i model.Icon) {
	systray.SetTemplateIcon(assets.Tray(door(i), assets.LightPanel, 64), assets.Tray(door(i), assets.AnyPanel, 64))
}

// plain is the label itself: nothing in it has a meaning on macOS.
func plain(label string) string { return label }
