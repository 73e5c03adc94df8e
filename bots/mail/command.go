package mail

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/emersion/go-smtp"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"ticketfrei/bots"
	"ticketfrei/bots/mail/mailtext"
	"ticketfrei/db"
	"ticketfrei/internal/mailer"
)

// command is what somebody asks the program for by mail.
type command string

const (
	commandSubscribe   command = "subscribe"
	commandUnsubscribe command = "unsubscribe"
	commandHelp        command = "help"
	commandLines       command = "lines" // of lines.go
)

// commands are the words of each as people write them, in the form of plain.
var commands = readCommands(map[command]string{
	commandUnsubscribe: `
		unsubscribe|unsubscribe me|unsubscribe all|unsub|stop|stopp|stop it|stop all|signoff|sign off|cancel|cancel subscription|quit|opt out|optout|remove me
		unsubscribe me from this list|remove me from this list|remove me from the list|take me off this list|take me off the list|i want to unsubscribe|i would like to unsubscribe|no more mails|no more emails|no more e-mails
		abmelden|abmeldung|austragen|austragung|abbestellen|abbestellung|abo beenden|abo kündigen|abo abbestellen|kündigen|kündigung|keine mails mehr
		ich möchte mich abmelden|ich will mich abmelden|ich melde mich ab|melde mich ab|meldet mich ab|melden sie mich ab|tragt mich aus|trag mich aus|ich möchte keine mails mehr|keine e-mails mehr|aus dem verteiler nehmen|nehmt mich aus dem verteiler
		désabonner|désabonnement|se désabonner|me désabonner|désabonnez-moi|désinscrire|désinscription|me désinscrire|se désinscrire|arrêt|arrêter
		baja|darse de baja|darme de baja|dar de baja|cancelar|cancelar suscripción|desuscribir|desuscribirse|desuscribirme|anular suscripción
		cancelar subscrição|cancelar inscrição|cancelar assinatura|descadastrar|anular subscrição|disiscriviti|disiscrivimi|disiscrizione|cancellami|annulla iscrizione|cancella iscrizione
		uitschrijven|afmelden|opzeggen|avregistrera|avprenumerera|avsluta prenumeration|avanmäl|afmeld|frameld|meld av|avmeld|avslutt|peruuta tilaus|lopeta tilaus
		wypisz|wypisz mnie|wypisać|rezygnuję|rezygnacja|anuluj subskrypcję|odhlásit|odhlásit se|odhlásiť|odhlásiť sa|leiratkozás|leiratkozom|leiratkozni
		dezabonare|dezabonează-mă|отписаться|отписка|отпишите меня|отпиши ме|отказ|стоп|відписатися|відписка|відпишіть мене|odjava|odjavi|odjavi me
		διαγραφή|κατάργηση εγγραφής|abonelikten çık|aboneliği iptal et|abonelik iptali|iptal|إلغاء الاشتراك|الغاء الاشتراك|إلغاء|توقف|لغو اشتراک|הסר|הסר אותי|הסרה|ביטול רישום|הפסק
		退订|退訂|取消订阅|取消訂閱|配信停止|購読解除|登録解除|구독취소|구독 취소|수신거부|hủy đăng ký|berhenti berlangganan`,
	commandSubscribe: `
		subscribe|subscribe me|sub|subscription|sign up|signup|sign me up|join|start|i want to subscribe|i would like to subscribe|add me to the list|add me to this list
		anmelden|anmeldung|eintragen|eintragung|abonnieren|abonnement|abo|abo bestellen|bestellen|ich möchte mich anmelden|ich möchte mich eintragen|tragt mich ein|meldet mich an
		s'abonner|m'abonner|abonner|abonnez-moi|abonnement|inscription|inscrire|s'inscrire|m'inscrire|suscribir|suscribirse|suscribirme|suscripción|inscribirme|darme de alta
		subscrever|inscrever|inscrever-me|inscrição|assinar|cadastrar|iscriviti|iscrivimi|iscrizione|abbonami|inschrijven|aanmelden|abonneren
		prenumerera|anmäl|tilmeld|abonnér|abonner|meld på|påmelding|tilaa|zapisz|zapisz mnie|subskrybuj|subskrypcja|přihlásit|přihlásit se|odebírat|prihlásiť|prihlásiť sa
		feliratkozás|feliratkozom|abonare|abonează-mă|подписаться|подписка|подпишите меня|абонирай ме|підписатися|підписка|prijava|prijavi|prijavi me
		εγγραφή|abone ol|kayıt ol|اشتراك|اشترك|اشتراک|הרשמה|הירשם|订阅|訂閱|購読|登録|구독|đăng ký|berlangganan`,
	commandHelp: `
		help|help me|info|infos|information|commands|instructions|how to|hilfe|informationen|anleitung|befehle
		aide|à l'aide|ayuda|información|ajuda|informação|aiuto|informazioni|hulp|hjälp|hjelp|hjælp|apua|ohje|pomoc|pomóż|nápověda|pomoci|segítség|súgó|ajutor
		помощь|помощ|справка|допомога|довідка|pomoć|pomoč|βοήθεια|yardım|bilgi|مساعدة|معلومات|کمک|راهنما|עזרה|מידע|帮助|幫助|ヘルプ|助けて|도움말|trợ giúp|bantuan`,
})

