package access

import "crypto/sha256"

// Tracked is how many guessers are remembered.
func (p *Pairings) Tracked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.wrong)
}

// Sum is what is kept of a code.
func Sum(p *Pairings, code string) [sha256.Size]byte { return p.sum(code) }

// SetAccountMost sets how many wrong codes of an account's users are too many.
func (p *Pairings) SetAccountMost(n int) { p.accountMost = n }
