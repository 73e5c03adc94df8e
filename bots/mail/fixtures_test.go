package mail

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// fixtures are mails that we did not write.
const fixtures = "../../../shared/fixtures/mail"

var (
	tagLike   = regexp.MustCompile(`</?[A-Za-z!][^<>]*>`)
	blobLike  = regexp.MustCompile(`[A-Za-z0-9+/]{60,}`)
	wordLike  = regexp.MustCompile(`=\?[^?\s]+\?[bBqQ]\?\S*\?=`)
	partLike  = regexp.MustCompile(`(?im)^content-(type|transfer-encoding|disposition)\s*:`)
	codeValid = regexp.MustCompile(`^(250|554|550|552|500) `)
)

// checkText says what is in a report's text that must not be.
func checkText(t *testing.T, text string) {
	t.Helper()
	if found := tagLike.FindString(text); found != "" {
		t.Errorf("a tag in the text: %q", found)
	}
	for _, found := range blobLike.FindAllString(text, -1) {
		if manyLetters(found) { // "HAHAHAHA…" stays
			t.Errorf("base64 in the text: %q", found)
		}
	}
	for _, block := range []string{"-----BEGIN PGP", "-----END PGP", "\x00", "\r"} {
		if strings.Contains(text, block) {
			t.Errorf("%q in the text", block)
		}
	}
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxText {
		t.Errorf("not UTF-8, or too long: %d bytes", len(text))
	}
}

// boundaries returns the boundaries that a mail declares.
func boundaries(raw []byte) []string {
	var list []string
	for _, m := range regexp.MustCompile(`(?i)boundary\s*=\s*("[^"\r\n]+"|[^;\s"]+)`).FindAllSubmatch(raw, -1) {
		if b := strings.Trim(string(m[1]), `"`); len(b) > 5 {
			list = append(list, b)
		}
	}
	return list
}

func TestFixtures(t *testing.T) {
	if _, err := os.Stat(fixtures); err != nil {
		t.Skipf("the mails of others are not there: %v", err)
	}
	b := newBench(t, nil)
	b.city("nuernberg")
	texts := map[string]string{}
	mails := 0
	err := filepath.WalkDir(fixtures, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		mails++
		name := strings.TrimPrefix(filepath.ToSlash(path), fixtures+"/")
		t.Run(name, func(t *testing.T) {
			b.t = t
			got := b.send("someone@example.org", []string{"nuernberg@" + domain}, string(raw))
			if !codeValid.MatchString(got) {
				t.Fatalf("answered with %s", got)
			}
			list := b.take()
			if len(list) > 1 || len(list) == 1 && !strings.HasPrefix(got, "250 ") {
				t.Fatalf("%d reports, answered with %s", len(list), got)
			}
			for _, h := range list {
				texts[name] = h.In.Text
				checkText(t, h.In.Text)
				if wordLike.MatchString(h.In.Text) || partLike.MatchString(h.In.Text) {
					t.Errorf("something of MIME is in the text: %q", h.In.Text)
				}
				for _, boundary := range boundaries(raw) {
					if strings.Contains(h.In.Text, boundary) {
						t.Errorf("boundary %q in the text", boundary)
					}
				}
				if strings.TrimSpace(h.In.Text) == "" {
					t.Error("an empty report")
				}
			}
		})
		return nil
	})
	b.t = t
	if err != nil || mails < 100 {
		t.Fatalf("%d mails: %v", mails, err)
	}
	if got := b.send("rider@example.org", []string{"nuernberg@" + domain}, simple); !strings.HasPrefix(got, "250 ") || len(b.take()) != 1 {
		t.Errorf("the server does not work any more: %s", got)
	}
	t.Run("bounces, answers of machines and lists", func(t *testing.T) {
		for name := range texts {
			raw, err := os.ReadFile(filepath.Join(fixtures, name))
			if err != nil {
				t.Fatal(err)
			}
			head, _, _ := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
			machine := regexp.MustCompile(`(?im)^(list-(id|post|unsubscribe)|precedence: *(bulk|list|junk)|auto-submitted: *auto|return-path: *<>|from:.*mailer-daemon|content-type: *multipart/report)`)
			if found := machine.Find(head); found != nil {
				t.Errorf("%s was relayed, with %q", name, found)
			}
		}
	})
	t.Run("texts", func(t *testing.T) {
		for name, want := range fixtureTexts {
			if diff := cmp.Diff(want, texts[name]); diff != "" {
				t.Errorf("%s: -want +got:\n%s", name, diff)
			}
		}
		for name, want := range fixtureBeginnings {
			if !strings.HasPrefix(texts[name], want) {
				t.Errorf("%s: %.200q", name, texts[name])
			}
		}
	})
}

