/** What end-to-end tests start and ask: processes, peers, meshes on loopback, a plain client. */
@NullMarked
package dev.outrigger.e2e.harness;

import org.jspecify.annotations.NullMarked;
