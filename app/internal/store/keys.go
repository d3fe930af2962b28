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
	bAccounts = "accounts" // account → JSON
	bSettings = "settings" // name → JSON
	bCursors  = "cursors"  // account → cursor
	bEntries  = "entries"  // seq → record
	bTimeline = "timeline" // conversation number, seq → nothing, or 1 if not shown
	bConvs    = "conversations"
	bConvIDs  = "conversation ids" // account, conversation id (also former ones) → number
	bMessages = "messages"         // conversation number, message id → seq
	bJobs     = "jobs"             // conversation number, seq → nothing
	bOutbox   = "outbox"           // conversation number, seq → nothing
	bParked   = "parked"           // seq → nothing: held jobs and dead messages
	bKnown    = "known"            // account, user → last seen
	bFiles    = "files"            // spooled file → seq
	bActivity = "activity"         // seq → record
	bDedupe   = "seen "            // and a generation: account, event id or message key → seq
)

// allBuckets is every bucket but the generations of bDedupe.
func allBuckets() []string {
	return []string{bMeta, bAccounts, bSettings, bCursors, bEntries, bTimeline, bConvs, bConvIDs,
		bMessages, bJobs, bOutbox, bParked, bKnown, bFiles, bActivity}
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

// convSeq orders by conversation, then seq.
func convSeq(n uint32, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(make([]byte, 0, 12), n), seq)
}

func messageKey(n uint32, id platforms.MessageID) []byte {
	return append(convKey(n), clip(string(id))...)
}

// keyConv is the conversation number at the beginning of a key.
func keyConv(k []byte) uint32 {
	if len(k) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(k)
}
