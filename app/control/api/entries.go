package api

import "github.com/postern/postern/platforms"

// EntryQuery selects messages of all conversations by their seq. Zero fields
// select everything.
type EntryQuery struct {
	After, Before uint64 // their seq is above After and, unless that is 0, below Before
	Account       platforms.AccountID
	Conversation  platforms.ConversationID
	Newest        bool // begin at the newest ones instead of the oldest
	Limit         int  // at most; 0: the usual number
}

// EntryPage is every message that an EntryQuery selects with From ≤ seq ≤ To,
// oldest first. A message that is stored later has a greater seq than To, so
// that To is a cursor that loses and repeats nothing. More says that others may
// be beyond, even if there are none in this page: above To, or below From if
// the newest were asked for.
type EntryPage struct {
	Entries []Entry `json:"entries"`
	From    uint64  `json:"from"`
	To      uint64  `json:"to"`
	More    bool    `json:"more,omitempty"`
}
