//go:build !unix

package main

// dumpNoCore has nothing to do where there are no core files.
func dumpNoCore() error { return nil }
