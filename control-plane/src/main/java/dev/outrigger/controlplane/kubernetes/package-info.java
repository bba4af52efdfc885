/** Desired state from a Kubernetes cluster, and what came of it back into the cluster. */
@NullMarked
package dev.outrigger.controlplane.kubernetes;

import org.jspecify.annotations.NullMarked;
