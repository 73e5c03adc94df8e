package inbound_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/stream/inbound"
	"ticketfrei/bots/stream/inbound/snstest"
)

// topic is a trigger and the stand-in that posts to it.
type topic struct {
	*testing.T
	service *snstest.Service
	trigger inbound.Verifier
}

func newTopic(t *testing.T) *topic {
	s := snstest.Start(t, time.Now())
	return &topic{t, s, inbound.Verifier{SNS: inbound.NewNotifications(http.DefaultClient, []string{s.URL})}}
}

func (s *topic) post(secret string, body []byte) (inbound.Message, error) {
	s.Helper()
	return s.trigger.Verify(s.Context(), inbound.SNS, secret, inbound.Post{Header: http.Header{}, Body: body, Time: time.Now()})
}

func TestASubscriptionIsConfirmed(t *testing.T) {
	s := newTopic(t)
	for _, version := range []string{"1", "2"} {
		m := s.service.Subscription("token-" + version)
		m["SignatureVersion"] = version
		got, err := s.post("", s.service.Sign(m))
		if err != nil || got.Said != "subscribed" || got.Topic != snstest.Topic || got.Body != nil {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if got := strings.Join(s.service.Confirmed(), " "); got != "token-1 token-2" {
		t.Errorf("confirmed %q", got)
	}
	if asked := s.service.Asked(); asked != 3 {
		t.Errorf("asked %d times: the certificate is kept", asked)
	}
}

func TestNotifications(t *testing.T) {
	s := newTopic(t)
	subject := s.service.Notification("3", "plain\nwords")
	subject["Subject"] = "Kontrolle"
	for name, c := range map[string]struct {
		message map[string]string
		want    string // the message in the body
	}{
		"JSON":    {s.service.Notification("1", `{"alert":{"title":"U1"}}`), `{"alert":{"title":"U1"}}`},
		"text":    {s.service.Notification("2", "U1 Plärrer"), `"U1 Plärrer"`},
		"subject": {subject, `"plain\nwords"`},
		"almost":  {s.service.Notification("4", "{U1"), `"{U1"`},
		"empty":   {s.service.Notification("5", ""), `""`},
	} {
		for _, version := range []string{"1", "2"} {
			c.message["SignatureVersion"] = version
			got, err := s.post(snstest.Topic, s.service.Sign(c.message))
			var body map[string]json.RawMessage
			if err == nil {
				err = json.Unmarshal(got.Body, &body)
			}
			if err != nil || got.ID != c.message["MessageId"] || string(body["Message"]) != c.want || time.Since(got.Time) > time.Minute {
				t.Errorf("%s, version %s: %+v, %s, %v", name, version, got, body["Message"], err)
			}
		}
	}
}

func TestWhatSNSHasNotSigned(t *testing.T) {
	s := newTopic(t)
	change := func(key, value string) []byte {
		m := s.service.Notification("1", "U1")
		s.service.Sign(m)
		m[key] = value
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	sign := func(key, value string) []byte {
		m := s.service.Notification("1", "U1")
		m[key] = value
		return s.service.Sign(m)
	}
	subscription := s.service.Subscription("token")
	subscription["SubscribeURL"] = "http://evil.example/?Action=ConfirmSubscription"
	for name, c := range map[string]struct {
		body  []byte
		where string
	}{
		"message":              {change("Message", "U2"), "body.Signature"},
		"subject":              {change("Subject", "U2"), "body.Signature"},
		"topic":                {change("TopicArn", "arn:aws:sns:eu-central-1:123456789012:other"), "body.Signature"},
		"version":              {change("SignatureVersion", "2"), "body.Signature"},
		"no version":           {change("SignatureVersion", ""), "body.SignatureVersion"},
		"type":                 {change("Type", "Other"), "body.SignatureVersion"},
		"signature":            {change("Signature", "AAAA"), "body.Signature"},
		"no signature":         {change("Signature", ""), "body.Signature"},
		"no base64":            {change("Signature", "ä"), "body.Signature"},
		"another's topic":      {sign("TopicArn", "arn:aws:sns:eu-central-1:999999999999:kontrollen"), "body.TopicArn"},
		"host":                 {change("SigningCertURL", "https://evil.example/a.pem"), "body.SigningCertURL"},
		"host that looks so":   {change("SigningCertURL", "https://sns.eu.amazonaws.com.evil.example/a.pem"), "body.SigningCertURL"},
		"host before":          {change("SigningCertURL", "https://sns.eu-1.amazonaws.com@evil.example/a.pem"), "body.SigningCertURL"},
		"bucket":               {change("SigningCertURL", "https://s3.eu-1.amazonaws.com/evil/a.pem"), "body.SigningCertURL"},
		"http":                 {change("SigningCertURL", "http://sns.eu-central-1.amazonaws.com/a.pem"), "body.SigningCertURL"},
		"no pem":               {change("SigningCertURL", s.service.URL+"/a"), "body.SigningCertURL"},
		"no address":           {change("SigningCertURL", ":"), "body.SigningCertURL"},
		"subscription of evil": {s.service.Sign(subscription), "body.SubscribeURL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.post(snstest.Topic, c.body)
			wantRefused(t, err, http.StatusUnauthorized, c.where)
		})
	}
	if _, err := s.post(snstest.Topic, []byte("no JSON")); err == nil {
		t.Error("what is no JSON is taken")
	}
	if got := s.service.Confirmed(); len(got) > 0 {
		t.Errorf("confirmed %q", got)
	}
}

// What is read is what was signed, however often a name stands in the body.
func TestNamesThatStandTwice(t *testing.T) {
	s := newTopic(t)
	raw := s.service.Sign(s.service.Notification("1", "U1 signed"))
	for _, twice := range []string{
		`{"Message":"evil",` + string(raw[1:]),
		`{"message":"evil",` + string(raw[1:]),
		strings.TrimSuffix(string(raw), "}") + `,"evil":"evil"}`,
	} {
		got, err := s.post(snstest.Topic, []byte(twice))
		if err == nil && (strings.Contains(string(got.Body), "evil") || !strings.Contains(string(got.Body), "signed")) {
			t.Errorf("%s becomes %s", twice, got.Body)
		}
	}
	if _, err := s.post(snstest.Topic, []byte(strings.TrimSuffix(string(raw), "}")+`,"message":"evil"}`)); err == nil {
		t.Error("a name in other letters is taken for another's signature")
	}
}

func TestATopicMustHaveBeenSubscribed(t *testing.T) {
	s := newTopic(t)
	_, err := s.post("", s.service.Sign(s.service.Notification("1", "U1")))
	wantRefused(t, err, http.StatusUnauthorized, "body.TopicArn")
	raw := inbound.Post{Header: http.Header{"X-Amz-Sns-Rawdelivery": {"true"}}, Body: []byte("{}"), Time: time.Now()}
	_, err = s.trigger.Verify(t.Context(), inbound.SNS, snstest.Topic, raw)
	wantRefused(t, err, http.StatusUnauthorized, "header.x-amz-sns-rawdelivery")
	bye := s.service.Subscription("bye")
	bye["Type"] = "UnsubscribeConfirmation"
	if m, err := s.post(snstest.Topic, s.service.Sign(bye)); err != nil || m.Said != "unsubscribed" || len(s.service.Confirmed()) > 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

// A certificate that has run out, or a service that is away, is no wrong signature for ever.
func TestCertificates(t *testing.T) {
	old := snstest.Start(t, time.Now().Add(-72*time.Hour))
	v := inbound.Verifier{SNS: inbound.NewNotifications(http.DefaultClient, []string{old.URL})}
	post := inbound.Post{Header: http.Header{}, Body: old.Sign(old.Notification("1", "U1")), Time: time.Now()}
	_, err := v.Verify(t.Context(), inbound.SNS, snstest.Topic, post)
	wantRefused(t, err, http.StatusUnauthorized, "body.SigningCertURL")

	s := newTopic(t)
	s.service.Fail(http.StatusServiceUnavailable)
	raw := s.service.Sign(s.service.Notification("1", "U1"))
	if _, err := s.post(snstest.Topic, raw); err == nil || isRefusal(err) {
		t.Errorf("while SNS is away: %v", err)
	}
	s.service.Fail(0)
	if _, err := s.post(snstest.Topic, raw); err != nil {
		t.Error(err)
	}
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*inbound.Refusal](err)
	return ok
}

// Whatever is posted, nothing is fetched from elsewhere, and nothing taken that is not signed.
func FuzzNotifications(f *testing.F) {
	f.Add([]byte(`{"Type":"Notification","SignatureVersion":"1","Signature":"AAAA","SigningCertURL":"https://sns.eu-central-1.amazonaws.com/a.pem"}`))
	f.Add([]byte(`{"Type":"SubscriptionConfirmation","SubscribeURL":"http://127.0.0.1/"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v := inbound.Verifier{SNS: inbound.NewNotifications(&http.Client{Transport: nowhere{t}}, nil)}
		_, err := v.Verify(t.Context(), inbound.SNS, "", inbound.Post{Header: http.Header{}, Body: body, Time: now})
		if err == nil {
			t.Errorf("%q is taken", body)
		}
	})
}

// nowhere is the way to SNS alone, where nothing is found.
type nowhere struct{ *testing.T }

func (n nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Host, "sns.") || !strings.HasSuffix(r.URL.Host, ".amazonaws.com") && !strings.HasSuffix(r.URL.Host, ".amazonaws.com.cn") || r.URL.Scheme != "https" {
		n.Errorf("%s is asked", r.URL)
	}
	return nil, errors.New("nowhere")
}
