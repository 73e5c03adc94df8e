package frontend

import (
	"fmt"
	"net/http"
	"testing"

	"ticketfrei/manage"
)

// Who was second is told so, and that is no error of ours.
func TestConflictIsSaid(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	e := explain(fmt.Errorf("save city: %w", manage.ErrConflict))
	if e.Status != http.StatusConflict || !b.site.Texts.Has(e.ID) {
		t.Errorf("said is %+v", e)
	}
}
