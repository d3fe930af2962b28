package app

import "sync"

// steps counts what awaits the journal and keeps the first error. The zero
// value is ready.
type steps struct {
	wg  sync.WaitGroup
	mu  sync.Mutex
	err error
}

func (s *steps) begin() { s.wg.Add(1) }

func (s *steps) end(err error) {
	s.fail(err)
	s.wg.Done()
}

// fail keeps err, if it is the first.
func (s *steps) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

func (s *steps) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil
}

// wait returns when every step has ended, with the first error.
func (s *steps) wait() error {
	s.wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
