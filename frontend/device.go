package frontend

import (
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ticketfrei/db"
)

// Strangers who try passwords must not lock the owner of an account out. So wrong
// passwords are counted by account only for browsers in which its owner has never
// logged in; those have a cookie that says that they are known, and a count of
// their own.
const (
	maxWrong    = 10 // within wrongWithin
	wrongWithin = time.Hour
	// deviceFor is how long a browser is known after a login.
	deviceFor     = 180 * 24 * time.Hour
	deviceCookie  = "ticketfrei-device"
	purposeDevice = "device" // payload: id of the moderator, a space, a random name
)

// cookieName returns the name under which a cookie is set. Under https it has the
// prefix by which browsers take it from this host alone, and only over https
// (RFC 6265bis, 4.1.3.2).
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

// secure tells whether the site is reached by https.
func (o *Options) secure() bool { return strings.HasPrefix(o.Config.Web.URL, "https://") }

// knowDevice marks the browser as one in which m has logged in.
func (s *Site) knowDevice(w http.ResponseWriter, m db.Moderator) {
	token := s.Secrets.Sign(purposeDevice, strconv.FormatInt(m.ID, 10)+" "+rand.Text(), s.Now().Add(deviceFor))
	http.SetCookie(w, &http.Cookie{Name: cookieName(deviceCookie, s.secure()), Value: token, Path: "/", MaxAge: int(deviceFor.Seconds()),
		HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteStrictMode})
}

// wrongLogins returns the limit of wrong logins. They are counted by address or, in
// a browser in which its owner has logged in, by browser. m may be the zero
// Moderator, of an address that has no account. The count is that of all processes.
func (s *Site) wrongLogins(r *http.Request, email string, m db.Moderator) db.Limit {
	return db.Limit{Key: s.Secrets.Hash("logins", s.triedBy(r, email, m)), Max: maxWrong, Within: wrongWithin}
}

func (s *Site) triedBy(r *http.Request, email string, m db.Moderator) string {
	c, err := r.Cookie(cookieName(deviceCookie, s.secure()))
	if err != nil {
		return email
	}
	payload, err := s.Secrets.Verify(purposeDevice, c.Value, s.Now())
	id, name, _ := strings.Cut(payload, " ")
	if err != nil || m.ID == 0 || id != strconv.FormatInt(m.ID, 10) {
		return email
	}
	return "device " + name
}

// tryPassword reports whether password is that of m, the moderator with an
// address; the zero Moderator if there is none, which takes as long. tooMany says
// that too many were wrong before: then it is not tried. Each is counted before it is tried,
// and the right one taken back, so that many at once help nobody, at whatever processes.
func (s *Site) tryPassword(ctx context.Context, wrong db.Limit, password string, m db.Moderator) (ok, tooMany bool, err error) {
	if err := s.passwords.enter(ctx); err != nil {
		return false, false, err
	}
	defer s.passwords.leave()
	if reached, err := s.DB.Count(ctx, wrong); err != nil || reached != "" {
		return false, reached != "", err
	}
	if ok, err = s.passwords.compare(password, m); ok {
		err = s.DB.Uncount(ctx, wrong)
	}
	return ok, false, err
}
