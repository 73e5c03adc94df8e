package db

var (
	Encode  = encode
	Decode  = decode
	NewWire = newWire
)
