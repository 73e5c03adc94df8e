package standin

import (
	"slices"
	"time"
)

// reaction is a sign as it stands in setMessageReaction.
type reaction struct {
	Type  string `json:"type"`
	Emoji string `json:"emoji"`
}

// reactions are emoji that Telegram takes as signs, among others
// (core.telegram.org/bots/api#reactiontypeemoji).
var reactions = []string{"👍", "👎", "❤", "🔥", "👏", "😁", "🤔", "😢", "🎉", "🙏", "👌", "👀"}

// setMessageReaction puts the bot's signs below a message, in place of those that it has
// put there before.
func (s *Server) setMessageReaction(b *Bot, p params) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, log, err := s.findChat(b, p.ChatID)
	if err != nil {
		return nil, err
	}
	if p.MessageID < 1 || p.MessageID > len(*log) || (*log)[p.MessageID-1].Deleted {
		return nil, badRequest("message to react not found")
	}
	if len(p.Reaction) > 1 {
		return nil, badRequest("REACTIONS_TOO_MANY")
	}
	if err := b.flood.check(s.options.Limits, p.ChatID, time.Now()); err != nil {
		return nil, err
	}
	sign := ""
	for _, r := range p.Reaction {
		if g := s.groups[p.ChatID]; r.Type != "emoji" || !slices.Contains(reactions, r.Emoji) || g != nil && g.noReactions {
			return nil, badRequest("REACTION_INVALID")
		}
		sign = r.Emoji
	}
	(*log)[p.MessageID-1].Sign = sign
	s.Happened()
	return true, nil
}

// NoReactions has the group allow no signs below messages.
func (g *Group) NoReactions() {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.noReactions = true
}

// Erase deletes a message, as its author does.
func (g *Group) Erase(id int) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.messages[id-1].Deleted = true
}
