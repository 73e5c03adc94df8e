package mailtext

// The words for why a mail is no report. Moderators are shown counts by them: each
// has its text.
const (
	SkipBounce    = "bounce"    // a mail server tells what became of another mail
	SkipAutomatic = "automatic" // a program answers, or copies what others wrote
	SkipList      = "list"      // it came over a mailing list
	SkipBulk      = "bulk"      // it was written for many
	SkipCalendar  = "calendar"  // an invitation, or the answer to one
	SkipReaction  = "reaction"  // an emoji as an answer
	SkipReport    = "report"    // a mail server's statistics: DMARC, TLS
	SkipHandshake = "handshake" // programs exchange their keys
	SkipOwn       = "own"       // we wrote it
)

// Skips lists all words that a Message's Skip may be.
func Skips() []string {
	return []string{
		SkipBounce, SkipAutomatic, SkipList, SkipBulk, SkipCalendar, SkipReaction, SkipReport, SkipHandshake, SkipOwn,
	}
}
