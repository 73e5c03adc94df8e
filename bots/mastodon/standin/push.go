package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"
)

// subscription is where an access token's calls go (docs.joinmastodon.org/methods/push).
// Below server.mu.
type subscription struct {
	id       string
	endpoint string
	keys     webpush.Keys
	standard bool
	alerts   map[string]bool
}

// Calls counts what became of the calls of an account.
type Calls struct {
	Taken  int // answered with 200 to 299
	Failed int // answered otherwise, or not at all
}

// callFor bounds a call.
const callFor = 10 * time.Second

// callers is how many calls are made at a time.
const callers = 64

// Allow makes scopes those of the account's token.
func (a *Account) Allow(scopes ...string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.server.tokens[a.token].scopes = scopes
}

// Calls returns what became of the account's calls.
func (a *Account) Calls() Calls {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return a.calls
}

// Endpoint is where the calls of the account go; empty where it has no subscription.
func (a *Account) Endpoint() string {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	for _, g := range a.server.tokens {
		if g.account == a && g.push != nil {
			return g.push.endpoint
		}
	}
	return ""
}

// Unsubscribe drops the subscriptions of the account, as an instance does whose calls
// were refused.
func (a *Account) Unsubscribe() {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	for _, g := range a.server.tokens {
		if g.account == a {
			g.push = nil
		}
	}
}

// DropCalls makes the server lose every call from now on, or none.
func (s *Server) DropCalls(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropCalls = on
}

// call calls those who want to be told of a notification. s.mu is held.
func (a *Account) call(n *notification) {
	if a.server.dropCalls {
		return
	}
	for token, g := range a.server.tokens {
		if g.account == a && g.push != nil && g.push.alerts[n.kind] {
			to, says := *g.push, a.server.callEntity(token, n)
			a.server.calling.Go(func() { a.deliver(g, to, says) })
		}
	}
}

// deliver makes one call. A server that is told that there is nobody gives up.
func (a *Account) deliver(g *grant, to subscription, says entity) {
	s := a.server
	s.callers <- struct{}{}
	status := s.send(to, says)
	<-s.callers
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.Happened()
	if status/100 == 2 {
		a.calls.Taken++
		return
	}
	a.calls.Failed++
	if status/100 == 4 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests && g.push != nil && g.push.id == to.id {
		g.push = nil
	}
}

// callEntity is what a call says: more than anybody needs. s.mu is held.
func (s *Server) callEntity(token string, n *notification) entity {
	e := entity{"access_token": token, "preferred_locale": "de", "notification_id": n.id, "notification_type": n.kind,
		"icon": s.URL + "/avatar.png", "title": "You were mentioned", "body": ""}
	if n.status != nil {
		e["body"] = n.status.text
	}
	return e
}

// send encrypts a call and sends it; the status is 0 where nothing was answered.
func (s *Server) send(to subscription, e entity) (status int) {
	plain, err := json.Marshal(e)
	if err != nil {
		return 0
	}
	ctx, done := context.WithTimeout(context.Background(), callFor)
	defer done()
	var resp *http.Response
	if to.standard && !s.options.DraftPush {
		resp, err = webpush.SendNotificationWithContext(ctx, plain, &webpush.Subscription{Endpoint: to.endpoint, Keys: to.keys},
			&webpush.Options{HTTPClient: s.client, VAPIDPublicKey: s.vapidPublic, VAPIDPrivateKey: s.vapidPrivate, TTL: 48 * 60 * 60})
	} else {
		resp, err = s.sendDraft(ctx, to, plain)
	}
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// sendDraft sends a call as servers do that are older than the standard.
func (s *Server) sendDraft(ctx context.Context, to subscription, plain []byte) (*http.Response, error) {
	body, salt, point, err := sealDraft(to.keys.P256dh, to.keys.Auth, plain)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"Content-Type": "application/octet-stream", "Ttl": "172800", "Urgency": "normal",
		"Content-Encoding": "aesgcm", "Encryption": "salt=" + salt, "Crypto-Key": "dh=" + point + ";p256ecdsa=" + s.vapidPublic} {
		req.Header.Set(name, value)
	}
	return s.client.Do(req)
}

// subscribe makes the subscription of the token, in place of another one.
func (s *Server) subscribe(a *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	f := r.PostForm
	sub := &subscription{id: s.next(), endpoint: f.Get("subscription[endpoint]"),
		keys:     webpush.Keys{P256dh: f.Get("subscription[keys][p256dh]"), Auth: f.Get("subscription[keys][auth]")},
		standard: f.Get("subscription[standard]") == "true", alerts: map[string]bool{}}
	if sub.endpoint == "" || sub.keys.P256dh == "" || sub.keys.Auth == "" {
		return message("Validation failed: Endpoint is not a valid URL"), http.StatusUnprocessableEntity
	}
	for _, kind := range []string{"mention", "follow", "update"} {
		sub.alerts[kind] = f.Get("data[alerts]["+kind+"]") == "true"
	}
	s.grantOf(r).push = sub
	return s.subscriptionEntity(sub), http.StatusOK
}

func (s *Server) subscriptionEntity(sub *subscription) entity {
	return entity{"id": sub.id, "endpoint": sub.endpoint, "standard": sub.standard && !s.options.DraftPush, "alerts": sub.alerts,
		"policy": "all", "server_key": s.vapidPublic}
}

func (s *Server) subscribed(_ *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	if sub := s.grantOf(r).push; sub != nil {
		return s.subscriptionEntity(sub), http.StatusOK
	}
	return message("Record not found"), http.StatusNotFound
}

func (s *Server) unsubscribe(_ *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	s.grantOf(r).push = nil
	return entity{}, http.StatusOK
}

// oneNotification answers GET /api/v1/notifications/:id.
func (s *Server) oneNotification(a *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	for _, n := range a.notifications {
		if n.id == r.PathValue("id") {
			return s.notificationEntity(n), http.StatusOK
		}
	}
	return message("Record not found"), http.StatusNotFound
}

// Wait waits until ok, which is asked whenever something happens.
func (a *Account) Wait(ctx context.Context, ok func() bool) error { return a.server.Wait(ctx, ok) }
