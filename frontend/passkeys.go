package frontend

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"ticketfrei/bots"
	"ticketfrei/db"
)

// passkeyFor is how long a device may take to answer.
const passkeyFor = 5 * time.Minute

// newPasskeys returns what asks devices for passkeys at the site's address; nil where browsers
// have none: they want https, or localhost, and a name.
func newPasskeys(site string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(site)
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || u.Scheme != "https" && host != "localhost" {
		return nil, nil
	}
	limit := webauthn.TimeoutConfig{Enforce: true, Timeout: passkeyFor, TimeoutUVD: passkeyFor}
	w, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "Ticketfrei", RPOrigins: []string{originOf(site)},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired},
		Timeouts: webauthn.TimeoutsConfig{Login: limit, Registration: limit},
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return w, nil
}

// keyHolder is a moderator as package webauthn sees them.
type keyHolder struct {
	db.Moderator
	handle []byte
	keys   []webauthn.Credential
}

var _ webauthn.User = keyHolder{}

// WebAuthnID is what devices know the moderator by.
func (h keyHolder) WebAuthnID() []byte { return h.handle }

// WebAuthnName is what devices show.
func (h keyHolder) WebAuthnName() string { return h.Email }

// WebAuthnDisplayName is the same: nobody has another name here.
func (h keyHolder) WebAuthnDisplayName() string { return h.Email }

// WebAuthnCredentials are their passkeys.
func (h keyHolder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// keyHolder is a moderator with these of their passkeys.
func (s *Site) keyHolder(m db.Moderator, of ...db.Passkey) (keyHolder, error) {
	h := keyHolder{Moderator: m, handle: []byte(s.Secrets.Hash("passkey", strconv.FormatInt(m.ID, 10))), keys: make([]webauthn.Credential, len(of))}
	for i, p := range of {
		if err := json.Unmarshal([]byte(p.Credential), &h.keys[i]); err != nil {
			return h, fmt.Errorf("read passkey: %w", err)
		}
	}
	return h, nil
}

func credentialID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// askDevice answers with what the page's script asks the device, and keeps in the session what
// its answer is checked by: whichever process gets that finds it there.
func (s *Site) askDevice(w http.ResponseWriter, r *http.Request, key string, asked any, kept *webauthn.SessionData) error {
	raw, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("passkey: %w", err)
	}
	s.sessions.Put(r.Context(), key, string(raw))
	if visitOf(r.Context()).moderator == nil { // a login begins another one
		s.sessions.SetDeadline(r.Context(), s.Now().Add(2*passkeyFor))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(asked)
}

// askedDevice returns what was kept of the question, once.
func (s *Site) askedDevice(ctx context.Context, key string) (kept webauthn.SessionData, err error) {
	raw := s.sessions.PopString(ctx, key)
	if raw == "" {
		return kept, errNotAsked
	}
	return kept, json.Unmarshal([]byte(raw), &kept)
}

var (
	errNotAsked   = errors.New("no passkey was asked for")
	errNoPasskeys = &bots.PageError{Status: http.StatusNotFound, ID: "passkeys.impossible"}
)

func (s *Site) handlePasskeyLoginBegin(w http.ResponseWriter, r *http.Request) error {
	if s.passkeys == nil {
		return errNoPasskeys
	}
	asked, kept, err := s.passkeys.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return fmt.Errorf("ask for a passkey: %w", err)
	}
	return s.askDevice(w, r, keyPasskeyLogin, asked, kept)
}

// handlePasskeyLogin logs the moderator in whose passkey has answered.
func (s *Site) handlePasskeyLogin(w http.ResponseWriter, r *http.Request) error {
	if s.passkeys == nil {
		return errNoPasskeys
	}
	next := localPath(r.PostFormValue("next"))
	m, err := s.answeredBy(r)
	if refused, ok := errors.AsType[*refusedPasskey](err); ok {
		s.loginFailed(r)
		s.Log.Debug("a passkey was refused", "request", visitOf(r.Context()).id, "err", refused)
		return s.loginPage(w, r, http.StatusUnauthorized, loginForm{Next: next, Error: s.T(r, "passkeys.refused")})
	}
	if err != nil {
		return err
	}
	if err := s.logIn(w, r, m); err != nil {
		return err
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// refusedPasskey is why the answer of a device is not taken.
type refusedPasskey struct{ error }

func (e *refusedPasskey) Unwrap() error { return e.error }

// answeredBy returns the moderator whose passkey has answered; a *refusedPasskey where the
// answer does not hold.
func (s *Site) answeredBy(r *http.Request) (db.Moderator, error) {
	ctx := r.Context()
	kept, err := s.askedDevice(ctx, keyPasskeyLogin)
	if err != nil {
		return db.Moderator{}, &refusedPasskey{err}
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes([]byte(r.PostFormValue("credential")))
	if err != nil {
		return db.Moderator{}, &refusedPasskey{err}
	}
	var key db.Passkey
	var broken error // of the database
	user, credential, err := s.passkeys.ValidatePasskeyLogin(func(rawID, _ []byte) (webauthn.User, error) {
		var h keyHolder
		h, key, broken = s.holderOf(ctx, rawID)
		return h, broken
	}, kept, answer)
	switch {
	case broken != nil && !errors.Is(broken, db.ErrNotFound):
		return db.Moderator{}, broken
	case err != nil:
		return db.Moderator{}, &refusedPasskey{err}
	case credential.Authenticator.CloneWarning:
		return db.Moderator{}, &refusedPasskey{errors.New("its counter runs backwards: it may be a copy")}
	}
	raw, err := json.Marshal(credential)
	if err != nil {
		return db.Moderator{}, fmt.Errorf("passkey: %w", err)
	}
	if err := s.DB.UsePasskey(ctx, key, string(raw)); errors.Is(err, db.ErrNotFound) {
		return db.Moderator{}, &refusedPasskey{err}
	} else if err != nil {
		return db.Moderator{}, err
	}
	return user.(keyHolder).Moderator, nil
}

// holderOf returns the moderator who has a passkey, with it alone.
func (s *Site) holderOf(ctx context.Context, rawID []byte) (h keyHolder, p db.Passkey, err error) {
	if p, err = s.DB.FindPasskey(ctx, credentialID(rawID)); err != nil {
		return h, p, err
	}
	m, err := s.DB.Moderator(ctx, p.ModeratorID)
	if err != nil {
		return h, p, err
	}
	h, err = s.keyHolder(m, p)
	return h, p, err
}

// passkeyName is what a passkey is called.
func passkeyName(r *http.Request) string {
	name := []rune(strings.Join(strings.Fields(r.PostFormValue("name")), " "))
	return string(name[:min(len(name), maxPasskeyName)])
}

// maxPasskeyName bounds the name of a passkey, in characters.
const maxPasskeyName = 60
