// Package interop runs the service with real callers behind real proxies, and against other emulators of Cognito.
//
// Its tests have the build tag interop, since they need more than Go; interop/run installs that and runs them.
package interop
