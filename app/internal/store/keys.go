package store

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/postern/postern/platforms"
)

// The buckets. All are at the top level: the check of the file relies on it.
//
// Every conversation has a number, so that the keys of what belongs to it are
// short and stay as they are when the platform gives the conversation a new id.
const (
	bMeta     = "meta"
	bAccounts = "accounts"         // account → JSON
	bSettings = "settings"         // name → JSON
	bCursors  = "cursors"          // account → cursor
	bEntries  = "entries"          // seq → record
	bConvs    = "conversations"    // conversation number, kind and seq: see within
	bConvIDs  = "conversation ids" // account, conversation id (also former ones) → number
	bParked   = "parked"           // seq → nothing: held jobs and dead messages
	bKnown    = "known"            // account, user → last seen
	bFiles    = "files"            // spooled file → seq
	bActivity = "activity"         // seq → record
	bAudit    = "audit"            // seq → sealed line

	bRequests   = "requests"    // id → record
	bRequestsOf = "requests of" // account, sort, id → size and time: see requestsOf

	bDedupe = "seen " // and a generation: account, event id or message key → seq
)

// allBuckets is every bucket but the generations of bDedupe.
func allBuckets() []string {
	return []string{bMeta, bAccounts, bSettings, bCursors, bEntries, bConvs, bConvIDs,
		bParked, bKnown, bFiles, bActivity, bAudit, bRequests, bRequestsOf}
}

// maxID is the longest id that stands in a key as it is.
const maxID = 512

// clip is id, or its hash where it is too long for a key.
func clip(id string) string {
	if len(id) <= maxID {
		return id
	}
	h := sha256.Sum256([]byte(id))
	return "\xff#" + string(h[:])
}

// owned is the beginning of all keys of one account.
func owned(id platforms.AccountID) []byte {
	a := clip(string(id))
	return append(binary.BigEndian.AppendUint16(make([]byte, 0, 64), uint16(len(a))), a...)
}

// pair is the key of something that an account has by its own name.
func pair(id platforms.AccountID, name string) []byte {
	return append(owned(id), clip(name)...)
}

// seqKey orders as seq does.
func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// keySeq is the seq at the end of a key.
func keySeq(k []byte) uint64 {
	if len(k) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(k[len(k)-8:])
}

func convKey(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// The kinds of records of bConvs. What an event changes lies together: the end
// of the timeline, the summary after it, and then what waits, so that it is
// mostly one page. They are stored: never change a value.
const (
	kTimeline byte = 1 + iota // seq → mark
	kSummary                  // the conversation itself; no seq
	kJobs                     // seq → nothing
	kOutbox                   // seq → nothing
	kWaiting                  // seq → nothing: jobs that were begun, see Await
)

const withinLen = 4 + 1 + 8

// within is the key of a record of conversation n.
func within(n uint32, kind byte, seq uint64) []byte {
	k := binary.BigEndian.AppendUint32(make([]byte, 0, withinLen), n)
	return binary.BigEndian.AppendUint64(append(k, kind), seq)
}

// isWithin reports whether k is the key of a record of that kind with a seq.
func isWithin(k []byte, n uint32, kind byte) bool {
	return len(k) == withinLen && keyConv(k) == n && k[4] == kind
}

// summaryKey is the key of the conversation itself.
func summaryKey(n uint32) []byte { return append(convKey(n), kSummary) }

// keyConv is the conversation number at the beginning of a key.
func keyConv(k []byte) uint32 {
	if len(k) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(k)
}
