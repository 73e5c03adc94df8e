package account

import (
	"context"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// Asked are the fields as bots.Connector has them: a login is all of them.
func (p *Pages) Asked() []bots.Field {
	list := make([]bots.Field, len(p.Fields))
	for i, f := range p.Fields {
		list[i] = bots.Field{Name: f.Name, Label: p.Network + ".field." + f.Name, Secret: f.Secret, Required: true}
	}
	return list
}

// ConnectBy connects the account whose login the values are, as a bots.Connector: what the
// forms do in two steps.
func (p *Pages) ConnectBy(ctx context.Context, city report.City, botID int64, values map[string]string) (report.Bot, error) {
	ctx, done := context.WithTimeout(ctx, loginTimeout)
	defer done()
	b, err := p.connectBy(ctx, city, botID, p.typed(func(field string) string { return values[field] }))
	if s := sayer(err); s != nil {
		err = &bots.FieldError{Field: p.fieldOf(err), Err: s}
	}
	return b, err
}

func (p *Pages) connectBy(ctx context.Context, city report.City, botID int64, typed Typed) (report.Bot, error) {
	a, err := p.Checker.Check(ctx, typed)
	if err != nil {
		return report.Bot{}, err
	}
	owner, err := p.Store.BotOf(ctx, city.ID, a)
	if err != nil {
		return report.Bot{}, err
	}
	if botID != 0 && owner != botID {
		return report.Bot{}, bots.Say(nil, "kit.account.not_this")
	}
	if err := p.takeOver(ctx, a); err != nil {
		return report.Bot{}, err
	}
	return p.Connect(ctx, p.Host, city, a)
}
