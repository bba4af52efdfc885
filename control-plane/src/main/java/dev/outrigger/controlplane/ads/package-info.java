/** Aggregated discovery: one session for each stream, in both variants of the protocol. */
@NullMarked
package dev.outrigger.controlplane.ads;

import org.jspecify.annotations.NullMarked;
