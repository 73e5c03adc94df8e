package frontend

import (
	"errors"

	"ticketfrei/manage"
)

// fieldErrors says what is wrong with a form: text ids by field name.
type fieldErrors map[string]string

// set records the text id of what is wrong with a field; "" means nothing.
func (e fieldErrors) set(field, textID string) {
	if textID != "" {
		e[field] = textID
	}
}

// problems returns what is wrong with what was typed, where err says that; else err.
func problems(err error) (*manage.Invalid, error) {
	if wrong, ok := errors.AsType[*manage.Invalid](err); ok {
		return wrong, nil
	}
	return nil, err
}
