//go:build !unix

package main

import "math"

// fileLimit is none where the system sets none.
func fileLimit() (uint64, error) { return math.MaxUint64, nil }
