package telegram

import (
	"fmt"
	"strings"

	"github.com/go-telegram/bot/models"

	"github.com/postern/postern/platforms"
)

// attachments is the files in m. Telegram names only some of them; the others
// get a name by which a person can tell them apart.
func attachments(m *models.Message) (files []platforms.Attachment) {
	add := func(ref, name, what, ext, mediaType, usual string, size int64) {
		if name == "" {
			name = numbered(what, m.ID, ext)
		}
		if mediaType == "" {
			mediaType = usual
		}
		files = append(files, platforms.Attachment{Ref: ref, Name: name, MediaType: mediaType, Size: max(0, size)})
	}
	if len(m.Photo) > 0 {
		p := m.Photo[0] // all are the same picture, in several sizes
		for _, q := range m.Photo[1:] {
			if q.Width*q.Height > p.Width*p.Height {
				p = q
			}
		}
		add(p.FileID, "", "photo", ".jpg", "", "image/jpeg", int64(p.FileSize))
	}
	switch {
	case m.Animation != nil: // comes with a document too, which is the same file
		add(m.Animation.FileID, m.Animation.FileName, "animation", ".mp4", m.Animation.MimeType, "video/mp4", int64(m.Animation.FileSize))
	case m.Document != nil:
		add(m.Document.FileID, m.Document.FileName, "document", "", m.Document.MimeType, "application/octet-stream", int64(m.Document.FileSize))
	}
	if a := m.Audio; a != nil {
		add(a.FileID, a.FileName, "audio", ".mp3", a.MimeType, "audio/mpeg", int64(a.FileSize))
	}
	if v := m.Voice; v != nil {
		add(v.FileID, "", "voice", ".ogg", v.MimeType, "audio/ogg", int64(v.FileSize))
	}
	if v := m.Video; v != nil {
		add(v.FileID, v.FileName, "video", ".mp4", v.MimeType, "video/mp4", int64(v.FileSize))
	}
	if v := m.VideoNote; v != nil {
		add(v.FileID, "", "video-note", ".mp4", "", "video/mp4", int64(v.FileSize))
	}
	if s := m.Sticker; s != nil {
		ext, mediaType := ".webp", "image/webp"
		switch {
		case s.IsVideo:
			ext, mediaType = ".webm", "video/webm"
		case s.IsAnimated:
			ext, mediaType = ".tgs", "application/x-tgsticker"
		}
		add(s.FileID, "", "sticker", ext, "", mediaType, int64(s.FileSize))
	}
	return files
}

// note says in words what an event has no field for.
func note(m *models.Message) string {
	var notes []string
	say := func(format string, args ...any) {
		notes = append(notes, strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
	if m.ForwardOrigin != nil {
		say("forwarded from %s", origin(m.ForwardOrigin))
	}
	switch {
	case m.Venue != nil:
		say("place: %s, %s (%.5f, %.5f)", m.Venue.Title, m.Venue.Address, m.Venue.Location.Latitude, m.Venue.Location.Longitude)
	case m.Location != nil:
		say("location: %.5f, %.5f", m.Location.Latitude, m.Location.Longitude)
	case m.Contact != nil:
		say("contact: %s %s", fullName(m.Contact.FirstName, m.Contact.LastName), m.Contact.PhoneNumber)
	case m.Poll != nil:
		say("poll: %s", m.Poll.Question)
	case m.Dice != nil:
		say("dice: %s %d", m.Dice.Emoji, m.Dice.Value)
	case m.Sticker != nil:
		say("sticker %s", m.Sticker.Emoji)
	case m.Game != nil:
		say("game: %s", m.Game.Title)
	case m.Story != nil:
		say("story")
	case m.PaidMedia != nil:
		say("paid media")
	case m.Checklist != nil:
		say("checklist: %s", m.Checklist.Title)
	case m.RichMessage != nil:
		say("a formatted message that this version can't show")
	case m.Invoice != nil:
		say("invoice: %s", m.Invoice.Title)
	case m.Giveaway != nil, m.GiveawayWinners != nil:
		say("giveaway")
	}
	if m.SenderChat != nil && m.SenderChat.ID == m.Chat.ID && m.Chat.Type != models.ChatTypeChannel {
		say("written by an anonymous administrator")
	}
	return strings.Join(notes, "; ")
}

func origin(o *models.MessageOrigin) string {
	name := ""
	switch {
	case o.MessageOriginUser != nil:
		name = fullName(o.MessageOriginUser.SenderUser.FirstName, o.MessageOriginUser.SenderUser.LastName)
	case o.MessageOriginHiddenUser != nil:
		name = o.MessageOriginHiddenUser.SenderUserName
	case o.MessageOriginChat != nil:
		name = o.MessageOriginChat.SenderChat.Title
	case o.MessageOriginChannel != nil:
		name = o.MessageOriginChannel.Chat.Title
	}
	if name == "" {
		return "somebody"
	}
	return name
}

// service reports whether m only tells of a change in the chat, which the
// platform's own program shows and nobody wrote.
func service(m *models.Message) bool {
	return len(m.NewChatMembers) > 0 || m.LeftChatMember != nil ||
		m.NewChatTitle != "" || len(m.NewChatPhoto) > 0 || m.DeleteChatPhoto ||
		m.GroupChatCreated || m.SupergroupChatCreated || m.ChannelChatCreated ||
		m.MigrateFromChatID != 0 || m.PinnedMessage != nil || m.MessageAutoDeleteTimerChanged != nil ||
		m.ChatOwnerLeft != nil || m.ChatOwnerChanged != nil ||
		m.SuccessfulPayment != nil || m.RefundedPayment != nil || m.UsersShared != nil || m.ChatShared != nil ||
		m.Gift != nil || m.UniqueGift != nil || m.GiftUpgradeSent != nil ||
		m.ConnectedWebsite != "" || m.WriteAccessAllowed != nil || m.PassportData != nil ||
		m.ProximityAlertTriggered != nil || m.BoostAdded != nil || m.ChatBackgroundSet != nil ||
		m.ChecklistTasksDone != nil || m.ChecklistTasksAdded != nil || m.DirectMessagePriceChanged != nil ||
		m.ForumTopicCreated != nil || m.ForumTopicEdited != nil || m.ForumTopicClosed != nil || m.ForumTopicReopened != nil ||
		m.GeneralForumTopicHidden != nil || m.GeneralForumTopicUnhidden != nil ||
		m.GiveawayCreated != nil || m.GiveawayCompleted != nil || m.PaidMessagePriceChanged != nil ||
		m.CommunityChatAdded != nil || m.CommunityChatJoined != nil || m.CommunityChatRemoved != nil ||
		m.SuggestedPostApproved != nil || m.SuggestedPostApprovalFailed != nil || m.SuggestedPostDeclined != nil ||
		m.SuggestedPostPaid != nil || m.SuggestedPostRefunded != nil ||
		m.VideoChatScheduled != nil || m.VideoChatStarted != nil || m.VideoChatEnded != nil || m.VideoChatParticipantsInvited != nil ||
		m.WebAppData != nil || m.ManagedBotCreated != nil || m.PollOptionAdded != nil || m.PollOptionDeleted != nil
}
