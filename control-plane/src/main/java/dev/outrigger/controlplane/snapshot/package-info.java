/** From desired state to xDS, one proxy at a time; pure functions. */
@NullMarked
package dev.outrigger.controlplane.snapshot;

import org.jspecify.annotations.NullMarked;
