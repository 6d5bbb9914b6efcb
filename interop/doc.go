// Package interop runs the service with real callers behind real proxies, and against others' Cognitos.
//
// Its tests have the build tag interop, since they want more than Go; interop/run installs that and runs them.
package interop
