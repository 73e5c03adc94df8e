package standin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The default and the highest limit of GET /api/v1/notifications.
const (
	defaultLimit = 40
	maxLimit     = 80
)

// notifications answers newest first. min_id gives those immediately after
// it, since_id the newest of all that came after it.
func (s *Server) notifications(a *Account, w http.ResponseWriter, r *http.Request) (any, int) {
	limit, err := strconv.Atoi(r.Form.Get("limit"))
	if err != nil || limit < 1 {
		limit = defaultLimit
	}
	page := a.page(r.Form, min(limit, maxLimit))
	list := make([]entity, len(page))
	for i, n := range page {
		list[i] = s.notificationEntity(n)
	}
	if len(page) > 0 {
		w.Header().Set("Link", s.links(r, page, limit))
	}
	return list, http.StatusOK
}

func (a *Account) page(q url.Values, limit int) []*notification {
	var found []*notification
	for _, n := range a.notifications {
		switch {
		case len(q["types[]"]) > 0 && !slices.Contains(q["types[]"], n.kind):
		case slices.Contains(q["exclude_types[]"], n.kind):
		case n.id <= q.Get("min_id"), n.id <= q.Get("since_id"):
		case q.Get("max_id") != "" && n.id >= q.Get("max_id"):
		default:
			found = append(found, n)
		}
	}
	if len(found) > limit {
		if q.Get("min_id") != "" {
			found = found[:limit]
		} else {
			found = found[len(found)-limit:]
		}
	}
	slices.Reverse(found)
	return found
}

// links is the Link header: next is older, prev is newer.
func (s *Server) links(r *http.Request, page []*notification, limit int) string {
	link := func(key, id, rel string) string {
		q := url.Values{key: {id}, "limit": {strconv.Itoa(limit)}}
		for _, t := range r.Form["types[]"] {
			q.Add("types[]", t)
		}
		return fmt.Sprintf(`<%s/api/v1/notifications?%s>; rel="%s"`, s.URL, q.Encode(), rel)
	}
	links := []string{}
	if len(page) == limit {
		links = append(links, link("max_id", page[len(page)-1].id, "next"))
	}
	return strings.Join(append(links, link("min_id", page[0].id, "prev")), ", ")
}

func (s *Server) policyV2(a *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	if s.options.Old {
		return message("Record not found"), http.StatusNotFound
	}
	if v := r.PostForm.Get("for_private_mentions"); v != "" {
		a.acceptPrivate = v == "accept"
	}
	private := "filter"
	if a.acceptPrivate {
		private = "accept"
	}
	return entity{"for_not_following": "accept", "for_not_followers": "accept", "for_new_accounts": "accept",
		"for_private_mentions": private, "for_limited_accounts": "filter",
		"summary": entity{"pending_requests_count": 0, "pending_notifications_count": a.filtered}}, http.StatusOK
}

func (s *Server) policyV1(a *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	if s.options.Old {
		return message("Record not found"), http.StatusNotFound
	}
	if v := r.PostForm.Get("filter_private_mentions"); v != "" {
		a.acceptPrivate = v == "false"
	}
	return entity{"filter_not_following": false, "filter_not_followers": false, "filter_new_accounts": false,
		"filter_private_mentions": !a.acceptPrivate}, http.StatusOK
}
