package app

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	mastodon "ticketfrei/bots/mastodon/standin"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/slow"
)

// The riders of this file, by what leads to them.
const (
	mailRider     = "zitronenfalter.k@riders.example"
	mailReader    = "distelfink.w@riders.example"
	mastodonRider = "schwalbenschwanz@elsewhere.example"
	telegramRider = "kaisermantel77"
	pageRider     = "198.51.100.177" // the address
)

// TestNobodyIsToBeFound has riders write by mail, on Telegram without having
// subscribed, on the page, and privately on Mastodon, where they are answered, and one read by mail.
// Then it looks for them in all that the program leaves behind: its files, its log at its most talkative, and
// its pages.
func TestNobodyIsToBeFound(t *testing.T) {
	slow.Test(t, "builds the program")
	t.Parallel()
	const keep = 8 * time.Second
	dir := t.TempDir()
	s := startScene(t, dir, "TICKETFREI_LOG_LEVEL=debug", "TICKETFREI_REPORTS_EXPIRE=4s", "TICKETFREI_REPORTS_KEEP="+keep.String(),
		"TICKETFREI_WEB_TRUSTED_PROXIES=127.0.0.1")
	rider := s.api.AddUser(telegramRider, "de")

	words := []string{randomWord(), randomWord(), randomWord(), randomWord()}
	s.mustSend(mailRider, here, "zitronen-4711@riders.example", "", "Kontis "+words[0])
	rider.Write(s.bot, "Kontis "+words[1])
	s.account.Mention(mastodonRider, "Kontis "+words[2], "direct")
	if told := (reporter{s.app, pageRider, true, "de"}).reports("nuernberg", "Kontis "+words[3]); told.Outcome != "passed" {
		t.Errorf("on the page: %q", told.Text)
	}
	for _, w := range words {
		s.box.waitFor(t, mailReader, w)
	}
	heard := time.Now()
	waitUntil(t, "the answers to who wrote", func() bool { return len(s.bot.Chat(rider)) > 1 && len(directs(s.account)) > 0 })
	if found := wordsIn(t, dir, words); len(found) < len(words) {
		t.Fatalf("of %q the files hold %q: the test sees not enough", words, found)
	}

	needles := spellings(mailRider, mailReader, "zitronen-4711", mastodonRider, "schwalbenschwanz", telegramRider, strconv.FormatInt(rider.ID(), 10))
	maps.Copy(needles, spellings(pageRider, pageRider+"/32"))
	id := binary.BigEndian.AppendUint64(nil, uint64(rider.ID()))
	needles["the Telegram id as a number"] = string(id[3:])
	check := func(when string) {
		t.Helper()
		for name, text := range s.leftBehind() {
			for what, needle := range needles {
				if strings.Contains(text, needle) {
					t.Errorf("%s: %s holds %s", when, name, what)
				}
			}
		}
	}
	check("while it runs")
	waitUntil(t, "the reports to be in no file", func() bool {
		return len(wordsIn(t, dir, words)) == 0 || time.Since(heard) > keep+cleanedWithin
	})
	if left := wordsIn(t, dir, words); len(left) > 0 {
		t.Errorf("%s after reports.keep the files hold %q", cleanedWithin, left)
	}
	s.program.stop()
	check("after its end")
}

// scene is the real program between stand-ins, with a bot on each network and one who
// reads by mail.
type scene struct {
	*app
	dir     string
	binary  string
	env     []string
	program *program
	box     *mailbox
	remote  *mastodon.Server
	api     *telegram.Server
	bot     *telegram.Bot
	account *mastodon.Account
}

func startScene(t *testing.T, dir string, settings ...string) *scene {
	t.Helper()
	s := &scene{dir: dir, box: startMailbox(t), remote: startMastodon(t)}
	s.api = startTelegram(t, telegram.Options{})
	s.binary = buildProgram(t)
	env, a := environment(t, dir, s.box)
	s.env = append(append(env, "TICKETFREI_NETWORK_ALLOW_PRIVATE=true", "TICKETFREI_TELEGRAM_API="+s.api.URL), settings...)
	mustAddCity(t, s.binary, s.env, "nuernberg")
	s.program = startProgram(t, s.binary, s.env...)
	s.app = a

	const moderator = "m@nuernberg.example"
	s.allowEverything(moderator)
	s.account, s.bot = s.remote.AddAccount("kontis_nbg"), s.api.AddBot("kontis_nbg_bot", "Kontis")
	b := s.login(moderator)
	b.confirm("/settings/mastodon", url.Values{"instance": {s.remote.URL}, "token": {s.account.Token()}}, hiddenAccount, "account")
	b.confirm("/settings/telegram", url.Values{"token": {s.bot.Token()}}, hiddenAccount, "account")
	s.subscribe(s.box, "nuernberg", mailReader)
	return s
}

// leftBehind is everything that somebody might look into: files by their path, the
// log, public pages.
func (s *scene) leftBehind() map[string]string {
	s.Helper()
	all := contents(s.T, s.dir)
	all["the log"] = s.program.log.String()
	for _, path := range []string{"/", "/city/nuernberg", "/city/nuernberg/feed.atom", "/city/nuernberg/mail"} {
		resp, err := http.Get(s.url + path)
		if err != nil {
			continue // it has ended
		}
		page, err := io.ReadAll(resp.Body)
		if resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			s.Errorf("%s: %s, %v", path, resp.Status, err)
		}
		all["the page "+path] = string(page)
	}
	return all
}

// spellings are the forms in which a word may stand: as it is, as hexadecimal digits,
// and in the middle of something that is written as base64.
func spellings(words ...string) map[string]string {
	all := make(map[string]string)
	for _, w := range words {
		all[w] = w
		all[w+" as hex"] = hex.EncodeToString([]byte(w))
		for _, code := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for shift := range 3 {
				coded := code.EncodeToString([]byte(strings.Repeat(" ", shift) + w))
				// The letters at both ends depend on what stands beside the word.
				whole := coded[(shift*8+5)/6 : (shift+len(w))*8/6]
				all[w+" as base64 "+coded] = whole
			}
		}
	}
	return all
}

// mailed checks that each of the reports "Report 0." and on was mailed, and not more of
// them twice than after one kill.
func (s *scene) mailed(reports int) {
	s.Helper()
	mails := 0
	for i := range reports {
		n := len(s.box.to(s, mailReader, fmt.Sprintf("Report %d.", i)))
		if mails += n; n == 0 {
			s.Errorf("report %d is lost", i)
		}
	}
	if twice := mails - reports; twice > unstored+sendsAtOnce {
		s.Errorf("%d arrived twice", twice)
	}
}