// fixtureTexts are what a person reads in some of the mails.
var fixtureTexts = map[string]string{
	"enmime/encode/part-bin-header.golden":                                      "¡Hola, señor!\nThis is a test of a plain text part.\n\nAnother line.",
	"enmime/mail/non-mime-html-charset-header-only.raw":                         "Test Müller",
	"enmime/mail/non-mime-missing-charset.raw":                                  "test Sun, 14 Oct 2012 16:09:01 -0700\nUnencoded Euro Sign: €",
	"enmime/mail/mime-mixed.raw":                                                "Multipart Mixed\nSection one\nSection two",
	"enmime/encode/parser-raw-content-html-option.raw":                          "Test subject\nMy First Heading\n\nMy first paragraph éà.",
	"enmime/parts/chardet-detection.raw":                                        "Loggen Sie sich ein, um die Einladung zu akzeptieren oder geben Sie den folgen1233\n\nNachricht:\nöoöo",
	"mikel-mail/multi_charset/japanese.eml":                                     "まみむめも\nかきくえこ",
	"mikel-mail/multi_charset/japanese_iso_2022.eml":                            "まみむめも\nすみません。",
	"mikel-mail/multi_charset/ks_c_5601-1987.eml":                               "test\n스티해",
	"mikel-mail/error_emails/invalid_subject_characters.eml":                    "Formação FrenetikPolis: Mega Campanha Final Verão | Cursos de Setembro\nTEST",
	"mikel-mail/attachment_emails/attachment_with_quoted_filename.eml":          "Eelanalüüsi päring",
	"mikel-mail/rfc6532/utf8_headers.eml":                                       "Säying Hello\nbody",
	"mikel-mail/plain_emails/raw_email_reply.eml":                               "Message body",
	"mikel-mail/plain_emails/raw_email_with_partially_quoted_subject.eml":       "대부분의 마찬가지로, 우리는 하나님을 믿습니다.\n\n제 이름은 Jamis입니다.",
	"mikel-mail/mime_emails/sig_only_email.eml":                                 "This is random text, not what has been signed below, ie, this sig\nemail is not signed correctly.",
	"mikel-mail/mime_emails/raw_email_with_multipart_mixed_quoted_boundary.eml": "Testing outlook\nJust attaching another PDF, here, to see what the message looks like,\nand to see if I can figure out what is going wrong here.",
	"mikel-mail/error_emails/content_transfer_encoding_x_uuencode.eml":          "PGP Comments on RTO West Release of Dec. 14\nAttached are the comments of the Public Generating Pool.",
	"mikel-mail/attachment_emails/attachment_message_rfc822.eml":                "testing\nThis is the first part.",
	"mikel-mail/error_emails/bad_encoded_subject.eml":                           "TEST",
	"mikel-mail/multi_charset/japanese_attachment_long_name.eml":                strings.Repeat("まみむめも", 10),
	"enmime/low-quality/unk-charset-html-only.raw":                              "Attachment\nHello World!",
	"enmime/mail/attachment-only-inline-quoted-printable.raw":                   "Text body only with disposition inline\nJust some html content",
	"mikel-mail/multi_charset/japanese_shift_jis.eml":                           "test\nあいうえお\n\nこのメールはテスト用のメールです。\n\n今後ともよろしくお願い申し上げます！",
	"mikel-mail/mime_emails/raw_email_with_illegal_boundary.eml":                "Testing outlook\nHello\nThis is an outlook test\n\nSo there.\n\nMe.",
}

// fixtureBeginnings are the first words of longer ones.
var fixtureBeginnings = map[string]string{
	"enmime/parts/chardet-success-iso-8859-1.raw":                           "DIE Drachenköpfe unserer Boote bogen um das gelbe Segel. Die Parade vollzog\n",
	"enmime/low-quality/incorrect-charset.raw":                              "plain text\nUsing Unicode/UTF-8, you can write in emails and source code things such as\n\nMathematics and sciences:\n\n  ∮ E⋅da = Q,",
	"mikel-mail/mime_emails/raw_email_encoded_stack_level_too_deep.eml":     "Nicolas Fouché has accepted your invitation to Gmail",
	"mikel-mail/error_emails/content_transfer_encoding_with_semi_colon.eml": "Attention\nDear Homeowner,\n",
	"mikel-mail/plain_emails/raw_email.eml":                                 "NOTE: 한국말로 하는 것\n대부분의 마찬가지로",
}
