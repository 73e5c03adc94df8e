package mailtext

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

func TestDeclaredCharsets(t *testing.T) {
	for _, c := range []struct {
		name, text string
		enc        encoding.Encoding
	}{
		{"ISO-8859-2", "Św. Anna, 2 kanarów", charmap.ISO8859_2},
		{"cp1250", "Św. Anna, 2 kanarów", charmap.Windows1250},
		{"KOI8-U", "Метро, двоє контролерів", charmap.KOI8U},
		{"cp866", "Метро", charmap.CodePage866},
		{"iso-8859-5", "Метро", charmap.ISO8859_5},
		{"iso-8859-8-i", "רכבת קלה", charmap.ISO8859_8},
		{"windows-1255", "רכבת קלה", charmap.Windows1255},
		{"windows-1256", "مترو الخط الأول", charmap.Windows1256},
		{"windows-1257", "Šiauliai, žmogus", charmap.Windows1257},
		{"tis-620", "สถานี", charmap.Windows874},
		{"x-sjis", "地下鉄", japanese.ShiftJIS},
		{"euc-jp", "地下鉄", japanese.EUCJP},
		{"ks_c_5601-1987", "지하철", korean.EUCKR},
		{"cp949", "지하철", korean.EUCKR},
		{"gb2312", "地铁", simplifiedchinese.GBK},
		{"hz-gb-2312", "地铁", simplifiedchinese.HZGB2312},
		{"cp950", "地鐵", traditionalchinese.Big5},
		{"big5-hkscs", "地鐵", traditionalchinese.Big5},
		{"8859-1", "Plärrer", charmap.ISO8859_1},
		{"utf8mb4", "Plärrer", encoding.Nop},
		{" 'UTF-8' ", "Plärrer", encoding.Nop},
	} {
		raw, err := c.enc.NewEncoder().String(c.text)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if got := decodeCharset([]byte(raw), c.name); got != c.text {
			t.Errorf("%s: %q, want %q", c.name, got, c.text)
		}
	}
}

func TestUTF7(t *testing.T) {
	for raw, want := range map[string]string{
		"Pl+AOQ-rrer, F+APw-rth": "Plärrer, Fürth",
		"U1 +- U2":               "U1 + U2",
		"+2D3cTQ.":               "👍.",
		"U1 Pl+AOQ":              "U1 Plä",
		"a+":                     "a+",
		"Plärrer":                "Plärrer",
	} {
		if got := decodeCharset([]byte(raw), "UTF-7"); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func TestBrokenTransferEncodings(t *testing.T) {
	for _, c := range []struct{ name, encoding, raw, want string }{
		{"a comma for the semicolon", "BASE64 ; x", "VTE=", "U1"},
		{"pieces with padding", "base64", "VTE=VTI=\nVTM=", "U1U2U3"},
		{"an empty line within", "base64", "VTEg\n\nVTIg", "U1 U2 "},
		{"a footer after the padding", "base64", "VTE=\nThis list is for members only", "U1"},
		{"a footer after an empty line", "base64", "VTEg\n\nsent by somebody", "U1 "},
		{"cut off", "base64", "VTEgUGzDpHJyZX", "U1 Plärre"},
		{"no base64", "base64", "U1 Plärrer", "U1 Plärrer"},
		{"quoted in capitals", `"Quoted-Printable"`, "Pl=C3=A4rrer", "Plärrer"},
		{"small digits", "quoted-printable", "Pl=c3=a4rrer", "Plärrer"},
		{"cut off in an escape", "quoted-printable", "Pl=C3=A4rrer=C", "Plärrer"},
		{"no escape", "quoted-printable", "1=2 =ZZ\n", "1=2 =ZZ\n"},
		{"blanks at the ends of lines", "quoted-printable", "U1  \r\nU2=20\r\n", "U1\r\nU2 \r\n"},
		{"none", "", "U1=20", "U1=20"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(decodeTransfer(c.encoding, []byte(c.raw))); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// What is encoded as it should be comes out as it was.
func FuzzTransfer(f *testing.F) {
	f.Add([]byte("U1 Plärrer"))
	f.Add([]byte("=\n= =3"))
	f.Add([]byte{0, 255, '\r'})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, encoding := range []string{"base64", "quoted-printable"} {
			if got := decodeTransfer(encoding, raw); len(got) > len(raw) {
				t.Errorf("%s: %d bytes of %d", encoding, len(got), len(raw))
			}
		}
		encoded := base64.StdEncoding.EncodeToString(raw)
		if got := decodeTransfer("base64", []byte(encoded)); !bytes.Equal(got, raw) {
			t.Errorf("base64: %q, want %q", got, raw)
		}
		var b strings.Builder
		w := quotedprintable.NewWriter(&b)
		w.Binary = true
		_, _ = w.Write(raw)
		_ = w.Close()
		if got := decodeTransfer("quoted-printable", []byte(b.String())); !bytes.Equal(got, raw) {
			t.Errorf("quoted-printable %q: %q, want %q", b.String(), got, raw)
		}
	})
}

func FuzzCharset(f *testing.F) {
	for _, name := range []string{"", "utf-8", "utf-16", "iso-8859-1", "koi8-r", "gb18030", "iso-2022-jp", "hz-gb-2312", "utf-7", "x-nobody", "charset=latin1"} {
		f.Add([]byte("U1 Pl\xe4rrer, F\xc3\xbcrth\x1b$B\xff\xfe\x00"), name)
	}
	f.Fuzz(func(t *testing.T, raw []byte, name string) {
		if text := decodeCharset(raw, name); !utf8.ValidString(text) {
			t.Errorf("%q in %q: %q is no UTF-8", raw, name, text)
		}
		if text := string(raw); utf8.Valid(raw) && decodeCharset(raw, "utf-8") != strings.TrimPrefix(text, "\ufeff") {
			t.Errorf("valid UTF-8 was changed: %q", text)
		}
	})
}

func FuzzEnriched(f *testing.F) {
	f.Add("<bold>U1</bold> << <color><param>red</param>x\n\n\ny</color><nl><excerpt>z")
	f.Fuzz(func(t *testing.T, source string) {
		if text := enrichedText(source); len(text) > len(source) {
			t.Errorf("%q grew: %q", source, text)
		}
	})
}

func FuzzSigned(f *testing.F) {
	for _, c := range readCases(f, "testdata/cases") {
		if strings.HasPrefix(c.name, "17-smime/") {
			_, content, _ := bytes.Cut(c.raw, []byte("\n\n"))
			f.Add(decodeBase64(content))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if content, ok := signedContent(raw); ok && (len(content) == 0 || len(content) >= len(raw)) {
			t.Errorf("%d bytes of %d", len(content), len(raw))
		}
	})
}
