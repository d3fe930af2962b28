package text

import "github.com/postern/postern/platforms"

// Fit is Split for a platform in whose form a text grows, by escapes or markup:
// length is how much of max a piece takes there. Nil, or a length that is what
// Len says, makes it Split.
//
// A piece that length calls too long is cut again, smaller. It gives up at a
// piece of 4 units, so that the result is always finite; what is still too long
// then is for the platform to refuse.
func Fit(s string, max int, u platforms.Unit, length func(string) int) []string {
	pieces := Split(s, max, u)
	if length == nil || max <= 0 {
		return pieces
	}
	var out []string
	for _, p := range pieces {
		out = append(out, fit(p, max, u, length)...)
	}
	return out
}

func fit(p string, max int, u platforms.Unit, length func(string) int) []string {
	long, own := length(p), Len(p, u)
	if long <= max || own <= smallest {
		return []string{p}
	}
	// What grew evenly fits at once; at least an eighth less each time ends soon.
	share := int(int64(max) * int64(own) / int64(long))
	share = min(share, own-(own+7)/8)
	if share < smallest {
		share = smallest
	}
	pieces := Split(p, share, u)
	if len(pieces) < 2 {
		return pieces
	}
	var out []string
	for _, q := range pieces {
		out = append(out, fit(q, max, u, length)...)
	}
	return out
}
