package filter

// Steps returns how many steps f takes at most.
func Steps(f *Filter) float64 { return f.steps }

// MaxSteps is how many it may take.
const MaxSteps = maxSteps
