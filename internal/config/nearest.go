package config

// DidYouMean returns a hint with the candidate that name most likely stands for, as "did
// you mean line?"; empty where none is close.
func DidYouMean(name string, candidates []string) string { return didYouMean(name, candidates, ".") }
