// Package manifests checks the manifests in deploy/ against the types of Kubernetes and Istio. It is a separate
// module, so that nothing else depends on them.
package manifests
