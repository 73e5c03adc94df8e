// Package apicheck holds the API to its OpenAPI document: an independent library checks the
// document, and every request and answer against it, while a client that another one has
// generated from it sets up a city. Only its tests do anything.
package apicheck

// What the generated client needs, which is not there before the tests generate it.
import (
	_ "github.com/go-faster/errors"
	_ "github.com/go-faster/jx"
	_ "github.com/ogen-go/ogen/conv"
	_ "github.com/ogen-go/ogen/http"
	_ "github.com/ogen-go/ogen/json"
	_ "github.com/ogen-go/ogen/ogenerrors"
	_ "github.com/ogen-go/ogen/uri"
	_ "github.com/ogen-go/ogen/validate"
)
