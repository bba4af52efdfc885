//go:build tools

// Package echo names the two programs of the suite's echo image, so that go.mod holds exactly what
// they need. The image that the suite names is made of Istio's echo.
package echo

import (
	_ "istio.io/istio/pkg/test/echo/cmd/client"
	_ "istio.io/istio/pkg/test/echo/cmd/server"
)
