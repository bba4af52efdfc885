module dev.outrigger/e2e/kubernetes/conformance/echo

go 1.26.0

require (
	istio.io/api v1.31.1
	istio.io/istio v0.0.0-20260827124520-eed52ebb66ad
)

// A version of its own that is published; the echo uses it through gRPC's xDS alone.
replace github.com/envoyproxy/go-control-plane/envoy => github.com/envoyproxy/go-control-plane/envoy v1.37.0