func readCommands(lists map[command]string) map[string]command {
	words := map[string]command{}
	for c, list := range lists {
		for word := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == '|' || r == '\n' }) {
			words[plain(word)] = c
		}
	}
	return words
}

// courtesies stand around a command and mean nothing.
var courtesies = strings.Split("bitte|danke|vielen dank|please|pls|thanks|thank you|mich|hallo|hallo zusammen|guten tag|moin|hey|hello|hi|vom verteiler|vom newsletter|newsletter|bonjour|hola|ciao|s'il vous plaît|svp|merci|por favor|gracias|per favore|grazie", "|")

// maxCommand is how long a command may be, in bytes.
const maxCommand = 100

// readCommand returns what a text asks for as a whole; "" where it does not.
func readCommand(text string) command {
	if len(text) > maxCommand || strings.ContainsAny(text, "0123456789") {
		return "" // as nearly always, and it costs nothing
	}
	text = plain(text)
	for before := ""; before != text; {
		before = text
		for _, c := range courtesies {
			text = strings.TrimSuffix(strings.TrimPrefix(text, c+" "), " "+c)
		}
	}
	return commands[text]
}

// spellings joins what some write differently: Turkish has two letters for i, and
// telephones have their own apostrophes.
var spellings = strings.NewReplacer("i\u0307", "i", "ı", "i", "’", "'", "`", "'")

// plain is a text without case, without marks around and between its words, and
// with single spaces.
func plain(text string) string {
	text = spellings.Replace(cases.Fold().String(norm.NFKC.String(text)))
	noWord := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != '\'' && r != '-'
	}
	words := strings.FieldsFunc(text, noWord)
	for i, word := range words {
		words[i] = strings.Trim(word, "'-")
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

// commandOf returns what a mail asks for, in its text or else in its subject. rest is
// what it says beside that.
func commandOf(m mailtext.Message) (c command, rest string) {
	inBody, inSubject := readCommand(m.Body), readCommand(m.Subject)
	switch {
	case inBody == "":
		return inSubject, m.Body
	case inSubject == "":
		return inBody, m.Subject
	}
	return inBody, ""
}

// obey answers a mail that asks for something. goesOn is set where the mail is a
// report beside that; its text is then the report. The error is the answer to a mail
// that nobody vouches for: to write to its author would let anybody have others
// written to.
func (n *Network) obey(ctx context.Context, cities []target, m *mailtext.Message, unverified *bots.Origin) (goesOn bool, err error) {
	t, ok := firstReport(cities)
	if m.Skip != "" || !ok {
		return true, nil
	}
	asks, err := n.askedOf(ctx, t.city, *m)
	if err != nil {
		return false, n.trouble(err)
	}
	if asks.command == "" {
		return true, nil
	}
	if asks.rest != "" && asks.command != commandUnsubscribe {
		_, verdict, err := n.host.Rehearser.Rehearse(ctx, t.city.ID, asks.rest)
		if err != nil {
			return false, n.trouble(err)
		}
		goesOn = verdict.Passed
		m.Text = asks.rest
	}
	email, problem := n.readAddress(m.Author)
	if unverified != nil || problem != "" {
		if goesOn {
			return true, nil
		}
		n.ignore(cities, "command")
		return false, reply(554, smtp.EnhancedCode{5, 7, 1}, n.t(t.city, "mail.refused.command", "Page", n.pageURL(t.city)))
	}
	for _, t := range cities {
		if !t.takesReports() {
			continue
		}
		if err := n.answerCommand(ctx, t, asks, email); err != nil {
			return false, n.trouble(err)
		}
	}
	return goesOn, nil
}

// firstReport returns the first of some targets that takes reports.
func firstReport(list []target) (target, bool) {
	i := slices.IndexFunc(list, target.takesReports)
	if i < 0 {
		return target{}, false
	}
	return list[i], true
}

// answerCommand mails the link to what was asked for. That nothing is done at once
// is for those whose mailbox somebody else reads.
func (n *Network) answerCommand(ctx context.Context, t target, asks asked, email string) error {
	if asks.command == commandSubscribe {
		return n.askToConfirm(ctx, t.city, t.bot, email, false, "")
	}
	m, err := n.commandMail(ctx, t, asks, email)
	if err != nil {
		return err
	}
	// The mail server that brought the mail is no client: it is that of many.
	return n.host.AccountMails.StoreAsked(ctx, m, bots.Asked{})
}

func (n *Network) commandMail(ctx context.Context, t target, asks asked, email string) (mailer.Mail, error) {
	if asks.command == commandHelp {
		return n.accountMail(t.city, email, "mail.help.mail", n.pageURL(t.city), ""), nil
	}
	_, err := n.subscribers.Find(ctx, t.bot.ID, email)
	if errors.Is(err, db.ErrNotFound) {
		return n.accountMail(t.city, email, "mail.stranger.mail", n.pageURL(t.city), ""), nil
	}
	if asks.command == commandLines {
		return n.accountMail(t.city, email, "mail.lines.mail", n.linesURL(t.city, email, asks.lines), ""), err
	}
	return n.accountMail(t.city, email, "mail.stop.mail", n.unsubscribeURL(t.city, email), ""), err
}
