package frontend

import (
	"net/http"

	"ticketfrei/db"
)

// loginsPart is where the moderator is logged in.
type loginsPart struct {
	Here   int64 // id of the login of this browser
	Logins []db.Login
}

// Others reports whether the moderator is logged in elsewhere too.
func (p loginsPart) Others() bool { return len(p.Logins) > 1 }

func (s *Site) loginsPart(r *http.Request) (loginsPart, error) {
	list, err := s.DB.Logins(r.Context(), s.moderator(r).ID)
	return loginsPart{Here: s.sessions.GetInt64(r.Context(), keyLogin), Logins: list}, err
}

// handleEndLogin logs the moderator out in another browser. Of another moderator
// it ends nothing.
func (s *Site) handleEndLogin(w http.ResponseWriter, r *http.Request) error {
	id, err := formID(r, "login")
	if err != nil {
		return err
	}
	if err := s.DB.EndLogin(r.Context(), s.moderator(r).ID, id); err != nil {
		return err
	}
	return s.saved(w, r, pageAccount, pageAccount, s.T(r, "settings.account.logins.ended"))
}

func (s *Site) handleEndOtherLogins(w http.ResponseWriter, r *http.Request) error {
	here := s.sessions.GetInt64(r.Context(), keyLogin)
	if err := s.DB.EndOtherLogins(r.Context(), s.moderator(r).ID, here); err != nil {
		return err
	}
	return s.saved(w, r, pageAccount, pageAccount, s.T(r, "settings.account.logins.others_ended"))
}
