package routes

// Sooner makes t stop 64 times sooner than it would: the race detector makes work
// slow.
func (t *Table) Sooner() { t.work /= 64 }
