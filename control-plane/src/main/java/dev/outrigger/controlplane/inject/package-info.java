/**
 * Puts the sidecar into pods: one pure function for the webhook and for {@code outrigger inject}.
 */
@org.jspecify.annotations.NullMarked
package dev.outrigger.controlplane.inject;
