// Command setup sets up a city from nothing to a report that was relayed, with the client that
// was generated from the API's document: setup URL OPERATORS-KEY TARGET.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"ticketfrei/tools/apicheck/testdata/client"
)

// key is the key that requests are made with.
type key string

func (k key) Key(context.Context, client.OperationName) (client.Key, error) {
	return client.Key{Token: string(k)}, nil
}

func main() {
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	if err := setUp(ctx, os.Args[1], key(os.Args[2]), os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func setUp(ctx context.Context, url string, operator key, target string) error {
	c, err := client.NewClient(url, operator)
	if err != nil {
		return err
	}
	made, err := c.CreateCity(ctx, &client.NewCity{Name: "Gotham", Email: "moderator@gotham.example", Language: client.NewOptString("en")}, client.CreateCityParams{})
	city, ok := made.(*client.CityHeaders)
	if !ok {
		return fmt.Errorf("create city: %v %+v", err, made)
	}
	slug := city.Response.Slug
	lines := []client.Line{{Name: "U1", Color: client.NewOptString("#0065ae"), Stops: []client.Stop{{Name: "Plärrer"}, {Name: "Fürth"}}}}
	placed, err := c.PutPlaces(ctx, &client.TypedPlaces{Lines: lines}, client.PutPlacesParams{City: slug})
	if _, ok := placed.(*client.PlacesHeaders); !ok {
		return fmt.Errorf("put places: %v %+v", err, placed)
	}
	ruled, err := c.PutRules(ctx, &client.Rules{Triggers: []string{"inspector"}, Blocked: []string{"spam"}}, client.PutRulesParams{City: slug})
	if _, ok := ruled.(*client.RulesHeaders); !ok {
		return fmt.Errorf("put rules: %v %+v", err, ruled)
	}
	include := client.StreamInclude{"line": {"U1"}}
	stored, err := c.PutStream(ctx, &client.Stream{Target: client.NewOptString(target), Include: client.NewOptStreamInclude(include)}, client.PutStreamParams{City: slug, Name: "u1"})
	if _, ok := stored.(*client.PutStreamCreated); !ok {
		return fmt.Errorf("put stream: %v %+v", err, stored)
	}
	return report(ctx, c, slug)
}

// report posts a report, and waits until it has passed.
func report(ctx context.Context, c *client.Client, slug string) error {
	posted, err := c.PostReport(ctx, &client.NewReport{Text: "Two at Plärrer on the U1 to Fürth"}, client.PostReportParams{City: slug, IdempotencyKey: client.NewOptString("first")})
	heard, ok := posted.(*client.HeardReportHeaders)
	if !ok {
		return fmt.Errorf("post report: %v %+v", err, posted)
	}
	for ctx.Err() == nil {
		got, err := c.GetReport(ctx, client.GetReportParams{City: slug, ID: heard.Response.ID})
		r, ok := got.(*client.Report)
		switch {
		case !ok:
			return fmt.Errorf("get report: %v %+v", err, got)
		case r.State == client.ReportStatePassed:
			fmt.Println(r.Line.Value, r.Stop.Value, r.Toward.Value)
			return nil
		case r.State != client.ReportStateHeard:
			return fmt.Errorf("the report is %s: %+v", r.State, r)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}
