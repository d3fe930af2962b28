package main

import (
	"context"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/doctor"
	"github.com/postern/postern/ui/notify"
	"github.com/postern/postern/ui/tray"
)

// faceProbes look whether the desktop shows what Postern wants to show; faceless
// says that this run shows nothing on one.
func faceProbes(faceless bool) []doctor.Probe {
	without := doctor.Result{State: api.Skipped, Text: "This Postern runs without a desktop."}
	return []doctor.Probe{
		{ID: "tray", Title: "Tray icon", Run: func(ctx context.Context) doctor.Result {
			if faceless {
				return without
			}
			here, err := tray.Hosted(ctx)
			switch {
			case err != nil:
				return doctor.Result{State: api.Sick, Text: "There is no session bus, so there can be no tray icon.",
					Do: "Start Postern from the desktop's session. The command line works without: postern --help."}
			case !here:
				return doctor.Result{State: api.Warned, Text: "This desktop has no place for tray icons, so Postern opens its window instead.",
					Do: "Install your desktop's extension for tray icons (AppIndicator), or start Postern's window when you want to see it."}
			}
			return doctor.Result{State: api.Healthy, Text: "The desktop has a place for the tray icon."}
		}},
		{ID: "notifications", Title: "Desktop notifications", Run: func(ctx context.Context) doctor.Result {
			if faceless {
				return without
			}
			name, err := notify.Server(ctx)
			switch {
			case err != nil:
				return doctor.Result{State: api.Warned, Text: "No service of the desktop answers that shows notifications.",
					Do: "Start the desktop's notification service, or install one. Messages are in the inbox in any case."}
			case name == "":
				return doctor.Result{State: api.Healthy, Text: "This system shows notifications itself, if its settings let Postern."}
			}
			return doctor.Result{State: api.Healthy, Text: "Notifications are shown by " + name + "."}
		}},
	}
}
