package mail

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/slow"
)

// The form on the settings page around the field of a mail.
const (
	formBegins = "--b\r\nContent-Disposition: form-data; name=\"settings_city\"\r\n\r\n1\r\n"
	formFile   = formBegins + "--b\r\nContent-Disposition: form-data; name=\"source\"\r\n\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"mail.eml\"\r\n\r\n"
	formPasted = formBegins + "--b\r\nContent-Disposition: form-data; name=\"source\"\r\n\r\n"
	noFile     = "\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n"
	formEnds   = "\r\n--b--\r\n"
	formType   = "multipart/form-data; boundary=b"
)

// A mail with photos can be tried as it is, and takes no memory.
func TestTryingALargeMail(t *testing.T) {
	slow.Test(t, "uploads many megabytes")
	b := newBench(t, nil)
	client, _, _ := b.login("nuernberg")
	for _, size := range []int{2 << 20, 8 << 20, 18 << 20} { // base64 adds a third
		for _, begins := range []string{formFile, formPasted} {
			mail := withPhoto("1", size)
			used := mostMemory(func() {
				form := io.MultiReader(strings.NewReader(begins), bytes.NewReader(mail), strings.NewReader(formEnds))
				code, page := b.read(client.Post(b.url+"/settings/mail/sample", formType, form))
				b.expect(code, page, http.StatusOK, "U1\nPlärrer, 2 Kontis</pre>", "stay behind")
			})
			if used > 20<<20 {
				t.Errorf("%d MB took %d KB of memory", len(mail)>>20, used>>10)
			}
		}
	}
}

// What is too large is answered with the form, also where a browser reads no answer
// before it has sent everything.
func TestTryingTooLargeAMail(t *testing.T) {
	slow.Test(t, "uploads many megabytes")
	b := newBench(t, nil)
	client, _, _ := b.login("nuernberg")
	site, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	var cookies []string
	for _, c := range client.Jar.Cookies(site) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	for _, begins := range []string{formFile, formPasted} {
		conn, err := net.Dial("tcp", site.Host)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		mail := withPhoto("1", 33<<20)
		fmt.Fprintf(conn, "POST /settings/mail/sample HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nCookie: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			site.Host, strings.Join(cookies, "; "), formType, len(begins)+len(mail)+len(formEnds), begins)
		for _, piece := range [][]byte{mail, []byte(formEnds)} {
			if _, err := conn.Write(piece); err != nil {
				t.Fatalf("broken off: %v", err)
			}
		}
		answer, err := io.ReadAll(conn)
		if page := string(answer); err != nil || !strings.HasPrefix(page, "HTTP/1.1 422 ") || !strings.Contains(page, "at most 25 MB") ||
			!strings.Contains(page, `id="mail-sample-error"`) {
			t.Errorf("answered %.100s, %v", page, err)
		}
		conn.Close()
	}
	pasted := url.Values{"source": {strings.Repeat("Kontis am Plärrer\n", 100_000)}}
	code, page := b.read(client.PostForm(b.url+"/settings/mail/sample", pasted))
	b.expect(code, page, http.StatusUnprocessableEntity, `id="mail-sample-error"`)
}

// A form of another city, a broken one and one with many fields are refused.
func TestTryingWithABrokenForm(t *testing.T) {
	b := newBench(t, nil)
	client, city, _ := b.login("nuernberg")
	other := strings.Replace(formFile, "\r\n1\r\n", fmt.Sprintf("\r\n%d\r\n", city.ID+1), 1)
	for name, c := range map[string]struct {
		kind, form string
		want       int
	}{
		"of another city":                {formType, other + simple + formEnds, http.StatusConflict},
		"of another city, as one text":   {"application/x-www-form-urlencoded", fmt.Sprintf("settings_city=%d", city.ID+1), http.StatusConflict},
		"as one text":                    {"application/x-www-form-urlencoded", url.Values{"source": {simple}}.Encode(), http.StatusOK},
		"broken off":                     {formType, formFile + simple, http.StatusBadRequest},
		"without a boundary":             {"multipart/form-data", formFile + simple + formEnds, http.StatusBadRequest},
		"many fields":                    {formType, strings.Repeat(formPasted+"x\r\n", 30) + formEnds, http.StatusBadRequest},
		"an empty file beside a paste":   {formType, formPasted + simple + noFile + formEnds, http.StatusOK},
		"no field":                       {formType, "--b--\r\n", http.StatusUnprocessableEntity},
		"of a large one of another city": {formType, other + string(withPhoto("1", 1<<20)) + formEnds, http.StatusConflict},
	} {
		t.Run(name, func(t *testing.T) {
			code, page := b.read(client.Post(b.url+"/settings/mail/sample", c.kind, strings.NewReader(c.form)))
			if code != c.want {
				t.Errorf("answered %d: %s", code, page)
			}
		})
	}
}

// A slow line has more time for a mail than for other forms.
func TestTryingOnASlowLine(t *testing.T) {
	b := newBench(t, nil)
	client, _, _ := b.login("nuernberg")
	const patience = 100 * time.Millisecond
	impatient := httptest.NewUnstartedServer(b.site)
	impatient.Config.ReadTimeout, impatient.Config.WriteTimeout = patience, patience
	impatient.Start()
	defer impatient.Close()
	form, line := io.Pipe()
	go func() {
		fmt.Fprint(line, formFile)
		time.Sleep(3 * patience)
		fmt.Fprint(line, simple+formEnds)
		line.Close()
	}()
	code, page := b.read(client.Post(impatient.URL+"/settings/mail/sample", formType, form))
	b.expect(code, page, http.StatusOK, "2 Kontis</pre>")
}
