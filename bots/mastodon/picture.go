package mastodon

import (
	"context"
	"fmt"

	gomastodon "github.com/mattn/go-mastodon"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// refusePicture answers a picture without text: why it is not passed on. Each
// author is told once a day, so that nobody can make the account send without
// end. The answer is a courtesy: where it fails, the reports go on.
func (b *bot) refusePicture(ctx context.Context, n notification, in bots.Incoming) error {
	if !b.tooOld(n) {
		if err := b.explainPicture(ctx, n, in); err != nil {
			if kind, _ := bots.KindOf(err); ctx.Err() != nil || kind == bots.KindRefused {
				return err
			}
			b.log.Warn("could not explain that pictures are not passed on", "err", err)
		}
	}
	b.seen.add(string(n.ID))
	return nil
}

func (b *bot) explainPicture(ctx context.Context, n notification, in bots.Incoming) error {
	host := b.network.host
	city, err := host.DB.BriefCity(ctx, b.bot.CityID)
	if err != nil {
		return fmt.Errorf("explain about pictures: %w", err)
	}
	day := n.Status.time().Format("2006-01-02")
	_, err = b.publish(ctx, outgoing{
		id:         report.DeliveryID("picture", b.bot.ID, host.Secrets.Author(name, in.Author)+day),
		text:       "@" + in.Author + " " + host.Texts.T(city.Language, "mastodon.picture"),
		visibility: gomastodon.VisibilityDirectMessage,
		replyTo:    string(n.Status.ID),
	})
	return err
}
