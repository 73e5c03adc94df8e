package manage

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"

	"ticketfrei/db"
)

// What links are signed for that lead to pages about people: see secret.Box.Sign.
const (
	PurposeInvite   = "invite"   // payload: id of the invitation
	PurposePassword = "password" // payload: see PasswordPayload
)

const (
	// inviteFor is how long the link of an invitation is good.
	inviteFor = 30 * 24 * time.Hour
	// PasswordFor is how long the link to a new password is good: as long as its mail
	// counts among those of a day, so that whoever gets no further one has one.
	PasswordFor = 24 * time.Hour
)

// PasswordPayload names the moderator and the password that a link is to replace. The link is
// void as soon as that password is replaced, in any way.
func PasswordPayload(m db.Moderator) string {
	sum := sha256.Sum256([]byte(m.Password))
	return strconv.FormatInt(m.ID, 10) + ":" + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// passwordLink is where a moderator sets a new password, once.
func (l *Letters) passwordLink(m db.Moderator) string {
	return l.link("/password/", PurposePassword, PasswordPayload(m), PasswordFor)
}

// invitationLink is where an invitation is accepted.
func (l *Letters) invitationLink(inv db.Invitation) string {
	return l.link("/invitation/", PurposeInvite, strconv.FormatInt(inv.ID, 10), inviteFor)
}

func (l *Letters) link(path, purpose, payload string, good time.Duration) string {
	return l.Config.Web.URL + path + l.Secrets.Sign(purpose, payload, l.Now().Add(good))
}
