package queue

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/report"
)

// TestPackDeliveries packs deliveries of three reports, short and long, in turn
// at the end.
func TestPackDeliveries(t *testing.T) {
	long := strings.Repeat("Plärrer ", 5000) // 45 KB
	reports := []report.Report{{ID: "a", Text: long}, {ID: "b", Text: "U1"}, {ID: "c", Text: long}}
	b := report.Bot{ID: 7, CityID: 3, Network: "toy"}
	var ds []report.Delivery
	for _, r := range reports {
		for i := range 150 {
			ds = append(ds, report.NewDelivery(r, b, fmt.Sprint("r", i)))
		}
	}
	for i := range 90 {
		ds = append(ds, report.NewDelivery(reports[i%3], b, ""))
		ds[len(ds)-1].Retract = &report.Receipt{ID: fmt.Sprint(i)}
	}
	batches, err := packDeliveries(ds)
	if err != nil {
		t.Fatal(err)
	}
	var got []report.Delivery
	for i, data := range batches {
		if len(data) > batchBytes+len(long)+1000 {
			t.Errorf("batch %d of %d bytes", i, len(data))
		}
		list, err := unpackDeliveries(data)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 || len(list) > batchMessages {
			t.Errorf("batch %d of %d deliveries", i, len(list))
		}
		got = append(got, list...)
	}
	if diff := cmp.Diff(ds, got); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(string(batches[0]), long); n != 1 {
		t.Errorf("the report stands %d times in the first batch", n)
	}
}

func TestUnpackDeliveries(t *testing.T) {
	r := report.Report{ID: "a", Text: "U1"}
	ds := []report.Delivery{{ID: "1", Report: r}, {ID: "2", Report: r}}
	each, err := json.Marshal(ds) // as versions did in which each delivery has its report
	if err != nil {
		t.Fatal(err)
	}
	got, err := unpackDeliveries(each)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ds, got); diff != "" {
		t.Error(diff)
	}
	for _, data := range []string{`[{"ID":"1"}]`, `[{`, `{}`} {
		if got, err := unpackDeliveries([]byte(data)); err == nil {
			t.Errorf("%s: %+v", data, got)
		}
	}
}
