package app

import (
	"archive/tar"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ticketfrei/internal/secret"
)

// oldDirectory is a data directory that an earlier version wrote. Its README
// describes it.
const oldDirectory = "testdata/e2bda49"

// oldData is the content of known.json: what only the networks of the
// directory, and the people who wrote to it, knew.
type oldData struct {
	Written       int64  // when the program ended, in milliseconds
	Web, Instance string // host:port of the pages and of the Mastodon server
	Session       string // cookie of Leeds's moderator

	Unsubscribe, Subscribe, Invitation string // paths of links in mails
	Authorize                          string // where the browser of Leeds's moderator was sent to
	Bounce                             string // address that bounces about weg@riders.example go to

	ClientID, ClientSecret, Redirect string // registration with the Mastodon server

	Accounts []struct{ ID, Username, Token string }
	Posts    []struct{ ID, Text string } // of the first account
	Heard    []struct{ ID, Text string } // what others wrote to it in public, where it is still there
	Bots     []struct {
		ID                    int64
		Username, Name, Token string
		Next                  int // id of the first update that was not handled
	}
	People, Groups []oldChat
}

// oldChat is a chat that a bot was in.
type oldChat struct {
	ID, Former          int64
	Bot, Name, Language string
	Messages            int
}

// unpackOld unpacks the directory into a new one.
func unpackOld(t *testing.T) (dir string, old oldData) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(oldDirectory, "known.json"))
	if err == nil {
		err = json.Unmarshal(raw, &old)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := unpack(filepath.Join(oldDirectory, "data.tar.gz"), dir); err != nil {
		t.Fatal(err)
	}
	return dir, old
}

func unpack(file, dir string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	packed, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for list := tar.NewReader(packed); ; {
		h, err := list.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = unpackFile(filepath.Join(dir, h.Name), h, list)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(path string, h *tar.Header, from io.Reader) error {
	if h.Typeflag == tar.TypeDir {
		return os.MkdirAll(path, 0o700)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, h.FileInfo().Mode())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

// Columns of the old tables that hold times, and columns that hold the address
// of the Mastodon server.
var (
	oldTimes = map[string][]string{
		"cities": {"created"}, "moderators": {"created"}, "registrations": {"created"}, "invitations": {"created"},
		"sessions": {"expires"}, "bots": {"error_at", "updated"}, "bot_log": {"at"}, "reports": {"time", "received"},
		"deliveries": {"at"}, "mutes": {"created"}, "mail_subscribers": {"created", "bounced_at"}, "mail_requests": {"at"},
		"mastodon_pending": {"created"}, "mastodon_posts": {"at"}, "telegram_bots": {"next_at"},
		"telegram_pending": {"created"}, "telegram_chats": {"created"},
	}
	oldAddresses = map[string][]string{
		"deliveries": {"url"}, "bots": {"last_error"}, "mastodon_accounts": {"instance", "handle", "url"}, "mastodon_apps": {"instance"},
		"mastodon_pending": {"instance", "handle", "url"}, "mastodon_posts": {"url"},
	}
)

// freshen changes the old database as if its program had ended a moment ago and
// its networks were at the addresses of this test.
func freshen(t *testing.T, dir string, old oldData, web, instance string) {
	t.Helper()
	d, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "ticketfrei.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	run := func(statement string, args ...any) {
		t.Helper()
		if _, err := d.Exec(statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	age := old.Written - time.Now().UnixMilli()
	for table, columns := range oldTimes {
		for _, c := range columns {
			run(fmt.Sprintf("UPDATE %s SET %s = %[2]s - ? WHERE %[2]s > 0", table, c), age)
		}
	}
	// The program counts only one bounce a day.
	run("UPDATE mail_subscribers SET bounced_at = bounced_at - ? WHERE bounced_at > 0", (24 * time.Hour).Milliseconds())
	for table, columns := range oldAddresses {
		for _, c := range columns {
			run(fmt.Sprintf("UPDATE %s SET %s = replace(%[2]s, ?, ?)", table, c), old.Instance, instance)
		}
	}
	// The secret of the registration can only be read with its address.
	box, err := secret.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	run("UPDATE mastodon_apps SET redirect_uri = replace(redirect_uri, ?, ?), secret = ?", old.Web, web,
		box.Seal("mastodon_apps.secret:http://"+instance, old.ClientSecret))
}
