/** The schemas of our kinds: one table of fields, from which the Kubernetes CRDs are made. */
@NullMarked
package dev.outrigger.controlplane.schema;

import org.jspecify.annotations.NullMarked;
