package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"
)

// unwantedKept is how many words of a city are kept that are not to be suggested.
const unwantedKept = 500

// unwanted is what the words of the table unwanted_words are hashed for.
const unwanted = "unwanted word"

// unwantedAs is what is stored of a word: riders wrote it, so a server gets its keyed hash.
func (d *DB) unwantedAs(word string) string { return d.words.sameness(unwanted, word) }

// LeaveWord keeps that a word is not to be suggested to the moderators of a city any more.
func (d *DB) LeaveWord(ctx context.Context, cityID int64, word string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, `INSERT INTO unwanted_words (city_id, word)
			SELECT ?1, ?2 WHERE (SELECT count(*) FROM unwanted_words WHERE city_id = ?1) < ?3 ON CONFLICT DO NOTHING`, cityID, d.unwantedAs(word), unwantedKept)
		return err
	})
	if err != nil {
		return fmt.Errorf("leave a word: %w", err)
	}
	return nil
}

// LeftWords tells which words are not to be suggested to the moderators of a city.
func (d *DB) LeftWords(ctx context.Context, cityID int64) (left func(word string) bool, err error) {
	words, err := ReadColumn[string](ctx, d, "SELECT word FROM unwanted_words WHERE city_id = ?", cityID)
	if err != nil {
		return nil, fmt.Errorf("words that are left: %w", err)
	}
	stored := make(map[string]bool, len(words))
	for _, w := range words {
		stored[w] = true
	}
	return func(word string) bool { return stored[d.unwantedAs(word)] }, nil
}
