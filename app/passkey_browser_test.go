package app

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"ticketfrei/bots/all"
	"ticketfrei/internal/slow"
)

// TestPasskeys adds a passkey to an account, and logs in with it; a forged answer, one of
// whom the device has not verified, a copy of the device and a removed passkey open nothing.
func TestPasskeys(t *testing.T) {
	slow.Test(t, "uses a real browser with a stand-in for a device")
	t.Parallel()
	chromium := startChromium(t)
	box := startMailbox(t)
	definitions := all.Networks()
	cfg := appConfig(t, t.TempDir(), box, definitions)
	cfg.Web.URL = strings.Replace(cfg.Web.URL, "127.0.0.1", "localhost", 1)
	a := runApp(t, cfg, definitions)
	a.addCity("gotham", "*", "")
	w := a.open(t, chromium, visitor{name: "phone", width: 390, height: 844, language: "en"})
	call(w, webauthn.Enable, webauthn.EnableParams{})
	device := answer(w, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}}).AuthenticatorID

	w.goTo("/login?next=/settings/account")
	w.typeInto("#email", "moderator@gotham.example")
	w.typeInto("#password", password)
	w.press("#login button")
	w.typeInto("#passkey-name", "My phone")
	w.typeInto("#passkey-password", "something else entirely")
	w.do(chromedp.Click(chromedp.CSS("#passkey-add button")))
	waitUntil(w, "the password to be refused", func() bool {
		return strings.Contains(w.text("#passkey-add .error"), "not your current password")
	})
	w.typeInto("#passkey-password", password)
	w.press("#passkey-add button")
	w.reads("#account", "“My phone” is added.")
	w.reads("#passkey-list", "My phone")
	box.waitFor(t, "moderator@gotham.example", "the passkey “My phone” was added")
	if known := answer(w, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: device}).Credentials; len(known) != 1 || !known[0].IsResidentCredential {
		t.Fatalf("the device has %+v", known)
	}

	logIn := func(status int64) {
		t.Helper()
		w.goTo("/login?next=/settings/account")
		w.pressFor(status, "#login-passkey button")
	}
	w.press("#logout button")
	logIn(http.StatusOK)
	w.at("/settings/account")
	w.reads("#passkey-list", "last used")

	w.press("#logout button")
	bad := true
	call(w, webauthn.SetResponseOverrideBits, webauthn.SetResponseOverrideBitsParams{AuthenticatorID: device, IsBogusSignature: &bad})
	logIn(http.StatusUnauthorized)
	w.reads("#login-error", "This passkey was not accepted.")
	call(w, webauthn.SetResponseOverrideBits, webauthn.SetResponseOverrideBitsParams{AuthenticatorID: device, IsBadUV: &bad})
	logIn(http.StatusUnauthorized)
	call(w, webauthn.SetResponseOverrideBits, webauthn.SetResponseOverrideBitsParams{AuthenticatorID: device})
	logIn(http.StatusOK)
	w.at("/settings/account")

	// Somebody has logged in with a copy of the device meanwhile: it has counted further.
	known := answer(w, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: device}).Credentials[0]
	key, err := a.server.db.FindPasskey(t.Context(), base64.RawURLEncoding.EncodeToString(known.CredentialID))
	if err != nil {
		t.Fatal(err)
	}
	counted := fmt.Sprintf(`"signCount":%v`, known.SignCount)
	copied := strings.Replace(key.Credential, counted, `"signCount":1000`, 1)
	if copied == key.Credential {
		t.Fatalf("no %s in %s", counted, key.Credential)
	}
	if err := a.server.db.UsePasskey(t.Context(), key, copied); err != nil {
		t.Fatal(err)
	}
	w.press("#logout button")
	logIn(http.StatusUnauthorized)
	key.Credential = copied
	if err := a.server.db.UsePasskey(t.Context(), key, strings.Replace(copied, "1000", "0", 1)); err != nil {
		t.Fatal(err)
	}
	logIn(http.StatusOK)

	w.press("#passkey-list button")
	w.reads("#account", "The passkey is removed.")
	w.press("#logout button")
	logIn(http.StatusUnauthorized)
}
