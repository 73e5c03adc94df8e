package app

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/db"
	"ticketfrei/internal/mailer"
	"ticketfrei/manage"
)

// answerCodes are those that servers give to our mails, as the metrics tell them apart. What
// else they answer is "other", and that they answered nothing is "none".
func answerCodes() []int {
	return []int{250, 421, 450, 451, 452, 454, 530, 535, 550, 551, 552, 553, 554}
}

// smtpAnswers counts what other servers answer to mails.
type smtpAnswers struct{ *prometheus.CounterVec }

func newSMTPAnswers() smtpAnswers {
	s := smtpAnswers{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ticketfrei_smtp_answers_total",
		Help: "What other servers have answered to mails, by code: other is any other, none is no answer.",
	}, []string{"code"})}
	for _, code := range append(answerCodes(), 0, -1) {
		s.WithLabelValues(codeLabel(code))
	}
	return s
}

// codeLabel is what the metrics call an answer; 0 is that there was none.
func codeLabel(code int) string {
	for _, known := range answerCodes() {
		if code == known {
			return strconv.Itoa(code)
		}
	}
	if code == 0 {
		return "none"
	}
	return "other"
}

// count counts what became of a mail.
func (s smtpAnswers) count(err error) {
	code := 250
	if answer, ok := errors.AsType[*mailer.Error](err); ok {
		code = answer.Code
	} else if err != nil {
		code = 0
	}
	s.WithLabelValues(codeLabel(code)).Inc()
}

// vitalSigns are the figures about the server that the operator needs: they are read when they
// are asked for.
type vitalSigns struct {
	db     *db.DB
	cities *manage.Cities
	mailer *mailer.Mailer
	certs  func() []manage.CertificateVital
}

var (
	relayDesc     = prometheus.NewDesc("ticketfrei_relay_up", "1 while mails leave, 0 while all of them wait.", nil, nil)
	freeDesc      = prometheus.NewDesc("ticketfrei_disk_free_bytes", "Free bytes of the disk of the database.", nil, nil)
	needDesc      = prometheus.NewDesc("ticketfrei_disk_needed_bytes", "Below that many free bytes nothing new is stored.", nil, nil)
	certDesc      = prometheus.NewDesc("ticketfrei_certificate_end_timestamp_seconds", "When a certificate ends that the server holds: that of the pages, that of mail.tls_cert.", []string{"for"}, nil)
	backupDesc    = prometheus.NewDesc("ticketfrei_last_backup_timestamp_seconds", "When the last backup was made; 0: none is known.", nil, nil)
	suspendedDesc = prometheus.NewDesc("ticketfrei_suspended_recipients", "Subscribers to whom nothing is sent, as their server said that there is no such mailbox.", []string{"network"}, nil)
	buildDesc     = prometheus.NewDesc("ticketfrei_build_info", "The program's version; always 1.", []string{"version", "go"}, nil)
)

// Describe implements prometheus.Collector.
func (v vitalSigns) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{relayDesc, freeDesc, needDesc, certDesc, backupDesc, suspendedDesc, buildDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (v vitalSigns) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(buildDesc, 1, version(), runtime.Version())
	gauge(relayDesc, 1-oneIf(v.mailer.Delayed()))
	for _, c := range v.certs() {
		gauge(certDesc, float64(c.Until.Unix()), c.For)
	}
	if free, need, err := v.db.Room(); err != nil {
		ch <- prometheus.NewInvalidMetric(freeDesc, err)
	} else if need > 0 {
		gauge(freeDesc, float64(free))
		gauge(needDesc, float64(need))
	}
	if !v.db.OwnsShard(0) { // else all that share the database would count them
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	v.collectStored(ctx, ch)
}

// collectStored has the figures that are in the database.
func (v vitalSigns) collectStored(ctx context.Context, ch chan<- prometheus.Metric) {
	suspended, err := v.cities.SuspendedRecipients(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(suspendedDesc, err)
	}
	for network, n := range suspended {
		ch <- prometheus.MustNewConstMetric(suspendedDesc, prometheus.GaugeValue, float64(n), network)
	}
	if v.db.OnServer() { // which has backups of its own
		return
	}
	last, err := v.cities.LastBackup(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(backupDesc, err)
		return
	}
	at := 0.0
	if last != nil {
		at = float64(last.At.Unix())
	}
	ch <- prometheus.MustNewConstMetric(backupDesc, prometheus.GaugeValue, at)
}
