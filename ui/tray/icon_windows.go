package tray

import (
	"strings"

	"fyne.io/systray"

	"github.com/postern/postern/assets"
	"github.com/postern/postern/ui/model"
)

func setIcon(i model.Icon) { systray.SetIcon(assets.TrayICO(door(i))) }

// plain keeps a label from being read as anything but text: a single ampersand
// would mark the next letter as a shortcut, a tab would start a column.
func plain(label string) string {
	return strings.NewReplacer("&", "&&", "\t", " ").Replace(label)
}
