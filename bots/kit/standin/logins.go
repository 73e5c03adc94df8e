package standin

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// logins are the tokens of a stand-in's accounts, by the number of the account.
type logins struct {
	mu     sync.Mutex
	serial int
	tokens map[int]string
}

// Token is the token of an account, as "Authorization: Bearer" carries it.
func (l *logins) Token(account int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tokens[account] == "" {
		l.renew(account)
	}
	return l.tokens[account]
}

// Revoke gives an account another token; the one before is worth nothing.
func (l *logins) Revoke(account int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renew(account)
}

// renew makes a token that looks like no other text. l.mu is held.
func (l *logins) renew(account int) {
	if l.tokens == nil {
		l.tokens = map[int]string{}
	}
	l.serial++
	l.tokens[account] = "secret-token-" + strconv.Itoa(account) + "-" + strconv.Itoa(l.serial)
}

// As lets h answer those who carry a token, as the account that it belongs to;
// others get 401.
func (s *Server) As(h func(account int, w http.ResponseWriter, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		account, ok := s.AccountOf(token)
		if !ok {
			s.Answer(http.StatusUnauthorized, 0)(w, r)
			return
		}
		h(account, w, r)
	}
}

// AccountOf is the account that a token belongs to.
func (l *logins) AccountOf(token string) (account int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for account, known := range l.tokens {
		if token == known {
			return account, true
		}
	}
	return 0, false
}
