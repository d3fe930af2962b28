package discordtest

import "strconv"

func (s *Server) gatewayBot(*request) (any, *refusal) {
	return map[string]any{
		"url": "ws://" + s.listener.Addr().String() + "/gateway", "shards": 1,
		"session_start_limit": map[string]any{"total": 1000, "remaining": max(0, s.starts), "reset_after": 14_400_000, "max_concurrency": 1},
	}, nil
}

func (s *Server) whoAmI(*request) (any, *refusal) {
	v := s.user(Bot)
	v["mfa_enabled"], v["locale"], v["verified"], v["email"] = false, "en-US", true, nil
	return v, nil
}

func (s *Server) listGuilds(*request) (any, *refusal) {
	out := []any{}
	for _, g := range s.guilds {
		out = append(out, map[string]any{"id": g.ID, "name": g.Name, "icon": nil, "banner": nil, "owner": false, "permissions": "117760", "features": []any{}})
	}
	return out, nil
}

func (s *Server) openDirect(q *request) (any, *refusal) {
	who := q.text("recipient_id")
	if _, ok := s.users[who]; !ok {
		return nil, refuse(404, 10013, "Unknown User")
	}
	for _, c := range s.channels {
		if c.Type == direct && c.Person == who {
			return s.channel(c), nil
		}
	}
	c := &Channel{ID: s.id(), Type: direct, Person: who}
	s.channels[c.ID] = c
	return s.channel(c), nil
}

func (s *Server) application(*request) (any, *refusal) {
	v := map[string]any{
		"id": App, "name": "Postern", "icon": nil, "description": "", "type": nil, "bot": s.user(Bot), "bot_public": true, "bot_require_code_grant": false,
		"verify_key": "0000000000000000000000000000000000000000000000000000000000000000", "flags": s.flags, "flags_new": strconv.Itoa(s.flags), "redirect_uris": []any{},
		"eligible_oauth2_scopes":    []any{"bot", "applications.commands"},
		"interactions_endpoint_url": nil, "role_connections_verification_url": nil, "max_participants": nil, "approximate_guild_count": len(s.guilds),
		"owner": s.user(Person), "team": nil, "explicit_content_filter": 0, "approximate_user_install_count": 0, "approximate_user_authorization_count": 0,
	}
	if s.endpoint != "" {
		v["interactions_endpoint_url"] = s.endpoint
	}
	return v, nil
}

func (s *Server) changeApplication(q *request) (any, *refusal) {
	if n, ok := q.body["flags"].(float64); ok {
		// Only limited intents can be changed by a call.
		const limited = 1<<13 | 1<<15 | 1<<19
		s.flags = s.flags&^limited | int(n)&limited
	}
	if q.has("interactions_endpoint_url") {
		s.endpoint = q.text("interactions_endpoint_url")
	}
	return s.application(q)
}

func (s *Server) listCommands(q *request) (any, *refusal) {
	if q.args[0] != App {
		return nil, refuse(404, 10002, "Unknown Application")
	}
	out := []any{}
	for _, c := range s.commands {
		out = append(out, c)
	}
	return out, nil
}

func (s *Server) addCommand(q *request) (any, *refusal) {
	name := q.text("name")
	if q.args[0] != App {
		return nil, refuse(404, 10002, "Unknown Application")
	}
	if name == "" || len(name) > 32 {
		return nil, invalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")
	}
	if d := q.text("description"); d == "" || len(d) > 100 {
		return nil, invalid("description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	}
	c := map[string]any{"id": s.id(), "application_id": App, "version": s.id(), "name": name, "description": q.text("description"), "type": 1,
		"default_member_permissions": nil, "dm_permission": true, "contexts": nil, "integration_types": []int{0}, "nsfw": false}
	if q.has("options") {
		c["options"] = q.body["options"]
	}
	for i, old := range s.commands {
		if old["name"] == name {
			s.commands[i] = c
			return c, nil
		}
	}
	s.commands = append(s.commands, c)
	return c, nil
}

func (s *Server) getChannel(q *request) (any, *refusal) {
	c, bad := s.place(q.args[0])
	if bad != nil {
		return nil, bad
	}
	return s.channel(c), nil
}

func (s *Server) typing(q *request) (any, *refusal) {
	c, bad := s.place(q.args[0])
	if bad != nil {
		return nil, bad
	}
	s.typed = append(s.typed, c.ID)
	return nothing{}, nil
}

func (s *Server) place(id string) (*Channel, *refusal) {
	if c := s.channels[id]; c != nil {
		return c, nil
	}
	return nil, refuse(404, 10003, "Unknown Channel")
}
