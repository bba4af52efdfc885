//go:build tools

// Package spire names the programs of SPIRE that the end-to-end tests run, so that go.mod holds
// exactly what they need.
package spire

import (
	_ "github.com/spiffe/spire/cmd/spire-agent"
	_ "github.com/spiffe/spire/cmd/spire-server"
)
