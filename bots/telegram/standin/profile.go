package standin

import "unicode/utf8"

// Profile is what clients of a language show of a bot.
type Profile struct {
	Commands           int // how many the menu has
	Description, About string
}

// Profile is that of a language; "" is for all that have none.
func (b *Bot) Profile(language string) Profile {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return b.profiles[language]
}

// introduce sets a part of a profile. Where it is refused, that is the answer.
func (b *Bot) introduce(method string, p params) *apiError {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	of := b.profiles[p.LanguageCode]
	switch {
	case method == "setMyCommands":
		of.Commands = len(p.Commands)
	case method == "setMyDescription" && utf8.RuneCountInString(p.Description) <= 512:
		of.Description = p.Description
	case method == "setMyShortDescription" && utf8.RuneCountInString(p.About) <= 120:
		of.About = p.About
	default:
		return badRequest("bot description is too long")
	}
	if b.profiles == nil {
		b.profiles = map[string]Profile{}
	}
	b.profiles[p.LanguageCode] = of
	b.server.Happened()
	return nil
}
