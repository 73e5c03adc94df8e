package frontend

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"ticketfrei/bots"
	"ticketfrei/db"
)

// partPasskeys is the part of the account's page about passkeys.
const partPasskeys = "passkeys"

// passkeysPart is what it shows.
type passkeysPart struct {
	Possible bool
	Passkeys []db.Passkey
	Max      int // characters of a name
}

func (s *Site) passkeysPart(r *http.Request) (passkeysPart, error) {
	list, err := s.DB.Passkeys(r.Context(), s.moderator(r).ID)
	return passkeysPart{Possible: s.passkeys != nil, Passkeys: list, Max: maxPasskeyName}, err
}

// handlePasskeyBegin asks the device for a new passkey, where the password is right: a browser
// that was left open is no way in for good. What is wrong is said in words, as the page's
// script shows them.
func (s *Site) handlePasskeyBegin(w http.ResponseWriter, r *http.Request) error {
	if s.passkeys == nil {
		return errNoPasskeys
	}
	m := s.moderator(r)
	ok, err := s.passwords.match(r.Context(), r.PostFormValue("password"), m)
	if err != nil {
		return err
	}
	if !ok {
		answerPlainly(w, http.StatusForbidden, s.T(r, "settings.account.old_wrong"))
		return nil
	}
	list, err := s.DB.Passkeys(r.Context(), m.ID)
	if err != nil {
		return err
	}
	if len(list) >= db.MaxPasskeys {
		answerPlainly(w, http.StatusConflict, s.T(r, "passkeys.full", "Max", db.MaxPasskeys))
		return nil
	}
	holder, err := s.keyHolder(m, list...)
	if err != nil {
		return err
	}
	asked, kept, err := s.passkeys.BeginRegistration(holder, webauthn.WithExclusions(webauthn.Credentials(holder.keys).CredentialDescriptors()))
	if err != nil {
		return fmt.Errorf("ask for a passkey: %w", err)
	}
	return s.askDevice(w, r, keyPasskeyAdd, asked, kept)
}

// handlePasskeyAdd stores the passkey that the device has made, and mails its moderator.
func (s *Site) handlePasskeyAdd(w http.ResponseWriter, r *http.Request) error {
	if s.passkeys == nil {
		return errNoPasskeys
	}
	ctx, m := r.Context(), s.moderator(r)
	credential, err := s.madeBy(r, m)
	if err != nil {
		return &bots.PageError{Status: http.StatusBadRequest, ID: "passkeys.refused", Err: err}
	}
	raw, err := json.Marshal(credential)
	if err != nil {
		return fmt.Errorf("passkey: %w", err)
	}
	name := cmp.Or(passkeyName(r), browserName(r.UserAgent()), s.T(r, "passkeys.nameless"))
	err = s.DB.AddPasskey(ctx, db.Passkey{ModeratorID: m.ID, CredentialID: credentialID(credential.ID), Name: name, Credential: string(raw)})
	switch {
	case errors.Is(err, db.ErrTooMany):
		return s.saved(w, r, pageAccount, partPasskeys, s.T(r, "passkeys.full", "Max", db.MaxPasskeys))
	case errors.Is(err, db.ErrTaken):
		return &bots.PageError{Status: http.StatusBadRequest, ID: "passkeys.refused", Err: err}
	case err != nil:
		return err
	}
	if err := s.mailTo(ctx, visitOf(ctx).lang, m.Email, "passkeys.mail.subject", "passkeys.mail.text", "Name", name, linkName, s.link(deskPath(pageAccount))); err != nil {
		return err
	}
	return s.saved(w, r, pageAccount, partPasskeys, s.T(r, "passkeys.added", "Name", name))
}

// madeBy returns what the device has made for m.
func (s *Site) madeBy(r *http.Request, m db.Moderator) (*webauthn.Credential, error) {
	kept, err := s.askedDevice(r.Context(), keyPasskeyAdd)
	if err != nil {
		return nil, err
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes([]byte(r.PostFormValue("credential")))
	if err != nil {
		return nil, err
	}
	holder, err := s.keyHolder(m)
	if err != nil {
		return nil, err
	}
	return s.passkeys.CreateCredential(holder, kept, answer)
}

func (s *Site) handlePasskeyRemove(w http.ResponseWriter, r *http.Request) error {
	id, err := formID(r, "passkey")
	if err != nil {
		return err
	}
	if err := s.DB.RemovePasskey(r.Context(), s.moderator(r).ID, id); err != nil {
		return err
	}
	return s.saved(w, r, pageAccount, partPasskeys, s.T(r, "passkeys.removed"))
}
