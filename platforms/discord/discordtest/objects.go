package discordtest

import (
	"fmt"
	"time"
)

// This file writes the platform's objects. All of it is called under the lock.

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

// hex is a new session id.
func (s *Server) hex() string {
	s.next++
	return fmt.Sprintf("%08x%024x", 0x5ad11d72, s.next)
}

func (s *Server) user(id string) map[string]any {
	u := s.users[id]
	v := map[string]any{"id": id, "username": u.Name, "discriminator": "0", "global_name": nil, "avatar": nil, "public_flags": 0, "flags": 0,
		"bot": u.Bot, "primary_guild": nil, "banner": nil, "accent_color": nil}
	if u.Display != "" {
		v["global_name"] = u.Display
	}
	return v
}

func (s *Server) member(id string) map[string]any {
	return map[string]any{"nick": nil, "roles": []string{}, "joined_at": stamp(time.Unix(1700000000, 0)), "deaf": false, "mute": false, "flags": 0,
		"avatar": nil, "banner": nil, "pending": false, "premium_since": nil, "communication_disabled_until": nil}
}

func (s *Server) channel(c *Channel) map[string]any {
	v := map[string]any{"id": c.ID, "type": c.Type, "flags": 0, "last_message_id": nil}
	if c.last != "" {
		v["last_message_id"] = c.last
	}
	switch {
	case c.Type == direct:
		v["recipients"] = []any{s.user(c.Person)}
		return v
	case c.Parent != "":
		v["parent_id"], v["owner_id"] = c.Parent, Person
		v["message_count"], v["member_count"], v["total_message_sent"] = 0, 2, 0
		v["thread_metadata"] = map[string]any{"archived": false, "auto_archive_duration": 1440, "archive_timestamp": stamp(s.now()), "locked": false}
	default:
		v["parent_id"], v["position"], v["nsfw"], v["permission_overwrites"] = nil, 0, false, []any{}
	}
	v["name"], v["guild_id"] = c.Name, c.Guild
	return v
}

func (s *Server) guild(g *Guild) map[string]any {
	channels, threads := []any{}, []any{}
	for _, c := range s.channels {
		if c.Guild != g.ID {
			continue
		}
		if c.Parent != "" {
			threads = append(threads, s.channel(c))
		} else {
			channels = append(channels, s.channel(c))
		}
	}
	return map[string]any{
		"id": g.ID, "name": g.Name, "icon": nil, "splash": nil, "discovery_splash": nil, "owner_id": Person, "afk_channel_id": nil, "afk_timeout": 300,
		"verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0, "emojis": []any{}, "features": []any{},
		"mfa_level": 0, "application_id": nil, "system_channel_id": nil, "system_channel_flags": 0, "rules_channel_id": nil, "vanity_url_code": nil,
		"description": nil, "banner": nil, "premium_tier": 0, "preferred_locale": "en-US", "public_updates_channel_id": nil, "nsfw_level": 0,
		"premium_progress_bar_enabled": false, "safety_alerts_channel_id": nil, "stickers": []any{},
		"roles": []any{
			map[string]any{"id": g.ID, "name": "@everyone", "color": 0, "hoist": false, "position": 0, "permissions": "1024", "managed": false, "mentionable": false, "flags": 0},
			map[string]any{"id": BotRole, "name": "Postern", "color": 0, "hoist": false, "position": 1, "permissions": "117760", "managed": true, "mentionable": false, "flags": 0,
				"tags": map[string]any{"bot_id": Bot}},
		},
		"joined_at": stamp(time.Unix(1700000000, 0)), "large": false, "unavailable": false, "member_count": len(s.users), "voice_states": []any{},
		"members":  []any{map[string]any{"user": s.user(Bot), "roles": []string{BotRole}, "joined_at": stamp(time.Unix(1700000000, 0)), "deaf": false, "mute": false, "flags": 0}},
		"channels": channels, "threads": threads, "presences": []any{}, "stage_instances": []any{}, "guild_scheduled_events": []any{}, "soundboard_sounds": []any{},
	}
}

// message is a post as REST gives it; the gateway adds the guild and the member.
func (s *Server) message(p *post) map[string]any {
	v := map[string]any{
		"id": p.id, "channel_id": p.channel, "author": s.user(p.author), "content": p.content, "timestamp": stamp(p.time), "edited_timestamp": nil,
		"tts": false, "mention_everyone": false, "mentions": []any{}, "mention_roles": []string{}, "attachments": []any{}, "embeds": []any{},
		"pinned": false, "type": p.kind, "flags": p.flags, "components": []any{},
	}
	if !p.edited.IsZero() {
		v["edited_timestamp"] = stamp(p.edited)
	}
	mentions := []any{}
	for _, id := range p.mentions {
		mentions = append(mentions, s.user(id))
	}
	v["mentions"] = mentions
	if len(p.roles) > 0 {
		v["mention_roles"] = p.roles
	}
	attachments := []any{}
	for _, id := range p.files {
		attachments = append(attachments, s.attachment(id))
	}
	v["attachments"] = attachments
	if p.components != nil {
		v["components"] = p.components
	}
	if p.nonce != nil {
		v["nonce"] = p.nonce
	}
	if p.replyTo != "" {
		ref := map[string]any{"type": 0, "message_id": p.replyTo, "channel_id": p.channel}
		if g := s.channels[p.channel].Guild; g != "" {
			ref["guild_id"] = g
		}
		v["message_reference"] = ref
		if to := s.posts[p.replyTo]; to != nil {
			inner := s.message(&post{id: to.id, channel: to.channel, author: to.author, content: to.content, time: to.time, kind: to.kind, files: to.files})
			v["referenced_message"] = inner
		} else {
			v["referenced_message"] = nil
		}
	}
	if p.ticket != nil {
		v["application_id"] = App
		v["webhook_id"] = App
	}
	return v
}
