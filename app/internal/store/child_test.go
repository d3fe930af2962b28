package store

// child runs one role in a process of its own; see the tests that start it.
func child(role, dir string) int { return 2 }
