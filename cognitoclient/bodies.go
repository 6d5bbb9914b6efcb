package cognitoclient

import "sync/atomic"

const (
	// smallBody is the size up to which the number of slots is bound enough.
	smallBody = 4 << 10
	// maxBodies bounds larger bodies of attempts under way, in bytes. Client metadata of 32 KiB fits into every slot, but JSON
	// can make six bytes of one, and then only a few dozen do.
	maxBodies = 12 << 20
)

// jsonSize is how long the text becomes in JSON, or a little more, known before it is encoded: a refusal must cost little.
func jsonSize(text string) int {
	size := len(text)
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c == '<', c == '>', c == '&':
			size += len(`\u0000`) - 1
		case c == '"', c == '\\':
			size++
		case c == 0xE2: // may begin U+2028
			size += len(`\u2028`) - len("\u2028")
		}
	}
	return size
}

// bodies is how many bytes the larger bodies under way have.
type bodies struct{ held atomic.Int64 }

// take reports whether there is room for a body of that size; give gives it back.
func (b *bodies) take(size int) bool {
	if size <= smallBody || b.held.Add(int64(size)) <= maxBodies {
		return true
	}
	b.held.Add(-int64(size))
	return false
}

func (b *bodies) give(size int) {
	if size > smallBody {
		b.held.Add(-int64(size))
	}
}
