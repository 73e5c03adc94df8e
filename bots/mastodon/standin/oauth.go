package standin

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// app is a registered application.
type app struct {
	id, secret, name string
	uris             []string
	scopes           []string
}

func (s *Server) createApp(w http.ResponseWriter, r *http.Request) {
	uris := strings.Fields(r.FormValue("redirect_uris"))
	if r.FormValue("client_name") == "" || len(uris) == 0 {
		fail(w, http.StatusUnprocessableEntity, "Validation failed: Redirect URI must be an absolute URI.")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	a := &app{id: secretText("client", s.serial), secret: secretText("secret", s.serial), name: r.FormValue("client_name"),
		uris: uris, scopes: strings.Fields(r.FormValue("scopes"))}
	s.apps[a.id] = a
	reply(w, http.StatusOK, entity{"id": a.id, "name": a.name, "website": orNull(r.FormValue("website")), "redirect_uri": uris[0],
		"redirect_uris": uris, "client_id": a.id, "client_secret": a.secret, "scopes": a.scopes, "vapid_key": ""})
}

// ForgetApps deletes the registered applications, as instances do with those
// that nobody uses.
func (s *Server) ForgetApps() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.apps)
	for token, g := range s.tokens {
		if g.account == nil {
			delete(s.tokens, token)
		}
	}
}

// Apps counts the registered applications.
func (s *Server) Apps() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.apps)
}

func (s *Server) verifyApp(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.grantOf(r)
	if g == nil || s.apps[g.client] == nil {
		fail(w, http.StatusUnauthorized, "The access token is invalid")
		return
	}
	reply(w, http.StatusOK, entity{"name": s.apps[g.client].name, "website": nil})
}

var consent = template.Must(template.New("consent").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Authorization required</title>
<h1>Authorization required</h1><p>{{.App}} would like permission to access your account @{{.Account}}.</p>
<form method="post" action="/oauth/authorize">{{range $name, $values := .Form}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">{{end}}{{end}}
<button name="answer" value="authorize">Authorize</button> <button name="answer" value="deny">Deny</button></form>`))

// authorizePage asks the account that is signed in.
func (s *Server) authorizePage(w http.ResponseWriter, r *http.Request) {
	a, account, err := s.authorization(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consent.Execute(w, struct {
		App, Account string
		Form         url.Values
	}{a.name, account.username, r.Form})
}

func (s *Server) authorization(r *http.Request) (*app, *Account, error) {
	if err := r.ParseForm(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[r.Form.Get("client_id")]
	switch {
	case a == nil:
		return nil, nil, fmt.Errorf("client authentication failed due to unknown client")
	case !slices.Contains(a.uris, r.Form.Get("redirect_uri")) || r.Form.Get("response_type") != "code":
		return nil, nil, fmt.Errorf("the redirect URI included is not valid")
	case s.signedIn == nil:
		return nil, nil, fmt.Errorf("nobody is signed in")
	}
	for _, scope := range strings.Fields(r.Form.Get("scope")) {
		if !(&grant{scopes: a.scopes}).may(scope) {
			return nil, nil, fmt.Errorf("the requested scope is invalid, unknown, or malformed")
		}
	}
	return a, s.signedIn, nil
}

// authorize redirects back with a code, or with access_denied.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	a, account, err := s.authorization(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	uri := r.Form.Get("redirect_uri")
	back := url.Values{"state": {r.Form.Get("state")}}
	if r.Form.Get("answer") == "deny" {
		back.Set("error", "access_denied")
		back.Set("error_description", "The resource owner or authorization server denied the request.")
	} else {
		back.Set("code", s.newCode(&grant{account: account, client: a.id, scopes: strings.Fields(r.Form.Get("scope")), uri: uri}))
	}
	http.Redirect(w, r, uri+"?"+back.Encode(), http.StatusFound)
}

func (s *Server) newCode(g *grant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	code := secretText("code", s.serial)
	s.codes[code] = g
	return code
}

func (s *Server) createToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[r.FormValue("client_id")]
	if a == nil || a.secret != r.FormValue("client_secret") {
		reply(w, http.StatusUnauthorized, entity{"error": "invalid_client",
			"error_description": "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method."})
		return
	}
	g := &grant{client: a.id, scopes: []string{"read"}}
	if r.FormValue("grant_type") != "client_credentials" {
		code := r.FormValue("code")
		g = s.codes[code]
		delete(s.codes, code) // a code is good for one token
		if r.FormValue("grant_type") != "authorization_code" || g == nil || g.client != a.id || g.uri != r.FormValue("redirect_uri") {
			reply(w, http.StatusBadRequest, entity{"error": "invalid_grant",
				"error_description": "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."})
			return
		}
	}
	s.serial++
	token := secretText("token", s.serial)
	s.tokens[token] = g
	reply(w, http.StatusOK, entity{"access_token": token, "token_type": "Bearer", "scope": strings.Join(g.scopes, " "), "created_at": s.now().Unix()})
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.Happened()
	a := s.apps[r.FormValue("client_id")]
	if a == nil || a.secret != r.FormValue("client_secret") {
		reply(w, http.StatusForbidden, entity{"error": "unauthorized_client", "error_description": "You are not authorized to revoke this token"})
		return
	}
	// A token belongs to the application that it was made for (RFC 7009, 2.1).
	if g := s.tokens[r.FormValue("token")]; g != nil && g.client != a.id {
		reply(w, http.StatusForbidden, entity{"error": "unauthorized_client", "error_description": "You are not authorized to revoke this token"})
		return
	}
	delete(s.tokens, r.FormValue("token"))
	reply(w, http.StatusOK, entity{})
}
