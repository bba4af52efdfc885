// Package conformance runs the Gateway API's own suite against the cluster of the kubeconfig.
package conformance

import (
	"testing"

	suite "sigs.k8s.io/gateway-api/conformance"
)

func TestConformance(t *testing.T) {
	suite.RunConformance(t)
}
