// Package window is Postern's window: its pages, its theme, and the bridge
// between what the service says and what is drawn. It imports everything of
// Fyne but the driver, so that its tests run without a display.
//
// The window holds no state that matters: it shows what the local interface
// answers and asks it to act. Every call runs away from the goroutine that
// draws; results come back over the Bridge, the only place that hands work to
// that goroutine. Text from outside is drawn as it is, never as markup.
package window
